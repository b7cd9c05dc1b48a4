//! Member lists: who asks for one, who is told without asking, and what is acknowledged.

use roomsim::{
    id::{Id as _, RoomId},
    protocol::{
        call::Notify,
        client::{self, Client, Luck},
        member::{self, Feed, Member, Present},
        message::{ClientBody, ClientMsg, Kind, List, ServerBody, ServerMsg},
        repeat::{Repeat, RoundTrip},
    },
};
use serde_json::{Value, json};

use crate::{
    support::{
        Ran, after, client, event, link_down, login, login_with, publish, restart, rules_of, run,
        scenario, send, story,
    },
    transitions::{NOW, accepted, client_in, client_state, epochs, known, member_context, unasked},
};

/// A login of a client that is told of no users.
fn quiet(at: &str, name: &str) -> Value {
    login_with(at, name, &json!({ "isUserStatusNotify": false }))
}

/// A goes on over another link.
fn change_link(at: &str, to: &str) -> Value {
    event(at, &json!({ "changeLink": { "clients": ["A"], "to": to } }))
}

/// What comes to A is lost for so long.
fn nothing_comes(at: &str, span: &str) -> Value {
    let outage = json!({ "clients": ["A"], "kind": "silent", "direction": "down", "for": span });
    event(at, &json!({ "outage": outage }))
}

/// How often lists were asked for, sent, and acknowledged.
fn lists(ran: &Ran) -> [u64; 3] {
    [Kind::AskRoster, Kind::Roster, Kind::AckRoster].map(|it| ran.counters.of(it).sent)
}

/// A and B ask for theirs, and A is told that B has come.  C, who is told of no users, has nothing to
/// ask for until there is a stream.
#[test]
fn who_is_told_of_nothing_yet_asks_for_no_list() {
    let script = [login("0s", "A"), login("1s", "B"), quiet("2s", "C")];
    let names = ["A", "B", "C", "D"];
    assert_eq!(lists(&story(&names, &script)), [2, 3, 3]);
    // All are told of the stream, also A of its own.
    let script = [&script[..], &[publish("10s", "A", "s")]].concat();
    let ran = story(&names, &script);
    assert_eq!(lists(&ran), [2, 3 + 3, 3 + 3]);
    // Its way to the server, the time until it is told, its way to C.
    assert_eq!(after(&ran.lines_of("C"), 5), ["10.200000 C ADD stream s"]);
    // D comes later, and asks.
    let script = [&script[..], &[quiet("20s", "D")]].concat();
    let ran = story(&names, &script);
    assert_eq!(lists(&ran), [3, 6 + 1, 6 + 1]);
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
    let before = lists(&story(&["A", "C"], &script));
    let script = [&script[..], &[link_down("20s", "C", "10s")]].concat();
    let ran = story(&["A", "C"], &script);
    assert_eq!(lists(&ran), [before[0] + 1, before[1] + 1, before[2]]);
    assert_eq!(after(&ran.lines_of("C"), 21), ["30.120000 C Reconnected 0"]);
}

/// The server forgets A, whose login is repeated meanwhile, and lets it in once more when there is a
/// stream; that is lost on the way to A, who is in its room all the same and sees no reason to ask.
/// Its next heartbeat brings it to light.
#[test]
fn who_does_not_know_that_it_was_let_in_anew_is_told_again() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "3s" } });
    let clients = [json!({ "name": "A", "link": "far" }), json!({ "name": "B", "link": "home" })];
    let script = [
        quiet("0s", "B"),
        // Arrives at 1.6 s, is accepted at 1.62 s and again, because it was repeated at 2 s ...
        quiet("1s", "A"),
        restart("1700ms", "200ms", "lost"),
        // ... when it arrives at 2.6 s, by when B has come back with its stream.
        publish("2s", "B", "s"),
        nothing_comes("3s", "500ms"), // 3.22 s is the second acceptance.
    ];
    let mut scenario = scenario(&profile, &clients, &script);
    scenario["links"] = json!({ "home": { "delay": "50ms" }, "far": { "delay": "600ms" } });
    let ran = run(&scenario.to_string(), None);
    // The heartbeat goes 3 s after Logined, then acceptance, question and list, of 600 ms each.
    assert_eq!(after(&ran.lines_of("A"), 2), ["2.220000 A Logined 0", "7.620000 A ADD stream s"]);
}

/// A's first heartbeat overtakes its question for the list, so the server says once more that A is
/// in.  That comes late, when A has its list and is to be told of a message: it says nothing new, and
/// the message is told.
#[test]
fn who_is_told_again_that_it_is_in_misses_nothing() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "10ms" } });
    let clients = [json!({ "name": "A", "link": "slow_up" }), client("B", &json!({}))];
    let script = [
        login("0s", "B"),
        login("1s", "A"), // The answer comes at 1.33 s, and the question arrives at 1.63 s.
        change_link("1335ms", "slow_down"),
        change_link("1400ms", "home"),
        send("2148ms", "B", "hi"),
    ];
    let mut scenario = scenario(&profile, &clients, &script);
    scenario["links"] = json!({
        "home": { "delay": "10ms" },
        "slow_up": { "delay": "10ms", "up": { "delay": "300ms" } },
        "slow_down": { "delay": "10ms", "down": { "delay": "900ms" } },
    });
    let ran = run(&scenario.to_string(), None);
    assert_eq!(ran.counters.of(Kind::LoginAccepted).sent, 3);
    // The heartbeat goes at 1.34 s and arrives at 1.35 s, so it is said again at 2.25 s.
    assert_eq!(after(&ran.lines_of("A"), 2), ["2.268000 A message of B: hi"]);
}

/// The server forgets A and its stream, and lets it in anew by a login that is repeated late; that is
/// lost on the way to A.  What A acknowledges after that, it acknowledges for the session before, so
/// it is told again, and its stream is back.
#[test]
fn an_acknowledgement_of_the_session_before_shows_that_the_new_one_is_not_known() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "3s" } });
    let clients =
        [json!({ "name": "A", "link": "slow" }), client("B", &json!({})), client("C", &json!({}))];
    let script = [
        login("0s", "B"),
        login("0s", "A"), // Arrives at 2.5 s, and repeated at 3.5 s.
        change_link("2s", "home"),
        publish("2700ms", "A", "s"),
        login("2860ms", "C"),
        change_link("2980ms", "middling"), // A is told of C, and acknowledges it late, at 3.8 s.
        change_link("3050ms", "home"),
        restart("3100ms", "100ms", "lost"),
        nothing_comes("3500ms", "100ms"),
    ];
    let mut scenario = scenario(&profile, &clients, &script);
    scenario["links"] = json!({
        "home": { "delay": "10ms" },
        "slow": { "delay": "10ms", "up": { "delay": "2500ms" } },
        "middling": { "delay": "10ms", "up": { "delay": "800ms" } },
    });
    let ran = run(&scenario.to_string(), None);
    let streams: Vec<String> =
        ran.lines_of("B").into_iter().filter(|it| it.contains("stream")).collect();
    // On the way 10 ms, told after 100 ms, on the way 10 ms.  B comes back with its first heartbeat
    // after the restart, when the stream is there again.
    assert_eq!(streams, ["2.820000 B ADD stream s"]);
    assert_eq!(ran.told("C", "DELETE stream").len(), ran.told("C", "ADD stream").len() - 1);
}

/// The server has let a client in anew, among those who are told of users, which did not hear of it;
/// its app, told of users as far as 2 and of all else as far as 4, hears what has become of them.
// spec: R53
#[test]
fn who_is_told_of_users_anew_without_knowing_is_told_what_has_become_of_them() {
    let (rules, [_, epoch, _]) = (rules_of("zego"), epochs());
    let context = client::Context { rules, now: NOW, luck: Luck::default() };
    let (from, to, room) = (4, 6, RoomId::from_index(0));
    for (users, known_users, expected, then) in [
        (Notify::On, 2, client::Effect::RosterDifference(room, ([2, 4], 6), Notify::On), 6),
        (Notify::On, 4, client::Effect::RosterChanges(room, (4, 6), Notify::On), 6),
        (Notify::Off, 2, client::Effect::RosterChanges(room, (4, 6), Notify::Off), 2),
    ] {
        let mut client =
            Client { known_users, ..client_in("Online/Known", client_state("Online/Known")) };
        let told = ServerMsg { epoch, body: ServerBody::Roster { from, to, users } };
        let effects = client.step(&context, client::Input::Receive(&told));
        assert_eq!(effects.iter().next(), Some(&expected));
        assert_eq!(client.known_users, then);
    }
}

/// Let in anew, without asking and without knowing: what it was told before is acknowledged late.
#[test]
fn what_was_told_before_the_second_admission_may_be_acknowledged_after_it() {
    let ([_, epoch, _], rtt) = (epochs(), RoundTrip::UNKNOWN);
    let told_nothing = Feed::Open { acked: 0, sent: 0, repeat: Repeat::NEVER };
    let state = member::State::Present(Present { feed: told_nothing, ..unasked() });
    let mut member = Member { epoch, rtt, state };
    let late = ClientMsg { epoch, body: ClientBody::AckRoster(known(5, 4)) };
    let context = member_context(rules_of("zego"), NOW);
    assert_eq!(member.step(&context, member::Input::Receive(&late)).iter().count(), 0);
    let member::State::Present(Present { feed, .. }) = member.state else { panic!("{member:?}") };
    assert_eq!(feed, Feed::Open { acked: 5, sent: 5, repeat: Repeat::NEVER });
}

/// The server has forgotten a client whose login is under way once more, and lets it in again, while
/// the first list is on its way: the client takes that for the list it asked for, and the server is
/// asked all the same, also if the list tells nothing.
#[test]
fn a_list_from_before_the_second_admission_stands_for_the_question() {
    let rules = rules_of("zego");
    let ([_, epoch, _], rtt) = (epochs(), RoundTrip::UNKNOWN);
    let from_before = ServerBody::Roster { from: 4, to: 4, users: Notify::On };
    for (is_let_in_twice, n_sent) in [(false, 0), (true, 1)] {
        let mut client = client_in("Online/Asked", client_state("Online/Asked"));
        let context = client::Context { rules, now: NOW, luck: Luck::default() };
        let mut hears =
            |body| client.step(&context, client::Input::Receive(&ServerMsg { epoch, body }));
        if is_let_in_twice {
            assert_ne!(hears(accepted(5, List::Unasked)).iter().count(), 0);
        }
        let effects = hears(from_before);
        let sent = effects.iter().filter_map(|it| {
            let client::Effect::Send(message) = it else { return None };
            Some(*message)
        });
        let sent: Vec<ClientMsg> = sent.collect();
        assert_eq!(sent.len(), n_sent);
        let Some(message) = sent.first() else { continue };
        let state = member::State::Present(Present { since: known(0, 5).since, ..unasked() });
        let mut member = Member { epoch, rtt, state };
        let context = member_context(rules, NOW);
        let _ = member.step(&context, member::Input::Receive(message));
        let member::State::Present(Present { feed, .. }) = member.state else {
            panic!("{member:?}")
        };
        assert!(matches!(feed, Feed::Open { acked: 4, sent: 6, .. }), "{feed:?}");
    }
}
