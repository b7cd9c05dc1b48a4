//! Member lists: who asks for one, who is told without asking, and what is acknowledged.

use roomsim::protocol::message::Kind;
use serde_json::{Value, json};

use crate::support::{
    Ran, after, event, link_down, login, login_with, publish, run, scenario, story,
};

/// A login of a client that is told of no users.
fn quiet(at: &str, name: &str) -> Value {
    login_with(at, name, &json!({ "isUserStatusNotify": false }))
}

fn sent(ran: &Ran, kinds: [Kind; 3]) -> [u64; 3] {
    kinds.map(|it| ran.counters.of(it).sent)
}

/// What is said of lists: they are asked for, sent, and acknowledged.
const LISTS: [Kind; 3] = [Kind::AskRoster, Kind::Roster, Kind::AckRoster];

/// A and B ask for theirs, and A is told that B has come.  C, who is told of no users, has nothing to
/// ask for until there is a stream.
#[test]
fn who_is_told_of_nothing_yet_asks_for_no_list() {
    let script = [login("0s", "A"), login("1s", "B"), quiet("2s", "C")];
    let names = ["A", "B", "C", "D"];
    assert_eq!(sent(&story(&names, &script), LISTS), [2, 3, 3]);
    // All are told of the stream, also A of its own.
    let script = [&script[..], &[publish("10s", "A", "s")]].concat();
    let ran = story(&names, &script);
    assert_eq!(sent(&ran, LISTS), [2, 3 + 3, 3 + 3]);
    // Its way to the server, the time until it is told, its way to C.
    assert_eq!(after(&ran.lines_of("C"), 5), ["10.200000 C ADD stream s"]);
    // D comes later, and asks.
    let script = [&script[..], &[quiet("20s", "D")]].concat();
    let ran = story(&names, &script);
    assert_eq!(sent(&ran, LISTS), [3, 6 + 1, 6 + 1]);
    assert_eq!(after(&ran.lines_of("D"), 20)[2..], ["20.220000 D ADD stream s"]);
}

/// Whenever a stream comes while a client logs in, it is told of it once.
#[test]
fn a_stream_that_comes_during_a_login_is_told_once() {
    for ms in 1800..2300 {
        let script = [login("0s", "A"), publish(&format!("{ms}ms"), "A", "s"), quiet("2s", "C")];
        let ran = story(&["A", "C"], &script);
        assert_eq!(ran.told("C", "ADD stream").len(), 1, "{ms} ms: {:?}", ran.lines_of("C"));
    }
}

/// A list in which nothing is new is repeated by who asked for it, so nobody awaits an
/// acknowledgement: C comes back after a short absence and knows of the stream.
#[test]
fn a_list_that_tells_nothing_is_not_acknowledged() {
    let script = [login("0s", "A"), publish("5s", "A", "s"), quiet("10s", "C")];
    let before = sent(&story(&["A", "C"], &script), LISTS);
    let script = [&script[..], &[link_down("20s", "C", "10s")]].concat();
    let ran = story(&["A", "C"], &script);
    assert_eq!(sent(&ran, LISTS), [before[0] + 1, before[1] + 1, before[2]]);
    assert_eq!(after(&ran.lines_of("C"), 21), ["30.120000 C Reconnected 0"]);
}

/// The server forgets A, whose login is repeated meanwhile, and lets it in once more when there is a
/// stream; that is lost on the way to A, who is in its room all the same and sees no reason to ask.
/// Its next heartbeat brings it to light.
#[test]
fn who_does_not_know_that_it_was_let_in_anew_is_told_again() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "3s" } });
    let clients = [json!({ "name": "A", "link": "far" }), json!({ "name": "B", "link": "home" })];
    let lost = json!({ "clients": ["A"], "kind": "silent", "direction": "down", "for": "500ms" });
    let script = [
        quiet("0s", "B"),
        // Arrives at 1.6 s, is accepted at 1.62 s and again, because it was repeated at 2 s ...
        quiet("1s", "A"),
        event("1700ms", &json!({ "restartServer": { "for": "200ms", "memory": "lost" } })),
        // ... when it arrives at 2.6 s, by when B has come back with its stream.
        publish("2s", "B", "s"),
        event("3s", &json!({ "outage": lost })), // 3.22 s is the second acceptance.
    ];
    let mut scenario = scenario(&profile, &clients, &script);
    scenario["links"] = json!({ "home": { "delay": "50ms" }, "far": { "delay": "600ms" } });
    let ran = run(&scenario.to_string(), None);
    // The heartbeat goes 3 s after Logined, then acceptance, question and list, of 600 ms each.
    assert_eq!(after(&ran.lines_of("A"), 2), ["2.220000 A Logined 0", "7.620000 A ADD stream s"]);
}
