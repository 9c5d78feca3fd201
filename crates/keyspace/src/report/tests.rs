//! Tests of the formulas, texts and thresholds of reports, with reports that are made by hand.

use super::info::Human;
use super::{Figure, Finding, MemoryReport};
use crate::keyspace::Keyspace;
use crate::options::MaxmemoryPolicy;
use zmalloc::AllocatorInfo;

const MIB: usize = 1 << 20;

/// Returns a report of a process with 100 MiB in use and nothing unusual.
fn report() -> MemoryReport {
    let mut table = Keyspace::new().table.stats();
    (table.entries, table.chunks, table.chunks_allocated) = (150, 20, 32);
    MemoryReport {
        used_memory: 100 * MIB,
        used_memory_peak: 125 * MIB,
        used_memory_rss: Some(110 * MIB),
        total_system_memory: Some(1 << 34),
        mem_allocator: "test",
        allocator: Some(allocator(|_| ())),
        keys_count: 150,
        expires_count: 3,
        overhead_hashtable_main: 16 * MIB,
        overhead_hashtable_expires: 0,
        eviction_bytes: 3 * MIB,
        dataset_bytes: 60 * MIB,
        lent_bytes: 11,
        lazyfree_pending_objects: 2,
        lazyfree_pending_bytes: MIB,
        snapshot_bytes: 0,
        lazyfreed_objects: 6,
        maxmemory: 1_000 * MIB,
        maxmemory_policy: MaxmemoryPolicy::AllkeysS3fifo,
        counted_bytes: 81 * MIB,
        evicted_keys: 5,
        active_defrag_running: 7,
        active_defrag_hits: 11,
        active_defrag_misses: 13,
        table,
        rehash_debt: 0,
    }
}

fn allocator(change: impl FnOnce(&mut AllocatorInfo)) -> AllocatorInfo {
    let mut info = AllocatorInfo::default();
    (info.allocated, info.active, info.resident) = (100 * MIB, 102 * MIB, 104 * MIB);
    (info.frag_smallbins_bytes, info.muzzy) = (5 * MIB, 7);
    change(&mut info);
    info
}

fn findings(report: MemoryReport) -> Vec<Finding> {
    report.findings().collect()
}

/// `with` makes a report with a number. Asserts that the report with `from` has the finding `expected` and no
/// other, and that the report with `from - 1` has no finding.
fn assert_threshold(from: usize, with: impl Fn(usize) -> MemoryReport, expected: Finding) {
    assert_eq!(findings(with(from - 1)), [], "{} is below the threshold", from - 1);
    assert_eq!(findings(with(from)), [expected], "{from} is above the threshold");
}

#[test]
fn a_report_without_anything_unusual_has_no_finding() {
    assert_eq!(findings(report()), []);
    assert_eq!(findings(MemoryReport { used_memory_rss: None, allocator: None, ..report() }), []);
}

#[test]
fn a_process_below_five_mib_has_one_finding_and_no_other() {
    let unusual = MemoryReport { used_memory_peak: 1_000 * MIB, ..report() };
    let small = MemoryReport { used_memory: 5 * MIB - 1, ..unusual };
    assert_eq!(findings(small), [Finding::SmallInstance { used_memory: 5 * MIB - 1 }]);
    let large = MemoryReport { used_memory: 5 * MIB, used_memory_rss: None, ..unusual };
    assert!(matches!(findings(large)[..], [Finding::PeakMemory { .. }]));
}

#[test]
fn a_peak_above_one_and_a_half_times_the_memory_is_found() {
    let (used_memory, used_memory_peak) = (100 * MIB, 150 * MIB + 1);
    assert_threshold(
        used_memory_peak,
        |used_memory_peak| MemoryReport { used_memory_peak, ..report() },
        Finding::PeakMemory { used_memory, used_memory_peak },
    );
}

#[test]
fn a_resident_set_above_1_4_times_the_memory_is_found() {
    let rss = 140 * MIB + 1;
    // All of it belongs to active pages of the allocator, so that there is no other finding.
    let with = |rss| {
        let allocator = Some(allocator(|info| (info.active, info.resident) = (rss, rss)));
        MemoryReport { used_memory_rss: Some(rss), allocator, ..report() }
    };
    let ratio = rss as f64 / (100 * MIB) as f64;
    assert_threshold(rss, with, Finding::HighTotalRss { ratio, bytes: 40 * MIB + 1 });
}

#[test]
fn a_high_ratio_of_ten_mib_or_less_is_not_found() {
    // 20 MiB are in use, so that 10 MiB more are a ratio of 1.5.
    let with = |rss| {
        let allocator = Some(allocator(|info| (info.active, info.resident) = (rss, rss)));
        let (used_memory, used_memory_peak) = (20 * MIB, 20 * MIB);
        MemoryReport { used_memory, used_memory_peak, used_memory_rss: Some(rss), allocator, ..report() }
    };
    let rss = 30 * MIB + 1;
    let ratio = rss as f64 / (20 * MIB) as f64;
    assert_threshold(rss, with, Finding::HighTotalRss { ratio, bytes: 10 * MIB + 1 });
}

#[test]
fn free_blocks_of_more_than_a_tenth_of_the_allocated_bytes_are_found() {
    let bytes = 20 * MIB + 1;
    let with = |bytes| {
        let change =
            |info: &mut AllocatorInfo| (info.allocated, info.frag_smallbins_bytes) = (200 * MIB, bytes);
        MemoryReport { allocator: Some(allocator(change)), ..report() }
    };
    let ratio = 1.0 + bytes as f64 / (200 * MIB) as f64;
    assert_threshold(bytes, with, Finding::HighAllocatorFragmentation { ratio, bytes });
}

#[test]
fn free_pages_of_more_than_a_tenth_of_the_active_ones_are_found() {
    let resident = 110 * MIB + 1;
    let with = |resident| {
        let change = |info: &mut AllocatorInfo| (info.active, info.resident) = (100 * MIB, resident);
        MemoryReport { allocator: Some(allocator(change)), ..report() }
    };
    let ratio = resident as f64 / (100 * MIB) as f64;
    assert_threshold(resident, with, Finding::HighAllocatorRss { ratio, bytes: 10 * MIB + 1 });
}

#[test]
fn memory_beside_the_allocator_of_more_than_a_tenth_is_found() {
    let rss = 121 * MIB + 1;
    let with = |rss| {
        let allocator = Some(allocator(|info| (info.active, info.resident) = (110 * MIB, 110 * MIB)));
        MemoryReport { used_memory_rss: Some(rss), allocator, ..report() }
    };
    let ratio = rss as f64 / (110 * MIB) as f64;
    assert_threshold(rss, with, Finding::HighProcessRss { ratio, bytes: 11 * MIB + 1 });
}

#[test]
fn a_rehash_debt_of_more_than_half_of_the_chunks_is_found() {
    // The table has 20 chunks of 2 MiB each.
    let with = |rehash_debt| MemoryReport { rehash_debt, overhead_hashtable_main: 40 * MIB, ..report() };
    assert_threshold(11, with, Finding::HighRehashDebt { ratio: 0.55, bytes: 22 * MIB });
    let small = |rehash_debt| MemoryReport { overhead_hashtable_main: 14 * MIB, ..with(rehash_debt) };
    assert_threshold(15, small, Finding::HighRehashDebt { ratio: 0.75, bytes: 15 * (14 * MIB / 20) });
}

#[test]
fn each_finding_says_its_figures_in_one_or_two_sentences() {
    let (ratio, bytes) = (1.25, 25 * MIB);
    let texts = [
        Finding::SmallInstance { used_memory: 3 * MIB },
        Finding::PeakMemory { used_memory: MIB, used_memory_peak: 3 * MIB },
        Finding::HighTotalRss { ratio, bytes },
        Finding::HighAllocatorFragmentation { ratio, bytes },
        Finding::HighAllocatorRss { ratio, bytes },
        Finding::HighProcessRss { ratio, bytes },
        Finding::HighRehashDebt { ratio, bytes },
    ]
    .map(|finding| finding.to_string());
    assert_eq!(
        texts[0],
        "Small instance: the process uses only 3.00M of memory. Ratios mean little below 5.00M."
    );
    assert!(texts[1].contains("uses 1.00M and has used 3.00M"));
    for text in &texts[2..] {
        assert!(text.contains("25.00M") && text.contains("1.25"), "{text}");
    }
    for text in &texts {
        assert_eq!(text.matches(". ").count(), 1, "{text}");
        assert!(text.ends_with('.') && !text.contains("  "), "{text}");
    }
}

#[test]
fn no_figure_wraps_around_whatever_the_fields_are() {
    for used_memory in [0, 1, usize::MAX] {
        for large in [0, usize::MAX] {
            let report = MemoryReport {
                used_memory,
                used_memory_peak: large,
                used_memory_rss: Some(large),
                allocator: None,
                keys_count: large,
                overhead_hashtable_main: large,
                overhead_hashtable_expires: large,
                eviction_bytes: large,
                lazyfree_pending_bytes: large,
                snapshot_bytes: large,
                dataset_bytes: large,
                rehash_debt: large,
                ..report()
            };
            assert_eq!(report.allocation_size(), large);
            assert!((0.0..=100.0).contains(&report.dataset_percentage()));
            let bytes = report.mem_fragmentation_bytes().unwrap();
            assert_eq!(bytes.cmp(&0), large.cmp(&used_memory));
            for (name, figure) in report.stats() {
                assert!(!matches!(figure, Figure::Double(value) if !value.is_finite()), "{name}");
            }
            let _ = (report.findings().count(), report.to_string());
        }
    }
}

#[test]
fn a_difference_below_zero_is_negative() {
    let swapped = MemoryReport { used_memory_rss: Some(60 * MIB), ..report() };
    assert_eq!(swapped.mem_fragmentation_bytes(), Some(-40 * MIB as isize));
    assert_eq!(swapped.rss_overhead_bytes(), Some(-44 * MIB as isize));
    assert_eq!(findings(swapped), []);
}

#[test]
fn bytes_have_the_unit_that_info_gives_them() {
    let texts = [
        (0, "0B"),
        (1_023, "1023B"),
        (1_024, "1.00K"),
        (1_047_552, "1023.00K"),
        (1_069_547, "1.02M"),
        (1 << 30, "1.00G"),
        (3 << 39, "1.50T"),
        (1 << 50, "1.00P"),
        (1 << 60, "1152921504606846976B"),
        (u64::MAX, "18446744073709551615B"),
    ];
    for (bytes, text) in texts {
        assert_eq!(Human(bytes).to_string(), text);
    }
}

#[test]
fn a_report_is_printed_as_info_memory_is() {
    let expected = "\
# Memory
used_memory:104857600
used_memory_human:100.00M
used_memory_rss:115343360
used_memory_rss_human:110.00M
used_memory_peak:131072000
used_memory_peak_human:125.00M
used_memory_peak_perc:80.00%
used_memory_overhead:19922944
used_memory_dataset:62914560
used_memory_dataset_perc:75.00%
allocator_allocated:104857600
allocator_active:106954752
allocator_resident:109051904
allocator_muzzy:7
total_system_memory:17179869184
total_system_memory_human:16.00G
maxmemory:1048576000
maxmemory_human:1000.00M
maxmemory_policy:allkeys-s3fifo
allocator_frag_ratio:1.05
allocator_frag_bytes:5242880
allocator_rss_ratio:1.02
allocator_rss_bytes:2097152
rss_overhead_ratio:1.06
rss_overhead_bytes:6291456
mem_fragmentation_ratio:1.10
mem_fragmentation_bytes:10485760
mem_allocator:test
active_defrag_running:7
lazyfree_pending_objects:2
lazyfreed_objects:6
";
    assert_eq!(report().to_string(), expected);
}

#[test]
fn a_figure_that_is_not_known_is_not_printed() {
    let unknown =
        MemoryReport { used_memory_rss: None, total_system_memory: None, allocator: None, ..report() };
    let text = unknown.to_string();
    assert_eq!(text.lines().count(), 16, "{text}");
    assert!(!unknown.stats().any(|(name, _)| name.contains("rss") || name.starts_with("allocator")));
}

#[test]
fn the_list_has_the_names_of_memory_stats() {
    let report = report();
    let figure = |wanted| report.stats().find(|(name, _)| *name == wanted).map(|(_, figure)| figure);
    assert_eq!(figure("total.allocated"), Some(Figure::Integer(100 * MIB as i64)));
    assert_eq!(figure("keys.bytes-per-key"), Some(Figure::Integer(60 * MIB as i64 / 150)));
    assert_eq!(figure("dataset.percentage"), Some(Figure::Double(75.0)));
    assert_eq!(figure("table.load"), Some(Figure::Double(0.5)));
    assert_eq!(figure("mem_allocator"), Some(Figure::Text("test")));
    assert_eq!(figure("overhead.total"), Some(Figure::Integer(19 * MIB as i64)));
    assert_eq!(figure("evicted_keys"), Some(Figure::Integer(5)));
    assert_eq!(figure("lazyfree_pending.bytes"), Some(Figure::Integer(MIB as i64)));
    assert_eq!(report.allocation_size(), 80 * MIB, "table, eviction, data and garbage");
    assert_eq!(figure("active_defrag_hits"), Some(Figure::Integer(11)));
    assert_eq!(figure("maxmemory_policy"), Some(Figure::Text("allkeys-s3fifo")));
    let mut names: Vec<_> = report.stats().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), report.stats().count(), "each name comes once");
}

#[cfg(feature = "serde")]
#[test]
fn a_report_is_serialized_as_a_map_of_its_figures() {
    let value = serde_json::to_value(report()).unwrap();
    assert_eq!(value["keys.count"], 150);
    assert_eq!(value["dataset.percentage"], 75.0);
    assert_eq!(value["mem_allocator"], "test");
    assert_eq!(value.as_object().unwrap().len(), report().stats().count());
}
