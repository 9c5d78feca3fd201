//! The macro `encodings`: the code that is the same for all types of collections.
//!
//! A collection is an enum of [`Handle`]s, one for each encoding, and its view is an enum of what they
//! lend. Most methods of a [`Collection`] are a match over the handles with the same call in each arm. The
//! macro writes these matches once for all types.
//!
//! [`Handle`]: crate::handle::Handle
//! [`Collection`]: crate::Collection

/// Defines the two enums of a type, and the code that is the same for its packed encodings and for the one
/// that is not packed. `others` is the rest of the type's `impl Collection`.
///
/// A packed encoding has the name of its structure, which may be in a room.
macro_rules! encodings {
    (
        $Type:ident, $View:ident;
        $First:ident $(, $Packed:ident)*; $Large:ident($Structure:ty);
        others { $($others:tt)* }
    ) => {
        enum Repr<R> {
            $First($First<R>),
            $($Packed($Packed<R>),)*
            $Large($Structure),
        }

        #[derive(Clone, Copy)]
        enum ReprView<'a> {
            $First(&'a <$First as $crate::handle::Handle>::Borrowed),
            $($Packed(&'a <$Packed as $crate::handle::Handle>::Borrowed),)*
            $Large(&'a $Structure),
        }

        const _: () = assert!(size_of::<$Type>() == 2 * size_of::<usize>());

        impl<R: common::Room> $Type<R> {
            /// Returns a view of the value.
            #[inline]
            pub fn view(&self) -> $View<'_> {
                $View(match &self.0 {
                    Repr::$First(packed) => ReprView::$First(packed),
                    $(Repr::$Packed(packed) => ReprView::$Packed(packed),)*
                    Repr::$Large(large) => ReprView::$Large(large),
                })
            }

            /// Returns how the value is stored now. In C: `OBJECT ENCODING`.
            #[inline]
            pub fn encoding(&self) -> $crate::types::Encoding {
                self.view().encoding()
            }

            /// Returns the number of elements: members, fields, or elements of a list.
            #[inline]
            pub fn len(&self) -> usize {
                self.view().len()
            }

            /// Returns whether there are no elements.
            #[inline]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }

        impl $View<'_> {
            /// Returns how the value is stored now. In C: `OBJECT ENCODING`.
            #[inline]
            pub fn encoding(self) -> $crate::types::Encoding {
                match self.0 {
                    ReprView::$First(_) => $crate::types::Encoding::$First,
                    $(ReprView::$Packed(_) => $crate::types::Encoding::$Packed,)*
                    ReprView::$Large(_) => $crate::types::Encoding::$Large,
                }
            }

            /// Returns a deep copy. O(elements).
            pub fn try_to_owned(self) -> Result<$Type, $crate::ReserveError> {
                use $crate::handle::Handle;
                Ok($Type(match self.0 {
                    ReprView::$First(borrowed) => Repr::$First(<$First>::try_own(borrowed)?),
                    $(ReprView::$Packed(borrowed) => Repr::$Packed(<$Packed>::try_own(borrowed)?),)*
                    ReprView::$Large(borrowed) => Repr::$Large(<$Structure>::try_own(borrowed)?),
                }))
            }
        }

        impl<'a, R: common::Room> From<&'a $Type<R>> for $View<'a> {
            #[inline]
            fn from(value: &'a $Type<R>) -> Self {
                value.view()
            }
        }

        impl Default for $Type {
            fn default() -> Self {
                Self::new()
            }
        }

        impl Clone for $Type {
            /// Does the same as [`Collection::try_clone`](crate::Collection::try_clone), but calls the OOM
            /// handler if an allocation fails.
            fn clone(&self) -> Self {
                zmalloc::or_oom(self.view().try_to_owned())
            }
        }

        /// Two values are equal if their contents are, whatever the encodings.
        impl<R: common::Room, S: common::Room> PartialEq<$Type<S>> for $Type<R> {
            fn eq(&self, other: &$Type<S>) -> bool {
                self.view() == other.view()
            }
        }

        impl<R: common::Room> Eq for $Type<R> {}

        impl<R: common::Room> core::fmt::Debug for $Type<R> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.view().fmt(f)
            }
        }

        impl<'a> $View<'a> {
            /// Returns the bytes of the value if it is packed into one block: those of a listpack or an
            /// intset. Constant time.
            #[inline]
            pub fn as_packed(self) -> Option<&'a [u8]> {
                match self.0 {
                    ReprView::$First(packed) => Some(packed.as_bytes()),
                    $(ReprView::$Packed(packed) => Some(packed.as_bytes()),)*
                    ReprView::$Large(_) => None,
                }
            }
        }

        impl $crate::collection::sealed::Sealed for $Type {}

        impl $crate::collection::sealed::Sealed for $View<'_> {}

        impl $crate::collection::CollectionView for $View<'_> {
            type Owned = $Type;

            #[inline]
            fn encoding(self) -> $crate::types::Encoding {
                self.encoding()
            }

            #[inline]
            fn len(self) -> usize {
                self.len()
            }

            fn try_to_owned(self) -> Result<$Type, $crate::ReserveError> {
                self.try_to_owned()
            }
        }

        impl $crate::collection::Collection for $Type {
            const TYPE: $crate::types::ObjectType = $crate::types::ObjectType::$Type;
            const EMPTY: Self = Self::new();

            type View<'a> = $View<'a>;

            #[inline]
            fn view(&self) -> $View<'_> {
                self.view()
            }

            #[inline]
            unsafe fn view_of_raw(
                encoding: $crate::types::Encoding,
                word: &core::ptr::NonNull<u8>,
            ) -> $View<'_> {
                use $crate::collection::word_as_ref;
                use $crate::handle::Handle;
                // SAFETY: the caller guarantees that the word is that of the encoding's handle.
                unsafe {
                    $View(match encoding {
                        $($crate::types::Encoding::$Packed => {
                            ReprView::$Packed(word_as_ref::<$Packed>(word).borrow())
                        })*
                        $crate::types::Encoding::$Large => {
                            ReprView::$Large(word_as_ref::<$Structure>(word).borrow())
                        }
                        _ => ReprView::$First(word_as_ref::<$First>(word).borrow()),
                    })
                }
            }

            fn as_packed(&self) -> Option<&[u8]> {
                use $crate::handle::Handle;
                match &self.0 {
                    Repr::$First(handle) => handle.as_packed(),
                    $(Repr::$Packed(handle) => handle.as_packed(),)*
                    Repr::$Large(handle) => handle.as_packed(),
                }
            }

            #[inline]
            fn encoding(&self) -> $crate::types::Encoding {
                self.view().encoding()
            }

            #[inline]
            fn len(&self) -> usize {
                self.view().len()
            }

            fn allocation_size(&self) -> usize {
                use $crate::handle::Handle;
                match &self.0 {
                    Repr::$First(handle) => Handle::allocation_size(handle),
                    $(Repr::$Packed(handle) => Handle::allocation_size(handle),)*
                    Repr::$Large(handle) => Handle::allocation_size(handle),
                }
            }

            fn free_effort(&self) -> usize {
                use $crate::handle::Handle;
                match &self.0 {
                    Repr::$First(handle) => handle.free_effort(),
                    $(Repr::$Packed(handle) => handle.free_effort(),)*
                    Repr::$Large(handle) => handle.free_effort(),
                }
            }

            fn drop_in_steps(self, n: usize) -> Option<$crate::Remains> {
                use $crate::handle::Handle;
                match self.0 {
                    Repr::$First(handle) => Handle::drop_in_steps(handle, n),
                    $(Repr::$Packed(handle) => Handle::drop_in_steps(handle, n),)*
                    Repr::$Large(handle) => Handle::drop_in_steps(handle, n),
                }
            }

            fn relocate(
                &mut self,
                cursor: common::Cursor,
                moves: &mut impl FnMut(core::ptr::NonNull<u8>, usize) -> bool,
            ) -> common::Cursor {
                use $crate::handle::Handle;
                match &mut self.0 {
                    Repr::$First(handle) => Handle::relocate(handle, cursor, moves),
                    $(Repr::$Packed(handle) => Handle::relocate(handle, cursor, moves),)*
                    Repr::$Large(handle) => Handle::relocate(handle, cursor, moves),
                }
            }

            fn try_clone(&self) -> Result<Self, $crate::ReserveError> {
                self.view().try_to_owned()
            }

            unsafe fn allocation_size_of_raw(
                encoding: $crate::types::Encoding,
                word: &core::ptr::NonNull<u8>,
            ) -> usize {
                use $crate::collection::word_as_ref;
                use $crate::handle::Handle;
                // SAFETY: the caller guarantees that the word is that of the encoding's handle.
                unsafe {
                    match encoding {
                        $($crate::types::Encoding::$Packed => {
                            Handle::allocation_size(word_as_ref::<$Packed>(word))
                        })*
                        $crate::types::Encoding::$Large => {
                            Handle::allocation_size(word_as_ref::<$Structure>(word))
                        }
                        _ => Handle::allocation_size(word_as_ref::<$First>(word)),
                    }
                }
            }

            unsafe fn free_effort_of_raw(
                encoding: $crate::types::Encoding,
                word: &core::ptr::NonNull<u8>,
            ) -> usize {
                use $crate::collection::word_as_ref;
                use $crate::handle::Handle;
                // SAFETY: the caller guarantees that the word is that of the encoding's handle.
                unsafe {
                    match encoding {
                        $($crate::types::Encoding::$Packed => {
                            word_as_ref::<$Packed>(word).free_effort()
                        })*
                        $crate::types::Encoding::$Large => {
                            word_as_ref::<$Structure>(word).free_effort()
                        }
                        _ => word_as_ref::<$First>(word).free_effort(),
                    }
                }
            }

            fn into_raw(self) -> ($crate::types::Encoding, core::ptr::NonNull<u8>) {
                use $crate::collection::into_word;
                let encoding = self.view().encoding();
                let word = match self.0 {
                    Repr::$First(handle) => into_word(handle),
                    $(Repr::$Packed(handle) => into_word(handle),)*
                    Repr::$Large(handle) => into_word(handle),
                };
                (encoding, word)
            }

            unsafe fn from_raw(encoding: $crate::types::Encoding, word: core::ptr::NonNull<u8>) -> Self {
                use $crate::collection::from_word;
                // SAFETY: the caller guarantees that the word is that of the encoding's handle.
                unsafe {
                    Self(match encoding {
                        $($crate::types::Encoding::$Packed => Repr::$Packed(from_word(word)),)*
                        $crate::types::Encoding::$Large => Repr::$Large(from_word(word)),
                        _ => Repr::$First(from_word(word)),
                    })
                }
            }

            type In<R: common::Room> = $Type<R>;

            fn in_room<R: common::Room>(
                encoding: $crate::types::Encoding,
                room: R,
            ) -> Result<$Type<R>, ($crate::Error, R)> {
                match encoding {
                    $crate::types::Encoding::$First => match $First::in_room(room) {
                        Ok(packed) => Ok($Type(Repr::$First(packed))),
                        Err((fault, room)) => Err((fault.into(), room)),
                    },
                    $($crate::types::Encoding::$Packed => match $Packed::in_room(room) {
                        Ok(packed) => Ok($Type(Repr::$Packed(packed))),
                        Err((fault, room)) => Err((fault.into(), room)),
                    },)*
                    encoding => Err(($crate::Error::NotPacked { encoding }, room)),
                }
            }

            #[inline]
            fn into_in<R: common::Room>(self) -> $Type<R> {
                $Type(match self.0 {
                    Repr::$First(packed) => Repr::$First(packed.into_room_type()),
                    $(Repr::$Packed(packed) => Repr::$Packed(packed.into_room_type()),)*
                    Repr::$Large(large) => Repr::$Large(large),
                })
            }

            #[inline]
            fn view_in<R: common::Room>(value: &$Type<R>) -> $View<'_> {
                value.view()
            }

            fn from_in<R: common::Room>(value: $Type<R>) -> $crate::Edited<Self, R> {
                use $crate::Edited;
                match value.0 {
                    Repr::$First(packed) => match packed.into_own() {
                        Ok(packed) => Edited::Own($Type(Repr::$First(packed))),
                        Err(room) => Edited::InRoom(room),
                    },
                    $(Repr::$Packed(packed) => match packed.into_own() {
                        Ok(packed) => Edited::Own($Type(Repr::$Packed(packed))),
                        Err(room) => Edited::InRoom(room),
                    },)*
                    Repr::$Large(large) => Edited::Own($Type(Repr::$Large(large))),
                }
            }

            $($others)*
        }
    };
}

pub(crate) use encodings;
