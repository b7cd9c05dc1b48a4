//! Attempts to log in, each a connection of its own.  Unless it is said, a link takes 50 ms each
//! way and the server 20 ms: a login takes 120 ms, a refusal 100 ms.

use std::num::NonZeroUsize;

use roomsim::{
    link::Cause,
    protocol::message::Kind,
    sim::{self, Heartbeats, How},
    sink::{judge::Judgement, trace::Recorder},
};
use serde_json::{Value, json};

use crate::support::{
    Ran, after, call, client, event, gallery, link_down, login, logout, parse, run, scenario,
    silent, with,
};

const PROFILES: [&str; 4] = ["zego-doc", "zego", "zego-100s", "zego-web"];

/// The scenarios of the gallery that are about attempts.
const TOLD: [&str; 8] = [
    "attempt-answered-late",
    "attempt-answered-late-accepted",
    "kicked-and-expired-while-away",
    "network-changed-while-reconnecting",
    "network-gone-during-an-attempt",
    "network-left-with-an-answer-under-way",
    "retry-from-start",
    "token-warning-while-away",
];

#[test]
fn what_the_gallery_tells_of_attempts_holds_however_it_is_run() {
    for name in TOLD {
        let scenario = parse(&gallery(name)).unwrap();
        for seed in 1..=20 {
            let mut digests = Vec::new();
            for heartbeats in [Heartbeats::PassedOver, Heartbeats::EachOne] {
                for n_threads in [1, 2, 8] {
                    let n_threads = NonZeroUsize::new(n_threads).unwrap();
                    let how = How { n_threads, heartbeats };
                    let mut all = Recorder::default();
                    let sinks = sim::run_on(&scenario, seed, how, Recorder::default);
                    for sink in sinks {
                        all.join(sink);
                    }
                    let trace = all.finish(&scenario);
                    let judged = Judgement::of(&scenario, &trace);
                    let has_held = judged.verdicts.iter().all(|it| it.held);
                    assert!(has_held, "{name} with seed {seed}, {how:?}");
                    digests.push(trace.digest(&scenario));
                }
            }
            digests.dedup();
            assert_eq!(digests.len(), 1, "{name} with seed {seed}");
        }
    }
}

/// A run of A, B and C on links that the stories need, in a profile.
pub(crate) fn story(profile: &Value, of_a: &Value, script: &[Value]) -> Ran {
    let clients = [client("A", of_a), client("B", &json!({})), client("C", &json!({}))];
    let mut story = scenario(profile, &clients, script);
    story["links"] = json!({
        "home": { "delay": "50ms" },
        "street": { "delay": "50ms" },
        "dead": { "delay": "50ms", "loss": "100%" },
        "grave": { "delay": "50ms", "loss": "100%" },
        "far": { "delay": "2s" },
    });
    run(&story.to_string(), None)
}

/// A's device goes to another network.
fn move_to(at: &str, link: &str) -> Value {
    event(at, &json!({ "changeNetwork": { "clients": ["A"], "to": link } }))
}

fn change_link(at: &str, link: &str) -> Value {
    event(at, &json!({ "changeLink": { "clients": ["A"], "to": link } }))
}

/// What A's app is told of its status, but for who is there.
pub(crate) fn status(ran: &Ran) -> Vec<String> {
    let lines = ran.lines_of("A");
    lines.into_iter().filter(|it| !it.contains("ADD") && !it.contains("DELETE")).collect()
}

fn ms(at: u64) -> String {
    format!("{at}ms")
}

/// The instant in seconds, as traces tell it.
fn secs(at_ms: u64) -> String {
    format!("{}.{:03}000", at_ms / 1000, at_ms % 1000)
}

// ---- A network that changes ----

// spec: R7, R20; A8, A54
#[test]
fn another_network_is_tried_at_once_whatever_the_client_is_doing() {
    for profile in PROFILES {
        for mode in ["single", "multi"] {
            // Trying, waiting, repeating: once every few seconds, and all are tried by some of them.
            for at in (90_000..145_000).step_by(3170) {
                let script = [
                    login("0s", "B"),
                    login("10s", "A"),
                    change_link("60s", "dead"),
                    move_to(&ms(at), "street"),
                ];
                let ran = story(&json!(profile), &json!({ "roomMode": mode }), &script);
                let told = status(&ran);
                let back = format!("{} A Reconnected 0", secs(at + 120));
                assert_eq!(told.last().unwrap(), &back, "{profile} {mode} {at}");
                assert_eq!(told.len(), 4, "{told:?}");
                // A heartbeat every 30 s was last heard at 30 s, perhaps: the lease of 100 s may be over.
                if profile != "zego-web" || at < 130_000 {
                    assert_eq!(after(&ran.lines_of("B"), 11), Vec::<&str>::new(), "{profile} {at}");
                }
            }
        }
    }
}

// spec: R4; A8, A54
#[test]
fn another_network_is_tried_at_once_by_a_first_login() {
    for profile in PROFILES {
        for at in [10_001, 12_000, 19_000, 20_000, 21_500, 40_000, 100_000, 200_000] {
            let script = [change_link("0s", "dead"), login("10s", "A"), move_to(&ms(at), "street")];
            let ran = story(&json!(profile), &json!({}), &script);
            let logined = format!("{} A Logined 0", secs(at + 120));
            assert_eq!(status(&ran), ["10.000000 A Logining 0", &logined], "{profile} {at}");
        }
    }
}

/// Each room of a client has an attempt of its own; all are made anew.
// spec: R47
#[test]
fn another_network_is_tried_at_once_in_each_room() {
    let enter = |at: &str, room: &str| call(at, "A", &json!({ "loginRoom": { "room": room } }));
    let script = [
        enter("10s", "r"),
        enter("20s", "s"),
        change_link("60s", "dead"),
        enter("70s", "t"),
        move_to("100s", "street"),
    ];
    let ran = story(&json!("zego"), &json!({ "roomMode": "multi" }), &script);
    let lines = ran.lines_of("A");
    let back = after(&lines, 100);
    assert_eq!(back.len(), 3, "{back:?}");
    assert!(back.iter().all(|it| it.starts_with("100.120000 ")), "{back:?}");
}

/// The second move comes while the login over the first network is under way, which takes 120 ms.
// A33, A54
#[test]
fn an_answer_to_an_address_that_was_left_is_not_heard() {
    for profile in PROFILES {
        for (away_ms, is_heard) in
            [(1, false), (50, false), (119, false), (120, false), (121, true)]
        {
            let script = [
                login("10s", "A"),
                move_to("60s", "street"),
                move_to(&ms(60_000 + away_ms), "dead"),
                move_to("100s", "street"),
            ];
            let ran = story(&json!(profile), &json!({}), &script);
            // The web SDK tells of no interruption that is over within 8 s.
            let n_told = usize::from(is_heard && profile != "zego-web");
            assert_eq!(
                ran.told("A", "60.120000 A Reconnected").len(),
                n_told,
                "{profile} {away_ms}"
            );
            assert_eq!(ran.told("A", "100.120000 A Reconnected").len(), 1, "{profile} {away_ms}");
        }
    }
}

/// The network is back at 70 s, and gone again so long afterwards, for 5 ms.
// A33, A65
#[test]
fn an_answer_to_a_connection_that_was_lost_counts_no_more() {
    for profile in ["zego-doc", "zego", "zego-100s"] {
        for (away_ms, back_ms) in
            [(0, 70_125), (1, 70_126), (90, 70_215), (119, 70_244), (120, 70_245)]
        {
            let gone = |at_ms: u64| link_down(&ms(at_ms), "A", "5ms");
            let script = [login("10s", "A"), link_down("60s", "A", "10s"), gone(70_000 + away_ms)];
            let ran = story(&json!(profile), &json!({}), &script);
            let back = format!("{} A Reconnected 0", secs(back_ms));
            let told = ["60.000000 A Reconnecting 1002051", &back];
            assert_eq!(status(&ran)[2..], told, "{profile} {away_ms}");
            // The same, of a first login.
            let script = [link_down("0s", "A", "70s"), login("10s", "A"), gone(70_000 + away_ms)];
            let ran = story(&json!(profile), &json!({}), &script);
            let logined = format!("{} A Logined 0", secs(back_ms));
            assert_eq!(status(&ran)[1..], [logined], "{profile} {away_ms}");
        }
    }
}

/// An outage that nobody announces takes no attempt with it, in any profile: what comes is heard.
#[test]
fn a_silent_outage_is_not_known_to_an_attempt() {
    for profile in ["zego-doc", "zego"] {
        let script = [link_down("0s", "A", "70s"), login("10s", "A"), silent("70.09s", "A", "5ms")];
        let ran = story(&json!(profile), &json!({}), &script);
        assert_eq!(status(&ran)[1..], ["70.120000 A Logined 0"], "{profile}");
    }
}

/// The logout is at the server 50 ms later and confirmed 50 ms after that; else it is repeated
/// after 1 s.
// A17, A33
#[test]
fn the_answer_to_a_logout_is_not_heard_at_another_address() {
    for (moved_ms, n_sent) in
        [(59_999, 1), (60_001, 2), (60_050, 2), (60_099, 2), (60_100, 2), (60_101, 1)]
    {
        let script = [login("10s", "A"), logout("60s", "A"), move_to(&ms(moved_ms), "street")];
        let ran = story(&json!("zego-doc"), &json!({}), &script);
        let count = ran.counters.of(Kind::Logout);
        // Gone 1 ms before, it is out when its relogin comes; and the logout follows that.
        assert_eq!(count.sent, n_sent, "{moved_ms}");
        let lost = ran.counters.of(Kind::LogoutAccepted).dropped[Cause::AddressLeft as usize];
        assert_eq!(lost, n_sent - 1, "{moved_ms}");
    }
}

/// Only a time-out or a refusal makes an attempt fail: with three of them at 20, 31 and 42 s, the
/// budget is spent.  Attempts were made at 0 s, 5 s and 10 s, too.
// A65
#[test]
fn an_attempt_that_makes_place_for_another_has_not_failed() {
    let profile =
        json!({ "base": "zego", "retry": { "fixed": "1s", "budget": { "attempts": 3 } } });
    let script = [
        change_link("0s", "dead"),
        login("0s", "A"),
        move_to("5s", "grave"),
        link_down("8s", "A", "2s"),
    ];
    let ran = story(&profile, &json!({}), &script);
    assert_eq!(status(&ran)[1..], ["42.000000 A LoginFailed 1002053"]);
}

/// At the very end of the time for retrying it is too late to begin anew.
#[test]
fn another_network_at_the_instant_of_giving_up_is_too_late() {
    let profile = json!({ "base": "zego", "retry": { "budget": "30s" } });
    for (moved_at, told) in
        [("40s", "40.000000 A LoginFailed 1002053"), ("39.88s", "40.000000 A Logined 0")]
    {
        let script = [change_link("0s", "dead"), login("10s", "A"), move_to(moved_at, "street")];
        let ran = story(&profile, &json!({}), &script);
        assert_eq!(status(&ran)[1..], [told], "{moved_at}");
    }
}

// ---- Answers that come late ----

/// A login takes 4.02 s, and so long may an attempt take: what comes at its very end is in time.
fn slow(timeout: &str, retry: &Value) -> Value {
    let retry =
        with(json!({ "fixed": "60s", "attempt_timeout": timeout, "budget": "5min" }), retry);
    json!({ "base": "zego", "retry": retry, "resend": { "first": "10s" } })
}

// A5, A64
#[test]
fn an_attempt_that_has_failed_cannot_succeed() {
    let script = [login("0s", "B"), change_link("0s", "far"), login("10s", "A")];
    let told = |timeout: &str, retry: &Value| {
        let ran = story(&slow(timeout, retry), &json!({}), &script);
        status(&ran)[1].clone()
    };
    assert_eq!(told("4020ms", &json!({})), "14.020000 A Logined 0");
    assert_eq!(told("4019.999ms", &json!({})), "310.000000 A LoginFailed 1002053");
    let accepted = json!({ "late_answer": "accepted" });
    assert_eq!(told("4019.999ms", &accepted), "14.020000 A Logined 0");
    assert_eq!(told("1s", &accepted), "14.020000 A Logined 0");
}

/// The same of a relogin: the network is another one from 60 s on.
// A64
#[test]
fn an_attempt_that_has_failed_cannot_reconnect() {
    let script = [login("10s", "A"), move_to("60s", "far")];
    for (timeout, told) in [
        ("4020ms", "64.020000 A Reconnected 0"),
        ("4019.999ms", "360.000000 A ReconnectFailed 1002053"),
    ] {
        let ran = story(&slow(timeout, &json!({})), &json!({}), &script);
        assert_eq!(status(&ran)[3], told, "{timeout}");
    }
}

/// A refusal takes 4 s.
// A64
#[test]
fn an_attempt_that_has_failed_cannot_be_refused() {
    let refuse = |code: u32| {
        let outage =
            json!({ "clients": ["A"], "kind": "refuse", "errorCode": code, "for": "20min" });
        event("0s", &json!({ "outage": outage }))
    };
    for (timeout, told) in [
        ("4s", "14.000000 A LoginFailed 1002034"),
        ("3999.999ms", "310.000000 A LoginFailed 1002053"),
    ] {
        let script = [change_link("0s", "far"), refuse(1_002_034), login("10s", "A")];
        let ran = story(&slow(timeout, &json!({})), &json!({}), &script);
        assert_eq!(status(&ran)[1], told, "{timeout}");
    }
}

/// The answer to the first attempt is lost; the second, 4 s later, finds the session alive.  The
/// others hear of A once, and the backend that it has logged in again.
// spec: R20, R30; A64
#[test]
fn the_attempt_after_one_that_was_accepted_is_a_relogin_of_the_session() {
    let profile = json!({
        "base": "zego", "retry": { "fixed": "1s", "attempt_timeout": "3s" },
        "resend": { "first": "5s" },
    });
    let cut = json!({ "clients": ["A"], "kind": "silent", "direction": "down", "for": "1s" });
    let script = [login("0s", "B"), login("10s", "A"), event("10.1s", &json!({ "outage": cut }))];
    let clients = [client("A", &json!({})), client("B", &json!({}))];
    let mut story = scenario(&profile, &clients, &script);
    story["backend"] = json!({});
    let ran = run(&story.to_string(), None);
    assert_eq!(status(&ran), ["10.000000 A Logining 0", "14.120000 A Logined 0"]);
    assert_eq!(after(&ran.lines_of("B"), 1), ["10.220000 B ADD A"]);
    assert_eq!(
        ran.server_lines()[2..],
        ["10.070000 room_login r A", "14.070000 room_login r A relogin"]
    );
}

/// The answer that A does not wait for any more comes while A logs in to another room.
// spec: R34; A64
#[test]
fn a_late_answer_is_none_to_a_new_login() {
    let enter = |at: &str, room: &str| call(at, "A", &json!({ "loginRoom": { "room": room } }));
    let script = [
        login("0s", "B"),
        change_link("0s", "far"),
        enter("10s", "r"),
        logout("11s", "A"),
        enter("13.5s", "s"),
    ];
    let ran = story(&json!("zego"), &json!({}), &script);
    // The first answer comes at 14.02 s; the second is sent 3.5 s after it.
    assert_eq!(
        status(&ran),
        [
            "10.000000 A Logining 0",
            "11.000000 A Logout 0",
            "13.500000 A Logining 0",
            "17.520000 A Logined 0"
        ]
    );
    assert_eq!(after(&ran.lines_of("B"), 1), ["12.170000 B ADD A", "13.150000 B DELETE A"]);
}
