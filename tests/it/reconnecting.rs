//! What apps know in the end, when something happened that they could not hear of at once.

use serde_json::json;

use crate::support::{call, link_down, login, publish, story, story_in, unpublish};

// spec: R49; A34
#[test]
fn a_stop_of_the_only_stream_during_an_outage_is_told_after_it() {
    for profile in ["zego-doc", "zego", "zego-web"] {
        for at in ["60s", "70s"] {
            let script = [
                login("0s", "B"),
                login("10s", "A"),
                publish("20s", "A", "x"),
                link_down("60s", "A", "30s"),
                unpublish(at, "A", "x"),
            ];
            let ran = story_in(&json!(profile), &["A", "B"], &script);
            // Back at 90.12 s; 200 ms to B.
            let last = ran.told("B", "stream").last().unwrap().clone();
            assert_eq!(last, "90.320000 B DELETE stream x (reason 1)", "{profile} {at}");
        }
    }
}

// spec: R49; A16, A35
#[test]
fn who_was_away_is_told_that_a_stream_id_has_another_publisher_now() {
    let script = [
        login("0s", "A"),
        login("0s", "B"),
        login("0s", "C"),
        publish("20s", "A", "x"),
        link_down("60s", "B", "30s"),
        unpublish("70s", "A", "x"),
        publish("71s", "C", "x"),
    ];
    let ran = story(&["A", "B", "C"], &script);
    let lines = ran.told("B", "stream");
    assert_eq!(lines.len(), 3, "{lines:?}"); // ADD of A's, DELETE of A's, ADD of C's
}

// spec: R49; A35
#[test]
fn who_was_away_is_told_that_the_stream_of_somebody_who_left_is_gone() {
    let out = call("70s", "A", &json!({ "logoutRoom": {} }));
    let script = [
        login("0s", "A"),
        login("0s", "B"),
        login("0s", "C"),
        publish("20s", "A", "x"),
        link_down("60s", "B", "30s"),
        out,
        publish("71s", "C", "x"),
    ];
    let ran = story(&["A", "B", "C"], &script);
    let of_b = ran.lines_of("B");
    let at = |what: &str| of_b.iter().position(|it| it.contains(what));
    let (stream, user) = (at("DELETE stream x"), at("DELETE A"));
    assert!(stream.is_some() && stream < user, "{of_b:?}");
}

// spec: R61; A34
#[test]
fn what_was_not_answered_when_the_engine_was_destroyed_has_failed() {
    let send = json!({ "sendBroadcastMessage": { "room": "r", "message": "hello" } });
    let script = [
        login("0s", "A"),
        call("20s", "A", &send),
        call("20.01s", "A", &json!({ "destroyEngine": {} })),
    ];
    let ran = story(&["A"], &script);
    assert_eq!(ran.told("A", "hello"), ["20.010000 A sendBroadcastMessage Failed 1000002 (hello)"]);
}

// spec: R55; A15
#[test]
fn all_know_the_same_extra_info_in_the_end() {
    let info = |at: &str, who: &str, value: &str| {
        let info = json!({ "room": "r", "key": "k", "value": value });
        call(at, who, &json!({ "setRoomExtraInfo": info }))
    };
    for second in ["20s", "20.099s", "20.2s"] {
        let script = [
            login("0s", "A"),
            login("0s", "B"),
            info("20s", "A", "a"),
            info(second, "B", "b"),
            login("30s", "C"),
        ];
        let ran = story(&["A", "B", "C"], &script);
        assert!(ran.told("C", "extra")[0].contains("k=b"));
        // The last that B knows is its own success with b, not A's older a.
        let of_b = ran.lines_of("B");
        let last = of_b.iter().rfind(|it| it.contains("xtra")).unwrap();
        assert!(last.contains("(b)"), "{second}: {of_b:?}");
    }
}
