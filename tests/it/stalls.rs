//! Links that stand still and hold messages, and limits, by arithmetic.  A link takes 50 ms unless it
//! is said: a message that is sent at T is at the server at T + 50 ms, answered at T + 100 ms, and
//! told to the others at T + 200 ms, 100 ms of which are the server's.

use roomsim::{link::Cause, protocol::message::Kind, sim::Heartbeats};
use serde_json::{Value, json};

use crate::support::{Ran, after, client, event, login, parse, run_how, scenario, send, with};

/// Clients who mind no silence, with one heartbeat in ten minutes.
fn patient() -> Value {
    json!({
        "base": "zego", "heartbeat": { "every": "10min", "phase": "login" },
        "detect": { "probe_after": "20min", "broken_after": "25min" }, "lease": { "after": "1h" },
    })
}

fn links() -> Value {
    json!({
        "home": { "delay": "50ms" },
        "near": { "delay": "20ms" },
        "still": { "delay": "50ms", "rate": "0bit" },
        "still-up": { "delay": "50ms", "up": { "rate": "0bit" } },
        "few": { "delay": "50ms", "limit": 3 },
        // A byte takes 1 ms, a message with one thing asked 600 ms, with two 800 ms.
        "narrow": { "delay": "50ms", "up": { "rate": "8kbit" } },
        "wide": { "delay": "50ms", "up": { "rate": "80kbit" } },
        "shared": { "delay": "50ms", "rate": "80kbit", "shared": true },
    })
}

/// A and B are in a room from the start, A on a link of some kind; then this happens.
fn told(profile: &Value, link: &str, script: &[Value]) -> Ran {
    let clients = [client("A", &json!({ "link": link })), client("B", &json!({}))];
    let script = [&[login("0s", "A"), login("0s", "B")], script].concat();
    let story = with(scenario(profile, &clients, &script), &json!({ "links": links() }));
    both_ways(&story)
}

/// Heartbeats passed over or not.
fn both_ways(story: &Value) -> Ran {
    let scenario = parse(&story.to_string()).unwrap();
    let exact = run_how(scenario.clone(), None, Heartbeats::EachOne);
    let ran = run_how(scenario, None, Heartbeats::PassedOver);
    assert_eq!((exact.lines(), exact.counters), (ran.lines(), ran.counters.clone()));
    ran
}

fn stall(at: &str, span: &str, fields: &Value) -> Value {
    let outage = json!({ "clients": ["A"], "kind": "stall", "for": span });
    event(at, &json!({ "outage": with(outage, fields) }))
}

fn change(at: &str, to: &str) -> Value {
    event(at, &json!({ "changeLink": { "clients": ["A"], "to": to } }))
}

fn network(at: &str, to: &str) -> Value {
    event(at, &json!({ "changeNetwork": { "clients": ["A"], "to": to } }))
}

/// When B is told of messages of A.
fn at_b(ran: &Ran) -> Vec<String> {
    ran.told("B", "message of A").iter().map(|it| it[..9].to_owned()).collect()
}

/// When A is told of its own.
fn at_a(ran: &Ran) -> Vec<String> {
    ran.told("A", "Succeeded").iter().map(|it| it[..9].to_owned()).collect()
}

fn dropped(ran: &Ran, kind: Kind, cause: Cause) -> u64 {
    let place = Cause::ALL.iter().position(|it| *it == cause).unwrap();
    ran.counters.of(kind).dropped[place]
}

#[test]
fn what_is_sent_in_a_stall_goes_on_when_it_is_over() {
    let of = |direction: &str| {
        let stall = stall("20s", "26s", &json!({ "direction": direction }));
        let ran = told(&patient(), "home", &[stall, send("25s", "A", "m")]);
        assert_eq!(dropped(&ran, Kind::Errands, Cause::Outage), 0);
        (at_b(&ran), at_a(&ran))
    };
    let s = |it: &str| vec![it.to_owned()];
    assert_eq!(of("both"), (s("46.200000"), s("46.100000")));
    assert_eq!(of("up"), (s("46.200000"), s("46.100000")));
    // The server has it at once; its answer waits.
    assert_eq!(of("down"), (s("25.200000"), s("46.050000")));
}

/// A stall lasts from its first instant to just before its last.
#[test]
fn a_stall_has_its_first_instant_and_not_its_last() {
    let of = |at: &str| {
        at_b(&told(&patient(), "home", &[stall("20s", "10s", &json!({})), send(at, "A", "m")]))
    };
    assert_eq!(of("19.999999s"), ["20.199999"]);
    assert_eq!(of("20s"), ["30.200000"]);
    assert_eq!(of("29.999999s"), ["30.200000"]);
    assert_eq!(of("30s"), ["30.200000"]);
    assert_eq!(of("30.000001s"), ["30.200001"]);
}

#[test]
fn stalls_that_overlap_or_follow_on_each_other_are_one() {
    let of = |stalls: &[(&str, &str)]| {
        let stalls = stalls.iter().map(|(at, span)| stall(at, span, &json!({})));
        at_b(&told(&patient(), "home", &[stalls.collect(), vec![send("22s", "A", "m")]].concat()))
    };
    assert_eq!(of(&[("20s", "20s"), ("25s", "5s")]), ["40.200000"]);
    assert_eq!(of(&[("20s", "10s"), ("25s", "10s")]), ["35.200000"]);
    assert_eq!(of(&[("20s", "5s"), ("25s", "5s")]), ["30.200000"]);
    assert_eq!(of(&[("20s", "5s"), ("25.000001s", "5s")]), ["25.200000"]);
}

/// At 8 kbit/s the first message, of 600 bytes, leaves from 20 s to 20.6 s.  The second, of 800,
/// begins then, and 200 bytes of it have left when the bottleneck stops at 20.8 s.
#[test]
fn what_is_in_the_bottleneck_waits_and_goes_on_where_it_was() {
    let sent = [send("20s", "A", "1"), send("20.5s", "A", "2")];
    let of = |more: &[Value]| at_b(&told(&patient(), "narrow", &[&sent, more].concat()));
    let up = json!({ "direction": "up" });
    assert_eq!(of(&[])[1], "21.600000");
    assert_eq!(of(&[stall("20.8s", "10s", &up)]), ["20.800000", "31.600000"]);
    // Faster from then on: 600 bytes take 60 ms.
    let wide = change("25s", "wide");
    assert_eq!(of(&[stall("20.8s", "10s", &up), wide]), ["20.800000", "31.060000"]);
    // By a rate of 0 it is the same.
    let still = [change("20.8s", "still-up"), change("30.8s", "narrow")];
    assert_eq!(of(&still), ["20.800000", "31.600000"]);
    // It stops once more on the way: 300 bytes until 31.1 s, 300 from 40 s on.
    let twice = [stall("20.8s", "10s", &up), stall("31.1s", "8.9s", &up)];
    assert_eq!(of(&twice), ["20.800000", "40.500000"]);
    // What has left at the very instant is gone.
    assert_eq!(of(&[stall("21.4s", "10s", &up)]), ["20.800000", "21.600000"]);
    // A microsecond earlier the last bit has not, and takes 125 us once more.
    assert_eq!(of(&[stall("21.399999s", "10s", &up)])[1], "31.600124");
}

#[test]
fn a_rate_of_0_holds_until_there_is_another() {
    let of = |script: &[Value]| at_b(&told(&patient(), "home", script));
    let sent = send("25s", "A", "m");
    assert_eq!(of(&[change("20s", "still"), sent.clone(), change("30s", "home")]), ["30.200000"]);
    assert_eq!(of(&[change("20s", "still"), sent.clone(), change("30s", "near")]), ["30.170000"]);
    // Both must be over.
    let stalled = stall("22s", "18s", &json!({}));
    let script = [change("20s", "still"), stalled, sent.clone(), change("30s", "home")];
    assert_eq!(of(&script), ["40.200000"]);
    // From one that stands still to another is no end.
    let script = [change("20s", "still"), change("22s", "still-up"), sent, change("30s", "home")];
    assert_eq!(of(&script), ["30.200000"]);
    // A ramp from nothing: it moves with its first step, at a tenth of the way.
    let ramp = json!({ "clients": ["A"], "from": "still-up", "to": "narrow", "over": "100s" });
    let script = [event("20s", &json!({ "changeLink": ramp })), send("25s", "A", "m")];
    // 600 bytes at 0.8 kbit/s take 6 s.
    assert_eq!(of(&script), ["36.200000"]);
}

/// A is on a link that stands still from the start, so its login waits.
#[test]
fn a_link_may_stand_still_from_the_start() {
    let ran = told(&patient(), "still", &[change("5s", "home")]);
    assert_eq!(ran.told("A", "Logined"), ["5.120000 A Logined 0"]);
    let ran = told(&patient(), "still", &[]);
    assert_eq!(ran.told("A", "Logined"), Vec::<String>::new());
    assert!(0 < ran.counters.in_flight());
}

/// A sends at 21 s, and again at 22, 24, 28, 36 s, as nobody answers.
#[test]
fn what_waits_counts_for_the_limit() {
    let of = |link: &str| {
        let up = json!({ "direction": "up" });
        let ran = told(&patient(), link, &[stall("20s", "17s", &up), send("21s", "A", "m")]);
        assert_eq!(at_b(&ran), ["37.200000"]);
        (ran.counters.of(Kind::Errands).sent, dropped(&ran, Kind::Errands, Cause::QueueFull))
    };
    assert_eq!(of("home"), (5, 0));
    assert_eq!(of("few"), (5, 2));
}

/// Who leaves a network leaves behind what waits there; over the next one A logs in anew.
#[test]
fn what_waits_is_lost_with_a_network_that_is_left() {
    let script = [change("20s", "still"), send("25s", "A", "m"), network("30s", "home")];
    let ran = told(&patient(), "home", &script);
    assert_eq!(at_b(&ran), Vec::<String>::new());
    assert_eq!(ran.told("A", "Reconnected"), ["30.120000 A Reconnected 0"]);
    // Sent at 25, 26 and 28 s.
    assert_eq!(dropped(&ran, Kind::Errands, Cause::Outage), 3);
    // A stall is the device's own, and goes on over another network.  The attempt of 30 s fails at
    // 40 s: its request is through before that.
    let stalled = stall("20s", "19s", &json!({}));
    let script = [stalled, send("25s", "A", "m"), network("30s", "near")];
    let ran = told(&patient(), "home", &script);
    assert_eq!(ran.told("A", "Reconnected"), ["39.060000 A Reconnected 0"]);
    assert_eq!(dropped(&ran, Kind::Errands, Cause::Outage), 3);
}

/// The bottleneck is beyond the device's own end: what waits there is not cut off by the device.
#[test]
fn what_waits_is_beyond_the_end_that_is_cut() {
    let up = json!({ "direction": "up" });
    let down = json!({ "clients": ["A"], "kind": "link_down", "for": "5s" });
    let down = event("30s", &json!({ "outage": down }));
    let script = [stall("20s", "20s", &up), send("29s", "A", "m"), down];
    let ran = told(&patient(), "home", &script);
    let errands = ran.counters.of(Kind::Errands);
    assert_eq!((errands.sent, errands.dropped.iter().sum()), (errands.delivered, 0_u64));
    // The network is back at 35 s, so A tries at once; that waits until 40 s.
    assert_eq!(ran.told("A", "Reconnected"), ["40.120000 A Reconnected 0"]);
}

/// A stall is that of a client: behind it others pass the bottleneck that they share.
#[test]
fn a_stall_on_a_shared_link_is_ones_own() {
    let clients = [
        client("A", &json!({ "link": "shared" })),
        client("B", &json!({ "link": "shared" })),
        client("C", &json!({})),
    ];
    let script = [
        login("0s", "A"),
        login("0s", "B"),
        login("0s", "C"),
        stall("20s", "10s", &json!({ "direction": "up" })),
        send("29.5s", "A", "a"),
        send("25s", "B", "b"),
    ];
    let story = with(scenario(&patient(), &clients, &script), &json!({ "links": links() }));
    let ran = both_ways(&story);
    // 600 bytes at 80 kbit/s take 60 ms.  Before A's message wait three times the 60 bytes by which
    // it confirms B's, of which it is told at 25.27 s and, as that waits, 1 s and 3 s later.
    let told = ran.told("C", "message of");
    assert_eq!(told, ["25.260000 C message of B: b", "30.278000 C message of A: a"]);
}

/// Sent at 50 s, at 51 s, and so on, and at the server never.
#[test]
fn what_waits_as_the_run_ends_is_under_way() {
    let script = [stall("20s", "1h", &json!({})), send("1799s", "A", "m")];
    let ran = told(&patient(), "home", &script);
    assert_eq!(at_b(&ran), Vec::<String>::new());
    let errands = ran.counters.of(Kind::Errands);
    assert_eq!((errands.sent, errands.delivered), (2, 0));
    // Two errands and the heartbeats of 10 and 20 min, at 600.12 and 1200.12 s.
    assert_eq!(ran.counters.in_flight(), 4);
}

/// In `zego-doc` silence is known at once, by either word: A tries every 7 s from 20 s on, and the
/// attempt of 139 s is the one that waits at 140 s.  Its lease has ended 90 s after the stall began.
#[test]
fn where_outages_are_known_at_once_so_is_a_stall() {
    let profile =
        json!({ "base": "zego-doc", "retry": { "fixed": "2s", "attempt_timeout": "5s" } });
    let stalled = [stall("20s", "2min", &json!({}))];
    let still = [change("20s", "still"), change("140s", "home")];
    for script in [&stalled[..], &still] {
        let ran = told(&profile, "home", script);
        let lines = ran.lines_of("A");
        let expected = ["20.000000 A Reconnecting 1002051", "140.120000 A Reconnected 0"];
        assert_eq!(after(&lines, 1), expected);
        let lines = ran.lines_of("B");
        assert_eq!(after(&lines, 1), ["110.150000 B DELETE A", "140.220000 B ADD A"]);
    }
}

/// A heartbeat every 5 s: without an answer for 10 s, A takes its connection for broken.  Heartbeats
/// go at 5.12 s, 10.12 s and so on; in a stall from 21 s on the first that waits is that of 25.12 s.
#[test]
fn a_stall_is_noticed_by_silence_or_not() {
    let beating = json!({ "base": "zego", "heartbeat": { "phase": "login" } });
    let of = |span: &str| {
        let ran = told(&beating, "home", &[stall("21s", span, &json!({}))]);
        (ran.told("A", "Reconnect"), ran.told("B", "DELETE"))
    };
    // The answer is there at 35.1 s, before 35.12 s.
    assert_eq!(of("14s"), (Vec::new(), Vec::new()));
    let (reconnecting, left) = of("14.1s");
    assert_eq!(reconnecting[0], "35.120000 A Reconnecting 1002051");
    assert_eq!(left, Vec::<String>::new());
}

/// A trace that stands still from 15 s to 25 s.
#[test]
fn a_trace_may_stand_still() {
    let clients = ["A", "B"].map(|it| client(it, &json!({})));
    let replay = json!({ "clients": ["A"], "file": "t.csv", "on": "home" });
    let script = [
        login("0s", "A"),
        login("0s", "B"),
        event("10s", &json!({ "replayTrace": replay })),
        send("18s", "A", "m"),
    ];
    let story = with(scenario(&patient(), &clients, &script), &json!({ "links": links() }));
    let file = "time,delay,loss,rate\n0s,,,8mbit\n5s,,,0bit\n10s,,,0bit\n15s,,,8mbit\n";
    let read = |_: &str| Ok(file.to_owned());
    let scenario = roomsim::scenario::Scenario::parse_with(&story.to_string(), &read).unwrap();
    let ran = run_how(scenario, None, Heartbeats::PassedOver);
    // 600 bytes at 8 Mbit/s take 0.6 ms.
    assert_eq!(at_b(&ran), ["25.200600"]);
}
