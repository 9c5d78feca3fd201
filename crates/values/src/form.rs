//! [`Form`]: one encoding of a collection, as the handle of its structure; and what each type has of its forms.
//!
//! A type's handle is an enum of forms, and its view an enum of what they lend. Most of what a [`Collection`] does is a match
//! over the forms that does the same for each. The macro [`forms`](crate::form::forms) writes these matches, once for all types.
//!
//! [`Collection`]: crate::Collection

use crate::hashtable::{StringBlock, StringTable};
use crate::remains::{Remains, Rest};
use common::Cursor;
use core::ptr::NonNull;
use dict::Table;
use intset::IntSet;
use listpack::ListPack;
use quicklist::QuickList;
use zindex::ZTable;
use zmalloc::ReserveError;

/// The handle of a structure: one pointer.
pub(crate) trait Form: Sized {
    /// What a view borrows.
    type Lent: ?Sized;

    fn lend(&self) -> &Self::Lent;

    /// A copy of what is lent. O(elements).
    fn try_own(lent: &Self::Lent) -> Result<Self, ReserveError>;

    /// The bytes of a form that is packed into one block.
    fn as_packed(&self) -> Option<&[u8]> {
        None
    }

    /// See [`Collection::allocation_size`](crate::Collection::allocation_size).
    fn allocation_size(&self) -> usize;

    /// See [`Collection::free_effort`](crate::Collection::free_effort).
    fn free_effort(&self) -> usize {
        1
    }

    /// See [`Collection::drop_in_steps`](crate::Collection::drop_in_steps). What is one block goes at once.
    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        let _ = n;
        None
    }

    /// See [`Collection::relocate`](crate::Collection::relocate).
    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor;
}

/// A form that is one block of bytes.
macro_rules! packed_form {
    ($Handle:ty, $View:ty) => {
        impl Form for $Handle {
            type Lent = $View;

            #[inline]
            fn lend(&self) -> &$View {
                self
            }

            fn try_own(lent: &$View) -> Result<Self, ReserveError> {
                lent.try_to_owned()
            }

            #[inline]
            fn as_packed(&self) -> Option<&[u8]> {
                Some(self.as_bytes())
            }

            fn allocation_size(&self) -> usize {
                <$Handle>::allocation_size(self)
            }

            fn relocate(
                &mut self,
                _cursor: Cursor,
                moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
            ) -> Cursor {
                <$Handle>::relocate(self, moves);
                Cursor::START
            }
        }
    };
}

packed_form!(ListPack, listpack::View);
packed_form!(IntSet, intset::View);

impl Form for QuickList {
    type Lent = Self;

    #[inline]
    fn lend(&self) -> &Self {
        self
    }

    fn try_own(lent: &Self) -> Result<Self, ReserveError> {
        lent.try_clone()
    }

    fn allocation_size(&self) -> usize {
        self.allocation_size()
    }

    fn free_effort(&self) -> usize {
        self.node_count()
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        Remains(Rest::List(self)).drop_in_steps(n)
    }

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        self.relocate(cursor, moves)
    }
}

impl Form for ZTable {
    type Lent = Self;

    #[inline]
    fn lend(&self) -> &Self {
        self
    }

    fn try_own(lent: &Self) -> Result<Self, ReserveError> {
        lent.try_clone()
    }

    fn allocation_size(&self) -> usize {
        self.allocation_size()
    }

    fn free_effort(&self) -> usize {
        self.len()
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        self.drop_in_steps(n).map(|remains| Remains(Rest::ZSet(remains)))
    }

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        self.relocate(cursor, moves)
    }
}

impl<const N: usize> Form for StringTable<N>
where
    Rest: From<Table<StringBlock<N>>>,
{
    type Lent = Self;

    #[inline]
    fn lend(&self) -> &Self {
        self
    }

    fn try_own(lent: &Self) -> Result<Self, ReserveError> {
        lent.try_clone()
    }

    fn allocation_size(&self) -> usize {
        self.allocation_size()
    }

    fn free_effort(&self) -> usize {
        self.len()
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        Remains(self.into_table().into()).drop_in_steps(n)
    }

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        self.relocate(cursor, moves)
    }
}

/// The two enums of a type, and all that is the same for each of its forms.
///
/// `others` are the rest of the type's `impl Collection`.
macro_rules! forms {
    (
        $Type:ident, $View:ident;
        $First:ident($FirstHandle:ty), $($Form:ident($Handle:ty)),+;
        others { $($others:tt)* }
    ) => {
        enum Repr {
            $First($FirstHandle),
            $($Form($Handle)),+
        }

        #[derive(Clone, Copy)]
        enum ReprView<'a> {
            $First(&'a <$FirstHandle as $crate::form::Form>::Lent),
            $($Form(&'a <$Handle as $crate::form::Form>::Lent)),+
        }

        impl $Type {
            /// The value to be read, borrowed.
            #[inline]
            pub fn view(&self) -> $View<'_> {
                use $crate::form::Form;
                $View(match &self.0 {
                    Repr::$First(handle) => ReprView::$First(handle.lend()),
                    $(Repr::$Form(handle) => ReprView::$Form(handle.lend())),+
                })
            }
        }

        impl $View<'_> {
            /// How the value is stored now. In C: `OBJECT ENCODING`.
            #[inline]
            pub fn encoding(self) -> $crate::types::Encoding {
                match self.0 {
                    ReprView::$First(_) => $crate::types::Encoding::$First,
                    $(ReprView::$Form(_) => $crate::types::Encoding::$Form),+
                }
            }

            /// A copy that shares nothing. O(elements).
            pub fn try_to_owned(self) -> Result<$Type, $crate::ReserveError> {
                use $crate::form::Form;
                Ok($Type(match self.0 {
                    ReprView::$First(lent) => Repr::$First(<$FirstHandle>::try_own(lent)?),
                    $(ReprView::$Form(lent) => Repr::$Form(<$Handle>::try_own(lent)?)),+
                }))
            }
        }

        impl<'a> From<&'a $Type> for $View<'a> {
            #[inline]
            fn from(value: &'a $Type) -> Self {
                value.view()
            }
        }

        impl Default for $Type {
            fn default() -> Self {
                Self::new()
            }
        }

        impl Clone for $Type {
            /// [`Collection::try_clone`](crate::Collection::try_clone), with the OOM handler in place of an error.
            fn clone(&self) -> Self {
                zmalloc::or_oom(self.view().try_to_owned())
            }
        }

        /// As their views are.
        impl PartialEq for $Type {
            fn eq(&self, other: &Self) -> bool {
                self.view() == other.view()
            }
        }

        impl Eq for $Type {}

        impl core::fmt::Debug for $Type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.view().fmt(f)
            }
        }

        impl $crate::collection::sealed::Sealed for $Type {}

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
                use $crate::form::Form;
                // SAFETY: by contract, the encoding says whose word it is.
                unsafe {
                    $View(match encoding {
                        $($crate::types::Encoding::$Form => {
                            ReprView::$Form(word_as_ref::<$Handle>(word).lend())
                        })+
                        _ => ReprView::$First(word_as_ref::<$FirstHandle>(word).lend()),
                    })
                }
            }

            fn as_packed(&self) -> Option<&[u8]> {
                use $crate::form::Form;
                match &self.0 {
                    Repr::$First(handle) => handle.as_packed(),
                    $(Repr::$Form(handle) => handle.as_packed()),+
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
                use $crate::form::Form;
                match &self.0 {
                    Repr::$First(handle) => Form::allocation_size(handle),
                    $(Repr::$Form(handle) => Form::allocation_size(handle)),+
                }
            }

            fn free_effort(&self) -> usize {
                use $crate::form::Form;
                match &self.0 {
                    Repr::$First(handle) => handle.free_effort(),
                    $(Repr::$Form(handle) => handle.free_effort()),+
                }
            }

            fn drop_in_steps(self, n: usize) -> Option<$crate::Remains> {
                use $crate::form::Form;
                match self.0 {
                    Repr::$First(handle) => Form::drop_in_steps(handle, n),
                    $(Repr::$Form(handle) => Form::drop_in_steps(handle, n)),+
                }
            }

            fn relocate(
                &mut self,
                cursor: common::Cursor,
                moves: &mut impl FnMut(core::ptr::NonNull<u8>, usize) -> bool,
            ) -> common::Cursor {
                use $crate::form::Form;
                match &mut self.0 {
                    Repr::$First(handle) => Form::relocate(handle, cursor, moves),
                    $(Repr::$Form(handle) => Form::relocate(handle, cursor, moves)),+
                }
            }

            fn try_clone(&self) -> Result<Self, $crate::ReserveError> {
                self.view().try_to_owned()
            }

            fn into_raw(self) -> ($crate::types::Encoding, core::ptr::NonNull<u8>) {
                use $crate::collection::into_word;
                let encoding = self.view().encoding();
                let word = match self.0 {
                    Repr::$First(handle) => into_word(handle),
                    $(Repr::$Form(handle) => into_word(handle)),+
                };
                (encoding, word)
            }

            unsafe fn from_raw(encoding: $crate::types::Encoding, word: core::ptr::NonNull<u8>) -> Self {
                use $crate::collection::from_word;
                // SAFETY: by contract, the encoding says whose word it is.
                unsafe {
                    Self(match encoding {
                        $($crate::types::Encoding::$Form => Repr::$Form(from_word(word)),)+
                        _ => Repr::$First(from_word(word)),
                    })
                }
            }

            $($others)*
        }
    };
}

pub(crate) use forms;
