//! Many draws at once: which of the next ones hit.
//!
//! Sixteen blocks side by side, as wide as the machine's registers allow; the draws are the same
//! on every machine.

use pulp::{Simd, WithSimd};

use super::{CONSTANTS, Draws, Entity, Purpose, halves};

/// How many draws are looked at for each purpose.
pub const N_AHEAD: u32 = 128;

/// Blocks that are made side by side.
const N_BLOCKS: usize = 16;

/// The sixteen blocks, and which of their words are at most their limits.
struct Blocks<'a> {
    key: &'a [u32; 8],
    counters: [u32; N_BLOCKS],
    /// The halves of the streams, low and high.
    streams: [[u32; N_BLOCKS]; 2],
    limits: [u32; N_BLOCKS],
    hits: &'a mut [u32; N_BLOCKS],
}

impl Draws {
    /// For each of two purposes and the number of draws below which one hits: which of the draws
    /// from `first` on hit, the first in the lowest bit.
    ///
    /// The first must be the first of a block.
    pub fn hits_ahead(&self, entity: Entity, first: u32, of: [(Purpose, u64); 2]) -> [u128; 2] {
        assert!(first.is_multiple_of(16), "draw {first} is not the first of a block");
        let [(one, limit), (other, other_limit)] = of;
        let ((low, high), (other_low, other_high)) =
            (halves(self.stream(one, entity)), halves(self.stream(other, entity)));
        let at_most = |limit: u64| u32::try_from(limit.saturating_sub(1)).unwrap_or(u32::MAX);
        let by_half = |one, other| std::array::from_fn(|it| if it < 8 { one } else { other });
        let mut hits = [0; N_BLOCKS];
        self.arch.dispatch(Blocks {
            key: &self.key,
            counters: std::array::from_fn(|it| {
                first / 16 + u32::try_from(it % 8).expect("it is small")
            }),
            streams: [by_half(low, other_low), by_half(high, other_high)],
            limits: by_half(at_most(limit), at_most(other_limit)),
            hits: &mut hits,
        });
        let joined = |half: &[u32], limit: u64| {
            let joined = half.iter().rev().fold(0, |bits, it| bits << 16 | u128::from(*it));
            if limit == 0 { 0 } else { joined }
        };
        [joined(&hits[..8], limit), joined(&hits[8..], other_limit)]
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
        let Self { key, counters, streams: [low, high], limits, hits } = self;
        let (hits, rest) = S::as_mut_simd_u32s(hits);
        assert!(rest.is_empty(), "registers hold at most {N_BLOCKS} words");
        let (counters, lows) = (S::as_simd_u32s(&counters).0, S::as_simd_u32s(&low).0);
        let (highs, limits) = (S::as_simd_u32s(&high).0, S::as_simd_u32s(&limits).0);
        for (it, hits) in hits.iter_mut().enumerate() {
            let mut input = [simd.splat_u32s(0); 16];
            for (word, constant) in input.iter_mut().zip(CONSTANTS.iter().chain(key)) {
                *word = simd.splat_u32s(*constant);
            }
            (input[12], input[14], input[15]) = (counters[it], lows[it], highs[it]);
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
                let is_hit = simd.less_than_or_equal_u32s(simd.add_u32s(word, input), limits[it]);
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
                let limits = [0, 1, 42_949_672, 1 << 31, 1 << 32];
                for (limit, other_limit) in limits.into_iter().zip(limits.into_iter().rev()) {
                    let of = [(Purpose::LossUp, limit), (Purpose::LossDown, other_limit)];
                    let ahead = draws.hits_ahead(entity, first, of);
                    for (bits, (purpose, limit)) in ahead.into_iter().zip(of) {
                        for place in 0..N_AHEAD {
                            let index = u64::from(first) + u64::from(place);
                            let draw = draws.draw(purpose, entity, index);
                            let hits = u64::from(draw) < limit;
                            assert_eq!(bits >> place & 1 == 1, hits, "{purpose:?} {index} {limit}");
                        }
                    }
                }
            }
        }
    }
}
