//! What a link will do to the next messages of its first lane, while nothing but chance befalls
//! them.

use crate::{
    link::{
        Direction, Flow, Order, PathModel, Serial, Twin,
        bits::Bits,
        chance::Chance,
        loss::{Chain, Loss},
        queue::Bottleneck,
    },
    rng::{Draws, Entity, HALVES_PER_BLOCK, N_AHEAD},
    time::SimSpan,
};

/// The next messages of a flow's first lane: those to which something will happen.
///
/// On a link that loses each message by itself, they are lost.  On one that loses in bursts, its
/// chain does not stay in the good state, or they are lost all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ahead {
    /// The number of the first message.
    first: u32,
    /// Below which draws something happens, by direction.
    limits: [Limits; 2],
    restless: [Bits; 2],
}

/// Below which draws something happens to a message: by loss, and by the chain.
type Limits = [u64; 2];

/// The next messages in both directions, from one number on: those to which something will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// By direction, from the first message on.
    pub restless: [Bits; 2],
    /// Of how many messages it tells.
    pub n_known: u32,
}

impl Ahead {
    /// Nothing has been looked at.
    pub(super) const NONE: Self =
        Self { first: u32::MAX, limits: [[0; 2]; 2], restless: [Bits::of([0; 2]); 2] };

    /// The messages from about `number` on, in both directions.
    fn of(limits: [Limits; 2], number: u32, (draws, entity): (&Draws, Entity)) -> Self {
        let first = number / HALVES_PER_BLOCK * HALVES_PER_BLOCK;
        let mut restless = [Bits::default(); 2];
        for chance in [Chance::Loss, Chance::Chain] {
            let limit = |it: Direction| limits[it as usize][usize::from(chance == Chance::Chain)];
            let purposes = Direction::BOTH.map(|it| (chance.purpose(it), limit(it)));
            if purposes.iter().any(|(_, limit)| *limit != 0) {
                let hits = draws.hits_ahead(entity, first, purposes);
                for (restless, hits) in restless.iter_mut().zip(hits) {
                    *restless = *restless | Bits::of(hits);
                }
            }
        }
        Self { first, limits, restless }
    }

    /// How many of the messages from this number on it tells of.
    #[inline]
    const fn n_told(&self, number: u32) -> u32 {
        if self.first <= number && number - self.first < N_AHEAD {
            N_AHEAD - (number - self.first)
        } else {
            0
        }
    }
}

/// Below which draws something happens to a message.
fn limits(loss: &Loss) -> Limits {
    match loss {
        Loss::Random(share) => [share.limit(), 0],
        Loss::GilbertElliott(it) => [it.good_loss.limit(), it.to_bad.limit()],
        Loss::FourState(it) => [0, it.p14.or(it.p13).limit()],
    }
}

impl PathModel {
    /// The longest time that a message is under way; or why what becomes of a message hangs on
    /// others.
    pub fn longest(&self) -> Result<SimSpan, &'static str> {
        match self.bottleneck {
            Some(Bottleneck { rate: Some(_), .. }) => {
                return Err("messages wait for each other at a `rate`");
            }
            Some(Bottleneck { rate: None, .. }) => {
                return Err("messages count for a `limit`");
            }
            None => (),
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

    /// Whether each message is by itself: what becomes of it hangs on its own draws alone.
    pub fn is_plain(&self) -> bool {
        self.longest().is_ok() && !self.loss.has_chain()
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

    /// What will happen to the messages from `number` on, of which at least `n_least` are told.
    pub fn outlook(
        &mut self,
        draws: &Draws,
        paths: [&PathModel; 2],
        (number, n_least): (u32, u32),
    ) -> Outlook {
        let limits = paths.map(|it| limits(&it.loss));
        if self.ahead.limits != limits || self.ahead.n_told(number) < n_least {
            self.ahead = Ahead::of(limits, number, (draws, self.dice.entity()));
        }
        Outlook { restless: self.told(number), n_known: self.ahead.n_told(number) }
    }

    /// Whether the messages from a number to before another are still told.
    pub fn tells(&self, (from, to): (u32, u32)) -> bool {
        self.ahead.first <= from && to <= self.ahead.first.saturating_add(N_AHEAD)
    }

    /// The same messages again, of which it has been told.
    pub fn told(&self, number: u32) -> [Bits; 2] {
        self.ahead.restless.map(|it| it.without_first(number - self.ahead.first))
    }

    /// Whether the message with this number of the first lane is lost, where each is by itself.
    #[inline]
    pub(super) fn loses_first(
        &mut self,
        path: &PathModel,
        (direction, number): (Direction, u32),
        draws: &Draws,
    ) -> bool {
        let here = limits(&path.loss);
        if self.ahead.limits[direction as usize] != here || self.ahead.n_told(number) == 0 {
            // The other way is taken to be as it was, and at first to be the same.
            let is_first = self.ahead == Ahead::NONE;
            let mut limits = if is_first { [here; 2] } else { self.ahead.limits };
            limits[direction as usize] = here;
            self.ahead = Ahead::of(limits, number, (draws, self.dice.entity()));
        }
        self.ahead.restless[direction as usize].has(number - self.ahead.first)
    }

    /// Whether the message with this number of the first lane is lost, where each is by itself; and
    /// the number before which no other after it is, as far as is known.
    pub fn loses_next(
        &mut self,
        draws: &Draws,
        path: &PathModel,
        (direction, number): (Direction, u32),
    ) -> (bool, u32) {
        if path.loss.is_none() {
            return (false, u32::MAX);
        }
        let is_lost = self.loses_first(path, (direction, number), draws);
        let Ahead { first, restless, .. } = &self.ahead;
        let after = restless[direction as usize].without_first(number - first + 1).lowest();
        (is_lost, after.map_or_else(|| first.saturating_add(N_AHEAD), |it| number + 1 + it))
    }

    /// How long the message with this number of the first lane is under way.
    pub fn delay_of(
        &mut self,
        draws: &Draws,
        path: &PathModel,
        (direction, number): (Direction, u32),
    ) -> SimSpan {
        self.delay(path, draws, (direction, Twin::Message, Serial { lane: 0, number }))
    }
}
