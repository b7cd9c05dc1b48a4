//! `ChaCha8` blocks side by side, as many as the machine's registers hold.

use pulp::Simd;

use super::CONSTANTS;

/// Blocks that are made in one go.
pub(super) const N_BLOCKS: usize = 16;

/// Where blocks begin: their counters, and their streams' halves, low and high.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub(super) counters: [u32; N_BLOCKS],
    pub(super) low: [u32; N_BLOCKS],
    pub(super) high: [u32; N_BLOCKS],
}

impl Places {
    /// Those of a group, as many as registers hold: counters, and halves of streams.
    #[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
    #[inline(always)]
    pub(super) fn of<S: Simd>(&self, group: usize) -> [S::u32s; 3] {
        [&self.counters, &self.low, &self.high].map(|it| S::as_simd_u32s(it).0[group])
    }
}

/// Makes the blocks of the places, which are asked for in groups of as many as registers hold: gives
/// the words of each group, the same word of each block in one.
#[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
#[inline(always)]
pub(super) fn each<S: Simd>(
    simd: S,
    key: &[u32; 8],
    places: impl Fn(usize) -> [S::u32s; 3],
    mut take: impl FnMut(usize, [S::u32s; 16]),
) {
    for group in 0..N_BLOCKS / S::U32_LANES {
        let mut input = [simd.splat_u32s(0); 16];
        for (word, constant) in input.iter_mut().zip(CONSTANTS.iter().chain(key)) {
            *word = simd.splat_u32s(*constant);
        }
        [input[12], input[14], input[15]] = places(group);
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
        for (word, input) in words.iter_mut().zip(input) {
            *word = simd.add_u32s(*word, input);
        }
        take(group, words);
    }
}

#[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
#[inline(always)]
fn xor_rotated<S: Simd>(simd: S, one: S::u32s, other: S::u32s, by: u32) -> S::u32s {
    let mixed = simd.xor_u32s(one, other);
    let left = simd.wrapping_dyn_shl_u32s(mixed, simd.splat_u32s(by));
    let right = simd.wrapping_dyn_shr_u32s(mixed, simd.splat_u32s(32 - by));
    simd.or_u32s(left, right)
}

#[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
#[inline(always)]
fn quarter_round<S: Simd>(simd: S, words: &mut [S::u32s; 16], [a, b, c, d]: [usize; 4]) {
    for (turn_d, turn_b) in [(16, 12), (8, 7)] {
        words[a] = simd.add_u32s(words[a], words[b]);
        words[d] = xor_rotated(simd, words[d], words[a], turn_d);
        words[c] = simd.add_u32s(words[c], words[d]);
        words[b] = xor_rotated(simd, words[b], words[c], turn_b);
    }
}
