//! Races between answers, leases, devices and repetitions; each is told by a story that shows it.

use serde_json::{Value, json};

use crate::support::{Ran, run};

/// A scenario of A, B and A's second device on links of this delay.
fn story(profile: &Value, delay: &str, script: &[Value]) -> Ran {
    let text = json!({
        "version": 1, "name": "race", "duration": "10min", "profile": profile,
        "links": { "x": { "delay": delay } },
        "clients": [
            { "name": "A", "link": "x" },
            { "name": "B", "link": "x" },
            { "name": "tablet", "user": "A", "link": "x" },
        ],
        "script": script,
    });
    run(&text.to_string(), None)
}

fn login(at: &str, client: &str) -> Value {
    json!({ "at": at, "client": client, "do": { "loginRoom": { "room": "r" } } })
}

fn outage(at: &str, kind: &str, direction: &str, span: &str) -> Value {
    let outage = json!({ "clients": ["A"], "kind": kind, "direction": direction, "for": span });
    json!({ "at": at, "do": { "outage": outage } })
}

// spec: R32
#[test]
fn a_device_whose_lease_has_ended_does_not_put_out_the_one_that_came_since() {
    let script = [
        login("0s", "B"),
        login("10s", "A"),
        outage("60s", "link_down", "both", "3min"), // the lease ends at 150 s
        login("200s", "tablet"),
    ];
    let ran = story(&json!("zego-doc"), "50ms", &script);
    assert_eq!(ran.lines_of("A").last().unwrap(), "240.100000 A ReconnectFailed 1002086");
    assert_eq!(ran.lines_of("tablet").last().unwrap(), "200.220000 tablet ADD B");
    // B hears that A left, and that A is back by the tablet.
    assert_eq!(ran.lines_of("B")[3..], ["150.150000 B DELETE A", "200.220000 B ADD A"]);
}

/// With 600 ms each way the request is repeated after 1 s, so the server accepts twice; the second
/// acceptance must not pass for the answer to a later attempt.
#[test]
fn an_answer_to_an_earlier_connection_is_out_of_turn() {
    let script = [login("10s", "A"), outage("12s", "link_down", "both", "100ms")];
    let ran = story(&json!("zego"), "600ms", &script);
    let lines = ran.lines_of("A");
    // In at 10 s + 1.22 s. The network is back at 12.1 s; there and back takes 1.22 s.
    assert_eq!(lines[1], "11.220000 A Logined 0");
    assert_eq!(lines[2], "12.000000 A Reconnecting 1002051");
    assert_eq!(lines[3], "13.320000 A Reconnected 0");
}

// spec: R37
#[test]
fn a_repeated_login_does_not_bring_back_who_was_kicked_out_since() {
    let profile = json!({ "base": "zego-doc", "kick_memory": "off" });
    let kick = json!({ "kickoutUser": { "room": "r", "users": ["A"] } });
    // The repetition of the login, sent at 11 s, arrives after the kick.
    let script = [login("0s", "B"), login("10s", "A"), json!({ "at": "11.3s", "do": kick })];
    let ran = story(&profile, "600ms", &script);
    let of_a = |it: &&String| it.contains("ADD A") || it.contains("DELETE A");
    let heard: Vec<_> = ran.lines_of("B").into_iter().filter(|it| of_a(&it)).collect();
    // Accepted at 10.62 s, kicked at 11.3 s; 100 ms until the server tells, 600 ms to B.
    assert_eq!(heard, ["11.320000 B ADD A", "12.000000 B DELETE A"]);
}

/// The answer is lost and the client is kicked out before it repeats its login: it is told.
// spec: R37
#[test]
fn who_is_kicked_out_before_it_knows_that_it_is_in_is_told() {
    let profile = json!({ "base": "zego-doc", "kick_memory": "off" });
    let kick = json!({ "kickoutUser": { "room": "r", "users": ["A"] } });
    let script = [
        login("10s", "A"),
        outage("10.1s", "silent", "down", "500ms"),
        json!({ "at": "10.5s", "do": kick }),
    ];
    let ran = story(&profile, "50ms", &script);
    // Repeated at 11 s; there and back.
    assert_eq!(ran.lines_of("A")[1..], ["11.100000 A LoginFailed 1002055"]);
}

// spec: R32
#[test]
fn a_forgotten_kick_does_not_hide_that_the_user_came_from_elsewhere_since() {
    let profile = json!({ "base": "zego-doc", "kick_memory": "off" });
    let kick = json!({ "kickoutUser": { "room": "r", "users": ["A"] } });
    let script = [
        login("10s", "A"),
        outage("20s", "link_down", "both", "1min"),
        json!({ "at": "40s", "do": kick }),
        login("60s", "tablet"),
    ];
    let ran = story(&profile, "50ms", &script);
    assert_eq!(ran.lines_of("A").last().unwrap(), "80.100000 A ReconnectFailed 1002086");
    assert_eq!(ran.lines_of("tablet").last().unwrap(), "60.120000 tablet Logined 0");
}

// spec: R43
#[test]
fn a_login_that_was_accepted_is_not_refused_when_it_is_repeated() {
    // The first acceptance is lost; when the repetition arrives, at 11.05 s, the token is over.
    let login_a = json!({ "loginRoom": { "room": "r", "token": "900ms" } });
    let script = [
        login("0s", "B"),
        json!({ "at": "10s", "client": "A", "do": login_a }),
        outage("10.1s", "silent", "down", "100ms"),
    ];
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "login" } });
    let ran = story(&profile, "50ms", &script);
    assert_eq!(ran.lines_of("A")[1], "11.120000 A Logined 0");
}

/// The way up breaks while the answer is under way: the client learns both at once.
// spec: R19
#[test]
fn an_outage_that_began_before_the_answer_came_is_known_at_once() {
    let script = [login("10s", "A"), outage("10.08s", "silent", "up", "5min")];
    let ran = story(&json!("zego-doc"), "50ms", &script);
    assert_eq!(
        ran.lines_of("A")[1..3],
        ["10.120000 A Logined 0", "10.120000 A Reconnecting 1002051"]
    );
}

/// What was not observed has not held.
#[test]
fn an_absence_beyond_the_end_of_the_run_does_not_hold() {
    let text = |from: &str, to: &str| {
        json!({
            "version": 1, "name": "end", "duration": "1min", "profile": "zego-doc",
            "links": { "x": { "delay": "50ms" } },
            "clients": [ { "name": "A", "link": "x" } ],
            "script": [ {
                "at": "10s", "client": "A", "do": { "loginRoom": { "room": "r" } }, "mark": "T0",
            } ],
            "expect": [ { "client": "A", "never": "any", "from": from, "to": to } ],
        })
        .to_string()
    };
    for (from, to, held) in
        [("T0+1s", "T0+50s", true), ("T0+1s", "T0+51s", false), ("T0+1h", "T0+2h", false)]
    {
        assert_eq!(run(&text(from, to), None).judged().held(), held, "{from} to {to}");
    }
}
