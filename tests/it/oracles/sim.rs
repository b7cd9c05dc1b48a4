//! Whole runs: leases that end by mistake, losses that are found out, retries.

use std::collections::BTreeMap;

use roomsim::{
    id::{ClientId, RoomId, UserId},
    link::Cause,
    observe::{Callback, Delivery, Observer, Seat},
    protocol::{backend::ServerEvent, code::Reason, member::Departure, message::Kind},
    scenario::Scenario,
    sim,
    time::SimTime,
};
use serde_json::{Value, json};

use super::{Estimate, Model, Row, What};

/// What the oracles want to know of a run.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Sessions that begin (`true`) or end because their lease ends, as the server's callbacks
    /// tell.
    pub(super) sessions: Vec<(SimTime, UserId, bool)>,
    /// What apps are told of their status.
    pub(super) states: Vec<(SimTime, ClientId, Reason)>,
    /// Everything that apps are told, as text.
    pub(super) told: BTreeMap<ClientId, Vec<String>>,
    /// Messages that arrive, and that the links lose.
    pub(super) delivered: Vec<(SimTime, ClientId, Kind)>,
    pub(super) lost: Vec<(SimTime, ClientId, Kind)>,
    /// Whether messages and texts are of interest.
    is_full: bool,
}

impl Observer for Log {
    fn callback(&mut self, at: SimTime, seat: Seat, _: Option<RoomId>, what: Callback<'_>) {
        let client = seat.client;
        if let Callback::StateChanged(status) = what {
            self.states.push((at, client, status.reason));
        }
        if self.is_full {
            self.told.entry(client).or_default().push(format!("{at} {what:?}"));
        }
    }

    fn server_callback(&mut self, delivery: Delivery) {
        match delivery.callback.what {
            ServerEvent::RoomLogin { user, .. } => {
                self.sessions.push((delivery.made_at, user, true));
            }
            ServerEvent::RoomLogout { user, how, .. } => {
                assert_eq!(how, Departure::LeaseEnded, "nobody leaves of its own accord");
                self.sessions.push((delivery.made_at, user, false));
            }
            ServerEvent::RoomCreate
            | ServerEvent::RoomClose(_)
            | ServerEvent::StreamCreate(..)
            | ServerEvent::StreamClose(..) => (),
        }
    }

    fn delivered(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        if self.is_full {
            self.delivered.push((at, client, kind));
        }
    }

    fn dropped(&mut self, at: SimTime, client: ClientId, kind: Kind, cause: Cause) {
        if self.is_full && cause == Cause::Loss {
            self.lost.push((at, client, kind));
        }
    }
}

/// The log of a run with this seed.
fn watch(scenario: &Value, seed: u64, mut log: Log) -> Log {
    let scenario = Scenario::parse(&scenario.to_string()).unwrap_or_else(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}\n{scenario:#}", faults.join("\n"));
    });
    sim::run(&scenario, seed, &mut log);
    log
}

/// The same, with messages and texts.
pub(super) fn watch_fully(scenario: &Value, seed: u64) -> Log {
    watch(scenario, seed, Log { is_full: true, ..Log::default() })
}

/// A time in seconds as a scenario writes it.
fn secs(secs: f64) -> String {
    format!("{:.0}us", secs * 1e6)
}

/// A time that no run reaches: what waits for it never comes.
const NEVER: &str = "1000h";

/// Clients who wait for nothing but the server's lease: they neither probe nor take their
/// connection for broken, and only logins and heartbeats refresh the lease.
pub(super) fn patient(heartbeat: f64, phase: &str, lease: f64) -> Value {
    json!({
        "base": "zego",
        "heartbeat": { "every": secs(heartbeat), "phase": phase },
        "lease": { "after": secs(lease), "anchor": "last_heartbeat" },
        "detect": { "probe_after": NEVER, "broken_after": NEVER },
        "login_processing": "0s",
        "login_rate": "none",
    })
}

/// So many rooms with so many clients each, who log in at the start; `steps` follow.
pub(super) fn crowd(
    (n_rooms, of): (usize, usize),
    link: &Value,
    profile: &Value,
    steps: &[Value],
) -> Value {
    let names: Vec<String> = (0..n_rooms).map(|it| format!("g{it}")).collect();
    let client = |name: &String| json!({ "name": name, "count": of, "link": "x" });
    let login = |name: &String| {
        // Nobody is told of anybody, so nothing but the clients' own messages is under way.
        let login = json!({ "loginRoom": { "room": name, "isUserStatusNotify": false } });
        json!({ "at": "0s", "client": name, "do": login })
    };
    let script: Vec<Value> = names.iter().map(login).chain(steps.iter().cloned()).collect();
    json!({
        "version": 1, "name": "oracle", "duration": "10min", "profile": profile,
        "links": { "x": link },
        "clients": names.iter().map(client).collect::<Vec<_>>(),
        "script": script,
        "backend": { "delay": "0s" },
    })
}

/// The names of the rooms' clients, as [`crowd`] gives them.
fn everybody(n_rooms: usize) -> Vec<String> {
    (0..n_rooms).map(|it| format!("g{it}")).collect()
}

const LEASE: f64 = 90.0;
const HEARTBEAT: f64 = 20.0;
/// So many heartbeats in a row must be lost for the lease to end: the fourth comes 80 s after the
/// last one that arrived, the fifth would come after 100 s.
const LOSSES: i32 = 4;

/// How long sessions last, in seconds, on a link that loses heartbeats like this; the first one of
/// each client apart from those after it.
///
/// The link takes no time, so a session begins at the server when the login is sent, and heartbeats
/// arrive exactly one, two, ... intervals after that.
fn lifetimes(loss: &Value, seed: u64) -> (Vec<f64>, Vec<f64>) {
    const CLIENTS: usize = 30;
    let link = json!({ "up": { "loss": loss } });
    let mut scenario = crowd((CLIENTS, 1), &link, &patient(HEARTBEAT, "login", LEASE), &[]);
    scenario["duration"] = json!("100h");
    // Sessions that begin later might not have ended at the end; one lasts 20 minutes on average.
    let last_begin = SimTime::from_micros(90 * 3600 * 1_000_000);
    let log = watch(&scenario, seed, Log::default());
    // The server tells that the session is gone; before that no client finds anything wrong.
    let n_told = log.states.iter().filter(|it| it.2 == Reason::Reconnecting).count();
    let n_ended = log.sessions.iter().filter(|it| !it.2).count();
    assert!(n_told <= n_ended && n_ended <= n_told + CLIENTS, "{n_told} of {n_ended}");
    let mut begun: BTreeMap<UserId, (SimTime, bool)> = BTreeMap::new();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for (at, user, begins) in log.sessions {
        let session = begun.get(&user).copied();
        match (begins, session) {
            (true, None) => drop(begun.insert(user, (at, true))),
            (true, Some(_)) => drop(begun.insert(user, (at, false))),
            (false, Some((begun_at, is_first))) if begun_at <= last_begin => {
                let of = if is_first { &mut first } else { &mut later };
                of.push(at.since(begun_at).as_micros() as f64 / 1e6);
            }
            (false, Some(_)) => (),
            (false, None) => panic!("{user:?} ends a session that has not begun"),
        }
    }
    (first, later)
}

pub(super) fn false_expiry(Model { seed, error }: Model) -> Vec<Row> {
    const P: f64 = 0.4;
    let (mut lasted, later) = lifetimes(&json!(format!("{:.12}", P * error)), seed);
    lasted.extend(later);
    // Beats up to the end of the first run of so many losses.
    let beats = (P.powi(-LOSSES) - 1.0) / (1.0 - P);
    vec![Row {
        what: What {
            name: "lease 90 s, a heartbeat every 20 s, 40 % lost by chance (K = 4): \
                   mean time to a false DELETE in s",
            formula: "(E[N] - K) h + H, E[N] = (p^-K - 1) / (1-p)",
            parameter: "p",
        },
        expected: (beats - f64::from(LOSSES)) * HEARTBEAT + LEASE,
        estimate: Estimate::sample_mean(&lasted),
    }]
}

pub(super) fn false_expiry_by_bursts(Model { seed, error }: Model) -> Vec<Row> {
    const P: f64 = 0.2;
    const R: f64 = 0.5;
    let loss = json!({ "gemodel": { "p": format!("{P:.12}"), "r": format!("{:.12}", R * error) } });
    // A login that follows a false DELETE is caused by a heartbeat that got through, so it finds
    // the chain good, and moves it; the first ones find it as it is at the start.
    let (_, lasted) = lifetimes(&loss, seed);
    let moves = [[1.0 - P, P], [R, 1.0 - R]];
    let beats = beats_to_a_run(moves, [0.0, 1.0], [1.0 - P, P]);
    vec![Row {
        what: What {
            name: "the same with gemodel, p = 20 %, r = 50 %: mean time from a relogin \
                   to the next false DELETE in s",
            formula: "(v (I - A R)^-1 A 1 - K) h + H, A = ∑ L^i for i < K",
            parameter: "r",
        },
        expected: (beats - f64::from(LOSSES)) * HEARTBEAT + LEASE,
        estimate: Estimate::sample_mean(&lasted),
    }]
}

type Matrix = [[f64; 2]; 2];

fn product(one: Matrix, other: Matrix) -> Matrix {
    let entry = |i: usize, j: usize| one[i][0] * other[0][j] + one[i][1] * other[1][j];
    [[entry(0, 0), entry(0, 1)], [entry(1, 0), entry(1, 1)]]
}

/// Beats up to the end of the first run of losses that is long enough, for a chain with these moves
/// that is in its states with the probabilities `start` and loses so many messages in each.
///
/// With L the moves by a loss and R those by an arrival, the beats that a run takes from here until
/// it is long enough or ends are A 1, and A R leads to where the next one begins:
/// x = A 1 + A R x.
fn beats_to_a_run(moves: Matrix, losses: [f64; 2], start: [f64; 2]) -> f64 {
    let lost = [0, 1].map(|i| moves[i].map(|it| it * losses[i]));
    let arrived = [0, 1].map(|i| moves[i].map(|it| it * (1.0 - losses[i])));
    let (mut sum, mut power) = ([[0.0; 2]; 2], [[1.0, 0.0], [0.0, 1.0]]);
    for _ in 0..LOSSES {
        sum = [0, 1].map(|i| [sum[i][0] + power[i][0], sum[i][1] + power[i][1]]);
        power = product(power, lost);
    }
    let again = product(sum, arrived);
    // (I - A R) x = A 1, by Cramer's rule.
    let left = [0, 1].map(|i| [0, 1].map(|j| f64::from(u8::from(i == j)) - again[i][j]));
    let right = sum.map(|it| it[0] + it[1]);
    let determinant = left[0][0] * left[1][1] - left[0][1] * left[1][0];
    let beats = [
        (right[0] * left[1][1] - left[0][1] * right[1]) / determinant,
        (left[0][0] * right[1] - right[0] * left[1][0]) / determinant,
    ];
    start[0] * beats[0] + start[1] * beats[1]
}

#[test]
fn a_chain_that_forgets_is_loss_by_chance() {
    let p: f64 = 0.4;
    let beats = beats_to_a_run([[1.0 - p, p]; 2], [p; 2], [0.3, 0.7]);
    let expected = (p.powi(-LOSSES) - 1.0) / (1.0 - p);
    assert!((beats - expected).abs() < 1e-9, "{beats} {expected}");
}

/// One way of the link takes so long, in seconds.
const DELAY: f64 = 0.05;

/// When everybody's link is cut, in seconds: the heartbeats' phases are drawn evenly.
const CUT_AT: f64 = 200.0;

fn silent_outage(n_rooms: usize, lasts: Option<f64>) -> Value {
    let mut outage = json!({ "clients": everybody(n_rooms), "kind": "silent" });
    if let Some(lasts) = lasts {
        outage["for"] = json!(secs(lasts));
    }
    json!({ "at": secs(CUT_AT), "do": { "outage": outage } })
}

/// Seconds since the links were cut.
fn since_cut(at: SimTime) -> f64 {
    at.as_micros() as f64 / 1e6 - CUT_AT
}

pub(super) fn silent_loss(Model { seed, error }: Model) -> Vec<Row> {
    const ROOMS: usize = 60;
    /// A heartbeat without an answer breaks the connection after so long.
    const BROKEN: f64 = 10.0;
    let mut profile = patient(HEARTBEAT * error, "random", LEASE);
    profile["detect"]["broken_after"] = json!(secs(BROKEN));
    // One attempt is enough to see when the connection was taken for broken.
    profile["retry"] = json!({ "fixed": NEVER });
    profile["resend"] = json!({ "first": NEVER, "cap": NEVER });
    let link = json!({ "delay": secs(DELAY) });
    let scenario = crowd((ROOMS, 500), &link, &profile, &[silent_outage(ROOMS, None)]);
    let log = watch(&scenario, seed, Log::default());
    let ended = log.sessions.iter().filter(|it| !it.2);
    let by_server: Vec<f64> = ended.map(|it| since_cut(it.0)).collect();
    let broken = log.states.iter().filter(|it| it.2 == Reason::Reconnecting);
    let by_client: Vec<f64> = broken.map(|it| since_cut(it.0)).collect();
    assert_eq!((by_server.len(), by_client.len()), (ROOMS * 500, ROOMS * 500));
    let early = LEASE + DELAY - HEARTBEAT * 0.75;
    let n_early = by_server.iter().filter(|it| **it <= early).count();
    let late = BROKEN - 2.0 * DELAY + HEARTBEAT * 0.75;
    let n_late = by_client.iter().filter(|it| late < **it).count();
    // Evenly on one interval of the heartbeats.
    let deviation = HEARTBEAT / 12.0_f64.sqrt();
    let what = |name, formula| What { name, formula, parameter: "h" };
    vec![
        Row {
            // The last heartbeat was sent φ before the cut, evenly on (0, h], and arrived d later.
            what: what(
                "lease 90 s, a heartbeat every 20 s, delay 50 ms, link cut silently: \
                 mean time to DELETE at the server in s",
                "H + d - h/2",
            ),
            expected: LEASE + DELAY - HEARTBEAT / 2.0,
            estimate: Estimate::mean(&by_server, deviation),
        },
        Row {
            what: what("the same: standard deviation in s", "h / √12"),
            expected: deviation,
            estimate: Estimate::sample_deviation(&by_server),
        },
        Row {
            what: what("the same: share in the first quarter of (H + d - h, H + d]", "1/4"),
            expected: 0.25,
            estimate: Estimate::share(n_early, by_server.len(), 0.25),
        },
        Row {
            // The first heartbeat without an answer was sent h - φ after the cut; or φ before it,
            // if φ < 2 d, when its answer was under way.  So evenly on an interval 2 d earlier.
            what: what(
                "the same, broken after 10 s without an answer: mean time to Reconnecting in s",
                "b + h/2 - 2 d",
            ),
            expected: BROKEN + HEARTBEAT / 2.0 - 2.0 * DELAY,
            estimate: Estimate::mean(&by_client, deviation),
        },
        Row {
            what: what("the same: standard deviation in s", "h / √12"),
            expected: deviation,
            estimate: Estimate::sample_deviation(&by_client),
        },
        Row {
            what: what("the same: share in the last quarter of (b - 2 d, b - 2 d + h]", "1/4"),
            expected: 0.25,
            estimate: Estimate::share(n_late, by_client.len(), 0.25),
        },
    ]
}

pub(super) fn situation_2(Model { seed, error }: Model) -> Vec<Row> {
    const ROOMS: usize = 20;
    const LASTS: f64 = 70.0;
    let profile = patient(HEARTBEAT * error, "random", LEASE);
    let link = json!({ "delay": secs(DELAY) });
    let scenario = crowd((ROOMS, 500), &link, &profile, &[silent_outage(ROOMS, Some(LASTS))]);
    let log = watch(&scenario, seed, Log::default());
    let n_ended = log.sessions.iter().filter(|it| !it.2).count();
    // The outage swallows D/h heartbeats, one more or less by the phase; K of them are too many.
    let expected = (LASTS / HEARTBEAT - f64::from(LOSSES - 1)).clamp(0.0, 1.0);
    vec![Row {
        what: What {
            name: "the same, cut for 70 s, heartbeats go on (K = 4): share with DELETE",
            formula: "D/h - (K-1), from 0 to 1",
            parameter: "h",
        },
        expected,
        estimate: Estimate::share(n_ended, ROOMS * 500, expected),
    }]
}

pub(super) fn retries(Model { seed, error }: Model) -> Vec<Row> {
    const ROOMS: usize = 60;
    const LASTS: f64 = 60.0;
    const TIMEOUT: f64 = 1.0;
    const WAIT: f64 = 4.0;
    const PROCESSING: f64 = 0.02;
    let mut profile = patient(HEARTBEAT, "random", LEASE);
    profile["detect"]["broken_after"] = json!("10s");
    profile["login_processing"] = json!(secs(PROCESSING));
    // An attempt is one request: it has failed before it would be repeated.
    profile["resend"] = json!({ "first": "30s", "cap": "60s" });
    profile["retry"] =
        json!({ "fixed": secs(WAIT * error), "attempt_timeout": secs(TIMEOUT * error) });
    let link = json!({ "delay": secs(DELAY) });
    let scenario = crowd((ROOMS, 500), &link, &profile, &[silent_outage(ROOMS, Some(LASTS))]);
    let log = watch(&scenario, seed, Log::default());
    let back = log.states.iter().filter(|it| it.2 == Reason::Reconnected);
    let late: Vec<f64> = back.map(|it| since_cut(it.0) - LASTS).collect();
    assert_eq!(late.len(), ROOMS * 500);
    // Attempts begin so far apart; four times that is a heartbeat, so that attempts begin at an
    // even phase as heartbeats do.
    let cycle = TIMEOUT + WAIT;
    let deviation = cycle / 12.0_f64.sqrt();
    let login = 2.0 * DELAY + PROCESSING;
    let what = |name, formula| What { name, formula, parameter: "t and w" };
    vec![
        Row {
            what: what(
                "cut silently for 60 s, an attempt fails after 1 s, the next comes 4 s later, \
                 a login takes 120 ms: mean time from the end of the outage to Reconnected in s",
                "(t + w) / 2 + c",
            ),
            expected: cycle / 2.0 + login,
            estimate: Estimate::mean(&late, deviation),
        },
        Row {
            what: what("the same: standard deviation in s", "(t + w) / √12"),
            expected: deviation,
            estimate: Estimate::sample_deviation(&late),
        },
    ]
}
