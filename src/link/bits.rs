//! A row of bits, one for each of some messages that follow on each other.

use std::ops::{BitAnd, BitOr, Not};

use crate::rng::N_AHEAD;

/// As many bits as messages are looked at, the first message in the lowest bit of the first word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bits([u128; 2]);

const HALF: u32 = u128::BITS;
const _: () = assert!(N_AHEAD == 2 * HALF, "two words hold what is looked at");

impl Bits {
    /// The bits of two words.
    pub const fn of(words: [u128; 2]) -> Self {
        Self(words)
    }

    /// The first `n` set, the others not.
    pub const fn first(n: u32) -> Self {
        const fn word(n: u32) -> u128 {
            if n < HALF { (1 << n) - 1 } else { u128::MAX }
        }
        Self([word(n), word(n.saturating_sub(HALF))])
    }

    /// Without the first `n`; what moves in behind is not set.
    #[must_use]
    #[inline]
    pub const fn without_first(self, n: u32) -> Self {
        let [low, high] = self.0;
        Self(match n {
            0 => [low, high],
            1..HALF => [low >> n | high << (HALF - n), high >> n],
            HALF..N_AHEAD => [high >> (n - HALF), 0],
            N_AHEAD.. => [0, 0],
        })
    }

    /// Whether one of them is set.
    #[inline]
    pub const fn has(self, place: u32) -> bool {
        self.0[(place / HALF) as usize] >> (place % HALF) & 1 == 1
    }

    /// How many are set.
    pub const fn count(self) -> u32 {
        self.0[0].count_ones() + self.0[1].count_ones()
    }

    /// The place of the first that is set.
    pub const fn lowest(self) -> Option<u32> {
        match self.0 {
            [0, 0] => None,
            [0, high] => Some(HALF + high.trailing_zeros()),
            [low, _] => Some(low.trailing_zeros()),
        }
    }

    /// The place of the last that is set.
    pub const fn highest(self) -> Option<u32> {
        match self.0 {
            [0, 0] => None,
            [low, 0] => Some(low.ilog2()),
            [_, high] => Some(HALF + high.ilog2()),
        }
    }

    /// The place of the first of `run` that are set side by side.
    pub fn first_run(self, run: u32) -> Option<u32> {
        let (mut starts, mut later, mut n) = (self, self, 1);
        while n < run && starts != Self::default() {
            later = later.without_first(1);
            starts = starts & later;
            n += 1;
        }
        starts.lowest()
    }

    /// How many are set side by side just before `place`.
    pub fn n_before(self, place: u32) -> u32 {
        if place == 0 || !self.has(place - 1) {
            return 0; // As nearly always.
        }
        let unset = !self & Self::first(place);
        unset.highest().map_or(place, |it| place - 1 - it)
    }
}

impl BitAnd for Bits {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self([self.0[0] & other.0[0], self.0[1] & other.0[1]])
    }
}

impl BitOr for Bits {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self([self.0[0] | other.0[0], self.0[1] | other.0[1]])
    }
}

impl Not for Bits {
    type Output = Self;

    fn not(self) -> Self {
        Self([!self.0[0], !self.0[1]])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Each question has the answer that plain places give.
        #[test]
        fn bits_are_places(
            places in prop::collection::btree_set(0..N_AHEAD, 0..200),
            by in 0..=N_AHEAD,
            run in 1..6_u32,
        ) {
            let mut words = [0; 2];
            for it in &places {
                words[(it / 128) as usize] |= 1 << (it % 128);
            }
            let bits = Bits::of(words);
            let has = |it: u32| places.contains(&it);
            for it in 0..N_AHEAD {
                prop_assert_eq!(bits.has(it), has(it));
                prop_assert_eq!(Bits::first(by).has(it), it < by);
                prop_assert_eq!(bits.without_first(by).has(it), has(it + by));
            }
            prop_assert_eq!(bits.count() as usize, places.len());
            prop_assert_eq!(bits.lowest(), places.first().copied());
            prop_assert_eq!(bits.highest(), places.last().copied());
            let is_run = |it: &u32| (*it..*it + run).all(has);
            prop_assert_eq!(bits.first_run(run), (0..N_AHEAD).find(is_run));
            let n_before = (0..by).rev().take_while(|it| has(*it)).count();
            prop_assert_eq!(bits.n_before(by) as usize, n_before);
        }
    }
}
