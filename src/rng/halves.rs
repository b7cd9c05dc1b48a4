//! Draws of which very many are compared with one limit: their upper halves stand thirty-two to a
//! block, and decide nearly always.
//!
//! Sixteen blocks side by side, as wide as the machine's registers allow; the draws are the same
//! on every machine.

use pulp::{Simd, WithSimd};

use super::{
    Block, Draws, Entity, Purpose, halves,
    wide::{self, N_BLOCKS},
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

/// Of the blocks that are made in one go, the first half are of the first purpose: where each
/// is among those of its purpose, and which are of the second.
const PLACES: [u32; N_BLOCKS] = [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7];
const ARE_OF_SECOND: [u32; N_BLOCKS] = [0, 0, 0, 0, 0, 0, 0, 0, !0, !0, !0, !0, !0, !0, !0, !0];

/// Which upper halves are below the limits' upper halves.
struct Hits<'a> {
    key: &'a [u32; 8],
    /// The counter of the first block of each purpose.
    first: u32,
    /// By purpose.
    streams: [u64; 2],
    limits: [u32; 2],
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
        let (mut below, mut undecided) = ([0; N_BLOCKS], [0; N_BLOCKS]);
        let at_most = |(_, limit): (Purpose, u64)| {
            u32::try_from(limit.saturating_sub(1)).expect("no draw is above 2^32")
        };
        self.arch.dispatch(Hits {
            key: &self.key,
            first: first / HALVES_PER_BLOCK,
            streams: purposes.map(|(purpose, _)| Self::stream(purpose, entity)),
            limits: purposes.map(|it| at_most(it) >> 16),
            below: &mut below,
            undecided: &mut undecided,
        });
        if undecided != [0; N_BLOCKS] {
            self.decide(entity, (first, purposes), &undecided, &mut below);
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
        (first, purposes): (u32, [(Purpose, u64); 2]),
        undecided: &[u32; N_BLOCKS],
        below: &mut [u32; N_BLOCKS],
    ) {
        for at in (0..N_BLOCKS).filter(|it| undecided[*it] != 0) {
            let (purpose, limit) = purposes[at / N_EACH];
            let (mut kept, first) = (Halves::NONE, first + PLACES[at] * HALVES_PER_BLOCK);
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
        let are_of_second = S::as_simd_u32s(&ARE_OF_SECOND).0;
        // One of two numbers for each block, by its purpose.
        let of_purpose = |group: usize, [first, second]: [u32; 2]| {
            let other = simd.and_u32s(simd.splat_u32s(first ^ second), are_of_second[group]);
            simd.xor_u32s(simd.splat_u32s(first), other)
        };
        let (low, high) =
            (self.streams.map(|it| halves(it).0), self.streams.map(|it| halves(it).1));
        let places = |group: usize| {
            let place = S::as_simd_u32s(&PLACES).0[group];
            let counter = simd.add_u32s(simd.splat_u32s(self.first), place);
            [counter, of_purpose(group, low), of_purpose(group, high)]
        };
        let below = S::as_mut_simd_u32s(self.below).0;
        let undecided = S::as_mut_simd_u32s(self.undecided).0;
        let nothing = simd.splat_u32s(0);
        let lower = simd.splat_u32s(0xffff);
        let ones = simd.splat_u32s(0x0001_0001);
        wide::each(simd, self.key, places, |group, words| {
            let limit = of_purpose(group, self.limits);
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
