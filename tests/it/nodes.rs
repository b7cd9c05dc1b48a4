//! Nodes of the server that crash, and connections over long links, by arithmetic.

use roomsim::protocol::message::Kind;
use serde_json::{Value, json};

use crate::{
    station::Log,
    support::{Ran, after, client, event, login, run, scenario, send},
};

fn crash(at: &str) -> Value {
    event(at, &json!({ "crashNode": { "clients": ["A"] } }))
}

/// A, whose link takes so long each way, and B, 50 ms away, who logs in at 0 s.
fn story(profile: &str, delay: &str, script: &[Value]) -> Ran {
    let clients = ["A", "B"].map(|it| client(it, &json!({})));
    let script = [&[login("0s", "B")], script].concat();
    let mut story = scenario(&json!(profile), &clients, &script);
    story["links"]["slow"] = json!({ "delay": delay });
    story["clients"][0]["link"] = json!("slow");
    run(&story.to_string(), None)
}

/// Sent at 60 s, it would be at the server at 62 s; the relogin, sent at 60.02 s, does not bring it
/// back to life.
#[test]
fn what_is_under_way_to_a_node_is_lost_with_it() {
    for (crash_at, is_told) in [("60.02s", false), ("62.000001s", true)] {
        let ran =
            story("zego-doc", "2s", &[login("10s", "A"), send("60s", "A", "m"), crash(crash_at)]);
        assert_eq!(ran.told("B", "message of A").len(), usize::from(is_told), "{crash_at}");
    }
}

/// A's login is at the server at 12 s, accepted at 12.02 s; the answer is under way at 12.5 s, as is
/// the repetition of 11 s.  That of 13 s goes over another node: answered at 15.02 s, there at 17.02 s.
#[test]
fn what_is_under_way_from_a_node_is_lost_with_it() {
    let ran = story("zego-doc", "2s", &[login("10s", "A"), crash("12.5s")]);
    assert_eq!(ran.told("A", "Logined"), ["17.020000 A Logined 0"]);
    assert_eq!(ran.told("B", "ADD"), ["12.170000 B ADD A"]);
}

/// A heartbeat every 5 s from the login of 10.12 s on: that of 60.12 s is the first that is not
/// answered, so the connection is broken at 70.12 s and there again a login later.
#[test]
fn who_only_has_heartbeats_learns_by_them_that_a_node_is_gone() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "login" } });
    let clients = ["A", "B"].map(|it| client(it, &json!({})));
    let script = [login("0s", "B"), login("10s", "A"), crash("60s")];
    let ran = run(&scenario(&profile, &clients, &script).to_string(), None);
    let told = ["70.120000 A Reconnecting 1002051", "70.240000 A Reconnected 0"];
    assert_eq!(after(&ran.lines_of("A"), 60), told);
    assert_eq!(after(&ran.lines_of("B"), 60), Vec::<&str>::new());
}

/// There and back takes 3 s.  The login is repeated at 1 s and at 3 s, before its answer of 3.02 s;
/// what follows waits as long as it did, 4 s, and is sent once.
#[test]
fn over_a_long_link_only_the_login_is_repeated() {
    let sends = ["20s", "30s", "40s"].map(|it| send(it, "A", "m"));
    let ran = story("zego-doc", "1.5s", &[&[login("10s", "A")], &sends[..]].concat());
    let of_b = story("zego-doc", "1.5s", &[]);
    let sent = |kind: Kind| ran.counters.of(kind).sent - of_b.counters.of(kind).sent;
    assert_eq!(sent(Kind::Login), 3);
    assert_eq!(sent(Kind::AskRoster), 1);
    assert_eq!(sent(Kind::Errands), 3);
}

/// A crashed node takes what it was to tell its clients with it: B's message is noticed at 20.15 s,
/// 100 ms after it came, and would leave at 21.15 s; A has lost its node at 21 s, and hears of it
/// by the login that follows.  The worker's time is spent all the same, so B's notice leaves when
/// it would have.
#[test]
fn notices_are_lost_with_a_node() {
    let clients = ["A", "B"].map(|it| client(it, &json!({})));
    let script = [login("0s", "A"), login("10s", "B"), send("20s", "B", "m"), crash("21s")];
    let mut story = scenario(&json!("zego-doc"), &clients, &script);
    story["server"] = json!({ "workers": 1, "fan_out": "1s" });
    let with_crash = Log::of(&story);
    story["script"].as_array_mut().unwrap().pop();
    let without = Log::of(&story);
    let first_two = |all: Vec<u64>| {
        let after_20 = all.into_iter().filter(|it| 20_500 < *it);
        after_20.take(2).collect::<Vec<u64>>()
    };
    // A's, then B's own position in the journal.
    let both = [21_150, 22_150];
    assert_eq!(first_two(without.ended(Kind::Roster)), both);
    assert_eq!(first_two(without.sent(Kind::Roster)), both);
    assert_eq!(first_two(with_crash.ended(Kind::Roster)), both);
    assert_eq!(first_two(with_crash.sent(Kind::Roster))[0], 22_150);
}
