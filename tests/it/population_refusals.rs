//! What is refused of populations, and of steps of a share of clients.

use serde_json::{Value, json};

use crate::{link_refusals::assert_faults, support::with};

fn base() -> Value {
    json!({
        "version": 1, "name": "crowd", "duration": "10min", "profile": "zego",
        "links": { "home": { "delay": "50ms" }, "mobile": { "delay": "80ms" } },
        "clients": [
            { "name": "A", "link": "home" },
            { "name": "v", "count": 20_000, "rooms": 100, "link": "home" },
        ],
        "script": [],
    })
}

/// The scenario with some fields of the population changed.
fn crowd(fields: &Value) -> Value {
    let mut scenario = base();
    let entry = &mut scenario["clients"][1];
    *entry = with(entry.clone(), fields);
    // What is null is left out.
    entry.as_object_mut().unwrap().retain(|_, it| !it.is_null());
    scenario
}

/// The scenario with another entry of clients.
fn and(entry: &Value) -> Value {
    let mut scenario = base();
    scenario["clients"].as_array_mut().unwrap().push(entry.clone());
    scenario
}

fn step(step: &Value) -> Value {
    let mut scenario = base();
    scenario["script"] = json!([with(json!({ "at": "1min" }), step)]);
    scenario
}

#[test]
fn what_stands_at_the_limits_is_taken() {
    let all = [
        crowd(&json!({ "count": 999_999, "rooms": 1_000_000 })),
        crowd(&json!({ "link": { "home": "100%" } })),
        crowd(&json!({ "link": { "home": "33.3%", "mobile": "66.7%" }, "clock": "10ppm" })),
        crowd(&json!({ "arrive": { "poisson": "1/s", "from": "10min" }, "roomMode": "single" })),
        crowd(&json!({ "stay": { "uniform": "10d" }, "leave": "kill", "region": "cafe" })),
        and(&json!({ "name": "w", "count": 1, "room": "v-room-7", "link": "home" })),
        and(&json!({ "name": "v-20001", "link": "home", "user": "v-0" })),
        step(&json!({ "do": { "outage": {
            "clients": ["A", "v"], "share": "0.5", "kind": "refuse", "times": 9, "every": "1s",
            "for": "1s" } } })),
        step(&json!({ "do": { "crashNode": { "clients": ["v-20000"], "share": 1 } } })),
    ];
    for scenario in all {
        assert_faults(&scenario, "", &[]);
    }
}

#[test]
fn what_a_population_cannot_be_is_refused() {
    let all = [
        (crowd(&json!({ "rooms": 0 })), "rooms", "expected a whole number from 1 to 1000000"),
        (crowd(&json!({ "room": "hall" })), "room", "both `rooms` and `room`"),
        (crowd(&json!({ "rooms": { "count": 5 } })), "rooms", "`name` is missing"),
        (crowd(&json!({ "rooms": { "name": "a b", "count": 5 } })), "rooms", "SDK takes no room"),
        (
            crowd(&json!({ "name": "v x", "room": "hall", "rooms": null })),
            "name",
            "the SDK takes no user of the name `v x-20000`",
        ),
        (crowd(&json!({ "count": 1_000_000 })), "count", "too many clients"),
        (crowd(&json!({ "link": { "home": "60%" } })), "link", "do not make up 100%"),
        (crowd(&json!({ "link": {} })), "link", "do not make up 100%"),
        (crowd(&json!({ "link": { "hom": "100%" } })), "link/hom", "no link is named `hom`"),
        (
            crowd(&json!({ "roomMode": "multi" })),
            "roomMode",
            "each member of a population is in one",
        ),
        (crowd(&json!({ "user": "U" })), "user", "no common user"),
        (crowd(&json!({ "arrive": "soon" })), "arrive", "unknown word `soon`"),
        (
            crowd(&json!({ "arrive": { "uniform": "0s" } })),
            "arrive/uniform",
            "the duration is zero",
        ),
        (crowd(&json!({ "arrive": { "poisson": "0/s" } })), "arrive/poisson", "is not a rate"),
        (
            crowd(&json!({ "arrive": { "from": "11min" } })),
            "arrive/from",
            "after the end of the run",
        ),
        (
            crowd(&json!({ "arrive": { "uniform": "1s", "poisson": "1/s" } })),
            "arrive/poisson",
            "clients come in one way",
        ),
        (crowd(&json!({ "arrive": { "file": "x" } })), "arrive/file", "cannot be read"),
        (crowd(&json!({ "away": { "fixed": "1s" } })), "away", "who stays to the end"),
        (crowd(&json!({ "leave": "kill" })), "leave", "who stays to the end"),
        (crowd(&json!({ "stay": { "fixed": "11d" } })), "stay/fixed", "longer than any run"),
        (crowd(&json!({ "stay": {} })), "stay", "expected one of these fields, found 0"),
        (
            crowd(&json!({
                "stay": { "fixed": "10ms" }, "away": { "fixed": "10ms" },
                "isUserStatusNotify": false,
            })),
            "",
            // 20,000 members, each 1 + 600 s / 20 ms times.
            "members would log in about 600020000 times",
        ),
    ];
    for (scenario, place, problem) in all {
        let place = format!("/clients/1/{place}");
        assert_faults(&scenario, place.trim_end_matches('/'), &[["", problem]]);
    }
}

#[test]
fn what_does_not_go_with_a_population_is_refused() {
    let all = [
        (and(&json!({ "name": "v-7", "link": "home" })), "/clients/1/name", "a client `v-7`"),
        (
            and(&json!({ "name": "B", "user": "v-7", "link": "home" })),
            "/clients/1/name",
            "there is a user `v-7` already",
        ),
        (
            and(&json!({ "name": "v", "count": 2, "room": "x", "link": "home" })),
            "/clients/2/name",
            "there is a client `v` already",
        ),
        (
            and(&json!({
                "name": "w", "count": 2, "rooms": { "name": "v-room", "count": 7 }, "link": "home",
            })),
            "/clients/2/rooms",
            "another population has 100 rooms of the name `v-room`",
        ),
        (
            and(&json!({ "name": "B", "link": "home", "arrive": "at_once" })),
            "/clients/2/arrive",
            "`arrive` is for populations",
        ),
    ];
    for (scenario, at, problem) in all {
        assert_faults(&scenario, at, &[["", problem]]);
    }
}

#[test]
fn what_members_cannot_do_is_refused() {
    let publish = json!({ "startPublishingStream": { "stream": "s" } });
    let kick = json!({ "kickoutUser": { "room": "v-room-1", "users": ["v"] } });
    let share = |share: Value| {
        let deed = json!({ "clients": ["v"], "share": share, "kind": "silent", "for": "1s" });
        step(&json!({ "do": { "outage": deed } }))
    };
    let all = [
        (
            step(&json!({ "client": "v-1", "do": publish })),
            "/script/0/do/startPublishingStream/stream",
            "members of a population publish no streams",
        ),
        (step(&json!({ "do": kick })), "/script/0/do/kickoutUser/users/0", "v are 20000 users"),
        (share(json!("101%")), "/script/0/do/outage/share", "expected a probability"),
        (
            step(&json!({ "client": "v-20001", "do": { "killApp": {} } })),
            "/script/0/client",
            "no client is named `v-20001`",
        ),
        (
            step(&json!({ "client": "v-07", "do": { "killApp": {} } })),
            "/script/0/client",
            "no client is named `v-07`",
        ),
        (
            step(&json!({ "do": { "outage": {
                "clients": ["v"], "kind": "silent", "for": "1us", "times": 10_000, "every": "1us",
            } } })),
            "/script/0",
            // A step more than 5000 times the 20,000 makes it more than 100,000,000.
            "members would have 100020000 steps so far",
        ),
    ];
    for (scenario, at, problem) in all {
        assert_faults(&scenario, at, &[["", problem]]);
    }
    let mut scenario = base();
    scenario["expect"] = json!([{ "client": "v", "callback": "any", "at": "1s" }]);
    let problem = "each of 20000 clients is looked at by itself";
    assert_faults(&scenario, "/expect/0/client", &[["", problem]]);
}
