//! A client's link: what becomes of a message, decided from the link's conditions and keyed draws.
//!
//! The link knows no protocol.  Message `k` of a lane has a loss draw and a delay draw of its own,
//! so a higher loss rate loses a superset of the same messages, and no message moves another's fate.
#![deny(clippy::float_arithmetic)]

use std::fmt;

use crate::{
    rng::{Block, Draws, Entity, Purpose},
    time::{SimSpan, SimTime},
    units::Probability,
};

/// The conditions of a link, each direction apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkModel {
    /// From the client to the server.
    pub up: PathModel,
    /// From the server to the client.
    pub down: PathModel,
}

/// The conditions of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathModel {
    /// The middle of the delay.
    pub delay: SimSpan,
    /// How far the delay strays to either side, evenly; at most the delay.
    pub jitter: SimSpan,
    /// How many messages are lost, each by itself.
    pub loss: Probability,
}

/// One direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The link loses messages.
    Loss,
    /// The link was cut.
    Outage,
    /// The receiving app was not running.
    NoApp,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 3] = [Self::Loss, Self::Outage, Self::NoApp];
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "loss",
            Self::Outage => "outage",
            Self::NoApp => "no_app",
        })
    }
}

/// By what a device reaches the network, as `onNetworkModeChanged` tells it (spec: R63).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NetworkMode {
    /// By nothing.
    Offline,
    /// It does not know.
    Unknown,
    /// By cable.
    Ethernet,
    /// By Wi-Fi.
    WiFi,
    /// By a mobile network of the second generation.
    Mode2G,
    /// Of the third.
    Mode3G,
    /// Of the fourth.
    Mode4G,
    /// Of the fifth.
    Mode5G,
}

impl NetworkMode {
    /// All modes, with the SDK's names.
    pub const ALL: [(&'static str, Self); 8] = [
        ("Offline", Self::Offline),
        ("Unknown", Self::Unknown),
        ("Ethernet", Self::Ethernet),
        ("WiFi", Self::WiFi),
        ("2G", Self::Mode2G),
        ("3G", Self::Mode3G),
        ("4G", Self::Mode4G),
        ("5G", Self::Mode5G),
    ];

    /// The SDK's name.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes to the other end at this instant.
    Deliver(SimTime),
    /// It is lost.
    Drop(Cause),
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
    fn covers(self, direction: Direction) -> bool {
        match self {
            Self::Up => direction == Direction::Up,
            Self::Down => direction == Direction::Down,
            Self::Both => true,
        }
    }
}

/// The state of one client's link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// How many outages cut each direction now.
    n_cuts: [u32; 2],
}

/// The messages that share draws, of those that share a link.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    entity: Entity,
    /// The draws of the first lane, on which most messages go: loss and delay, up and down.
    blocks: [[Block; 2]; 2],
}

impl Flow {
    /// The messages of the entity.
    pub const fn new(entity: Entity) -> Self {
        Self { entity, blocks: [[Block::NONE; 2]; 2] }
    }
}

/// The number of a message, for its draws: those of a lane are counted by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serial {
    /// The lane.
    pub lane: u8,
    /// The number on the lane.
    pub number: u32,
}

impl Serial {
    fn index(self) -> u64 {
        u64::from(self.lane) << 32 | u64::from(self.number)
    }
}

impl Link {
    /// An outage begins.
    pub fn cut(&mut self, cut: Cut) {
        for direction in [Direction::Up, Direction::Down] {
            self.n_cuts[direction as usize] += u32::from(cut.covers(direction));
        }
    }

    /// An outage ends.
    pub fn mend(&mut self, cut: Cut) {
        for direction in [Direction::Up, Direction::Down] {
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

    /// Sends a message now.  In order: outage, loss, delay.
    ///
    /// Outages cut the client's end of the link: upwards they are judged here, when the message is
    /// sent; downwards by [`Link::is_open`] when it arrives.
    #[inline]
    pub fn send(
        &self,
        flow: &mut Flow,
        path: &PathModel,
        (draws, direction): (&Draws, Direction),
        (serial, now): (Serial, SimTime),
    ) -> Verdict {
        if direction == Direction::Up && !self.is_open(direction) {
            return Verdict::Drop(Cause::Outage);
        }
        let (loss, delay) = match direction {
            Direction::Up => (Purpose::LossUp, Purpose::DelayUp),
            Direction::Down => (Purpose::LossDown, Purpose::DelayDown),
        };
        let mut other = [Block::NONE; 2];
        let is_first = serial.lane == 0;
        let entity = flow.entity;
        let blocks = if is_first { &mut flow.blocks[direction as usize] } else { &mut other };
        let [of_loss, of_delay] = blocks;
        let draw = |block, purpose| draws.draw_with(block, purpose, entity, serial.index());
        if !path.loss.is_zero() && path.loss.hits(draw(of_loss, loss)) {
            return Verdict::Drop(Cause::Loss);
        }
        let luck = if path.jitter.is_zero() { 0 } else { draw(of_delay, delay) };
        Verdict::Deliver(now + path.delay_of(luck))
    }
}

impl LinkModel {
    /// A link with the same conditions in both directions.
    pub const fn same(path: PathModel) -> Self {
        Self { up: path, down: path }
    }
}

impl PathModel {
    /// No delay and no loss.
    pub const fn ideal() -> Self {
        Self { delay: SimSpan::ZERO, jitter: SimSpan::ZERO, loss: Probability::ZERO }
    }

    /// The delay of the message with this draw: from `delay - jitter` to `delay + jitter`, evenly.
    pub fn delay_of(&self, luck: u32) -> SimSpan {
        let least = self.delay.as_micros() - self.jitter.as_micros();
        let values = SimSpan::from_micros(2 * self.jitter.as_micros() + 1);
        SimSpan::from_micros(least) + values.scaled(luck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SimTime = SimTime::from_micros(1_000_000);

    fn path(delay_ms: u64, jitter_ms: u64, loss: &str) -> PathModel {
        PathModel {
            delay: SimSpan::from_millis(delay_ms),
            jitter: SimSpan::from_millis(jitter_ms),
            loss: loss.parse().unwrap(),
        }
    }

    /// What becomes of the first `n` messages of a link.
    fn fates(path: &PathModel, n: u32) -> Vec<Verdict> {
        let (link, mut flow) = (Link::default(), Flow::new(Entity::named("A")));
        let draws = Draws::new(1);
        let send = |number| {
            let serial = Serial { lane: 0, number };
            link.send(&mut flow, path, (&draws, Direction::Up), (serial, NOW))
        };
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
                Verdict::Drop(cause) => panic!("lost to {cause}"),
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
        let (mut link, mut flow) = (Link::default(), Flow::new(Entity::named("A")));
        link.cut(Cut::Both);
        link.cut(Cut::Up);
        link.mend(Cut::Both);
        assert!(!link.is_open(Direction::Up) && link.is_open(Direction::Down));
        let serial = Serial { lane: 0, number: 0 };
        let way = (&Draws::new(1), Direction::Up);
        let sent = link.send(&mut flow, &path(50, 0, "0"), way, (serial, NOW));
        assert_eq!(sent, Verdict::Drop(Cause::Outage));
        link.mend(Cut::Up);
        assert!(link.is_open(Direction::Up));
    }
}
