//! Draws of which very many are compared with one limit: their upper halves stand thirty-two to a
//! block, and decide nearly always.
//!
//! Sixteen blocks side by side, as wide as the machine's registers allow; the draws are the same
//! on every machine.

use pulp::{Simd, WithSimd};

use super::{
    Block, Draws, Entity, Purpose, halves,
    wide::{self, N_BLOCKS, Places},
};

/// How many draws of each of two purposes are looked at.
pub const N_AHEAD: u32 = 256;
/// How many halves of draws a block has.
pub const HALVES_PER_BLOCK: u32 = 32;
/// Where the blocks of lower halves begin.
const LOWER: u64 = 1 << 32;

/// So many of the blocks are of each purpose.
const N_EACH: usize = N_BLOCKS / 2;
const _: () =
    assert!(N_AHEAD as usize == N_EACH * HALVES_PER_BLOCK as usize, "what is looked at is one go");

/// The blocks that were used last, of upper and of lower halves.
#[derive(Clone, Copy, Debug)]
pub struct Halves {
    upper: Block,
    lower: Block,
}

impl Halves {
    /// None yet.
    pub const NONE: Self = Self { upper: Block::NONE, lower: Block::NONE };
}

/// A half of a draw, by its place in its block: first come the lower halves of the sixteen words,
/// then the upper ones.
const fn half(words: &[u32; 16], place: u32) -> u32 {
    words[place as usize % 16] >> (place / 16 * 16) & 0xffff
}

/// Which upper halves are below the limits' upper halves.
struct Hits<'a> {
    key: &'a [u32; 8],
    places: &'a Places,
    limits: &'a [u32; N_BLOCKS],
    below: &'a mut [u32; N_BLOCKS],
    /// Whether one of a block equals its limit: not zero, if so.
    undecided: &'a mut [u32; N_BLOCKS],
}

impl Draws {
    /// Draw number `index` of `entity` for a purpose whose draws are in halves: evenly distributed
    /// over all of `u32`.  `kept` must have served no other purpose and entity.
    pub fn draw_halves(
        &self,
        kept: &mut Halves,
        purpose: Purpose,
        entity: Entity,
        index: u32,
    ) -> u32 {
        let (number, place) = (u64::from(index / HALVES_PER_BLOCK), index % HALVES_PER_BLOCK);
        let upper = half(self.keep(&mut kept.upper, purpose, entity, number), place);
        let lower = half(self.keep(&mut kept.lower, purpose, entity, LOWER | number), place);
        upper << 16 | lower
    }

    /// Which of the draws from `first` on are below the limit of a purpose, for two of them: the
    /// first in the lowest bit of the first word.
    ///
    /// The first must be the first of a block.
    pub fn hits_ahead(
        &self,
        entity: Entity,
        first: u32,
        purposes: [(Purpose, u64); 2],
    ) -> [[u128; 2]; 2] {
        assert!(first.is_multiple_of(HALVES_PER_BLOCK), "draw {first} is no first of a block");
        let nothing = [0; N_BLOCKS];
        let mut places = Places { counters: nothing, low: nothing, high: nothing };
        let (mut limits, mut below, mut undecided) = (nothing, nothing, nothing);
        for (of, (purpose, limit)) in purposes.into_iter().enumerate() {
            let (low, high) = halves(Self::stream(purpose, entity));
            let (first_number, of) = (first / HALVES_PER_BLOCK, N_EACH * of..N_EACH * (of + 1));
            for (number, counter) in (first_number..).zip(&mut places.counters[of.clone()]) {
                *counter = number;
            }
            places.low[of.clone()].fill(low);
            places.high[of.clone()].fill(high);
            let at_most = u32::try_from(limit.saturating_sub(1)).expect("no draw is above 2^32");
            limits[of].fill(at_most >> 16);
        }
        self.arch.dispatch(Hits {
            key: &self.key,
            places: &places,
            limits: &limits,
            below: &mut below,
            undecided: &mut undecided,
        });
        if undecided != nothing {
            self.decide(entity, purposes, (&places.counters, &undecided), &mut below);
        }
        let four = |at: usize| {
            below[at..at + 4].iter().rev().fold(0, |bits, it| bits << 32 | u128::from(*it))
        };
        [[four(0), four(4)], [four(8), four(12)]]
    }

    /// Looks at the lower halves, too, in blocks where an upper one equals its limit's.
    #[cold]
    fn decide(
        &self,
        entity: Entity,
        purposes: [(Purpose, u64); 2],
        (counters, undecided): (&[u32; N_BLOCKS], &[u32; N_BLOCKS]),
        below: &mut [u32; N_BLOCKS],
    ) {
        for at in (0..N_BLOCKS).filter(|it| undecided[*it] != 0) {
            let (purpose, limit) = purposes[at / N_EACH];
            let (mut kept, first) = (Halves::NONE, counters[at] * HALVES_PER_BLOCK);
            for place in 0..HALVES_PER_BLOCK {
                let draw = self.draw_halves(&mut kept, purpose, entity, first + place);
                below[at] |= u32::from(u64::from(draw) < limit) << place;
            }
        }
    }
}

impl WithSimd for Hits<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let limits = S::as_simd_u32s(self.limits).0;
        let below = S::as_mut_simd_u32s(self.below).0;
        let undecided = S::as_mut_simd_u32s(self.undecided).0;
        let nothing = simd.splat_u32s(0);
        let lower = simd.splat_u32s(0xffff);
        let ones = simd.splat_u32s(0x0001_0001);
        wide::each(simd, self.key, self.places, |group, words| {
            let limit = limits[group];
            let high = simd.wrapping_dyn_shl_u32s(limit, simd.splat_u32s(16));
            let both = simd.or_u32s(limit, high);
            // In turns so short that they are laid out one after the other.
            let (mut found, mut zeros) = (nothing, nothing);
            for (place, word) in words.iter().enumerate() {
                let is_hit = simd.less_than_u32s(simd.and_u32s(*word, lower), limit);
                let bit = simd.select_u32s(is_hit, simd.splat_u32s(1 << place), nothing);
                found = simd.or_u32s(found, bit);
            }
            for (place, word) in words.iter().enumerate() {
                let is_hit = simd.less_than_u32s(*word, high);
                let bit = simd.select_u32s(is_hit, simd.splat_u32s(1 << (16 + place)), nothing);
                found = simd.or_u32s(found, bit);
            }
            for word in &words {
                let other = simd.xor_u32s(*word, both);
                let zero = simd.and_u32s(simd.sub_u32s(other, ones), simd.not_u32s(other));
                zeros = simd.or_u32s(zeros, zero);
            }
            below[group] = found;
            undecided[group] = simd.and_u32s(zeros, simd.splat_u32s(0x8000_8000));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSES: [Purpose; 2] = [Purpose::LossDown, Purpose::ChainUp];

    /// What looking ahead says is what the draws say one by one, also where upper halves equal the
    /// limit's.
    #[test]
    fn what_is_ahead_is_what_is_drawn() {
        let entity = Entity::named("viewer-17");
        for (seed, first) in [(1, 0), (7, 32), (1, 4096), (7, u32::MAX - 255)] {
            let draws = Draws::new(seed);
            let drawn = PURPOSES.map(|purpose| {
                let mut kept = Halves::NONE;
                let draw = |it| draws.draw_halves(&mut kept, purpose, entity, first + it);
                (0..N_AHEAD).map(draw).collect::<Vec<u32>>()
            });
            // Those that lie on either side of a draw, too.
            let beside =
                drawn.iter().flatten().flat_map(|it| [0, 1].map(|more| u64::from(*it) + more));
            let limits: Vec<u64> =
                [0, 1, 42_949_672, 1 << 31, 1 << 32].into_iter().chain(beside).collect();
            for (limit, other) in limits.iter().zip(limits.iter().rev()) {
                let purposes = [(PURPOSES[0], *limit), (PURPOSES[1], *other)];
                let ahead = draws.hits_ahead(entity, first, purposes);
                for ((drawn, (_, limit)), ahead) in drawn.iter().zip(purposes).zip(ahead) {
                    for (place, draw) in drawn.iter().enumerate() {
                        let bit = ahead[place / 128] >> (place % 128) & 1;
                        assert_eq!(bit == 1, u64::from(*draw) < limit, "{place}: {draw} < {limit}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_draw_is_two_halves_of_words() {
        let (draws, entity, purpose) = (Draws::new(3), Entity::named("B"), Purpose::LossUp);
        let word = |number, place| draws.block(purpose, entity, number)[place];
        let drawn = |index| draws.draw_halves(&mut { Halves::NONE }, purpose, entity, index);
        assert_eq!(drawn(0), (word(0, 0) & 0xffff) << 16 | word(1 << 32, 0) & 0xffff);
        assert_eq!(drawn(65), (word(2, 1) & 0xffff) << 16 | word(1 << 32 | 2, 1) & 0xffff);
        assert_eq!(drawn(48), (word(1, 0) >> 16) << 16 | word(1 << 32 | 1, 0) >> 16);
        assert_eq!(drawn(31), (word(0, 15) >> 16) << 16 | word(1 << 32, 15) >> 16);
    }
}
