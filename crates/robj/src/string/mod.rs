//! String objects: the encoding of a new one, and the changes from one encoding to another.
//!
//! ```text
//!  from_bytes   len <= limit -> embstr              else raw
//!  from_i64     0 <= n < shared -> shared integer   else int
//!
//!  encode       canonical i64 -> shared or int;  short raw -> embstr;  raw with much free space -> shrunk
//!  decoded      int -> embstr
//!  make_mut     anything -> raw, with one reference
//!
//!  incr_by      int -> int, in place;  text of an integer -> int
//!  append, set_range, set_bit, bitfield_set ..   anything -> raw, with one reference and room
//! ```
//!
//! `from_bytes` does not check whether the bytes are a number, because most callers create temporary
//! objects. Callers that store an object call [`Robj::encode`]. No conversion changes an object that has
//! other references. `encode` returns such an object as it is, and the other conversions make a new one. The
//! new object takes over the access clock, unless it is a shared integer.
//!
//! `read` has the methods that read a string, and `edit` the commands that change one. The safety comments
//! refer to the invariant H1 of `header.rs`.
//!
//! Learned from: Redis' `object.c` (`createStringObject`, `tryObjectEncoding`, `getDecodedObject`,
//! `dbUnshareStringValue`).

mod edit;
mod read;

use crate::error::AccessError;
use crate::header::Value;
use crate::object::{EMBEDDED_LEN_MAX, Robj};
use crate::shared;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use sds::{MAX_PREALLOC, Sds};
use values::{Element, Encoding, EncodingLimits, ReserveError, WrongType};
use zmalloc::or_oom;

/// [`Robj::encode`] shrinks a raw string whose free space is more than a tenth of its length.
const FREE_SPACE_FRACTION: usize = 10;

/// Constructors of string objects.
impl Robj {
    /// Creates a string object: embstr if the bytes are few enough, else raw. In C: `createStringObject`.
    ///
    /// ```
    /// use robj::{Encoding, EncodingLimits, Robj};
    /// let limits = EncodingLimits::DEFAULT;
    /// assert_eq!(Robj::from_bytes(&[b'x'; 44], &limits).encoding(), Encoding::EmbStr);
    /// assert_eq!(Robj::from_bytes(&[b'x'; 45], &limits).encoding(), Encoding::Raw);
    /// ```
    #[inline]
    pub fn from_bytes(bytes: &[u8], limits: &EncodingLimits) -> Self {
        or_oom(Self::try_from_bytes(bytes, limits))
    }

    /// Does the same as [`from_bytes`](Self::from_bytes), but returns an error if an allocation fails.
    #[inline]
    pub fn try_from_bytes(bytes: &[u8], limits: &EncodingLimits) -> Result<Self, ReserveError> {
        Self::try_from_bytes_with_lru(bytes, limits, 0)
    }

    #[inline]
    fn try_from_bytes_with_lru(
        bytes: &[u8],
        limits: &EncodingLimits,
        lru: u32,
    ) -> Result<Self, ReserveError> {
        if fits_embstr(limits, bytes.len()) {
            Self::try_embstr(bytes, lru)
        } else {
            Self::try_raw_with_lru(Sds::try_from_bytes(bytes)?, lru).map_err(|(error, _)| error)
        }
    }

    /// Creates a raw object around a string of any length, which is not copied. In C:
    /// `createObject(OBJ_STRING, s)`.
    ///
    /// ```
    /// use robj::{Encoding, Robj};
    /// let object = Robj::raw(sds::Sds::from_bytes(b"7"));
    /// assert_eq!(object.encoding(), Encoding::Raw);
    /// ```
    #[inline]
    pub fn raw(string: Sds) -> Self {
        or_oom(Self::try_raw(string).map_err(|(error, _)| error))
    }

    /// Does the same as [`raw`](Self::raw), but returns an error and the string if an allocation fails.
    #[inline]
    pub fn try_raw(string: Sds) -> Result<Self, (ReserveError, Sds)> {
        Self::try_raw_with_lru(string, 0)
    }

    /// Creates an integer object. Returns the shared one if `limits` allow it. In C:
    /// `createStringObjectFromLongLongForValue`.
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// let limits = EncodingLimits::DEFAULT;
    /// assert!(Robj::from_i64(9_999, &limits).is_shared_integer());
    /// assert!(!Robj::from_i64(10_000, &limits).is_shared_integer());
    /// assert!(!Robj::from_i64(1, &EncodingLimits::NO_SHARED_INTEGERS).is_shared_integer());
    /// ```
    #[inline]
    pub fn from_i64(value: i64, limits: &EncodingLimits) -> Self {
        or_oom(Self::try_from_i64(value, limits))
    }

    /// Does the same as [`from_i64`](Self::from_i64), but returns an error if an allocation fails.
    #[inline]
    pub fn try_from_i64(value: i64, limits: &EncodingLimits) -> Result<Self, ReserveError> {
        Self::try_from_i64_with_lru(value, limits, 0)
    }

    /// Creates a string object from an element that a collection lends. An integer is handled as in
    /// [`from_i64`](Self::from_i64), and bytes as in [`from_bytes`](Self::from_bytes).
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// use values::list::{List, Side};
    /// let (limits, mut list) = (EncodingLimits::NO_SHARED_INTEGERS, List::new());
    /// list.push_back("7", &limits);
    /// let popped = list.try_pop_with(Side::Back, &limits, |element| Robj::try_from_element(element, &limits))?;
    /// assert!(!popped.unwrap().is_shared_integer());
    /// # Ok::<(), values::ReserveError>(())
    /// ```
    pub fn from_element(element: Element<'_>, limits: &EncodingLimits) -> Self {
        or_oom(Self::try_from_element(element, limits))
    }

    /// Does the same as [`from_element`](Self::from_element), but returns an error if an allocation fails.
    pub fn try_from_element(element: Element<'_>, limits: &EncodingLimits) -> Result<Self, ReserveError> {
        match element {
            Element::Int(value) => Self::try_from_i64(value, limits),
            Element::Bytes(bytes) => Self::try_from_bytes(bytes, limits),
        }
    }

    /// Creates a string object with the shortest decimal text that reads back as `value`, which
    /// [`Sds::from_f64`] writes. The object is never an int, as in `INCRBYFLOAT`. In C:
    /// `createStringObjectFromLongDouble`, which writes up to 17 decimals and no exponent.
    pub fn from_f64(value: f64, limits: &EncodingLimits) -> Self {
        or_oom(Self::try_from_f64(value, limits))
    }

    /// Does the same as [`from_f64`](Self::from_f64), but returns an error if an allocation fails.
    pub fn try_from_f64(value: f64, limits: &EncodingLimits) -> Result<Self, ReserveError> {
        let text = Sds::try_from_f64(value)?;
        if fits_embstr(limits, text.len()) {
            Self::try_embstr(&text, 0)
        } else {
            Self::try_raw(text).map_err(|(error, _)| error)
        }
    }

    #[inline]
    fn try_from_i64_with_lru(value: i64, limits: &EncodingLimits, lru: u32) -> Result<Self, ReserveError> {
        match shared::integer(value, limits.shared_integers) {
            // SAFETY: the table's headers are immortal.
            Some(header) => Ok(unsafe { Self::immortal(header) }),
            None => Self::try_int(value, lru),
        }
    }
}

/// Changes of the encoding.
impl Robj {
    /// Returns the object in its most compact encoding. In C: `tryObjectEncoding`.
    ///
    /// - Bytes that are the canonical decimal form of an `i64` become the shared integer, if `limits` allow
    ///   it, or an int.
    /// - A raw string that is short enough becomes embstr.
    /// - A raw string whose free space is more than a tenth of its length is shrunk.
    ///
    /// An object with other references does not change. If there is no memory for the new form, the object
    /// does not change either. So this method cannot fail: at worst it saves nothing.
    ///
    /// ```
    /// use robj::{Encoding, EncodingLimits, Robj};
    /// let limits = EncodingLimits::DEFAULT;
    /// assert_eq!(Robj::from("123456").encode(&limits).encoding(), Encoding::Int);
    /// assert_eq!(Robj::from("0123456").encode(&limits).encoding(), Encoding::EmbStr);
    /// ```
    pub fn encode(mut self, limits: &EncodingLimits) -> Self {
        let lru = self.header().lru();
        let Some(header) = self.header_mut() else { return self };
        let encoding = header.encoding();
        let Ok(Element::Bytes(bytes)) = header.string() else { return self };
        if let Some(value) = Element::Bytes(bytes).as_i64() {
            if encoding == Encoding::Raw && shared::integer(value, limits.shared_integers).is_none() {
                // The header can stay. Nothing is allocated, so nothing can fail.
                // SAFETY: the encoding tells which member is present (H1), and `set_value` overwrites the
                // dropped string.
                unsafe { ManuallyDrop::drop(&mut header.value.raw) };
                header.set_value(Encoding::Int, Value { int: value });
                return self;
            }
            return Self::try_from_i64_with_lru(value, limits, lru).unwrap_or(self);
        }
        if encoding == Encoding::Raw {
            if fits_embstr(limits, bytes.len()) {
                return Self::try_embstr(bytes, lru).unwrap_or(self);
            }
            let len = bytes.len();
            // SAFETY: the encoding tells which member is present (H1).
            let string = unsafe { &mut *header.value.raw };
            if string.avail() > len / FREE_SPACE_FRACTION {
                // If there is no memory for a smaller block, the string keeps the larger one.
                let _ = string.try_remove_free_space();
            }
        }
        self
    }

    /// Returns an object that is not encoded as an integer. For an integer, this is a new object with its
    /// decimal form. For anything else, it is another reference to this object. In C: `getDecodedObject`.
    ///
    /// ```
    /// use robj::{Encoding, EncodingLimits, Robj};
    /// let decoded = Robj::from(-7).decoded(&EncodingLimits::DEFAULT);
    /// assert_eq!(decoded.encoding(), Encoding::EmbStr);
    /// assert_eq!(&*decoded.as_string()?, b"-7");
    /// # Ok::<(), values::WrongType>(())
    /// ```
    pub fn decoded(&self, limits: &EncodingLimits) -> Self {
        or_oom(self.try_decoded(limits))
    }

    /// Does the same as [`decoded`](Self::decoded), but returns an error if an allocation fails.
    pub fn try_decoded(&self, limits: &EncodingLimits) -> Result<Self, ReserveError> {
        match self.as_element() {
            Ok(Element::Int(value)) => {
                Self::try_from_bytes_with_lru(&Element::Int(value).text(), limits, self.header().lru())
            }
            _ => Ok(self.clone()),
        }
    }
}

/// Changes of the value.
impl Robj {
    /// Returns the string for writing, if this is the only reference and the encoding is raw.
    ///
    /// ```
    /// let mut object = robj::Robj::raw(sds::Sds::from_bytes(b"a"));
    /// object.get_mut().unwrap().push_bytes(b"b");
    /// assert_eq!(&*object.as_string()?, b"ab");
    /// let other = object.clone();
    /// assert!(object.get_mut().is_none());
    /// # Ok::<(), values::WrongType>(())
    /// ```
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut Sds> {
        let header = self.header_mut()?;
        match header.encoding() {
            // SAFETY: the encoding tells which member is present (H1).
            Encoding::Raw => Some(unsafe { &mut *header.value.raw }),
            _ => None,
        }
    }

    /// Returns the string for writing. The object first becomes raw. If it has other references, it is
    /// copied, and they keep the old value. In C: `dbUnshareStringValue`.
    ///
    /// # Errors
    /// [`WrongType`] if the object does not hold a string.
    ///
    /// ```
    /// use robj::Robj;
    /// let mut object = Robj::from(99);
    /// let old = object.clone();
    /// object.make_mut()?.push_bytes(b"!");
    /// assert_eq!((object, old), (Robj::from("99!"), Robj::from("99")));
    /// # Ok::<(), values::WrongType>(())
    /// ```
    #[inline]
    pub fn make_mut(&mut self) -> Result<&mut Sds, WrongType> {
        self.as_element()?;
        Ok(or_oom(self.try_make_raw()))
    }

    /// Does the same as [`make_mut`](Self::make_mut), but returns an error if an allocation fails. The
    /// object is then unchanged.
    #[inline]
    pub fn try_make_mut(&mut self) -> Result<&mut Sds, AccessError> {
        self.as_element()?;
        Ok(self.try_make_raw()?)
    }

    /// Does the work of `make_mut`. The object must be a string.
    #[inline]
    fn try_make_raw(&mut self) -> Result<&mut Sds, ReserveError> {
        if !self.is_unique_raw() {
            let Ok(text) = self.as_string() else { unreachable!("the caller looked") };
            let string = Sds::try_from_bytes(&text)?;
            self.become_raw(string)?;
        }
        // SAFETY: the object is raw, so it is a string (H1), and this is the only reference. Another one
        // cannot have been created since the check, because this one is borrowed mutably.
        Ok(unsafe { self.raw_mut_unchecked() })
    }

    /// Does the same as [`try_make_mut`](Self::try_make_mut), and reserves room for `additional` more bytes,
    /// so that adding them cannot fail. If an allocation fails, the object is unchanged.
    #[inline]
    fn try_make_room(&mut self, additional: usize) -> Result<&mut Sds, AccessError> {
        let text = self.as_string()?;
        if additional == 0 {
            return Ok(self.try_make_raw()?);
        }
        if !self.is_unique_raw() {
            let size = text.len().saturating_add(additional);
            // The capacity is as generous as that of `make_room_for`.
            let mut string = Sds::try_with_capacity(size.saturating_add(size.min(MAX_PREALLOC)))?;
            string.try_push_bytes(&text)?;
            self.become_raw(string)?;
        }
        // SAFETY: as in `try_make_raw`.
        let string = unsafe { self.raw_mut_unchecked() };
        string.try_make_room_for(additional)?;
        Ok(string)
    }

    /// Returns whether the string can be changed in place: it is raw, and this is the only reference.
    #[inline]
    fn is_unique_raw(&self) -> bool {
        self.encoding() == Encoding::Raw && self.count().is_unique()
    }

    /// Replaces the object by a raw object that holds `string` and keeps the clock. Other references keep the
    /// old object.
    #[cold]
    fn become_raw(&mut self, string: Sds) -> Result<(), ReserveError> {
        if let Some(header) = self.header_mut()
            && header.encoding() == Encoding::Int
        {
            // Like a raw object, an integer is a block with only a header. It owns nothing that must be
            // freed.
            header.set_value(Encoding::Raw, Value { raw: ManuallyDrop::new(string) });
            return Ok(());
        }
        let lru = self.header().lru();
        *self = Self::try_raw_with_lru(string, lru).map_err(|(error, _)| error)?;
        Ok(())
    }

    /// Returns a copy of a string object, in the same encoding and with the same clock.
    pub(crate) fn try_duplicate_string(&self) -> Result<Self, ReserveError> {
        let lru = self.header().lru();
        match (self.encoding(), self.as_element()) {
            (_, Ok(Element::Int(value))) => Self::try_int(value, lru),
            (Encoding::EmbStr, Ok(Element::Bytes(bytes))) => Self::try_embstr(bytes, lru),
            (_, Ok(Element::Bytes(bytes))) => {
                Self::try_raw_with_lru(Sds::try_from_bytes(bytes)?, lru).map_err(|(error, _)| error)
            }
            (_, Err(_)) => unreachable!("the caller looked"),
        }
    }

    /// Moves the block of a raw string, if `moves` returns `true`.
    pub(crate) fn relocate_string(&mut self, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) {
        if let Some(string) = self.get_mut() {
            string.relocate(moves);
        }
    }

    /// Replaces the value of a string object by an integer. In C: the body of `INCR`.
    ///
    /// The object stays where it is if it is an int, if this is the only reference, and if the new value is
    /// not a shared integer. It keeps its clock, unless it becomes a shared integer, which has none.
    ///
    /// # Errors
    /// [`WrongType`] if the object does not hold a string.
    ///
    /// ```
    /// use robj::{EncodingLimits, Robj};
    /// let mut counter = Robj::from(123_456);
    /// let address = counter.as_ptr();
    /// counter.set_i64(123_457, &EncodingLimits::DEFAULT)?;
    /// assert_eq!((counter.as_i64(), counter.as_ptr()), (Some(123_457), address));
    /// assert!(Robj::from(values::List::new()).set_i64(1, &EncodingLimits::DEFAULT).is_err());
    /// # Ok::<(), values::WrongType>(())
    /// ```
    #[inline]
    pub fn set_i64(&mut self, value: i64, limits: &EncodingLimits) -> Result<(), WrongType> {
        self.as_element()?;
        or_oom(self.try_replace_by_i64(value, limits));
        Ok(())
    }

    /// Does the same as [`set_i64`](Self::set_i64), but returns an error if an allocation fails. The object
    /// is then unchanged.
    pub fn try_set_i64(&mut self, value: i64, limits: &EncodingLimits) -> Result<(), AccessError> {
        self.as_element()?;
        Ok(self.try_replace_by_i64(value, limits)?)
    }

    /// Does the work of `set_i64`. The object must be a string.
    fn try_replace_by_i64(&mut self, value: i64, limits: &EncodingLimits) -> Result<(), ReserveError> {
        if shared::integer(value, limits.shared_integers).is_none()
            && self.encoding() == Encoding::Int
            && let Some(header) = self.header_mut()
        {
            header.set_value(Encoding::Int, Value { int: value });
            return Ok(());
        }
        let lru = self.header().lru();
        *self = Self::try_from_i64_with_lru(value, limits, lru)?;
        Ok(())
    }
}

/// Returns whether a string of `len` bytes is embedded in its object's block.
#[inline]
fn fits_embstr(limits: &EncodingLimits, len: usize) -> bool {
    len <= limits.embstr_size_limit.min(EMBEDDED_LEN_MAX)
}
