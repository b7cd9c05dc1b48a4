//! Deadlines in a row: each was set when it was later than all that were set before.
//!
//! What every so often sets itself anew, always as far ahead, costs nothing to put in order.

use std::collections::VecDeque;

use super::word::Word;

/// Deadlines in order.
#[derive(Debug, Default)]
pub(super) struct Row {
    words: VecDeque<Word>,
    /// The last that was taken in, if any was.
    last: Option<Word>,
}

impl Row {
    /// Takes a deadline in, if it is later than all before it; whether it has.
    #[inline]
    pub(super) fn push(&mut self, word: Word) -> bool {
        let is_last = self.last.is_none_or(|it| it < word);
        if is_last {
            self.words.push_back(word);
            self.last = Some(word);
        }
        is_last
    }

    /// The earliest, idle if there is none.
    #[inline]
    pub(super) fn first(&self) -> Word {
        self.words.front().copied().unwrap_or(Word::IDLE)
    }

    /// Takes the earliest out.
    #[inline]
    pub(super) fn pop(&mut self) {
        self.words.pop_front();
    }

    /// The slot that comes after so many others.
    #[inline]
    pub(super) fn slot(&self, place: usize) -> Option<usize> {
        self.words.get(place).map(|it| it.slot())
    }
}
