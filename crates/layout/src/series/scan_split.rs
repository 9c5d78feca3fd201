//! A scan of a table whose chunks are split between two calls.

use crate::drawing::{Frame, Look, Panel, Series};
use crate::numbers::Numbers;
use dict::Cursor;
use std::collections::BTreeSet;

pub(super) fn series() -> Series {
    let mut scan = Scan {
        numbers: Numbers::default(),
        cursor: Cursor::START,
        seen: BTreeSet::new(),
        new: BTreeSet::new(),
    };
    while scan.numbers.chunks() < 4 {
        scan.numbers.insert_next();
    }
    let start = "The table before the scan. The chunks stand in the order in which the scan visits them.";
    let mut frames = vec![scan.frame(start.into())];
    let mut call = 0;
    let mut step =
        |scan: &mut Scan, frames: &mut Vec<Frame>| {
            call += 1;
            let returned = scan.step();
            frames.push(scan.frame(format!(
                "Call {call} has returned {returned} numbers. Filled boxes have been returned."
            )));
        };
    step(&mut scan, &mut frames);
    step(&mut scan, &mut frames);
    let before = scan.numbers.chunks();
    while scan.numbers.chunks() < before + 2 {
        let number = scan.numbers.insert_next();
        scan.new.insert(number);
    }
    assert_eq!(before, 4, "the caption names the chunks that are split");
    frames.push(scan.frame(format!(
        "{} numbers were added. Their boxes are faint. Chunks 0 and 1 were split. Both halves are where the chunk was.",
        scan.new.len()
    )));
    while scan.cursor != Cursor::START {
        step(&mut scan, &mut frames);
    }
    Series { name: "scan-split", about: "a scan of a table that grows between two calls", frames }
}

struct Scan {
    numbers: Numbers,
    cursor: Cursor,
    /// The numbers that the scan has returned.
    seen: BTreeSet<u64>,
    /// The numbers that were added after the scan had begun.
    new: BTreeSet<u64>,
}

impl Scan {
    /// Calls `scan` once and returns how many numbers it has returned.
    fn step(&mut self) -> usize {
        let (seen, mut returned) = (&mut self.seen, 0);
        self.cursor = self.numbers.table.scan(self.cursor, |number| {
            seen.insert(*number);
            returned += 1;
        });
        returned
    }

    /// Draws the chunks in the order of the scan, and the place of the cursor.
    fn frame(&self, caption: String) -> Frame {
        let look = |number: u64| match () {
            () if self.seen.contains(&number) => Look::Marked,
            () if self.new.contains(&number) => Look::Faint,
            () => Look::Plain,
        };
        Frame::new(caption, vec![Panel::Grid(self.numbers.scan_rows(self.cursor, look))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scan_of_the_drawing_returns_every_number_that_was_there_at_its_beginning() {
        let last = series().frames.pop().unwrap();
        let Some(Panel::Grid(grid)) = last.panels.into_iter().next() else { panic!("a grid") };
        let cells: Vec<_> = grid.rows.iter().flat_map(|row| &row.cells).collect();
        assert!(cells.iter().all(|cell| cell.look != Look::Plain));
        assert!(cells.iter().any(|cell| cell.look == Look::Faint), "some number was added behind the cursor");
    }
}
