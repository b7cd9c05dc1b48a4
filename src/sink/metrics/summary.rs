//! `summary.json`: what a run comes to, scope by scope.

use serde_json::{Map, Value, json};

use super::{
    BUSY, Flow, LOST_WAITING, Layout, Level, Load, Metrics, Overload, Part, Peak, QUEUE,
    TURNED_AWAY, Took, WAIT,
    table::{busy, rate},
};
use crate::{
    scenario::Scenario,
    sink::{
        fingerprint::Fingerprint,
        latency::{Latency, RELATIVE_ERROR},
        manifest::{VERSION, messages},
        number::seconds_of,
    },
    time::{SimSpan, SimTime},
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
    let overloads = scenario.server().map(|it| metrics.overloads(it.capacity));
    for (name, load) in metrics.nodes() {
        let told = of_load(layout, load).map(|(key, it)| (key.to_owned(), it.into()));
        scopes.insert(name, Value::Object(Map::from_iter(told)));
    }
    let mut value = json!({
        "roomsim": VERSION,
        "scenario": scenario.name(),
        "seed": seed,
        "duration_s": seconds_of(scenario.end().as_micros()),
        "clients": scenario.n_clients(),
        "fingerprint": fingerprint.to_string(),
        "bin_s": seconds(layout.bin()),
        "latency_relative_error": RELATIVE_ERROR,
        "scopes": scopes,
    });
    if let Some(overloads) = overloads {
        value["overloaded_nodes"] = overloads.iter().map(of_overload).collect();
    }
    let mut bytes = serde_json::to_vec_pretty(&value).expect("this value can be written");
    bytes.push(b'\n');
    bytes
}

fn of_overload(overload: &Overload) -> Value {
    let Overload { node, busy_since, waiting, is_growing } = overload;
    json!({
        "node": node, "busy_since_s": busy_since.map(instant), "waiting": waiting,
        "growing": is_growing,
    })
}

fn of_part(layout: &Layout, part: &Part) -> Value {
    let levels = Level::ALL.map(|it| {
        let mut level = of_level(layout, &part.levels(it).collect::<Vec<_>>());
        let (integral, span) = (part.integral(it), u128::from(layout.end().as_micros().max(1)));
        // Millionths of a client, rounded to the nearest.
        level["mean"] = decimal((integral * 1_000_000 + span / 2) / span);
        level["member_s"] = decimal(integral);
        (it.name().to_owned(), level)
    });
    let rates = Flow::ALL.map(|it| {
        let total: u64 = part.flows(it).sum();
        let in_thousandths = part.flows(it).enumerate().map(|(bin, n)| rate(layout, bin, n));
        (it.name().to_owned(), of_rate(layout, in_thousandths, &total.into()))
    });
    let latencies = Took::ALL.map(|it| {
        let mut latency = of_latency(part.latency(it));
        if let Some(level) = it.under_way() {
            latency["unfinished"] = part.levels(level).last().unwrap_or_default().into();
        }
        (it.name().to_owned(), latency)
    });
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
    let total = seconds_of(load.work_micros().sum());
    let of_counts = |counts: Vec<u64>| {
        let in_thousandths = counts.iter().enumerate().map(|(bin, it)| rate(layout, bin, *it));
        of_rate(layout, in_thousandths, &counts.iter().sum::<u64>().into())
    };
    let rates = [
        (BUSY, of_rate(layout, work, &total)),
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
    let value = decimal(u128::from(peak.value) * 1000);
    json!({ "peak": value, "peak_at_s": peak_at(layout, peak), "total": total })
}

/// When the bin of a peak ends; what never was has no time.
fn peak_at(layout: &Layout, Peak { value, bin }: Peak) -> Option<Value> {
    (0 < value).then(|| instant(layout.bounds_of(bin).1))
}

fn of_latency(latency: &Latency) -> Value {
    let mut value = Map::new();
    value.insert("count".to_owned(), latency.count().into());
    if let Some(mean) = latency.mean() {
        for (name, per_mille) in QUANTILES {
            let quantile = latency.quantile(per_mille).map(seconds);
            value.insert(name.to_owned(), quantile.into());
        }
        value.insert("max_s".to_owned(), seconds(latency.max()));
        value.insert("mean_s".to_owned(), seconds(mean));
    }
    value.into()
}

fn instant(at: SimTime) -> Value {
    seconds_of(at.as_micros())
}

fn seconds(span: SimSpan) -> Value {
    seconds_of(span.as_micros())
}

/// So many millionths.
fn decimal(millionths: u128) -> Value {
    u64::try_from(millionths).map_or_else(
        |_| format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000).into(),
        seconds_of,
    )
}
