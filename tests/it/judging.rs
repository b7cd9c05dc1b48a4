//! When an expectation holds, to the microsecond.  A is in at 10.12 s.

use serde_json::{Value, json};

use crate::support::run;

/// Whether an expectation about A's login at 10 s holds; `times` are its other fields.
fn holds(kind: &str, times: &Value) -> bool {
    let mut expectation =
        json!({ "client": "A", kind: { "onRoomStateChanged": { "reason": "Logined" } } });
    expectation.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
    let text = json!({
        "version": 1, "name": "judging", "duration": "1min", "profile": "zego-doc",
        "links": { "x": { "delay": "50ms" } },
        "clients": [ { "name": "A", "link": "x" } ],
        "script": [
            { "at": "10s", "client": "A", "do": { "loginRoom": { "room": "r" } }, "mark": "T0" },
        ],
        "expect": [expectation],
    });
    run(&text.to_string(), None).judged().held()
}

#[test]
fn an_exact_instant_is_exact() {
    assert!(holds("callback", &json!({ "at": "T0+120ms" })));
    assert!(!holds("callback", &json!({ "at": "T0+120.001ms" })));
    assert!(!holds("callback", &json!({ "at": "T0+119.999ms" })));
}

#[test]
fn a_tolerance_includes_both_its_ends() {
    for (at, held) in [("T0+115ms", true), ("T0+114.999ms", false)] {
        assert_eq!(holds("callback", &json!({ "at": at, "within": "5ms" })), held, "{at}");
    }
    for (at, held) in [("T0+125ms", true), ("T0+125.001ms", false)] {
        assert_eq!(holds("callback", &json!({ "at": at, "within": "5ms" })), held, "{at}");
    }
}

#[test]
fn a_time_includes_both_its_ends() {
    for (from, to, seen) in [
        ("10.12s", "20s", true),
        ("10.120001s", "20s", false),
        ("0s", "10.12s", true),
        ("0s", "10.119999s", false),
    ] {
        let times = json!({ "from": from, "to": to });
        assert_eq!(holds("callback", &times), seen, "{from} to {to}");
        assert_eq!(holds("never", &times), !seen, "never {from} to {to}");
    }
}

#[test]
fn without_a_time_the_whole_run_is_meant() {
    assert!(holds("callback", &json!({})));
    assert!(!holds("never", &json!({})));
}
