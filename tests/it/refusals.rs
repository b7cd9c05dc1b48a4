//! What is refused of the calls, callbacks and parameters of the whole room service.
//!
//! Each case changes one piece of a scenario without faults and expects one fault, told well.

use roomsim::scenario::Scenario;
use serde_json::{Value, json};

fn base() -> Value {
    json!({
        "version": 1, "name": "base", "duration": "10min", "profile": "zego",
        "links": { "x": { "network": "WiFi" } },
        "backend": { "delay": "50ms" },
        "clients": [
            { "name": "A", "link": "x" },
            { "name": "B", "link": "x", "roomMode": "multi", "userName": "Bob" },
        ],
        "script": [
            { "at": "0s", "client": "A", "do": { "loginRoom": { "room": "r" } } },
            { "at": "1s", "client": "A", "do": { "startPublishingStream": { "stream": "s" } } },
            { "at": "2s", "client": "A", "do": { "suspendApp": { "for": "10s" } } },
        ],
        "expect": [],
    })
}

/// The one fault of a scenario, as `pointer: problem (remedy)`.
fn fault_of(scenario: &Value) -> String {
    let faults = Scenario::parse(&scenario.to_string()).err().unwrap_or_default();
    assert_eq!(faults.len(), 1, "{faults:#?}\n{scenario}");
    format!("{}: {} ({})", faults[0].pointer, faults[0].problem, faults[0].remedy)
}

/// The base with one more step, or an expectation, of client A.
fn with(list: &str, entry: Value) -> Value {
    let mut scenario = base();
    scenario[list].as_array_mut().unwrap().push(entry);
    scenario
}

fn step(deed: &Value) -> Value {
    with("script", json!({ "at": "1min", "client": "A", "do": deed }))
}

fn step_of(client: &str, at: &str, deed: &Value) -> Value {
    with("script", json!({ "at": at, "client": client, "do": deed }))
}

fn expecting(callback: &Value) -> Value {
    with("expect", json!({ "client": "A", "callback": callback }))
}

fn with_profile(changes: &Value) -> Value {
    let mut scenario = base();
    scenario["profile"] = changes.clone();
    scenario["profile"]["base"] = json!("zego");
    scenario
}

#[test]
fn the_base_has_no_faults() {
    assert!(Scenario::parse(&base().to_string()).is_ok());
}

#[test]
fn calls_are_refused_with_place_value_and_remedy() {
    let long = "x".repeat(4097);
    let cases = [
        (json!({ "renewToken": {} }), "`token` is missing"),
        (json!({ "renewToken": { "token": "soon" } }), "unknown token `soon` (write \"wrong\""),
        (json!({ "startPublishingStream": {} }), "`stream` is missing"),
        (json!({ "startPublishingStream": { "stream": "" } }), "the name is empty"),
        (json!({ "startPublishingStream": { "stream": "a;b" } }), "the character `;`"),
        (json!({ "stopPublishingStream": { "stream": "s", "room": "r" } }), "unknown field `room`"),
        (json!({ "setRoomExtraInfo": { "room": "r", "key": "k" } }), "`value` is missing"),
        (json!({ "sendBroadcastMessage": { "message": "m" } }), "`room` is missing"),
        (json!({ "sendBroadcastMessage": { "room": "r", "message": "=1+1" } }), "begins with `=`"),
        (json!({ "sendBroadcastMessage": { "room": "r", "message": long } }), "4097 bytes"),
        (json!({ "suspendApp": {} }), "`for` is missing"),
        (json!({ "suspendApp": { "for": "0s" } }), "zero"),
        (json!({ "killApp": { "for": "1s" } }), "unknown field `for`"),
        (json!({ "startApp": {} }), "the app of A is running then"),
        (json!({ "sessionException": { "room": "r" } }), "is not a call of a client"),
    ];
    for (deed, expected) in cases {
        let scenario = step(&deed);
        let faults = Scenario::parse(&scenario.to_string()).err().unwrap_or_default();
        let told: Vec<String> =
            faults.iter().map(|it| format!("{} ({})", it.problem, it.remedy)).collect();
        assert!(told.iter().any(|it| it.contains(expected)), "{expected}: {told:#?}");
        assert!(faults.iter().all(|it| it.pointer.starts_with("/script/3")), "{faults:#?}");
    }
}

#[test]
fn who_is_not_running_cannot_call() {
    let login = json!({ "loginRoom": { "room": "r" } });
    let fault = fault_of(&step_of("A", "5s", &login));
    assert!(fault.starts_with("/script/3: the app of A stands still then"), "{fault}");
    // The app goes on at 12 s: a call at that very instant is made.
    assert!(Scenario::parse(&step_of("A", "12s", &login).to_string()).is_ok());
    let mut killed = step(&json!({ "killApp": {} }));
    assert!(Scenario::parse(&killed.to_string()).is_ok());
    let late = json!({ "at": "2min", "client": "A", "do": login });
    killed["script"].as_array_mut().unwrap().push(late);
    let fault = fault_of(&killed);
    assert!(fault.starts_with("/script/4: the app of A is not running then"), "{fault}");
    assert!(fault.contains("`startApp`"), "{fault}");
}

#[test]
fn a_stream_in_multi_room_mode_needs_its_room() {
    let fault =
        fault_of(&step_of("B", "1s", &json!({ "startPublishingStream": { "stream": "s" } })));
    assert!(fault.starts_with("/script/3/do/startPublishingStream: "), "{fault}");
    assert!(fault.contains("name the `room`"), "{fault}");
}

#[test]
fn a_client_publishes_a_limited_number_of_streams() {
    let mut scenario = base();
    for n in 0..16 {
        let deed = json!({ "startPublishingStream": { "stream": format!("t{n}") } });
        let step = json!({ "at": "1min", "client": "A", "do": deed });
        scenario["script"].as_array_mut().unwrap().push(step);
    }
    // With `s` these are 17.
    let fault = fault_of(&scenario);
    assert!(fault.contains("more than 16 streams"), "{fault}");
}

#[test]
fn a_refusal_has_a_documented_code_and_no_direction() {
    let outage = |more: Value| {
        let mut outage = json!({ "clients": ["A"], "kind": "refuse", "for": "1min" });
        outage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with("script", json!({ "at": "1min", "do": { "outage": outage } }))
    };
    let fault = fault_of(&outage(json!({ "errorCode": 1_002_050 })));
    assert!(fault.contains("no login is refused with `1002050` (write one of 1000037"), "{fault}");
    let fault = fault_of(&outage(json!({ "direction": "up" })));
    assert!(fault.contains("a refusal has no direction"), "{fault}");
    let fault = fault_of(&outage(json!({ "kind": "silent", "errorCode": 1_002_099 })));
    assert!(fault.contains("only a refusal has a code"), "{fault}");
}

#[test]
fn callbacks_are_refused_with_place_value_and_remedy() {
    let cases = [
        (json!({ "onRoomStreamUpdate": { "streams": ["t"] } }), "nobody publishes the stream `t`"),
        (json!({ "onRoomStreamUpdate": { "update": "GONE" } }), "`GONE`"),
        (json!({ "onRoomStreamUpdate": { "stream_delete_reason": 7 } }), "found `7`"),
        (json!({ "onRoomOnlineUserCountUpdate": { "cuont": 1 } }), "did you mean `count`?"),
        (json!({ "onIMRecvBroadcastMessage": { "user": "Z" } }), "no user is named `Z`"),
        (json!({ "onRoomExtraInfoUpdate": { "room": "nowhere" } }), "the room `nowhere`"),
        (json!({ "onNetworkModeChanged": { "mode": [] } }), "expected a string"),
        (json!({ "sendBroadcastMessage": { "errorCode": -1 } }), "found `-1`"),
        (json!({ "onRoomStateChangd": {} }), "did you mean `onRoomStateChanged`?"),
    ];
    for (callback, expected) in cases {
        let fault = fault_of(&expecting(&callback));
        assert!(fault.starts_with("/expect/0/callback") && fault.contains(expected), "{fault}");
    }
}

#[test]
fn parameters_are_refused_with_place_value_and_remedy() {
    let cases = [
        (json!({ "login_rate": "200" }), "/profile/login_rate: `200` is not a rate"),
        (json!({ "login_rate": "0/s" }), "/profile/login_rate: `0/s` is not a rate"),
        (json!({ "login_rate": 200 }), "/profile/login_rate: `200` is not a rate"),
        (json!({ "rates": { "room_messages": "none" } }), "/profile/rates/room_messages: `none`"),
        (json!({ "rates": { "user_messages": "0s" } }), "too short"),
        (json!({ "rooms_max": 0 }), "/profile/rooms_max: "),
        (json!({ "notice_limit": -1 }), "/profile/notice_limit: "),
        (json!({ "token_expiry": "kill" }), "known: `keep`, `kick`"),
        (json!({ "online_count": "0s" }), "too short"),
        (json!({ "reconnecting_code": 1_002_052 }), "(write 1002051 or 1000017)"),
        (json!({ "lengths": { "user_id": 0 } }), "/profile/lengths/user_id: "),
        (json!({ "lengths": { "userid": 9 } }), "did you mean `user_id`?"),
        (json!({ "lease": { "anchor": "last_heartbeet" } }), "did you mean `last_heartbeat`?"),
    ];
    for (changes, expected) in cases {
        let fault = fault_of(&with_profile(&changes));
        assert!(fault.contains(expected), "{expected}: {fault}");
    }
}

#[test]
fn who_takes_part_is_refused_with_place_value_and_remedy() {
    let mut scenario = base();
    scenario["clients"][1]["roomMode"] = json!("many");
    assert!(fault_of(&scenario).contains("known: `single`, `multi`"));
    let mut scenario = base();
    scenario["links"]["x"]["network"] = json!("wifi");
    assert!(fault_of(&scenario).contains("did you mean `WiFi`?"));
    let mut scenario = base();
    scenario["backend"]["jitter"] = json!("51ms");
    assert!(fault_of(&scenario).starts_with("/backend/jitter: "));
}
