//! [`Args`]: the arguments of a command, as they lie in the query buffer.
//!
//! A command is not copied out of the buffer that it was read into. The parser notes where each argument is,
//! and the command borrows the arguments while it runs. Only a command that has to wait, after `MULTI` or in
//! a blocking pop, is copied ([`OwnedArgs`]).

/// The place of one argument in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The offset of the first byte.
    pub(crate) start: usize,
    /// The number of bytes.
    pub(crate) len: usize,
}

/// The arguments of a command. The first one is the name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'a> {
    bytes: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Args<'a> {
    /// Returns arguments that lie in `bytes` at these places.
    pub(crate) fn new(bytes: &'a [u8], spans: &'a [Span]) -> Self {
        Self { bytes, spans }
    }

    /// Returns the number of arguments, with the name.
    pub(crate) fn len(self) -> usize {
        self.spans.len()
    }

    /// Returns an argument.
    ///
    /// # Panics
    /// If there is no such argument. The arity has been checked before a command runs.
    pub(crate) fn at(self, index: usize) -> &'a [u8] {
        let span = self.spans[index];
        &self.bytes[span.start..span.start + span.len]
    }

    /// Returns an argument, or `None` if there are fewer.
    pub(crate) fn get(self, index: usize) -> Option<&'a [u8]> {
        (index < self.len()).then(|| self.at(index))
    }

    /// Returns the arguments from this index on. If the index is too large, the result is empty.
    pub(crate) fn from(self, index: usize) -> Self {
        Self { spans: self.spans.get(index..).unwrap_or_default(), ..self }
    }

    /// Returns the first `len` arguments, or all if there are fewer.
    pub(crate) fn first(self, len: usize) -> Self {
        Self { spans: &self.spans[..len.min(self.len())], ..self }
    }

    /// Returns whether an argument is this word, in upper or lower case.
    pub(crate) fn is(self, index: usize, word: &str) -> bool {
        self.get(index).is_some_and(|argument| argument.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Returns an iterator over the arguments.
    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> + DoubleEndedIterator + Clone {
        (0..self.len()).map(move |index| self.at(index))
    }

    /// Returns a copy.
    pub(crate) fn to_owned(self) -> OwnedArgs {
        let mut owned =
            OwnedArgs { bytes: Vec::with_capacity(self.size()), spans: Vec::with_capacity(self.len()) };
        for argument in self.iter() {
            owned.push(argument);
        }
        owned
    }

    /// Returns the sum of the lengths of all arguments, in bytes.
    pub(crate) fn size(self) -> usize {
        self.spans.iter().map(|span| span.len).sum()
    }
}

/// The arguments of a command that waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnedArgs {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl OwnedArgs {
    /// Adds an argument.
    pub(crate) fn push(&mut self, argument: &[u8]) {
        self.spans.push(Span { start: self.bytes.len(), len: argument.len() });
        self.bytes.extend_from_slice(argument);
    }

    /// Borrows the arguments.
    pub(crate) fn as_args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.spans)
    }

    /// Returns the bytes of memory that the arguments and their places take.
    pub(crate) fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity() + self.spans.capacity() * size_of::<Span>()
    }
}

impl<'b> FromIterator<&'b [u8]> for OwnedArgs {
    fn from_iter<I: IntoIterator<Item = &'b [u8]>>(arguments: I) -> Self {
        let mut owned = Self::default();
        arguments.into_iter().for_each(|argument| owned.push(argument));
        owned
    }
}
