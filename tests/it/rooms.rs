//! Clients in several rooms.  B is in room `r` and C in room `s`, both from the start.

use serde_json::{Value, json};

use crate::support::{Ran, after, call, client, event, link_down, run, scenario};

/// A is in multi-room mode, and so is its second device, `tablet`.
fn multi(script: &[Value]) -> Ran {
    multi_in(&json!("zego-doc"), script)
}

fn multi_in(profile: &Value, script: &[Value]) -> Ran {
    let clients = [
        client("A", &json!({ "roomMode": "multi" })),
        client("B", &json!({})),
        client("C", &json!({})),
        client("tablet", &json!({ "user": "A", "roomMode": "multi" })),
    ];
    let mut all = vec![enter("0s", "B", "r"), enter("0s", "C", "s")];
    all.extend_from_slice(script);
    run(&scenario(profile, &clients, &all).to_string(), None)
}

fn enter(at: &str, client: &str, room: &str) -> Value {
    call(at, client, &json!({ "loginRoom": { "room": room } }))
}

fn leave(at: &str, room: &str) -> Value {
    call(at, "A", &json!({ "logoutRoom": { "room": room } }))
}

/// What A is told of a room, from 10 s on.
fn of_room(ran: &Ran, room: &str) -> Vec<String> {
    let rows = ran.trace.rows().iter().zip(ran.lines());
    let is_of = |(row, line): &(&roomsim::sink::trace::Row, String)| {
        row.room_name(&ran.scenario) == room && line.split(' ').nth(1) == Some("A")
    };
    rows.filter(is_of).map(|(_, line)| line.replacen(" A ", " ", 1)).collect()
}

// spec: R47
#[test]
fn each_room_has_a_status_and_callbacks_of_its_own() {
    let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), leave("60s", "r")]);
    assert_eq!(
        of_room(&ran, "r"),
        ["10.000000 Logining 0", "10.120000 Logined 0", "10.220000 ADD B", "60.000000 Logout 0"]
    );
    assert_eq!(
        of_room(&ran, "s"),
        ["20.000000 Logining 0", "20.120000 Logined 0", "20.220000 ADD C"]
    );
    assert_eq!(after(&ran.lines_of("B"), 1), ["10.220000 B ADD A", "60.200000 B DELETE A"]);
    assert_eq!(after(&ran.lines_of("C"), 1), ["20.220000 C ADD A"]);
}

// spec: R47
#[test]
fn an_outage_breaks_each_room_and_each_comes_back() {
    let script = [enter("10s", "A", "r"), enter("20s", "A", "s"), link_down("60s", "A", "30s")];
    for profile in ["zego-doc", "zego"] {
        let ran = multi_in(&json!(profile), &script);
        for room in ["r", "s"] {
            assert_eq!(
                of_room(&ran, room)[3..],
                ["60.000000 Reconnecting 1002051", "90.120000 Reconnected 0"],
                "{profile} {room}"
            );
        }
        assert_eq!(after(&ran.lines_of("B"), 21).len() + after(&ran.lines_of("C"), 21).len(), 0);
    }
    // And beyond the lease, the others of each room hear of it.
    let script = [enter("10s", "A", "r"), enter("20s", "A", "s"), link_down("60s", "A", "3min")];
    let ran = multi(&script);
    for (name, room) in [("B", "r"), ("C", "s")] {
        assert_eq!(
            after(&ran.lines_of(name), 21),
            [format!("150.150000 {name} DELETE A"), format!("240.220000 {name} ADD A")],
            "{room}"
        );
    }
}

// spec: R37, R47
#[test]
fn what_the_backend_does_to_one_room_is_no_matter_of_the_other() {
    let kick = event("60s", &json!({ "kickoutUser": { "room": "r", "users": ["A"] } }));
    let close = event("60s", &json!({ "closeRoom": { "room": "r" } }));
    for step in [kick, close] {
        let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), step]);
        assert_eq!(of_room(&ran, "r").last().unwrap(), "60.050000 KickOut 1002055");
        assert_eq!(of_room(&ran, "s").len(), 3);
        assert_eq!(after(&ran.lines_of("C"), 21).len(), 0);
    }
}

// spec: R47, R49
#[test]
fn a_stream_is_published_in_the_room_that_is_named() {
    let start = json!({ "startPublishingStream": { "stream": "x", "room": "s" } });
    let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), call("30s", "A", &start)]);
    assert_eq!(ran.told("C", "stream"), ["30.200000 C ADD stream x"]);
    assert_eq!(ran.told("B", "stream"), Vec::<String>::new());
}

// spec: R47, R57
#[test]
fn a_message_is_told_in_the_room_that_is_named() {
    let send = json!({ "sendBroadcastMessage": { "room": "s", "message": "hello" } });
    let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), call("30s", "A", &send)]);
    assert_eq!(ran.told("C", "message"), ["30.200000 C message of A: hello"]);
    assert_eq!(ran.told("B", "message"), Vec::<String>::new());
}

// spec: R33, R47
#[test]
fn the_same_room_is_entered_once() {
    let ran = multi(&[enter("10s", "A", "r"), enter("10.05s", "A", "r"), enter("20s", "A", "r")]);
    assert_eq!(
        ran.told("A", "loginRoom"),
        ["10.050000 A loginRoom Failed 1002001", "20.000000 A loginRoom Failed 1002001"]
    );
    assert_eq!(of_room(&ran, "r").len(), 3 + 2);
}

/// A logs in to so many rooms, a second apart from 10 s on.
fn many(n_rooms: u32) -> Vec<Value> {
    (0..n_rooms).map(|i| enter(&format!("{}s", 10 + i), "A", &format!("room-{i}"))).collect()
}

// spec: R48
#[test]
fn a_client_is_in_at_most_five_rooms() {
    let ran = multi(&many(5));
    assert_eq!(ran.told("A", "Logined").len(), 5);
    assert_eq!(ran.told("A", "Failed"), Vec::<String>::new());
    let ran = multi(&many(6));
    assert_eq!(ran.told("A", "Logined").len(), 5);
    assert_eq!(ran.told("A", "Logining").len(), 5);
    assert_eq!(after(&ran.lines_of("A"), 15), ["15.000000 A loginRoom Failed 1002037"]);
    // When it has left one, there is a place.
    let mut script = many(5);
    script.extend([leave("20s", "room-2"), enter("20s", "A", "s"), enter("30s", "A", "r")]);
    let ran = multi(&script);
    assert_eq!(of_room(&ran, "s")[..2], ["20.000000 Logining 0", "20.120000 Logined 0"]);
    assert_eq!(of_room(&ran, "r"), ["30.000000 loginRoom Failed 1002037"]);
    // How many, is a parameter.
    let ran = multi_in(&json!({ "base": "zego-doc", "rooms_max": 2 }), &many(3));
    assert_eq!(ran.told("A", "Failed"), ["12.000000 A loginRoom Failed 1002037"]);
}

/// A place that a room has lost is free again.
// spec: R13, R48
#[test]
fn a_room_that_the_client_was_put_out_of_does_not_count() {
    let mut script = many(5);
    let kick = json!({ "kickoutUser": { "room": "room-3", "users": ["A"] } });
    script.extend([event("20s", &kick), enter("20.05s", "A", "s"), enter("21s", "A", "s")]);
    let ran = multi(&script);
    // At 20.05 s the call goes before what arrives.
    let of_s = of_room(&ran, "s");
    assert_eq!(of_s.last().unwrap().split(' ').nth(1), Some("ADD"));
    assert_eq!(ran.told("A", "Logined").len(), 6);
}

// spec: R48
#[test]
fn a_client_on_its_way_to_five_rooms_is_in_five() {
    let script: Vec<Value> = (0..6).map(|i| enter("10s", "A", &format!("room-{i}"))).collect();
    let ran = multi(&script);
    assert_eq!(ran.told("A", "loginRoom"), ["10.000000 A loginRoom Failed 1002037"]);
    assert_eq!(ran.told("A", "10.120000 A Logined").len(), 5);
}

// spec: R34, R47
#[test]
fn switching_is_a_matter_of_two_rooms() {
    let switch = call("60s", "A", &json!({ "switchRoom": { "from": "r", "to": "t" } }));
    let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), switch]);
    assert_eq!(of_room(&ran, "r").last().unwrap(), "60.000000 Logout 0");
    assert_eq!(of_room(&ran, "t"), ["60.000000 Logining 0", "60.120000 Logined 0"]);
    assert_eq!(of_room(&ran, "s").len(), 3);
    // Also when the client is in five: it leaves the one.
    let mut script = many(5);
    script.push(call("60s", "A", &json!({ "switchRoom": { "from": "room-0", "to": "t" } })));
    let ran = multi(&script);
    assert_eq!(of_room(&ran, "t"), ["60.000000 Logining 0", "60.120000 Logined 0"]);
}

// spec: R36, R47
#[test]
fn switching_to_a_room_that_the_client_is_in_changes_nothing() {
    let switch = call("60s", "A", &json!({ "switchRoom": { "from": "r", "to": "s" } }));
    let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), switch]);
    assert_eq!(after(&ran.lines(), 21), ["60.000000 A switchRoom Failed 1002064"]);
    // In single-room mode, that can only be the room that it is to leave.
    let again = call("60s", "B", &json!({ "switchRoom": { "from": "r", "to": "r" } }));
    let ran = multi(&[again]);
    assert_eq!(after(&ran.lines(), 21), ["60.000000 B switchRoom Failed 1002064"]);
    let unknown = call("60s", "A", &json!({ "switchRoom": { "from": "q", "to": "t" } }));
    let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), unknown]);
    assert_eq!(after(&ran.lines(), 21), ["60.000000 A LogoutFailed 1002002"]);
}

// spec: R10, R47
#[test]
fn a_logout_without_a_room_leaves_all() {
    let ran = multi(&[
        enter("10s", "A", "r"),
        enter("20s", "A", "s"),
        call("60s", "A", &json!({ "logoutRoom": {} })),
    ]);
    for room in ["r", "s"] {
        assert_eq!(of_room(&ran, room).last().unwrap(), "60.000000 Logout 0", "{room}");
    }
    assert_eq!(after(&ran.lines_of("B"), 21), ["60.200000 B DELETE A"]);
    assert_eq!(after(&ran.lines_of("C"), 21), ["60.200000 C DELETE A"]);
}

// spec: R11, R47
#[test]
fn a_logout_from_a_room_that_the_client_is_not_in_fails() {
    let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), leave("60s", "t")]);
    assert_eq!(after(&ran.lines(), 21), ["60.000000 A LogoutFailed 1002002"]);
}

// spec: R9, R31, R47
#[test]
fn a_second_device_puts_the_first_out_of_all_rooms() {
    let ran = multi(&[enter("10s", "A", "r"), enter("20s", "A", "s"), enter("60s", "tablet", "r")]);
    // Accepted at 60.07 s; 50 ms to A, 150 ms to the others.
    for room in ["r", "s"] {
        assert_eq!(of_room(&ran, room).last().unwrap(), "60.120000 KickOut 1002050", "{room}");
    }
    assert_eq!(after(&ran.lines_of("B"), 21), Vec::<&str>::new());
    assert_eq!(after(&ran.lines_of("C"), 21), ["60.220000 C DELETE A"]);
}

/// In single-room mode the second call fails; in multi-room mode it does not.
// spec: R33, R47
#[test]
fn the_mode_decides() {
    for (mode, n_logins) in [("single", 1), ("multi", 2)] {
        let clients = [client("A", &json!({ "roomMode": mode }))];
        let script = [enter("10s", "A", "r"), enter("20s", "A", "s")];
        let ran = run(&scenario(&json!("zego-doc"), &clients, &script).to_string(), None);
        assert_eq!(ran.told("A", "Logined").len(), n_logins, "{mode}");
        let failed = ran.told("A", "20.000000 A loginRoom Failed 1002001");
        assert_eq!(failed.len(), 2 - n_logins, "{mode}");
    }
}

/// Whether a room's connection is broken is found by the heartbeats of that room: A is in `r`
/// at 10.12 s and in `s` at 22.12 s, and beats every 5 s after each.
// spec: R47
#[test]
fn each_room_finds_a_silent_outage_by_itself() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "login" } });
    let silent = json!({ "clients": ["A"], "kind": "silent", "for": "10min" });
    let ran = multi_in(
        &profile,
        &[
            enter("10s", "A", "r"),
            enter("22s", "A", "s"),
            event("60s", &json!({ "outage": silent })),
        ],
    );
    // The first without an answer are those of 60.12 s and of 62.12 s.
    assert_eq!(of_room(&ran, "r")[3], "70.120000 Reconnecting 1002051");
    assert_eq!(of_room(&ran, "s")[3], "72.120000 Reconnecting 1002051");
    // The last that arrived were those of 55.12 and 57.12 s.
    assert_eq!(after(&ran.lines_of("B"), 60)[0], "145.320000 B DELETE A");
    assert_eq!(after(&ran.lines_of("C"), 60)[0], "147.320000 C DELETE A");
}
