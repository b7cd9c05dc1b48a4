//! What else a scenario may have, one thing at a time: what each costs.

use std::num::NonZeroUsize;

use roomsim::{
    scenario::Scenario,
    sim::{self, Heartbeats, How},
    sink::counters::Counters,
};

use crate::hub::Size;

/// Rooms of 100 on links with delay, jitter and losses, and one thing more.
#[derive(Clone, Copy, Debug)]
pub struct Feature {
    /// What it is, in the words of a scenario.
    pub name: &'static str,
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
    profile: &'static str,
}

const PLAIN: Feature = Feature {
    name: "none",
    loss: r#""1%""#,
    link: "",
    is_told: false,
    clients: "",
    more: "",
    profile: "zego",
};

/// All that are measured.
pub const FEATURES: [Feature; 12] = [
    PLAIN,
    Feature { name: "loss: gemodel", loss: r#"{ "gemodel": { "p": "1%", "r": "50%" } }"#, ..PLAIN },
    Feature { name: "order: fifo", link: r#", "order": "fifo""#, ..PLAIN },
    Feature { name: "duplicate", link: r#", "duplicate": "1%""#, ..PLAIN },
    Feature { name: "reorder", link: r#", "reorder": "1%""#, ..PLAIN },
    Feature { name: "rate", link: r#", "rate": "64kbit""#, ..PLAIN },
    Feature { name: "clock", clients: r#", "clock": "100ppm""#, ..PLAIN },
    Feature { name: "profile zego-web", profile: "zego-web", ..PLAIN },
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
];

impl Feature {
    /// A scenario that has it.
    pub fn scenario(&self, Size { clients, seconds }: Size) -> String {
        let Self { loss, link, is_told, clients: more_of_clients, more, profile, .. } = self;
        format!(
            r#"{{
  "version": 1, "name": "feature", "duration": "{seconds}s", "profile": "{profile}",
  "links": {{ "home": {{ "delay": "50ms", "jitter": "10ms", "loss": {loss}{link} }} }},
  "clients": [ {{
    "name": "c", "count": {clients}, "rooms": {rooms}, "link": "home",
    "arrive": {{ "uniform": "30s" }}, "isUserStatusNotify": {is_told}{more_of_clients}
  }} ],
  "script": []{more}
}}"#,
            rooms = clients.div_ceil(100),
        )
    }
}

/// How many messages a scenario sends, on one thread.
pub fn messages(scenario: &Scenario, heartbeats: Heartbeats) -> u64 {
    let how = How { n_threads: NonZeroUsize::MIN, heartbeats };
    let counts = sim::run_on(scenario, scenario.seed(), how, Counters::default);
    counts.iter().map(|it| it.total().sent).sum()
}
