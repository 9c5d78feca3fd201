//! [`ValueProgress`]: writes one value in steps of some elements.
//!
//! Between two steps, nothing of the value is borrowed. The progress stores where the next step continues: a
//! number of nodes or members, or the cursor of a scan over a table. The caller must not change the value
//! between two steps, so the scan visits each element exactly once.

use crate::error::SaveError;
use crate::format::code;
use crate::output::Output;
use crate::write::WriteVersion;
use core::fmt::Write as _;
use keyspace::values::list::NodeView;
use keyspace::values::{Element, ListView, SetView, ZSetView};
use keyspace::{Cursor, ValueRef};
use listpack::{ListPack, Value, View};
use std::io::Write;

/// This many bytes of a list's node use as much of a step's budget as one element.
const BYTES_PER_UNIT: usize = 64;

/// How far the writing of a value has come. See [`Writer::write_value`](crate::Writer::write_value).
#[derive(Clone, Copy, Debug)]
pub struct ValueProgress {
    code: u8,
    at: Position,
    /// The number of elements or nodes that are not written yet. It is 0 until their number has been written.
    left: u64,
}

#[derive(Clone, Copy, Debug)]
enum Position {
    Start,
    /// The number of nodes or members that have been written.
    Index(usize),
    /// The cursor of the scan over the table.
    ScanCursor(Cursor),
    Done,
}

impl ValueProgress {
    pub(crate) fn new(value: ValueRef<'_>, version: WriteVersion) -> Self {
        let code = match value {
            ValueRef::String(_) => code::STRING,
            ValueRef::List(_) => code::LIST_QUICKLIST_2,
            ValueRef::Set(set) => set_code(set, version),
            ValueRef::Hash(hash) if hash.as_packed().is_some() => code::HASH_LISTPACK,
            ValueRef::Hash(_) => code::HASH,
            ValueRef::ZSet(zset) if zset.as_packed().is_some() => code::ZSET_LISTPACK,
            ValueRef::ZSet(_) => code::ZSET_2,
        };
        Self { code, at: Position::Start, left: 0 }
    }

    /// Returns the number of the value's type in the format.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Returns `true` if the whole value has been written.
    pub fn is_complete(&self) -> bool {
        matches!(self.at, Position::Done)
    }

    /// Writes about `elements` more elements. Returns `true` if the whole value has been written.
    #[inline]
    pub(crate) fn write<W: Write>(
        &mut self,
        output: &mut Output<W>,
        value: ValueRef<'_>,
        elements: usize,
    ) -> Result<bool, SaveError> {
        if let (Position::Start, ValueRef::String(string)) = (self.at, value) {
            output.string(string)?;
            self.at = Position::Done;
        } else {
            self.write_collection(output, value, elements)?;
        }
        Ok(self.is_complete())
    }

    fn write_collection<W: Write>(
        &mut self,
        output: &mut Output<W>,
        value: ValueRef<'_>,
        elements: usize,
    ) -> Result<(), SaveError> {
        let is_start = matches!(self.at, Position::Start);
        match (self.code, value) {
            (_, _) if self.is_complete() => return Ok(()),
            (code::LIST_QUICKLIST_2, ValueRef::List(list)) => {
                if is_start {
                    self.begin(output, list.node_count(), Position::Index(0))?;
                }
                self.write_nodes(output, list, elements)?;
            }
            (code::SET_INTSET | code::SET_LISTPACK, ValueRef::Set(set)) => {
                return self.write_packed(output, set.as_packed());
            }
            (code::HASH_LISTPACK, ValueRef::Hash(hash)) => {
                return self.write_packed(output, hash.as_packed());
            }
            (code::ZSET_LISTPACK, ValueRef::ZSet(zset)) => {
                let repacked = zset.as_packed().map(repacked_scores).transpose()?.flatten();
                let packed = repacked.as_ref().map(|list| list.as_bytes());
                return self.write_packed(output, packed.or(zset.as_packed()));
            }
            (code::SET, ValueRef::Set(set)) => {
                if is_start {
                    self.begin(output, set.len(), Position::ScanCursor(Cursor::START))?;
                }
                self.write_scanned(output, elements, |cursor, each| {
                    set.scan(cursor, |member| each(member, None))
                })?;
            }
            (code::HASH, ValueRef::Hash(hash)) => {
                if is_start {
                    self.begin(output, hash.len(), Position::ScanCursor(Cursor::START))?;
                }
                self.write_scanned(output, elements, |cursor, each| {
                    hash.scan(cursor, |field, value| each(field, Some(value)))
                })?;
            }
            (code::ZSET_2, ValueRef::ZSet(zset)) => {
                if is_start {
                    self.begin(output, zset.len(), Position::Index(0))?;
                }
                self.write_members(output, zset, elements)?;
            }
            _ => return Err(SaveError::Changed),
        }
        Ok(())
    }

    /// Writes the number of elements or nodes. The first element is written at `at`.
    fn begin<W: Write>(&mut self, output: &mut Output<W>, len: usize, at: Position) -> Result<(), SaveError> {
        output.len(len as u64)?;
        (self.at, self.left) = (at, len as u64);
        Ok(())
    }

    fn write_packed<W: Write>(
        &mut self,
        output: &mut Output<W>,
        packed: Option<&[u8]>,
    ) -> Result<(), SaveError> {
        output.bytes(packed.ok_or(SaveError::Changed)?)?;
        self.at = Position::Done;
        Ok(())
    }

    /// Counts an element that is about to be written.
    #[inline]
    fn count(&mut self) -> Result<(), SaveError> {
        self.left = self.left.checked_sub(1).ok_or(SaveError::Changed)?;
        Ok(())
    }

    /// Returns an error if the value no longer has as many elements or nodes as at the beginning. `written`
    /// is the number of those that have been written, and `len` is the present number.
    fn check_len(&self, written: usize, len: usize) -> Result<(), SaveError> {
        if (written as u64).checked_add(self.left) == Some(len as u64) {
            Ok(())
        } else {
            Err(SaveError::Changed)
        }
    }

    /// Ends the value. Returns an error if elements are missing.
    fn end(&mut self) -> Result<(), SaveError> {
        self.at = Position::Done;
        if self.left == 0 { Ok(()) } else { Err(SaveError::Changed) }
    }

    fn write_nodes<W: Write>(
        &mut self,
        output: &mut Output<W>,
        list: ListView<'_>,
        mut budget: usize,
    ) -> Result<(), SaveError> {
        const PLAIN: u8 = 1;
        const PACKED: u8 = 2;
        let Position::Index(mut index) = self.at else { return Err(SaveError::Changed) };
        self.check_len(index, list.node_count())?;
        for node in list.nodes_from(index) {
            if budget == 0 {
                self.at = Position::Index(index);
                return Ok(());
            }
            self.count()?;
            let before = output.offset();
            match node {
                NodeView::Packed(pack) => {
                    output.byte(PACKED)?;
                    output.bytes(pack.as_bytes())?;
                }
                NodeView::Plain(element) => {
                    output.byte(PLAIN)?;
                    output.bytes(element)?;
                }
                NodeView::Compressed { is_plain, raw_len, stream } => {
                    output.byte(if is_plain { PLAIN } else { PACKED })?;
                    output.stream(stream, raw_len)?;
                }
            }
            index += 1;
            budget = budget.saturating_sub(1 + (output.offset() - before) as usize / BYTES_PER_UNIT);
        }
        self.end()
    }

    /// Writes members of a sorted set, from the highest score to the lowest. With this order, a reader
    /// inserts each member at the front of its index.
    fn write_members<W: Write>(
        &mut self,
        output: &mut Output<W>,
        zset: ZSetView<'_>,
        budget: usize,
    ) -> Result<(), SaveError> {
        let Position::Index(index) = self.at else { return Err(SaveError::Changed) };
        self.check_len(index, zset.len())?;
        for (member, score) in zset.iter().rev().skip(index).take(budget) {
            self.count()?;
            output.text(member)?;
            output.raw(&score.to_le_bytes())?;
        }
        if self.left == 0 || budget >= zset.len().saturating_sub(index) {
            return self.end();
        }
        self.at = Position::Index(index + budget);
        Ok(())
    }

    /// Writes members of a set or fields of a hash. A call of `scan` visits one place of their table, so a
    /// step can exceed the budget by the elements of one place.
    fn write_scanned<W: Write>(
        &mut self,
        output: &mut Output<W>,
        budget: usize,
        scan: impl Fn(Cursor, &mut dyn FnMut(Element<'_>, Option<Element<'_>>)) -> Cursor,
    ) -> Result<(), SaveError> {
        let Position::ScanCursor(mut cursor) = self.at else { return Err(SaveError::Changed) };
        let last = self.left.saturating_sub(budget as u64);
        loop {
            let mut result = Ok(());
            cursor = scan(cursor, &mut |element, value| {
                if result.is_ok() {
                    result = self.count().and_then(|()| output.text(element));
                    if let (Ok(()), Some(value)) = (&result, value) {
                        result = output.text(value);
                    }
                }
            });
            result?;
            if cursor.is_start() {
                return self.end();
            }
            if self.left <= last && self.left > 0 {
                self.at = Position::ScanCursor(cursor);
                return Ok(());
            }
        }
    }
}

fn set_code(set: SetView<'_>, version: WriteVersion) -> u8 {
    use keyspace::values::Encoding;
    match set.encoding() {
        Encoding::IntSet => code::SET_INTSET,
        Encoding::ListPack if version != WriteVersion::V10 => code::SET_LISTPACK,
        _ => code::SET,
    }
}

/// Returns the listpack of a sorted set with its doubles as text, or `None` if it has no doubles. Doubles in
/// a listpack are an extension of this project, which no server can read.
fn repacked_scores(bytes: &[u8]) -> Result<Option<ListPack>, SaveError> {
    let Ok(list) = View::new(bytes) else { return Ok(None) };
    if !list.iter().any(|value| matches!(value, Value::Double(_))) {
        return Ok(None);
    }
    let mut repacked = ListPack::new();
    for value in list {
        let pushed = match value {
            Value::Double(score) => repacked.try_push_back(Value::raw(ScoreText::of(score).bytes())),
            value => repacked.try_push_back(value),
        };
        pushed?;
    }
    Ok(Some(repacked))
}

/// The text of a score, with the fewest digits that parse to the same number. It has an exponent only if it
/// would otherwise be longer than [`MAX`](Self::MAX).
struct ScoreText {
    bytes: [u8; Self::MAX],
    len: usize,
}

impl ScoreText {
    /// The length of the longest text: sign, 17 digits, point and exponent, as in `-1.2345678901234567e-308`.
    const MAX: usize = 24;

    fn of(score: f64) -> Self {
        let mut text = Self { bytes: [0; Self::MAX], len: 0 };
        if write!(text, "{score}").is_err() {
            text.len = 0;
            let written = write!(text, "{score:e}");
            debug_assert!(written.is_ok(), "no number is longer");
        }
        text
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl core::fmt::Write for ScoreText {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let room = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(core::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}
