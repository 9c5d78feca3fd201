//! Redis' patterns, as `KEYS` and the option `MATCH` of `SCAN` have them.
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
//! A member is the first of the three forms that fits. These cases follow from that:
//!
//! - `[]` matches no byte, and `[^]` matches every byte: a bracket closes the class wherever a member could
//!   start.
//! - The last end of a range may be any byte, also a bracket or a backslash: `[a-]` has the range from `]` to
//!   `a` and no end.
//! - A class without an end ends with the pattern: `[ab` is `[ab]`, and `[` matches no byte.
//! - A `-` that is escaped, first, or last before the end of the pattern is a plain byte.
//!
//! Two answers are as they are in Redis only because its code is as it is:
//!
//! - The empty text matches the empty pattern and `*` alone. It does not match `**`.
//! - The bytes of a range are signed numbers, as `char` is in C on x86-64: `[a-\xff]` has the bytes `\xff`,
//!   `\x00`, and on to `a`. Both ends below or both above 128 is the usual case, and there the sign changes
//!   nothing.
//!
//! Redis answers that nothing matches when it has gone into more than 1,000 stars of one pattern. Here a
//! pattern may have any number of stars.
//!
//! # Time
//!
//! A match goes through pattern and text side by side and remembers the last star only. After a mismatch it
//! goes on behind that star, one byte of text further. Earlier stars need no second try: what stands between
//! two stars was found as early as possible, and a later place leaves less text to the rest. The matcher goes
//! back at most once a byte of text. Between two such steps it reads each byte of the pattern at most once.
//! So it reads at most `(pattern + 1) * (text + 1)` bytes of the pattern. It reads about `pattern + text`
//! where what follows a star rarely begins to match. No memory is allocated.
//!
//! Learned from: Redis' `util.c` (`stringmatchlen`) for the answers; the algorithm is the textbook's.

/// Whether the whole of `text` matches `pattern`, case sensitive. In C: `stringmatchlen`, and the short cut
/// for `*` that `KEYS` and `SCAN` take before it.
///
/// Every pattern is valid. Takes O(`pattern` + `text`) steps usually and O(`pattern` x `text`) at most.
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

/// A pattern that is matched with many texts.
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
    /// Reads the pattern once, in O(`pattern`).
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

    /// The pattern, as it was given.
    pub fn pattern(&self) -> &'a [u8] {
        self.pattern
    }

    /// Whether the pattern is `*`, so that there is nothing to compare.
    pub fn matches_everything(&self) -> bool {
        self.kind == Kind::Everything
    }

    /// The only text that matches, if the pattern is plain bytes without `*`, `?`, `[` and `\`. One look-up
    /// then answers a whole scan.
    pub fn literal(&self) -> Option<&'a [u8]> {
        (self.kind == Kind::Literal).then_some(self.pattern)
    }

    /// As [`glob_match`].
    pub fn is_match(&self, text: &[u8]) -> bool {
        match self.kind {
            Kind::Everything => true,
            Kind::Literal => self.pattern == text,
            Kind::Pattern => glob_match(self.pattern, text),
        }
    }
}

/// As [`glob_match`]. Calls `on_read` with the number of bytes of the pattern that each step reads.
fn matches(pattern: &[u8], text: &[u8], mut on_read: impl FnMut(usize)) -> bool {
    if text.is_empty() {
        return matches!(pattern, [] | [b'*']);
    }
    let (mut pattern_at, mut text_at) = (0, 0);
    // What stands behind the last star, and the text that it was last tried with.
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

/// Whether `byte` matches the first part of a pattern that is not empty and does not start with a star, and
/// that part's length.
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

/// Whether `byte` matches the class that starts behind its opening bracket, and the length up to behind its
/// closing bracket.
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
