//! Logins that the server refuses, sessions that it loses, and the web SDK's own ways.

use serde_json::{Value, json};

use crate::support::{
    Ran, after, call, event, link_down, login, login_with, logout, publish, silent, story, story_in,
};

/// The server refuses A's logins with a code.
fn refuse(at: &str, code: u32, span: &str) -> Value {
    let outage = json!({ "clients": ["A"], "kind": "refuse", "errorCode": code, "for": span });
    event(at, &json!({ "outage": outage }))
}

/// A failed attempt is followed by the next after 1 s.
fn every_second() -> Value {
    json!({ "base": "zego-doc", "retry": { "fixed": "1s" } })
}

/// The time of a line, in microseconds.
fn micros(line: &str) -> u64 {
    line.split(' ').next().unwrap().replace('.', "").parse().unwrap()
}

/// Codes of the list that no rule gives another meaning; they do not pass by themselves.
const FINAL: [u32; 8] =
    [1_002_033, 1_002_034, 1_002_066, 1_002_074, 1_002_078, 1_002_080, 1_002_085, 1_002_099];

/// Codes of a network that is bad or a service that is asked too much.
const PASSING: [u32; 5] = [1_002_030, 1_002_031, 1_002_071, 1_002_072, 1_002_073];

// spec: R45
#[test]
fn a_login_that_is_refused_fails_with_the_code_of_the_reason() {
    for code in FINAL {
        let ran =
            story_in(&every_second(), &["A"], &[refuse("0s", code, "20s"), login("10s", "A")]);
        let lines = ran.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[1].ends_with(&format!(" A LoginFailed {code}")), "{lines:?}");
        // There and back, without the work of 20 ms.
        assert_eq!(micros(&lines[1]), 10_100_000, "{lines:?}");
    }
    // Without a code it is that of an inner error.
    let refuse = json!({ "outage": { "clients": ["A"], "kind": "refuse", "for": "20s" } });
    let ran = story(&["A"], &[event("0s", &refuse), login("10s", "A")]);
    assert!(ran.lines()[1].ends_with(" A LoginFailed 1002099"));
}

// spec: R45, R59
#[test]
fn a_login_that_is_refused_for_what_passes_is_tried_again() {
    for code in PASSING {
        let ran =
            story_in(&every_second(), &["A"], &[refuse("0s", code, "20s"), login("10s", "A")]);
        let lines = ran.lines();
        assert_eq!(lines.len(), 2, "{code}: {lines:?}");
        assert!(lines[1].ends_with(" A Logined 0"), "{code}: {lines:?}");
        // Refused after 100 ms, tried again after 1 s: attempts arrive at 10.05 s, 11.15 s, …,
        // 19.95 s and, let in, 21.05 s; and 70 ms.
        assert_eq!(micros(&lines[1]), 21_120_000, "{code}: {lines:?}");
    }
}

// spec: R5, R45
#[test]
fn what_does_not_pass_in_the_time_for_retrying_fails() {
    let ran =
        story_in(&every_second(), &["A"], &[refuse("0s", 1_002_072, "1h"), login("10s", "A")]);
    assert_eq!(ran.lines(), ["10.000000 A Logining 0", "1210.000000 A LoginFailed 1002053"]);
}

/// The refusal is over at 20.05 s, when the login arrives, or not yet.
// spec: R45
#[test]
fn a_refusal_ends_just_before_its_last_instant() {
    for (span, is_in) in [("10.05s", true), ("10.050001s", false)] {
        let ran = story(&["A"], &[refuse("10s", 1_002_099, span), login("20s", "A")]);
        assert_eq!(ran.told("A", "Logined").len(), usize::from(is_in), "{span}");
    }
}

/// A is away from 60 s to 90 s, and its logins are refused from 85 s to 120 s.
fn refused_relogin(code: u32) -> Ran {
    story_in(
        &every_second(),
        &["A", "B"],
        &[
            login("0s", "B"),
            login("10s", "A"),
            link_down("60s", "A", "30s"),
            refuse("85s", code, "35s"),
        ],
    )
}

// spec: R32, R43, R44, R45
#[test]
fn a_relogin_that_is_refused_because_of_the_user_has_failed() {
    // A wrong or expired token in its forms, a ban, and a login elsewhere.
    let codes = [
        1_002_033, 1_002_066, 1_002_074, 1_002_075, 1_002_076, 1_002_077, 1_002_078, 1_002_079,
        1_002_080, 1_002_086,
    ];
    for code in codes {
        let ran = refused_relogin(code);
        let lines = ran.lines_of("A");
        let lines = after(&lines, 61);
        assert_eq!(lines.len(), 1, "{code}: {lines:?}");
        assert!(lines[0].ends_with(&format!(" A ReconnectFailed {code}")), "{lines:?}");
        assert_eq!(micros(lines[0]), 90_100_000, "{lines:?}");
        // The others see the user until the lease ends.
        assert_eq!(after(&ran.lines_of("B"), 61), ["150.150000 B DELETE A"], "{code}");
    }
}

// spec: R45
#[test]
fn a_relogin_that_is_refused_otherwise_is_tried_again() {
    for code in [1_002_034, 1_002_085, 1_002_099].into_iter().chain(PASSING) {
        let ran = refused_relogin(code);
        let lines = ran.lines_of("A");
        let lines = after(&lines, 61);
        assert_eq!(lines.len(), 1, "{code}: {lines:?}");
        assert!(lines[0].ends_with(" A Reconnected 0"), "{code}: {lines:?}");
        // Attempts arrive every 1.1 s from 90.05 s on; the first from 120 s on is that of
        // 90.05 + 28 * 1.1 s; and 70 ms.
        assert_eq!(micros(lines[0]), 120_920_000, "{code}: {lines:?}");
        // Its lease began anew at 85 s, so the others heard nothing.
        assert_eq!(after(&ran.lines_of("B"), 61), Vec::<&str>::new(), "{code}");
    }
}

fn exception(at: &str) -> Value {
    event(at, &json!({ "sessionException": { "room": "r", "users": ["A"] } }))
}

// spec: R46
#[test]
fn a_user_whose_session_the_service_loses_is_put_out() {
    let ran = story(
        &["A", "B"],
        &[login("0s", "B"), login("10s", "A"), exception("60s"), login("70s", "A")],
    );
    // 50 ms to A, 150 ms to B; and A may come again.
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.050000 A KickOut 1002057",
            "60.150000 B DELETE A",
            "70.000000 A Logining 0",
            "70.120000 A Logined 0",
            "70.220000 A ADD B",
            "70.220000 B ADD A"
        ]
    );
}

// spec: R46, R49
#[test]
fn the_streams_of_a_lost_session_are_gone_before_the_user() {
    let ran = story(
        &["A", "B"],
        &[login("0s", "B"), login("10s", "A"), publish("20s", "A", "x"), exception("60s")],
    );
    // Neither stopped nor timed out, no other login and no kick: disconnected.
    assert_eq!(
        after(&ran.lines_of("B"), 21),
        ["60.150000 B DELETE stream x (reason 5)", "60.150000 B DELETE A"]
    );
}

// spec: R46
#[test]
fn a_lost_session_of_a_client_that_is_away_is_told_to_the_others_at_once() {
    let ran = story(
        &["A", "B"],
        &[login("0s", "B"), login("10s", "A"), link_down("60s", "A", "30s"), exception("70s")],
    );
    assert_eq!(after(&ran.lines_of("B"), 11)[0], "70.150000 B DELETE A");
}

/// The web SDK with heartbeats one interval of 30 s after the login, so at 40.12, 70.12, … s.
fn web() -> Value {
    json!({ "base": "zego-web", "heartbeat": { "phase": "login" } })
}

fn on_the_web(script: &[Value]) -> Ran {
    let mut all = vec![login("0s", "B"), login("10s", "A")];
    all.extend_from_slice(script);
    story_in(&web(), &["A", "B"], &all)
}

/// Reconnecting is held back for 8 s; the network is back after so long, and 120 ms.
// spec: R6, R7
#[test]
fn on_the_web_an_interruption_is_told_after_8_s() {
    for (span, expected) in [
        ("7.879999s", Vec::new()),
        ("7.88s", Vec::new()), // what arrives at the very instant is in time
        ("7.880001s", vec!["68.000000 A Reconnecting 1000017", "68.000001 A Reconnected 0"]),
        ("30s", vec!["68.000000 A Reconnecting 1000017", "90.120000 A Reconnected 0"]),
    ] {
        let ran = on_the_web(&[link_down("60s", "A", span)]);
        assert_eq!(after(&ran.lines(), 11), expected, "away for {span}");
    }
}

// spec: R6
#[test]
fn the_code_and_the_delay_of_reconnecting_are_parameters() {
    let away = [login("10s", "A"), link_down("60s", "A", "30s")];
    let profile = json!({ "base": "zego-doc", "reconnecting_code": 1_000_017 });
    let ran = story_in(&profile, &["A"], &away);
    assert_eq!(ran.lines()[2], "60.000000 A Reconnecting 1000017");
    let profile = json!({ "base": "zego-doc", "debounce": "3s" });
    let ran = story_in(&profile, &["A"], &away);
    assert_eq!(ran.lines()[2..], ["63.000000 A Reconnecting 1002051", "90.120000 A Reconnected 0"]);
}

// spec: R6, R37, R43, R45
#[test]
fn an_interruption_that_ends_badly_is_told_with_its_end() {
    let kick = event("62s", &json!({ "kickoutUser": { "room": "r", "users": ["A"] } }));
    let ran = on_the_web(&[link_down("60s", "A", "4s"), kick]);
    // Back at 64 s, refused there and back.
    assert_eq!(
        after(&ran.lines_of("A"), 11),
        ["64.100000 A Reconnecting 1000017", "64.100000 A KickOut 1002055"]
    );
    // So with a token that is over since 62 s.
    let mut all = vec![login("0s", "B"), login_with("10s", "A", &json!({ "token": "52s" }))];
    all.push(link_down("60s", "A", "4s"));
    let ran = story_in(&web(), &["A", "B"], &all);
    let lines = ran.lines_of("A");
    assert_eq!(
        lines[lines.len() - 2..],
        ["64.100000 A Reconnecting 1000017", "64.100000 A ReconnectFailed 1002033"]
    );
}

// spec: R10, R16
#[test]
fn a_logout_during_a_short_interruption_is_told() {
    let ran = on_the_web(&[link_down("60s", "A", "30s"), logout("63s", "A")]);
    // An interruption that the app ends is told by this only.
    assert_eq!(after(&ran.lines_of("A"), 11), ["63.000000 A Logout 0"]);
}

// spec: R5, R16, R25
#[test]
fn on_the_web_the_time_for_retrying_is_5_min() {
    // From the interruption at 60 s, not from the callback at 68 s; the answer needs 120 ms.
    for (span, expected) in [
        ("299.88s", "360.000000 A Reconnected 0"),
        ("299.880001s", "360.000000 A ReconnectFailed 1002053"),
        ("20min", "360.000000 A ReconnectFailed 1002053"),
    ] {
        let ran = on_the_web(&[link_down("60s", "A", span)]);
        assert_eq!(
            after(&ran.lines_of("A"), 11),
            ["68.000000 A Reconnecting 1000017", expected],
            "away for {span}"
        );
    }
    let ran = story_in(&web(), &["A"], &[link_down("0s", "A", "20min"), login("10s", "A")]);
    assert_eq!(ran.lines(), ["10.000000 A Logining 0", "310.000000 A LoginFailed 1002053"]);
}

// spec: R15, R21
#[test]
fn on_the_web_only_logins_and_heartbeats_keep_a_client_in_its_room() {
    // The last heartbeat before 60 s arrives at 40.17 s: gone 100 s later, 150 ms to B.  Probes
    // went on to 55 s and more.
    let ran = on_the_web(&[link_down("60s", "A", "3min")]);
    assert_eq!(after(&ran.lines_of("B"), 11)[0], "140.320000 B DELETE A");
    // A login counts as well: that of 90 s, after a short outage, arrives at 90.05 s.  The
    // heartbeats start anew with it, so the next would be at 120.12 s.
    let ran = on_the_web(&[link_down("60s", "A", "30s"), silent("100s", "A", "3min")]);
    let left = ran.told("B", "DELETE A")[0].clone();
    // 100 s after its arrival or its acceptance 20 ms later.
    assert!(["190.200000 B DELETE A", "190.220000 B DELETE A"].contains(&&*left), "{left}");
}

// spec: R6
#[test]
fn on_the_web_probes_find_a_silent_outage() {
    // Answers come at 10.12 s (login) and 10.22 s (members); probes go out 5 s after the last
    // answer: 15.22, 20.32, 25.42, 30.52, 35.62 s; a heartbeat at 40.12 s, answered at 40.22 s;
    // probes at 45.22, 50.32, 55.42 and, the first without an answer, 60.52 s.  10 s later the
    // connection is broken, and 8 s later the app is told.
    let ran = on_the_web(&[silent("60s", "A", "2min")]);
    assert_eq!(after(&ran.lines_of("A"), 11)[0], "78.520000 A Reconnecting 1000017");
}

/// A call of the app while an interruption is held back is one in a room.
// spec: R33
#[test]
fn while_an_interruption_is_held_back_the_client_is_in_its_room() {
    let ran = on_the_web(&[link_down("60s", "A", "4s"), login("62s", "A")]);
    assert_eq!(after(&ran.lines_of("A"), 11), ["62.000000 A loginRoom Failed 1002001"]);
    let elsewhere = call("62s", "A", &json!({ "logoutRoom": { "room": "s" } }));
    let ran = on_the_web(&[link_down("60s", "A", "4s"), elsewhere]);
    assert_eq!(after(&ran.lines_of("A"), 11), ["62.000000 A LogoutFailed 1002002"]);
}
