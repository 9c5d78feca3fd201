//! Tests of recordings of random commands. A step looks the same after going back and forth.

use live::{Chunks, Elements, Entries, Recording, Structure, Text};
use proptest::prelude::*;

/// Returns random commands. Each is a template with a small number for `N` and a short text for `T`.
fn command(templates: &'static [&'static str]) -> impl Strategy<Value = String> {
    (prop::sample::select(templates), 0..80_u32, "[a-z0-9]{0,12}").prop_map(|(template, number, text)| {
        template.replace('N', &number.to_string()).replace('T', &format!("\"{text}\""))
    })
}

const TEXT: &[&str] = &["set T", "append T", "grow N", "truncate N", "shrink"];
const CHUNKS: &[&str] = &["add N", "fill N", "same N", "remove N", "drain N", "scan"];
const ELEMENTS: &[&str] = &["push T", "push-front N", "insert 0 T", "set -1 N", "remove 0", "find T"];
const ENTRIES: &[&str] =
    &["set k T", "append k T", "incrby n N", "pexpire k N", "persist k", "del n", "show k", "wait N"];

/// Runs the commands, and checks that each step looks the same whenever it is shown.
fn check<S: Structure>(commands: &[String], steps: &[usize]) -> Result<(), TestCaseError> {
    let mut recording = Recording::<S>::default();
    let mut drawings = vec![recording.draw()];
    for command in commands {
        let before = recording.steps();
        let nothing = "there is nothing to do";
        match recording.run(command) {
            Err(error) if error == nothing => prop_assert_eq!(recording.steps(), before),
            result => result.map_err(|error| TestCaseError::fail(format!("{command}: {error}")))?,
        }
        let (last, at_once) = (recording.steps(), recording.draw());
        for step in before + 1..=last {
            recording.seek(step);
            prop_assert_eq!(recording.step(), step);
            prop_assert!(!recording.event(step).is_empty());
            drawings.push(recording.draw());
        }
        prop_assert!(drawings.last() == Some(&at_once), "step {} looks different after going back", last);
    }
    for step in steps {
        let step = step % drawings.len();
        recording.seek(step);
        prop_assert!(recording.draw() == drawings[step], "step {} looks different", step);
    }
    // A command at an earlier step replaces the later steps.
    let step = recording.step();
    let event = recording.event(step);
    if recording.run(&commands[0]).is_ok() {
        prop_assert!(recording.steps() > step && recording.step() == recording.steps());
        prop_assert!(recording.event(recording.steps() + 1).is_empty());
    }
    prop_assert_eq!(recording.event(step), event);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_string_looks_the_same_whenever_a_step_is_shown(
        commands in prop::collection::vec(command(TEXT), 1..12), steps in prop::collection::vec(0..1_000_usize, 1..12)
    ) {
        check::<Text>(&commands, &steps)?;
    }

    #[test]
    fn a_table_looks_the_same_whenever_a_step_is_shown(
        commands in prop::collection::vec(command(CHUNKS), 1..6), steps in prop::collection::vec(0..1_000_usize, 1..6)
    ) {
        check::<Chunks>(&commands, &steps)?;
    }

    #[test]
    fn a_list_looks_the_same_whenever_a_step_is_shown(
        commands in prop::collection::vec(command(ELEMENTS), 1..12), steps in prop::collection::vec(0..1_000_usize, 1..12)
    ) {
        check::<Elements>(&commands, &steps)?;
    }

    #[test]
    fn a_keyspace_looks_the_same_whenever_a_step_is_shown(
        commands in prop::collection::vec(command(ENTRIES), 1..12), steps in prop::collection::vec(0..1_000_usize, 1..12)
    ) {
        check::<Entries>(&commands, &steps)?;
    }
}

fn error<S: Structure>(line: &str) -> String {
    Recording::<S>::default().run(line).unwrap_err()
}

#[test]
fn a_wrong_command_is_an_error_that_says_why() {
    assert_eq!(error::<Text>(""), "a command is missing");
    assert_eq!(error::<Text>("put x"), "there is no command `put`");
    assert_eq!(error::<Text>("set"), "the text is missing");
    assert_eq!(error::<Text>("set a b"), "`b` is one word too many");
    assert_eq!(error::<Text>("grow -1"), "`-1` is not valid as the number of bytes");
    assert_eq!(error::<Text>("grow 1000001"), "the string would be longer than 1,000,000 bytes");
    assert!(error::<Text>("set \"open").contains("quote"), "{}", error::<Text>("set \"open"));
    assert_eq!(error::<Chunks>("add 4294967296"), "4294967296 is not below 4,294,967,296");
    assert_eq!(error::<Chunks>("fill 200001"), "the count is above 200,000");
    assert_eq!(error::<Elements>("insert x y"), "`x` is not valid as the index");
    assert_eq!(error::<Entries>("incrby n 1.5"), "`1.5` is not valid as the increment");
    assert_eq!(
        error::<Entries>("wait 4294967296"),
        "`4294967296` is not valid as the number of milliseconds"
    );
}

#[test]
fn a_command_at_an_earlier_step_drops_the_later_ones_unless_it_is_wrong_or_does_nothing() {
    let mut recording = Recording::<Chunks>::default();
    recording.run("fill 40").unwrap();
    recording.seek(0);
    assert_eq!(recording.run("drain 10").unwrap_err(), "there is nothing to do");
    assert!(recording.run("drain").is_err());
    assert_eq!((recording.step(), recording.steps()), (0, 40));
    recording.run("add 5").unwrap();
    assert_eq!((recording.step(), recording.steps()), (1, 1));
    assert_eq!((recording.event(1), recording.event(2)), ("add 5: added, chunk 0".into(), String::new()));
}

#[test]
fn a_list_has_a_limit_that_counts_all_its_bytes() {
    let mut recording = Recording::<Elements>::default();
    // The header and the end byte have seven bytes. The text has two bytes in front of it and a back length of two.
    let len = 4_096 - 7 - 2 - 2;
    assert!(recording.run(&format!("push {}", "x".repeat(len + 1))).is_err());
    recording.run(&format!("push {}", "x".repeat(len))).unwrap();
    assert!(recording.run("push 1").is_err());
    recording.run("set 0 1").unwrap();
}

#[test]
fn a_recording_has_a_limit_and_stays_as_it_was_beyond_it() {
    let mut recording = Recording::<Chunks>::default();
    recording.run("fill 150000").unwrap();
    let drawing = recording.draw();
    assert!(recording.run("fill 150000").unwrap_err().contains("at most"));
    assert_eq!((recording.step(), recording.steps()), (150_000, 150_000));
    assert_eq!(recording.draw(), drawing);
}

#[test]
fn the_events_of_the_table_name_splits_merges_and_children() {
    let mut recording = Recording::<Chunks>::default();
    let mut events = String::new();
    for command in ["fill 40", "same 30", "drain 60"] {
        let before = recording.steps();
        recording.run(command).unwrap();
        (before + 1..=recording.steps()).for_each(|step| events += &format!("{}\n", recording.event(step)));
    }
    for part in ["chunk 0 was split into 0 and 1", "chunk 2 was merged into 0", "a child was added"] {
        assert!(events.contains(part), "{part}: {events}");
    }
}

#[test]
fn a_key_expires_when_the_time_has_come() {
    let mut recording = Recording::<Entries>::default();
    for command in ["set k v", "pexpire k 50", "wait 49", "show k", "wait 1", "show k"] {
        recording.run(command).unwrap();
    }
    assert_eq!(recording.event(4), "show \"k\": expires in 1 ms");
    assert_eq!(recording.event(6), "show \"k\": no such key");
}

#[test]
fn markup_in_a_value_is_text_in_the_drawing() {
    let mut recording = Recording::<Elements>::default();
    recording.run(r#"push "<script>alert(1)</script>""#).unwrap();
    assert!(!recording.draw().contains("<script>"));
}
