//! The command `LCS`.

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::numbers::integer;
use crate::spec::flags::READONLY;
use crate::spec::{Keys, Spec, row};
use values::ObjectType;

pub(super) const COMMANDS: &[Spec] = &[row("lcs", -3, READONLY, Keys::TWO, lcs)
    .doc("7.0.0", "Returns the longest common subsequence of two strings.")];

/// A run of bytes that both strings have: where it begins in each, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Match {
    a: usize,
    b: usize,
    len: usize,
}

/// The lengths of the longest common subsequences of all prefixes of two strings.
struct Lengths<'s> {
    a: &'s [u8],
    b: &'s [u8],
    /// One row for each prefix of `a`, and in it one number for each prefix of `b`.
    cells: Vec<u32>,
}

impl<'s> Lengths<'s> {
    /// Fills the table. It takes at most `max_size` bytes.
    fn new(a: &'s [u8], b: &'s [u8], max_size: usize) -> Result<Self, CommandError> {
        if a.len().max(b.len()) >= u32::MAX as usize - 1 {
            return Err(CommandError::new("ERR String too long for LCS"));
        }
        let failed = CommandError::new("ERR Insufficient memory, failed allocating transient memory for LCS");
        let cells = (a.len() + 1).checked_mul(b.len() + 1);
        let Some((cells, size)) = cells.and_then(|cells| Some((cells, cells.checked_mul(size_of::<u32>())?)))
        else {
            return Err(failed);
        };
        if size > max_size {
            return Err(CommandError::new(
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
            ));
        }
        let mut table = Self { a, b, cells: Vec::new() };
        table.cells.try_reserve_exact(cells).map_err(|_| failed)?;
        table.cells.resize(b.len() + 1, 0);
        for (i, byte) in a.iter().enumerate() {
            let above = i * (b.len() + 1);
            let mut left = 0;
            table.cells.push(left);
            for (j, other) in b.iter().enumerate() {
                left = if byte == other {
                    table.cells[above + j] + 1
                } else {
                    left.max(table.cells[above + j + 1])
                };
                table.cells.push(left);
            }
        }
        Ok(table)
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.b.len() + 1) + j]
    }

    /// Returns the length of the longest common subsequence.
    fn len(&self) -> usize {
        self.at(self.a.len(), self.b.len()) as usize
    }

    /// Calls `f` with the runs that make up the longest common subsequence, the last one first.
    fn for_each_match(&self, mut f: impl FnMut(Match)) {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        let mut run = Match { a: 0, b: 0, len: 0 };
        while i > 0 && j > 0 {
            if self.a[i - 1] == self.b[j - 1] {
                (i, j) = (i - 1, j - 1);
                run = Match { a: i, b: j, len: run.len + 1 };
                continue;
            }
            if run.len > 0 {
                f(std::mem::replace(&mut run, Match { a: 0, b: 0, len: 0 }));
            }
            if self.at(i - 1, j) > self.at(i, j - 1) { i -= 1 } else { j -= 1 }
        }
        if run.len > 0 {
            f(run);
        }
    }
}

fn lcs(call: &mut Call<'_>) -> Outcome {
    let (first, second, now) = (call.args.at(1), call.args.at(2), call.now);
    let types = [first, second].map(|key| call.read_type(key));
    if types.into_iter().flatten().any(|found| found != ObjectType::String) {
        return Err(CommandError::new("ERR The specified keys must contain string values"));
    }
    let (mut gives_len, mut gives_matches, mut with_len, mut min_len) = (false, false, false, 0);
    let mut index = 3;
    while index < call.args.len() {
        if call.args.is(index, "IDX") {
            gives_matches = true;
        } else if call.args.is(index, "LEN") {
            gives_len = true;
        } else if call.args.is(index, "WITHMATCHLEN") {
            with_len = true;
        } else if call.args.is(index, "MINMATCHLEN") {
            index += 1;
            let number = integer(call.args.get(index).ok_or(CommandError::SYNTAX)?)?;
            min_len = usize::try_from(number).unwrap_or(0);
        } else {
            return Err(CommandError::SYNTAX);
        }
        index += 1;
    }
    if gives_len && gives_matches {
        return Err(CommandError::new("ERR If you want both the length and indexes, please just use IDX."));
    }
    let max_size = call.limits().proto_max_bulk_len;
    let (keys, reply) = call.parts();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    keys.get_into(first, &mut a, now)?;
    keys.get_into(second, &mut b, now)?;
    let table = Lengths::new(&a, &b, max_size)?;
    if gives_matches {
        reply.map(2);
        reply.bulk(b"matches");
        let (at, mut len) = (reply.defer(), 0);
        table.for_each_match(|found| {
            if found.len >= min_len {
                len += 1;
                reply.array(if with_len { 3 } else { 2 });
                for start in [found.a, found.b] {
                    reply.array(2);
                    reply.count(start);
                    reply.count(start + found.len - 1);
                }
                if with_len {
                    reply.count(found.len);
                }
            }
        });
        reply.end_array(at, len);
        reply.bulk(b"len");
        reply.count(table.len());
    } else if gives_len {
        reply.count(table.len());
    } else {
        let mut text = vec![0; table.len()];
        let mut end = text.len();
        table.for_each_match(|found| {
            text[end - found.len..end].copy_from_slice(&a[found.a..found.a + found.len]);
            end -= found.len;
        });
        reply.bulk(&text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_found_from_the_back() {
        let table = Lengths::new(b"ohmytext", b"mynewtext", usize::MAX).unwrap_or_else(|_| unreachable!());
        let mut matches = Vec::new();
        table.for_each_match(|found| matches.push((found.a, found.b, found.len)));
        assert_eq!((table.len(), matches), (6, vec![(4, 5, 4), (2, 0, 2)]));
        assert!(Lengths::new(b"ab", b"c", 23).is_err() && Lengths::new(b"ab", b"c", 24).is_ok());
    }
}
