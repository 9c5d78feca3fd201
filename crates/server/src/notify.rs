//! The classes of keyspace events, and the letters of `notify-keyspace-events`.

/// `K`: events are published in `__keyspace@N__:KEY`.
pub(crate) const KEYSPACE: u32 = 1;
/// `E`: events are published in `__keyevent@N__:EVENT`.
pub(crate) const KEYEVENT: u32 = 1 << 1;
/// `g`: commands for keys of any type.
pub(crate) const GENERIC: u32 = 1 << 2;
/// `$`: strings.
pub(crate) const STRING: u32 = 1 << 3;
/// `l`: lists.
pub(crate) const LIST: u32 = 1 << 4;
/// `s`: sets.
pub(crate) const SET: u32 = 1 << 5;
/// `h`: hashes.
pub(crate) const HASH: u32 = 1 << 6;
/// `z`: sorted sets.
pub(crate) const ZSET: u32 = 1 << 7;
/// `x`: keys that have expired.
pub(crate) const EXPIRED: u32 = 1 << 8;
/// `e`: keys that were evicted.
pub(crate) const EVICTED: u32 = 1 << 9;
/// `t`: streams, which this server does not have.
pub(crate) const STREAM: u32 = 1 << 10;
/// `d`: modules, which this server does not have.
pub(crate) const MODULE: u32 = 1 << 11;
/// `m`: look-ups that found no key. Not part of `A`.
pub(crate) const KEY_MISS: u32 = 1 << 12;
/// `n`: new keys. Not part of `A`.
pub(crate) const NEW: u32 = 1 << 13;

/// `A`: all classes but misses and new keys.
const ALL: u32 = GENERIC | STRING | LIST | SET | HASH | ZSET | EXPIRED | EVICTED | STREAM | MODULE;

const LETTERS: [(u8, u32); 14] = [
    (b'g', GENERIC),
    (b'$', STRING),
    (b'l', LIST),
    (b's', SET),
    (b'h', HASH),
    (b'z', ZSET),
    (b'x', EXPIRED),
    (b'e', EVICTED),
    (b't', STREAM),
    (b'd', MODULE),
    (b'K', KEYSPACE),
    (b'E', KEYEVENT),
    (b'm', KEY_MISS),
    (b'n', NEW),
];

/// Parses the letters. Returns `None` if one is unknown.
pub(crate) fn parse(letters: &[u8]) -> Option<u32> {
    letters.iter().try_fold(0, |classes, letter| match letter {
        b'A' => Some(classes | ALL),
        _ => LETTERS.iter().find(|(of, _)| of == letter).map(|(_, class)| classes | class),
    })
}

/// Returns the letters of some classes, in the order in which Redis prints them.
pub(crate) fn format(classes: u32) -> String {
    let has_all = classes & ALL == ALL;
    let letters = LETTERS.iter().filter(|(_, class)| classes & class != 0 && !(has_all && ALL & class != 0));
    let letters = letters.map(|(letter, _)| char::from(*letter));
    has_all.then_some('A').into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_and_written() {
        for letters in ["", "AK", "AKE", "g$KE", "xK", "AKEmn"] {
            assert_eq!(format(parse(letters.as_bytes()).unwrap()), letters);
        }
        assert_eq!(format(parse(b"KEg$lshzxetd").unwrap()), "AKE");
        assert_eq!(parse(b"Kq"), None);
    }
}
