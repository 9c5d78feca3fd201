//! The traits of std that a set implements.

use crate::iter::Iter;
use crate::set::IntSet;
use crate::view::View;
use common::Room;
use core::borrow::Borrow;
use core::fmt;
use core::hash::{Hash, Hasher};
use zmalloc::or_oom;

impl PartialEq for View {
    /// Returns whether the integers are the same. The encodings may differ.
    fn eq(&self, other: &Self) -> bool {
        if self.encoding() == other.encoding() {
            self.as_bytes() == other.as_bytes()
        } else {
            self.iter().eq(other.iter())
        }
    }
}

impl Eq for View {}

impl Hash for View {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|value| state.write_i64(value));
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a View {
    type Item = i64;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl ToOwned for View {
    type Owned = IntSet;

    /// Like [`View::try_to_owned`], but calls the OOM handler if there is no memory.
    fn to_owned(&self) -> IntSet {
        or_oom(self.try_to_owned())
    }
}

impl Borrow<View> for IntSet {
    fn borrow(&self) -> &View {
        self
    }
}

impl Default for IntSet {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for IntSet {
    /// Like [`try_clone`](IntSet::try_clone), but calls the OOM handler if there is no memory.
    fn clone(&self) -> Self {
        or_oom(self.try_clone())
    }
}

impl<R: Room, S: Room> PartialEq<IntSet<S>> for IntSet<R> {
    /// Returns whether the integers are the same. The encodings may differ.
    fn eq(&self, other: &IntSet<S>) -> bool {
        **self == **other
    }
}

impl<R: Room> Eq for IntSet<R> {}

impl<R: Room> Hash for IntSet<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<R: Room> fmt::Debug for IntSet<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Extend<i64> for IntSet {
    /// Inserts the values one by one. This is fast if they ascend: see [`try_insert`](IntSet::try_insert).
    /// Calls the OOM handler if there is no memory.
    fn extend<I: IntoIterator<Item = i64>>(&mut self, values: I) {
        for value in values {
            self.insert(value);
        }
    }
}

impl FromIterator<i64> for IntSet {
    /// Creates a set and inserts the values one by one, as [`extend`](Extend::extend) does. Calls the OOM
    /// handler if there is no memory.
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        let mut set = Self::new();
        set.extend(values);
        set
    }
}

impl<'a, R: Room> IntoIterator for &'a IntSet<R> {
    type Item = i64;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
