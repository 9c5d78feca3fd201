//! The format of the tables.
//!
//! ```text
//!  # a comment
//!  == name of a case                        an empty store, and the default limits
//!  ! set-max-intset-entries 4               a limit of this case
//!  SADD k 1 2 a => (3); k listpack          a command, its reply, and the encodings of its keys afterwards
//!  SREM k 1 2 a => (3); k -                 (no such key)
//! ```
//!
//! Blanks separate the arguments. `<x*44>` stands for 44 times x, and `{1..3: f% v}` for `f1 v f2 v f3 v`. An
//! argument in quotes can have blanks, and `\x00` stands for a byte in it. Replies are `OK`, `nil`,
//! `(integer)`, `!error`, `[array, ..]`, and bytes as in arguments, or `#length` if there are more than 200
//! bytes.

use values::EncodingLimits;

/// A case: commands that start with an empty store.
pub(crate) struct Case<'a> {
    pub(crate) name: &'a str,
    pub(crate) limits: EncodingLimits,
    pub(crate) steps: Vec<Step<'a>>,
}

/// A command and its recorded results.
pub(crate) struct Step<'a> {
    /// The number of the line. The first one is 1.
    pub(crate) line: usize,
    pub(crate) command: Vec<Vec<u8>>,
    pub(crate) reply: &'a str,
    /// Pairs of a key and the name of its encoding.
    pub(crate) encodings: Vec<(&'a str, &'a str)>,
}

/// Parses a table and returns its cases.
pub(crate) fn read(table: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for (index, line) in table.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name, limits: EncodingLimits::DEFAULT, steps: Vec::new() });
            continue;
        }
        let case = cases.last_mut().expect("a case begins with ==");
        if let Some(limit) = line.strip_prefix("! ") {
            let (name, value) = limit.split_once(' ').unwrap();
            set_limit(&mut case.limits, name, value.parse().unwrap());
            continue;
        }
        let (command, answer) = line.split_once(" => ").unwrap();
        let (reply, encodings) = answer.rsplit_once("; ").unwrap();
        let encodings = encodings.split(", ").map(|pair| pair.split_once(' ').unwrap()).collect();
        case.steps.push(Step { line: index + 1, command: arguments(command), reply, encodings });
    }
    cases
}

fn set_limit(limits: &mut EncodingLimits, name: &str, value: i32) {
    let field = match name {
        "list-max-listpack-size" => {
            limits.list_max_listpack_size = value;
            return;
        }
        "set-max-intset-entries" => &mut limits.set_max_intset_entries,
        "set-max-listpack-entries" => &mut limits.set_max_listpack_entries,
        "set-max-listpack-value" => &mut limits.set_max_listpack_value,
        "hash-max-listpack-entries" => &mut limits.hash_max_listpack_entries,
        "hash-max-listpack-value" => &mut limits.hash_max_listpack_value,
        "zset-max-listpack-entries" => &mut limits.zset_max_listpack_entries,
        "zset-max-listpack-value" => &mut limits.zset_max_listpack_value,
        _ => panic!("no limit is called {name}"),
    };
    *field = usize::try_from(value).unwrap();
}

/// Parses the arguments of a command.
fn arguments(command: &str) -> Vec<Vec<u8>> {
    let (mut arguments, mut rest) = (Vec::new(), command);
    while !rest.is_empty() {
        if let Some(text) = rest.strip_prefix('"') {
            let (text, behind) = text.split_once('"').unwrap();
            arguments.push(unescaped(text));
            rest = behind;
        } else if let Some(group) = rest.strip_prefix('{') {
            let (group, behind) = group.split_once('}').unwrap();
            let (range, template) = group.split_once(": ").unwrap();
            let (first, last) = range.split_once("..").unwrap();
            for number in first.parse::<u32>().unwrap()..=last.parse().unwrap() {
                let words = template.split(' ').map(|word| word.replace('%', &number.to_string()));
                arguments.extend(words.map(|word| repeated(&word)));
            }
            rest = behind;
        } else {
            let (word, behind) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
            arguments.push(repeated(word));
            rest = behind;
        }
        rest = rest.trim_start_matches(' ');
    }
    arguments
}

/// Returns a word as bytes, or the repeated bytes if the word has the form `<x*44>`.
fn repeated(word: &str) -> Vec<u8> {
    let Some(run) = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) else {
        return word.as_bytes().to_vec();
    };
    let (byte, times) = run.split_once('*').unwrap();
    byte.repeat(times.parse().unwrap()).into_bytes()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    bytes
}

#[test]
fn the_notation_is_read_as_it_is_described() {
    let table = "# none\n\n== one\n! set-max-intset-entries 4\nSADD k <x*3> {1..2: f% <y*2>} \"a\\x00 b\" \"\" => (5); k listpack, j -\n";
    let cases = read(table);
    let [Case { name: "one", limits, steps }] = &cases[..] else { panic!("one case") };
    assert_eq!(limits.set_max_intset_entries, 4);
    let [step] = &steps[..] else { panic!("one step") };
    let words: [&[u8]; 9] = [b"SADD", b"k", b"xxx", b"f1", b"yy", b"f2", b"yy", b"a\0 b", b""];
    assert_eq!(step.command, words);
    assert_eq!((step.line, step.reply), (5, "(5)"));
    assert_eq!(step.encodings, [("k", "listpack"), ("j", "-")]);
}
