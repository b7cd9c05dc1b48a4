//! A winner tree: which of many deadlines is the earliest, when any of them may move at any time.
//!
//! Knows no owners and no meaning, only slots with a time each.

use super::word::{SLOTS_MAX, Word};
use crate::time::SimTime;

/// The earliest of `n` deadlines.
///
/// Moving a deadline costs log2 n comparisons, looking costs nothing.  Nothing is queued, so
/// nothing has to be cancelled: a deadline that moves simply has a new value.  Equal times are won
/// by the lower slot.
#[derive(Clone, Debug)]
pub(super) struct Tournament {
    /// A complete binary tree in one array: the winner at 1, the slots from `n_leaves` on.
    words: Vec<Word>,
    n_leaves: usize,
}

impl Tournament {
    /// A tree of `n_slots` slots, none of them armed.
    pub(super) fn new(n_slots: usize) -> Self {
        assert!(n_slots <= SLOTS_MAX, "{n_slots} deadlines in one cell, at most {SLOTS_MAX}");
        let n_leaves = n_slots.next_power_of_two();
        Self { words: vec![Word::IDLE; 2 * n_leaves], n_leaves }
    }

    /// Sets the deadline of `slot`; [`SimTime::NEVER`] disarms it.
    #[inline]
    pub(super) fn set(&mut self, slot: usize, at: SimTime) {
        self.put(slot, Word::of(slot, at));
    }

    /// Sets the deadline of `slot`, unless it has an earlier one.
    #[inline]
    pub(super) fn set_earlier(&mut self, slot: usize, at: SimTime) {
        let word = Word::of(slot, at);
        if word < self.words[self.n_leaves + slot] {
            self.put(slot, word);
        }
    }

    #[inline]
    fn put(&mut self, slot: usize, word: Word) {
        let mut node = self.n_leaves + slot;
        if self.words[node] == word {
            return;
        }
        let mut winner = word;
        self.words[node] = word;
        while 1 < node {
            winner = winner.min(self.words[node ^ 1]);
            node /= 2;
            if self.words[node] == winner {
                break; // Nothing changes further up.
            }
            self.words[node] = winner;
        }
    }

    /// The word of the slot with the earliest deadline.
    #[inline]
    pub(super) fn first(&self) -> Word {
        self.words[1]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: u64) -> SimTime {
        SimTime::from_micros(micros)
    }

    #[test]
    fn an_empty_or_idle_tree_has_no_winner() {
        for n in [0, 1, 2, 3, 7] {
            assert_eq!(Tournament::new(n).first(), Word::IDLE, "{n} slots");
        }
    }

    #[test]
    fn the_lower_slot_wins_a_tie() {
        let mut tree = Tournament::new(5);
        tree.set(4, at(9));
        tree.set(2, at(9));
        assert_eq!(tree.first(), Word::of(2, at(9)));
    }

    proptest! {
        #[test]
        fn the_winner_is_the_minimum_after_any_moves(
            n in 1..40_usize,
            moves in prop::collection::vec((0..40_usize, prop::option::of(0..20_u64)), 0..200),
        ) {
            let mut tree = Tournament::new(n);
            let mut plain = vec![None; n];
            for (slot, time) in moves {
                let slot = slot % n;
                plain[slot] = time;
                tree.set(slot, time.map_or(SimTime::NEVER, at));
                let expected = (0..n).filter_map(|it| plain[it].map(|time| (at(time), it))).min();
                let expected = expected.map_or(Word::IDLE, |(time, it)| Word::of(it, time));
                prop_assert_eq!(tree.first(), expected);
            }
        }
    }
}
