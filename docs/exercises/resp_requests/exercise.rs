//! Finds requests in a buffer.

/// The largest numbers that a client may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most strings of a request.
    pub(crate) args: usize,
    /// The most bytes of a string.
    pub(crate) len: usize,
}

/// The reason why a buffer does not begin with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The byte at the offset cannot be there.
    Unexpected { offset: usize },
    /// The digit at the offset makes a number larger than its limit, or is its 21st one.
    TooLarge { offset: usize },
}

/// The arguments of a request, and the number of bytes that it takes.
pub(crate) type Request<'a> = (Vec<&'a [u8]>, usize);

/// Returns the first request. Returns `None` if it is not complete.
pub(crate) fn find_request(buffer: &[u8], limits: Limits) -> Result<Option<Request<'_>>, RequestError> {
    todo!("find the first request of {buffer:?} with {limits:?}")
}
