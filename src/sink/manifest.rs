//! `run.json`: what was run, with which parameters, what these rest on, and what came of it, in
//! numbers.
//!
//! Nothing in it depends on when or where the run was made.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    link::Cause,
    protocol::message::Kind,
    scenario::{Scenario, parameter, profile::Evidence, settings::Setting},
    sink::{
        counters::{Count, Counters},
        fingerprint::Fingerprint,
        judge::Judgement,
        number::seconds_of,
        trace::Trace,
    },
};

/// The version of the simulator; it is part of what determines a run.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a manifest tells of.
#[derive(Debug)]
pub struct Manifest<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The SHA-256 of its file.
    pub scenario_sha256: &'a str,
    /// What was set in it.
    pub settings: &'a [Setting],
    /// The SHA-256 of the files that it names.
    pub files: &'a BTreeMap<String, String>,
    /// The seed of the run.
    pub seed: u64,
    /// The callbacks of those who are traced.
    pub trace: &'a Trace,
    /// What all callbacks come to.
    pub fingerprint: &'a Fingerprint,
    /// The messages.
    pub counters: &'a Counters,
    /// The expectations.
    pub judged: &'a Judgement,
    /// Why heartbeats are simulated one by one, where they are.
    pub each_one: &'a [String],
}

impl Manifest<'_> {
    /// The bytes of `run.json`.
    pub fn to_json(&self) -> Vec<u8> {
        let Self { scenario, trace, fingerprint, counters, judged, .. } = self;
        let grade =
            |(path, _, it): (&str, Value, &Evidence)| (path.to_owned(), it.grade.name().into());
        let evidence: Map<_, _> = scenario.profile().values().map(grade).collect();
        let mut value = json!({
            "roomsim": VERSION,
            "scenario": scenario.name(),
            "scenario_sha256": self.scenario_sha256,
            "files": self.files,
            "seed": self.seed,
            "duration_s": seconds_of(scenario.end().as_micros()),
            trace.digest_name(): trace.digest(scenario),
            "fingerprint": fingerprint.to_string(),
            "traced": {
                "which": trace.traced().how(),
                "clients": trace.traced().n(scenario),
                "callbacks": trace.rows().len(),
            },
            "profile": scenario.profile().name(),
            "parameters": parameter::object(scenario.rules()),
            "evidence": evidence,
            "clients": scenario.n_clients(),
            "rooms": scenario.n_rooms(),
            "callbacks": fingerprint.n_rows(),
            "messages": messages(counters),
            "heartbeats": {
                "passed_over": self.each_one.is_empty(),
                "each_one": self.each_one,
            },
            "expectations": {
                "held": judged.verdicts.len() - judged.n_failed(),
                "failed": judged.n_failed(),
            },
        });
        if !self.settings.is_empty() {
            let set = self.settings.iter().map(|it| {
                let value: Value = serde_json::from_str(it.value()).expect("it is JSON");
                (it.pointer().to_owned(), value)
            });
            value["set"] = Value::Object(set.collect());
        }
        let mut bytes = serde_json::to_vec_pretty(&value).expect("this value can be written");
        bytes.push(b'\n');
        bytes
    }
}

pub(super) fn messages(counters: &Counters) -> Value {
    let count = |of: &Count| {
        let dropped = Cause::ALL.map(|it| (it.to_string(), Value::from(of.dropped[it as usize])));
        json!({
            "sent": of.sent,
            "delivered": of.delivered,
            "dropped": Map::from_iter(dropped),
        })
    };
    let kinds = Kind::ALL.into_iter().filter(|it| counters.of(*it).sent != 0);
    let by_kind: Map<_, _> =
        kinds.map(|it| (it.name().to_owned(), count(counters.of(it)))).collect();
    let mut total = count(&counters.total());
    total["in_flight"] = Value::from(counters.in_flight());
    json!({ "total": total, "by_kind": by_kind })
}
