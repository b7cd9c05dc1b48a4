//! The waits between attempts to log in.  A link takes 50 ms each way and the server 20 ms: a login
//! takes 120 ms, a refusal 100 ms.

use roomsim::protocol::message::Kind;
use serde_json::{Value, json};

use crate::{
    attempts::{status, story},
    link_refusals::{assert_faults, base},
    support::{call, client, event, login, run, scenario, with},
};

/// Whether the waits count from the end of an attempt or from its start.  Nothing gets through, and
/// no request is repeated, so each login that is sent is an attempt.
// A67
#[test]
fn waits_count_from_the_end_or_from_the_start_of_an_attempt() {
    // At 0 s, 11 s … 99 s; at 0 s, 10 s … 100 s; and where the wait is longer, 0 s, 15 s … 105 s.
    for (from, wait, n) in [("end", "1s", 10), ("start", "1s", 11), ("start", "15s", 8)] {
        let profile = json!({
            "base": "zego", "retry": { "fixed": wait, "from": from }, "resend": { "first": "1h", "cap": "1h" },
        });
        let mut story = scenario(&profile, &[client("A", &json!({}))], &[login("0s", "A")]);
        story["links"] = json!({ "home": { "loss": "100%" } });
        story["duration"] = json!("109s");
        let ran = run(&story.to_string(), None);
        assert_eq!(ran.counters.of(Kind::Login).sent, n, "{from} {wait}");
    }
}

/// Each attempt is refused after 100 ms; the refusals end at 20 s, and the next attempt gets in.
// A67
#[test]
fn waits_count_from_a_refusal_or_from_the_start() {
    let outage = json!({
        "clients": ["A"], "kind": "refuse", "errorCode": 1_002_072, "for": "10s",
    });
    let script = [event("10s", &json!({ "outage": outage })), login("10s", "A")];
    for (from, told) in [
        // At 10 + 1.1 n s: the tenth after the first at 21 s.  At 10 + n s: at 20 s.
        ("end", "21.120000 A Logined 0"),
        ("start", "20.120000 A Logined 0"),
    ] {
        let profile = json!({ "base": "zego", "retry": { "fixed": "1s", "from": from } });
        let ran = story(&profile, &json!({}), &script);
        assert_eq!(status(&ran)[1], told, "{from}");
    }
}

/// A drawn wait is any time of its range: of 1000 clients, those whose second attempt is made in
/// each quarter of it are 250 with a deviation of the root of 187.5, 13.7: 5 sigma are 69.
#[test]
fn waits_are_drawn_from_all_of_their_range() {
    for wait in [json!({ "uniform": "3s..5s" }), json!({ "wait": "4s", "jitter": "25%" })] {
        for retry in [
            json!({ "fixed": wait }),
            json!({ "list": [wait] }),
            json!({ "exponential": { "base": "4s", "cap": "4s", "jitter": "25%" } }),
        ] {
            // The refusal comes after 100 ms, the wait follows it, and the next is not refused.
            let profile = json!({ "base": "zego", "retry": retry, "login_rate": "none" });
            let outage = json!({
                "clients": ["many"], "kind": "refuse", "errorCode": 1_002_072, "for": "1s",
            });
            let enter = json!({ "loginRoom": { "room": "r", "isUserStatusNotify": false } });
            let many = json!({ "name": "many", "count": 1000, "link": "home" });
            let script = [event("0s", &json!({ "outage": outage })), call("0s", "many", &enter)];
            let mut story = scenario(&profile, &[many], &script);
            story["duration"] = json!("1min");
            let ran = run(&story.to_string(), None);
            let lines = ran.lines();
            let logined = lines.iter().filter(|it| it.contains("Logined"));
            let mut quarters = [0_u32; 4];
            for line in logined {
                let digits = line.split(' ').next().unwrap().replace('.', "");
                let waited = digits.parse::<usize>().unwrap() - 100_000 - 120_000;
                assert!((3_000_000..=5_000_000).contains(&waited), "{line}");
                quarters[((waited - 3_000_000) / 500_000).min(3)] += 1;
            }
            assert_eq!(quarters.iter().sum::<u32>(), 1000);
            assert!(quarters.iter().all(|it| it.abs_diff(250) < 69), "{retry} {quarters:?}");
        }
    }
}

#[test]
fn what_is_wrong_with_waits_is_told() {
    let list = |wait: Value| json!({ "list": [wait] });
    let uniform = |range: &str| list(json!({ "uniform": range }));
    let jitter = |share: &str| json!({ "fixed": { "wait": "3s", "jitter": share } });
    let growing =
        |share: &str| json!({ "exponential": { "base": "1s", "cap": "2s", "jitter": share } });
    let (range, share) = ["/list/0/uniform", "/fixed/jitter"].into();
    let cases = [
        (
            list(json!("1s..1.5s")),
            "/list/0",
            "whole seconds (write it as \"1s..3s\", or as { \"unif",
        ),
        (json!({ "fixed": "3s..1s" }), "/fixed", "`3s..1s` is not a range of whole seconds"),
        (uniform("3s..1s"), range, "`3s..1s` is not a range of times (write it as \"1s..3s\""),
        (uniform("1s"), range, "`1s` is not a range of times"),
        (uniform("1..3s"), range, "`1..3s` is not a range of times"),
        (list(json!({ "uniform": 7 })), range, "`7` is not a range of times"),
        (
            list(json!({ "uniform": "1s..3s", "jitter": "5%" })),
            "/list/0/jitter",
            "unknown field `jitter` (known: `uniform`)",
        ),
        (list(json!({ "wait": "3s" })), "/list/0", "`jitter` is missing"),
        (
            jitter("101%"),
            share,
            "`101%` is not a share of a wait (write it as \"25%\", at most 100%",
        ),
        (jitter("100.1%"), share, "`100.1%` is not a share of a wait"),
        (jitter("2.55%"), share, "`2.55%` is not a share of a wait"),
        (jitter("%"), share, "`%` is not a share of a wait"),
        (jitter(".5%"), share, "`.5%` is not a share of a wait"),
        (jitter("-5%"), share, "`-5%` is not a share of a wait"),
        (jitter("full"), share, "`full` is not a share of a wait"),
        (growing("+5%"), "/exponential/jitter", "`+5%` is not a share of a wait"),
        (json!({ "from": "begin" }), "/from", "`begin`"),
        (json!({ "late_answer": "on" }), "/late_answer", "`on`"),
    ];
    let of =
        |retry: &Value| with(base(), &json!({ "profile": { "base": "zego", "retry": retry } }));
    for (retry, place, piece) in cases {
        assert_faults(&of(&retry), "/profile/retry", &[[place, piece]]);
    }
    for retry in [
        uniform("0s..0s"),
        uniform("1s..1.5s"),
        jitter("100%"),
        jitter("0%"),
        jitter("0.5%"),
        growing("25%"),
        json!({ "fixed": "1s..3s" }),
    ] {
        assert_faults(&of(&retry), "", &[]);
    }
}
