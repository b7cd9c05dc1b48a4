//! Whole runs in which clients wait for the server's workers.
//!
//! Each of many clients sends one heartbeat, at an instant drawn evenly from the run: a Poisson
//! process of which it is known how many come.

use roomsim::{
    observe::{Observer, Served},
    protocol::message::Kind,
    scenario::Scenario,
    sim,
    time::SimTime,
};
use serde_json::{Value, json};

use super::{
    Estimate, Model, Row, What,
    sim::{crowd, patient},
};

/// How long those waited who came to a worker, in milliseconds, and who did not.
#[derive(Debug, Default)]
struct Waits {
    waited: Vec<f64>,
    /// By arrival: 1 for who was turned away, else 0.
    turned_away: Vec<f64>,
}

impl Observer for Waits {
    fn served(&mut self, _: SimTime, Served { kind, waited, .. }: Served) {
        if kind == Kind::Heartbeat {
            self.waited.push(waited.as_micros() as f64 / 1000.0);
            self.turned_away.push(0.0);
        }
    }

    fn turned_away(&mut self, _: SimTime, _: u32, _: Kind) {
        self.turned_away.push(1.0);
    }
}

const ROOMS: usize = 300;
const CLIENTS: usize = ROOMS * 500;

/// What a worker takes, as a mean.
const WORK_MS: f64 = 10.0;

/// The mean time from one to the next for this many workers and this share of their time.
fn every_ms(workers: u32, load: f64) -> f64 {
    WORK_MS / load / f64::from(workers)
}

/// A run in which a server works on heartbeats.
fn waits(every_ms: f64, server: &Value, seed: u64) -> Waits {
    let lasts = every_ms * CLIENTS as f64 / 1000.0;
    let profile = patient(lasts, "random", 10.0 * lasts);
    let mut scenario = crowd((ROOMS, 500), &json!({}), &profile, &[]);
    // All have logged in at the start, and nobody has a second one to send.
    scenario["duration"] = json!(format!("{:.0}us", lasts * 1e6));
    scenario["server"] = server.clone();
    let scenario = Scenario::parse(&scenario.to_string()).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    let mut waits = Waits::default();
    sim::run(&scenario, seed, &mut waits);
    let n_waiting = CLIENTS - waits.turned_away.len();
    assert!(n_waiting < 1000, "{n_waiting} were waiting at the end");
    waits
}

fn work(error: f64, kind: &str) -> Value {
    json!({ "heartbeat": { kind: format!("{:.0}us", WORK_MS * 1000.0 * error) } })
}

/// The share that is lost where nobody can wait, by Erlang's recursion.
pub(super) fn erlang_b(workers: u32, offered: f64) -> f64 {
    (1..=workers).fold(1.0, |lost, n| offered * lost / (f64::from(n) + offered * lost))
}

/// The share that has to wait.
fn erlang_c(workers: u32, load: f64) -> f64 {
    let lost = erlang_b(workers, f64::from(workers) * load);
    lost / (1.0 - load * (1.0 - lost))
}

#[test]
fn erlang_knows_the_textbook() {
    // One worker: M/M/1 waits with probability ρ, M/M/1/1 loses ρ / (1 + ρ).
    assert!((erlang_c(1, 0.6) - 0.6).abs() < 1e-12);
    assert!((erlang_b(1, 0.6) - 0.6 / 1.6).abs() < 1e-12);
    // Two workers, one erlang: 1/2 / (1 + 1 + 1/2) lost, 1/3 wait.
    assert!((erlang_b(2, 1.0) - 0.2).abs() < 1e-12);
    assert!((erlang_c(2, 0.5) - 1.0 / 3.0).abs() < 1e-12);
}

pub(super) fn many_workers(Model { seed, error }: Model) -> Vec<Row> {
    const WORKERS: u32 = 3;
    const LOAD: f64 = 0.7;
    let server = json!({ "workers": WORKERS, "service": work(error, "exponential") });
    let Waits { waited, .. } = waits(every_ms(WORKERS, LOAD), &server, seed);
    let share = erlang_c(WORKERS, LOAD);
    let has_waited: Vec<f64> = waited.iter().map(|it| f64::from(u8::from(0.0 < *it))).collect();
    let what = |name, formula| What { name, formula, parameter: "s" };
    vec![
        Row {
            what: what(
                "a server of 3 workers, exponential work of mean 10 ms, load 70 % (M/M/3): \
                 mean time to wait in ms",
                "C(c, ρ) s / (c (1-ρ)), C by Erlang",
            ),
            expected: share * WORK_MS / (f64::from(WORKERS) * (1.0 - LOAD)),
            estimate: Estimate::batch_mean(&waited),
        },
        Row {
            what: what("the same: share that waits", "C(c, ρ)"),
            expected: share,
            estimate: Estimate::batch_mean(&has_waited),
        },
    ]
}

pub(super) fn one_worker(Model { seed, error }: Model) -> Vec<Row> {
    const LOAD: f64 = 0.7;
    let server = json!({ "workers": 1, "service": work(error, "fixed") });
    let Waits { waited, .. } = waits(every_ms(1, LOAD), &server, seed);
    vec![Row {
        what: What {
            name: "a server of 1 worker, work of 10 ms, load 70 % (M/D/1): mean time to wait in ms",
            formula: "ρ s / (2 (1-ρ))",
            parameter: "s",
        },
        expected: LOAD * WORK_MS / (2.0 * (1.0 - LOAD)),
        estimate: Estimate::batch_mean(&waited),
    }]
}

pub(super) fn no_queue(Model { seed, error }: Model) -> Vec<Row> {
    const WORKERS: u32 = 4;
    const LOAD: f64 = 0.8;
    let row = |name, kind| {
        let server = json!({ "workers": WORKERS, "service": work(error, kind), "queue": 0 });
        let Waits { turned_away, .. } = waits(every_ms(WORKERS, LOAD), &server, seed);
        Row {
            what: What { name, formula: "B(c, c ρ) by Erlang", parameter: "s" },
            expected: erlang_b(WORKERS, f64::from(WORKERS) * LOAD),
            estimate: Estimate::batch_mean(&turned_away),
        }
    };
    vec![
        row(
            "a server of 4 workers without a queue, exponential work, load 80 % (M/M/4/4): \
             share turned away",
            "exponential",
        ),
        row("the same with work that is always as long (M/D/4/4)", "fixed"),
    ]
}
