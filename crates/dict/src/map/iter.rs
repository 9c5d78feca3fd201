//! The iterators of a [`Dict`]: those of the table, with entries as keys and values.

use core::fmt;
use core::iter::FusedIterator;

use crate::iter as table;
use crate::map::Dict;
use crate::raw::RawTable;
use crate::table::Table;

/// Keys and values of a [`Dict`], in no particular order.
pub struct Iter<'a, K, V>(pub(super) table::Iter<'a, (K, V)>);
/// Keys of a [`Dict`], with mutable references to their values.
pub struct IterMut<'a, K, V>(pub(super) table::IterMut<'a, (K, V)>);
/// Keys and values of a [`Dict`] by value.
pub struct IntoIter<K, V>(table::IntoIter<(K, V)>);
/// Keys and values of a [`Dict`] by value. The dict is left empty and without memory.
pub struct Drain<'a, K, V>(pub(super) table::Drain<'a, (K, V)>);
/// Keys of a [`Dict`].
pub struct Keys<'a, K, V>(pub(super) Iter<'a, K, V>);
/// Values of a [`Dict`].
pub struct Values<'a, K, V>(pub(super) Iter<'a, K, V>);
/// Mutable references to the values of a [`Dict`].
pub struct ValuesMut<'a, K, V>(pub(super) IterMut<'a, K, V>);
/// Keys of a [`Dict`] by value.
pub struct IntoKeys<K, V>(pub(super) IntoIter<K, V>);
/// Values of a [`Dict`] by value.
pub struct IntoValues<K, V>(pub(super) IntoIter<K, V>);

/// Implements an iterator that maps the items of another one.
macro_rules! impl_iterator {
    ($([$($generics:tt)*] $name:ty => $item:ty, $map:expr;)*) => {$(
        impl<$($generics)*> Iterator for $name {
            type Item = $item;

            #[inline]
            fn next(&mut self) -> Option<$item> {
                self.0.next().map($map)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                self.0.size_hint()
            }

            #[inline]
            fn fold<B, F: FnMut(B, $item) -> B>(self, init: B, f: F) -> B {
                self.0.map($map).fold(init, f)
            }
        }

        impl<$($generics)*> ExactSizeIterator for $name {}
        impl<$($generics)*> FusedIterator for $name {}
    )*};
}

impl_iterator! {
    ['a, K, V] Iter<'a, K, V> => (&'a K, &'a V), |(key, value)| (key, value);
    ['a, K, V] IterMut<'a, K, V> => (&'a K, &'a mut V), |(key, value)| (&*key, value);
    [K, V] IntoIter<K, V> => (K, V), |entry| entry;
    [K, V] Drain<'_, K, V> => (K, V), |entry| entry;
    ['a, K, V] Keys<'a, K, V> => &'a K, |(key, _)| key;
    ['a, K, V] Values<'a, K, V> => &'a V, |(_, value)| value;
    ['a, K, V] ValuesMut<'a, K, V> => &'a mut V, |(_, value)| value;
    [K, V] IntoKeys<K, V> => K, |(key, _)| key;
    [K, V] IntoValues<K, V> => V, |(_, value)| value;
}

macro_rules! impl_clone {
    ($($name:ident)*) => {$(
        impl<K, V> Clone for $name<'_, K, V> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }
    )*};
}

impl_clone! { Iter Keys Values }

/// Implements `Default`, which returns an iterator over no items.
macro_rules! impl_default {
    ($([$($generics:tt)*] $name:ty => $inner:expr;)*) => {$(
        impl<$($generics)*> Default for $name {
            fn default() -> Self {
                Self($inner)
            }
        }
    )*};
}

impl_default! {
    [K, V] Iter<'_, K, V> => table::Iter::new(&RawTable::new());
    [K, V] IterMut<'_, K, V> => table::IterMut::new(&mut RawTable::new());
    [K, V] IntoIter<K, V> => Table::new().into_iter();
    [K, V] Keys<'_, K, V> => Iter::default();
    [K, V] Values<'_, K, V> => Iter::default();
    [K, V] ValuesMut<'_, K, V> => IterMut::default();
    [K, V] IntoKeys<K, V> => IntoIter::default();
    [K, V] IntoValues<K, V> => IntoIter::default();
}

/// Implements `Debug`, which shows the items that are still to come.
macro_rules! impl_debug {
    ($([$($generics:tt)*] $name:ty, $list:ident, |$it:ident| $rest:expr;)*) => {$(
        impl<$($generics)*> fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $it = self;
                f.$list().entries($rest).finish()
            }
        }
    )*};
}

impl_debug! {
    [K: fmt::Debug, V: fmt::Debug] Iter<'_, K, V>, debug_map, |it| it.clone();
    [K: fmt::Debug, V: fmt::Debug] IterMut<'_, K, V>, debug_map, |it| Iter(it.0.iter());
    [K: fmt::Debug, V: fmt::Debug] IntoIter<K, V>, debug_map, |it| Iter(it.0.iter());
    [K: fmt::Debug, V: fmt::Debug] Drain<'_, K, V>, debug_map, |it| Iter(it.0.iter());
    [K: fmt::Debug, V] Keys<'_, K, V>, debug_list, |it| it.clone();
    [K: fmt::Debug, V] IntoKeys<K, V>, debug_list, |it| Keys(Iter(it.0.0.iter()));
    [K, V: fmt::Debug] Values<'_, K, V>, debug_list, |it| it.clone();
    [K, V: fmt::Debug] ValuesMut<'_, K, V>, debug_list, |it| Values(Iter(it.0.0.iter()));
    [K, V: fmt::Debug] IntoValues<K, V>, debug_list, |it| Values(Iter(it.0.0.iter()));
}

impl<K, V, S> IntoIterator for Dict<K, V, S> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        IntoIter(self.table.into_iter())
    }
}

impl<'a, K, V, S> IntoIterator for &'a Dict<K, V, S> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

impl<'a, K, V, S> IntoIterator for &'a mut Dict<K, V, S> {
    type Item = (&'a K, &'a mut V);
    type IntoIter = IterMut<'a, K, V>;

    fn into_iter(self) -> IterMut<'a, K, V> {
        self.iter_mut()
    }
}
