//! Drawings as SVG, for the book.
//!
//! A page includes the drawing as it is, so that the colours follow the theme of the book. They are in
//! `docs/theme/book.css`. All frames have the same width, which fits on a phone. On a wide screen several frames
//! stand side by side.

use crate::drawing::{Block, BlockRow, Byte, Frame, Grid, Look, Panel, is_text};
use crate::text::short;
use common::{Part, PartBytes, Thousands};
use std::fmt::Write;

/// The width of a frame.
const WIDTH: usize = 344;
const MARGIN: usize = 4;

/// The width of the offsets in front of the bytes.
const OFFSETS: usize = 40;
/// The size of the box of a byte.
const BYTE: (usize, usize) = (37, 42);

/// The width of the labels in front of the rows of a grid, unless a label is longer.
const LABELS: usize = 52;
/// The width of a character of a label.
const CHARACTER: usize = 7;
/// The size of a box in a grid.
const CELL: usize = 18;

/// The most characters in a line of a caption, and of the meaning of a part.
const CAPTION_LEN_MAX: usize = 54;
const MEANING_LEN_MAX: usize = 31;

/// The number of tints that the parts of a block take in turn.
const TINTS: usize = 4;

/// Returns the frames as HTML with one SVG image for each frame. There is no empty line, because an empty line would
/// end the HTML in a Markdown page.
pub fn draw(frames: &[Frame]) -> String {
    let mut html = String::from("<div class=\"drawing\">\n");
    frames.iter().for_each(|frame| html += &draw_frame(frame));
    html + "</div>\n"
}

fn draw_frame(frame: &Frame) -> String {
    let mut canvas = Canvas { body: String::new(), y: 2 };
    for line in wrapped(&frame.caption, CAPTION_LEN_MAX) {
        canvas.y += 16;
        canvas.text(MARGIN, canvas.y - 3, "caption", &line);
    }
    canvas.y += 6;
    for panel in &frame.panels {
        match panel {
            Panel::Block(block) => canvas.block(block),
            Panel::Grid(grid) => canvas.grid(grid),
        }
    }
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
        canvas.y + 4,
        escaped(&frame.caption),
        canvas.body
    )
}

/// The part of a frame that is drawn, and the y coordinate below it.
struct Canvas {
    body: String,
    y: usize,
}

impl Canvas {
    fn text(&mut self, x: usize, y: usize, class: &str, text: &str) {
        _ = writeln!(self.body, "<text x=\"{x}\" y=\"{y}\" class=\"{class}\">{}</text>", escaped(text));
    }

    fn rect(&mut self, x: usize, y: usize, size: (usize, usize), class: &str) {
        let (width, height) = size;
        _ = writeln!(
            self.body,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" class=\"{class}\"/>"
        );
    }

    fn block(&mut self, block: &Block) {
        self.y += 14;
        self.text(MARGIN, self.y - 4, "label", &block.label);
        let mut named = None;
        for row in block.rows() {
            match row {
                BlockRow::Gap(len) => {
                    self.y += 18;
                    let text = format!("... {} bytes ...", Thousands(len as u64));
                    self.text(MARGIN + OFFSETS + 4 * BYTE.0, self.y - 5, "gap", &text);
                }
                BlockRow::Bytes(offset, bytes) => self.bytes(offset, &bytes, block, &mut named),
            }
        }
        self.y += 4;
        let mut at = 0;
        for (index, part) in block.parts.iter().enumerate() {
            self.y += 15;
            self.rect(MARGIN, self.y - 9, (9, 9), tint(index, part));
            self.text(MARGIN + OFFSETS + 16, self.y, "number", &Thousands(at as u64).to_string());
            self.text(MARGIN + OFFSETS + 24, self.y, "name", part.name);
            self.text(MARGIN + OFFSETS + 84, self.y, "meaning", &short(&part.meaning, MEANING_LEN_MAX));
            at += part.len();
        }
        self.y += 8;
    }

    /// Draws a row of bytes. The bytes of a part are joined to one box. `named` is the last part whose name was
    /// written.
    fn bytes(&mut self, offset: usize, bytes: &[(usize, Byte)], block: &Block, named: &mut Option<usize>) {
        let left = MARGIN + OFFSETS;
        self.text(left - 5, self.y + 26, "number", &offset.to_string());
        let mut at = 0;
        for run in bytes.chunk_by(|one, other| one.0 == other.0) {
            let (index, part) = (run[0].0, &block.parts[run[0].0]);
            self.rect(left + at * BYTE.0, self.y, (run.len() * BYTE.0, BYTE.1), tint(index, part));
            if *named != Some(index) {
                *named = Some(index);
                // About six characters fit above a byte.
                let name = short(part.name, (6 * run.len()).max(6));
                self.text(left + at * BYTE.0 + 3, self.y + 10, "tag", &name);
            }
            for (_, byte) in run {
                let x = left + at * BYTE.0 + BYTE.0 / 2;
                match byte {
                    Byte::Written(byte) => {
                        self.text(x, self.y + 25, "byte", &format!("{byte:02x}"));
                        if is_text(part) {
                            self.text(x, self.y + 38, "char", &char::from(*byte).to_string());
                        }
                    }
                    Byte::Pointer => self.text(x, self.y + 25, "byte", "->"),
                    Byte::Unused => self.text(x, self.y + 25, "byte unused", "··"),
                }
                at += 1;
            }
        }
        self.y += BYTE.1 + 2;
    }

    fn grid(&mut self, grid: &Grid) {
        self.y += 4;
        let longest = grid.rows.iter().map(|row| row.label.len()).max().unwrap_or(0);
        let labels = LABELS.max(longest * CHARACTER);
        let columns = (WIDTH - MARGIN - labels) / CELL;
        for row in &grid.rows {
            self.text(MARGIN, self.y + 13, "label", &row.label);
            for (index, cell) in row.cells.iter().enumerate() {
                let column = index % columns;
                if index > 0 && column == 0 {
                    self.y += CELL + 1; // a long row goes on below
                }
                let class = match cell.look {
                    Look::Plain => Some("cell"),
                    Look::Marked => Some("cell marked"),
                    Look::Faint => Some("cell faint"),
                    Look::Free => Some("cell free"),
                    Look::Number | Look::Blank => None,
                };
                let x = MARGIN + labels + column * CELL;
                if let Some(class) = class {
                    self.rect(x, self.y, (CELL - 2, CELL - 2), class);
                }
                if !cell.text.is_empty() {
                    let class = if cell.text.len() > 2 { "entry long" } else { "entry" };
                    self.text(x + CELL / 2 - 1, self.y + 12, class, &cell.text);
                }
            }
            self.y += CELL + 1;
        }
        self.y += 4;
    }
}

/// Returns the class of a part's boxes.
fn tint(index: usize, part: &Part) -> &'static str {
    const TINTED: [&str; TINTS] = ["part tint0", "part tint1", "part tint2", "part tint3"];
    if matches!(part.bytes, PartBytes::Unused(_)) { "part unused" } else { TINTED[index % TINTS] }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Breaks a text into lines of at most `max` characters: at spaces, and in words that are longer than a line.
fn wrapped(text: &str, max: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let characters: Vec<Vec<char>> = text.split(' ').map(|word| word.chars().collect()).collect();
    // An empty word, between two spaces, has no part.
    let parts = characters.iter().flat_map(|word| word.chunks(max));
    for word in parts.map(|part| part.iter().collect::<String>()) {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > max {
            lines.push(word);
        } else if let Some(last) = lines.last_mut() {
            *last += if last.is_empty() { "" } else { " " };
            *last += &word;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_is_broken_at_spaces_and_loses_no_word() {
        let lines = wrapped("one two three fourteen", 9);
        assert_eq!(lines, ["one two", "three", "fourteen"]);
        assert_eq!(wrapped("", 9), [""]);
        assert_eq!(wrapped("a fourteenfourteen b", 8), ["a", "fourteen", "fourteen", "b"]);
    }

    #[test]
    fn no_box_lies_outside_of_the_frame() {
        use crate::drawing::{Cell, Row};
        for label in ["", "0: 000", "100: 1100100"] {
            let row =
                Row { label: label.into(), cells: (0..40).map(|n| Cell::new(n, Look::Plain)).collect() };
            let svg = draw(&[Frame::new("", vec![Panel::Grid(Grid { rows: vec![row] })])]);
            let xs = svg.match_indices("<rect x=\"").map(|(at, start)| {
                let number = svg[at + start.len()..].split('"').next().unwrap();
                number.parse::<usize>().unwrap()
            });
            assert!(xs.clone().all(|x| x + CELL <= WIDTH + 2 && x >= MARGIN + 6 * label.len()), "{label}");
            assert_eq!(xs.count(), 40);
        }
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("a<b & \"c\""), "a&lt;b &amp; &quot;c&quot;");
    }
}
