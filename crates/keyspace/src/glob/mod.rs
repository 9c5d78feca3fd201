//! Glob patterns with the rules of Redis, for `KEYS` and for the option `MATCH` of `SCAN`.
//!
//! ```text
//! pattern = part*
//! part    = "*"                         any number of bytes, also none
//!         | "?"                         one byte
//!         | "[" "^"? member* "]"        one byte of a class; with "^", one byte outside of it
//!         | "\" any                     that byte
//!         | any                         that byte; so a "\" at the end of the pattern is a "\"
//! member  = "\" any                     that byte
//!         | any "-" any                 a range; the ends may come in either order
//!         | any but "]"                 that byte
//! ```
//!
//! A member has the first of the three forms that matches. This has four consequences:
//!
//! - `[]` matches no byte, and `[^]` matches every byte. A `]` closes the class wherever a member could
//!   begin.
//! - The second end of a range can be any byte, even a bracket or a backslash. So `[a-]` has the range from
//!   `]` to `a`, and is not closed.
//! - A class that is not closed ends with the pattern. So `[ab` is the same as `[ab]`, and `[` matches no
//!   byte.
//! - A `-` makes a range if an unescaped byte that begins a member precedes it, and any byte follows it.
//!   Elsewhere a `-` is a plain byte: as the first member, after an escaped byte, after a range, or as the
//!   last byte of the pattern.
//!
//! Two rules exist only because the code of Redis behaves this way:
//!
//! - The empty text matches only the empty pattern and `*`. It does not match `**`.
//! - The bytes of a range are signed numbers, because `char` is signed in C on x86-64. So `[a-\xff]` has the
//!   bytes `\xff`, `\x00`, and all bytes up to `a`. The sign makes no difference in the usual case, where
//!   both ends are below 128 or both are not.
//!
//! There is one difference: Redis reports no match if its recursion passes more than 1,000 stars of a
//! pattern. Here a pattern may have any number of stars.
//!
//! # Time
//!
//! The matcher reads the pattern and the text side by side, and remembers only the last star. After a
//! mismatch it continues after that star, with the text one byte further on. It never has to return to an
//! earlier star: the part between two stars was matched as early as possible, and a later match would leave
//! less text for the rest.
//!
//! The matcher goes back at most once for each byte of the text. Between two such steps it reads each byte of
//! the pattern at most once. So it reads at most `(pattern + 1) * (text + 1)` bytes of the pattern. It reads
//! about `pattern + text` if the part after a star rarely begins to match. It allocates no memory.
//!
//! Learned from: Redis' `util.c` (`stringmatchlen`) for the rules. The algorithm is from textbooks.

/// Returns whether all of `text` matches `pattern`. The comparison is case-sensitive. In C: `stringmatchlen`,
/// and the shortcut for `*` in `KEYS` and `SCAN`.
///
/// Every pattern is valid. Usually O(`pattern` + `text`), and O(`pattern` x `text`) in the worst case.
///
/// ```
/// use keyspace::glob_match;
/// assert!(glob_match(b"user:*:name", b"user:1000:name"));
/// assert!(glob_match(b"h[a-e]?lo\\*", b"hello*"));
/// assert!(!glob_match(b"h[^a-e]llo", b"hello"));
/// ```
pub fn glob_match(pattern: &[u8], text: &[u8]) -> bool {
    matches(pattern, text, |_| ())
}

/// A pattern that is compared with many texts.
///
/// ```
/// use keyspace::Glob;
/// let glob = Glob::new(b"user:*");
/// assert!(glob.is_match(b"user:7") && !glob.is_match(b"group:7"));
/// assert_eq!(glob.literal(), None);
/// assert_eq!(Glob::new(b"user:7").literal(), Some(&b"user:7"[..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glob<'a> {
    pattern: &'a [u8],
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `*`.
    Everything,
    /// No byte has a special meaning.
    Literal,
    Pattern,
}

impl<'a> Glob<'a> {
    /// Returns a glob of this pattern. O(`pattern`).
    pub fn new(pattern: &'a [u8]) -> Self {
        let kind = if pattern == b"*" {
            Kind::Everything
        } else if pattern.iter().any(|byte| b"*?[\\".contains(byte)) {
            Kind::Pattern
        } else {
            Kind::Literal
        };
        Self { pattern, kind }
    }

    /// Returns the pattern as it was passed to [`new`](Self::new).
    pub fn pattern(&self) -> &'a [u8] {
        self.pattern
    }

    /// Returns whether the pattern is `*`, which matches every text.
    pub fn matches_everything(&self) -> bool {
        self.kind == Kind::Everything
    }

    /// Returns the only text that matches, if the pattern has none of the bytes `*`, `?`, `[` and `\`. One
    /// look-up can then replace a scan.
    pub fn literal(&self) -> Option<&'a [u8]> {
        (self.kind == Kind::Literal).then_some(self.pattern)
    }

    /// Returns whether all of `text` matches the pattern, as [`glob_match`] does.
    pub fn is_match(&self, text: &[u8]) -> bool {
        match self.kind {
            Kind::Everything => true,
            Kind::Literal => self.pattern == text,
            Kind::Pattern => glob_match(self.pattern, text),
        }
    }
}

/// Like [`glob_match`], but calls `on_read` with the number of bytes of the pattern that each step reads.
fn matches(pattern: &[u8], text: &[u8], mut on_read: impl FnMut(usize)) -> bool {
    if text.is_empty() {
        return matches!(pattern, [] | [b'*']);
    }
    let (mut pattern_at, mut text_at) = (0, 0);
    // The position in the pattern after the last star. The position in the text where that part of the
    // pattern was last tried.
    let mut last_star = None;
    while text_at < text.len() {
        let rest = &pattern[pattern_at..];
        match rest {
            [b'*'] => return true,
            [b'*', ..] => {
                on_read(1);
                pattern_at += 1;
                last_star = Some((pattern_at, text_at));
                continue;
            }
            [] => {}
            _ => {
                let (is_match, len) = match_one(rest, text[text_at]);
                on_read(len);
                if is_match {
                    pattern_at += len;
                    text_at += 1;
                    continue;
                }
            }
        }
        let Some((behind_star, tried_at)) = last_star else { return false };
        (pattern_at, text_at) = (behind_star, tried_at + 1);
        last_star = Some((pattern_at, text_at));
    }
    pattern[pattern_at..].iter().all(|byte| *byte == b'*')
}

/// Returns whether `byte` matches the first part of a pattern, and the length of that part. The pattern is
/// not empty and does not begin with a star.
fn match_one(pattern: &[u8], byte: u8) -> (bool, usize) {
    match pattern {
        [b'?', ..] => (true, 1),
        [b'[', class @ ..] => {
            let (is_match, len) = match_class(class, byte);
            (is_match, 1 + len)
        }
        [b'\\', escaped, ..] => (*escaped == byte, 2),
        [plain, ..] => (*plain == byte, 1),
        [] => (false, 0),
    }
}

/// Returns whether `byte` matches a class, and the length of the class. `class` begins after the opening
/// bracket. The length includes the closing bracket.
fn match_class(class: &[u8], byte: u8) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        let (start, end, len) = match &class[at..] {
            [] => return (found != negated, at),
            [b']', ..] => return (found != negated, at + 1),
            [b'\\', escaped, ..] => (*escaped, *escaped, 2),
            [start, b'-', end, ..] => (*start, *end, 3),
            [plain, ..] => (*plain, *plain, 1),
        };
        let [start, end, byte] = [start, end, byte].map(|byte| byte as i8);
        found |= (start.min(end)..=start.max(end)).contains(&byte);
        at += len;
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests;
