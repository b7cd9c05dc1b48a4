//! What the server tells the developer's backend.  A login that is called at 10 s is accepted at
//! 10.07 s, what an app asks for at 60 s is with the server at 60.05 s.

use std::collections::BTreeSet;

use roomsim::protocol::backend::ServerEvent;
use serde_json::{Value, json};

use crate::support::{
    Ran, call, client, event, link_down, login, login_with, logout, publish, run, scenario,
    unpublish, with,
};

/// The scenario of A, its second device `tablet`, B and C, with a backend that is so far away.
fn told(profile: &Value, backend: &Value, script: &[Value]) -> Value {
    let clients = [
        client("A", &json!({})),
        client("B", &json!({})),
        client("C", &json!({})),
        client("tablet", &json!({ "user": "A" })),
    ];
    with(scenario(profile, &clients, script), &json!({ "backend": backend }))
}

fn doc(script: &[Value]) -> Ran {
    let backend = json!({ "delay": "10ms" });
    run(&told(&json!("zego-doc"), &backend, script).to_string(), None)
}

/// The server's callbacks that are made from this second on.
fn from(ran: &Ran, secs: u64) -> Vec<String> {
    let secs_of = |it: &String| it.split('.').next().unwrap().parse::<u64>().unwrap();
    ran.server_lines().into_iter().filter(|it| secs <= secs_of(it)).collect()
}

/// A alone is in the room and publishes, until something happens at 60 s.
fn until(profile: &Value, config: &Value, step: Value) -> Vec<String> {
    let script = [login_with("10s", "A", config), publish("20s", "A", "x"), step];
    let backend = json!({ "delay": "10ms" });
    let ran = run(&told(profile, &backend, &script).to_string(), None);
    let mut lines = from(&ran, 21);
    // Those that are made at one instant come in any order.
    lines.sort();
    lines
}

// spec: R64
#[test]
fn the_backend_is_told_of_rooms_logins_logouts_and_streams() {
    let ran = doc(&[
        login("10s", "A"),
        login("20s", "B"),
        publish("30s", "A", "x"),
        unpublish("40s", "A", "x"),
        logout("50s", "A"),
        logout("60s", "B"),
    ]);
    let lines = ran.server_lines();
    assert_eq!(
        lines.iter().map(|it| &**it).collect::<BTreeSet<_>>(),
        BTreeSet::from([
            "10.070000 room_create r",
            "10.070000 room_login r A",
            "20.070000 room_login r B",
            "30.050000 stream_create r x",
            "40.050000 stream_close r x 0",
            "50.050000 room_logout r A 0",
            "60.050000 room_logout r B 0",
            "60.050000 room_close r 0",
        ]),
    );
    assert_eq!(lines.len(), 8);
    // Each takes 10 ms.
    for it in &ran.deliveries {
        assert_eq!(it.arrives_at.unwrap().as_micros(), it.made_at.as_micros() + 10_000);
        assert_eq!(it.attempts, 1);
    }
}

// spec: R64
#[test]
fn without_a_backend_nothing_is_told() {
    let mut story = told(&json!("zego-doc"), &json!({ "delay": "10ms" }), &[login("10s", "A")]);
    story.as_object_mut().unwrap().remove("backend");
    assert_eq!(run(&story.to_string(), None).server_lines(), Vec::<String>::new());
}

// spec: R64
#[test]
fn the_end_of_a_stay_tells_its_reason() {
    let doc = json!("zego-doc");
    let strict = json!({ "base": "zego-doc", "token_expiry": "kick" });
    let users = json!({ "room": "r", "users": ["A"] });
    let elsewhere = json!({ "loginRoom": { "room": "s" } });
    let no_token = json!({});
    // When the server knows, and the reasons of logout, stream and room.
    for (profile, config, step, at, logout_reason, stream_type, close_reason) in [
        (&doc, &no_token, logout("60s", "A"), "60.050000", 0, 0, 0),
        (&doc, &no_token, call("60s", "A", &json!({ "destroyEngine": {} })), "60.050000", 0, 0, 0),
        // The lease ends: its heartbeat has timed out.
        (&doc, &no_token, link_down("60s", "A", "1h"), "150.000000", 1, 1, 1),
        (&doc, &no_token, call("60s", "A", &json!({ "killApp": {} })), "150.000000", 1, 1, 1),
        (&doc, &no_token, event("60s", &json!({ "kickoutUser": users })), "60.000000", 3, 3, 3),
        (
            &doc,
            &no_token,
            event("60s", &json!({ "closeRoom": { "room": "r" } })),
            "60.000000",
            3,
            5,
            3,
        ),
        (
            &doc,
            &no_token,
            event("60s", &json!({ "sessionException": users })),
            "60.000000",
            2,
            4,
            2,
        ),
    ] {
        let lines = until(profile, config, step.clone());
        let expected = [
            format!("{at} room_close r {close_reason}"),
            format!("{at} room_logout r A {logout_reason}"),
            format!("{at} stream_close r x {stream_type}"),
        ];
        assert_eq!(lines, expected, "{step}");
    }
    // In another room by another device: it left the first at the acceptance there.
    let lines = until(&doc, &no_token, call("60s", "tablet", &elsewhere));
    let expected = ["60.070000 room_logout r A 3", "60.070000 stream_close r x 2"];
    for it in expected {
        assert!(lines.iter().any(|line| line == it), "{lines:?}");
    }
    // A token that expires at 60 s, where that puts out: reason 4.
    let lines = until(&strict, &json!({ "token": "50s" }), logout("200s", "A"));
    assert!(lines.contains(&"60.000000 room_logout r A 4".to_owned()), "{lines:?}");
}

/// Whether a relogin was made when it arrived, or when it was accepted, 20 ms later.
fn is_relogin_of_a(line: &str, arrived_at: &str, accepted_at: &str) -> bool {
    [arrived_at, accepted_at].iter().any(|at| line == format!("{at} room_login r A relogin"))
}

// spec: R30, R64
#[test]
fn a_short_absence_is_a_relogin_and_a_long_one_a_login() {
    let ran = doc(&[login("0s", "B"), login("10s", "A"), link_down("60s", "A", "30s")]);
    let lines = from(&ran, 11);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(is_relogin_of_a(&lines[0], "90.050000", "90.070000"), "{lines:?}");
    // The login is accepted 70 ms after the network is back.
    let ran = doc(&[login("0s", "B"), login("10s", "A"), link_down("60s", "A", "3min")]);
    assert_eq!(from(&ran, 11), ["150.000000 room_logout r A 1", "240.070000 room_login r A"]);
}

/// At the very end of the lease, as R15 has it: the login arrives 50 ms after the network is back.
// spec: R30
#[test]
fn the_end_of_the_lease_decides_what_is_a_relogin() {
    let last = |span: &str| {
        let ran = doc(&[login("0s", "B"), login("10s", "A"), link_down("60s", "A", span)]);
        ran.server_lines().pop().unwrap()
    };
    let in_time = last("89.95s");
    assert!(is_relogin_of_a(&in_time, "150.000000", "150.020000"), "{in_time}");
    assert_eq!(last("89.950001s"), "150.020001 room_login r A");
}

// spec: R30, R64
#[test]
fn a_second_device_in_the_room_is_a_relogin_and_no_logout() {
    let ran = doc(&[login("0s", "B"), login("10s", "A"), login("60s", "tablet")]);
    assert_eq!(from(&ran, 11), ["60.070000 room_login r A relogin"]);
    // With the stream of the first: it ends by a repeated login.
    let ran = doc(&[
        login("0s", "B"),
        login("10s", "A"),
        publish("20s", "A", "x"),
        login("60s", "tablet"),
    ]);
    let mut lines = from(&ran, 21);
    lines.sort();
    assert_eq!(lines, ["60.070000 room_login r A relogin", "60.070000 stream_close r x 2"]);
}

// spec: R30, R62, R64
#[test]
fn a_started_app_is_a_relogin_too() {
    let ran = doc(&[
        login("0s", "B"),
        login("10s", "A"),
        call("60s", "A", &json!({ "killApp": {} })),
        call("70s", "A", &json!({ "startApp": {} })),
        login("80s", "A"),
    ]);
    let lines = from(&ran, 11);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(is_relogin_of_a(&lines[0], "80.050000", "80.070000"), "{lines:?}");
}

/// The numbers of a user's session and of the changes of the member list.
fn sessions(ran: &Ran) -> Vec<(String, u32, u32)> {
    let numbers = |it: &roomsim::observe::Delivery| match it.callback.what {
        ServerEvent::RoomLogin { user, session, seq, .. }
        | ServerEvent::RoomLogout { user, session, seq, .. } => {
            Some((ran.scenario.user_name(user).into_owned(), session, seq))
        }
        ServerEvent::RoomCreate
        | ServerEvent::RoomClose(_)
        | ServerEvent::StreamCreate(..)
        | ServerEvent::StreamClose(..) => None,
    };
    ran.deliveries.iter().filter_map(numbers).collect()
}

// spec: R64
#[test]
fn logins_and_logouts_are_numbered_by_which_a_backend_puts_them_in_order() {
    let ran = doc(&[
        login("0s", "B"),
        login("10s", "A"),
        link_down("60s", "A", "3min"),
        logout("300s", "A"),
        logout("310s", "B"),
        login("400s", "C"),
    ]);
    let all = sessions(&ran);
    // B, A, A gone, A again, A out, B out: each change is one more.
    let seqs: Vec<u32> = all[..6].iter().map(|it| it.2).collect();
    assert!(seqs.windows(2).all(|it| it[0] + 1 == it[1]), "{all:?}");
    let sessions_of_a: Vec<u32> = all.iter().filter(|it| it.0 == "A").map(|it| it.1).collect();
    // A login and its logout have the same session, the next login another.
    assert_eq!(sessions_of_a[0], sessions_of_a[1]);
    assert_ne!(sessions_of_a[1], sessions_of_a[2]);
    assert_eq!(sessions_of_a[2], sessions_of_a[3]);
    // The room was made anew for C, and for nobody else.
    let room_sessions: Vec<u32> =
        ran.deliveries.iter().map(|it| it.callback.room_session).collect();
    let first = room_sessions[0];
    let n_first = room_sessions.iter().filter(|it| **it == first).count();
    // Created, six changes, closed; then created, one login.
    assert_eq!((n_first, room_sessions.len()), (8, 10));
    assert_eq!(room_sessions[8], room_sessions[9]);
}

/// Twenty rooms' worth of callbacks, by a backend that does not answer some of the attempts.
fn unanswered(loss: &str, seed: u64) -> Ran {
    let mut script = Vec::new();
    for i in 0..10 {
        script.push(login(&format!("{}s", 10 + 100 * i), "A"));
        script.push(logout(&format!("{}s", 60 + 100 * i), "A"));
    }
    let backend = json!({ "delay": "10ms", "loss": loss });
    run(&told(&json!("zego-doc"), &backend, &script).to_string(), Some(seed))
}

/// An attempt fails and the next comes after 2, 4, 8, 16 and 32 s: so 2, 6, 14, 30 and 62 s after
/// the first.
const ATTEMPTS_AFTER: [u64; 6] = [0, 2, 6, 14, 30, 62];

// spec: R64
#[test]
fn a_callback_that_is_not_answered_is_made_again_five_times() {
    let mut seen = [0; 7];
    for seed in 1..=20 {
        let ran = unanswered("50%", seed);
        assert_eq!(ran.deliveries.len(), 40); // create, login, logout, close; ten times
        for it in &ran.deliveries {
            let index = usize::try_from(it.attempts).unwrap() - 1;
            match it.arrives_at {
                Some(at) => {
                    let expected = ATTEMPTS_AFTER[index] * 1_000_000 + 10_000;
                    assert_eq!(at.as_micros() - it.made_at.as_micros(), expected, "seed {seed}");
                    seen[index] += 1;
                }
                None => {
                    assert_eq!(it.attempts, 6, "seed {seed}");
                    seen[6] += 1;
                }
            }
        }
    }
    // Of 800, half come at the first attempt, a quarter at the second, and so on; 1 of 64 never.
    // Five standard deviations of 400 of 800 are 71, of 200 of 800 they are 61.
    assert!((330..=470).contains(&seen[0]), "{seen:?}");
    assert!((140..=260).contains(&seen[1]), "{seen:?}");
    assert!(seen.iter().all(|it| 0 < *it), "{seen:?}");
    assert_eq!(seen.iter().sum::<u32>(), 800);
}

// spec: R64
#[test]
fn a_callback_that_is_never_answered_is_lost() {
    let ran = unanswered("100%", 1);
    assert_eq!(ran.deliveries.len(), 40);
    for it in &ran.deliveries {
        assert_eq!((it.arrives_at, it.attempts), (None, 6));
    }
    let ran = unanswered("0", 1);
    assert!(ran.deliveries.iter().all(|it| it.arrives_at.is_some() && it.attempts == 1));
}

// spec: R64
#[test]
fn callbacks_come_in_any_order_and_their_numbers_tell_the_right_one() {
    // The logout, made at 60.05 s, may come before the login of 10.07 s only if that needed its
    // sixth attempt; over many seeds some pair is out of order, and by numbers all are in order.
    let mut n_overtaken = 0;
    for seed in 1..=20 {
        let ran = unanswered("50%", seed);
        let arrived = |it: &&roomsim::observe::Delivery| it.arrives_at.is_some();
        let numbers: Vec<u64> = ran.deliveries.iter().filter(arrived).map(|it| it.number).collect();
        n_overtaken += numbers.windows(2).filter(|it| it[1] < it[0]).count();
        let mut made: Vec<_> = ran.deliveries.iter().map(|it| (it.number, it.made_at)).collect();
        made.sort();
        assert!(made.windows(2).all(|it| it[0].0 < it[1].0 && it[0].1 <= it[1].1), "seed {seed}");
    }
    assert!(0 < n_overtaken);
}

// spec: R64
#[test]
fn what_is_under_way_at_the_end_has_not_come() {
    for (duration, is_there) in [("10.08s", true), ("10.079999s", false)] {
        let script = [login("10s", "A")];
        let mut story = told(&json!("zego-doc"), &json!({ "delay": "10ms" }), &script);
        story["duration"] = json!(duration);
        let ran = run(&story.to_string(), None);
        assert_eq!(ran.deliveries.len(), 2);
        assert!(ran.deliveries.iter().all(|it| it.arrives_at.is_some() == is_there), "{duration}");
    }
}

/// The way of the callbacks is the backend's own: the clients are told the same.
// spec: R64
#[test]
fn the_backend_changes_nothing_for_the_clients() {
    let script = [login("0s", "B"), login("10s", "A"), link_down("60s", "A", "3min")];
    let near = told(&json!("zego"), &json!({ "delay": "0ms" }), &script);
    let far =
        told(&json!("zego"), &json!({ "delay": "5s", "jitter": "1s", "loss": "50%" }), &script);
    for seed in 1..=20 {
        let near = run(&near.to_string(), Some(seed));
        let far = run(&far.to_string(), Some(seed));
        assert_eq!(near.lines(), far.lines());
    }
}
