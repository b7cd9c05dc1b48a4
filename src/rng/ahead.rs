//! Many draws at once: which of the next ones hit.
//!
//! Sixteen blocks side by side, as wide as the machine's registers allow; the draws are the same
//! on every machine.

use pulp::{Simd, WithSimd};

use super::{CONSTANTS, Draws, Entity, Purpose, halves};

/// How many draws are looked at.
pub const N_AHEAD: u32 = 256;

/// Blocks that are made side by side.
const N_BLOCKS: usize = 16;

/// The sixteen blocks, and which of their words are at most the limit.
struct Blocks<'a> {
    key: &'a [u32; 8],
    counters: [u32; N_BLOCKS],
    stream: u64,
    limit: u32,
    hits: &'a mut [u32; N_BLOCKS],
}

impl Draws {
    /// Which of the draws for a purpose from `first` on are below `limit`, the first in the lowest
    /// bit of the first word.
    ///
    /// The first must be the first of a block.
    pub fn hits_ahead(
        &self,
        entity: Entity,
        purpose: Purpose,
        (first, limit): (u32, u64),
    ) -> [u128; 2] {
        assert!(first.is_multiple_of(16), "draw {first} is not the first of a block");
        let Some(at_most) = limit.checked_sub(1) else { return [0; 2] };
        let mut counters = [first / 16; N_BLOCKS];
        for (counter, place) in counters.iter_mut().zip(0..) {
            *counter += place;
        }
        let mut hits = [0; N_BLOCKS];
        self.arch.dispatch(Blocks {
            key: &self.key,
            counters,
            stream: self.stream(purpose, entity),
            limit: u32::try_from(at_most).expect("no draw is above 2^32"),
            hits: &mut hits,
        });
        let joined =
            |half: &[u32]| half.iter().rev().fold(0, |bits, it| bits << 16 | u128::from(*it));
        [joined(&hits[..8]), joined(&hits[8..])]
    }
}

#[inline(always)]
fn xor_rotated<S: Simd>(simd: S, one: S::u32s, other: S::u32s, by: u32) -> S::u32s {
    let mixed = simd.xor_u32s(one, other);
    let left = simd.wrapping_dyn_shl_u32s(mixed, simd.splat_u32s(by));
    let right = simd.wrapping_dyn_shr_u32s(mixed, simd.splat_u32s(32 - by));
    simd.or_u32s(left, right)
}

#[inline(always)]
fn quarter_round<S: Simd>(simd: S, words: &mut [S::u32s; 16], [a, b, c, d]: [usize; 4]) {
    for (turn_d, turn_b) in [(16, 12), (8, 7)] {
        words[a] = simd.add_u32s(words[a], words[b]);
        words[d] = xor_rotated(simd, words[d], words[a], turn_d);
        words[c] = simd.add_u32s(words[c], words[d]);
        words[b] = xor_rotated(simd, words[b], words[c], turn_b);
    }
}

impl WithSimd for Blocks<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { key, counters, stream, limit, hits } = self;
        let (hits, rest) = S::as_mut_simd_u32s(hits);
        assert!(rest.is_empty(), "registers hold at most {N_BLOCKS} words");
        let (low, high) = halves(stream);
        let limit = simd.splat_u32s(limit);
        for (hits, counters) in hits.iter_mut().zip(S::as_simd_u32s(&counters).0) {
            let mut input = [simd.splat_u32s(0); 16];
            for (word, constant) in input.iter_mut().zip(CONSTANTS.iter().chain(key)) {
                *word = simd.splat_u32s(*constant);
            }
            (input[12], input[14], input[15]) =
                (*counters, simd.splat_u32s(low), simd.splat_u32s(high));
            let mut words = input;
            for _ in 0..4 {
                quarter_round(simd, &mut words, [0, 4, 8, 12]);
                quarter_round(simd, &mut words, [1, 5, 9, 13]);
                quarter_round(simd, &mut words, [2, 6, 10, 14]);
                quarter_round(simd, &mut words, [3, 7, 11, 15]);
                quarter_round(simd, &mut words, [0, 5, 10, 15]);
                quarter_round(simd, &mut words, [1, 6, 11, 12]);
                quarter_round(simd, &mut words, [2, 7, 8, 13]);
                quarter_round(simd, &mut words, [3, 4, 9, 14]);
            }
            let mut found = simd.splat_u32s(0);
            for (place, (word, input)) in words.into_iter().zip(input).enumerate() {
                let is_hit = simd.less_than_or_equal_u32s(simd.add_u32s(word, input), limit);
                let bit = simd.select_u32s(is_hit, simd.splat_u32s(1 << place), simd.splat_u32s(0));
                found = simd.or_u32s(found, bit);
            }
            *hits = found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What looking ahead says is what the draws say one by one.
    #[test]
    fn what_is_ahead_is_what_is_drawn() {
        for seed in [1, 7] {
            let (draws, entity) = (Draws::new(seed), Entity::named("viewer-17"));
            for first in [0, 16, 4096, u32::MAX - 255] {
                for limit in [0, 1, 42_949_672, 1 << 31, 1 << 32] {
                    let purpose = Purpose::LossUp;
                    let ahead = draws.hits_ahead(entity, purpose, (first, limit));
                    for place in 0..N_AHEAD {
                        let index = u64::from(first) + u64::from(place);
                        let hits = u64::from(draws.draw(purpose, entity, index)) < limit;
                        let bit = ahead[place as usize / 128] >> (place % 128) & 1;
                        assert_eq!(bit == 1, hits, "draw {index} below {limit}");
                    }
                }
            }
        }
    }
}
