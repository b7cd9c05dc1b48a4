//! The hub on roomsim, through its public path: the text of a scenario in, counters out.
//!
//! Its clients do more than those of the [hub](crate::hub): they log in, are members of a room, and
//! connect and log in anew when they hear nothing for 10 s.  Only heartbeats and acks are counted as
//! hops, everything is in the time.  Nobody is told of others, so that heartbeats dominate.

use std::num::NonZeroUsize;

use roomsim::{
    id::{ClientId, RoomId},
    observe::{Callback, Observer, Rounds, Seat, Standing, StandingChange},
    protocol::{code::Reason, message::Kind},
    scenario::Scenario,
    sim::{self, Heartbeats, How},
    sink::counters::Counters,
    time::SimTime,
};

use crate::hub::{Size, Tally};

/// A way to run a scenario; the table has a row for each with each size of room.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// What the rows are called besides `roomsim`.
    pub suffix: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Runs a scenario on so many threads.
    pub run: fn(&Scenario, NonZeroUsize) -> Tally,
}

/// All ways.
pub const WAYS: &[Way] = &[
    Way { suffix: "", what: "passing over", run: passing_over },
    Way { suffix: "-exact", what: "event by event", run: event_by_event },
];

/// As a user would run it.
fn passing_over(scenario: &Scenario, threads: NonZeroUsize) -> Tally {
    run_with(scenario, threads, Heartbeats::PassedOver)
}

/// As a user would with `--exact-events`.
fn event_by_event(scenario: &Scenario, threads: NonZeroUsize) -> Tally {
    run_with(scenario, threads, Heartbeats::EachOne)
}

fn run_with(scenario: &Scenario, n_threads: NonZeroUsize, heartbeats: Heartbeats) -> Tally {
    let how = How { n_threads, heartbeats };
    let watches = sim::run_on(scenario, scenario.seed(), how, Watch::default);
    watches.iter().fold(Tally::default(), |sum, watch| sum.and(&watch.tally()))
}

/// The scenario: rooms of so many clients, the last one perhaps of fewer.
pub fn scenario(size: Size, room: u32) -> String {
    format!(
        r#"{{
  "version": 1, "name": "hub", "duration": "{seconds}s",
  "profile": {{ "base": "zego", "login_rate": "none" }},
  "links": {{ "hub": {{ "delay": "50ms", "jitter": "10ms", "loss": "1%" }} }},
  "clients": [ {{
    "name": "c", "count": {clients}, "rooms": {rooms}, "link": "hub",
    "arrive": "at_once", "isUserStatusNotify": false
  }} ],
  "script": []
}}"#,
        seconds = size.seconds,
        clients = size.clients,
        rooms = size.clients.div_ceil(room),
    )
}

/// Reads the scenario.
pub fn parse(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// Reads the scenario and runs it on one thread.
pub fn run(way: Way, size: Size, room: u32) -> Tally {
    (way.run)(&parse(&scenario(size, room)), NonZeroUsize::MIN)
}

/// What is counted of a run.
#[derive(Debug, Default)]
struct Watch {
    counters: Counters,
    reconnections: u64,
    leases_lost: u64,
}

impl Watch {
    fn tally(&self) -> Tally {
        let [heartbeats, acks] =
            [Kind::Heartbeat, Kind::HeartbeatAck].map(|it| self.counters.of(it));
        Tally {
            heartbeats: heartbeats.sent,
            acks: acks.sent,
            lost: heartbeats.dropped.iter().chain(&acks.dropped).sum(),
            heard: acks.delivered,
            client_timeouts: self.reconnections,
            server_timeouts: self.leases_lost,
        }
    }
}

impl Observer for Watch {
    fn callback(&mut self, _: SimTime, _: Seat, _: Option<RoomId>, what: Callback<'_>) {
        if let Callback::StateChanged(status) = what
            && status.reason == Reason::Reconnecting
        {
            self.reconnections += 1;
        }
    }

    fn standing(&mut self, _: SimTime, _: ClientId, change: StandingChange) {
        // The server no longer knows a client that has done nothing about it.
        if (change.from, change.to) == (Standing::Present, Standing::Stranded) {
            self.leases_lost += 1;
        }
    }

    fn sent(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        self.counters.sent(at, client, kind);
    }

    fn delivered(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        self.counters.delivered(at, client, kind);
    }

    fn dropped(&mut self, at: SimTime, client: ClientId, kind: Kind, cause: roomsim::link::Cause) {
        self.counters.dropped(at, client, kind, cause);
    }

    fn rounds(&mut self, rounds: Rounds) {
        self.counters.rounds(rounds);
    }

    fn ended(&mut self, n_in_flight: usize) {
        self.counters.ended(n_in_flight);
    }
}
