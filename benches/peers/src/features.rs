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
    /// More of the link.
    link: &'static str,
    /// More of the clients.
    clients: &'static str,
    /// More of the scenario.
    more: &'static str,
    profile: &'static str,
}

const PLAIN: Feature = Feature { name: "none", link: "", clients: "", more: "", profile: "zego" };

/// All that are measured.
pub const FEATURES: [Feature; 12] = [
    PLAIN,
    Feature {
        name: "loss: gemodel",
        link: r#", "loss": { "gemodel": { "p": "1%", "r": "50%" } }"#,
        ..PLAIN
    },
    Feature { name: "order: fifo", link: r#", "order": "fifo""#, ..PLAIN },
    Feature { name: "duplicate", link: r#", "duplicate": "1%""#, ..PLAIN },
    Feature { name: "reorder", link: r#", "reorder": "1%""#, ..PLAIN },
    Feature { name: "rate", link: r#", "rate": "64kbit""#, ..PLAIN },
    Feature { name: "clock", clients: r#", "clock": "100ppm""#, ..PLAIN },
    Feature { name: "profile zego-web", profile: "zego-web", ..PLAIN },
    Feature { name: "isUserStatusNotify", clients: r#", "isUserStatusNotify": true"#, ..PLAIN },
    Feature {
        name: "the same, stay, away",
        clients: r#", "isUserStatusNotify": true, "stay": { "fixed": "2min" }, "away": { "fixed": "1min" }"#,
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
        let loss = if self.link.contains("\"loss\"") { "" } else { r#", "loss": "1%""# };
        let quiet = if self.clients.contains("isUserStatusNotify") {
            ""
        } else {
            r#", "isUserStatusNotify": false"#
        };
        format!(
            r#"{{
  "version": 1, "name": "feature", "duration": "{seconds}s", "profile": "{profile}",
  "links": {{ "home": {{ "delay": "50ms", "jitter": "10ms"{loss}{link} }} }},
  "clients": [ {{
    "name": "c", "count": {clients}, "rooms": {rooms}, "link": "home",
    "arrive": {{ "uniform": "30s" }}{quiet}{more_of_clients}
  }} ],
  "script": []{more}
}}"#,
            profile = self.profile,
            link = self.link,
            rooms = clients.div_ceil(100),
            more_of_clients = self.clients,
            more = self.more,
        )
    }
}

/// How many messages a scenario sends, on one thread.
pub fn messages(scenario: &Scenario, heartbeats: Heartbeats) -> u64 {
    let how = How { n_threads: NonZeroUsize::MIN, heartbeats };
    let counts = sim::run_on(scenario, scenario.seed(), how, Counters::default);
    counts.iter().map(|it| it.total().sent).sum()
}
