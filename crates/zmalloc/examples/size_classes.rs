//! Prints the size classes of the allocator, one line for each spacing.
//!
//! ```text
//! cargo run -p zmalloc --example size_classes
//! ```

use zmalloc::{ALLOCATOR, size_classes};

fn main() {
    let Some(classes) = size_classes(32 * 1024) else {
        println!("{ALLOCATOR} does not tell its size classes");
        return;
    };
    println!("spacing  classes of {ALLOCATOR}");
    let (mut last, mut spacing) = (0, 0);
    for class in classes {
        if class - last != spacing {
            spacing = class - last;
            print!("{}{spacing:>7} ", if last == 0 { "" } else { "\n" });
        }
        print!(" {class}");
        last = class;
    }
    println!(" ...");
}
