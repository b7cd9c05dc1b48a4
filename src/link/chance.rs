//! What is left to chance about a message, and the draws that decide it.

use super::{Direction, Serial};
use crate::rng::{Block, Draws, Entity, Halves, Hand, Purpose};

/// What is left to chance about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chance {
    /// Whether it is lost.
    Loss,
    /// How long it is under way.
    Delay,
    /// How it moves the state of a burst model.
    Chain,
    /// Whether it arrives twice.
    Copy,
    /// How long its copy is under way.
    CopyDelay,
    /// Whether it is sent on at once.
    Reorder,
    /// Whether its copy is lost.
    CopyLoss,
    /// How a burst model moves for its copy.
    CopyChain,
    /// Whether its copy is sent on at once.
    CopyReorder,
}

impl Chance {
    /// So many, in their order, are kept with those beside them; the others are few.
    const N_KEPT: usize = 6;

    /// What draws decide it.
    pub(super) const fn purpose(self, direction: Direction) -> Purpose {
        match (self, direction) {
            (Self::Loss, Direction::Up) => Purpose::LossUp,
            (Self::Loss, Direction::Down) => Purpose::LossDown,
            (Self::Delay, Direction::Up) => Purpose::DelayUp,
            (Self::Delay, Direction::Down) => Purpose::DelayDown,
            (Self::Chain, Direction::Up) => Purpose::ChainUp,
            (Self::Chain, Direction::Down) => Purpose::ChainDown,
            (Self::Copy, Direction::Up) => Purpose::CopyUp,
            (Self::Copy, Direction::Down) => Purpose::CopyDown,
            (Self::CopyDelay, Direction::Up) => Purpose::CopyDelayUp,
            (Self::CopyDelay, Direction::Down) => Purpose::CopyDelayDown,
            (Self::Reorder, Direction::Up) => Purpose::ReorderUp,
            (Self::Reorder, Direction::Down) => Purpose::ReorderDown,
            (Self::CopyLoss, Direction::Up) => Purpose::CopyLossUp,
            (Self::CopyLoss, Direction::Down) => Purpose::CopyLossDown,
            (Self::CopyChain, Direction::Up) => Purpose::CopyChainUp,
            (Self::CopyChain, Direction::Down) => Purpose::CopyChainDown,
            (Self::CopyReorder, Direction::Up) => Purpose::CopyReorderUp,
            (Self::CopyReorder, Direction::Down) => Purpose::CopyReorderDown,
        }
    }

    /// The same about the message's copy.
    pub(super) const fn of_copy(self) -> Self {
        match self {
            Self::Loss | Self::CopyLoss => Self::CopyLoss,
            Self::Delay | Self::CopyDelay => Self::CopyDelay,
            Self::Chain | Self::CopyChain => Self::CopyChain,
            Self::Reorder | Self::CopyReorder => Self::CopyReorder,
            Self::Copy => panic!("a copy is not copied"),
        }
    }
}

/// The draws for so many messages of a lane, but for the first lane, are made one by one: few
/// clients need more, and what is kept takes memory.
const N_ALONE: u32 = 4;

/// The draws for the messages of one entity.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    entity: Entity,
    hand: Hand,
    /// The draws that were used last, and fifteen beside them, for delays on the first lane, on
    /// which most messages go.
    delays: [Block; 2],
    /// The same for all else; none, until some are needed that were not dealt.
    others: Option<Box<[Kept; 2]>>,
}

/// The draws of one direction that were used last, with those of the same blocks.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// On the first lane, of what moves its burst model and what that loses.
    bursts: [Halves; 2],
    /// All others, by chance.
    blocks: [Block; Chance::N_KEPT],
}

impl Kept {
    const NONE: Self = Self { bursts: [Halves::NONE; 2], blocks: [Block::NONE; Chance::N_KEPT] };
}

impl Dice {
    pub(super) const fn new(entity: Entity, hand: Hand) -> Self {
        Self { entity, hand, delays: [Block::NONE; 2], others: None }
    }

    /// Whose messages they are for.
    #[inline]
    pub(super) const fn entity(&self) -> Entity {
        self.entity
    }

    /// The draw for a message.
    #[inline]
    pub(super) fn draw(
        &mut self,
        draws: &Draws,
        (direction, chance): (Direction, Chance),
        serial: Serial,
    ) -> u32 {
        let (purpose, Serial { lane, number }) = (chance.purpose(direction), serial);
        if (chance, lane) == (Chance::Delay, 0) {
            let block = &mut self.delays[direction as usize];
            return draws.draw_with(block, purpose, self.entity, serial.index());
        }
        let dealt = self.hand.of_message(purpose, (lane, number));
        dealt.unwrap_or_else(|| self.draw_more(draws, (direction, chance), serial))
    }

    #[inline(never)]
    fn draw_more(
        &mut self,
        draws: &Draws,
        (direction, chance): (Direction, Chance),
        serial: Serial,
    ) -> u32 {
        let (purpose, Serial { lane, number }) = (chance.purpose(direction), serial);
        if self.others.is_none() && lane != 0 && number < N_ALONE {
            return draws.draw(purpose, self.entity, serial.index());
        }
        if Chance::N_KEPT <= chance as usize {
            return draws.draw(purpose, self.entity, serial.index());
        }
        let others = self.others.get_or_insert_with(|| Box::new([Kept::NONE; 2]));
        let Kept { bursts, blocks } = &mut others[direction as usize];
        if let (Chance::Loss | Chance::Chain, 0) = (chance, lane) {
            let kept = &mut bursts[usize::from(chance == Chance::Chain)];
            return draws.draw_halves(kept, purpose, self.entity, number);
        }
        draws.draw_with(&mut blocks[chance as usize], purpose, self.entity, serial.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever was drawn before, each draw is what it is by itself.
    #[test]
    fn the_dice_show_what_the_draws_say() {
        let (draws, entity) = (Draws::new(5), Entity::named("A"));
        let hand = draws.deal(&[entity])[0];
        let mut dice = Dice::new(entity, hand);
        for (lane, number) in [(0, 0), (1, 0), (2, 1), (2, 2), (2, 17), (0, 17), (2, 18), (1, 1)] {
            for direction in Direction::BOTH {
                for chance in [
                    Chance::Loss,
                    Chance::Delay,
                    Chance::Chain,
                    Chance::Copy,
                    Chance::CopyDelay,
                    Chance::Reorder,
                    Chance::CopyLoss,
                    Chance::CopyChain,
                    Chance::CopyReorder,
                ] {
                    let (serial, purpose) = (Serial { lane, number }, chance.purpose(direction));
                    let drawn = match (lane, chance) {
                        (0, Chance::Loss | Chance::Chain) => {
                            draws.draw_halves(&mut { Halves::NONE }, purpose, entity, number)
                        }
                        _ => hand
                            .of_message(purpose, (lane, number))
                            .unwrap_or_else(|| draws.draw(purpose, entity, serial.index())),
                    };
                    let shown = dice.draw(&draws, (direction, chance), serial);
                    assert_eq!(shown, drawn, "{serial:?} {direction:?} {chance:?}");
                }
            }
        }
    }
}
