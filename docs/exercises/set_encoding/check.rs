//! Checks when a set changes its encoding.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{Encoding, Limits, Set};
use keyspace::{Keyspace, Options, values};

/// Integers and texts of one to three bytes.
const MEMBERS: [&[u8]; 8] = [b"1", b"22", b"333", b"-44", b"a", b"bb", b"ccc", b"007"];

/// A set, and the same set in a keyspace.
struct Pair {
    set: Set,
    db: Keyspace,
    limits: Limits,
}

impl Pair {
    fn new(limits: Limits) -> Self {
        let options = Options::new()
            .set_max_intset_entries(limits.intset_entries)
            .set_max_listpack_entries(limits.listpack_entries)
            .set_max_listpack_value(limits.listpack_value);
        Self { set: Set::new(), db: Keyspace::with_options(options), limits }
    }

    fn clear(&mut self) {
        self.set = Set::new();
        self.db.remove("set", 0);
    }

    /// Adds or removes a member in both, and compares them.
    fn run(&mut self, member: &[u8], adds: bool) {
        let before = self.set.encoding;
        let (found, expected) = if adds {
            (self.set.add(member, self.limits), self.db.sadd("set", member, 0).unwrap())
        } else {
            (self.set.remove(member), self.db.srem("set", member, 0).unwrap())
        };
        let what = format!(
            "{} {} with {:?}",
            if adds { "add" } else { "remove" },
            member.escape_ascii(),
            self.limits
        );
        assert_eq!(found, expected, "{what}");
        let encoding = match self.db.encoding("set", 0) {
            None => None,
            Some(values::Encoding::IntSet) => Some(Encoding::IntSet),
            Some(values::Encoding::ListPack) => Some(Encoding::ListPack),
            Some(_) => Some(Encoding::HashTable),
        };
        let members = &self.set.members;
        let own = (!members.is_empty()).then_some(self.set.encoding);
        assert_eq!(
            own,
            encoding,
            "{what}, which makes {} members. Before, the set was {before:?}",
            members.len()
        );
    }
}

/// Returns small limits, in all combinations.
fn limits(max: usize) -> impl Iterator<Item = Limits> {
    (0..max * max * max).map(move |n| Limits {
        intset_entries: n % max + 1,
        listpack_entries: n / max % max + 1,
        listpack_value: n / max / max + 1,
    })
}

const DEFAULTS: Limits = Limits { intset_entries: 512, listpack_entries: 128, listpack_value: 64 };

#[test]
fn a_table_stays_a_table_until_the_set_is_empty() {
    let mut set = Set::new();
    for n in 0..=512 {
        assert_eq!(set.encoding, Encoding::IntSet, "{n} integers");
        assert!(set.add(n.to_string().as_bytes(), DEFAULTS));
    }
    for n in 0..=512 {
        assert_eq!(set.encoding, Encoding::HashTable, "{} integers are left", 513 - n);
        assert!(set.remove(n.to_string().as_bytes()));
    }
    assert!(set.add(b"7", DEFAULTS) && set.encoding == Encoding::IntSet, "a new set begins as an intset");
}

#[test]
fn an_intset_of_128_integers_is_too_large_for_a_listpack() {
    for (integers, encoding) in [(127, Encoding::ListPack), (128, Encoding::HashTable)] {
        let mut set = Set::new();
        (0..integers).for_each(|n| assert!(set.add(n.to_string().as_bytes(), DEFAULTS)));
        assert!(set.add(b"seven", DEFAULTS));
        assert_eq!(set.encoding, encoding, "{integers} integers and a text");
    }
}

#[test]
fn the_longest_integer_of_an_intset_may_be_too_long_for_a_listpack() {
    for (integer, encoding) in [(&b"-100"[..], Encoding::ListPack), (b"-1000", Encoding::HashTable)] {
        let limits = Limits { listpack_value: 4, ..DEFAULTS };
        let mut set = Set::new();
        assert!(set.add(integer, limits) && set.add(b"a", limits));
        assert_eq!(set.encoding, encoding, "{} and a text", integer.escape_ascii());
    }
}

#[test]
fn a_command_without_effect_changes_nothing() {
    let limits = Limits { intset_entries: 2, listpack_entries: 2, listpack_value: 1 };
    let mut set = Set::new();
    assert!(!set.remove(b"a") && set.add(b"1", limits) && set.add(b"22", limits));
    assert!(!set.add(b"1", limits) && !set.add(b"22", limits) && !set.remove(b"a"));
    assert_eq!((set.encoding, set.members.len()), (Encoding::IntSet, 2));
}

#[test]
fn all_sequences_of_three_commands_have_the_encodings_of_the_keyspace() {
    for limits in limits(2) {
        let mut pair = Pair::new(limits);
        let commands = 2 * MEMBERS.len();
        for n in 0..commands * commands * commands {
            pair.clear();
            for command in [n % commands, n / commands % commands, n / commands / commands] {
                pair.run(MEMBERS[command / 2], command % 2 == 0);
            }
        }
    }
}

#[test]
fn long_sequences_of_commands_have_the_encodings_of_the_keyspace() {
    let mut seed = 1_u64;
    for limits in limits(4) {
        let mut pair = Pair::new(limits);
        for _ in 0..500 {
            seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
            let command = (seed >> 40) as usize;
            pair.run(MEMBERS[command % MEMBERS.len()], (command / MEMBERS.len()).is_multiple_of(2));
        }
    }
}
