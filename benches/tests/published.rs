//! Tests that README.md and the pictures agree with the files of `benches/published`.

use benches::publish::{COMMAND, pages};
use std::fs;
use std::path::Path;

#[test]
fn the_pages_are_those_of_the_published_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let pages = pages(root).unwrap();
    for page in pages {
        let found = fs::read_to_string(root.join(&page.path)).unwrap_or_default();
        assert!(
            found == page.text,
            "{} is not what benches/published says: run `{COMMAND}` and commit what it writes",
            page.path
        );
    }
}
