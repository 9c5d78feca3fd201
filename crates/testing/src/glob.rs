//! A simple matcher of Redis' patterns: an oracle for the tests of faster ones.
//!
//! The matcher splits the pattern into parts. For each part, it computes the set of positions in the text at
//! which a match of the parts so far can end. The time is O(pattern x text) for every input, so the oracle
//! also works for long inputs.

/// A pattern, split into parts. The answers are those of `KEYS` and `SCAN`: `*` alone matches the empty text,
/// but `**` does not.
///
/// ```
/// let glob = testing::NaiveGlob::new(b"h[^e]*o");
/// assert!(glob.is_match(b"hallo") && !glob.is_match(b"hello"));
/// ```
pub struct NaiveGlob<'a> {
    pattern: &'a [u8],
    parts: Vec<Part>,
}

enum Part {
    /// Any number of bytes.
    Many,
    /// One byte out of a set. The array has `true` at each byte of the set.
    One(Box<[bool; 256]>),
}

impl<'a> NaiveGlob<'a> {
    /// Splits the pattern into parts.
    pub fn new(pattern: &'a [u8]) -> Self {
        let mut bytes = pattern.iter().copied();
        let mut parts = Vec::new();
        while let Some(byte) = bytes.next() {
            parts.push(match byte {
                b'*' => Part::Many,
                b'?' => Part::One(Box::new([true; 256])),
                b'[' => Part::One(class(&mut bytes)),
                b'\\' => single(bytes.next().unwrap_or(b'\\')),
                _ => single(byte),
            });
        }
        Self { pattern, parts }
    }

    /// Returns `true` if the whole text matches.
    pub fn is_match(&self, text: &[u8]) -> bool {
        if text.is_empty() {
            return matches!(self.pattern, [] | [b'*']);
        }
        // `reached[i]`: the parts so far match the first `i` bytes of the text.
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for part in &self.parts {
            reached = match part {
                Part::Many => {
                    let first = reached.iter().position(|is_reached| *is_reached).unwrap_or(reached.len());
                    (0..reached.len()).map(|at| at >= first).collect()
                }
                Part::One(set) => {
                    let behind =
                        text.iter().zip(&reached).map(|(byte, before)| *before && set[usize::from(*byte)]);
                    std::iter::once(false).chain(behind).collect()
                }
            };
        }
        reached[text.len()]
    }
}

fn single(byte: u8) -> Part {
    let mut set = Box::new([false; 256]);
    set[usize::from(byte)] = true;
    Part::One(set)
}

/// Reads a class and returns its set. The caller has read the opening bracket. This function reads the
/// closing one.
fn class(bytes: &mut (impl Iterator<Item = u8> + Clone)) -> Box<[bool; 256]> {
    let mut members = Vec::new();
    let mut is_first = true;
    let mut negated = false;
    while let Some(byte) = bytes.next() {
        let ahead: Vec<u8> = bytes.clone().take(2).collect();
        if is_first && byte == b'^' {
            negated = true;
        } else if byte == b']' {
            break;
        } else if byte == b'\\' && !ahead.is_empty() {
            members.extend(bytes.next());
        } else if ahead.len() == 2 && ahead[0] == b'-' {
            // A range compares bytes as signed numbers, because `char` is signed in C on x86-64.
            let (start, end) = (byte as i8, ahead[1] as i8);
            members.extend((start.min(end)..=start.max(end)).map(|member| member as u8));
            bytes.nth(1);
        } else {
            members.push(byte);
        }
        is_first = false;
    }
    let mut set = Box::new([negated; 256]);
    members.into_iter().for_each(|member| set[usize::from(member)] = !negated);
    set
}
