//! What else a scenario may have, one thing at a time: what each costs.

use std::num::NonZeroUsize;

use roomsim::{
    scenario::Scenario,
    sim::{self, Heartbeats, How},
    sink::counters::Counters,
};

use crate::hub::Size;

/// Rooms on links with delay, jitter and losses, and one thing more.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// What it is, in the words of a scenario.
    pub name: &'static str,
    /// How many clients a room has.
    room: u32,
    /// How long messages take, one way.
    delay: &'static str,
    /// What its links lose.
    loss: &'static str,
    /// More of the link.
    link: &'static str,
    /// Whether all are told of each other.
    is_told: bool,
    /// More of the clients.
    clients: &'static str,
    /// More of the scenario.
    more: &'static str,
    /// In the words of a scenario: a name, or changes to it.
    profile: &'static str,
}

/// Nobody loses patience: what is slow takes no other way.
const PATIENT: &str = r#"{
    "base": "zego", "login_rate": "none",
    "resend": { "first": "10min", "cap": "10min", "adapt": "never" },
    "lease": { "after": "1h" }, "detect": { "probe_after": "30min", "broken_after": "1h" },
    "retry": { "attempt_timeout": "30min", "budget": "1h" }
  }"#;

const PLAIN: Feature = Feature {
    name: "none",
    room: 100,
    delay: "50ms",
    loss: r#""1%""#,
    link: "",
    is_told: false,
    clients: "",
    more: "",
    profile: r#""zego""#,
};

/// Of which all is the same but how far ahead messages lie, and where they wait.
const FAR: Feature = Feature { name: "patient", profile: PATIENT, ..PLAIN };
/// All in one room, so that many messages are in flight at once.
const FAR_ONE: Feature = Feature { name: "patient, one room", room: u32::MAX, ..FAR };

/// All that are measured.
pub const FEATURES: [Feature; 22] = [
    PLAIN,
    Feature { name: "loss: gemodel", loss: r#"{ "gemodel": { "p": "1%", "r": "50%" } }"#, ..PLAIN },
    Feature { name: "order: fifo", link: r#", "order": "fifo""#, ..PLAIN },
    Feature { name: "duplicate", link: r#", "duplicate": "1%""#, ..PLAIN },
    Feature { name: "reorder", link: r#", "reorder": "1%""#, ..PLAIN },
    Feature { name: "rate", link: r#", "rate": "64kbit""#, ..PLAIN },
    Feature { name: "clock", clients: r#", "clock": "100ppm""#, ..PLAIN },
    Feature { name: "profile zego-web", profile: r#""zego-web""#, ..PLAIN },
    Feature { name: "isUserStatusNotify", is_told: true, ..PLAIN },
    Feature {
        name: "the same, stay, away",
        is_told: true,
        clients: r#", "stay": { "fixed": "2min" }, "away": { "fixed": "1min" }"#,
        ..PLAIN
    },
    Feature {
        name: "server: login",
        more: r#", "server": { "workers": 64, "service": { "login": { "fixed": "1ms" } }, "queue": 10000 }"#,
        ..PLAIN
    },
    Feature {
        name: "server: heartbeat",
        more: r#", "server": { "workers": 64, "service": { "heartbeat": { "fixed": "1ms" } }, "queue": 10000 }"#,
        ..PLAIN
    },
    FAR,
    Feature { name: "patient, delay 1s", delay: "1s", ..FAR },
    Feature { name: "patient, delay 10s", delay: "10s", ..FAR },
    Feature { name: "patient, delay 60s", delay: "60s", ..FAR },
    FAR_ONE,
    Feature { name: "patient, one room, delay 1s", delay: "1s", ..FAR_ONE },
    Feature { name: "patient, one room, delay 10s", delay: "10s", ..FAR_ONE },
    Feature { name: "patient, one room, delay 60s", delay: "60s", ..FAR_ONE },
    // 10,000 clients send 2000 heartbeats a second; 64 workers bear 4000, and 1333.
    Feature {
        name: "patient, server at 50%",
        more: r#", "server": { "workers": 64, "service": { "heartbeat": { "fixed": "16ms" } }, "queue": 10000000 }"#,
        ..FAR
    },
    Feature {
        name: "patient, server at 150%",
        more: r#", "server": { "workers": 64, "service": { "heartbeat": { "fixed": "48ms" } }, "queue": 10000000 }"#,
        ..FAR
    },
];

impl Feature {
    /// A scenario that has it.
    pub fn scenario(&self, Size { clients, seconds }: Size) -> String {
        let Self { delay, loss, link, is_told, clients: more_of_clients, more, profile, .. } = self;
        format!(
            r#"{{
  "version": 1, "name": "feature", "duration": "{seconds}s", "profile": {profile},
  "links": {{ "home": {{ "delay": "{delay}", "jitter": "10ms", "loss": {loss}{link} }} }},
  "clients": [ {{
    "name": "c", "count": {clients}, "rooms": {rooms}, "link": "home",
    "arrive": {{ "uniform": "30s" }}, "isUserStatusNotify": {is_told}{more_of_clients}
  }} ],
  "script": []{more}
}}"#,
            rooms = clients.div_ceil(self.room),
        )
    }
}

/// How many messages a scenario sends, on one thread.
pub fn messages(scenario: &Scenario, heartbeats: Heartbeats) -> u64 {
    let how = How { n_threads: NonZeroUsize::MIN, heartbeats };
    let counts = sim::run_on(scenario, scenario.seed(), how, Counters::default);
    counts.iter().map(|it| it.total().sent).sum()
}
