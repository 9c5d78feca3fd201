#![doc = include_str!("../README.md")]

pub mod drawing;
pub mod numbers;
pub mod series;
pub mod structures;
pub mod svg;
pub mod text;

/// Returns whether this build draws what the book shows: 64-bit pointers, little-endian numbers, and the size
/// classes of jemalloc with a quantum of 8.
pub fn draws_what_the_book_shows() -> bool {
    let is_usual_machine = cfg!(all(target_pointer_width = "64", target_endian = "little"));
    is_usual_machine && zmalloc::ALLOCATOR.starts_with("jemalloc") && zmalloc::quantum() == Some(8)
}

#[cfg(test)]
mod tests {
    use super::drawing::Panel;
    use super::*;
    use std::path::Path;

    #[test]
    #[cfg_attr(
        not(all(target_pointer_width = "64", target_endian = "little", feature = "jemalloc")),
        ignore = "the book shows 64-bit pointers, little-endian numbers, and the size classes of jemalloc"
    )]
    fn the_drawings_of_the_book_are_what_the_code_draws() {
        assert!(draws_what_the_book_shows(), "{}, quantum {:?}", zmalloc::ALLOCATOR, zmalloc::quantum());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/drawings");
        let mut files: Vec<String> = Vec::new();
        for series in series::all() {
            let file = format!("{}.html", series.name);
            let committed = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
            assert!(committed == svg::draw(&series.frames), "{file} is out of date: run `cargo xtask book`");
            files.push(file);
        }
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(files.contains(&name), "no series draws {name}");
        }
    }

    #[test]
    fn a_drawing_is_the_same_every_time() {
        let texts = || {
            series::all()
                .iter()
                .map(|series| text::draw(&series.frames) + &svg::draw(&series.frames))
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(), texts());
    }

    #[test]
    fn a_drawing_is_one_block_of_html_and_its_boxes_hold_their_texts() {
        for series in series::all() {
            assert!(!svg::draw(&series.frames).contains("\n\n"), "{}", series.name);
            for panel in series.frames.iter().flat_map(|frame| &frame.panels) {
                let Panel::Grid(grid) = panel else { continue };
                assert!(grid.rows.iter().flat_map(|row| &row.cells).all(|cell| cell.text.len() <= 3));
            }
        }
    }
}
