//! `run.json`: what was run, with which parameters, and what came of it, in numbers.
//!
//! Nothing in it depends on when or where the run was made.

use serde_json::{Map, Value, json};

use crate::{
    link::Cause,
    protocol::{
        message::Kind,
        retry::{Budget, Exponential, Jitter, Retry, Schedule, Wait},
        rules::{Anchor, Detect, Heartbeat, Memory, NotifyGate, Phase, Rules},
    },
    scenario::Scenario,
    sink::{
        counters::{Count, Counters},
        judge::Judgement,
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
    /// The seed of the run.
    pub seed: u64,
    /// The callbacks.
    pub trace: &'a Trace,
    /// The messages.
    pub counters: &'a Counters,
    /// The expectations.
    pub judged: &'a Judgement,
}

impl Manifest<'_> {
    /// The bytes of `run.json`.
    pub fn to_json(&self) -> Vec<u8> {
        let Self { scenario, counters, judged, .. } = self;
        let value = json!({
            "roomsim": VERSION,
            "scenario": scenario.name(),
            "scenario_sha256": self.scenario_sha256,
            "seed": self.seed,
            "duration_s": scenario.end().to_string(),
            "digest": self.trace.digest(scenario),
            "profile": scenario.profile(),
            "parameters": parameters(scenario.rules()),
            "clients": scenario.clients().len(),
            "rooms": scenario.rooms().len(),
            "callbacks": self.trace.rows().len(),
            "messages": messages(counters),
            "expectations": {
                "held": judged.verdicts.len() - judged.n_failed(),
                "failed": judged.n_failed(),
            },
        });
        let mut bytes = serde_json::to_vec_pretty(&value).expect("this value can be written");
        bytes.push(b'\n');
        bytes
    }
}

fn messages(counters: &Counters) -> Value {
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

/// All parameters, in the words in which a scenario would set them.
pub fn parameters(rules: &Rules) -> Value {
    let heartbeat = match rules.heartbeat {
        None => json!("none"),
        Some(Heartbeat { every, phase }) => {
            let phase = match phase {
                Phase::Random => "random".to_owned(),
                Phase::Login => "login".to_owned(),
                Phase::After(span) => span.to_string(),
            };
            json!({ "every": every.to_string(), "phase": phase })
        }
    };
    let anchor = match rules.lease.anchor {
        Anchor::Outage => "outage",
        Anchor::LastMessage => "last_message",
        Anchor::LastHeartbeat => "last_heartbeat",
    };
    let detect = match rules.detect {
        Detect::AtOutage => json!("at_outage"),
        Detect::BySilence { probe_after, broken_after } => json!({
            "probe_after": probe_after.to_string(),
            "broken_after": broken_after.to_string(),
        }),
    };
    json!({
        "heartbeat": heartbeat,
        "lease": { "after": rules.lease.after.to_string(), "anchor": anchor },
        "detect": detect,
        "retry": retry(&rules.retry),
        "login_processing": rules.login_processing.to_string(),
        "fan_out": rules.fan_out.to_string(),
        "resend": { "first": rules.resend.first.to_string(), "cap": rules.resend.cap.to_string() },
        "logout_timeout": rules.logout_timeout.to_string(),
        "kick_memory": match rules.kick_memory {
            Memory::On => "on",
            Memory::Off => "off",
        },
        "notify_gate": match rules.notify_gate {
            NotifyGate::Both => "both",
            NotifyGate::Receiver => "receiver",
        },
    })
}

fn retry(retry: &Retry) -> Value {
    let (kind, schedule) = match &retry.schedule {
        Schedule::Fixed(span) => ("fixed", json!(span.to_string())),
        Schedule::List(waits) => {
            let wait = |it: &Wait| match it {
                Wait::Exactly(span) => span.to_string(),
                Wait::Seconds { from, to } => format!("{from}s..{to}s"),
            };
            ("list", waits.iter().map(wait).collect())
        }
        Schedule::Exponential(Exponential { base, factor_milli, cap, jitter }) => {
            let name = Jitter::ALL.iter().find(|(_, it)| it == jitter).map(|(name, _)| *name);
            let factor = f64::from(*factor_milli) / 1000.0;
            let growing = json!({
                "base": base.to_string(),
                "factor": factor,
                "cap": cap.to_string(),
                "jitter": name,
            });
            ("exponential", growing)
        }
    };
    let budget = match retry.budget {
        Budget::Time(span) => json!(span.to_string()),
        Budget::Attempts(n) => json!({ "attempts": n }),
    };
    json!({
        kind: schedule,
        "attempt_timeout": retry.attempt_timeout.to_string(),
        "budget": budget,
    })
}
