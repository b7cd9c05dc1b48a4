//! Which messages a link loses: each by itself, or in bursts.
//!
//! netem's burst models are chains with a state that moves with every message.  The chain of a lane
//! is moved by the messages of that lane alone, so other messages change nothing about them.  The
//! states of the [timed model](super::spells) last for time, and no message moves them.

use crate::{
    link::{
        chance::Chance,
        spells::{State, TimedGilbertElliott, Times},
    },
    units::Probability,
};

/// How a direction of a link loses messages; the chains in the words of tc-netem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Each message by itself.
    Random(Probability),
    /// `gemodel`: a good and a bad state.
    GilbertElliott(GilbertElliott),
    /// `state`: four states, two of them lost.
    FourState(FourState),
    /// A good and a bad state that last for time.
    Timed(TimedGilbertElliott),
}

/// Gilbert and Elliott's model, with netem's meaning of its parameters: a message is lost by the
/// state in which it finds the link, and the state moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GilbertElliott {
    /// `p`: from good to bad.
    pub to_bad: Probability,
    /// `r`: from bad to good.
    pub to_good: Probability,
    /// `1-h`: the share that is lost in the bad state.
    pub bad_loss: Probability,
    /// `1-k`: the share that is lost in the good state.
    pub good_loss: Probability,
}

/// netem's four states: good and bad times, each with messages that get through and that do not.
/// The state moves first, and a message is lost by the state to which it has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FourState {
    /// From getting through in a good time to being lost in a bad one.
    pub p13: Probability,
    /// Back.
    pub p31: Probability,
    /// From being lost in a bad time to getting through in it.
    pub p32: Probability,
    /// Back.
    pub p23: Probability,
    /// From getting through in a good time to being lost by itself.
    pub p14: Probability,
}

/// The state of one chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chain {
    /// A good time.
    #[default]
    Good,
    /// A bad time, in which messages are lost.
    Bad,
    /// A bad time, in which one got through (four states only).
    BadThrough,
    /// A good time, in which one was lost (four states only).
    GoodLost,
}

impl Loss {
    /// Nothing is lost.
    pub const NONE: Self = Self::Random(Probability::ZERO);

    /// Whether messages move a state by which they are lost.
    pub const fn has_chain(&self) -> bool {
        match self {
            Self::Random(_) | Self::Timed(_) => false,
            Self::GilbertElliott(_) | Self::FourState(_) => true,
        }
    }

    /// Whether each message is lost by its own draw alone.
    pub const fn is_random(&self) -> bool {
        matches!(self, Self::Random(_))
    }

    /// Whether nothing is ever lost.
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::Random(share) if share.is_zero())
    }

    /// Whether the next message is lost.  `state` tells in which kind of spell it is sent, `draw`
    /// gives its draws; each is asked only when somebody looks.
    #[inline]
    pub fn loses(
        &self,
        chain: &mut Chain,
        state: impl FnOnce(Times) -> State,
        mut draw: impl FnMut(Chance) -> u32,
    ) -> bool {
        match self {
            Self::Random(share) => !share.is_zero() && share.hits(draw(Chance::Loss)),
            Self::GilbertElliott(model) => {
                let moving = draw(Chance::Chain);
                model.loses(chain, || draw(Chance::Loss), moving)
            }
            Self::FourState(model) => model.loses(chain, draw(Chance::Chain)),
            Self::Timed(model) => {
                let share = model.share(state(model.times));
                // What loses all or nothing needs no draw.
                !share.is_zero() && (share == Probability::ONE || share.hits(draw(Chance::Loss)))
            }
        }
    }
}

impl GilbertElliott {
    #[inline(never)]
    fn loses(self, chain: &mut Chain, draw: impl FnOnce() -> u32, moving: u32) -> bool {
        // A link that had four states before is taken to be in the time that they stand for.
        let (share, leaves, other) = match chain {
            Chain::Good | Chain::GoodLost => (self.good_loss, self.to_bad, Chain::Bad),
            Chain::Bad | Chain::BadThrough => (self.bad_loss, self.to_good, Chain::Good),
        };
        let stays = match other {
            Chain::Bad => Chain::Good,
            Chain::Good | Chain::BadThrough | Chain::GoodLost => Chain::Bad,
        };
        *chain = if leaves.hits(moving) { other } else { stays };
        !share.is_zero() && share.hits(draw())
    }
}

impl FourState {
    #[inline(never)]
    fn loses(self, chain: &mut Chain, moving: u32) -> bool {
        *chain = match chain {
            Chain::Good if self.p14.hits(moving) => Chain::GoodLost,
            Chain::Good if self.p14.or(self.p13).hits(moving) => Chain::Bad,
            Chain::Good | Chain::GoodLost => Chain::Good,
            Chain::Bad if self.p32.hits(moving) => Chain::BadThrough,
            Chain::Bad if self.p32.or(self.p31).hits(moving) => Chain::Good,
            Chain::Bad => Chain::Bad,
            Chain::BadThrough if self.p23.hits(moving) => Chain::Bad,
            Chain::BadThrough => Chain::BadThrough,
        };
        matches!(chain, Chain::Bad | Chain::GoodLost)
    }
}
