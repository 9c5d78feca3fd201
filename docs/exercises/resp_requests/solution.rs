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

/// The most digits of a number.
const DIGITS_MAX: usize = 20;

/// Why the parser stops before the end of a request.
enum Stop {
    Incomplete,
    Error(RequestError),
}

/// A buffer, and the offset of the byte that is read next.
struct Input<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = *self.buffer.get(self.at).ok_or(Stop::Incomplete)?;
        self.at += 1;
        Ok(byte)
    }

    /// Returns an error at the byte that was read last.
    fn unexpected(&self) -> Stop {
        Stop::Error(RequestError::Unexpected { offset: self.at - 1 })
    }

    fn expect(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        for &expected in bytes {
            if self.byte()? != expected {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    /// Reads a line: a mark and a number.
    fn number(&mut self, mark: u8, max: usize) -> Result<usize, Stop> {
        self.expect(&[mark])?;
        let (mut number, start) = (0_usize, self.at);
        loop {
            match self.byte()? {
                digit @ b'0'..=b'9' => {
                    let more =
                        number.checked_mul(10).and_then(|tens| tens.checked_add((digit - b'0').into()));
                    let too_large = Stop::Error(RequestError::TooLarge { offset: self.at - 1 });
                    let is_short = self.at - start <= DIGITS_MAX;
                    number = more.filter(|more| is_short && *more <= max).ok_or(too_large)?;
                }
                b'\r' if self.at - 1 > start => break,
                _ => return Err(self.unexpected()),
            }
        }
        self.expect(b"\n")?;
        Ok(number)
    }

    fn string(&mut self, max: usize) -> Result<&'a [u8], Stop> {
        let len = self.number(b'$', max)?;
        let string = self.buffer[self.at..].get(..len).ok_or(Stop::Incomplete)?;
        self.at += len;
        self.expect(b"\r\n")?;
        Ok(string)
    }
}

/// The arguments of a request, and the number of bytes that it takes.
pub(crate) type Request<'a> = (Vec<&'a [u8]>, usize);

/// Returns the first request. Returns `None` if it is not complete.
pub(crate) fn find_request(buffer: &[u8], limits: Limits) -> Result<Option<Request<'_>>, RequestError> {
    let mut input = Input { buffer, at: 0 };
    let mut request = || {
        let count = input.number(b'*', limits.args)?;
        let args = (0..count).map(|_| input.string(limits.len)).collect::<Result<_, Stop>>()?;
        Ok((args, input.at))
    };
    match request() {
        Ok(request) => Ok(Some(request)),
        Err(Stop::Incomplete) => Ok(None),
        Err(Stop::Error(error)) => Err(error),
    }
}
