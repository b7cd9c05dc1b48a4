//! The first draws of an entity, made at once.

use pulp::{Simd, WithSimd};

use super::{
    Draws, Entity, Purpose, WORDS_PER_BLOCK, halves,
    wide::{self, N_BLOCKS, Places},
};

/// What is dealt: the first draws from these on.  The indices of a message's draws have its lane
/// in their upper half.
const DEALT: [(Purpose, u64); N_STREAMS] = [
    (Purpose::LossUp, 1 << 32),
    (Purpose::LossUp, 2 << 32),
    (Purpose::LossDown, 1 << 32),
    (Purpose::LossDown, 2 << 32),
    (Purpose::DelayUp, 1 << 32),
    (Purpose::DelayUp, 2 << 32),
    (Purpose::DelayDown, 1 << 32),
    (Purpose::DelayDown, 2 << 32),
    (Purpose::Phase, 0),
    (Purpose::Wait, 0),
];

const N_STREAMS: usize = 10;
/// How many draws of each stream are dealt.
const N_EACH: usize = 2;

/// The draws that nearly every entity needs: those of its first messages on the second lane and
/// the third, of its first phase and its first wait.
#[derive(Clone, Copy, Debug)]
pub struct Hand {
    words: [[u32; N_EACH]; N_STREAMS],
}

/// The first words of the blocks of some entities.
struct Words<'a> {
    key: &'a [u32; 8],
    /// At most as many as blocks are made in one go.
    entities: &'a [Entity],
    to: &'a mut [Hand],
}

impl Hand {
    /// Nothing has been drawn.
    const BLANK: Self = Self { words: [[0; N_EACH]; N_STREAMS] };
}

impl Draws {
    /// The first draws of each of the entities, in their order.
    pub fn deal(&self, entities: &[Entity]) -> Vec<Hand> {
        let mut hands = vec![Hand::BLANK; entities.len()];
        for (entities, to) in entities.chunks(N_BLOCKS).zip(hands.chunks_mut(N_BLOCKS)) {
            self.arch.dispatch(Words { key: &self.key, entities, to });
        }
        hands
    }
}

impl WithSimd for Words<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let nothing = [0; N_BLOCKS];
        let mut places = Places { counters: nothing, low: nothing, high: nothing };
        for (stream, (purpose, index)) in DEALT.into_iter().enumerate() {
            places.counters = [halves(index / WORDS_PER_BLOCK).0; N_BLOCKS];
            for (place, entity) in self.entities.iter().enumerate() {
                (places.low[place], places.high[place]) = halves(Draws::stream(purpose, *entity));
            }
            let mut dealt = [nothing; N_EACH];
            let mut to = dealt.each_mut().map(|it| S::as_mut_simd_u32s(it).0);
            wide::each(simd, self.key, &places, |group, words| {
                for (to, word) in to.iter_mut().zip(words) {
                    to[group] = word;
                }
            });
            for (place, hand) in self.to.iter_mut().enumerate() {
                hand.words[stream] = dealt.map(|it| it[place]);
            }
        }
    }
}

impl Hand {
    /// The first draw for the phase of heartbeats.
    pub const fn phase(&self) -> u32 {
        self.words[8][0]
    }

    /// The first draw for a wait.
    pub const fn wait(&self) -> u32 {
        self.words[9][0]
    }

    /// A draw for the loss or the delay of a message, if it was dealt.
    #[inline]
    pub fn of_message(&self, purpose: Purpose, index: u64) -> Option<u32> {
        let (number, lane) = halves(index);
        let is_dealt = (Purpose::LossUp as u8..=Purpose::DelayDown as u8)
            .contains(&(purpose as u8))
            && (1..=2).contains(&lane)
            && (number as usize) < N_EACH;
        // In the order of what is dealt: by purpose, then by lane.
        let stream = || 2 * (purpose as usize - Purpose::LossUp as usize) + lane as usize - 1;
        is_dealt.then(|| self.words[stream()][number as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is dealt is what the draws say one by one.
    #[test]
    fn what_is_dealt_is_what_is_drawn() {
        let (draws, entity) = (Draws::new(7), Entity::named("A"));
        let others: Vec<Entity> = (0..16).map(|it| Entity::named(&format!("{it}"))).collect();
        let hand = draws.deal(&[&others[..], &[entity]].concat())[16];
        assert_eq!(hand.phase(), draws.draw(Purpose::Phase, entity, 0));
        assert_eq!(hand.wait(), draws.draw(Purpose::Wait, entity, 0));
        let mut n_dealt = 0;
        let purposes = [
            Purpose::LossUp,
            Purpose::LossDown,
            Purpose::DelayUp,
            Purpose::DelayDown,
            Purpose::CopyUp,
        ];
        for purpose in purposes {
            for index in (0..4_u64).flat_map(|lane| (0..4).map(move |it| lane << 32 | it)) {
                if let Some(dealt) = hand.of_message(purpose, index) {
                    assert_eq!(dealt, draws.draw(purpose, entity, index), "{purpose:?} {index}");
                    n_dealt += 1;
                }
            }
        }
        assert_eq!(n_dealt, 4 * 2 * N_EACH);
    }
}
