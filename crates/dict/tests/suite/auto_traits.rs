//! Auto traits, variance and the drop check of the public types.

use std::cell::Cell;
use std::rc::Rc;

use dict::map::{self, Entry};
use dict::table::ExtractIf;
use dict::{Dict, Table, iter, table};

/// Evaluates to the constant `true` if a type has a trait, and to `false` otherwise.
///
/// `Of` has an inherent constant `HOLDS` only if the bound holds. This constant then takes precedence over
/// the constant of the trait `FallbackFalse`, which every type implements.
macro_rules! has {
    ($type:ty: $bound:path) => {{
        #[allow(dead_code)] // unused if the type has the trait
        trait FallbackFalse {
            const HOLDS: bool = false;
        }
        impl<T: ?Sized> FallbackFalse for T {}
        struct Of<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $bound> Of<T> {
            const HOLDS: bool = true;
        }
        <Of<$type>>::HOLDS
    }};
}

/// Types that are `Send` but not `Sync`, `Sync` but not `Send`, and neither.
type Sent = Cell<u8>;
type Shared = std::sync::MutexGuard<'static, u8>;
type Neither = Rc<u8>;

macro_rules! assert_auto_traits {
    ($($name:literal $of:ident: send if $send:ident, sync if $sync:ident, $type:ty;)*) => {$({
        // The type must be `Send` exactly if the entries have the property named after `send if`, and `Sync`
        // exactly if they have the one named after `sync if`.
        macro_rules! check {
            ($entry:ty, $is_send:expr, $is_sync:expr) => {{
                type $of = $entry;
                let (send, sync) = ($is_send, $is_sync);
                let pick = |property: &str| if property == "send" { send } else { sync };
                assert_eq!(has!($type: Send), pick(stringify!($send)), "{} Send, {}", $name, stringify!($entry));
                assert_eq!(has!($type: Sync), pick(stringify!($sync)), "{} Sync, {}", $name, stringify!($entry));
            }};
        }
        check!(u8, true, true);
        check!(Sent, true, false);
        check!(Shared, false, true);
        check!(Neither, false, false);
    })*};
}

#[test]
fn a_dict_and_its_parts_are_sent_and_shared_as_their_entries_allow() {
    assert_auto_traits! {
        "Dict by values" T: send if send, sync if sync, Dict<u8, T>;
        "Dict by keys" T: send if send, sync if sync, Dict<T, u8>;
        "Dict by hash" T: send if send, sync if sync, Dict<u8, u8, T>;
        "Table" T: send if send, sync if sync, Table<T>;
        // A reference can be sent if its entries can be shared. A mutable one can be sent if they can be
        // sent.
        "Iter" T: send if sync, sync if sync, map::Iter<'static, u8, T>;
        "Keys" T: send if sync, sync if sync, map::Keys<'static, T, u8>;
        "Values" T: send if sync, sync if sync, map::Values<'static, u8, T>;
        "IterMut" T: send if send, sync if sync, map::IterMut<'static, u8, T>;
        "ValuesMut" T: send if send, sync if sync, map::ValuesMut<'static, u8, T>;
        "IntoIter" T: send if send, sync if sync, map::IntoIter<u8, T>;
        "IntoKeys" T: send if send, sync if sync, map::IntoKeys<T, u8>;
        "IntoValues" T: send if send, sync if sync, map::IntoValues<u8, T>;
        "Drain" T: send if send, sync if sync, map::Drain<'static, u8, T>;
        "OccupiedEntry" T: send if send, sync if sync, map::OccupiedEntry<'static, u8, T>;
        "VacantEntry" T: send if send, sync if sync, map::VacantEntry<'static, u8, T>;
        "Entry" T: send if send, sync if sync, Entry<'static, u8, T>;
        "VacantEntryRef" T: send if send, sync if sync, map::VacantEntryRef<'static, 'static, u8, u8, T>;
        "iter::Iter" T: send if sync, sync if sync, iter::Iter<'static, T>;
        "iter::IterMarked" T: send if sync, sync if sync, iter::IterMarked<'static, T>;
        "iter::IterMut" T: send if send, sync if sync, iter::IterMut<'static, T>;
        "iter::IntoIter" T: send if send, sync if sync, iter::IntoIter<T>;
        "iter::Drain" T: send if send, sync if sync, iter::Drain<'static, T>;
        "ExtractIf" T: send if send, sync if sync, ExtractIf<'static, T, fn(&mut T) -> bool>;
        "table::OccupiedEntry" T: send if send, sync if sync, table::OccupiedEntry<'static, T>;
        "table::VacantEntry" T: send if send, sync if sync, table::VacantEntry<'static, T>;
    }
    assert!(has!(dict::DefaultHashBuilder: Send) && has!(dict::DefaultHashBuilder: Sync));
    assert!(has!(Dict<String, Vec<u8>>: std::panic::UnwindSafe));
}

/// Covariance: a type with long-lived references converts to one with short-lived ones. It is tested by
/// compiling.
#[allow(dead_code)]
mod covariance {
    use super::*;

    type Long = &'static str;

    fn dict<'a>(it: Dict<Long, Long>) -> Dict<&'a str, &'a str> {
        it
    }
    fn table<'a>(it: Table<Long>) -> Table<&'a str> {
        it
    }
    fn iter<'i, 'a>(it: map::Iter<'i, Long, Long>) -> map::Iter<'i, &'a str, &'a str> {
        it
    }
    fn keys<'i, 'a>(it: map::Keys<'i, Long, Long>) -> map::Keys<'i, &'a str, &'a str> {
        it
    }
    fn values<'i, 'a>(it: map::Values<'i, Long, Long>) -> map::Values<'i, &'a str, &'a str> {
        it
    }
    fn into_iter<'a>(it: map::IntoIter<Long, Long>) -> map::IntoIter<&'a str, &'a str> {
        it
    }
    fn into_keys<'a>(it: map::IntoKeys<Long, Long>) -> map::IntoKeys<&'a str, &'a str> {
        it
    }
    fn into_values<'a>(it: map::IntoValues<Long, Long>) -> map::IntoValues<&'a str, &'a str> {
        it
    }
    fn drain<'i, 'a>(it: map::Drain<'i, Long, Long>) -> map::Drain<'i, &'a str, &'a str> {
        it
    }
    fn table_iter<'i, 'a>(it: iter::Iter<'i, Long>) -> iter::Iter<'i, &'a str> {
        it
    }
    fn marked<'i, 'a>(it: iter::IterMarked<'i, Long>) -> iter::IterMarked<'i, &'a str> {
        it
    }
    fn table_into_iter<'a>(it: iter::IntoIter<Long>) -> iter::IntoIter<&'a str> {
        it
    }
    /// The lifetime of the borrow is covariant too.
    fn borrow<'a>(it: map::IterMut<'static, u8, u8>) -> map::IterMut<'a, u8, u8> {
        it
    }
}

// The code that must not compile is beside the type: `DropCheck` in `map/mod.rs`.
#[test]
fn a_dict_is_dropped_before_what_it_borrows() {
    struct CountsDrops<'a>(&'a Cell<u32>);
    impl Drop for CountsDrops<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Cell::new(0);
    let mut dict = Dict::new();
    dict.insert(1, CountsDrops(&drops));
    dict.insert(1, CountsDrops(&drops));
    assert_eq!(drops.get(), 1);
    drop(dict);
    assert_eq!(drops.get(), 2);
    // The keys of a dict borrow from a string that is dropped after the dict.
    let text = String::from("dies last");
    let mut dict = Dict::new();
    dict.insert(text.as_str(), &drops);
    assert!(dict.contains_key("dies last"));
}
