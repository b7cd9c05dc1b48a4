//! The workload: clients that keep their lease at a server by heartbeats.
//!
//! Every client sends a heartbeat each 5 s, the first at a random phase; the server answers each
//! with an ack.  A heartbeat that arrives gives the client another 90 s at the server, an ack that
//! arrives another 10 s at the client.  Who runs out of time is counted, and nothing else follows.
//! Here is what all simulators share: numbers, draws, counters, and what theory expects of these.

use serde::{Deserialize, Serialize};

/// From one heartbeat of a client to the next, in microseconds.
pub const EVERY_US: u64 = 5_000_000;
/// How long the server waits for a heartbeat.
pub const LEASE_US: u64 = 90_000_000;
/// How long a client waits for an ack.
pub const DEADLINE_US: u64 = 10_000_000;
/// The shortest time that a message takes.
pub const DELAY_MIN_US: u64 = 40_000;
/// The longest.
pub const DELAY_MAX_US: u64 = 60_000;
/// The share of messages that are lost.
pub const LOSS: f64 = 0.01;

/// How much there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// So many clients.
    pub clients: u32,
    /// So many seconds of virtual time.
    pub seconds: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Heartbeats sent.
    pub heartbeats: u64,
    /// Acks sent.
    pub acks: u64,
    /// Heartbeats and acks lost.
    pub lost: u64,
    /// Acks that arrived.
    pub heard: u64,
    /// How often a client waited too long.
    pub client_timeouts: u64,
    /// How often the server waited too long.
    pub server_timeouts: u64,
}

impl Tally {
    /// Messages sent over a link.
    pub const fn hops(&self) -> u64 {
        self.heartbeats + self.acks
    }

    /// Both sides together.
    pub const fn and(&self, other: &Self) -> Self {
        Self {
            heartbeats: self.heartbeats + other.heartbeats,
            acks: self.acks + other.acks,
            lost: self.lost + other.lost,
            heard: self.heard + other.heard,
            client_timeouts: self.client_timeouts + other.client_timeouts,
            server_timeouts: self.server_timeouts + other.server_timeouts,
        }
    }
}

/// The links of one side: a cheap generator, one for all, as a simulator without keyed draws has.
#[derive(Clone, Debug)]
pub struct Links {
    rng: fastrand::Rng,
}

impl Default for Links {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Links {
    /// Draws from this seed.
    pub fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed) }
    }

    /// How long a message takes, in microseconds, unless it is lost.
    pub fn send(&mut self) -> Option<u64> {
        const LOST_BELOW: u32 = (LOSS * 4_294_967_296.0) as u32;
        let lost = self.rng.u32(..) < LOST_BELOW;
        (!lost).then(|| self.rng.u64(DELAY_MIN_US..=DELAY_MAX_US))
    }

    /// When a client sends its first heartbeat.
    pub fn phase(&mut self) -> u64 {
        self.rng.u64(1..=EVERY_US)
    }
}

/// How a simulator without a cheap way to move an event keeps a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timers {
    /// One event is under way; if it comes before the deadline, it is scheduled again.
    Lazy,
    /// Each time the deadline moves, the event is cancelled, or made void, and a new one scheduled.
    Anew,
}

/// A deadline that is kept lazily, on the simulator's own clock.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Lazy<T> {
    due: Option<T>,
    scheduled: Option<()>,
}

impl<T: Copy + PartialOrd> Lazy<T> {
    /// Moves it; if this is true, an event has to be scheduled for then.
    pub fn set(&mut self, due: T) -> bool {
        self.due = Some(due);
        self.scheduled.replace(()).is_none()
    }

    /// Its event has come: either the time is over, or the event has to be scheduled again.
    pub fn wake(&mut self, now: T) -> Wake<T> {
        match self.due {
            Some(due) if due > now => Wake::Again(due),
            Some(_) | None => {
                *self = Self { due: None, scheduled: None };
                Wake::Over
            }
        }
    }
}

/// What an event of a [`Lazy`] deadline means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake<T> {
    /// The time is over.
    Over,
    /// Not yet; come again then.
    Again(T),
}

/// What theory expects of a counter, and by how much chance may move it.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The counter.
    pub what: &'static str,
    /// What was counted.
    pub got: f64,
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub deviation: f64,
}

impl Expected {
    /// Whether it is within five standard deviations (and one more, for what is cut off at the end).
    pub fn holds(&self) -> bool {
        (self.got - self.mean).abs() <= 5.0 * self.deviation + 1.0
    }
}

/// A round, a heartbeat and its ack, fails if either is lost.
const ROUND_LOSS: f64 = 1.0 - (1.0 - LOSS) * (1.0 - LOSS);

fn binomial(what: &'static str, got: u64, trials: f64, share: f64) -> Expected {
    let deviation = (trials * share * (1.0 - share)).sqrt();
    Expected { what, got: got as f64, mean: trials * share, deviation }
}

/// What theory expects whatever the client does about its time-outs.
fn expect_always(tally: &Tally) -> Vec<Expected> {
    let lost = binomial("lost", tally.lost, tally.hops() as f64, LOSS);
    // 18 rounds in a row: 0.02^18 of all.
    let server = binomial("server time-outs", tally.server_timeouts, 0.0, 0.0);
    vec![lost, server]
}

/// What theory expects of the hub as the peers run it.
///
/// An ack that was heard is followed by a time-out if two or more rounds fail after it, or if one
/// does and the ack of the next takes longer than the first did: 10 s later, as often as not.
pub fn expect_hub(tally: &Tally, size: Size) -> Vec<Expected> {
    let mut all = expect_always(tally);
    let share = ROUND_LOSS * (1.0 - ROUND_LOSS) / 2.0 + ROUND_LOSS * ROUND_LOSS;
    // Acks of the last 10 s have their deadline after the end; on average 2.6 s pass before the first.
    let seconds = size.seconds as f64;
    let decided = tally.heard as f64 * (seconds - 12.6) / (seconds - 2.6);
    all.push(binomial("client time-outs", tally.client_timeouts, decided, share));
    // Each client sends one heartbeat in 5 s, whatever the phase.
    let rounds = f64::from(size.clients) * seconds * 1e6 / EVERY_US as f64;
    let phases = (f64::from(size.clients) / 4.0).sqrt();
    let got = tally.heartbeats as f64;
    all.push(Expected { what: "heartbeats", got, mean: rounds, deviation: phases });
    all
}

/// What theory expects of roomsim, whose clients give a connection up and log in again when a
/// heartbeat and all after it have had no answer for 10 s: when two rounds in a row fail.
///
/// Of independent rounds, runs of two that do not overlap end one round in (1 + q) / q².
pub fn expect_rooms(tally: &Tally, size: Size) -> Vec<Expected> {
    let mut all = expect_always(tally);
    let share = ROUND_LOSS * ROUND_LOSS / (1.0 + ROUND_LOSS);
    // The first round ends no run; the last one that failed has its time-out after the end.
    let rounds = tally.heartbeats as f64 - 2.0 * f64::from(size.clients);
    all.push(binomial("reconnections", tally.client_timeouts, rounds, share));
    all
}
