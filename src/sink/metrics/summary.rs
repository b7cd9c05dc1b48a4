//! `summary.json`: what a run comes to, scope by scope.

use serde_json::{Map, Value, json};

use super::{Flow, Layout, Level, Metrics, Part, Peak, Took, table::rate};
use crate::{
    scenario::Scenario,
    sink::{
        fingerprint::Fingerprint,
        latency::{Latency, RELATIVE_ERROR},
        manifest::{VERSION, messages},
    },
    time::SimSpan,
};

/// The quantiles that are told, in thousandths.
pub const QUANTILES: [(&str, u64); 4] =
    [("p50_s", 500), ("p90_s", 900), ("p99_s", 990), ("p999_s", 999)];

/// The bytes of `summary.json`.
pub fn summary(
    scenario: &Scenario,
    seed: u64,
    fingerprint: &Fingerprint,
    metrics: &Metrics,
) -> Vec<u8> {
    let layout = metrics.layout();
    let scopes = metrics.scopes().into_iter().map(|(name, part)| (name, of_part(layout, &part)));
    let value = json!({
        "roomsim": VERSION,
        "scenario": scenario.name(),
        "seed": seed,
        "duration_s": scenario.end().to_string(),
        "clients": scenario.n_clients(),
        "fingerprint": fingerprint.to_string(),
        "bin_s": seconds(layout.bin()),
        "latency_relative_error": RELATIVE_ERROR,
        "scopes": scopes.collect::<Map<_, _>>(),
    });
    let mut bytes = serde_json::to_vec_pretty(&value).expect("this value can be written");
    bytes.push(b'\n');
    bytes
}

fn of_part(layout: &Layout, part: &Part) -> Value {
    // What never was has no time.
    let at = |value, bin: usize| (0 < value).then(|| layout.bounds_of(bin).1.to_string());
    let levels = Level::ALL.map(|it| {
        let Peak { value, bin } = Peak::of(part.levels(it));
        let last = part.levels(it).last();
        (it.name().to_owned(), json!({ "peak": value, "peak_at_s": at(value, bin), "end": last }))
    });
    let rates = Flow::ALL.map(|it| {
        let total: u64 = part.flows(it).sum();
        let in_thousandths = part.flows(it).enumerate().map(|(bin, n)| rate(layout, bin, n));
        let Peak { value, bin } = Peak::of(in_thousandths);
        let peak = format!("{}.{:03}", value / 1000, value % 1000);
        let told = json!({ "peak": peak, "peak_at_s": at(value, bin), "total": total });
        (it.name().to_owned(), told)
    });
    let latencies = Took::ALL.map(|it| (it.name().to_owned(), of_latency(part.latency(it))));
    let callbacks = part.told().map(|(name, told)| {
        (name, json!({ "callbacks": told.callbacks, "subjects": told.subjects }))
    });
    json!({
        "levels": Map::from_iter(levels),
        "rates": Map::from_iter(rates),
        "latencies": Map::from_iter(latencies),
        "callbacks": callbacks.collect::<Map<_, _>>(),
        "messages": messages(part.counters()),
    })
}

fn of_latency(latency: &Latency) -> Value {
    let mut value = Map::new();
    value.insert("count".to_owned(), latency.count().into());
    if let Some(mean) = latency.mean() {
        for (name, per_mille) in QUANTILES {
            let quantile = latency.quantile(per_mille).map(seconds);
            value.insert(name.to_owned(), quantile.into());
        }
        value.insert("max_s".to_owned(), seconds(latency.max()).into());
        value.insert("mean_s".to_owned(), seconds(mean).into());
    }
    value.into()
}

fn seconds(span: SimSpan) -> String {
    let micros = span.as_micros();
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
