//! The draws that nearly every entity needs, from one block, made of many entities at once.

use pulp::{Simd, WithSimd};

use super::{
    Draws, Entity, Purpose, halves,
    wide::{self, N_BLOCKS, Places},
};

/// How many draws are dealt, of the sixteen of a block.
const N_DEALT: usize = 14;
/// Of how many messages of each direction.
const N_MESSAGES: usize = 3;
/// Where the draws of the first phase and the first wait are.
const PHASE: usize = 4 * N_MESSAGES;
const WAIT: usize = PHASE + 1;

/// The draws that nearly every entity needs: for the loss and the delay of its first message on the
/// second lane and of the first two on the third, for its first phase and its first wait.
#[derive(Clone, Copy, Debug)]
pub struct Hand {
    words: [u32; N_DEALT],
}

/// The blocks of some entities.
struct Blocks<'a> {
    key: &'a [u32; 8],
    /// At most as many as blocks are made in one go.
    entities: &'a [Entity],
    to: &'a mut [Hand],
}

impl Draws {
    /// The hands of each of the entities, in their order.
    pub fn deal(&self, entities: &[Entity]) -> Vec<Hand> {
        let mut hands = vec![Hand { words: [0; N_DEALT] }; entities.len()];
        for (entities, to) in entities.chunks(N_BLOCKS).zip(hands.chunks_mut(N_BLOCKS)) {
            self.arch.dispatch(Blocks { key: &self.key, entities, to });
        }
        hands
    }
}

impl WithSimd for Blocks<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "what is not inlined is not made for the registers")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let nothing = [0; N_BLOCKS];
        let mut places = Places { counters: nothing, low: nothing, high: nothing };
        for (place, entity) in self.entities.iter().enumerate() {
            (places.low[place], places.high[place]) = halves(Draws::stream(Purpose::Hand, *entity));
        }
        let mut dealt = [nothing; N_DEALT];
        let mut to = dealt.each_mut().map(|it| S::as_mut_simd_u32s(it).0);
        wide::each(
            simd,
            self.key,
            |it| places.of::<S>(it),
            |group, words| {
                for (to, word) in to.iter_mut().zip(words) {
                    to[group] = word;
                }
            },
        );
        for (place, hand) in self.to.iter_mut().enumerate() {
            hand.words = dealt.map(|it| it[place]);
        }
    }
}

impl Hand {
    /// The first draw for the phase of heartbeats.
    pub const fn phase(&self) -> u32 {
        self.words[PHASE]
    }

    /// The first draw for a wait.
    pub const fn wait(&self) -> u32 {
        self.words[WAIT]
    }

    /// The draw for the loss or the delay of a message, if it was dealt.
    #[inline]
    pub fn of_message(&self, purpose: Purpose, (lane, number): (u8, u32)) -> Option<u32> {
        let of_purpose = (purpose as usize).checked_sub(Purpose::LossUp as usize)?;
        let of_lane = match (lane, number) {
            (1, 0) => 0,
            (2, 0) => 1,
            (2, 1) => 2,
            _ => return None,
        };
        (purpose as usize <= Purpose::DelayDown as usize)
            .then(|| self.words[N_MESSAGES * of_purpose + of_lane])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is dealt are the words of one block, each of them once.
    #[test]
    fn what_is_dealt_is_one_block() {
        let (draws, entity) = (Draws::new(7), Entity::named("A"));
        let others: Vec<Entity> = (0..16).map(|it| Entity::named(&format!("{it}"))).collect();
        let hand = draws.deal(&[&others[..], &[entity]].concat())[16];
        let block = draws.block(Purpose::Hand, entity, 0);
        let mut dealt = Vec::new();
        let purposes = [
            Purpose::LossUp,
            Purpose::LossDown,
            Purpose::DelayUp,
            Purpose::DelayDown,
            Purpose::CopyUp,
        ];
        for purpose in purposes {
            let messages = (0..4_u8).flat_map(|lane| (0..4).map(move |number| (lane, number)));
            dealt.extend(messages.filter_map(|it| hand.of_message(purpose, it)));
        }
        dealt.extend([hand.phase(), hand.wait()]);
        assert_eq!(dealt, block[..14]);
    }
}
