//! What happens to links and to the server, by arithmetic.  A link takes 50 ms unless it is said:
//! a message that is sent at T is at the server at T + 50 ms, answered at T + 100 ms, and told to
//! the others at T + 200 ms, 100 ms of which are the server's.

use serde_json::{Value, json};

use crate::support::{
    Ran, after, call, client, event, link_down, login, restart, run, scenario, send, silent, with,
};

/// A run of A, B, C and D in a profile, with the links that the stories need; A's own fields, too.
fn story_of(profile: &Value, of_a: &Value, script: &[Value]) -> Ran {
    let others = ["B", "C", "D"].map(|it| client(it, &json!({})));
    let clients = [&[client("A", of_a)][..], &others].concat();
    let mut story = scenario(profile, &clients, script);
    story["links"] = json!({
        "home": { "delay": "50ms" },
        "far": { "delay": "250ms" },
        "near": { "delay": "20ms" },
        "end": { "delay": "60ms" },
        "wifi": { "delay": "50ms", "network": "WiFi" },
        "street": { "delay": "80ms", "network": "4G" },
    });
    run(&story.to_string(), None)
}

/// A and B log in at 0 s, then this happens, in the profile `zego-doc`.
fn pair(of_a: &Value, script: &[Value]) -> Ran {
    let all = [&[login("0s", "A"), login("0s", "B")], script].concat();
    story_of(&json!("zego-doc"), of_a, &all)
}

fn change(at: &str, fields: &Value) -> Value {
    event(at, &json!({ "changeLink": with(json!({ "clients": ["A"] }), fields) }))
}

fn network(at: &str) -> Value {
    event(at, &json!({ "changeNetwork": { "clients": ["A"], "to": "street" } }))
}

fn slow(at: &str, fields: &Value) -> Value {
    event(at, &json!({ "slowServer": fields }))
}

/// Attempts of 5 s, 2 s apart: one begins every 7 s and is repeated after 1 s and 3 s.
fn steady() -> Value {
    json!({ "base": "zego-doc", "retry": { "fixed": "2s", "attempt_timeout": "5s" } })
}

/// Heartbeats one interval after the login, so at 5.12, 10.12, 15.12 … s.
fn beating() -> Value {
    json!({ "base": "zego", "heartbeat": { "phase": "login" } })
}

// ---- Links of another kind ----

#[test]
fn a_link_is_another_from_the_very_instant_on() {
    let told = |at: &str| {
        let ran = pair(&json!({}), &[change("20s", &json!({ "to": "far" })), send(at, "A", "m")]);
        after(&ran.lines(), 19).iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()
    };
    // Under way when it changes: up as it was; the answer is sent at 20.049999 s and takes 250 ms.
    let before =
        ["20.199999 B message of A: m", "20.299999 A sendBroadcastMessage Succeeded 0 (m)"];
    assert_eq!(told("19.999999s"), before);
    let at = ["20.400000 B message of A: m", "20.500000 A sendBroadcastMessage Succeeded 0 (m)"];
    assert_eq!(told("20s"), at);
    // Answered before it changes, and told to B over B's link.
    let long_before =
        ["19.899999 A sendBroadcastMessage Succeeded 0 (m)", "19.999999 B message of A: m"];
    assert_eq!(told("19.799999s"), long_before);
}

#[test]
fn a_link_may_change_in_one_direction() {
    let ends = |direction: &str| {
        let to = json!({ "to": "far", "direction": direction });
        let script = [change("20s", &to), send("20s", "A", "up"), send("30s", "B", "down")];
        let ran = pair(&json!({}), &script);
        let mut lines = ran.told("A", "message of B");
        lines.extend(ran.told("A", "Succeeded"));
        lines.extend(ran.told("B", "message of A"));
        lines.iter().map(|it| it.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ends("up"), ["30.200000", "20.300000", "20.400000"]);
    assert_eq!(ends("down"), ["30.400000", "20.300000", "20.200000"]);
    assert_eq!(ends("both"), ["30.400000", "20.500000", "20.400000"]);
}

/// From 20 ms to 60 ms in 4 steps of 1 s: 20 ms at first, then 30, 40, 50 and 60 ms.
#[test]
fn a_ramp_goes_in_equal_steps() {
    let ramp = change("20s", &json!({ "from": "near", "to": "end", "over": "4s", "steps": 4 }));
    let delays = |at: [&str; 6]| {
        let sent = at.map(|it| send(it, "A", it));
        let ran = pair(&json!({}), &[std::slice::from_ref(&ramp), &sent].concat());
        ran.told("B", "message").iter().map(|it| it[..9].to_owned()).collect::<Vec<_>>()
    };
    // Besides, 100 ms at the server and 50 ms down to B.
    let at = ["20s", "21s", "22s", "23s", "24s", "100s"];
    let told = ["20.170000", "21.180000", "22.190000", "23.200000", "24.210000", "100.21000"];
    assert_eq!(delays(at), told);
    let just_before = ["19.999999s", "20.999999s", "21.999999s", "22.999999s", "23.999999s", "25s"];
    let told = ["20.199999", "21.169999", "22.179999", "23.189999", "24.199999", "25.210000"];
    assert_eq!(delays(just_before), told);
}

#[test]
fn a_ramp_may_go_down_in_one_direction_and_beyond_the_end() {
    // Up 60 ms, 50, 40, 30, 20 ms; down 50 ms as ever.
    let down = json!({
        "from": "end", "to": "near", "over": "4s", "steps": 4, "direction": "up",
    });
    let ran = pair(
        &json!({}),
        &[
            change("20s", &down),
            send("20s", "A", "1"),
            send("22s", "A", "2"),
            send("24s", "A", "3"),
        ],
    );
    let answers: Vec<String> =
        ran.told("A", "Succeeded").iter().map(|it| it[..9].to_owned()).collect();
    assert_eq!(answers, ["20.110000", "22.090000", "24.070000"]);
    // Of a ramp of 1 h the run sees half: at 30 min the delay is 40 ms.
    let long = change("0s", &json!({ "from": "near", "to": "end", "over": "1h", "steps": 4 }));
    let ran = pair(&json!({}), &[long, send("29min 59s", "A", "m")]);
    assert_eq!(ran.told("B", "message"), ["1799.180000 B message of A: m"]); // 30 ms still.
}

#[test]
fn a_change_of_a_region_is_that_of_its_members() {
    let of = |clients: &[&str], deed: &str, fields: &Value| {
        let in_region = |it: &str| client(it, &json!({ "region": "cafe" }));
        let all = [in_region("A"), client("B", &json!({})), in_region("C")];
        let deed = json!({ deed: with(json!({ "clients": clients }), fields) });
        let script = [
            login("0s", "A"),
            login("0s", "B"),
            login("0s", "C"),
            event("60s", &deed),
            send("70s", "A", "hello"),
        ];
        let mut story = scenario(&json!("zego"), &all, &script);
        story["links"]["far"] = json!({ "delay": "250ms", "jitter": "100ms", "loss": "10%" });
        run(&story.to_string(), None).lines()
    };
    let changes = [
        ("outage", json!({ "kind": "link_down", "for": "2min" })),
        ("outage", json!({ "kind": "silent", "for": "2min", "direction": "up" })),
        ("randomOutages", json!({ "kind": "silent", "every": "1min", "lasts": "30s" })),
        ("changeLink", json!({ "to": "far" })),
        ("changeNetwork", json!({ "to": "far" })),
    ];
    for (deed, fields) in changes {
        let lines = of(&["A", "C"], deed, &fields);
        assert_eq!(of(&["cafe"], deed, &fields), lines, "{deed}");
        // Who is named twice is meant once.
        assert_eq!(of(&["C", "cafe", "A"], deed, &fields), lines, "{deed}");
        assert_ne!(of(&["A"], deed, &fields), lines, "{deed}");
    }
}

// ---- Outages that come again ----

#[test]
fn flapping_is_its_outages_one_by_one() {
    let outage = |at: &str, kind: &str, more: &Value| {
        let outage = json!({ "clients": ["A", "B", "C", "D"], "kind": kind, "for": "15s" });
        event(at, &json!({ "outage": with(outage, more) }))
    };
    for profile in ["zego-doc", "zego", "zego-web"] {
        for kind in ["link_down", "silent", "refuse"] {
            let of = |outages: &[Value]| {
                let early = [login("0s", "A"), login("0s", "B")];
                let late = [login("65s", "C"), login("185s", "D")];
                let script = [&early, &late, outages].concat();
                story_of(&json!(profile), &json!({}), &script).lines()
            };
            let again = of(&[outage("60s", kind, &json!({ "times": 4, "every": "40s" }))]);
            let single = ["60s", "100s", "140s", "180s"].map(|it| outage(it, kind, &json!({})));
            assert_eq!(again, of(&single), "{profile} {kind}");
            assert_ne!(again, of(&single[..3]), "{profile} {kind}");
        }
    }
}

/// Outages that touch are one: at an instant others begin first.
#[test]
fn outages_that_touch_are_one() {
    let often =
        json!({ "clients": ["A"], "kind": "link_down", "for": "5s", "times": 6, "every": "5s" });
    let ran = pair(&json!({}), &[event("60s", &json!({ "outage": often }))]);
    let lines = ["60.000000 A Reconnecting 1002051", "90.120000 A Reconnected 0"];
    assert_eq!(after(&ran.lines(), 1), lines);
}

// ---- The server ----

/// The heartbeat of 15.12 s was answered and that of 20.12 s will be: nobody takes it for an outage.
#[test]
fn what_is_sent_to_a_server_that_is_down_is_lost_and_repeated() {
    let restarted = |span: &str| {
        let script = [
            login("0s", "A"),
            login("0s", "B"),
            restart("16s", span, "kept"),
            send("17s", "A", "hello"),
        ];
        let ran = story_of(&beating(), &json!({}), &script);
        after(&ran.lines(), 1).iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()
    };
    // Repeated after 1 s and 2 s more: at 18 s and 20 s.
    let at_20 =
        ["20.100000 A sendBroadcastMessage Succeeded 0 (hello)", "20.200000 B message of A: hello"];
    assert_eq!(restarted("3s"), at_20);
    let at_18 =
        ["18.100000 A sendBroadcastMessage Succeeded 0 (hello)", "18.200000 B message of A: hello"];
    // It hears what arrives at the instant at which it is back, and not just before.
    assert_eq!(restarted("2.05s"), at_18);
    assert_eq!(restarted("2.050001s"), at_20);
    let at_17 =
        ["17.100000 A sendBroadcastMessage Succeeded 0 (hello)", "17.200000 B message of A: hello"];
    assert_eq!(restarted("1s"), at_17);
}

// spec: R19
#[test]
fn a_restart_with_its_memory_is_not_seen_by_the_others() {
    for (span, back) in [("30s", "91.120000"), ("200s", "263.120000")] {
        let script = [login("0s", "A"), login("0s", "B"), restart("60s", span, "kept")];
        let ran = story_of(&steady(), &json!({}), &script);
        for client in ["A", "B"] {
            let lines = [
                format!("60.000000 {client} Reconnecting 1002051"),
                format!("{back} {client} Reconnected 0"),
            ];
            assert_eq!(after(&ran.lines_of(client), 1), lines, "{span}");
        }
    }
}

/// A's network is gone from 50 s on, so its lease would have ended at 140 s.
#[test]
fn leases_begin_anew_with_the_server() {
    let story = |span: &str| {
        let away = event("50s", &json!({ "outage": { "clients": ["A"], "kind": "link_down" } }));
        let script = [login("0s", "A"), login("0s", "B"), away, restart("60s", span, "kept")];
        story_of(&steady(), &json!({}), &script).told("B", "DELETE")
    };
    // 90 s after 90 s, and after 260 s; 100 ms and 50 ms.
    assert_eq!(story("30s"), ["180.150000 B DELETE A"]);
    assert_eq!(story("200s"), ["350.150000 B DELETE A"]);
}

/// B is back by the attempt of 88 s, repeated at 91 s; A's network is there again at 120 s and C's
/// at 130 s.  Who comes back asks who is there: 100 ms.
#[test]
fn who_comes_back_to_a_server_without_memory_is_told_who_is_there() {
    let script = [
        login("0s", "A"),
        login("0s", "B"),
        login("0s", "C"),
        link_down("55s", "A", "65s"),
        link_down("55s", "C", "75s"),
        restart("60s", "30s", "lost"),
    ];
    let ran = story_of(&steady(), &json!({}), &script);
    assert_eq!(
        after(&ran.lines(), 61),
        [
            "91.120000 B Reconnected 0",
            "91.220000 B DELETE A;C",
            "120.120000 A Reconnected 0",
            "120.220000 A DELETE C",
            "120.220000 B ADD A",
            "130.120000 C Reconnected 0",
            "130.220000 A ADD C",
            "130.220000 B ADD C",
        ]
    );
    let kept: Vec<Value> =
        script[..5].iter().cloned().chain([restart("60s", "30s", "kept")]).collect();
    let ran = story_of(&steady(), &json!({}), &kept);
    let lines =
        ["91.120000 B Reconnected 0", "120.120000 A Reconnected 0", "130.120000 C Reconnected 0"];
    assert_eq!(after(&ran.lines(), 61), lines);
}

/// Attempts at 60, 67, 74, 81, 88, 95 and 102 s; that of 88 s would be heard at 91.05 s.
#[test]
fn the_server_is_down_until_the_last_restart_is_over() {
    for (one, other) in [(("60s", "30s"), ("80s", "20s")), (("60s", "40s"), ("80s", "5s"))] {
        let restarts = [restart(one.0, one.1, "kept"), restart(other.0, other.1, "kept")];
        let script = [&[login("0s", "A"), login("0s", "B")], &restarts[..]].concat();
        let ran = story_of(&steady(), &json!({}), &script);
        let lines = ["60.000000 A Reconnecting 1002051", "102.120000 A Reconnected 0"];
        assert_eq!(after(&ran.lines_of("A"), 1), lines);
    }
}

/// 2 x 50 ms and what the server takes: 500 ms from 10 s to just before 110 s, else 20 ms.
#[test]
fn a_slow_server_takes_its_time_over_logins() {
    let logined = |fields: &Value| {
        let script = [
            slow("10s", fields),
            login("9.959999s", "D"),
            login("20s", "A"),
            login("109.949999s", "B"),
            login("109.95s", "C"),
        ];
        let ran = story_of(&json!("zego-doc"), &json!({}), &script);
        let of = |it| ran.told(it, "Logined").iter().map(|it| it[..9].to_owned()).collect();
        ["D", "A", "B", "C"].map(|it| -> String { of(it) })
    };
    let for_a_time = logined(&json!({ "login_processing": "500ms", "for": "100s" }));
    // D's login is at the server at 10.009999 s, B's at 109.999999 s, C's at 110 s.
    assert_eq!(for_a_time, ["10.559999", "20.600000", "110.54999", "110.07000"]);
    let to_the_end = logined(&json!({ "login_processing": "500ms" }));
    assert_eq!(to_the_end, ["10.559999", "20.600000", "110.54999", "110.55000"]);
    let at_once = logined(&json!({ "login_processing": "0s" }));
    assert_eq!(at_once, ["10.059999", "20.100000", "110.04999", "110.05000"]);
}

/// The jitter of a table may be more than the delay, that of the uniform distribution may not.
#[test]
fn a_ramp_may_lead_from_a_table_to_the_uniform_distribution() {
    let ramp = event(
        "20s",
        &json!({ "changeLink": { "clients": ["A"], "from": "wild", "to": "even", "over": "100s" } }),
    );
    let mut story = scenario(
        &json!("zego"),
        &[client("A", &json!({})), client("B", &json!({}))],
        &[login("0s", "A"), login("0s", "B"), ramp],
    );
    story["links"]["wild"] = json!({ "delay": "10ms", "jitter": "50ms", "distribution": "normal" });
    story["links"]["even"] = json!({ "delay": "60ms", "jitter": "60ms" });
    let ran = run(&story.to_string(), None);
    assert_eq!(ran.told("A", "Logined").len(), 1);
}

/// What began last holds until it ends, then what began before it.
#[test]
fn slow_times_may_overlap() {
    let script = [
        slow("10s", &json!({ "login_processing": "500ms", "for": "20s" })),
        slow("20s", &json!({ "login_processing": "700ms", "for": "60s" })),
        slow("50s", &json!({ "login_processing": "900ms", "for": "10s" })),
        login("25s", "A"),
        login("40s", "B"),
        login("55s", "C"),
        login("70s", "D"),
    ];
    let ran = story_of(&json!("zego-doc"), &json!({}), &script);
    let of = |it| ran.told(it, "Logined").iter().map(|it| it[..9].to_owned()).collect();
    let logined = ["A", "B", "C", "D"].map(|it| -> String { of(it) });
    assert_eq!(logined, ["25.800000", "40.800000", "56.000000", "70.800000"]);
}

// ---- Clocks ----

/// A tenth too fast: 1200 s are over after 1200 s / 1.1 = 1090.909090…; the lease is the server's.
#[test]
fn a_fast_clock_gives_up_early_and_the_lease_is_the_servers() {
    let of = |clock: &str| {
        let down = event("60s", &json!({ "outage": { "clients": ["A"], "kind": "link_down" } }));
        pair(&json!({ "clock": clock }), &[down])
    };
    let ran = of("100000ppm");
    assert_eq!(
        after(&ran.lines(), 1),
        [
            "60.000000 A Reconnecting 1002051",
            "150.150000 B DELETE A",
            "1150.909091 A ReconnectFailed 1002053",
        ]
    );
    // 1200 s / 0.9 = 1333.333…
    assert_eq!(of("-100000ppm").told("A", "Failed"), ["1393.333334 A ReconnectFailed 1002053"]);
    assert_eq!(of("0ppm").told("A", "Failed"), ["1260.000000 A ReconnectFailed 1002053"]);
}

/// With 5.5 s, 11 s and 1100 s on a clock that is a tenth too fast, all is as with 5 s, 10 s and
/// 1000 s on a right one: heartbeats at 55.12 s, heard at 55.17 s, and 60.12 s, lost.
#[test]
fn all_that_a_client_times_goes_by_its_clock() {
    let of = |clock: &str, every: &str, broken: &str, budget: &str| {
        let profile = json!({
            "base": "zego",
            "heartbeat": { "every": every, "phase": "login" },
            "detect": { "probe_after": every, "broken_after": broken },
            "retry": { "fixed": broken, "budget": budget },
        });
        let down = event("60s", &json!({ "outage": { "clients": ["A"], "kind": "silent" } }));
        let script = [login("0s", "B"), login("10s", "A"), down];
        story_of(&profile, &json!({ "clock": clock }), &script)
    };
    let ran = of("100000ppm", "5.5s", "11s", "1100s");
    let lines = ["70.120000 A Reconnecting 1002051", "1070.120000 A ReconnectFailed 1002053"];
    assert_eq!(after(&ran.lines_of("A"), 11), lines);
    // 90 s after 55.17 s; 100 ms and 50 ms.
    assert_eq!(ran.told("B", "DELETE"), ["145.320000 B DELETE A"]);
    assert_eq!(of("0ppm", "5s", "10s", "1000s").lines_of("A"), ran.lines_of("A"));
}

// ---- Other networks ----

fn on_wifi(script: &[Value]) -> Ran {
    pair(&json!({ "link": "wifi" }), script)
}

/// A login over the new link takes 2 x 80 ms and 20 ms.
// spec: R63
#[test]
fn what_was_connected_connects_anew_on_another_network() {
    for profile in [json!("zego-doc"), beating()] {
        let script = [login("0s", "A"), login("0s", "B"), network("60s"), send("61s", "B", "m")];
        let ran = story_of(&profile, &json!({ "link": "wifi" }), &script);
        assert_eq!(
            after(&ran.lines_of("A"), 1),
            [
                "60.000000 A network 4G",
                "60.000000 A Reconnecting 1002051",
                "60.180000 A Reconnected 0",
                "61.230000 A message of B: m", // 50 ms, 100 ms and 80 ms.
            ]
        );
        assert_eq!(after(&ran.lines_of("B"), 1).len(), 1);
    }
    // Who is in no room hears of the network only.
    let ran = story_of(&json!("zego"), &json!({ "link": "wifi" }), &[network("60s")]);
    assert_eq!(ran.lines(), ["60.000000 A network 4G"]);
}

// spec: R63
#[test]
fn a_network_that_changes_in_an_announced_outage_is_known_at_its_end() {
    for profile in [json!("zego-doc"), beating()] {
        let script =
            [login("0s", "A"), login("0s", "B"), link_down("60s", "A", "20s"), network("70s")];
        let ran = story_of(&profile, &json!({ "link": "wifi" }), &script);
        assert_eq!(
            after(&ran.lines(), 1),
            [
                "60.000000 A network Offline",
                "60.000000 A Reconnecting 1002051",
                "80.000000 A network 4G",
                "80.180000 A Reconnected 0",
            ]
        );
    }
}

/// The client tries at once, and again while the outage lasts.
// spec: R63
#[test]
fn a_network_that_changes_in_a_silent_outage_is_known_at_once() {
    let script = [login("0s", "A"), login("0s", "B"), silent("60s", "A", "20s"), network("65s")];
    let ran = story_of(&beating(), &json!({ "link": "wifi" }), &script);
    let lines = after(&ran.lines_of("A"), 1).len();
    assert_eq!(lines, 3);
    assert_eq!(
        ran.told("A", "65.000000"),
        ["65.000000 A network 4G", "65.000000 A Reconnecting 1002051"]
    );
    assert_eq!(ran.told("A", "Reconnected").len(), 1);
}

/// In `zego-doc` who wakes connects anew anyway, over the link that there is then.
#[test]
fn a_network_that_changes_in_a_sleep_is_used_after_it() {
    let sleep = call("60s", "A", &json!({ "suspendApp": { "for": "20s" } }));
    let ran = on_wifi(&[sleep, network("70s")]);
    let told =
        ["80.000000 A Reconnecting 1002051", "80.000000 A network 4G", "80.180000 A Reconnected 0"];
    assert_eq!(after(&ran.lines_of("A"), 1), told);
    assert_eq!(after(&ran.lines_of("B"), 1), Vec::<&str>::new());
}
