//! Connections that are reset: who learns of it when, and what a herd of those who do comes to, by
//! arithmetic.

use proptest::prelude::*;
use roomsim::{
    id::ClientId,
    link::Cause,
    observe::Observer,
    protocol::message::Kind,
    sim::{self, Heartbeats},
    time::SimTime,
};
use serde_json::{Value, json};

use crate::{
    random,
    support::{
        Ran, after, call, client, event, gallery, login, parse, run, run_how, scenario, send,
        silent, with,
    },
};

/// What resets A's connection and lets it log in again at once: its own, that to its node, or all
/// that there are to the server.
fn resets() -> [Value; 3] {
    [
        json!({ "resetConnections": { "clients": ["A"] } }),
        json!({ "crashNode": { "clients": ["A"], "noticed": "at_once" } }),
        json!({ "restartServer": { "for": "1us", "memory": "kept", "noticed": "at_once" } }),
    ]
}

/// A and B, 50 ms away, of whom B logs in at 0 s; heartbeats go every 5 s from the login on.
fn pair(base: &str, fields: &Value, script: &[Value]) -> Ran {
    let mut profile = with(json!({ "base": base }), fields);
    if base != "zego-doc" {
        profile["heartbeat"] = json!({ "phase": "login" });
    }
    let clients = ["A", "B"].map(|it| client(it, &json!({})));
    let script = [&[login("0s", "B")], script].concat();
    run(&scenario(&profile, &clients, &script).to_string(), None)
}

// spec: R6, R7
#[test]
fn whose_connection_is_reset_learns_of_it_one_way_later() {
    for deed in resets() {
        let ran = pair("zego", &json!({}), &[login("10s", "A"), event("60s", &deed)]);
        let told = ["60.050000 A Reconnecting 1002051", "60.170000 A Reconnected 0"];
        assert_eq!(after(&ran.lines_of("A"), 60), told, "{deed}");
        let is_of_all = deed.get("restartServer").is_some();
        let n_told = if is_of_all { 2 } else { 0 };
        assert_eq!(after(&ran.lines_of("B"), 60).len(), n_told, "{deed}");
        assert_eq!(ran.counters.of(Kind::Reset).delivered, if is_of_all { 2 } else { 1 });
        assert_eq!(ran.told("B", "DELETE"), Vec::<String>::new(), "{deed}");
    }
}

/// In the browser an interruption of less than 8 s is not told at all.
#[test]
fn a_reset_that_is_over_soon_is_not_told_where_that_is_held_back() {
    for deed in resets() {
        let ran = pair("zego-web", &json!({}), &[login("10s", "A"), event("60s", &deed)]);
        assert_eq!(after(&ran.lines(), 60), Vec::<&str>::new(), "{deed}");
    }
}

/// By silence, the heartbeat of 60.12 s is the first that goes unanswered for 10 s.  The reset is at
/// A's end of the link at 60.05 s, which is cut up to then and not a microsecond longer, or is.
#[test]
fn a_reset_that_is_lost_is_noticed_by_silence() {
    for (span, at) in [("50ms", "60.050000"), ("50001us", "70.120000")] {
        for deed in &resets()[..2] {
            let script = [login("10s", "A"), silent("60s", "A", span), event("60s", deed)];
            let ran = pair("zego", &json!({}), &script);
            let told = [format!("{at} A Reconnecting 1002051")];
            assert_eq!(ran.told("A", "Reconnecting"), told, "{deed}");
        }
    }
}

/// The app hears nothing while it stands still.  The heartbeat of 60.12 s goes as it goes on, at
/// 62 s, and has no answer for 10 s.
#[test]
fn an_app_that_sleeps_hears_no_reset() {
    let suspension = call("59s", "A", &json!({ "suspendApp": { "for": "3s" } }));
    for deed in &resets()[..2] {
        let script = [login("10s", "A"), suspension.clone(), event("60s", deed)];
        let ran = pair("zego", &json!({}), &script);
        assert_eq!(ran.told("A", "Reconnecting"), ["72.000000 A Reconnecting 1002051"], "{deed}");
        assert_eq!(ran.counters.of(Kind::Reset).dropped[Cause::NoApp as usize], 1);
    }
}

/// A's login is with the server at 10.05 s: before, there is no connection; after, its reset ends
/// the attempt, and the next is 2 s later.  Without one the login is repeated after 1 s.
#[test]
fn an_attempt_fails_with_its_connection() {
    let fixed = json!({ "retry": { "fixed": "2s" } });
    let cases = [
        ("10.05s", "11.120000", 0),
        ("10.050001s", "12.220001", 1),
        ("10.06s", "12.230000", 1),
        // The acceptance, sent at 10.07 s, is lost with the connection.
        ("10.1s", "12.270000", 1),
        ("10.119999s", "12.289999", 1),
    ];
    for (at, back, n_resets) in cases {
        for deed in &resets()[..2] {
            // What has not come to a node is lost with it, too.
            if n_resets == 0 && deed.get("crashNode").is_none() {
                continue;
            }
            let ran = pair("zego", &fixed, &[login("10s", "A"), event(at, deed)]);
            let logined = [format!("{back} A Logined 0")];
            assert_eq!(ran.told("A", "Logined"), logined, "{deed} {at}");
            assert_eq!(ran.counters.of(Kind::Reset).sent, n_resets, "{deed} {at}");
        }
    }
    // Who only begins to connect has nothing to lose: 10 s, and 120 ms.
    let ran = pair("zego", &fixed, &[login("10s", "A"), event("10.05s", &resets()[0])]);
    assert_eq!(ran.told("A", "Logined"), ["10.120000 A Logined 0"]);
}

/// The server is down from 60 s to 70 s: the first attempt is made at 60.05 s, fails at 65.05 s, and
/// that of 67.05 s is repeated at 68.05 s and 70.05 s, when the server is there again.  Without
/// resets the heartbeat of 60.12 s goes unanswered, and so on 10.07 s later.
#[test]
fn a_restart_is_noticed_at_once_or_by_silence() {
    let patience = json!({ "retry": { "fixed": "2s", "attempt_timeout": "5s" } });
    for (noticed, broken, back) in [
        (json!("at_once"), "60.050000", "70.170000"),
        (json!("by_silence"), "70.120000", "70.240000"),
    ] {
        let restart = json!({ "for": "10s", "memory": "kept", "noticed": noticed });
        let script = [login("10s", "A"), event("60s", &json!({ "restartServer": restart }))];
        let ran = pair("zego", &patience, &script);
        let told = [format!("{broken} A Reconnecting 1002051"), format!("{back} A Reconnected 0")];
        assert_eq!(after(&ran.lines_of("A"), 60), told, "{noticed}");
        assert_eq!(ran.told("B", "DELETE"), Vec::<String>::new(), "{noticed}");
    }
}

/// In `zego-doc` clients know at once whatever breaks their connection, so a reset comes out of turn,
/// or not at all: the link is cut downwards until it would be there.
// spec: R19
#[test]
fn who_knows_of_outages_at_once_needs_no_reset() {
    for deed in resets() {
        for script in [vec![], vec![silent_down("60s", "60ms")]] {
            let is_cut = !script.is_empty();
            let script = [&[login("10s", "A")], &script[..], &[event("60s", &deed)]].concat();
            let ran = pair("zego-doc", &json!({}), &script);
            let told = ["60.000000 A Reconnecting 1002051"];
            assert_eq!(ran.told("A", "Reconnecting"), told, "{deed} {is_cut}");
            assert_eq!(ran.told("A", "Reconnected").len(), 1, "{deed} {is_cut}");
        }
    }
}

fn silent_down(at: &str, span: &str) -> Value {
    let outage = json!({ "clients": ["A"], "kind": "silent", "direction": "down", "for": span });
    event(at, &json!({ "outage": outage }))
}

/// One that is lost by chance is known as well: all that are sent down are lost.
#[test]
fn a_reset_that_is_lost_by_chance_is_known_where_all_outages_are() {
    let lossy = json!({ "delay": "50ms", "down": { "loss": "100%" } });
    let clients = [client("A", &json!({})), client("B", &json!({}))];
    let change = json!({ "changeLink": { "clients": ["A"], "to": "lossy" } });
    let script = [login("0s", "A"), event("59s", &change), event("60s", &resets()[0])];
    let mut story = scenario(&json!("zego-doc"), &clients, &script);
    story["links"]["lossy"] = lossy;
    let ran = run(&story.to_string(), None);
    assert_eq!(ran.told("A", "Reconnecting"), ["60.000000 A Reconnecting 1002051"]);
}

/// A's message of 60 s would be at the server at 60.05 s: the connection is gone before, or it is
/// not.
#[test]
fn what_is_under_way_on_a_connection_is_lost_with_it() {
    for deed in &resets()[..2] {
        for (at, is_told) in [("60.05s", false), ("60.050001s", true)] {
            let script = [login("10s", "A"), send("60s", "A", "m"), event(at, deed)];
            let ran = pair("zego", &json!({}), &script);
            let n_told = ran.told("B", "message of A").len();
            assert_eq!(n_told, usize::from(is_told), "{deed} {at}");
        }
    }
}

/// Each room has a connection of its own; one that is reset twice is reset once.
#[test]
fn all_connections_of_a_client_are_reset_once() {
    let clients = [client("A", &json!({ "roomMode": "multi" }))];
    let enter = |room: &str| call("10s", "A", &json!({ "loginRoom": { "room": room } }));
    let reset = event("60s", &resets()[0]);
    let script = [enter("r"), enter("s"), reset.clone(), reset];
    let ran = run(&scenario(&json!("zego"), &clients, &script).to_string(), None);
    assert_eq!(ran.told("A", "Reconnecting").len(), 2);
    assert_eq!(ran.told("A", "Reconnected").len(), 2);
    assert_eq!(ran.counters.of(Kind::Reset).sent, 2);
}

/// Each member is drawn by itself, and who is reset is back before others could miss it.
#[test]
fn a_share_of_a_population_is_reset() {
    let viewers = json!({ "name": "v", "count": 1000, "link": "home", "rooms": 100 });
    let reset = json!({ "resetConnections": { "clients": ["v"], "share": "25%" } });
    let story = scenario(&json!("zego"), &[viewers], &[event("60s", &reset)]);
    let ran = run(&with(story, &json!({ "duration": "2min" })).to_string(), None);
    let n = ran.counters.of(Kind::Reset).sent;
    // Five times the standard deviation of 13.7.
    assert!((250 - 69..=250 + 69).contains(&n), "{n}");
    let rows = ran.lines();
    let n_of = |what: &str| rows.iter().filter(|it| it.contains(what)).count() as u64;
    assert_eq!((n_of("Reconnecting"), n_of("Reconnected"), n_of("DELETE")), (n, n, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// Before the first login there is no connection, so a reset moves nothing.
    #[test]
    fn whoever_has_no_connection_is_not_reset(scenario in random::scenario()) {
        let mut story = scenario;
        let resets = |at: &str| {
            ["A", "B", "C", "D"].map(|it| {
                event(at, &json!({ "resetConnections": { "clients": [it] } }))
            })
        };
        let before = run(&story.to_string(), None);
        let script = story["script"].as_array_mut().unwrap();
        script.splice(0..0, resets("0us"));
        let ran = run_how(parse(&story.to_string()).unwrap(), None, Heartbeats::PassedOver);
        prop_assert_eq!(before.trace.rows(), ran.trace.rows());
        prop_assert_eq!(&before.counters, &ran.counters);
    }
}

// ---- The herd ----

/// How many logins are sent in each second from a certain instant on.
#[derive(Default)]
struct Herd {
    from: SimTime,
    by_second: Vec<u32>,
}

impl Observer for Herd {
    fn sent(&mut self, at: SimTime, _: ClientId, kind: Kind) {
        if kind == Kind::Login && self.from <= at {
            let second = usize::try_from(at.since(self.from).as_micros() / 1_000_000).unwrap();
            self.by_second.resize(self.by_second.len().max(second + 1), 0);
            self.by_second[second] += 1;
        }
    }
}

/// All 20,000 are told at 60.05 s, and their first attempts fail together at 70.05 s, when the server
/// is there again.  What comes to it in each second from then on is what the first wait makes of
/// them: N at once, or N/k in each of k seconds, by lot.
#[test]
fn the_herd_after_a_reset_is_as_high_as_the_first_wait_makes_it() {
    const N: f64 = 20_000.0;
    let exponential = |base: &str, jitter: &str| json!({ "exponential": { "base": base, "cap": base, "jitter": jitter } });
    // The policy, the seconds in which the herd comes, and in how many of them it is by lot.
    let policies = [
        (json!({ "fixed": "1s" }), 1..2, 1),
        (json!({ "list": ["1s..3s", "4s"] }), 1..4, 3),
        (json!({ "list": ["1s..5s", "6s"] }), 1..6, 5),
        (exponential("2s", "none"), 2..3, 1),
        (exponential("2s", "full"), 0..2, 2),
        (exponential("8s", "full"), 0..8, 8),
        (exponential("4s", "equal"), 2..4, 2),
        (exponential("4s", "add"), 4..8, 4),
        (exponential("5s", "scale"), 4..6, 2),
    ];
    let text = gallery("server-reset-storm");
    for (retry, seconds, k) in policies {
        let profile = json!({ "base": "zego", "retry": retry });
        let text = text.replace(r#""profile": "zego""#, &format!(r#""profile": {profile}"#));
        let scenario = parse(&text).unwrap();
        let mut herd = Herd { from: SimTime::from_micros(70_050_000), ..Herd::default() };
        sim::run(&scenario, scenario.seed(), &mut herd);
        let share = 1.0 / f64::from(k);
        // Five standard deviations of a binomial number.
        let bound = 5.0 * (N * share * (1.0 - share)).sqrt();
        let peak = f64::from(*herd.by_second.iter().max().unwrap());
        assert!((peak - N * share).abs() <= bound, "{retry}: {:?}", herd.by_second);
        for second in seconds.clone() {
            let n = f64::from(herd.by_second[second]);
            assert!((n - N * share).abs() <= bound, "{retry}: {:?}", herd.by_second);
        }
        assert_eq!(herd.by_second[..seconds.start].iter().sum::<u32>(), 0, "{retry}");
    }
}
