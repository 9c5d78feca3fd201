//! Conversion between options and the text of a redis.conf.

use super::directive::{DIRECTIVES, Directive};
use super::{ConfError, ConfErrorKind, Options};
use core::fmt;

/// The contents of a redis.conf: options, and directives that are unknown here. See [`Options::from_conf`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parsed<'a> {
    /// The options. Directives that are not in the text have their defaults.
    pub options: Options,
    /// Directives that do not concern a keyspace, in the order of the text. They have no effect here.
    pub unknown: Vec<UnknownDirective<'a>>,
}

/// A line of a redis.conf that does not concern a keyspace, such as `port 6379`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownDirective<'a> {
    /// The number of the line. The first line has the number 1.
    pub line: usize,
    /// The line, without whitespace at its ends. [`sds::split_args`] can split it. The line may contain a
    /// secret, such as a password.
    pub text: &'a [u8],
}

impl Options {
    /// Reads the text of a redis.conf.
    ///
    /// A line has one directive and its argument, and both may be quoted. Blank lines and lines that begin
    /// with `#` are skipped. Names of directives may be in upper or lower case. Names from before Redis 7.0,
    /// such as `hash-max-ziplist-entries`, are accepted too.
    ///
    /// Amounts of memory may have a unit: `k`, `m` and `g` are powers of 1,000, and `kb`, `mb` and `gb` are
    /// powers of 1,024. If two lines have the same directive, the later line counts. Other files are not
    /// included.
    ///
    /// # Errors
    ///
    /// Returns an error for the first line that cannot be split into arguments, or that has a known directive
    /// with an invalid argument. Unknown directives are not an error. They are in [`Parsed::unknown`].
    ///
    /// ```
    /// use keyspace::{ConfErrorKind, Options};
    /// let parsed = Options::from_conf(b"# small hashes\nport 6379\nhash-max-listpack-value 1kb\n")?;
    /// assert_eq!(parsed.options, Options::new().hash_max_listpack_value(1024));
    /// assert_eq!((parsed.unknown[0].line, parsed.unknown[0].text), (2, &b"port 6379"[..]));
    ///
    /// let error = Options::from_conf(b"\nactive-expire-effort 11").unwrap_err();
    /// assert_eq!(error.line, 2);
    /// assert_eq!(error.kind, ConfErrorKind::OutOfRange { directive: "active-expire-effort", min: 1, max: 10 });
    /// # Ok::<(), keyspace::ConfError>(())
    /// ```
    pub fn from_conf(text: &[u8]) -> Result<Parsed<'_>, ConfError> {
        let mut parsed = Parsed { options: Self::new(), unknown: Vec::new() };
        for (index, text) in text.split(|byte| *byte == b'\n').enumerate() {
            let (line, text) = (index + 1, text.trim_ascii());
            if matches!(text, [] | [b'#', ..]) {
                continue;
            }
            let fail = |kind| ConfError { line, kind };
            let arguments = sds::split_args(text).map_err(|error| fail(ConfErrorKind::Syntax(error)))?;
            let [name, arguments @ ..] = &arguments[..] else { continue };
            match Directive::find(name) {
                Some(directive) => {
                    parsed.options = directive.read(parsed.options, arguments).map_err(fail)?;
                }
                None => parsed.unknown.push(UnknownDirective { line, text }),
            }
        }
        Ok(parsed)
    }

    /// Changes one option by the name of its directive. Returns `false` and changes nothing if the directive
    /// is unknown. Names are accepted as by [`from_conf`](Self::from_conf). O(directives). In C: `CONFIG
    /// SET`.
    ///
    /// # Errors
    /// If the argument is not valid, or if there is not exactly one. The options are then unchanged.
    ///
    /// ```
    /// use keyspace::Options;
    /// let mut options = Options::new();
    /// assert!(options.set_directive(b"maxmemory", &[b"100mb"])?);
    /// assert_eq!(options.directive_value(b"maxmemory").as_deref(), Some("104857600"));
    /// assert!(!options.set_directive(b"port", &[b"6379"])?);
    /// # Ok::<(), keyspace::ConfErrorKind>(())
    /// ```
    pub fn set_directive(
        &mut self,
        name: &[u8],
        arguments: &[impl AsRef<[u8]>],
    ) -> Result<bool, ConfErrorKind> {
        let Some(directive) = Directive::find(name) else { return Ok(false) };
        *self = directive.read(*self, arguments)?;
        Ok(true)
    }

    /// Returns the value of a directive as text, or `None` if the directive is unknown. Amounts of memory are
    /// in bytes. O(directives). In C: `CONFIG GET`.
    pub fn directive_value(&self, name: &[u8]) -> Option<String> {
        let directive = Directive::find(name)?;
        Some(fmt::from_fn(|f| directive.write(self, f)).to_string())
    }

    /// Returns the present name of a directive, for its name or its name before Redis 7.0, in upper or lower
    /// case. Returns `None` if the directive is unknown. O(directives).
    pub fn directive_name(name: &[u8]) -> Option<&'static str> {
        Directive::find(name).map(|directive| directive.name)
    }

    /// Returns an iterator over the names of all directives.
    pub fn directive_names() -> impl Iterator<Item = &'static str> {
        DIRECTIVES.iter().map(|directive| directive.name)
    }
}

/// Writes the text of a redis.conf with all options, one per line.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for directive in &DIRECTIVES {
            write!(f, "{} ", directive.name)?;
            directive.write(self, f)?;
            f.write_str("\n")?;
        }
        Ok(())
    }
}
