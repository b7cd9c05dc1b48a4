//! A client's link: what becomes of a message, decided from the link's conditions and keyed draws.
//!
//! The link knows no protocol.  Message `k` of a lane has draws of its own for its loss, its delay
//! and its copy, so a higher loss rate loses a superset of the same messages, and no message moves
//! another's fate, except where they share a bottleneck or must not overtake each other.
#![deny(clippy::float_arithmetic)]

pub mod ahead;
pub mod bits;
pub mod chance;
mod copies;
pub mod delay;
pub mod gate;
pub mod loss;
pub mod network;
pub mod plain;
pub mod queue;
mod sending;
pub mod spells;

use std::fmt;

pub use sending::{Sending, Serial, Twin};

use crate::{
    link::{
        ahead::{Ahead, Timed},
        chance::{Chance, Dice},
        delay::Delay,
        gate::Held,
        loss::{Chain, Loss},
        queue::{Bottleneck, LIMIT, Queue},
    },
    rng::{Draws, Entity, Hand},
    time::{SimSpan, SimTime},
    units::{BitRate, Probability},
};

/// The conditions of a link, each direction apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkModel {
    /// From the client to the server.
    pub up: PathModel,
    /// From the server to the client.
    pub down: PathModel,
}

/// The conditions of one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathModel {
    /// How long a message is under way.
    pub delay: Delay,
    /// Whether messages may overtake each other.
    pub order: Order,
    /// Which messages are lost.
    pub loss: Loss,
    /// How many messages arrive twice, each by itself.
    pub duplicate: Probability,
    /// Which messages are sent on at once, before those that wait for their delay.
    pub reorder: Option<Reorder>,
    /// What lies on the way, if it is narrow.
    pub bottleneck: Option<Bottleneck>,
}

/// Whether messages of one direction of a link may overtake each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// They may, as in netem.
    Any,
    /// Who would overtake another arrives with it.
    Fifo,
}

/// netem's `reorder`: of the messages that come after `gap - 1` others, a share is sent on without
/// a delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reorder {
    /// The share.
    pub share: Probability,
    /// The gap, at least 1.
    pub gap: u32,
}

/// One direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Direction {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The link loses messages.
    Loss,
    /// The link was cut.
    Outage,
    /// The link's bottleneck was full.
    QueueFull,
    /// The receiving app was not running.
    NoApp,
    /// The receiving device had gone to another address.
    AddressLeft,
    /// The server was down.
    ServerDown,
    /// All workers of the server were busy, and its queue was full.
    ServerFull,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 7] = [
        Self::Loss,
        Self::Outage,
        Self::QueueFull,
        Self::NoApp,
        Self::AddressLeft,
        Self::ServerDown,
        Self::ServerFull,
    ];
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "loss",
            Self::Outage => "outage",
            Self::QueueFull => "queue_full",
            Self::NoApp => "no_app",
            Self::AddressLeft => "address_left",
            Self::ServerDown => "server_down",
            Self::ServerFull => "server_full",
        })
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes to the other end at this instant.
    Deliver(SimTime),
    /// It waits until its way moves again.
    Hold(Held),
    /// It is lost.
    Drop(Cause),
}

/// What becomes of a message, and of a copy of it, if the link makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// What becomes of it.
    pub verdict: Verdict,
    /// What becomes of its copy, which is not lost.
    pub copy: Option<Verdict>,
}

/// The directions that an outage cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
    /// Both.
    Both,
}

impl Cut {
    /// Whether it cuts a direction.
    pub fn covers(self, direction: Direction) -> bool {
        match self {
            Self::Up => direction == Direction::Up,
            Self::Down => direction == Direction::Down,
            Self::Both => true,
        }
    }
}

/// The state of one client's link.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// How many outages cut each direction now.
    n_cuts: [u32; 2],
    /// When the last message of each direction arrives, where none may overtake it.
    last_at: [SimTime; 2],
}

/// So many lanes a flow may have.
pub const LANES_MAX: usize = 4;

/// The messages that share draws, of those that share a link.
#[derive(Clone, Debug)]
pub struct Flow {
    dice: Dice,
    ahead: Ahead,
    /// The state of the burst models, by direction and lane.
    chains: [[Chain; LANES_MAX]; 2],
    /// How many messages came since one was sent on at once.
    n_since: [[u32; LANES_MAX]; 2],
    /// Whose the link is, for its good and bad spells.
    link: Entity,
    /// What was seen of these; nothing, until a message may be lost by them.
    timed: Option<Box<Timed>>,
}

impl Flow {
    /// The messages of the entity.
    pub const fn new(entity: Entity, hand: Hand) -> Self {
        Self {
            dice: Dice::new(entity, hand),
            ahead: Ahead::NONE,
            chains: [[Chain::Good; LANES_MAX]; 2],
            n_since: [[0; LANES_MAX]; 2],
            link: entity,
            timed: None,
        }
    }

    /// The same messages, on the link of another entity.
    #[must_use]
    pub fn on_link_of(self, link: Entity) -> Self {
        Self { link, ..self }
    }

    /// Whether a message is lost on a path.
    #[inline]
    fn loses(&mut self, path: &PathModel, sending: Sending<'_>) -> bool {
        let Sending { draws, direction, serial, now, .. } = sending;
        if path.loss.is_none() {
            return false;
        }
        if serial.lane == 0 && path.loss.is_random() {
            return self.loses_first(path, (direction, serial.number), draws);
        }
        let chain = &mut self.chains[direction as usize][serial.lane as usize];
        let (timed, link, dice) = (&mut self.timed, self.link, &mut self.dice);
        path.loss.loses(
            chain,
            |times| Timed::of(timed, link).spells.at(draws, (direction, times), now).state,
            |chance| dice.draw(draws, (direction, chance), serial),
        )
    }

    /// Whether a message is sent on at once.
    fn goes_first(&mut self, path: &PathModel, sending: Sending<'_>) -> bool {
        path.reorder.is_some_and(|it| self.is_first_of_gap(it, sending))
    }

    #[inline(never)]
    fn is_first_of_gap(&mut self, Reorder { share, gap }: Reorder, sending: Sending<'_>) -> bool {
        let Sending { draws, direction, serial, .. } = sending;
        let n_since = &mut self.n_since[direction as usize][serial.lane as usize];
        let mut draw = || self.dice.draw(draws, (direction, Chance::Reorder), serial);
        if *n_since < gap - 1 || !share.hits(draw()) {
            *n_since = n_since.saturating_add(1);
            return false;
        }
        *n_since = 0;
        true
    }

    /// How long a message or its copy is under way.
    #[inline]
    fn delay(
        &mut self,
        path: &PathModel,
        draws: &Draws,
        (direction, twin, serial): (Direction, Twin, Serial),
    ) -> SimSpan {
        if path.delay.jitter.is_zero() {
            return path.delay.mean;
        }
        let chance = match twin {
            Twin::Message => Chance::Delay,
            Twin::Copy => Chance::CopyDelay,
        };
        path.delay.of(self.dice.draw(draws, (direction, chance), serial))
    }
}

impl Link {
    /// An outage begins.
    pub fn cut(&mut self, cut: Cut) {
        for direction in Direction::BOTH {
            self.n_cuts[direction as usize] += u32::from(cut.covers(direction));
        }
    }

    /// An outage ends.
    pub fn mend(&mut self, cut: Cut) {
        for direction in Direction::BOTH {
            let n_cuts = &mut self.n_cuts[direction as usize];
            *n_cuts = n_cuts
                .checked_sub(u32::from(cut.covers(direction)))
                .expect("an outage ends once, after it began");
        }
    }

    /// Whether no outage cuts the direction.
    #[inline]
    pub fn is_open(&self, direction: Direction) -> bool {
        self.n_cuts[direction as usize] == 0
    }

    /// Sends a message now.  In order: outage, loss and copy, bottleneck, delay.
    ///
    /// Outages cut the client's end of the link: upwards they are judged here, when the message is
    /// sent; downwards by [`Link::is_open`] when it arrives.  The queue is that before the path's
    /// bottleneck, which may be one that others pass, too.
    #[inline]
    pub fn send(
        &mut self,
        flow: &mut Flow,
        path: &PathModel,
        queue: &mut Queue,
        sending: Sending<'_>,
    ) -> Fate {
        let dropped = |cause| Fate { verdict: Verdict::Drop(cause), copy: None };
        if sending.direction == Direction::Up && !self.is_open(sending.direction) {
            return dropped(Cause::Outage);
        }
        if !path.duplicate.is_zero() {
            return self.send_with_copy(flow, path, queue, sending);
        }
        if flow.loses(path, sending) {
            return dropped(Cause::Loss);
        }
        if is_full(path, queue, sending) {
            return dropped(Cause::QueueFull);
        }
        let is_first = flow.goes_first(path, sending);
        let held = Held { twin: Twin::Message, is_first, bits_moved: 0 };
        Fate { verdict: self.pass(flow, path, queue, (sending, held)), copy: None }
    }

    /// What becomes of a message, or of its copy, that has a place: when it arrives, or that it is
    /// held.  One that was held passes here once more when its way moves again.
    #[inline]
    pub fn pass(
        &mut self,
        flow: &mut Flow,
        path: &PathModel,
        queue: &mut Queue,
        (sending, held): (Sending<'_>, Held),
    ) -> Verdict {
        if sending.gate.is_shut || path.stands_still() {
            return Verdict::Hold(held);
        }
        if held.is_first {
            return Verdict::Deliver(sending.now);
        }
        let Some(bottleneck) = &path.bottleneck else {
            return Verdict::Deliver(self.arrival(flow, path, (sending, held.twin), sending.now));
        };
        self.pass_bottleneck(flow, (path, bottleneck), queue, (sending, held))
    }

    #[inline(never)]
    fn pass_bottleneck(
        &mut self,
        flow: &mut Flow,
        (path, bottleneck): (&PathModel, &Bottleneck),
        queue: &mut Queue,
        (sending, held): (Sending<'_>, Held),
    ) -> Verdict {
        let Sending { now, gate, bytes, .. } = sending;
        let bits = bottleneck.bits_of(bytes);
        let left = bits.saturating_sub(u64::from(held.bits_moved));
        match queue.enter(bottleneck, left, (now, gate.shuts_at)) {
            Ok(left_at) => {
                let at = self.arrival(flow, path, (sending, held.twin), left_at);
                queue.count_until(at);
                Verdict::Deliver(at)
            }
            Err(left) => {
                let bits_moved = u32::try_from(bits - left).expect("messages are limited");
                Verdict::Hold(Held { bits_moved, ..held })
            }
        }
    }

    /// When a message arrives that leaves the bottleneck then, or its copy.
    #[inline]
    fn arrival(
        &mut self,
        flow: &mut Flow,
        path: &PathModel,
        (sending, twin): (Sending<'_>, Twin),
        left_at: SimTime,
    ) -> SimTime {
        let Sending { draws, direction, serial, .. } = sending;
        let delay = flow.delay(path, draws, (direction, twin, serial));
        self.in_order(path, direction, left_at + delay)
    }

    #[inline]
    fn in_order(&mut self, path: &PathModel, direction: Direction, at: SimTime) -> SimTime {
        match path.order {
            Order::Any => at,
            Order::Fifo => {
                let last_at = &mut self.last_at[direction as usize];
                *last_at = at.max(*last_at);
                *last_at
            }
        }
    }
}

/// Whether there is no place for one more message: those that are held take one, too, and find
/// netem's limit where there is none.
#[inline]
fn is_full(path: &PathModel, queue: &mut Queue, Sending { now, gate, .. }: Sending<'_>) -> bool {
    let (limit, n_inside) = match path.bottleneck {
        None if gate.n_held == 0 => return false,
        None => (LIMIT, 0),
        Some(it) => (it.limit, queue.n_inside(now)),
    };
    limit as usize <= n_inside + gate.n_held
}

impl LinkModel {
    /// A link with the same conditions in both directions.
    pub fn same(path: &PathModel) -> Self {
        Self { up: path.clone(), down: path.clone() }
    }

    /// The conditions of a direction.
    pub const fn path(&self, direction: Direction) -> &PathModel {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

impl PathModel {
    /// How fast messages leave its bottleneck, if they wait there for each other.
    pub fn rate(&self) -> Option<BitRate> {
        self.bottleneck.and_then(|it| it.rate)
    }

    /// Whether nothing leaves its bottleneck.
    pub fn stands_still(&self) -> bool {
        self.bottleneck.is_some_and(|it| it.stands_still())
    }

    /// Nothing is lost and nothing takes time.
    pub const fn ideal() -> Self {
        Self {
            delay: Delay::NONE,
            order: Order::Any,
            loss: Loss::NONE,
            duplicate: Probability::ZERO,
            reorder: None,
            bottleneck: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::gate::Gate;

    const NOW: SimTime = SimTime::from_micros(1_000_000);

    fn path(delay_ms: u64, jitter_ms: u64, loss: &str) -> PathModel {
        PathModel {
            delay: Delay {
                mean: SimSpan::from_millis(delay_ms),
                jitter: SimSpan::from_millis(jitter_ms),
                ..Delay::NONE
            },
            loss: Loss::Random(loss.parse().unwrap()),
            ..PathModel::ideal()
        }
    }

    fn flow() -> Flow {
        let entity = Entity::named("A");
        Flow::new(entity, Draws::new(1).deal(&[entity])[0])
    }

    fn sending(draws: &Draws, number: u32) -> Sending<'_> {
        let serial = Serial { lane: 0, number };
        Sending { draws, direction: Direction::Up, serial, bytes: 100, now: NOW, gate: Gate::OPEN }
    }

    /// What becomes of the first `n` messages of a link.
    fn fates(path: &PathModel, n: u32) -> Vec<Verdict> {
        let (mut link, mut flow) = (Link::default(), flow());
        let (draws, mut queue) = (Draws::new(1), Queue::default());
        let send = |number| link.send(&mut flow, path, &mut queue, sending(&draws, number)).verdict;
        (0..n).map(send).collect()
    }

    #[test]
    fn a_fixed_delay_is_exact() {
        let arrival = NOW + SimSpan::from_millis(50);
        assert_eq!(fates(&path(50, 0, "0"), 3), [Verdict::Deliver(arrival); 3]);
    }

    #[test]
    fn jitter_spreads_evenly_to_both_sides_and_no_further() {
        let delays: Vec<u64> = fates(&path(50, 20, "0"), 40_000)
            .into_iter()
            .map(|it| match it {
                Verdict::Deliver(at) => at.since(NOW).as_micros(),
                other @ (Verdict::Hold(_) | Verdict::Drop(_)) => panic!("{other:?}"),
            })
            .collect();
        assert!(delays.iter().all(|it| (30_000..=70_000).contains(it)));
        // Uniform on 40001 values: mean 50000, sd 40001 / sqrt(12) = 11547; 5 sigma of the mean
        // of 40000 is 289.
        let mean = delays.iter().sum::<u64>() / 40_000;
        assert!(mean.abs_diff(50_000) < 289, "mean delay {mean} us");
        assert!(delays.iter().any(|it| *it < 30_050) && delays.iter().any(|it| 69_950 < *it));
    }

    #[test]
    fn loss_has_its_rate_and_a_higher_rate_loses_a_superset() {
        let lost = |loss| -> Vec<bool> {
            let fates = fates(&path(50, 0, loss), 100_000);
            fates.into_iter().map(|it| it == Verdict::Drop(Cause::Loss)).collect()
        };
        let (few, many) = (lost("1%"), lost("2%"));
        let count = |of: &[bool]| of.iter().filter(|it| **it).count();
        // Binomial: sd of 1 % of 100000 is 31.5, of 2 % 44.3; 5 sigma.
        assert!(count(&few).abs_diff(1000) < 158, "{} lost", count(&few));
        assert!(count(&many).abs_diff(2000) < 222, "{} lost", count(&many));
        assert!(few.iter().zip(&many).all(|(few, many)| *many || !few));
    }

    #[test]
    fn outages_nest_and_cut_their_directions_only() {
        let (mut link, mut flow) = (Link::default(), flow());
        link.cut(Cut::Both);
        link.cut(Cut::Up);
        link.mend(Cut::Both);
        assert!(!link.is_open(Direction::Up) && link.is_open(Direction::Down));
        let (draws, mut queue) = (Draws::new(1), Queue::default());
        let (path, sending) = (path(50, 0, "0"), sending(&draws, 0));
        let sent = link.send(&mut flow, &path, &mut queue, sending).verdict;
        assert_eq!(sent, Verdict::Drop(Cause::Outage));
        link.mend(Cut::Up);
        assert!(link.is_open(Direction::Up));
    }
}
