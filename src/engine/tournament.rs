//! A winner tree: which of many deadlines is the earliest, when any of them may move at any time.
//!
//! Knows no owners and no meaning, only slots with a time each.

use crate::time::SimTime;

/// The earliest of `n` deadlines.
///
/// Moving a deadline costs log2 n comparisons, looking costs nothing.  Nothing is queued, so
/// nothing has to be cancelled: a deadline that moves simply has a new value.  Equal times are won
/// by the lower slot.
#[derive(Clone, Debug)]
pub(super) struct Tournament {
    /// A complete binary tree in one array: the winner at 1, the slots from `n_leaves` on.
    words: Vec<u64>,
    n_leaves: usize,
}

/// Bits of a word that hold the slot; the rest holds the time, so a plain `min` finds the winner.
const SLOT_BITS: u32 = 24;
/// The most slots a tree can hold.
pub(super) const SLOTS_MAX: usize = 1 << SLOT_BITS;
/// The latest time that a word can hold: 12.7 days.
pub(super) const TIME_MAX: SimTime = SimTime::from_micros((1 << (64 - SLOT_BITS)) - 2);
/// The word of a slot that is not armed; later than every armed one.
const IDLE: u64 = u64::MAX;

impl Tournament {
    /// A tree of `n_slots` slots, none of them armed.
    pub(super) fn new(n_slots: usize) -> Self {
        assert!(n_slots <= SLOTS_MAX, "{n_slots} deadlines in one cell, at most {SLOTS_MAX}");
        let n_leaves = n_slots.next_power_of_two();
        Self { words: vec![IDLE; 2 * n_leaves], n_leaves }
    }

    /// Sets the deadline of `slot`; [`SimTime::NEVER`] disarms it.
    #[inline]
    pub(super) fn set(&mut self, slot: usize, at: SimTime) {
        let word = if at == SimTime::NEVER {
            IDLE
        } else {
            assert!(at <= TIME_MAX, "deadline {at} is beyond {TIME_MAX}");
            at.as_micros() << SLOT_BITS | slot as u64
        };
        let mut node = self.n_leaves + slot;
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

    /// The slot with the earliest deadline, or nothing when none is armed.
    #[inline]
    pub(super) fn first(&self) -> Option<(SimTime, usize)> {
        let word = self.words[1];
        let slot = usize::try_from(word & (SLOTS_MAX as u64 - 1)).expect("24 bits");
        (word != IDLE).then_some((SimTime::from_micros(word >> SLOT_BITS), slot))
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
            assert_eq!(Tournament::new(n).first(), None, "{n} slots");
        }
    }

    #[test]
    fn the_lower_slot_wins_a_tie() {
        let mut tree = Tournament::new(5);
        tree.set(4, at(9));
        tree.set(2, at(9));
        assert_eq!(tree.first(), Some((at(9), 2)));
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
                prop_assert_eq!(tree.first(), expected);
            }
        }
    }
}
