//! Links as they are: conditions under a name, with where their figures come from.
//!
//! The figures are round; what matters is their shape.  Each is told in `docs/scenario.md`.

use crate::{
    link::{
        LinkModel, Order, PathModel,
        delay::{Delay, Spread, Table},
        loss::Loss,
        network::NetworkMode,
        queue::Bottleneck,
        spells::{Scope, TimedGilbertElliott, Times},
    },
    scenario::fault::closest,
    time::SimSpan,
    units::Probability,
};

/// One preset: mean, jitter and distribution of the delay, loss, rates up and down.
struct Preset {
    name: &'static str,
    network: NetworkMode,
    delay: (u64, u64, &'static str),
    loss: Lost,
    rates: Option<(&'static str, &'static str, u32)>,
}

/// What a preset loses.
enum Lost {
    /// A share, each message by itself.
    ByChance(&'static str),
    /// In good and bad spells.
    InSpells {
        /// Their mean lengths, good and bad, in seconds.
        secs: (u64, u64),
        /// The shares that are lost in them.
        shares: (&'static str, &'static str),
    },
}

const PRESETS: [Preset; 5] = [
    Preset {
        name: "wifi",
        network: NetworkMode::WiFi,
        delay: (10, 5, "paretonormal"),
        loss: Lost::InSpells { secs: (49, 1), shares: ("0", "30%") },
        rates: None,
    },
    Preset {
        name: "lte",
        network: NetworkMode::Mode4G,
        delay: (35, 10, "normal"),
        loss: Lost::InSpells { secs: (600, 1), shares: ("0", "100%") },
        rates: Some(("10mbit", "40mbit", 1000)),
    },
    Preset {
        name: "satellite",
        network: NetworkMode::Unknown,
        delay: (260, 10, "normal"),
        loss: Lost::ByChance("0.5%"),
        rates: Some(("2mbit", "20mbit", 1000)),
    },
    Preset {
        name: "congested",
        network: NetworkMode::WiFi,
        delay: (80, 60, "pareto"),
        loss: Lost::InSpells { secs: (29, 1), shares: ("1%", "30%") },
        rates: Some(("256kbit", "512kbit", 50)),
    },
    Preset {
        name: "tunnel",
        network: NetworkMode::Mode4G,
        delay: (60, 30, "pareto"),
        loss: Lost::InSpells { secs: (6, 4), shares: ("2%", "100%") },
        rates: Some(("128kbit", "256kbit", 100)),
    },
];

/// The names of all presets.
pub(super) fn names() -> impl Iterator<Item = &'static str> + Clone {
    PRESETS.iter().map(|it| it.name)
}

/// The preset that a name most likely means.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    closest(name, names())
}

/// The preset of this name.
pub(super) fn named(name: &str) -> Option<(LinkModel, Option<NetworkMode>)> {
    let preset = PRESETS.iter().find(|it| it.name == name)?;
    let path = |rate: Option<&str>, limit| {
        let (mean, jitter, distribution) = preset.delay;
        let spread = Spread::Table(Table::named(distribution).expect("there is this one"));
        let (mean, jitter) = (SimSpan::from_millis(mean), SimSpan::from_millis(jitter));
        let share = |text: &str| text.parse::<Probability>().expect("it is one");
        let loss = match preset.loss {
            Lost::ByChance(lost) => Loss::Random(share(lost)),
            Lost::InSpells { secs: (good, bad), shares: (good_loss, bad_loss) } => {
                let (good, bad) = (SimSpan::from_secs(good), SimSpan::from_secs(bad));
                Loss::Timed(TimedGilbertElliott {
                    times: Times { good, bad, scope: Scope::Link },
                    good_loss: share(good_loss),
                    bad_loss: share(bad_loss),
                })
            }
        };
        let bottleneck = rate.map(|it| Bottleneck {
            rate: Some(it.parse().expect("it is a rate")),
            overhead: 28, // The headers of IPv4 and UDP.
            limit,
        });
        PathModel {
            delay: Delay { mean, jitter, spread },
            order: Order::Any,
            loss,
            bottleneck,
            ..PathModel::ideal()
        }
    };
    let model = match preset.rates {
        None => LinkModel::same(&path(None, 0)),
        Some((up, down, limit)) => {
            LinkModel { up: path(Some(up), limit), down: path(Some(down), limit) }
        }
    };
    Some((model, Some(preset.network)))
}
