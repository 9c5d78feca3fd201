//! Drawings as text, for the terminal.

use crate::drawing::{Block, BlockRow, Byte, Frame, Grid, Look, Panel};
use common::Thousands;
use std::fmt::Write;

/// Returns the frames as text, each with its caption and its panels.
pub fn draw(frames: &[Frame]) -> String {
    frames.iter().map(frame).collect::<Vec<_>>().join("\n")
}

fn frame(frame: &Frame) -> String {
    let mut text = format!("{}\n", frame.caption);
    for panel in &frame.panels {
        text.push('\n');
        match panel {
            Panel::Block(panel) => block(&mut text, panel),
            Panel::Grid(panel) => grid(&mut text, panel),
        }
    }
    text
}

/// Writes a block: its bytes with a bar at the beginning of each part, and a list of the parts.
fn block(text: &mut String, block: &Block) {
    _ = writeln!(text, "  {}:", block.label);
    for row in block.rows() {
        match row {
            BlockRow::Gap(len) => _ = writeln!(text, "         ... {} bytes ...", Thousands(len as u64)),
            BlockRow::Bytes(offset, bytes) => {
                _ = write!(text, "  {offset:>6}");
                let mut last = None;
                for (part, byte) in bytes {
                    text.push_str(if last == Some(part) { " " } else { " | " });
                    last = Some(part);
                    match byte {
                        Byte::Written(byte) => _ = write!(text, "{byte:02x}"),
                        Byte::Pointer => text.push_str("->"),
                        Byte::Unused => text.push_str(".."),
                    }
                }
                text.push_str(" |\n");
            }
        }
    }
    let mut at = 0;
    for part in &block.parts {
        let line = format!("  {at:>6}   {:<8} {}", part.name, short(&part.meaning, 60));
        _ = writeln!(text, "{}", line.trim_end());
        at += part.len();
    }
}

/// Returns the text, or its beginning with three dots.
pub(crate) fn short(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.into();
    }
    text.chars().take(max - 3).chain("...".chars()).collect()
}

/// Writes a grid. A marked box is in stars, a plain one in brackets, and a faint one in
/// parentheses.
fn grid(text: &mut String, grid: &Grid) {
    let width = grid.rows.iter().map(|row| row.label.len()).max().unwrap_or(0);
    let texts = grid.rows.iter().flat_map(|row| &row.cells).map(|cell| cell.text.len());
    let cell_width = texts.max().unwrap_or(0).max(2);
    for row in &grid.rows {
        let mut line = format!("  {:<width$} ", row.label);
        for cell in &row.cells {
            let (before, after) = match cell.look {
                Look::Plain | Look::Free => ('[', ']'),
                Look::Marked => ('*', '*'),
                Look::Faint => ('(', ')'),
                Look::Number | Look::Blank => (' ', ' '),
            };
            _ = write!(line, "{before}{:>cell_width$}{after}", cell.text);
        }
        _ = writeln!(text, "{}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::Part;

    #[test]
    fn a_block_is_its_bytes_and_a_list_of_its_parts() {
        let parts = vec![
            Part::written("len", 5, &[5]),
            Part::text("key", b"hello"),
            Part::unused("pad", 2),
            Part::pointer("value", "elsewhere", 8),
        ];
        let expected = "\
one block

  a block of 16 bytes:
       0 | 05 | 68 65 6c 6c 6f | .. .. |
       8 | -> -> -> -> -> -> -> -> |
       0   len      5
       1   key      hello
       6   pad
       8   value    elsewhere
";
        assert_eq!(draw(&[Frame::of_block("one block", parts)]), expected);
    }

    #[test]
    fn a_grid_shows_how_its_boxes_are_drawn() {
        use crate::drawing::{Cell, Row};
        let looks = [Look::Plain, Look::Marked, Look::Faint, Look::Number, Look::Blank, Look::Plain];
        let cells = looks.into_iter().enumerate().map(|(n, look)| Cell::new(n, look)).collect();
        let frame =
            Frame::new("a grid", vec![Panel::Grid(Grid { rows: vec![Row { label: "x:".into(), cells }] })]);
        assert_eq!(draw(&[frame]), "a grid\n\n  x: [ 0]* 1*( 2)  3   4 [ 5]\n");
    }

    #[test]
    fn a_long_meaning_is_cut() {
        assert_eq!((short("12345", 5), short("123456", 5)), ("12345".into(), "12...".into()));
    }
}
