//! [`HintBatch`]: asks the allocator in one call which of many blocks are worth moving.
//!
//! A structure is about to move its blocks one at a time. The allocator answers many questions faster in one
//! call. So each place of a structure is walked twice. The first walk only notes the
//! blocks. The second walk moves blocks by the answers, and finds them in the cache.
//!
//! Invariant: a noted block is live until the second walk, because the structures free only the blocks that
//! they move ([`Collection::relocate`](values::Collection::relocate),
//! [`Table::relocate`](dict::Table::relocate)).
//!
//! Limits: a walk notes up to [`BATCH_LEN_MAX`] blocks. Further blocks stay where they are.

use super::Defragged;
use core::ptr::NonNull;
use zmalloc::defrag::Survey;

/// The most blocks that are noted at once. A step has some tens of blocks. A table whose growth waits for
/// memory can have more.
const BATCH_LEN_MAX: usize = 256;

/// The number of questions that one survey answers. They take up to a tenth of a second of work.
const HINTS_PER_SURVEY: usize = 1 << 16;

/// Decides which blocks are worth moving.
pub(super) trait Hints {
    /// Puts the answer for `blocks[i]` in `answers[i]`. Both slices have the same length.
    ///
    /// # Safety
    /// All blocks must be live blocks of `zmalloc`.
    unsafe fn hints(&mut self, blocks: &[NonNull<u8>], answers: &mut [bool]);
}

/// A survey of the allocator that is renewed from time to time.
#[derive(Debug)]
pub(super) struct AllocatorHints {
    survey: Survey,
    asked: usize,
}

impl AllocatorHints {
    /// Takes a survey. Returns `None` unless the allocator can say which blocks are worth moving.
    pub(super) fn take() -> Option<Self> {
        Survey::take().map(|survey| Self { survey, asked: 0 })
    }
}

impl Hints for AllocatorHints {
    unsafe fn hints(&mut self, blocks: &[NonNull<u8>], answers: &mut [bool]) {
        self.asked += blocks.len();
        if self.asked > HINTS_PER_SURVEY
            && let Some(survey) = Survey::take()
        {
            *self = Self { survey, asked: 0 };
        }
        // SAFETY: the caller guarantees live blocks of `zmalloc`, which are passed on unchanged.
        if unsafe { self.survey.hints(blocks, answers) }.is_none() {
            answers.fill(false);
        }
    }
}

/// Some blocks, and the answers about them.
pub(super) struct HintBatch {
    blocks: [NonNull<u8>; BATCH_LEN_MAX],
    answers: [bool; BATCH_LEN_MAX],
    len: usize,
    /// The block that the second walk is expected to ask about next.
    next: usize,
}

impl HintBatch {
    pub(super) const fn new() -> Self {
        let (blocks, answers) = ([NonNull::dangling(); BATCH_LEN_MAX], [false; BATCH_LEN_MAX]);
        Self { blocks, answers, len: 0, next: 0 }
    }

    /// Notes a block, in the first walk.
    pub(super) fn note(&mut self, block: NonNull<u8>) {
        if let Some(place) = self.blocks.get_mut(self.len) {
            *place = block;
            self.len += 1;
        }
    }

    /// Asks about all blocks that were noted.
    ///
    /// # Safety
    /// They must be live blocks of `zmalloc`.
    pub(super) unsafe fn fetch_hints(&mut self, hints: &mut impl Hints) {
        // SAFETY: the caller guarantees that the noted blocks are live blocks of `zmalloc`.
        unsafe { hints.hints(&self.blocks[..self.len], &mut self.answers[..self.len]) };
    }

    /// Returns whether a block of `size` bytes is worth moving, in the second walk. Counts the block in
    /// `done`.
    pub(super) fn should_move(&mut self, block: NonNull<u8>, size: usize, done: &mut Defragged) -> bool {
        // Usually the block is the next noted one. A block that was not noted has no answer.
        let ahead = self.blocks[self.next..self.len].iter().position(|noted| *noted == block);
        let is_hit = ahead.is_some_and(|ahead| {
            self.next += ahead + 1;
            self.answers[self.next - 1]
        });
        if is_hit {
            done.hits += 1;
            done.bytes += size;
        } else {
            done.misses += 1;
        }
        is_hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks at odd addresses are worth moving.
    struct Odd;

    impl Hints for Odd {
        unsafe fn hints(&mut self, blocks: &[NonNull<u8>], answers: &mut [bool]) {
            for (block, answer) in blocks.iter().zip(answers) {
                *answer = block.addr().get() % 2 == 1;
            }
        }
    }

    fn block(address: usize) -> NonNull<u8> {
        NonNull::without_provenance(address.try_into().unwrap())
    }

    fn asked(addresses: impl IntoIterator<Item = usize>) -> HintBatch {
        let mut batch = HintBatch::new();
        addresses.into_iter().for_each(|address| batch.note(block(address)));
        // SAFETY: these hints access no block.
        unsafe { batch.fetch_hints(&mut Odd) };
        batch
    }

    #[test]
    fn each_block_gets_its_own_answer() {
        let (mut batch, mut done) = (asked(10..20), Defragged::default());
        for address in 10..20 {
            assert_eq!(batch.should_move(block(address), 100, &mut done), address % 2 == 1);
        }
        assert_eq!((done.hits, done.misses, done.bytes), (5, 5, 500));
    }

    #[test]
    fn a_block_that_was_not_noted_stays_and_those_behind_it_get_their_answers() {
        let (mut batch, mut done) = (asked([11, 12, 13, 15]), Defragged::default());
        let answers = [11, 99, 13, 12, 15, 15].map(|address| batch.should_move(block(address), 1, &mut done));
        assert_eq!(answers, [true, false, true, false, true, false]);
    }

    #[test]
    fn blocks_beyond_the_most_stay() {
        let (mut batch, mut done) = (asked((1..1_000).step_by(2)), Defragged::default());
        for address in (1..1_000).step_by(2) {
            batch.should_move(block(address), 1, &mut done);
        }
        assert_eq!((done.hits, done.misses), (BATCH_LEN_MAX, 500 - BATCH_LEN_MAX));
    }
}
