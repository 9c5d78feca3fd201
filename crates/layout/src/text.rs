//! Drawings as text, for the terminal.

use crate::drawing::{Block, BlockRow, Byte, Frame, Grid, Look, Panel, Series};
use common::Thousands;
use std::fmt::Write;

/// Returns the series as text: each frame with its caption and its panels.
pub fn draw(series: &Series) -> String {
    let frames: Vec<String> = series.frames.iter().map(frame).collect();
    frames.join("\n")
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
    for row in &grid.rows {
        let mut line = format!("  {:<width$} ", row.label);
        for cell in &row.cells {
            let (before, after) = match cell.look {
                Look::Plain => ('[', ']'),
                Look::Marked => ('*', '*'),
                Look::Faint => ('(', ')'),
                Look::Number | Look::Blank => (' ', ' '),
            };
            _ = write!(line, "{before}{:>2}{after}", cell.text);
        }
        _ = writeln!(text, "{}", line.trim_end());
    }
}
