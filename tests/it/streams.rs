//! Streams: who is told that they come and go, and why.  A link takes 50 ms, the server tells the
//! others 100 ms after a change: what an app asks for is known to the others after 200 ms.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use roomsim::{
    id::ClientId,
    protocol::code::{Reason, Update},
    sink::trace::{Row, What},
    time::SimSpan,
};
use serde_json::{Value, json};

use crate::support::{
    Ran, after, call, client, event, link_down, login, login_with, logout, publish, run, scenario,
    silent, story, unpublish,
};

/// B is in the room; A comes at 10 s and publishes at 20 s.
fn on_air(script: &[Value]) -> Ran {
    let clients = [
        client("A", &json!({})),
        client("B", &json!({})),
        client("C", &json!({})),
        client("tablet", &json!({ "user": "A" })),
    ];
    let mut all = vec![login("0s", "B"), login("10s", "A"), publish("20s", "A", "x")];
    all.extend_from_slice(script);
    run(&scenario(&json!("zego-doc"), &clients, &all).to_string(), None)
}

// spec: R49
#[test]
fn others_are_told_of_a_stream_and_its_publisher_is_not() {
    let ran = on_air(&[unpublish("30s", "A", "x")]);
    // 50 ms to the server, 100 ms until it tells, 50 ms to B.
    assert_eq!(
        after(&ran.lines(), 11),
        ["20.200000 B ADD stream x", "30.200000 B DELETE stream x (reason 1)"]
    );
}

// spec: R49
#[test]
fn a_stream_does_not_ask_for_the_switch_of_user_notices() {
    let quiet = json!({ "isUserStatusNotify": false });
    let script = [
        login_with("0s", "B", &quiet),
        login_with("10s", "A", &quiet),
        publish("20s", "A", "x"),
        login_with("40s", "C", &quiet),
        logout("60s", "A"),
    ];
    let ran = story(&["A", "B", "C"], &script);
    assert_eq!(
        after(&ran.lines_of("B"), 1),
        ["20.200000 B ADD stream x", "60.200000 B DELETE stream x (reason 1)"]
    );
    // C is in at 40.12 s and asks what there is; there and back takes 100 ms.
    assert_eq!(
        after(&ran.lines_of("C"), 40)[1..],
        [
            "40.120000 C Logined 0",
            "40.220000 C ADD stream x",
            "60.200000 C DELETE stream x (reason 1)"
        ]
    );
}

// spec: R49
#[test]
fn a_stream_belongs_to_its_room() {
    let elsewhere = call("0s", "C", &json!({ "loginRoom": { "room": "s" } }));
    let ran = on_air(&[elsewhere, publish("30s", "C", "y")]);
    assert_eq!(ran.told("C", "stream"), Vec::<String>::new());
    assert_eq!(ran.told("B", "stream"), ["20.200000 B ADD stream x"]);
}

/// Each with what B hears of A after 30 s.  The streams of a member that leaves go before it.
// spec: R49, R62
#[test]
fn a_stream_that_ends_tells_why() {
    let users = json!({ "room": "r", "users": ["A"] });
    let elsewhere = json!({ "loginRoom": { "room": "s" } });
    for (step, at, reason, leaves) in [
        // Asked at 60 s: 50 ms to the server, 100 and 50 ms to B.
        (unpublish("60s", "A", "x"), "60.200000", 1, false),
        (logout("60s", "A"), "60.200000", 1, true),
        (call("60s", "A", &json!({ "destroyEngine": {} })), "60.200000", 1, true),
        (
            call("60s", "A", &json!({ "switchRoom": { "from": "r", "to": "s" } })),
            "60.200000",
            1,
            true,
        ),
        // The lease ends at 60 + 90 s; 150 ms to B.
        (link_down("60s", "A", "1h"), "150.150000", 2, true),
        (silent("60s", "A", "1h"), "150.150000", 2, true),
        (call("60s", "A", &json!({ "killApp": {} })), "150.150000", 2, true),
        // Accepted at 60 s + 50 ms + 20 ms of work; 150 ms to B.
        (login("60s", "tablet"), "60.220000", 3, false),
        (call("60s", "tablet", &elsewhere), "60.220000", 3, true),
        // At the server at 60 s; 150 ms to B.
        (event("60s", &json!({ "kickoutUser": users })), "60.150000", 4, true),
    ] {
        let ran = on_air(std::slice::from_ref(&step));
        let mut expected = vec![format!("{at} B DELETE stream x (reason {reason})")];
        if leaves {
            expected.push(format!("{at} B DELETE A"));
        }
        assert_eq!(after(&ran.lines_of("B"), 30), expected, "{step}");
    }
}

// spec: R50
#[test]
fn a_stream_id_is_published_once_in_a_room() {
    let ran = on_air(&[
        login("0s", "C"),
        publish("30s", "B", "x"),
        unpublish("40s", "A", "x"),
        publish("50s", "B", "x"),
    ]);
    // Refused at the server: there and back.
    let refused = ["30.100000 B startPublishingStream Failed 1003028 (x)"];
    assert_eq!(ran.told("B", "Failed"), refused);
    // B, who was refused, may publish it when A has stopped.
    assert_eq!(
        ran.told("C", "stream"),
        [
            "20.200000 C ADD stream x",
            "40.200000 C DELETE stream x (reason 1)",
            "50.200000 C ADD stream x"
        ]
    );
    assert_eq!(ran.told("A", "stream"), ["50.200000 A ADD stream x"]);
}

// spec: R50
#[test]
fn the_same_stream_id_may_be_published_in_two_rooms() {
    let elsewhere = call("0s", "C", &json!({ "loginRoom": { "room": "s" } }));
    let ran = on_air(&[elsewhere, publish("30s", "C", "x")]);
    assert_eq!(ran.told("C", "Failed"), Vec::<String>::new());
}

// spec: R49, R62
#[test]
fn a_short_absence_of_the_publisher_changes_nothing_for_the_others() {
    let ran = on_air(&[link_down("60s", "A", "30s")]);
    assert_eq!(after(&ran.lines_of("B"), 30), Vec::<&str>::new());
    assert_eq!(after(&ran.lines_of("A"), 30)[1..], ["90.120000 A Reconnected 0"]);
}

// spec: R49
#[test]
fn the_streams_of_a_publisher_that_comes_back_too_late_are_published_anew() {
    let ran = on_air(&[link_down("60s", "A", "3min")]);
    assert_eq!(
        after(&ran.lines_of("B"), 30),
        [
            "150.150000 B DELETE stream x (reason 2)",
            "150.150000 B DELETE A",
            // Accepted at 240.07 s.
            "240.220000 B ADD A",
            // A knows at 240.12 s and tells its streams again: 50 + 100 + 50 ms.
            "240.320000 B ADD stream x",
        ]
    );
}

// spec: R49
#[test]
fn what_is_started_and_stopped_during_an_outage_is_told_after_it() {
    let ran = on_air(&[
        link_down("60s", "A", "30s"),
        unpublish("70s", "A", "x"),
        publish("71s", "A", "y"),
        publish("72s", "A", "z"),
        unpublish("73s", "A", "z"),
    ]);
    // Reconnected at 90.12 s; 200 ms to B.
    let mut heard = ran.told("B", "stream");
    heard.sort();
    assert_eq!(
        heard,
        [
            "20.200000 B ADD stream x",
            "90.320000 B ADD stream y",
            "90.320000 B DELETE stream x (reason 1)"
        ]
    );
}

// spec: R49
#[test]
fn who_was_away_is_told_the_difference_when_it_is_back() {
    let ran = on_air(&[
        publish("25s", "A", "stays"),
        link_down("60s", "B", "30s"),
        unpublish("70s", "A", "x"),
        publish("71s", "A", "y"),
        publish("72s", "A", "z"),
        unpublish("73s", "A", "z"),
    ]);
    // B is back at 90.12 s and asks what there is; 100 ms.
    let lines = ran.told("B", "stream");
    // What has ended comes first: a name may have been taken again.
    assert!(lines[2].starts_with("90.220000 B DELETE stream x"), "{lines:?}");
    assert_eq!(lines[3], "90.220000 B ADD stream y");
    assert_eq!(lines.len(), 4);
}

/// The app is killed at 60 s and started at 80 s, so well before 150 s, when the lease ends.
// spec: R62
#[test]
fn an_app_that_starts_again_takes_its_streams_down_and_puts_them_up() {
    let ran = on_air(&[
        call("60s", "A", &json!({ "killApp": {} })),
        call("80s", "A", &json!({ "startApp": {} })),
        login("81s", "A"),
        publish("82s", "A", "x"),
    ]);
    assert_eq!(
        after(&ran.lines_of("A"), 30),
        ["81.000000 A Logining 0", "81.120000 A Logined 0", "81.220000 A ADD B"]
    );
    let heard = ran.lines_of("B");
    let heard = after(&heard, 30);
    // The login arrives at 81.05 s and is accepted at 81.07 s; 150 ms to B; nothing of the user.
    let gone = "B DELETE stream x (reason 3)";
    assert!(
        [format!("81.200000 {gone}"), format!("81.220000 {gone}")].contains(&heard[0].to_owned()),
        "{heard:?}"
    );
    assert_eq!(heard[1..], ["82.200000 B ADD stream x"]);
}

// spec: R62
#[test]
fn an_app_that_starts_again_after_its_lease_comes_as_anybody() {
    let ran = on_air(&[
        call("60s", "A", &json!({ "killApp": {} })),
        call("200s", "A", &json!({ "startApp": {} })),
        login("201s", "A"),
    ]);
    assert_eq!(
        after(&ran.lines_of("B"), 30),
        ["150.150000 B DELETE stream x (reason 2)", "150.150000 B DELETE A", "201.220000 B ADD A"]
    );
}

/// The app is killed at 60 s; the login of the started one arrives at the end of the lease.
// spec: R62
#[test]
fn a_login_of_a_started_app_at_the_very_end_of_the_lease_is_in_time() {
    for (at, leaves) in [("149.949999s", false), ("149.95s", false), ("149.950001s", true)] {
        let ran = on_air(&[
            call("60s", "A", &json!({ "killApp": {} })),
            call("80s", "A", &json!({ "startApp": {} })),
            login(at, "A"),
        ]);
        let leaves_lines = usize::from(leaves);
        assert_eq!(ran.told("B", "DELETE A").len(), leaves_lines, "{at}");
        assert_eq!(ran.told("B", "ADD A").len(), 1 + leaves_lines, "{at}");
        assert_eq!(ran.told("B", "DELETE stream x").len(), 1, "{at}");
    }
}

/// A link that loses a fifth of the messages and lets them overtake each other: what is told is
/// late, but told once and in order.
// spec: R49
#[test]
fn on_a_bad_link_each_change_of_a_stream_is_told_once_and_in_order() {
    // Nobody takes its connection for broken, so no difference is told, but every change.
    let profile = json!({
        "base": "zego", "detect": { "probe_after": "5s", "broken_after": "1h" },
        "lease": { "after": "1h" },
    });
    let mut script = vec![login("0s", "A"), login("0s", "B")];
    for i in 0..20 {
        script.push(publish(&format!("{}s", 60 + 60 * i), "A", "x"));
        script.push(unpublish(&format!("{}s", 90 + 60 * i), "A", "x"));
    }
    let clients = [client("A", &json!({})), client("B", &json!({}))];
    let mut story = scenario(&profile, &clients, &script);
    story["duration"] = json!("1h");
    story["links"]["home"] = json!({ "delay": "50ms", "jitter": "50ms", "loss": "20%" });
    for seed in 1..=20 {
        let ran = run(&story.to_string(), Some(seed));
        let heard = ran.told("B", "stream");
        let kinds: Vec<&str> = heard.iter().map(|it| it.split(' ').nth(2).unwrap()).collect();
        // A repetition that needs more than 30 s may let one pair cancel itself out.
        assert!(kinds.chunks(2).all(|it| it == ["ADD", "DELETE"]), "seed {seed}: {heard:?}");
        assert!((36..=40).contains(&kinds.len()), "seed {seed}: {heard:?}");
    }
}

/// What each client wants to publish at the end of the script.
fn wanted_by(script: &[Value]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut steps: Vec<&Value> = script.iter().filter(|it| it["client"].is_string()).collect();
    steps.sort_by_key(|it| at_ms(it));
    let mut wanted = BTreeMap::<&str, BTreeSet<&str>>::new();
    for step in steps {
        let own = wanted.entry(step["client"].as_str().unwrap()).or_default();
        let stream = |deed: &str| step["do"][deed]["stream"].as_str();
        if let Some(stream) = stream("startPublishingStream") {
            own.insert(stream);
        } else if let Some(stream) = stream("stopPublishingStream") {
            own.remove(stream);
        } else if step["do"]["killApp"].is_object() {
            own.clear();
        }
    }
    wanted
}

fn at_ms(step: &Value) -> u64 {
    step["at"].as_str().unwrap().strip_suffix("ms").unwrap().parse().unwrap()
}

/// Starts and stops of two streams each, outages, and apps that are killed and start again.
fn random_script() -> impl Strategy<Value = Vec<Value>> {
    let who = || prop::sample::select(vec!["A", "B", "C"]);
    let step = (who(), 0..8_u8, 10_000..600_000_u64, 1..150_000_u64).prop_map(
        |(who, kind, at, span)| {
            let stream = format!("{who}-{}", kind % 2);
            let at_text = format!("{at}ms");
            let outage = |kind: &str, way: &str| {
                let outage =
                    json!({ "clients": [who], "kind": kind, "direction": way, "for": format!("{span}ms") });
                event(&at_text, &json!({ "outage": outage }))
            };
            match kind {
                0..=2 => publish(&at_text, who, &stream),
                3 | 4 => unpublish(&at_text, who, &stream),
                5 => link_down(&at_text, who, &format!("{span}ms")),
                6 => outage("silent", "up"),
                _ => outage("silent", "down"),
            }
        },
    );
    let kill = (who(), 10_000..500_000_u64, 1..100_000_u64);
    (prop::collection::vec(step, 5..40), prop::option::of(kill)).prop_map(|(mut script, kill)| {
        for who in ["A", "B", "C"] {
            script.push(login("0ms", who));
        }
        if let Some((who, from, span)) = kill {
            let to = from + span;
            // What a dead app does not do; and what it wants after it has logged in again.
            script.retain(|it| it["client"] != who || !(from..=to + 5000).contains(&at_ms(it)));
            script.push(call(&format!("{from}ms"), who, &json!({ "killApp": {} })));
            script.push(call(&format!("{to}ms"), who, &json!({ "startApp": {} })));
            script.push(login(&format!("{}ms", to + 1), who));
        }
        script
    })
}

/// What one app knows of the streams of its room; fails at what it knows already.
fn follow<'a>(ran: &'a Ran, client: ClientId, script: &[Value]) -> BTreeSet<&'a str> {
    let name = ran.scenario.client_name(client);
    let mut seen = BTreeSet::new();
    let kill = script.iter().find(|it| it["client"] == *name && it["do"]["killApp"].is_object());
    let mut killed_at = kill.map(|it| at_ms(it) * 1000);
    for (_, row) in ran.trace.of(client) {
        if killed_at.is_some_and(|it| it <= row.at.as_micros()) {
            killed_at = None;
            seen.clear();
        }
        if is_status(row, Reason::Logining) {
            seen.clear();
        }
        if let What::StreamUpdate(update, streams) = &row.what {
            for it in streams {
                let stream = &*ran.scenario.streams()[it.stream];
                let is_news = match update {
                    Update::Add => seen.insert(stream),
                    Update::Delete => seen.remove(stream),
                };
                assert!(is_news, "{row:?} of what is known:\n{}", ran.lines().join("\n"));
            }
        }
    }
    seen
}

fn is_status(row: &Row, reason: Reason) -> bool {
    matches!(row.what, What::StateChanged(status) if status.reason == reason)
}

/// Whether a client has been in its room for the last two minutes, as far as it knows and as far as
/// the others know: the web SDK does not tell of an interruption that is over soon.
fn is_settled(ran: &Ran, client: ClientId) -> bool {
    let settled_at = ran.scenario.end().as_micros() - SimSpan::from_secs(120).as_micros();
    let name = ran.scenario.client_name(client);
    let is_about = |line: &String| {
        let words: Vec<&str> = line.split(' ').collect();
        let at = words[0].replace('.', "").parse::<u64>().unwrap();
        let is_update = matches!(words[2], "ADD" | "DELETE") && words[3] != "stream";
        settled_at <= at && is_update && words[3].split(';').any(|it| it == name)
    };
    if ran.lines().iter().any(is_about) {
        return false;
    }
    let mut states =
        ran.trace.of(client).filter(|(_, it)| matches!(it.what, What::StateChanged(_)));
    let (_, last) = states.next_back().unwrap();
    let is_in = is_status(last, Reason::Logined) || is_status(last, Reason::Reconnected);
    is_in && SimSpan::from_secs(120) <= ran.scenario.end().since(last.at)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    // spec: R49, R62
    #[test]
    fn on_a_bad_link_streams_come_and_go_in_turn_and_everybody_sees_those_that_are_wanted(
        script in random_script(), seed in any::<u32>(),
        profile in prop::sample::select(vec!["zego-doc", "zego", "zego-web"]),
        loss in prop::sample::select(vec!["1%", "20%"]),
    ) {
        let names = ["A", "B", "C", "D"];
        let clients = names.map(|it| client(it, &json!({})));
        let mut all = script.clone();
        all.push(login("0ms", "D"));
        let mut story = scenario(&json!(profile), &clients, &all);
        story["seed"] = json!(seed);
        story["links"]["home"] = json!({ "delay": "50ms", "jitter": "40ms", "loss": loss });
        let ran = run(&story.to_string(), None);
        // Who has given up is in no room.
        let is_odd = |it: &String| it.contains(" Failed ") && !it.contains(" 1000002 ");
        let failed = ran.lines().into_iter().find(is_odd);
        prop_assert_eq!(failed, None);
        let wanted = wanted_by(&script);
        for (client, spec) in ran.scenario.named_clients().iter() {
            let seen = follow(&ran, client, &script);
            if !is_settled(&ran, client) {
                continue;
            }
            for (of, publisher) in ran.scenario.named_clients().iter() {
                let name = &*publisher.name;
                if of == client || name == "D" || !is_settled(&ran, of) {
                    continue;
                }
                let is_of = |it: &&&str| it.starts_with(name);
                let sees: BTreeSet<&str> = seen.iter().filter(is_of).copied().collect();
                prop_assert_eq!(
                    &sees, &wanted[name], "{} sees of {}:\n{}",
                    spec.name, name, ran.lines().join("\n")
                );
            }
        }
    }
}
