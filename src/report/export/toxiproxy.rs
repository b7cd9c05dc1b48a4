//! JSON for Toxiproxy: a proxy for each client, and its toxics from each instant on.

use serde_json::{Value, json};

use super::{Change, Missing, Way, note_path};
use crate::{
    link::{Direction, PathModel, delay::Spread, loss::Loss},
    scenario::Scenario,
    sink::number::seconds_of,
};

/// The proxies, the timeline of their toxics, and what has no toxic.
pub(super) fn json(scenario: &Scenario, changes: &[Change], mut missing: Missing) -> String {
    let name = |change: &Change| scenario.client_name(change.client).into_owned();
    let mut timeline = Vec::new();
    for change in changes {
        let mut toxics: Vec<Value> = Vec::new();
        for direction in Direction::BOTH {
            let stream = match direction {
                Direction::Up => "upstream",
                Direction::Down => "downstream",
            };
            match change.ways[direction as usize] {
                // No data gets through, and the connection is not closed.
                Way::Cut => toxics.push(toxic("timeout", stream, &json!({ "timeout": 0 }))),
                // When a latency is taken away, what it holds gets through.
                Way::Held => {
                    missing.note("the delay of what was held when a link moves again");
                    let latency = scenario.end().as_micros().div_ceil(1000);
                    let attributes = json!({ "latency": latency, "jitter": 0 });
                    toxics.push(toxic("latency", stream, &attributes));
                }
                Way::Open(link) => {
                    let path = scenario.links()[link].model.path(direction);
                    note_path(path, &mut missing);
                    note_unreliable(path, &mut missing);
                    toxics.extend(toxics_of(path, stream));
                }
            }
        }
        timeline.push(json!({
            "at_s": seconds_of(change.at.as_micros()),
            "proxy": name(change),
            "toxics": toxics,
        }));
    }
    let proxies = scenario.named_clients().iter().map(|(_, it)| json!({ "name": it.name }));
    let value = json!({
        "scenario": scenario.name(),
        "duration_s": seconds_of(scenario.end().as_micros()),
        "proxies": proxies.collect::<Vec<_>>(),
        "timeline": timeline,
        "not_expressed": missing.0,
    });
    serde_json::to_string_pretty(&value).expect("this value can be written") + "\n"
}

fn toxic(kind: &str, stream: &str, attributes: &Value) -> Value {
    json!({ "name": format!("{kind}_{stream}"), "type": kind, "stream": stream, "attributes": attributes })
}

/// A proxy of streams neither loses nor reorders.
fn note_unreliable(path: &PathModel, missing: &mut Missing) {
    match path.loss {
        Loss::Random(share) if share.is_zero() => (),
        Loss::Random(_) | Loss::GilbertElliott(_) | Loss::FourState(_) | Loss::Timed(_) => {
            missing.note("loss of messages: a proxy of streams delivers all of them");
        }
    }
    if !path.duplicate.is_zero() || path.reorder.is_some() {
        missing.note("copies and reordering of messages");
    }
    if let Spread::Table(_) = path.delay.spread {
        missing.note("distributions of the delay: its jitter is uniform");
    }
    if path.bottleneck.is_some() {
        missing.note("a bottleneck that drops what finds no place");
    }
    if path.bottleneck.is_some_and(|it| 0 < it.overhead) {
        missing.note("what messages take at a bottleneck besides their own bytes");
    }
    if [path.delay.mean, path.delay.jitter].iter().any(|it| it.as_micros() % 1000 != 0) {
        missing.note("parts of a millisecond: delays are rounded");
    }
    if path.rate().is_some_and(|it| it.bits() % 8000 != 0) {
        missing.note("parts of a kilobyte a second: rates are rounded, to 1 at the least");
    }
}

fn toxics_of(path: &PathModel, stream: &str) -> Vec<Value> {
    let mut toxics = Vec::new();
    let millis = |span: crate::time::SimSpan| (span.as_micros() + 500) / 1000;
    if !path.delay.mean.is_zero() || !path.delay.jitter.is_zero() {
        let attributes =
            json!({ "latency": millis(path.delay.mean), "jitter": millis(path.delay.jitter) });
        toxics.push(toxic("latency", stream, &attributes));
    }
    if let Some(rate) = path.rate() {
        // In kilobytes a second, at least one.
        let rate = ((rate.bits() + 4000) / 8000).max(1);
        toxics.push(toxic("bandwidth", stream, &json!({ "rate": rate })));
    }
    toxics
}
