//! Changes the bytes of a string: appends, overwrites, cuts and maps them.
//!
//! Operations that shorten a string never allocate, and they keep the free space. The slice that an [`Sds`]
//! derefs to changes bytes in place. Its methods `make_ascii_lowercase` and `make_ascii_uppercase` replace
//! C's `sdstolower` and `sdstoupper`.

use crate::Sds;
use crate::layout;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use zmalloc::{ReserveError, or_oom};

impl Sds {
    /// Appends one byte. Amortised O(1).
    #[inline]
    pub fn push(&mut self, byte: u8) {
        // SAFETY: the type's invariants. `&mut self` is exclusive, and the pointer is replaced before it is
        // used again.
        unsafe {
            if !layout::push_in_place(self.ptr, byte) {
                self.ptr = push_grown_or_oom(self.ptr, byte);
            }
        }
    }

    /// The fallible form of [`push`](Self::push).
    #[inline]
    pub fn try_push(&mut self, byte: u8) -> Result<(), ReserveError> {
        // SAFETY: as in `push`.
        if unsafe { layout::push_in_place(self.ptr, byte) } { Ok(()) } else { self.push_grown(&[byte]) }
    }

    /// Appends `bytes`, and grows greedily like [`make_room_for`](Self::make_room_for). In C: `sdscatlen`,
    /// `sdscat`, `sdscatsds`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("Hello ");
    /// s.push_bytes(b"World!");
    /// assert_eq!(s, "Hello World!");
    /// ```
    #[inline]
    pub fn push_bytes(&mut self, bytes: &[u8]) {
        or_oom(self.try_push_bytes(bytes));
    }

    /// The fallible form of [`push_bytes`](Self::push_bytes).
    #[inline]
    pub fn try_push_bytes(&mut self, bytes: &[u8]) -> Result<(), ReserveError> {
        // SAFETY: the type's invariants, and `&mut self` is exclusive.
        if unsafe { layout::append_in_place(self.ptr, bytes) } { Ok(()) } else { self.push_grown(bytes) }
    }

    #[cold]
    #[inline(never)]
    fn push_grown(&mut self, bytes: &[u8]) -> Result<(), ReserveError> {
        self.grow(bytes.len(), true)?;
        // SAFETY: as in `try_push_bytes`.
        let fits = unsafe { layout::append_in_place(self.ptr, bytes) };
        debug_assert!(fits, "grown too little");
        Ok(())
    }

    /// [`push_bytes`](Self::push_bytes) under the name of `Vec`'s method.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.push_bytes(bytes);
    }

    /// Replaces the whole string. Keeps the block if it is large enough. In C: `sdscpylen`, `sdscpy`.
    pub fn assign(&mut self, bytes: &[u8]) {
        or_oom(self.try_assign(bytes));
    }

    /// The fallible form of [`assign`](Self::assign). After an error the string is unchanged.
    pub fn try_assign(&mut self, bytes: &[u8]) -> Result<(), ReserveError> {
        self.try_make_room_for(bytes.len().saturating_sub(self.len()))?;
        // SAFETY: there is room for all the bytes. They are not part of the string, because `&mut self` is
        // exclusive.
        unsafe {
            self.ptr.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            self.set_len(bytes.len());
        }
        Ok(())
    }

    /// Appends zero bytes until the string has `len` bytes. A longer string does not change. In C:
    /// `sdsgrowzero`.
    pub fn grow_zero(&mut self, len: usize) {
        or_oom(self.try_grow_zero(len));
    }

    /// The fallible form of [`grow_zero`](Self::grow_zero).
    pub fn try_grow_zero(&mut self, len: usize) -> Result<(), ReserveError> {
        let old_len = self.len();
        if len > old_len {
            self.try_make_room_for(len - old_len)?;
            // SAFETY: there is room up to `len`, and all of it is initialised.
            unsafe {
                self.ptr.add(old_len).write_bytes(0, len - old_len);
                self.set_len(len);
            }
        }
        Ok(())
    }

    /// Cuts the string to `len` bytes. A shorter string does not change. The free space is kept.
    #[inline]
    pub fn truncate(&mut self, len: usize) {
        if len < self.len() {
            // SAFETY: `len` is less than the length, so the bytes are initialised.
            unsafe { self.set_len(len) };
        }
    }

    /// Makes the string empty. The free space is kept. In C: `sdsclear`.
    #[inline]
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Cuts the string at its first zero byte, if there is one. In C: `sdsupdatelen`.
    pub fn update_len(&mut self) {
        if let Some(first) = memchr::memchr(0, self) {
            self.truncate(first);
        }
    }

    /// Keeps the `len` bytes from `start`, or fewer if the string ends before, and removes the others.
    /// O(len). In C: `sdssubstr`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("Hello World");
    /// s.substr(6, 100);
    /// assert_eq!(s, "World");
    /// ```
    pub fn substr(&mut self, start: usize, len: usize) {
        let start = start.min(self.len());
        let len = len.min(self.len() - start);
        self.copy_within(start..start + len, 0);
        self.truncate(len);
    }

    /// Keeps the bytes from `start` to `end`, both inclusive, and removes the others. Negative positions
    /// count from the end: -1 is the last byte. A start before the string counts as 0, and an end after it
    /// as the last byte. An end before the string leaves the string empty. O(n). In C: `sdsrange`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("Hello World");
    /// s.range(1, -1);
    /// assert_eq!(s, "ello World");
    /// s.range(-5, 3);
    /// assert_eq!(s, "");
    /// ```
    pub fn range(&mut self, start: isize, end: isize) {
        let len = self.len() as isize; // at most MAX_LEN
        let from_front = |position: isize| if position < 0 { position + len } else { position };
        let start = from_front(start).max(0);
        let end = from_front(end).min(len - 1);
        if start <= end {
            self.substr(start as usize, (end - start) as usize + 1);
        } else {
            self.clear();
        }
    }

    /// Removes the bytes of `set` from both ends. O(n * set). In C: `sdstrim`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("AA...AA.a.aa.aHelloWorld     :::");
    /// s.trim(b"Aa. :");
    /// assert_eq!(s, "HelloWorld");
    /// ```
    pub fn trim(&mut self, set: &[u8]) {
        let kept = |byte: &u8| !set.contains(byte);
        match (self.iter().position(kept), self.iter().rposition(kept)) {
            (Some(first), Some(last)) => self.substr(first, last - first + 1),
            _ => self.clear(),
        }
    }

    /// Replaces each byte that occurs in `from` by the byte at the same position in `to`. If a byte occurs in
    /// `from` more than once, the first position counts. O(n * N). In C: `sdsmapchars`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("hello");
    /// s.map_bytes(b"ho", b"01");
    /// assert_eq!(s, "0ell1");
    /// ```
    pub fn map_bytes<const N: usize>(&mut self, from: &[u8; N], to: &[u8; N]) {
        for byte in self.as_mut_bytes() {
            if let Some(place) = from.iter().position(|one| one == byte) {
                *byte = to[place];
            }
        }
    }
}

/// The rare half of [`Sds::push`]. It takes and returns the pointer and not a reference, so that a loop of
/// `push` can keep the pointer in a register.
///
/// # Safety
/// `s` must be the pointer of an [`Sds`] that only the caller uses. The caller must replace it with the
/// returned pointer. If the OOM handler unwinds, the old pointer is still valid.
#[cold]
#[inline(never)]
unsafe fn push_grown_or_oom(s: NonNull<u8>, byte: u8) -> NonNull<u8> {
    let mut s = ManuallyDrop::new(Sds { ptr: s });
    or_oom(s.push_grown(&[byte]));
    s.ptr
}
