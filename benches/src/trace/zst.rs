//! Decompresses a `.zst` file frame by frame while it is read. Only the window of a frame is in memory.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::fmt;
use std::io::{self, BufReader, Read};

/// The first bytes of a frame.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];

/// The compressed data is not valid. This is the inner error of the [`io::Error`] that [`Frames`] returns.
#[derive(Debug)]
pub(super) struct Damaged {
    /// How many bytes of the file the decoder had read.
    pub(super) offset: u64,
    what: String,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message of the decoder may have several lines.
        f.write_str(&self.what.replace('\n', " "))
    }
}

impl std::error::Error for Damaged {}

fn damaged(offset: u64, what: impl fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Damaged { offset, what: what.to_string() })
}

/// A reader that counts the bytes that are read.
struct Counting<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.count += count as u64;
        Ok(count)
    }
}

/// A reader of the decompressed data of all frames of a file.
pub(super) struct Frames<R> {
    source: Counting<BufReader<R>>,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: Read> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        let source = Counting { inner: BufReader::new(source), count: 0 };
        Self { source, decoder: FrameDecoder::new(), in_frame: false }
    }

    /// Reads the header of a frame. Returns `false` at the end of the file.
    fn next_frame(&mut self) -> io::Result<bool> {
        let mut magic = Vec::with_capacity(MAGIC.len());
        self.source.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
        if magic.is_empty() {
            return Ok(false);
        }
        match self.decoder.reset(magic.as_slice().chain(&mut self.source)) {
            Ok(()) => self.in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                let skipped = io::copy(&mut self.source.by_ref().take(length.into()), &mut io::sink())?;
                if skipped < length.into() {
                    return Err(damaged(self.source.count, "the file ends inside a skippable frame"));
                }
            }
            Err(err) => return Err(damaged(self.source.count, err)),
        }
        Ok(true)
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                if !self.next_frame()? {
                    return Ok(0);
                }
                continue;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let step = BlockDecodingStrategy::UptoBlocks(1);
                let decoded = self.decoder.decode_blocks(&mut self.source, step);
                decoded.map_err(|err| damaged(self.source.count, err))?;
            }
            let count = self.decoder.read(buf)?;
            if count > 0 || buf.is_empty() {
                return Ok(count);
            }
            let (told, found) =
                (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if told.is_some() && told != found {
                return Err(damaged(self.source.count, "a frame's checksum does not fit its data"));
            }
            self.in_frame = false;
        }
    }
}
