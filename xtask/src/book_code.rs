//! The Rust code of the book and of README.md, as doc tests.
//!
//! rustdoc compiles and runs every block that is not marked `text` or `ignore`, with the current crates.
//! `cargo xtask tidy` fails if a page with Rust code is not listed here.

/// Declares one module for each page, so that a failing test names its page.
macro_rules! pages {
    ($($name:ident = $path:literal),* $(,)?) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!($path)]
            pub mod $name {}
        )*
    };
}

pages! {
    readme = "../../README.md",
    introduction = "../../docs/src/introduction.md",
    build_a_store = "../../docs/src/build-a-store.md",
    memory_model = "../../docs/src/memory-model.md",
    size_classes = "../../docs/src/size-classes.md",
    chapter_counting = "../../docs/src/counting.md",
    chapter_strings = "../../docs/src/strings.md",
    chapter_spikes = "../../docs/src/spikes.md",
    chapter_objects = "../../docs/src/objects.md",
    chapter_packed = "../../docs/src/packed.md",
    chapter_order = "../../docs/src/order.md",
    chapter_entry = "../../docs/src/entry.md",
    chapter_expiry = "../../docs/src/expiry.md",
    chapter_at_the_limit = "../../docs/src/at-the-limit.md",
    chapter_gaps = "../../docs/src/gaps.md",
    chapter_snapshot = "../../docs/src/snapshot.md",
    chapter_requests = "../../docs/src/requests.md",
    chapter_measuring = "../../docs/src/measuring.md",
    zmalloc = "../../docs/src/zmalloc.md",
    sds = "../../docs/src/sds.md",
    symbols = "../../docs/src/symbols.md",
    growing = "../../docs/src/growing.md",
    scanning = "../../docs/src/scanning.md",
    dict = "../../docs/src/dict.md",
    intset = "../../docs/src/intset.md",
    listpack = "../../docs/src/listpack.md",
    quicklist = "../../docs/src/quicklist.md",
    zindex = "../../docs/src/zindex.md",
    values = "../../docs/src/values.md",
    robj = "../../docs/src/robj.md",
    keyspace = "../../docs/src/keyspace.md",
    eviction = "../../docs/src/eviction.md",
    upkeep = "../../docs/src/upkeep.md",
    rdb = "../../docs/src/rdb.md",
    benches = "../../docs/src/benches.md",
    architecture = "../../docs/src/architecture.md",
}
