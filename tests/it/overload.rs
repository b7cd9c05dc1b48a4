//! What a planner reads of a server that is asked too much, worked out by hand.

use std::sync::Arc;

use roomsim::{
    id::ClientId,
    observe::{Observer, Served},
    protocol::message::Kind,
    report::metrics::warning,
    scenario::Scenario,
    sim,
    sink::{
        fingerprint::Fingerprint,
        metrics::{Flow, Layout, Level, Metrics, Overload, Part, Took, summary},
    },
    time::{SimSpan, SimTime},
};
use serde_json::{Value, json};

use crate::support::{client, gallery, link_down, login, parse, scenario, with};

fn measured(story: &Value) -> (Scenario, Metrics) {
    measured_text(&story.to_string())
}

fn measured_text(text: &str) -> (Scenario, Metrics) {
    let scenario = parse(text).unwrap();
    let mut metrics = Metrics::new(&Arc::new(Layout::usual(&scenario)));
    sim::run(&scenario, scenario.seed(), &mut metrics);
    (scenario, metrics)
}

fn total(part: &Part, flow: Flow) -> u64 {
    part.flows(flow).sum()
}

/// `n` clients who log in at once, to a server with one worker, with a profile that repeats
/// nothing and waits for nothing else.
fn at_once(n: u32, profile: &Value, server: &Value, duration: &str) -> Value {
    let profile = with(
        json!({ "base": "zego", "login_rate": "none", "login_processing": "0s",
                "resend": { "first": "10min", "cap": "10min" } }),
        profile,
    );
    let story = scenario(&profile, &[client("c", &json!({ "count": n }))], &[login("0s", "c")]);
    with(story, &json!({ "server": server, "duration": duration }))
}

/// Those who come back after an outage are told apart from those who come.
#[test]
fn who_comes_back_is_counted() {
    let clients = [client("c", &json!({ "count": 30 }))];
    let story =
        scenario(&json!("zego"), &clients, &[login("0s", "c"), link_down("60s", "c", "10s")]);
    let (_, metrics) = measured(&story);
    let part = metrics.total();
    assert_eq!((total(&part, Flow::Logins), total(&part, Flow::Relogins)), (30, 30));
    // The first login; one as the network breaks, which is lost; one as it is back.  More are made
    // in between, into nothing.
    assert_eq!(total(&part, Flow::LoginArrivals), 60);
    assert!(90 <= total(&part, Flow::LoginAttempts));
    assert_eq!((total(&part, Flow::LoginRefusals), total(&part, Flow::LoginTimeouts)), (0, 0));
}

/// One worker takes 1 s for a login, so the k-th of ten is answered k seconds and two ways of 50 ms
/// after the call; who has no answer after 3.55 s has failed, and the answer comes too late.
#[test]
fn attempts_time_out_and_are_answered_too_late() {
    let profile = json!({ "retry": { "fixed": "5min", "attempt_timeout": "3550ms" } });
    let server = json!({ "workers": 1, "service": { "login": { "fixed": "1s" } } });
    let (scenario, metrics) = measured(&at_once(10, &profile, &server, "1min"));
    let part = metrics.total();
    assert_eq!(total(&part, Flow::Logins), 3);
    assert_eq!(total(&part, Flow::LoginArrivals), 10);
    assert_eq!(total(&part, Flow::LoginTimeouts), 7);
    assert_eq!(total(&part, Flow::LateAnswers), 7);
    let summary = summary(&scenario, 1, &Fingerprint::default(), &metrics);
    let summary: Value = serde_json::from_slice(&summary).unwrap();
    let total = &summary["scopes"]["total"];
    assert_eq!(total["latencies"]["login"]["count"], 3);
    assert_eq!(total["latencies"]["login"]["unfinished"], 7);
    // Three are on their way in for 1.1, 2.1 and 3.1 s, seven for a minute.
    assert_eq!(total["levels"]["logging_in"]["member_s"], json!(426.3));
    assert_eq!(total["levels"]["logging_in"]["mean"], json!(7.105));
    // The queue is over after 10 s of 60.
    assert_eq!(summary["overloaded_nodes"], json!([]));
}

/// A ghost is one from when its app is told that the connection is interrupted.
#[test]
fn ghosts_are_measured_by_their_time() {
    // (away for, ghost for): back before the lease ends 120 ms after the network is, or taken for
    // gone when it ends.
    for (away, ghost_us) in [("30s", 30_120_000), ("3min", 90_000_000)] {
        let script = [login("0s", "A"), link_down("60s", "A", away)];
        let story = scenario(&json!("zego-doc"), &[client("A", &json!({}))], &script);
        let (_, metrics) = measured(&story);
        let part = metrics.total();
        let ghost = part.latency(Took::Ghost);
        assert_eq!((ghost.count(), ghost.max()), (1, SimSpan::from_micros(ghost_us)), "{away}");
        // Each admission is known to the server 50 ms before its client knows; after 30 s it is
        // there all the time.
        let n_admitted = if away == "30s" { 1 } else { 2 };
        let expected = ghost_us + n_admitted * 50_000;
        assert_eq!(part.integral(Level::Ghosts), u128::from(expected), "{away}");
    }
}

/// Ten clients send a heartbeat each every 5 s, the first 5.12 s after their call; each is work for
/// one second, so that one worker is done with five of ten before the next ten come.
#[test]
fn a_node_that_bears_too_much_is_named() {
    let patient = json!({
        "heartbeat": { "phase": "login" }, "login_processing": "20ms", "lease": { "after": "1h" },
        "detect": { "probe_after": "30min", "broken_after": "1h" },
    });
    let server =
        |work: &str| json!({ "workers": 1, "service": { "heartbeat": { "fixed": work } } });
    let overloads = |work: &str| {
        let (scenario, metrics) = measured(&at_once(10, &patient, &server(work), "100s"));
        metrics.overloads(scenario.server().unwrap().capacity)
    };
    // 190 come by 95.17 s.  The worker takes one up at 5.17 s, and one each second after that: 95
    // by the end.  In the first bin of ten seconds it works for 4.83 s, in all others for ten.
    let expected = Overload {
        node: "node:1".to_owned(),
        busy_since: Some(SimTime::from_micros(10_000_000)),
        waiting: 95,
        is_growing: true,
    };
    assert_eq!(overloads("1s"), [expected]);
    // At 500 ms it is just as busy, but nobody waits when the next ten come; at 450 ms it rests.
    let busy = overloads("500ms");
    assert_eq!(busy.iter().map(|it| it.is_growing).collect::<Vec<_>>(), [false]);
    assert_eq!(overloads("450ms"), []);
}

/// The logins that a server has worked on since an instant, and those whose answers came too late.
struct Storm {
    from: SimTime,
    served: u32,
    late: u32,
}

impl Observer for Storm {
    fn served(&mut self, at: SimTime, served: Served) {
        self.served += u32::from(self.from <= at && served.kind == Kind::Login);
    }

    fn answered_late(&mut self, _: SimTime, _: ClientId) {
        self.late += 1;
    }
}

fn storm(name: &str, seed: u64) -> Storm {
    let scenario = parse(&gallery(name)).unwrap();
    let mut storm = Storm { from: SimTime::from_micros(70_000_000), served: 0, late: 0 };
    sim::run(&scenario, seed, &mut storm);
    storm
}

/// 4,000 requests reach the server at 72.102 s, which is done with four of them every 10 ms; an
/// answer is 71 ms later at its client, who hears it until 74.051 s: those of the first 187 fours.
const IN_TIME: u32 = 4 * 187;

/// From then on 3,252 come every 3 s and 1,200 leave, and the first of them waits for 7 s: none is
/// answered in time.  Until the end, at 150 s, it is done with 7,789 fours, of which the last seven
/// are not answered before it.
#[test]
fn a_retry_storm_collapses() {
    for seed in [1, 2] {
        let storm = storm("retry-storm-collapse", seed);
        assert_eq!((storm.served, storm.late), (4 * 7789, 4 * 7782 - IN_TIME), "seed {seed}");
        let wasted = f64::from(storm.late) / f64::from(storm.served);
        assert!(0.97 < wasted, "seed {seed}: {wasted}");
    }
}

/// The 3,252 that fail with the herd, at 74.051 s, come again within 60 s by lot, 54.2 a second,
/// while the server is done with 400.  3,200 requests wait when the first of them comes, and less
/// than the 751 that it takes until an answer is too late 7.08 s after that, as (3200 - 751) /
/// (400 - 54.2) says.  Who comes before has failed, and comes once more: 384 of the 3,252, give or
/// take 18.4, and a few of these twice.
#[test]
fn a_retry_storm_with_jitter_is_over_with_its_backlog() {
    for seed in [1, 2, 3] {
        let storm = storm("retry-storm-jitter", seed);
        let n_herd = 4000 - IN_TIME;
        let n_again = storm.late - n_herd;
        assert!((384 - 74..=384 + 6 + 74).contains(&n_again), "seed {seed}: {n_again}");
        // Nobody who came after fails: each of the others is answered once.
        assert_eq!(storm.served, 4000 + storm.late, "seed {seed}");
    }
}

/// The storm that collapses keeps its node busy from the bin after its restart, and what waits at
/// the end is told, on lines for a terminal.
#[test]
fn what_a_server_bears_too_much_is_told_on_a_terminal() {
    let (scenario, metrics) = measured_text(&gallery("retry-storm-collapse"));
    let told = warning(&scenario, &metrics).unwrap();
    assert!(told.lines().all(|it| it.chars().count() <= 80), "{told}");
    for piece in
        ["node:1 (4 workers)\n", "\n    over 95 % busy from 80", " waiting then, more than ever\n"]
    {
        assert!(told.contains(piece), "{piece}: {told}");
    }
    let (scenario, metrics) = measured_text(&gallery("retry-storm-jitter"));
    assert_eq!(warning(&scenario, &metrics), None);
}
