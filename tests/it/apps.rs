//! The app and its device: engines that are destroyed, apps that are killed or stand still, and
//! what the device says of its network.

use serde_json::{Value, json};

use crate::support::{
    Ran, after, call, client, event, link_down, login, logout, publish, run, scenario, send,
    silent, story, story_in,
};

fn destroy(at: &str) -> Value {
    call(at, "A", &json!({ "destroyEngine": {} }))
}

fn suspend(at: &str, span: &str) -> Value {
    call(at, "A", &json!({ "suspendApp": { "for": span } }))
}

/// Heartbeats one interval after the login, so at 15.12, 20.12 … 55.12, 60.12 s.
fn beating() -> Value {
    json!({ "base": "zego", "heartbeat": { "phase": "login" } })
}

/// B is in the room, A comes at 10 s.
fn pair(profile: &Value, script: &[Value]) -> Ran {
    let mut all = vec![login("0s", "B"), login("10s", "A")];
    all.extend_from_slice(script);
    story_in(profile, &["A", "B"], &all)
}

fn doc(script: &[Value]) -> Ran {
    pair(&json!("zego-doc"), script)
}

// spec: R61
#[test]
fn destroying_the_engine_logs_out_of_all_rooms() {
    let ran = doc(&[destroy("60s")]);
    assert_eq!(after(&ran.lines(), 11), ["60.000000 A Logout 0", "60.200000 B DELETE A"]);
    let clients = [client("A", &json!({ "roomMode": "multi" }))];
    let enter = |room: &str| call("10s", "A", &json!({ "loginRoom": { "room": room } }));
    let script = [enter("r"), enter("s"), destroy("60s")];
    let ran = run(&scenario(&json!("zego-doc"), &clients, &script).to_string(), None);
    assert_eq!(ran.told("A", "60.000000 A Logout 0").len(), 2);
    // Who is in no room is told nothing.
    let ran = story(&["A"], &[destroy("60s")]);
    assert_eq!(ran.lines(), Vec::<String>::new());
}

/// The gap is over before anything is repeated.
// spec: R12, R61
#[test]
fn the_logout_of_a_destroyed_engine_is_sent_once() {
    // The heartbeat of 60.12 s is lost, too: the last arrived at 55.17 s, and the lease is 90 s.
    let ran = pair(&beating(), &[silent("60s", "A", "500ms"), destroy("60.2s")]);
    assert_eq!(after(&ran.lines_of("A"), 11), ["60.200000 A Logout 0"]);
    assert_eq!(after(&ran.lines_of("B"), 11), ["145.320000 B DELETE A"]);
    // `logoutRoom` is repeated after 1 s: 50, 100 and 50 ms after that B knows.
    let ran = pair(&beating(), &[silent("60s", "A", "500ms"), logout("60.2s", "A")]);
    assert_eq!(after(&ran.lines_of("B"), 11), ["61.400000 B DELETE A"]);
}

// spec: R61
#[test]
fn without_an_engine_every_call_fails() {
    let deeds = [
        json!({ "loginRoom": { "room": "r" } }),
        json!({ "switchRoom": { "from": "r", "to": "s" } }),
        json!({ "renewToken": { "token": "10min" } }),
        json!({ "startPublishingStream": { "stream": "x" } }),
        json!({ "setRoomExtraInfo": { "room": "r", "key": "k", "value": "v" } }),
        json!({ "sendBroadcastMessage": { "room": "r", "message": "m" } }),
    ];
    for deed in deeds {
        let name = deed.as_object().unwrap().keys().next().unwrap().clone();
        let ran = doc(&[destroy("60s"), call("70s", "A", &deed)]);
        let lines = ran.lines_of("A");
        let last = lines.last().unwrap();
        assert!(last.starts_with("70.000000 A "), "{name}: {lines:?}");
        assert!(last.contains("Failed 1000001"), "{name}: {lines:?}");
        assert_eq!(after(&lines, 11).len(), 2, "{name}: {lines:?}");
    }
    for deed in [json!({ "logoutRoom": {} }), json!({ "logoutRoom": { "room": "r" } })] {
        let ran = doc(&[destroy("60s"), call("70s", "A", &deed)]);
        assert_eq!(after(&ran.lines_of("A"), 61), ["70.000000 A LogoutFailed 1000001"]);
    }
}

// spec: R61
#[test]
fn with_a_new_engine_the_app_may_log_in() {
    let create = call("70s", "A", &json!({ "createEngine": {} }));
    let ran = doc(&[destroy("60s"), create, login("70s", "A")]);
    assert_eq!(
        after(&ran.lines_of("A"), 11),
        [
            "60.000000 A Logout 0",
            "70.000000 A Logining 0",
            "70.120000 A Logined 0",
            "70.220000 A ADD B"
        ]
    );
}

// spec: R61
#[test]
fn an_engine_that_is_destroyed_while_reconnecting_retries_no_more() {
    let ran = doc(&[link_down("60s", "A", "30s"), destroy("70s")]);
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.000000 A Reconnecting 1002051",
            "70.000000 A Logout 0",
            "150.150000 B DELETE A" // the lease runs from the outage
        ]
    );
}

// spec: R62
#[test]
fn a_killed_app_says_nothing() {
    let ran = doc(&[call("60s", "A", &json!({ "killApp": {} }))]);
    // In this profile the lease ends 90 s after the client stops being in the room.
    assert_eq!(after(&ran.lines(), 11), ["150.150000 B DELETE A"]);
    let ran = pair(&beating(), &[call("60s", "A", &json!({ "killApp": {} }))]);
    // The last heartbeat arrived at 55.17 s.
    assert_eq!(after(&ran.lines(), 11), ["145.320000 B DELETE A"]);
}

// spec: R62
#[test]
fn a_started_app_is_logged_out_until_it_logs_in() {
    for start in ["60s", "80s", "149s"] {
        let ran = doc(&[
            call("60s", "A", &json!({ "killApp": {} })),
            call(start, "A", &json!({ "startApp": {} })),
            login("149.5s", "A"),
        ]);
        assert_eq!(
            after(&ran.lines(), 11),
            ["149.500000 A Logining 0", "149.620000 A Logined 0", "149.720000 A ADD B"],
            "{start}"
        );
    }
}

// spec: R62
#[test]
fn a_started_app_in_another_room_has_left_the_first() {
    let ran = doc(&[
        call("60s", "A", &json!({ "killApp": {} })),
        call("70s", "A", &json!({ "startApp": {} })),
        call("80s", "A", &json!({ "loginRoom": { "room": "s" } })),
    ]);
    // spec: R31
    // The login arrives at 80.05 s and is accepted at 80.07 s; 150 ms to B.
    let heard = ran.lines_of("B");
    let heard = after(&heard, 11);
    let expected = [["80.200000 B DELETE A"], ["80.220000 B DELETE A"]];
    assert!(expected.iter().any(|it| heard == it), "{heard:?}");
}

/// In `zego-doc` the app finds its connection broken when it goes on.  Its login arrives 50 ms
/// later; the lease ends at 150 s.
// spec: R15, R20, R21
#[test]
fn an_app_that_stands_still_to_the_very_end_of_its_lease_is_in_time() {
    for (span, expected) in [
        ("89.949999s", Vec::new()),
        ("89.95s", Vec::new()),
        // Gone at 150 s, and back at 150.000001 s and 20 ms of work; 150 ms to B.
        ("89.950001s", vec!["150.150000 B DELETE A", "150.170001 B ADD A"]),
        ("90s", vec!["150.150000 B DELETE A", "150.220000 B ADD A"]),
    ] {
        let ran = doc(&[suspend("60s", span)]);
        assert_eq!(after(&ran.lines_of("B"), 11), expected, "still for {span}");
        let lines = ran.lines_of("A");
        let told = ["Reconnecting 1002051", "Reconnected 0"];
        let told: Vec<bool> = lines[3..].iter().zip(told).map(|(a, b)| a.ends_with(b)).collect();
        assert_eq!(told, [true, true], "still for {span}: {lines:?}");
    }
    let ran = doc(&[suspend("60s", "30s")]);
    assert_eq!(
        after(&ran.lines(), 11),
        ["90.000000 A Reconnecting 1002051", "90.120000 A Reconnected 0"]
    );
}

// spec: R15
#[test]
fn an_app_that_stands_still_does_not_beat() {
    // The last heartbeat arrives at 55.17 s, so the lease ends at 145.17 s.  The one that is due
    // at 60.12 s goes out when the app goes on, and arrives 50 ms later.
    for (span, is_gone) in [("85.12s", false), ("85.120001s", true)] {
        let ran = pair(&beating(), &[suspend("60s", span)]);
        let n = ran.told("B", "DELETE A").len();
        assert_eq!(n, usize::from(is_gone), "still for {span}: {:?}", ran.lines());
    }
}

// spec: R19
#[test]
fn the_time_in_which_an_app_stands_still_is_found_out_by_what_was_due() {
    // The heartbeat of 60.12 s is under way when the app stands still; the answer is lost.  That
    // it had none for 10 s, at 70.12 s, the app finds when it goes on.
    let ran = pair(&beating(), &[suspend("60.15s", "30s")]);
    assert_eq!(after(&ran.lines_of("A"), 11)[0], "90.150000 A Reconnecting 1002051");
    // When nothing is under way, nothing is broken.
    let ran = pair(&beating(), &[suspend("60s", "30s")]);
    assert_eq!(after(&ran.lines(), 11), Vec::<&str>::new());
}

// spec: R16, R25
#[test]
fn standing_still_counts_into_the_time_for_retrying() {
    // Away from 60 s, so over at 1260 s; the app goes on at 1300 s.
    let ran = doc(&[link_down("60s", "A", "1h"), suspend("100s", "20min")]);
    assert_eq!(
        after(&ran.lines_of("A"), 11),
        ["60.000000 A Reconnecting 1002051", "1300.000000 A ReconnectFailed 1002053"]
    );
    // Awake again before that, it gives up when it is due.
    let ran = doc(&[link_down("60s", "A", "1h"), suspend("100s", "10min")]);
    assert_eq!(
        after(&ran.lines_of("A"), 11),
        ["60.000000 A Reconnecting 1002051", "1260.000000 A ReconnectFailed 1002053"]
    );
}

// spec: R57
#[test]
fn what_arrives_while_an_app_stands_still_is_lost() {
    for (from, span, is_told) in
        [("60.1s", "200ms", false), ("60.2s", "200ms", false), ("60.200001s", "200ms", true)]
    {
        let ran = doc(&[send("60s", "B", "hello"), suspend(from, span)]);
        assert_eq!(ran.told("A", "message").len(), usize::from(is_told), "{from} for {span}");
    }
}

/// A on a network that has a name.
fn on_wifi(script: &[Value]) -> Ran {
    let clients = [client("A", &json!({ "link": "phone" })), client("B", &json!({}))];
    let mut story = scenario(&json!("zego-doc"), &clients, script);
    story["links"]["phone"] = json!({ "delay": "50ms", "network": "WiFi" });
    run(&story.to_string(), None)
}

// spec: R63
#[test]
fn the_device_tells_when_its_network_goes_and_comes() {
    // In a room or not.
    let ran = on_wifi(&[link_down("60s", "A", "30s"), link_down("200s", "A", "1us")]);
    assert_eq!(
        ran.lines(),
        [
            "60.000000 A network Offline",
            "90.000000 A network WiFi",
            "200.000000 A network Offline",
            "200.000001 A network WiFi"
        ]
    );
    let ran = on_wifi(&[login("10s", "A"), link_down("60s", "A", "30s")]);
    let mut lines = after(&ran.lines(), 11).into_iter().map(str::to_owned).collect::<Vec<_>>();
    lines.sort();
    assert_eq!(
        lines,
        [
            "60.000000 A Reconnecting 1002051",
            "60.000000 A network Offline",
            "90.000000 A network WiFi",
            "90.120000 A Reconnected 0"
        ]
    );
}

// spec: R63
#[test]
fn what_the_device_does_not_notice_it_does_not_tell() {
    let refuse = json!({ "outage": { "clients": ["A"], "kind": "refuse", "for": "10s" } });
    let ran = on_wifi(&[silent("60s", "A", "30s"), event("200s", &refuse)]);
    assert_eq!(ran.lines(), Vec::<String>::new());
    // A network without a name tells nothing.
    let ran = story(&["A"], &[link_down("60s", "A", "30s")]);
    assert_eq!(ran.lines(), Vec::<String>::new());
}

// spec: R63
#[test]
fn only_a_change_is_told() {
    // Two losses that overlap, or follow each other at once, are one.
    for second in ["70s", "90s"] {
        let ran = on_wifi(&[link_down("60s", "A", "30s"), link_down(second, "A", "1min")]);
        let end = if second == "70s" { "130.000000" } else { "150.000000" };
        let expected = ["60.000000 A network Offline".to_owned(), format!("{end} A network WiFi")];
        assert_eq!(ran.lines(), expected, "{second}");
    }
}

// spec: R63
#[test]
fn what_the_network_is_meanwhile_a_sleeping_app_learns_when_it_goes_on() {
    // Asleep from 60 s to 90 s, and without a network from this time on, for so long.
    for (at, span, expected) in [
        ("50s", "20s", ["50.000000 A network Offline", "90.000000 A network WiFi"]),
        ("50s", "1min", ["50.000000 A network Offline", "110.000000 A network WiFi"]),
        ("70s", "1min", ["90.000000 A network Offline", "130.000000 A network WiFi"]),
    ] {
        let ran = on_wifi(&[suspend("60s", "30s"), link_down(at, "A", span)]);
        assert_eq!(ran.lines(), expected, "from {at} for {span}");
    }
    let ran = on_wifi(&[suspend("60s", "30s"), link_down("70s", "A", "10s")]);
    assert_eq!(ran.lines(), Vec::<String>::new());
}

/// The streams of an app whose engine is destroyed are gone, too.
// spec: R49, R61
#[test]
fn a_new_engine_publishes_nothing_by_itself() {
    let ran = doc(&[
        publish("20s", "A", "x"),
        destroy("60s"),
        call("70s", "A", &json!({ "createEngine": {} })),
        login("80s", "A"),
        link_down("100s", "A", "3min"),
    ]);
    assert_eq!(
        ran.told("B", "stream"),
        ["20.200000 B ADD stream x", "60.200000 B DELETE stream x (reason 1)"]
    );
}
