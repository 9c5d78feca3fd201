//! What keys and strings take in memory: here, and in classic Redis.
//!
//! ```text
//! $ cargo xtask estimate --keys 90000 --key-len 7 --value-len 7
//! $ cargo xtask estimate --keys 1000000 --key-len 16 --integers 100000..1099999 --expires
//! ```
//!
//! `cli` has the arguments and what is printed. The library has the arithmetic: `keyspace::estimate`.

mod cli;

use clap::Parser;

fn main() {
    print!("{}", cli::Args::parse().report());
}
