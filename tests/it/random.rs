//! Random scenarios: scripts of calls, outages and halts, over random links, by random profiles.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

/// When the script of a random scenario is over, in seconds.
const SCRIPT_END: u64 = 600;

fn client_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["A", "B", "C", "D"])
}

fn at() -> impl Strategy<Value = String> {
    (0..SCRIPT_END * 1000).prop_map(|ms| format!("{}us", ms * 1000))
}

fn room_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["r", "s", "t"])
}

/// How clients notice that what they were connected to is gone.
pub(crate) fn noticed() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["at_once", "by_silence"])
}

/// How a login is configured.
fn way_in() -> impl Strategy<Value = Value> {
    let token = prop::sample::select(vec!["wrong", "30s", "5min"]);
    prop_oneof![
        4 => room_name().prop_map(|room| json!({ "loginRoom": { "room": room } })),
        1 => (room_name(), token).prop_map(
            |(room, token)| json!({ "loginRoom": { "room": room, "token": token } })
        ),
        1 => (room_name(), 1..3_u32).prop_map(
            |(room, max)| json!({ "loginRoom": { "room": room, "maxMemberCount": max } })
        ),
        1 => (room_name(), room_name())
            .prop_map(|(from, to)| json!({ "switchRoom": { "from": from, "to": to } })),
    ]
}

fn call() -> impl Strategy<Value = Value> {
    let stream = prop::sample::select(vec!["x", "y", "of-{client}"]);
    prop_oneof![
        7 => way_in(),
        2 => prop::option::of(room_name()).prop_map(|room| match room {
            Some(room) => json!({ "logoutRoom": { "room": room } }),
            None => json!({ "logoutRoom": {} }),
        }),
        3 => (room_name(), stream.clone()).prop_map(
            |(room, stream)| json!({ "startPublishingStream": { "stream": stream, "room": room } })
        ),
        1 => stream.prop_map(|stream| json!({ "stopPublishingStream": { "stream": stream } })),
        2 => room_name().prop_map(
            |room| json!({ "sendBroadcastMessage": { "room": room, "message": "hello" } })
        ),
        1 => (room_name(), prop::sample::select(vec!["k", "l"])).prop_map(|(room, key)| {
            json!({ "setRoomExtraInfo": { "room": room, "key": key, "value": "v" } })
        }),
        1 => prop::sample::select(vec!["wrong", "1min"])
            .prop_map(|token| json!({ "renewToken": { "token": token } })),
        1 => prop::sample::select(vec!["createEngine", "destroyEngine"])
            .prop_map(|event| json!({ event: {} })),
    ]
}

fn step() -> impl Strategy<Value = Value> {
    let call = (at(), client_name(), call())
        .prop_map(|(at, client, deed)| json!({ "at": at, "client": client, "do": deed }));
    let backend =
        (at(), 0..6_u8, prop::sample::select(vec!["A", "B"])).prop_map(|(at, kind, user)| {
            let deed = match kind {
                0 => json!({ "closeRoom": { "room": "r" } }),
                1 => json!({ "forbidUser": { "users": [user] } }),
                2 => json!({ "sessionException": { "room": "r", "users": [user] } }),
                _ => json!({ "kickoutUser": { "room": "r", "users": [user] } }),
            };
            json!({ "at": at, "do": deed })
        });
    let direction = prop::sample::select(vec!["up", "down", "both"]);
    let code = prop::sample::select(vec![1_002_034, 1_002_072, 1_002_078, 1_002_099]);
    let span = prop_oneof![1..2000_u64, 1..200_000_u64].prop_map(|ms| format!("{ms}ms"));
    let outage = (at(), client_name(), 0..6_u8, direction, code, span).prop_map(
        |(at, client, kind, direction, code, span)| {
            let mut outage = json!({ "clients": [client], "kind": "link_down", "for": span });
            match kind {
                0 | 1 => {
                    outage["kind"] = json!("silent");
                    outage["direction"] = json!(direction);
                }
                2 => {
                    outage["kind"] = json!("refuse");
                    outage["errorCode"] = json!(code);
                }
                3 => {
                    outage["kind"] = json!("stall");
                    outage["direction"] = json!(direction);
                }
                _ => (),
            }
            json!({ "at": at, "do": { "outage": outage } })
        },
    );
    let span = prop_oneof![1..2000_u64, 1..120_000_u64].prop_map(|ms| format!("{ms}ms"));
    let memory = prop::sample::select(vec!["kept", "lost"]);
    let how = (0..3_u8, noticed());
    let server = (at(), span, memory, how).prop_map(|(at, span, memory, (kind, noticed))| {
        let restart = json!({ "for": span, "memory": memory, "noticed": noticed });
        let deed = match kind {
            0 => json!({ "slowServer": { "login_processing": "2s", "for": span } }),
            _ => json!({ "restartServer": restart }),
        };
        json!({ "at": at, "do": deed })
    });
    let to = prop::sample::select(vec!["x", "y"]);
    let link = (at(), client_name(), 0..8_u8, to, noticed()).prop_map(
        |(at, client, kind, to, noticed)| {
            let deed = match kind {
                // It stands still for a twentieth of the time, then nothing is narrow.
                5 => json!({ "changeLink": {
                "clients": [client], "from": "z", "to": "y", "over": "100s", "steps": 20,
            } }),
                0..=2 => json!({ "changeNetwork": { "clients": [client], "to": to } }),
                3 => json!({ "crashNode": { "clients": [client], "noticed": noticed } }),
                4 | 6 => json!({ "resetConnections": { "clients": [client] } }),
                _ => json!({ "changeLink": { "clients": [client], "to": to } }),
            };
            json!({ "at": at, "do": deed })
        },
    );
    prop_oneof![8 => call, 6 => outage, 1 => backend, 1 => server, 2 => link]
}

/// Something befalls a client's network while it is about to log in, or in again, because of what
/// befell it some milliseconds before.
fn hitch() -> impl Strategy<Value = Vec<Value>> {
    let deed = || {
        let span = 1..3000_u64;
        (0..5_u8, span).prop_map(|(kind, span_ms)| match kind {
            4 => json!({ "resetConnections": {} }),
            0 => json!({ "changeNetwork": { "to": "x" } }),
            1 => json!({ "changeNetwork": { "to": "y" } }),
            _ => {
                let kind = if kind == 2 { "link_down" } else { "silent" };
                json!({ "outage": { "kind": kind, "for": format!("{span_ms}ms") } })
            }
        })
    };
    let deeds = prop::collection::vec((0..2500_u64, deed()), 2..5);
    (0..SCRIPT_END * 1000, client_name(), deeds).prop_map(|(from_ms, client, deeds)| {
        let mut at_ms = from_ms;
        let mut steps = Vec::new();
        for (later_ms, mut deed) in deeds {
            at_ms += later_ms;
            let [fields] = &mut deed.as_object_mut().unwrap().values_mut().collect::<Vec<_>>()[..]
            else {
                unreachable!("a deed has one name")
            };
            fields["clients"] = json!([client]);
            steps.push(json!({ "at": format!("{}us", at_ms * 1000), "do": deed }));
        }
        steps
    })
}

/// A time in which a client's app is dead or stands still: whose, from when, how long.
fn halt() -> impl Strategy<Value = (&'static str, u64, u64, bool)> {
    let span = prop_oneof![1..30_000_u64, 1..200_000_u64];
    (client_name(), 1..SCRIPT_END * 1000, span, any::<bool>())
}

/// When a step happens.
pub(crate) fn micros(step: &Value) -> u64 {
    let at = step["at"].as_str().unwrap();
    at.strip_suffix("us").unwrap().parse().unwrap()
}

/// Halts the app of a client, and takes out the calls that it cannot make then.
fn with_halt(script: &mut Vec<Value>, (client, at_ms, span_ms, is_kill): (&str, u64, u64, bool)) {
    // Between two calls, which fall on whole milliseconds.
    let from = at_ms * 1000 + 1;
    let to = from + span_ms * 1000;
    let is_possible = |it: &Value| it["client"] != client || !(from..=to).contains(&micros(it));
    script.retain(is_possible);
    let step =
        |at: u64, deed: Value| json!({ "at": format!("{at}us"), "client": client, "do": deed });
    if is_kill {
        script.push(step(from, json!({ "killApp": {} })));
        script.push(step(to, json!({ "startApp": {} })));
    } else {
        script.push(step(from, json!({ "suspendApp": { "for": format!("{span_ms}ms") } })));
    }
}

fn profile() -> impl Strategy<Value = Value> {
    let base = prop::sample::select(vec!["zego-doc", "zego", "zego-100s", "zego-web"]);
    let budget = prop::sample::select(vec![json!("20min"), json!("45s"), json!({ "attempts": 3 })]);
    let lease = prop::sample::select(vec!["90s", "20s", "100s"]);
    let waits = prop::sample::select(vec![
        json!({}),
        json!({ "fixed": "1s" }),
        json!({ "exponential": { "base": "100ms", "cap": "20s", "jitter": "full" } }),
        json!({ "list": [{ "uniform": "0.5s..1.5s" }, { "wait": "4s", "jitter": "25%" }] }),
    ]);
    let from = prop::sample::select(vec!["end", "start"]);
    let late_answer = prop::sample::select(vec!["ignored", "accepted"]);
    // The shortest is too short for a login over the longer links.
    let attempt_timeout = prop::sample::select(vec!["10s", "10s", "2s", "1s"]);
    let attempts = (from, late_answer, attempt_timeout);
    let memory = prop::sample::select(vec!["on", "off"]);
    let expiry = prop::sample::select(vec!["keep", "kick"]);
    let count = prop::sample::select(vec!["none", "30s"]);
    let rate = prop::sample::select(vec!["200/s", "1/s"]);
    (base, budget, lease, (waits, attempts), (memory, expiry, count, rate)).prop_map(
        |(base, budget, lease, (mut retry, attempts), (memory, expiry, count, rate))| {
            retry["budget"] = budget;
            retry["from"] = json!(attempts.0);
            retry["late_answer"] = json!(attempts.1);
            retry["attempt_timeout"] = json!(attempts.2);
            // A lease must outlast two heartbeats, or everybody comes and goes for ever.
            let lease = if base == "zego-web" { "100s" } else { lease };
            json!({
                "base": base, "retry": retry, "lease": { "after": lease }, "kick_memory": memory,
                "token_expiry": expiry, "online_count": count, "login_rate": rate,
            })
        },
    )
}

/// Whoever logs in by this step is told of no users, and nobody of it.
fn quieten(step: &mut Value) {
    for call in ["loginRoom", "switchRoom"] {
        if let Some(call) = step["do"].get_mut(call) {
            call["isUserStatusNotify"] = json!(false);
        }
    }
}

/// A scenario of four clients, who are done long before its end.
pub(crate) fn scenario() -> impl Strategy<Value = Value> {
    let loss = prop::sample::select(vec!["0", "1%", "10%", "40%"]);
    let jitter = prop::sample::select(vec!["0ms", "40ms"]);
    let script = (prop::collection::vec(step(), 1..25), prop::collection::vec(hitch(), 0..3))
        .prop_map(|(script, hitches)| [script, hitches.concat()].concat());
    let halts = prop::collection::vec(halt(), 0..3);
    // D is a second device of A's user, or a user of its own.
    let user_of_d = prop::sample::select(vec!["A", "D"]);
    let link = prop::sample::select(vec![
        json!({}),
        json!({ "loss": { "gemodel": { "p": "0.5%", "r": "50%" } } }),
        json!({ "loss": { "timed_gilbert_elliott": { "good": "1min", "bad": "1s" } } }),
        json!({ "duplicate": "10%" }),
        json!({ "duplicate": "10%", "order": "fifo" }),
        json!({ "reorder": "20%" }),
        json!({ "rate": "64kbit", "limit": 20, "distribution": "pareto", "shared": true }),
        json!({ "rate": "16kbit", "limit": 20, "reorder": "10%", "duplicate": "10%" }),
    ]);
    let modes =
        prop::sample::select(vec![("single", "single"), ("multi", "single"), ("multi", "multi")]);
    let of_clients = (user_of_d, modes, any::<bool>());
    // Over the longer one requests are repeated before they can be answered.
    let delay = prop::sample::select(vec!["50ms", "50ms", "700ms"]);
    (loss, (delay, jitter), profile(), (script, halts), (of_clients, link), any::<u32>()).prop_map(
        |(loss, (delay, jitter), profile, (mut script, halts), (of_clients, link), seed)| {
            let (user_of_d, modes, is_c_quiet) = of_clients;
            // With a heartbeat every 30 s, three losses in a row end a lease to the very end.
            let is_web = profile["base"] == "zego-web";
            let loss = if is_web && loss != "0" { "1%" } else { loss };
            let mut link = link;
            link["delay"] = json!(delay);
            link["jitter"] = json!(jitter);
            link["network"] = json!("4G");
            if link.get("loss").is_none() {
                link["loss"] = json!(loss);
            }
            // What the backend does to a room that nobody enters would be a fault.
            let first = json!({ "loginRoom": { "room": "r" } });
            script.push(json!({ "at": "0us", "client": "A", "do": first }));
            if is_c_quiet {
                script.iter_mut().filter(|it| it["client"] == "C").for_each(quieten);
            }
            let mut halted = BTreeSet::new();
            for halt in halts {
                if halted.insert(halt.0) {
                    with_halt(&mut script, halt);
                }
            }
            json!({
                "version": 1, "name": "random", "seed": seed, "duration": "1h",
                "profile": profile,
                "links": {
                    "x": link,
                    "y": { "delay": "20ms", "network": "WiFi" },
                    "z": { "delay": "20ms", "rate": "0bit", "limit": 9 },
                },
                "clients": [
                    { "name": "A", "link": "x", "roomMode": modes.0 },
                    { "name": "B", "link": "x" },
                    { "name": "C", "link": "x", "roomMode": modes.1 },
                    { "name": "D", "link": "x", "user": user_of_d },
                ],
                "script": script,
            })
        },
    )
}
