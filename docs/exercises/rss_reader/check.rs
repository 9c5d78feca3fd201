//! Checks what is read from `/proc/PID/stat`.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::Stat;

/// The fields after the name, from the state on. Each number differs, and none of them is small.
const FIELDS: &str =
    "S 104 105 106 107 108 109 110 111 112 113 114 115 116 117 118 119 20 121 122 4612096 777 125 126";

const EXPECTED: Stat = Stat { num_threads: 20, vsize: 4_612_096, rss: 777 * 4_096 };

/// Returns the line of a process with this name.
fn line(name: &[u8]) -> Vec<u8> {
    [b"12 (", name, b") ", FIELDS.as_bytes(), b"\n"].concat()
}

#[test]
fn a_short_name_leads_to_the_right_numbers() {
    for name in [&b"redcore"[..], b"a", b"cargo-xtask-0.1"] {
        assert_eq!(Stat::parse(&line(name), 4_096), Some(EXPECTED), "{}", name.escape_ascii());
    }
}

#[test]
fn the_name_of_a_process_can_contain_spaces_and_parentheses() {
    let names = [
        "my server",
        "a b) c",
        "a) S 1 2 3 4",
        "(sd-pam)",
        "))",
        "((",
        ") (",
        "",
        " ",
        "a\nb",
        "1 (a b) c) S 2",
    ];
    for name in names {
        assert_eq!(Stat::parse(&line(name.as_bytes()), 4_096), Some(EXPECTED), "{name:?}");
    }
}

#[test]
fn the_name_of_a_process_can_be_cut_inside_a_character() {
    let cut = &"Tabelle für Köln".as_bytes()[..15];
    assert!(str::from_utf8(cut).is_err());
    for name in [cut, b"\xff", b"\xc3) \xbc"] {
        assert_eq!(Stat::parse(&line(name), 4_096), Some(EXPECTED), "{}", name.escape_ascii());
    }
}

#[test]
fn a_line_that_is_cut_short_has_no_numbers() {
    let line = line(b"redcore");
    let needed = line.windows(3).position(|bytes| bytes == b"777").unwrap();
    for len in 0..needed {
        assert_eq!(Stat::parse(&line[..len], 4_096), None, "the first {len} bytes");
    }
    assert_eq!(Stat::parse(&line[..needed + 3], 4_096), Some(EXPECTED));
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let with_rss = |rss: &str| FIELDS.replace("777", rss);
    for rss in ["-1", "99999999999999999999999", "4503599627370496", "x"] {
        let line = format!("12 (redcore) {}\n", with_rss(rss));
        assert_eq!(Stat::parse(line.as_bytes(), 4_096), None, "{rss} pages");
    }
    let line = format!("12 (redcore) {}\n", with_rss("4503599627370495"));
    assert_eq!(Stat::parse(line.as_bytes(), 4_096).unwrap().rss, u64::MAX - 4_095);
}

#[test]
fn the_ratio_is_the_rss_divided_by_used_memory() {
    let stat = Stat { rss: 3_000, ..EXPECTED };
    assert_eq!((stat.fragmentation_ratio(2_000), stat.fragmentation_ratio(0)), (Some(1.5), None));
}

#[test]
fn this_process_has_memory_if_the_system_is_linux() {
    // Other systems have no such file, or a file with other fields.
    if !cfg!(target_os = "linux") {
        return;
    }
    let Ok(line) = std::fs::read("/proc/self/stat") else { return };
    let stat = Stat::parse(&line, 1).unwrap();
    assert!(stat.num_threads >= 1 && stat.rss >= 1 && stat.vsize > stat.rss, "{stat:?}");
}
