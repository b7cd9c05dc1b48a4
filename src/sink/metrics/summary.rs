//! `summary.json`: what a run comes to, scope by scope.

use serde_json::{Map, Value, json};

use super::{
    BUSY, Flow, LOST_WAITING, Layout, Level, Load, Metrics, Part, Peak, QUEUE, TURNED_AWAY, Took,
    WAIT,
    table::{busy, rate},
};
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
    let mut scopes: Map<String, Value> = scopes.collect();
    if let Some(load) = metrics.load() {
        for (key, more) in of_load(layout, &load) {
            if let Value::Object(known) = &mut scopes["total"][key] {
                known.extend(more);
            }
        }
    }
    for (name, load) in metrics.nodes() {
        let told = of_load(layout, load).map(|(key, it)| (key.to_owned(), it.into()));
        scopes.insert(name, Value::Object(Map::from_iter(told)));
    }
    let value = json!({
        "roomsim": VERSION,
        "scenario": scenario.name(),
        "seed": seed,
        "duration_s": scenario.end().to_string(),
        "clients": scenario.n_clients(),
        "fingerprint": fingerprint.to_string(),
        "bin_s": seconds(layout.bin()),
        "latency_relative_error": RELATIVE_ERROR,
        "scopes": scopes,
    });
    let mut bytes = serde_json::to_vec_pretty(&value).expect("this value can be written");
    bytes.push(b'\n');
    bytes
}

fn of_part(layout: &Layout, part: &Part) -> Value {
    let levels = Level::ALL
        .map(|it| (it.name().to_owned(), of_level(layout, &part.levels(it).collect::<Vec<_>>())));
    let rates = Flow::ALL.map(|it| {
        let total: u64 = part.flows(it).sum();
        let in_thousandths = part.flows(it).enumerate().map(|(bin, n)| rate(layout, bin, n));
        (it.name().to_owned(), of_rate(layout, in_thousandths, &total.into()))
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

/// The levels, rates and latencies of the server, or of a node of it.
fn of_load(layout: &Layout, load: &Load) -> [(&'static str, Map<String, Value>); 3] {
    let of = |entries: &[(&str, Value)]| {
        entries.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect::<Map<_, _>>()
    };
    let work = load.work_micros().enumerate().map(|(bin, it)| busy(layout, bin, it));
    let total = seconds(SimSpan::from_micros(load.work_micros().sum()));
    let of_counts = |counts: Vec<u64>| {
        let in_thousandths = counts.iter().enumerate().map(|(bin, it)| rate(layout, bin, *it));
        of_rate(layout, in_thousandths, &counts.iter().sum::<u64>().into())
    };
    let rates = [
        (BUSY, of_rate(layout, work, &total.into())),
        (TURNED_AWAY, of_counts(load.turned_away().collect())),
        (LOST_WAITING, of_counts(load.lost_waiting().collect())),
    ];
    let mut wait = of_latency(load.wait());
    wait["not_taken_up"] = load.n_not_taken_up().into();
    [
        ("levels", of(&[(QUEUE, of_level(layout, &load.queue().collect::<Vec<_>>()))])),
        ("rates", of(&rates)),
        ("latencies", of(&[(WAIT, wait)])),
    ]
}

fn of_level(layout: &Layout, values: &[u64]) -> Value {
    let peak = Peak::of(values.iter().copied());
    let at = peak_at(layout, peak);
    json!({ "peak": peak.value, "peak_at_s": at, "end": values.last() })
}

fn of_rate(layout: &Layout, in_thousandths: impl Iterator<Item = u64>, total: &Value) -> Value {
    let peak = Peak::of(in_thousandths);
    let value = format!("{}.{:03}", peak.value / 1000, peak.value % 1000);
    json!({ "peak": value, "peak_at_s": peak_at(layout, peak), "total": total })
}

/// When the bin of a peak ends; what never was has no time.
fn peak_at(layout: &Layout, Peak { value, bin }: Peak) -> Option<String> {
    (0 < value).then(|| layout.bounds_of(bin).1.to_string())
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
