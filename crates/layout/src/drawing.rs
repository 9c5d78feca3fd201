//! What a drawing consists of: frames with blocks and grids. [`text`](crate::text) and [`svg`](crate::svg) draw it.

use common::{Part, PartBytes, Thousands};

/// The states of a structure, in the order in which it takes them.
pub struct Series {
    /// The name on the command line, and of the file.
    pub name: &'static str,
    /// What the series shows, for the list of all series.
    pub about: &'static str,
    /// The states.
    pub frames: Vec<Frame>,
}

/// One state.
pub struct Frame {
    /// What has happened.
    pub caption: String,
    /// The parts of the state.
    pub panels: Vec<Panel>,
}

/// A part of a frame.
pub enum Panel {
    /// The bytes of a block.
    Block(Block),
    /// Rows of small boxes.
    Grid(Grid),
}

/// The bytes of a block.
pub struct Block {
    /// What the block is.
    pub label: String,
    /// Its parts, in the order of the bytes.
    pub parts: Vec<Part>,
}

/// Rows of small boxes, such as the slots of a table.
pub struct Grid {
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of a [`Grid`].
pub struct Row {
    /// The text in front of the row.
    pub label: String,
    /// The boxes.
    pub cells: Vec<Cell>,
}

/// A small box.
pub struct Cell {
    /// The text in the box: at most three characters.
    pub text: String,
    /// How the box is drawn.
    pub look: Look,
}

/// How a box is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// An outline.
    Plain,
    /// Filled. The caption says what it means.
    Marked,
    /// A faint outline.
    Faint,
    /// A thin outline: a slot without an entry.
    Free,
    /// A number without a box.
    Number,
    /// Nothing: the place of a box.
    Blank,
}

impl Cell {
    /// Returns a box with a text of at most three characters.
    pub fn new(text: impl ToString, look: Look) -> Self {
        Self { text: text.to_string(), look }
    }
}

impl Frame {
    /// Returns a state with a caption and its parts.
    pub fn new(caption: impl Into<String>, panels: Vec<Panel>) -> Self {
        Self { caption: caption.into(), panels }
    }

    /// Returns a frame with the parts of a whole block.
    pub fn of_block(caption: impl Into<String>, parts: Vec<Part>) -> Self {
        Self::of_parts(caption, "a block of ", parts)
    }

    /// Returns a frame with bytes that may have any place.
    pub fn of_bytes(caption: impl Into<String>, parts: Vec<Part>) -> Self {
        Self::of_parts(caption, "", parts)
    }

    fn of_parts(caption: impl Into<String>, what: &str, parts: Vec<Part>) -> Self {
        let size: usize = parts.iter().map(Part::len).sum();
        let label = format!("{what}{} bytes", Thousands(size as u64));
        Self::new(caption, vec![Panel::Block(Block { label, parts })])
    }
}

/// The number of bytes in a row.
pub(crate) const ROW: usize = 8;

/// A row of a block's drawing.
pub(crate) enum BlockRow {
    /// The bytes from an offset on. Each has the index of its part.
    Bytes(usize, Vec<(usize, Byte)>),
    /// This many bytes of one part, which are not drawn.
    Gap(usize),
}

/// How a byte is drawn.
#[derive(Clone, Copy)]
pub(crate) enum Byte {
    Written(u8),
    Pointer,
    Unused,
}

impl Block {
    /// Returns the rows. Rows in the middle of a long part are joined to a gap.
    pub(crate) fn rows(&self) -> Vec<BlockRow> {
        let bytes: Vec<(usize, Byte)> = self
            .parts
            .iter()
            .enumerate()
            .flat_map(|(index, part)| bytes(part).map(move |byte| (index, byte)))
            .collect();
        let rows: Vec<&[(usize, Byte)]> = bytes.chunks(ROW).collect();
        // The part of a row, if all of its bytes belong to one part.
        let only_part = |row: usize| {
            let (first, last) = (rows.get(row)?.first()?.0, rows.get(row)?.last()?.0);
            (first == last && rows[row].len() == ROW).then_some(first)
        };
        let is_inner = |row: usize| {
            let part = only_part(row);
            row > 0 && part.is_some() && only_part(row - 1) == part && only_part(row + 1) == part
        };
        let mut drawn = Vec::new();
        let mut row = 0;
        while row < rows.len() {
            let inner = (row..rows.len()).take_while(|row| is_inner(*row)).count();
            if inner >= 2 {
                drawn.push(BlockRow::Gap(inner * ROW));
                row += inner;
            } else {
                drawn.push(BlockRow::Bytes(row * ROW, rows[row].to_vec()));
                row += 1;
            }
        }
        drawn
    }
}

/// Returns the bytes of a part.
fn bytes(part: &Part) -> impl Iterator<Item = Byte> + '_ {
    (0..part.len()).map(|at| match &part.bytes {
        PartBytes::Written(bytes) | PartBytes::Text(bytes) => Byte::Written(bytes[at]),
        PartBytes::Pointer(_) => Byte::Pointer,
        PartBytes::Unused(_) => Byte::Unused,
    })
}

/// Returns whether the drawing shows the characters of a part below its bytes.
pub(crate) fn is_text(part: &Part) -> bool {
    matches!(&part.bytes, PartBytes::Text(bytes) if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the rows of a block: the number of bytes, or of bytes in a gap in brackets.
    fn rows(parts: Vec<Part>) -> Vec<String> {
        let block = Block { label: String::new(), parts };
        let row = |row| match row {
            BlockRow::Bytes(offset, bytes) => format!("{offset}+{}", bytes.len()),
            BlockRow::Gap(len) => format!("({len})"),
        };
        block.rows().into_iter().map(row).collect()
    }

    #[test]
    fn the_middle_of_a_long_part_is_a_gap() {
        let long = |len| Part::text("long", &vec![b'x'; len]);
        let short = || Part::unused("short", 3);
        assert_eq!(rows(vec![]), [""; 0]);
        assert_eq!(rows(vec![long(9)]), ["0+8", "8+1"]);
        // A single inner row is drawn.
        assert_eq!(rows(vec![long(24)]), ["0+8", "8+8", "16+8"]);
        assert_eq!(rows(vec![long(32)]), ["0+8", "(16)", "24+8"]);
        // The first row and the last one also have bytes of other parts, so the rows beside them are drawn.
        assert_eq!(rows(vec![short(), long(42), short()]), ["0+8", "8+8", "(16)", "32+8", "40+8"]);
    }
}
