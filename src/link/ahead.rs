//! What a link will do to the next messages of its first lane, while nothing but chance befalls
//! them.

use crate::{
    link::{
        Direction, Flow, Order, PathModel, Serial,
        loss::{Chain, Loss},
        purposes,
    },
    rng::{Draws, N_AHEAD, Purpose},
    time::SimSpan,
};

/// The next messages of a flow's first lane: those to which something will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The number of the first of them.
    first: u32,
    /// By direction, the first message in the lowest bit: it is lost; or on a link that loses in
    /// bursts, its chain does not stay in the good state, or it is lost all the same.
    restless: [u128; 2],
}

impl Outlook {
    /// Nothing has been looked at.
    pub const NONE: Self = Self { first: u32::MAX, restless: [0; 2] };

    /// The message after the last one looked at.
    pub const fn end(self) -> u32 {
        self.first.saturating_add(N_AHEAD)
    }

    /// Whether it tells of the message with this number.
    pub const fn covers(self, number: u32) -> bool {
        self.first <= number && number < self.end()
    }

    /// By direction, those from `number` on; beyond the end nothing is told.
    pub const fn from(self, number: u32) -> [u128; 2] {
        let shift = number - self.first;
        [self.restless[0] >> shift, self.restless[1] >> shift]
    }
}

impl PathModel {
    /// The longest time that a message is under way; or why what becomes of a message hangs on
    /// others.
    pub fn longest(&self) -> Result<SimSpan, &'static str> {
        if self.bottleneck.is_some() {
            return Err("messages wait for each other at a `rate`");
        }
        if self.order == Order::Fifo {
            return Err("messages keep their `order`");
        }
        if !self.duplicate.is_zero() {
            return Err("messages arrive twice by `duplicate`");
        }
        if self.reorder.is_some() {
            return Err("messages overtake each other by `reorder`");
        }
        Ok(self.delay.longest())
    }
}

impl Flow {
    /// Whether the link is in no burst, so that an [`Outlook`] tells what is to come.
    pub fn is_good(&self, paths: [&PathModel; 2]) -> bool {
        Direction::BOTH.into_iter().all(|it| match paths[it as usize].loss {
            Loss::Random(_) => true,
            Loss::GilbertElliott(_) | Loss::FourState(_) => {
                self.lanes[it as usize][0].chain == Chain::Good
            }
        })
    }

    /// Looks at the messages that are to come, from `number` on.
    pub fn look_ahead(&self, draws: &Draws, paths: [&PathModel; 2], number: u32) -> Outlook {
        let first = number / 16 * 16;
        let [up, down] = [Direction::Up, Direction::Down].map(|it| {
            let purposes = purposes(it);
            match paths[it as usize].loss {
                Loss::Random(share) => [(purposes.loss, share.limit()), (purposes.chain, 0)],
                Loss::GilbertElliott(it) => {
                    [(purposes.loss, it.good_loss.limit()), (purposes.chain, it.to_bad.limit())]
                }
                Loss::FourState(it) => {
                    [(purposes.loss, 0), (purposes.chain, it.p14.or(it.p13).limit())]
                }
            }
        });
        let mut restless = [0; 2];
        for of in [[up[0], down[0]], [up[1], down[1]]] {
            let is_any = of.iter().any(|(_, limit): &(Purpose, u64)| *limit != 0);
            if is_any {
                let found = draws.hits_ahead(self.entity, first, of);
                restless = [restless[0] | found[0], restless[1] | found[1]];
            }
        }
        Outlook { first, restless }
    }

    /// How long the message with this number of the first lane is under way.
    pub fn delay_of(
        &mut self,
        draws: &Draws,
        path: &PathModel,
        (direction, number): (Direction, u32),
    ) -> SimSpan {
        self.delay(path, draws, (direction, Serial { lane: 0, number }))
    }
}
