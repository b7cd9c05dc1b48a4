//! Many draws at once: which of the next ones hit.
//!
//! Sixteen blocks side by side, as wide as the machine's registers allow; the draws are the same
//! on every machine.

use pulp::{Simd, WithSimd};

use super::{
    Draws, Entity, Purpose, halves,
    wide::{self, N_BLOCKS, Places},
};

/// How many draws are looked at.
pub const N_AHEAD: u32 = 256;

/// Which words of the blocks are at most the limit.
struct Hits<'a> {
    key: &'a [u32; 8],
    places: &'a Places,
    limit: u32,
    to: &'a mut [u32; N_BLOCKS],
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
        let (low, high) = halves(Self::stream(purpose, entity));
        self.arch.dispatch(Hits {
            key: &self.key,
            places: &Places { counters, low: [low; N_BLOCKS], high: [high; N_BLOCKS] },
            limit: u32::try_from(at_most).expect("no draw is above 2^32"),
            to: &mut hits,
        });
        // Sixteen bits of each, first by fours: they fit a register.
        let four = |at: usize| {
            let of = |it: usize| u64::from(hits[at + it]) << (16 * it);
            of(0) | of(1) | of(2) | of(3)
        };
        [0, 8].map(|at| u128::from(four(at + 4)) << u64::BITS | u128::from(four(at)))
    }
}

impl WithSimd for Hits<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let limit = simd.splat_u32s(self.limit);
        let hits = S::as_mut_simd_u32s(self.to).0;
        wide::each(simd, self.key, self.places, |group, words| {
            let mut found = simd.splat_u32s(0);
            for (place, word) in words.into_iter().enumerate() {
                let is_hit = simd.less_than_or_equal_u32s(word, limit);
                let bit = simd.select_u32s(is_hit, simd.splat_u32s(1 << place), simd.splat_u32s(0));
                found = simd.or_u32s(found, bit);
            }
            hits[group] = found;
        });
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
