//! A server whose nodes bear so much and no more, by arithmetic and by what must hold of any queue.

use std::{collections::BTreeMap, num::NonZeroUsize};

use proptest::prelude::*;
use roomsim::{
    id::ClientId,
    link::Cause,
    observe::{Observer, Served, Unserved},
    protocol::{
        message::Kind,
        station::{Capacity, Station},
    },
    scenario::Scenario,
    sim::{self, Heartbeats, How},
    sink::{counters::Counters, trace::Recorder},
    time::{SimSpan, SimTime},
};
use serde_json::{Value, json};

use crate::{
    random::noticed,
    support::{Ran, after, call, client, event, login, parse, run, scenario, with},
};

/// What the nodes did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log {
    pub(crate) served: Vec<(SimTime, Served)>,
    pub(crate) unserved: Vec<(SimTime, Unserved)>,
    sent: Vec<(SimTime, Kind)>,
    turned_away: Vec<(SimTime, u32, Kind)>,
    lost: Vec<(SimTime, Kind, Cause)>,
}

impl Observer for Log {
    fn served(&mut self, at: SimTime, served: Served) {
        self.served.push((at, served));
    }

    fn unserved(&mut self, at: SimTime, unserved: Unserved) {
        self.unserved.push((at, unserved));
    }

    fn sent(&mut self, at: SimTime, _: ClientId, kind: Kind) {
        self.sent.push((at, kind));
    }

    fn turned_away(&mut self, at: SimTime, node: u32, kind: Kind) {
        self.turned_away.push((at, node, kind));
    }

    fn dropped(&mut self, at: SimTime, _: ClientId, kind: Kind, cause: Cause) {
        self.lost.push((at, kind, cause));
    }
}

impl Log {
    pub(crate) fn of(scenario: &Value) -> Self {
        let scenario = parse(&scenario.to_string()).unwrap();
        let mut log = Self::default();
        sim::run(&scenario, scenario.seed(), &mut log);
        log
    }

    /// When the work on messages of a kind ended, in milliseconds.
    pub(crate) fn ended(&self, kind: Kind) -> Vec<u64> {
        let of_kind = self.served.iter().filter(|it| it.1.kind == kind);
        of_kind.map(|it| it.0.as_micros() / 1000).collect()
    }

    /// When messages of a kind were sent, in milliseconds.
    pub(crate) fn sent(&self, kind: Kind) -> Vec<u64> {
        let of_kind = self.sent.iter().filter(|it| it.1 == kind);
        of_kind.map(|it| it.0.as_micros() / 1000).collect()
    }
}

/// A group of `n` clients A with a server like this.
pub(crate) fn crowd(n: usize, server: &Value, script: &[Value]) -> Value {
    let profile = json!({ "base": "zego-doc", "login_rate": "none", "retry": { "fixed": "2s" } });
    let mut story = scenario(&profile, &[client("A", &json!({ "count": n }))], script);
    story["server"] = server.clone();
    story
}

pub(crate) fn storm() -> Value {
    let login = json!({ "loginRoom": { "room": "r", "isUserStatusNotify": false } });
    call("10s", "A", &login)
}

/// N = q c + r logins at once into c workers, s each: the last is done after ceil(N/c) s, the mean
/// is s (c q (q+1) / 2 + r (q+1)) / N.
#[test]
fn a_storm_is_over_when_the_workers_are_through() {
    const WORK: u64 = 20;
    for (n, workers) in [(1, 1), (7, 3), (12, 4), (30, 7), (5, 9)] {
        let work = json!({ "login": { "fixed": "20ms" } });
        let server = json!({ "workers": workers, "service": work });
        // The link takes 50 ms.
        let log = Log::of(&crowd(n, &server, &[storm()]));
        let took: Vec<u64> = log.ended(Kind::Login).iter().map(|it| it - 10_050).collect();
        let (n, c) = (n as u64, workers);
        let (q, r) = (n / c, n % c);
        assert_eq!(took.len() as u64, n);
        assert_eq!(took.last(), Some(&(n.div_ceil(c) * WORK)), "{n} into {c}");
        let sum = WORK * (c * q * (q + 1) / 2 + r * (q + 1));
        assert_eq!(took.iter().sum::<u64>(), sum, "{n} into {c}");
    }
}

/// Who is refused tries again after the round trip and 2 s, when the queue is empty: so there are
/// ceil(N / (c+K)) rounds, in each of them c+K are served, and the sum over the rounds of those who
/// are left is refused.
#[test]
fn a_full_queue_is_tried_again_in_rounds() {
    const REFUSED_AFTER: usize = 2100;
    for (n, c, k) in [(10, 1, 3), (23, 2, 4), (6, 2, 4), (9, 4, 0)] {
        let work = json!({ "login": { "fixed": "30ms" } });
        let server = json!({ "workers": c, "service": work, "queue": k, "full": "refuse" });
        let log = Log::of(&crowd(n, &server, &[storm()]));
        let rounds = n.div_ceil(c + k);
        let rest = n - (rounds - 1) * (c + k);
        let last = (rounds - 1) * REFUSED_AFTER + rest.div_ceil(c) * 30;
        let ended = log.ended(Kind::Login);
        assert_eq!((ended.len(), *ended.last().unwrap()), (n, 10_050 + last as u64), "{n} {c} {k}");
        let n_refused: usize = (1..rounds).map(|round| n - round * (c + k)).sum();
        assert_eq!(log.turned_away.len(), n_refused, "{n} {c} {k}");
        assert!(log.turned_away.iter().all(|it| (it.1, it.2) == (1, Kind::Login)));
        assert_eq!(log.lost, []);
    }
}

#[test]
fn what_is_lost_for_a_full_queue_is_counted() {
    let server = json!({
        "workers": 1, "service": { "login": { "fixed": "30ms" } }, "queue": 2, "full": "drop",
    });
    let ran = run(&crowd(5, &server, &[storm()]).to_string(), None);
    let count = ran.counters.of(Kind::Login);
    // Three find a place, the other two come again 1 s later.
    assert_eq!((count.sent, count.delivered), (7, 5));
    assert_eq!(count.dropped[Cause::ServerFull as usize], 2);
    assert_eq!(ran.told("A-5", "Logined"), ["11.180000 A-5 Logined 0"]);
}

/// Nobody repeats a login, or tries again.
pub(crate) fn patient(mut story: Value) -> Value {
    let patience = json!({
        "resend": { "first": "10min", "cap": "10min" },
        "retry": { "fixed": "10min", "attempt_timeout": "10min" },
    });
    story["profile"] = with(story["profile"].take(), &patience);
    story["duration"] = json!("1min");
    story
}

/// Of those who come at once, c are worked on and K wait; the next one is turned away.
#[test]
fn exactly_so_many_wait_as_the_queue_has_places() {
    for (c, k) in [(1, 0), (1, 1), (1, 2), (3, 0), (3, 1), (2, 5)] {
        for (full, is_lost) in [("drop", true), ("refuse", false)] {
            for n_too_many in 0..=2 {
                let n = c + k + n_too_many;
                let server = json!({
                    "workers": c, "queue": k, "full": full,
                    "service": { "login": { "fixed": "1s" } },
                });
                let log = Log::of(&patient(crowd(n, &server, &[storm()])));
                let found = (log.served.len(), log.turned_away.len());
                assert_eq!(found, (c + k, n_too_many), "{n} for {c} and {k}");
                assert_eq!(log.lost.len(), if is_lost { n_too_many } else { 0 });
                let waited = log.served.iter().filter(|it| it.1.waited != SimSpan::ZERO);
                assert_eq!(waited.count(), k, "{n} for {c} and {k}");
            }
        }
    }
}

/// A is worked on from 50 ms to 1.05 s, B and C wait: the two places of the queue.  At that instant
/// B is taken up, so who comes then finds one place, and who comes before it finds none.
#[test]
fn a_place_is_free_as_soon_as_a_worker_is() {
    let names = ["A", "B", "C", "D", "E"];
    let clients = names.map(|it| client(it, &json!({})));
    for (d, e, n_turned_away) in
        [("999999us", "999999us", 2), ("999999us", "1s", 1), ("1s", "1s", 1), ("1s", "2s", 0)]
    {
        let come = ["0s", "0s", "0s", d, e];
        let script: Vec<Value> = names.iter().zip(come).map(|(who, at)| login(at, who)).collect();
        let mut story = scenario(&json!({ "base": "zego-doc" }), &clients, &script);
        story["server"] =
            json!({ "workers": 1, "queue": 2, "service": { "login": { "fixed": "1s" } } });
        let log = Log::of(&patient(story));
        assert_eq!(log.turned_away.len(), n_turned_away, "{d} {e}");
        assert_eq!(log.lost.len(), n_turned_away, "{d} {e}");
        assert_eq!(log.served.len(), 5 - n_turned_away, "{d} {e}");
    }
}

/// Three rooms on two nodes: the first and the third share a worker.
#[test]
fn rooms_go_round_the_nodes_and_those_of_a_node_wait_for_each_other() {
    let clients = ["A", "B", "C"].map(|it| client(it, &json!({})));
    let rooms = [("A", "x"), ("B", "y"), ("C", "z")];
    let script =
        rooms.map(|(who, room)| call("10s", who, &json!({ "loginRoom": { "room": room } })));
    let mut story = scenario(&json!("zego-doc"), &clients, &script);
    story["server"] =
        json!({ "nodes": 2, "workers": 1, "service": { "login": { "fixed": "30ms" } } });
    let logined = |story: &Value| {
        let ran = run(&story.to_string(), None);
        ["A", "B", "C"].map(|it| ran.told(it, "Logined")[0][..9].to_owned())
    };
    assert_eq!(logined(&story), ["10.150000", "10.150000", "10.180000"]);
    let n_cells = |story: &Value| sim::Plan::of(&parse(&story.to_string()).unwrap()).n_cells();
    assert_eq!(n_cells(&story), 2);
    story["server"]["place"] = json!({ "y": 1, "z": 2 });
    assert_eq!(logined(&story), ["10.150000", "10.180000", "10.150000"]);
    story["server"]["nodes"] = json!(3);
    story["server"]["place"] = json!({});
    assert_eq!((logined(&story), n_cells(&story)), (["10.150000"; 3].map(String::from), 3));
}

/// Work on a heartbeat of 2 s: that of 15.12 s, sent 5 s after the login, is with the server at
/// 15.17 s, done at 17.17 s, and its answer there at 17.22 s; meanwhile B's login waits.
#[test]
fn heartbeats_wait_and_are_waited_for() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "login" } });
    let clients = ["A", "B"].map(|it| client(it, &json!({})));
    let script = [login("10s", "A"), login("16s", "B")];
    let mut story = scenario(&profile, &clients, &script);
    story["duration"] = json!("18s");
    story["server"] = json!({
        "workers": 1,
        "service": { "heartbeat": { "fixed": "2s" }, "login": { "fixed": "10ms" } },
    });
    let log = Log::of(&story);
    // B's login is repeated at 17 s, and waits behind the first.
    let micros = |it: u64| SimTime::from_micros(it);
    let span = SimSpan::from_millis;
    let served =
        |kind, waited, work| Served { node: 1, kind, waited: span(waited), work: span(work) };
    assert_eq!(
        log.served,
        [
            (micros(10_060_000), served(Kind::Login, 0, 10)),
            (micros(17_180_000), served(Kind::Heartbeat, 0, 2000)),
            (micros(17_190_000), served(Kind::Login, 1130, 10)),
            (micros(17_200_000), served(Kind::Login, 140, 10)),
        ]
    );
    let ran = run(&story.to_string(), None);
    assert_eq!(ran.told("B", "Logined"), ["17.260000 B Logined 0"]);
}

/// A's login waits from 10.05 s to 10.55 s.  The server is down from 10.2 s to 10.4 s: the login is
/// lost then, and repeated at 11 s.
#[test]
fn what_waits_is_lost_with_the_server() {
    let restart = json!({ "restartServer": { "for": "200ms", "memory": "kept" } });
    let server = json!({ "workers": 1, "service": { "login": { "fixed": "500ms" } } });
    let mut story = crowd(1, &server, &[storm(), event("10.2s", &restart)]);
    story["clients"][0] = client("A", &json!({}));
    let log = Log::of(&story);
    let lost_at = SimTime::from_micros(10_200_000);
    assert_eq!(log.lost, [(lost_at, Kind::Login, Cause::ServerDown)]);
    assert_eq!(log.ended(Kind::Login), [11_550]);
    let ran = run(&story.to_string(), None);
    assert_eq!(ran.told("A", "Logined"), ["11.620000 A Logined 0"]);
    balanced(&ran);
    // The end comes while what was lost would still be worked on.
    story["duration"] = json!("10.3s");
    balanced(&run(&story.to_string(), None));
}

/// A gate counts a login once, also when it is repeated while it waits its turn.
#[test]
fn a_gate_lets_a_second_through_later() {
    let ran =
        run(&crowd(3, &json!({ "workers": 1, "login_gate": "1/s" }), &[storm()]).to_string(), None);
    // Refused at 10.1 s, the others try again at 12.1 s, when one more gets in, and the last at
    // 14.2 s.
    assert_eq!(ran.told("A-1", "Logined"), ["10.120000 A-1 Logined 0"]);
    assert_eq!(ran.told("A-2", "Logined"), ["12.220000 A-2 Logined 0"]);
    assert_eq!(ran.told("A-3", "Logined"), ["14.320000 A-3 Logined 0"]);
    assert_eq!(after(&ran.lines_of("A-3"), 15), Vec::<&str>::new());
}

/// Every message that was sent has arrived, was lost, or is under way.
fn balanced(ran: &Ran) {
    let total = ran.counters.total();
    let dropped: u64 = total.dropped.iter().sum();
    let known = total.delivered + dropped + ran.counters.in_flight();
    assert_eq!(total.sent, known, "{:?}", ran.counters);
}

proptest! {
    /// All work that comes is done, waits, or was turned away; nobody overtakes; no worker has two
    /// things to do; who waits does so because all workers are busy.
    #[test]
    fn a_station_loses_nothing(
        workers in 1..5_u32,
        queue in 0..6_u32,
        comes in prop::collection::vec((0..20_u64, 0..40_u64, any::<bool>()), 1..80),
    ) {
        let (mut station, capacity) = (Station::default(), Capacity { workers, queue });
        let (mut now, mut slots) = (SimTime::ZERO, Vec::new());
        for (after, work, is_own) in comes {
            now = now + SimSpan::from_micros(after);
            let work = SimSpan::from_micros(work);
            let n_busy = slots.iter().filter(|(_, it): &&(_, roomsim::protocol::station::Slot)| now < it.ends_at).count();
            let n_waiting = slots.iter().filter(|(_, it)| now < it.begins_at).count();
            prop_assert_eq!(station.n_waiting(now), n_waiting);
            let is_full = workers as usize <= n_busy && queue as usize <= n_waiting;
            let slot = if is_own {
                Some(station.take(capacity, now, work))
            } else {
                station.enter(capacity, now, work)
            };
            prop_assert_eq!(slot.is_none(), is_full && !is_own);
            if let Some(slot) = slot {
                prop_assert_eq!(slot.ends_at, slot.begins_at + work);
                prop_assert_eq!(now < slot.begins_at, workers as usize <= n_busy);
                slots.push((now, slot));
            }
        }
        prop_assert!(slots.is_sorted_by_key(|it| it.1.begins_at));
        for (_, slot) in &slots {
            let at = slot.begins_at;
            let n = slots.iter().filter(|(_, it)| it.begins_at <= at && at < it.ends_at).count();
            prop_assert!(n <= workers as usize, "{n} at {at}");
        }
    }
}

/// A server of any kind, and clients who come and go.
pub(crate) fn busy() -> impl Strategy<Value = Value> {
    let work = prop::sample::select(vec![
        json!({ "fixed": "0s" }),
        json!({ "fixed": "30ms" }),
        json!({ "fixed": "1s" }),
        json!({ "exponential": "200ms" }),
        json!({ "scale": "100ms", "table": [0, 8192, 16_384] }),
    ]);
    let names = prop::sample::subsequence(vec!["login", "roster", "heartbeat", "other"], 0..=4);
    let service = (names, work.clone(), work).prop_map(|(names, one, other)| {
        let of = |name: &&str| if *name == "login" { one.clone() } else { other.clone() };
        names.iter().map(|it| ((*it).to_owned(), of(it))).collect::<Value>()
    });
    let more = prop::sample::subsequence(
        vec![
            ("queue", json!(0)),
            ("queue", json!(2)),
            ("full", json!("refuse")),
            ("fan_out", json!("50ms")),
            ("login_gate", json!("2/s")),
            ("nodes", json!(2)),
        ],
        0..=6,
    );
    let step = (0..4_usize, 0..120_u64, 0..7_u32, noticed());
    let step = step.prop_map(|(who, at, what, noticed)| {
        let (at, who) = (format!("{}ms", at * 500), ["A", "B", "C", "D"][who]);
        match what {
            0 => call(&at, who, &json!({ "logoutRoom": {} })),
            1 => call(&at, who, &json!({ "loginRoom": { "room": "s" } })),
            2 => {
                call(&at, who, &json!({ "sendBroadcastMessage": { "room": "r", "message": "m" } }))
            }
            3 => event(&at, &json!({ "crashNode": { "clients": [who], "noticed": noticed } })),
            4 => {
                let restart = json!({ "for": "3s", "memory": "lost", "noticed": noticed });
                event(&at, &json!({ "restartServer": restart }))
            }
            5 => event(&at, &json!({ "resetConnections": { "clients": ["A", who] } })),
            _ => event(
                &at,
                &json!({ "outage": { "clients": ["A", who], "kind": "silent", "for": "15s" } }),
            ),
        }
    });
    let script = prop::collection::vec(step, 0..10);
    let loss = prop::sample::select(vec!["0", "5%", "30%"]);
    (1..3_u32, service, more, script, loss, any::<u32>()).prop_map(
        |(workers, service, more, script, loss, seed)| {
            let clients = ["A", "B", "C", "D"].map(|it| client(it, &json!({})));
            let logins = ["A", "B", "C", "D"].map(|it| login("0s", it));
            let profile = json!({ "base": "zego", "lease": { "after": "21s" } });
            let script = [&logins[..], &script[..]].concat();
            let mut story = scenario(&profile, &clients, &script);
            story["links"]["home"]["loss"] = json!(loss);
            story["links"]["home"]["duplicate"] = json!(if loss == "5%" { "10%" } else { "0" });
            story["seed"] = json!(seed);
            story["duration"] = json!("2min");
            let server = json!({ "workers": workers, "service": service });
            story["server"] = with(server, &Value::from_iter(more));
            story
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_busy_server_loses_nothing_and_nobody_hears_twice(story in busy()) {
        let scenario = parse(&story.to_string()).unwrap();
        let quick = crate::support::run_how(scenario.clone(), None, Heartbeats::PassedOver);
        balanced(&quick);
        let exact = crate::support::run_how(scenario, None, Heartbeats::EachOne);
        prop_assert_eq!(quick.trace.rows(), exact.trace.rows());
        prop_assert_eq!(&quick.counters, &exact.counters);
        let log = Log::of(&story);
        let n_full = log.lost.iter().filter(|it| it.2 == Cause::ServerFull).count();
        let n_refused = log.turned_away.len() - n_full;
        // Each of them was answered, if the answer found its way.
        prop_assert!(n_refused as u64 <= quick.counters.of(Kind::LoginRejected).sent);
        for (_, Served { waited, work, .. }) in &log.served {
            prop_assert!(*waited <= SimSpan::from_secs(120) && *work <= SimSpan::from_secs(3));
        }
    }
}

/// Twelve rooms on four nodes that have much to do.
pub(crate) fn four_nodes() -> Value {
    let rooms = 0..12;
    let clients: Vec<Value> =
        rooms.clone().map(|it| client(&format!("g{it}"), &json!({ "count": 6 }))).collect();
    let script: Vec<Value> = rooms
        .map(|it| {
            let login = json!({ "loginRoom": { "room": format!("r{it}") } });
            call("1s", &format!("g{it}"), &login)
        })
        .collect();
    let mut story = scenario(&json!("zego"), &clients, &script);
    story["links"]["home"]["loss"] = json!("5%");
    story["server"] = json!({
        "nodes": 4, "workers": 2, "queue": 20, "fan_out": "1ms",
        "service": { "login": { "exponential": "20ms" }, "other": { "exponential": "5ms" } },
    });
    story
}

#[test]
fn threads_change_nothing_where_nodes_are_cells() {
    let story = four_nodes();
    let scenario = Scenario::parse(&story.to_string()).unwrap();
    assert_eq!(sim::Plan::of(&scenario).n_cells(), 4);
    let on = |n_threads| {
        let n_threads = NonZeroUsize::new(n_threads).unwrap();
        let how = How { n_threads, heartbeats: Heartbeats::PassedOver };
        let sinks = sim::run_on(&scenario, 1, how, <(Recorder, (Counters, Log))>::default);
        let (mut recorder, mut counters) = (Recorder::default(), Counters::default());
        let mut served: BTreeMap<u32, Vec<(SimTime, Served)>> = BTreeMap::new();
        for (rows, (counts, log)) in sinks {
            recorder.join(rows);
            counters.join(&counts);
            for (at, it) in log.served {
                served.entry(it.node).or_default().push((at, it));
            }
        }
        (recorder.finish(&scenario).digest(&scenario), counters, served)
    };
    let one = on(1);
    assert_eq!(one.2.len(), 4);
    assert!(one.2.values().all(|it| 500 < it.len()));
    for n_threads in [2, 4] {
        assert_eq!(on(n_threads), one, "{n_threads} threads");
    }
}

/// Another client moves nobody's draws: with workers enough each login takes what it took.
#[test]
fn work_is_drawn_for_each_message_by_itself() {
    let server = json!({ "workers": 100, "service": { "login": { "exponential": "20ms" } } });
    let work = |n: usize| {
        let served = Log::of(&crowd(n, &server, &[storm()])).served;
        let mut work: Vec<SimSpan> = served.iter().map(|it| it.1.work).collect();
        work.sort_unstable();
        work
    };
    let (ten, eleven) = (work(10), work(11));
    assert_eq!((ten.len(), eleven.len()), (10, 11));
    assert!(ten.iter().all(|it| eleven.contains(it)));
    assert!(ten.windows(2).any(|it| it[0] != it[1]));
}
