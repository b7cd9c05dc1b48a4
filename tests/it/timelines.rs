//! The document's rules, told as timelines.  Expected times are the document's, or the sum that
//! stands beside them; links take 50 ms each way.

use serde_json::{Value, json};

use crate::support::{Ran, after, call, run};

/// A scenario of A, B and A's second device, `tablet`.
fn story(profile: &Value, duration: &str, script: &[Value]) -> Ran {
    let text = json!({
        "version": 1, "name": "story", "duration": duration, "profile": profile,
        "links": { "home": { "delay": "50ms" } },
        "clients": [
            { "name": "A", "link": "home" },
            { "name": "B", "link": "home" },
            { "name": "tablet", "user": "A", "link": "home" },
        ],
        "script": script,
    });
    run(&text.to_string(), None)
}

fn login(at: &str, client: &str) -> Value {
    call(at, client, &json!({ "loginRoom": { "room": "room-1" } }))
}

fn outage(at: &str, kind: &str, span: &str) -> Value {
    json!({ "at": at, "do": { "outage": { "clients": ["A"], "kind": kind, "for": span } } })
}

/// The three situations: B is there, A logs in at 10 s and is away from 60 s.
fn situation(away_for: &str, duration: &str) -> Ran {
    let script = vec![login("0s", "B"), login("10s", "A"), outage("60s", "link_down", away_for)];
    story(&json!("zego-doc"), duration, &script)
}

// spec: R1, R2, R3, R4, R17
#[test]
fn a_login_takes_120_ms_and_two_callbacks() {
    let ran = situation("1s", "2min");
    assert_eq!(ran.lines_of("A")[..2], ["10.000000 A Logining 0", "10.120000 A Logined 0"]);
}

// spec: R18, R27, R28, R29
#[test]
fn b_hears_of_a_100_ms_after_a_is_in_and_a_hears_of_b_after_that() {
    let ran = situation("1s", "2min");
    // T2 = T1 + 100 ms.
    assert_eq!(after(&ran.lines_of("B"), 1), ["10.220000 B ADD A"]);
    // A asks for the list at T1 = 10.12 s; the answer takes there and back, 100 ms.
    assert_eq!(ran.lines_of("A")[2], "10.220000 A ADD B");
}

// spec: R6, R7, R19, R20, R30
#[test]
fn situation_1_b_hears_nothing_of_a_short_absence() {
    let ran = situation("30s", "10min");
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.000000 A Reconnecting 1002051", // T3
            "90.120000 A Reconnected 0",        // T5: the network is back, and 120 ms
        ]
    );
}

// spec: R15, R21, R22, R23
#[test]
fn situation_2_b_hears_that_a_left_and_that_a_is_back() {
    let ran = situation("3min", "10min");
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.000000 A Reconnecting 1002051", // T3
            "150.150000 B DELETE A",            // T4' = T3 + 90 s, and 100 + 50 ms to tell B
            "240.120000 A Reconnected 0",       // T5' = T3 + 3 min, and 120 ms
            "240.220000 B ADD A",               // T6' = T5' + 100 ms
        ]
    );
}

// spec: R8, R14, R16, R24, R25, R26
#[test]
fn situation_3_a_gives_up_after_20_minutes_and_stays_out() {
    let ran = situation("30min", "1h");
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.000000 A Reconnecting 1002051",      // T3
            "150.150000 B DELETE A",                 // T4''
            "1260.000000 A ReconnectFailed 1002053", // T5'' = T3 + 1200 s
        ]
    );
}

// spec: R13
#[test]
fn after_giving_up_a_may_log_in_at_once() {
    let script = vec![
        login("0s", "A"),
        outage("60s", "link_down", "20min"),
        // At the very instant of giving up, calls go before deadlines: still reconnecting.
        login("1260s", "A"),
        login("1260.000001s", "A"),
    ];
    let ran = story(&json!("zego-doc"), "30min", &script);
    assert_eq!(
        after(&ran.lines_of("A"), 61),
        [
            // spec: R33
            "1260.000000 A loginRoom Failed 1002001",
            "1260.000000 A ReconnectFailed 1002053",
            "1260.000001 A Logining 0",
            "1260.120001 A Logined 0",
        ]
    );
}

// spec: R5
#[test]
fn a_login_without_network_fails_after_20_minutes() {
    let script = vec![outage("0s", "link_down", "1h"), login("10s", "A")];
    let ran = story(&json!("zego-doc"), "1h", &script);
    assert_eq!(ran.lines(), ["10.000000 A Logining 0", "1210.000000 A LoginFailed 1002053"]);
}

// spec: R10, R29
#[test]
fn b_hears_of_a_logout_200_ms_later() {
    let out = call("60s", "A", &json!({ "logoutRoom": {} }));
    let script = vec![login("0s", "B"), login("10s", "A"), out];
    let ran = story(&json!("zego-doc"), "5min", &script);
    // 50 ms to the server, 100 ms until it tells, 50 ms to B.
    assert_eq!(after(&ran.lines(), 11), ["60.000000 A Logout 0", "60.200000 B DELETE A"]);
}

// spec: R12
#[test]
fn a_lost_logout_leaves_a_ghost_until_the_lease_ends() {
    let out = call("70s", "A", &json!({ "logoutRoom": {} }));
    let script =
        vec![login("0s", "B"), login("10s", "A"), outage("60s", "link_down", "10min"), out];
    let ran = story(&json!("zego-doc"), "20min", &script);
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.000000 A Reconnecting 1002051",
            "70.000000 A Logout 0",
            "150.150000 B DELETE A", // 90 s after the outage, not after the logout
        ]
    );
}

// spec: R11
#[test]
fn a_logout_from_another_room_fails_and_changes_nothing() {
    let out = call("60s", "A", &json!({ "logoutRoom": { "room": "room-2" } }));
    let script = vec![login("0s", "B"), login("10s", "A"), out];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(after(&ran.lines(), 11), ["60.000000 A LogoutFailed 1002002"]);
}

// spec: R33
#[test]
fn a_second_login_call_fails_and_changes_nothing() {
    let script = vec![login("0s", "B"), login("10s", "A"), login("60s", "A")];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(after(&ran.lines(), 11), ["60.000000 A loginRoom Failed 1002001"]);
}

// spec: R9, R31
#[test]
fn a_second_device_puts_out_the_first_and_b_hears_nothing() {
    let script = vec![login("0s", "B"), login("10s", "A"), login("60s", "tablet")];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.000000 tablet Logining 0",
            "60.120000 A KickOut 1002050", // accepted at 60.07 s, and 50 ms to A
            "60.120000 tablet Logined 0",
            "60.220000 tablet ADD B", // and not A, who is the user itself
        ]
    );
}

// spec: R31
#[test]
fn a_second_device_in_another_room_takes_the_user_there() {
    let elsewhere = call("60s", "tablet", &json!({ "loginRoom": { "room": "room-2" } }));
    let script = vec![login("0s", "B"), login("10s", "A"), elsewhere];
    let ran = story(&json!("zego-doc"), "5min", &script);
    // Accepted at 60.07 s; B hears of it 100 + 50 ms later.
    assert_eq!(after(&ran.lines_of("B"), 11), ["60.220000 B DELETE A"]);
    assert_eq!(after(&ran.lines_of("A"), 11), ["60.120000 A KickOut 1002050"]);
}

// spec: R32
#[test]
fn a_device_that_was_replaced_while_away_does_not_come_back() {
    let script = vec![
        login("0s", "B"),
        login("10s", "A"),
        outage("60s", "link_down", "1min"),
        login("80s", "tablet"),
    ];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(
        after(&ran.lines_of("A"), 11),
        [
            "60.000000 A Reconnecting 1002051",
            "120.100000 A ReconnectFailed 1002086", // there and back: a refusal takes no work
        ]
    );
    assert_eq!(after(&ran.lines_of("B"), 11), Vec::<&str>::new());
}

fn switch(at: &str, from: &str, to: &str) -> Value {
    call(at, "A", &json!({ "switchRoom": { "from": from, "to": to } }))
}

// spec: R34
#[test]
fn switching_leaves_the_one_room_and_enters_the_other() {
    let script = vec![login("0s", "B"), login("10s", "A"), switch("60s", "room-1", "room-2")];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.000000 A Logout 0",
            "60.000000 A Logining 0",
            "60.120000 A Logined 0",
            "60.200000 B DELETE A", // as after a logout: 50 + 100 + 50 ms
        ]
    );
    let room = |index: usize| ran.trace.rows()[index].room_name(&ran.scenario);
    let n = ran.trace.rows().len();
    assert_eq!([room(n - 4), room(n - 3), room(n - 2)], ["room-1", "room-2", "room-2"]);
}

// spec: R12, R35
#[test]
fn switching_without_network_leaves_the_client_in_neither_room() {
    let script = vec![
        login("0s", "B"),
        login("10s", "A"),
        outage("60s", "link_down", "1h"),
        switch("70s", "room-1", "room-2"),
    ];
    let ran = story(&json!("zego-doc"), "1h", &script);
    assert_eq!(
        after(&ran.lines(), 61),
        [
            "70.000000 A Logout 0",
            "70.000000 A Logining 0",
            "150.150000 B DELETE A", // a ghost until 90 s after the outage
            "1270.000000 A LoginFailed 1002053", // 20 min after Logining
        ]
    );
}

// spec: R36
#[test]
fn switching_from_another_room_fails_and_changes_nothing() {
    let script = vec![login("0s", "B"), login("10s", "A"), switch("60s", "room-2", "room-3")];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(after(&ran.lines(), 11), ["60.000000 A LogoutFailed 1002002"]);
}

fn kick(at: &str) -> Value {
    json!({ "at": at, "do": { "kickoutUser": { "room": "room-1", "users": ["A"] } } })
}

// spec: R37, R39
#[test]
fn a_kicked_user_is_told_and_may_come_again() {
    let script = vec![login("0s", "B"), login("10s", "A"), kick("60s"), login("70s", "A")];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.050000 A KickOut 1002055", // 50 ms to A
            "60.150000 B DELETE A",        // 100 ms until the server tells, 50 ms to B
            "70.000000 A Logining 0",
            "70.120000 A Logined 0",
            "70.220000 A ADD B",
            "70.220000 B ADD A",
        ]
    );
}

// spec: R37
#[test]
fn a_kick_is_remembered_for_a_client_that_is_away_or_not() {
    let script =
        vec![login("0s", "B"), login("10s", "A"), outage("60s", "link_down", "1min"), kick("80s")];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "60.000000 A Reconnecting 1002051",
            "80.150000 B DELETE A",
            "120.100000 A KickOut 1002055", // there and back
        ]
    );
    let forgetful = json!({ "base": "zego-doc", "kick_memory": "off" });
    let ran = story(&forgetful, "5min", &script);
    assert_eq!(after(&ran.lines(), 81), ["120.120000 A Reconnected 0", "120.220000 B ADD A"]);
}

// spec: R38
#[test]
fn closing_a_room_puts_everybody_out() {
    let close = json!({ "at": "60s", "do": { "closeRoom": { "room": "room-1" } } });
    let ran = story(&json!("zego-doc"), "5min", &[login("0s", "B"), login("10s", "A"), close]);
    assert_eq!(
        after(&ran.lines(), 11),
        ["60.050000 A KickOut 1002055", "60.050000 B KickOut 1002055"]
    );
}

fn login_with(at: &str, client: &str, config: &Value) -> Value {
    let mut login = json!({ "room": "room-1" });
    login.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    call(at, client, &json!({ "loginRoom": login }))
}

// spec: R41
#[test]
fn who_is_not_to_be_told_of_others_is_not_and_others_are_not_told_of_it() {
    let quiet = json!({ "isUserStatusNotify": false });
    let out = call("60s", "A", &json!({ "logoutRoom": {} }));
    let script = vec![login("0s", "B"), login_with("10s", "A", &quiet), out];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(
        after(&ran.lines(), 1),
        ["10.000000 A Logining 0", "10.120000 A Logined 0", "60.000000 A Logout 0"]
    );
    // When only the receiver's switch counts, B is told of A, and A still not of B.
    let receiver = json!({ "base": "zego-doc", "notify_gate": "receiver" });
    let ran = story(&receiver, "5min", &script);
    assert_eq!(after(&ran.lines_of("B"), 1), ["10.220000 B ADD A", "60.200000 B DELETE A"]);
    assert_eq!(ran.lines_of("A").len(), 3);
}

// spec: R42
#[test]
fn a_full_room_lets_nobody_in_until_somebody_leaves() {
    let one = json!({ "maxMemberCount": 1 });
    let out = call("20s", "B", &json!({ "logoutRoom": {} }));
    let script = vec![login_with("0s", "B", &one), login("10s", "A"), out, login("30s", "A")];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(
        ran.lines_of("A"),
        [
            "10.000000 A Logining 0",
            "10.120000 A LoginFailed 1002034", // 50 ms there, 20 ms of work, 50 ms back
            "30.000000 A Logining 0",
            "30.120000 A Logined 0",
        ]
    );
}

// spec: R44
#[test]
fn a_forbidden_user_is_not_let_in_but_stays_where_it_is() {
    let forbid = json!({ "at": "20s", "do": { "forbidUser": { "users": ["A", "B"] } } });
    let script = vec![login("0s", "B"), forbid, login("30s", "A")];
    let ran = story(&json!("zego-doc"), "5min", &script);
    assert_eq!(ran.lines_of("A"), ["30.000000 A Logining 0", "30.120000 A LoginFailed 1002066"]);
    assert_eq!(ran.lines_of("B").len(), 2);
}

// spec: R43
#[test]
fn a_wrong_or_expired_token_lets_nobody_in() {
    for (token, expected) in [
        ("wrong", "10.100000 A LoginFailed 1002033"), // there and back
        ("49ms", "10.100000 A LoginFailed 1002033"),  // over when it arrives
        ("50ms", "10.120000 A Logined 0"),            // valid to that very instant
    ] {
        let script = [login_with("10s", "A", &json!({ "token": token }))];
        let ran = story(&json!("zego-doc"), "5min", &script);
        let lines = ran.lines();
        assert_eq!(lines[..2], ["10.000000 A Logining 0", expected], "token {token}");
    }
    let away = vec![
        login("0s", "B"),
        login_with("10s", "A", &json!({ "token": "1min" })),
        outage("60s", "link_down", "30s"),
    ];
    let ran = story(&json!("zego-doc"), "5min", &away);
    assert_eq!(
        after(&ran.lines(), 11),
        [
            "40.000000 A token expires in 30 s", // spec: R51
            "60.000000 A Reconnecting 1002051",
            "90.100000 A ReconnectFailed 1002033",
            "150.150000 B DELETE A", // the lease runs from the outage
        ]
    );
}

/// The relogin arrives 50 ms after the network is back.
// spec: R15, R20, R21
#[test]
fn an_arrival_at_the_very_end_of_the_lease_is_in_time() {
    for (away_for, expected) in [
        ("89.949s", Vec::new()),
        ("89.95s", Vec::new()),
        // Gone at 150 s, back at 150.001 s and 20 ms of work: told 150 ms after each.
        ("89.951s", vec!["150.150000 B DELETE A", "150.171000 B ADD A"]),
    ] {
        let ran = situation(away_for, "10min");
        assert_eq!(after(&ran.lines_of("B"), 11), expected, "away for {away_for}");
    }
}

/// The answer arrives 120 ms after the network is back.
// spec: R16, R25
#[test]
fn an_answer_at_the_very_end_of_the_time_for_retrying_is_in_time() {
    for (away_for, expected) in [
        ("1199.879s", vec!["1259.999000 A Reconnected 0"]),
        ("1199.88s", vec!["1260.000000 A Reconnected 0"]),
        ("1199.881s", vec!["1260.000000 A ReconnectFailed 1002053"]),
    ] {
        let ran = situation(away_for, "30min");
        assert_eq!(after(&ran.lines_of("A"), 61), expected, "away for {away_for}");
    }
    // Accepted at 1259.951 s without knowing that A gives up; A's logout arrives at 1260.051 s.
    let ran = situation("1199.881s", "30min");
    let ghost = ["1260.101000 B ADD A", "1260.201000 B DELETE A"];
    assert_eq!(after(&ran.lines_of("B"), 200), ghost);
}

/// With heartbeats as messages the server's silence begins with the last one that arrived.
// spec: R15, R21
#[test]
fn with_heartbeats_the_lease_runs_from_the_last_message() {
    // A is in at 10.12 s; beats at 15.12, 20.12 … 55.12 s; the last arrives at 55.17 s.
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "login" } });
    let script = vec![login("0s", "B"), login("10s", "A"), outage("60s", "link_down", "3min")];
    let ran = story(&profile, "5min", &script);
    // 55.17 + 90 s, and 150 ms to tell B.
    assert_eq!(after(&ran.lines_of("B"), 11)[0], "145.320000 B DELETE A");
    for seed in 1..=1000 {
        let text = ran_text();
        let ran = run(&text, Some(seed));
        let left = ran.lines_of("B").into_iter().find(|it| it.ends_with("DELETE A")).unwrap();
        let at: f64 = left.split(' ').next().unwrap().parse().unwrap();
        assert!(145.0 < at && at <= 150.2, "seed {seed}: {left}");
    }
}

/// Situation 2 with heartbeats at random phases.
fn ran_text() -> String {
    json!({
        "version": 1, "name": "story", "duration": "5min", "profile": "zego",
        "links": { "home": { "delay": "50ms" } },
        "clients": [ { "name": "A", "link": "home" }, { "name": "B", "link": "home" } ],
        "script": [login("0s", "B"), login("10s", "A"), outage("60s", "link_down", "3min")],
    })
    .to_string()
}

/// A silent outage is found when a heartbeat has had no answer for 10 s.
// spec: R6, R19
#[test]
fn a_silent_outage_is_found_by_silence() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "login" } });
    let script = vec![login("10s", "A"), outage("60s", "silent", "35s")];
    let ran = story(&profile, "5min", &script);
    // The heartbeat of 60.12 s is the first without an answer, so A knows at 70.12 s and tries.
    // That attempt fails after 10 s; the next starts 1 to 3 s later and fails 10 s later, its
    // repetitions all sent into the outage; the third starts 4 s after that, at 95.12 s at the
    // earliest, and gets through.
    let lines = ran.lines_of("A");
    assert_eq!(lines[2], "70.120000 A Reconnecting 1002051");
    let waits = [1, 2, 3].map(|it| format!("{}.240000 A Reconnected 0", 70 + 10 + it + 10 + 4));
    assert!(waits.contains(&lines[3]), "{lines:?}");
}
