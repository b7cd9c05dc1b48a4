//! What a link will do to the next messages of its first lane, while nothing but chance befalls
//! them.

use crate::{
    link::{
        Direction, Flow, Order, PathModel, Serial, Twin,
        bits::Bits,
        chance::Chance,
        loss::{Chain, Loss},
        queue::Bottleneck,
        spells::{Spell, Spells, State, TimedGilbertElliott},
    },
    rng::{Draws, Entity, HALVES_PER_BLOCK, N_AHEAD},
    time::{SimSpan, SimTime},
};

/// The next messages of a flow's first lane: those to which something will happen.
///
/// On a link that loses each message by itself, or by good and bad spells, they are lost.  On one
/// whose messages move a chain, it does not stay in the good state, or they are lost all the same.
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

/// No limits of draws alone say what happens.
const NO_LIMITS: Limits = [u64::MAX; 2];

/// The rounds of heartbeats and answers from one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// The number of the next heartbeat.
    pub number: u32,
    /// When it is sent; its answer is sent when it arrives.
    pub at: SimTime,
    /// The time from one heartbeat to the next, longer than a round takes.
    pub every: SimSpan,
}

/// What was seen of a link whose good and bad spells last for time.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    pub(super) spells: Spells,
    /// The rounds that were looked ahead at last.
    course: Option<Course>,
}

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
        Loss::Timed(_) => NO_LIMITS,
    }
}

/// The same in a good or a bad spell, if there are any.
fn limits_in(loss: &Loss, state: State) -> Limits {
    match loss {
        Loss::Timed(model) => [model.share(state).limit(), 0],
        Loss::Random(_) | Loss::GilbertElliott(_) | Loss::FourState(_) => limits(loss),
    }
}

impl Course {
    /// Whether a later course is this one further on.
    fn leads_to(self, later: Self) -> bool {
        self.number <= later.number && self.every == later.every && {
            self.at + self.every.times(u64::from(later.number - self.number)) == later.at
        }
    }

    /// How many heartbeats are sent so long before an instant that it is later than what follows on
    /// them within `latest`; no more than anybody asks for.
    fn n_before(self, at: SimTime, latest: SimSpan) -> u32 {
        let Some(micros) = at.as_micros().checked_sub((self.at + latest).as_micros()) else {
            return 0;
        };
        let n = micros.div_ceil(self.every.as_micros());
        u32::try_from(n).map_or(N_AHEAD, |it| it.min(N_AHEAD))
    }

    /// When the heartbeat is sent that comes so many after the next.
    fn after(self, n: u32) -> SimTime {
        self.at + self.every.times(u64::from(n))
    }
}

impl Timed {
    /// What was seen of a link, which is nothing at first.
    pub(super) fn of(seen: &mut Option<Box<Self>>, link: Entity) -> &mut Self {
        seen.get_or_insert_with(|| Box::new(Self { spells: Spells::new(link), course: None }))
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
        self.longest().is_ok() && self.loss.is_random()
    }
}

impl Flow {
    /// Whether the link is in no burst, so that an [`Outlook`] tells what is to come.
    pub fn is_good(&self, paths: [&PathModel; 2]) -> bool {
        Direction::BOTH.into_iter().all(|it| match paths[it as usize].loss {
            Loss::Random(_) | Loss::Timed(_) => true,
            Loss::GilbertElliott(_) | Loss::FourState(_) => {
                self.chains[it as usize][0] == Chain::Good
            }
        })
    }

    /// What will happen to the messages of these rounds, of which at least `n_least` are told.
    pub fn outlook(
        &mut self,
        draws: &Draws,
        paths: [&PathModel; 2],
        (course, n_least): (Course, u32),
    ) -> Outlook {
        let number = course.number;
        let limits = paths.map(|it| limits(&it.loss));
        if limits.contains(&NO_LIMITS) {
            self.look_at_spells(draws, paths, course);
        } else if self.ahead.limits != limits || self.ahead.n_told(number) < n_least {
            self.ahead = Ahead::of(limits, number, (draws, self.dice.entity()));
        }
        Outlook { restless: self.told(number), n_known: self.ahead.n_told(number) }
    }

    /// Looks ahead at rounds that may be lost by good and bad spells.
    #[inline(never)]
    fn look_at_spells(&mut self, draws: &Draws, paths: [&PathModel; 2], course: Course) {
        let luck = (draws, self.dice.entity());
        let [good, bad] = [State::Good, State::Bad].map(|state| {
            let limits = paths.map(|it| limits_in(&it.loss, state));
            Ahead::of(limits, course.number, luck)
        });
        let restless = Direction::BOTH.map(|it| {
            let Loss::Timed(model) = paths[it as usize].loss else {
                return good.restless[it as usize];
            };
            let in_bad = self.in_bad_spells((it, model), (draws, paths[0]), (course, good.first));
            bad.restless[it as usize] & in_bad | good.restless[it as usize] & !in_bad
        });
        self.ahead =
            Ahead { first: good.first, limits: paths.map(|it| limits(&it.loss)), restless };
        Timed::of(&mut self.timed, self.link).course = Some(course);
    }

    /// Which messages of the rounds, the first of them numbered `first`, are sent in bad spells;
    /// of those before the next nothing is said.
    fn in_bad_spells(
        &mut self,
        (direction, TimedGilbertElliott { times, .. }): (Direction, TimedGilbertElliott),
        (draws, up): (&Draws, &PathModel),
        (course, first): (Course, u32),
    ) -> Bits {
        let mut bits = Bits::default();
        let skipped = course.number - first;
        let mut n = 0;
        while skipped + n < N_AHEAD {
            let (at, latest) = match direction {
                Direction::Up => (course.after(n), SimSpan::ZERO),
                Direction::Down => {
                    let message = (Direction::Up, course.number.wrapping_add(n));
                    (course.after(n) + self.delay_of(draws, up, message), up.delay.longest())
                }
            };
            let seen = Timed::of(&mut self.timed, self.link);
            let Spell { state, until, .. } = seen.spells.at(draws, (direction, times), at);
            // All messages that are sent before it ends, however late, are in this spell.
            let next = (n + 1).max(course.n_before(until, latest));
            if state == State::Bad {
                bits = bits | Bits::first(skipped + next) & !Bits::first(skipped + n);
            }
            n = next;
        }
        bits
    }

    /// Whether the messages of the rounds up to before a number are still told, over these ways.
    pub fn tells(&self, paths: [&PathModel; 2], course: Course, to: u32) -> bool {
        let is_timed = paths.iter().any(|it| matches!(it.loss, Loss::Timed(_)));
        let is_same = || {
            let seen = self.timed.as_ref().and_then(|it| it.course);
            seen.is_some_and(|it| it.leads_to(course))
        };
        self.ahead.limits == paths.map(|it| limits(&it.loss))
            && self.ahead.first <= course.number
            && to <= self.ahead.first.saturating_add(N_AHEAD)
            && (!is_timed || is_same())
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
            // What hangs on spells, too, is not told here.
            limits = limits.map(|it| if it == NO_LIMITS { [0; 2] } else { it });
            limits[direction as usize] = here;
            self.ahead = Ahead::of(limits, number, (draws, self.dice.entity()));
            if let Some(timed) = &mut self.timed {
                timed.course = None;
            }
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
