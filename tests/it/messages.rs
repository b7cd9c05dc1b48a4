//! Messages and extra infos.  A link takes 50 ms: what A asks for is answered after 100 ms, and
//! with the others after 200 ms, 100 ms of which are the server's.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    Ran, after, call, client, event, link_down, login, logout, run, scenario, send, silent, story,
    story_in,
};

/// A and B are in the room from 10 s on, C is not.
fn together(script: &[Value]) -> Ran {
    let mut all = vec![login("0s", "A"), login("0s", "B")];
    all.extend_from_slice(script);
    story(&["A", "B", "C"], &all)
}

/// The codes of the results of a client's calls.
fn codes(ran: &Ran, client: &str, call: &str) -> Vec<String> {
    let results = ran.told(client, call);
    results.iter().map(|it| it.split(' ').nth(4).unwrap().to_owned()).collect()
}

fn info(at: &str, client: &str, key: &str, value: &str) -> Value {
    let info = json!({ "room": "r", "key": key, "value": value });
    call(at, client, &json!({ "setRoomExtraInfo": info }))
}

// spec: R57
#[test]
fn a_message_is_told_to_all_others_in_the_room() {
    let ran = together(&[login("5s", "C"), send("20s", "A", "hello"), send("30s", "C", "bye")]);
    let mut lines: Vec<String> =
        after(&ran.lines(), 11).iter().map(|it| (*it).to_owned()).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "20.100000 A sendBroadcastMessage Succeeded 0 (hello)",
            "20.200000 B message of A: hello",
            "20.200000 C message of A: hello",
            "30.100000 C sendBroadcastMessage Succeeded 0 (bye)",
            "30.200000 A message of C: bye",
            "30.200000 B message of C: bye",
        ]
    );
}

// spec: R57
#[test]
fn who_comes_later_or_is_elsewhere_has_missed_it() {
    let elsewhere = call("0s", "C", &json!({ "loginRoom": { "room": "s" } }));
    let ran = together(&[elsewhere, send("20s", "A", "hello")]);
    assert_eq!(ran.told("C", "message"), Vec::<String>::new());
    let ran = together(&[send("20s", "A", "hello"), login("20.3s", "C"), logout("50s", "B")]);
    assert_eq!(ran.told("C", "message"), Vec::<String>::new());
    let ran = together(&[logout("20s", "B"), send("20.1s", "A", "hello"), login("21s", "B")]);
    assert_eq!(ran.told("B", "message"), Vec::<String>::new());
}

/// It reaches B at 20.2 s.  An outage lasts from its first instant to just before its last.
// spec: R57
#[test]
fn whose_network_is_gone_has_missed_it() {
    for (from, span, is_told) in [
        ("15s", "30s", false),
        ("20.2s", "30s", false),
        ("20.200001s", "30s", true),
        ("15s", "5.2s", false), // the network is back at 20.2 s, but the connection is not
    ] {
        let ran = together(&[send("20s", "A", "hello"), link_down(from, "B", span)]);
        let expected = if is_told { vec!["20.200000 B message of A: hello"] } else { Vec::new() };
        assert_eq!(ran.told("B", "message"), expected, "{from} for {span}");
        assert_eq!(ran.told("B", "Reconnected").len(), 1);
    }
}

/// A gap that nobody takes for an outage: what the server tells is repeated after 1 s.
// spec: R57
#[test]
fn a_message_that_is_lost_on_a_living_connection_is_told_later() {
    let profile = json!({ "base": "zego", "heartbeat": { "phase": "login" } });
    let script = [
        login("0s", "A"),
        login("0s", "B"),
        send("18s", "A", "hello"),
        silent("18.1s", "B", "300ms"),
    ];
    let ran = story_in(&profile, &["A", "B"], &script);
    // Told at 18.15 s and again at 19.15 s.
    assert_eq!(ran.told("B", "message"), ["19.200000 B message of A: hello"]);
    // And so is what the app asks for: asked at 18 s and again at 19 s.
    let script = [
        login("0s", "A"),
        login("0s", "B"),
        silent("17.9s", "A", "300ms"),
        send("18s", "A", "hello"),
    ];
    let ran = story_in(&profile, &["A", "B"], &script);
    assert_eq!(ran.told("B", "message"), ["19.200000 B message of A: hello"]);
    assert_eq!(
        ran.told("A", "message"),
        Vec::<String>::new(),
        "who sends a message is not told of it"
    );
    assert_eq!(
        ran.told("A", "Succeeded"),
        ["19.100000 A sendBroadcastMessage Succeeded 0 (hello)"]
    );
}

// spec: R57
#[test]
fn what_was_not_answered_when_the_connection_broke_has_failed() {
    // The message arrives at 20.05 s; its answer would come at 20.1 s.
    let ran = together(&[
        send("20s", "A", "hello"),
        info("20s", "A", "k", "v"),
        link_down("20.1s", "A", "30s"),
    ]);
    let mut lines = ran.told("A", "Failed");
    lines.sort();
    assert_eq!(
        lines,
        [
            "20.100000 A sendBroadcastMessage Failed 1009010 (hello)",
            "20.100000 A setRoomExtraInfo Failed 1002051 (v)"
        ]
    );
    assert_eq!(ran.told("A", "Succeeded"), Vec::<String>::new());
    // The server has it all the same, and nothing is told twice.
    assert_eq!(ran.told("B", "hello"), ["20.200000 B message of A: hello"]);
}

/// The server has it before the logout arrives, and before it puts A out; the answer comes too
/// late.
// spec: R57
#[test]
fn what_was_not_answered_when_the_client_left_has_failed() {
    let kick = event("20.06s", &json!({ "kickoutUser": { "room": "r", "users": ["A"] } }));
    let close = event("20.06s", &json!({ "closeRoom": { "room": "r" } }));
    let ran =
        together(&[send("20s", "A", "hello"), info("20s", "A", "k", "v"), logout("20.01s", "A")]);
    let mut lines = ran.told("A", "Failed");
    lines.sort();
    assert_eq!(
        lines,
        [
            "20.010000 A sendBroadcastMessage Failed 1000002 (hello)",
            "20.010000 A setRoomExtraInfo Failed 1002002 (v)"
        ]
    );
    assert_eq!(ran.told("B", "hello"), ["20.200000 B message of A: hello"]);
    for step in [kick, close] {
        // Told before it is put out: the answer of 20.05 s is on its way.
        let ran = together(&[send("20s", "A", "hello"), step]);
        assert_eq!(ran.told("A", "Succeeded").len(), 1);
        assert_eq!(ran.told("A", "KickOut"), ["20.110000 A KickOut 1002055"]);
    }
    // Put out before its message arrives: nobody hears of it.
    let kick = event("20.04s", &json!({ "kickoutUser": { "room": "r", "users": ["A"] } }));
    let ran = together(&[send("20s", "A", "hello"), kick]);
    assert_eq!(ran.told("A", "hello"), ["20.090000 A sendBroadcastMessage Failed 1000002 (hello)"]);
    assert_eq!(ran.told("B", "hello"), Vec::<String>::new());
}

// spec: R58
#[test]
fn a_message_has_1_byte_to_1_kb() {
    for (length, code) in [(0, "1009001"), (1, "0"), (1024, "0"), (1025, "1009002")] {
        let text = "m".repeat(length);
        let ran = together(&[send("20s", "A", &text)]);
        assert_eq!(codes(&ran, "A", "sendBroadcastMessage"), [code], "{length} bytes");
        let n_told = usize::from(code == "0");
        assert_eq!(ran.told("B", "message of A").len(), n_told, "{length} bytes");
    }
}

// spec: R58
#[test]
fn two_messages_of_a_user_are_500_ms_apart() {
    for (at, code) in
        [("20s", "1009015"), ("20.499999s", "1009015"), ("20.5s", "0"), ("20.500001s", "0")]
    {
        let ran = together(&[send("20s", "A", "one"), send(at, "A", "two")]);
        let mut results = codes(&ran, "A", "sendBroadcastMessage");
        results.sort();
        assert_eq!(results, ["0", code], "{at}");
        assert_eq!(ran.told("B", "two").len(), usize::from(code == "0"), "{at}");
        assert_eq!(ran.told("B", "one").len(), 1, "{at}");
    }
    // Another user's is another matter.
    let ran = together(&[send("20s", "A", "one"), send("20s", "B", "two")]);
    assert_eq!(ran.told("B", "Succeeded").len(), 1);
    assert_eq!(ran.told("A", "message of B: two").len(), 1);
    // The time is a parameter.
    let profile = json!({ "base": "zego-doc", "rates": { "user_messages": "2s" } });
    for (at, code) in [("21.999999s", "1009015"), ("22s", "0")] {
        let script = [login("0s", "A"), send("20s", "A", "one"), send(at, "A", "two")];
        let ran = story_in(&profile, &["A"], &script);
        let mut results = codes(&ran, "A", "sendBroadcastMessage");
        results.sort();
        assert_eq!(results, ["0", code], "{at}");
    }
}

/// A dozen users `m-1` to `m-12` who are in the room, and another room with one `n`.
fn dozen(script: &[Value]) -> Ran {
    let quiet = json!({ "loginRoom": { "room": "r", "isUserStatusNotify": false } });
    let mut all =
        vec![call("0s", "m", &quiet), call("0s", "n", &json!({ "loginRoom": { "room": "s" } }))];
    all.extend_from_slice(script);
    let clients = [client("m", &json!({ "count": 12 })), client("n", &json!({}))];
    run(&scenario(&json!("zego-doc"), &clients, &all).to_string(), None)
}

fn count(ran: &Ran, text: &str) -> usize {
    ran.lines().iter().filter(|it| it.contains(text)).count()
}

// spec: R58
#[test]
fn a_room_bears_ten_messages_a_second() {
    // Twelve at once, and a second later twelve more.
    let elsewhere = json!({ "sendBroadcastMessage": { "room": "s", "message": "there" } });
    let ran = dozen(&[
        send("20s", "m", "first"),
        call("20s", "n", &elsewhere),
        send("21s", "m", "second"),
    ]);
    for text in ["first", "second"] {
        assert_eq!(count(&ran, &format!("Succeeded 0 ({text})")), 10, "{text}");
        assert_eq!(count(&ran, &format!("Failed 1002073 ({text})")), 2, "{text}");
        // Each of ten is told to eleven others.
        assert_eq!(count(&ran, &format!(": {text}")), 110, "{text}");
    }
    assert_eq!(count(&ran, "Succeeded 0 (there)"), 1);
    // Ten at a rate of ten a second are no more than the room bears, also for long.
    let steady: Vec<Value> = (0..100)
        .map(|i| send(&format!("{}ms", 20_000 + 100 * i), &format!("m-{}", 1 + i % 12), "again"))
        .collect();
    let ran = dozen(&steady);
    assert_eq!(count(&ran, "Succeeded 0 (again)"), 100);
}

// spec: R55
#[test]
fn an_extra_info_is_told_to_all_others_now_and_later() {
    let ran =
        together(&[info("20s", "A", "k", "v"), login("30s", "C"), info("40s", "C", "k", "w")]);
    assert_eq!(ran.told("A", "extra"), ["40.200000 A extra info k=w by C"]);
    assert_eq!(ran.told("A", "Succeeded"), ["20.100000 A setRoomExtraInfo Succeeded 0 (v)"]);
    assert_eq!(
        ran.told("B", "extra"),
        ["20.200000 B extra info k=v by A", "40.200000 B extra info k=w by C"]
    );
    // C is in at 30.12 s, and asks what there is: 100 ms.
    assert_eq!(ran.told("C", "extra"), ["30.220000 C extra info k=v by A"]);
}

// spec: R55
#[test]
fn who_was_away_is_told_an_extra_info_that_was_set_meanwhile() {
    let ran = together(&[
        info("20s", "A", "k", "old"),
        link_down("60s", "B", "30s"),
        info("70s", "A", "k", "newer"),
        info("80s", "A", "k", "newest"),
        link_down("120s", "B", "30s"),
    ]);
    assert_eq!(
        ran.told("B", "extra"),
        [
            "20.200000 B extra info k=old by A",
            // Back at 90.12 s, it asks what there is.  After the second absence nothing is new.
            "90.220000 B extra info k=newest by A"
        ]
    );
}

// spec: R55
#[test]
fn the_extra_info_is_gone_with_the_room() {
    let stays = together(&[info("20s", "A", "k", "v"), logout("30s", "A"), login("50s", "C")]);
    assert_eq!(stays.told("C", "extra"), ["50.220000 C extra info k=v by A"]);
    let gone = together(&[
        info("20s", "A", "k", "v"),
        logout("30s", "A"),
        logout("40s", "B"),
        login("50s", "C"),
        info("60s", "C", "another", "v"),
    ]);
    assert_eq!(gone.told("C", "extra"), Vec::<String>::new());
    // Nor is its key taken any more.
    assert_eq!(gone.told("C", "setRoom"), ["60.100000 C setRoomExtraInfo Succeeded 0 (v)"]);
}

// spec: R56
#[test]
fn a_room_has_one_key() {
    let ran = together(&[
        info("20s", "A", "k", "v"),
        info("30s", "A", "l", "w"),
        info("40s", "B", "l", "w"),
        info("50s", "B", "k", "w"),
    ]);
    assert_eq!(codes(&ran, "A", "setRoomExtraInfo"), ["0", "1002017"]);
    assert_eq!(codes(&ran, "B", "setRoomExtraInfo"), ["1002017", "0"]);
    assert_eq!(ran.told("B", "extra"), ["20.200000 B extra info k=v by A"]);
}

// spec: R56
#[test]
fn keys_and_values_have_limits() {
    for (key, value, code) in [
        (0, 1, "1002014"),
        (1, 1, "0"),
        (10, 1, "0"),
        (11, 1, "1002015"),
        (1, 0, "0"),
        (1, 128, "0"),
        (1, 129, "1002016"),
    ] {
        let ran = together(&[info("20s", "A", &"k".repeat(key), &"v".repeat(value))]);
        assert_eq!(codes(&ran, "A", "setRoomExtraInfo"), [code], "{key} and {value} bytes");
        assert_eq!(ran.told("B", "extra").len(), usize::from(code == "0"));
    }
}

// spec: R56
#[test]
fn an_extra_info_is_set_ten_times_a_second() {
    let ran = dozen(&[info("20s", "m", "k", "one"), info("21s", "m", "k", "two")]);
    for value in ["one", "two"] {
        assert_eq!(count(&ran, &format!("Succeeded 0 ({value})")), 10, "{value}");
        assert_eq!(count(&ran, &format!("Failed 1002072 ({value})")), 2, "{value}");
    }
}

/// Twenty messages a minute apart, over links that lose a fifth of what is sent and let it
/// overtake, while nobody takes its connection for broken.
// spec: R57
#[test]
fn on_a_bad_link_each_message_is_told_once_and_in_order() {
    let profile = json!({
        "base": "zego", "detect": { "probe_after": "5s", "broken_after": "1h" },
        "lease": { "after": "1h" },
    });
    let mut script = vec![login("0s", "A"), login("0s", "B"), login("0s", "C")];
    script.extend((1..=20).map(|i| send(&format!("{i}min"), "A", &format!("m{i}"))));
    let clients = ["A", "B", "C"].map(|it| client(it, &json!({})));
    let mut story = scenario(&profile, &clients, &script);
    story["links"]["home"] = json!({ "delay": "50ms", "jitter": "50ms", "loss": "20%" });
    for seed in 1..=20 {
        let ran = run(&story.to_string(), Some(seed));
        let texts = |who: &str, what: &str| -> Vec<String> {
            let last = |it: String| it.rsplit(' ').next().unwrap().to_owned();
            ran.told(who, what).into_iter().map(last).collect()
        };
        let all: Vec<String> = (1..=20).map(|i| format!("m{i}")).collect();
        let answered: Vec<String> = all.iter().map(|it| format!("({it})")).collect();
        assert_eq!(texts("A", "Succeeded"), answered, "seed {seed}");
        for who in ["B", "C"] {
            assert_eq!(texts(who, "message of A"), all, "seed {seed}");
        }
    }
}

/// The `i`-th step of a random script: mostly messages of A, C and E, all different.
fn random_step(i: usize, (kind, who, at, span): (u8, &'static str, u64, u64)) -> Vec<Value> {
    let at_text = format!("{at}ms");
    let later = |by: u64| format!("{}ms", at + span + by);
    match kind {
        0 => vec![link_down(&at_text, who, &format!("{span}ms"))],
        1 => vec![silent(&at_text, who, &format!("{span}ms"))],
        2 => vec![logout(&at_text, who), login(&later(0), who)],
        3 => {
            let kick = json!({ "kickoutUser": { "room": "r", "users": [who] } });
            vec![event(&at_text, &kick), login(&later(1), who)]
        }
        4 => {
            let suspend = json!({ "suspendApp": { "for": format!("{span}ms") } });
            // Where the app stands still, it calls nothing.
            vec![call(&at_text, who, &suspend)]
        }
        _ => vec![send(&at_text, who, &format!("text-{i}"))],
    }
}

fn random_script() -> impl Strategy<Value = Vec<Value>> {
    let who = prop::sample::select(vec!["A", "C", "E"]);
    let step = (0..20_u8, who, 5_000..300_000_u64, 1..40_000_u64);
    prop::collection::vec(step, 1..60).prop_map(|steps| {
        let mut script: Vec<Value> = ["A", "B", "C", "D", "E"].map(|it| login("0s", it)).into();
        let mut standstills: Vec<(&str, u64, u64)> = Vec::new();
        for (i, step) in steps.into_iter().enumerate() {
            let (kind, who, at, span) = step;
            if kind == 4 {
                if standstills.iter().any(|(of, ..)| *of == who) {
                    continue;
                }
                standstills.push((who, at, at + span));
            }
            script.extend(random_step(i, step));
        }
        let ms = |it: &Value| it["at"].as_str().unwrap().strip_suffix("ms").map(str::to_owned);
        script.retain(|it| {
            let Some(at) = ms(it).map(|it| it.parse::<u64>().unwrap()) else { return true };
            let is_still = |(of, from, to): &(&str, u64, u64)| {
                it["client"] == *of
                    && !it["do"]["suspendApp"].is_object()
                    && (*from..=*to).contains(&at)
            };
            !standstills.iter().any(is_still)
        });
        script
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    /// B and D are in the room all the time, with a good network.
    // spec: R57
    #[test]
    fn a_message_that_succeeded_is_told_once_to_everybody_who_was_there(
        script in random_script(), seed in any::<u32>(),
        profile in prop::sample::select(vec!["zego-doc", "zego", "zego-web"]),
        jitter in prop::sample::select(vec!["0ms", "50ms"]),
    ) {
        let clients = ["A", "B", "C", "D", "E"].map(|it| client(it, &json!({})));
        let mut story = scenario(&json!(profile), &clients, &script);
        story["seed"] = json!(seed);
        story["links"]["home"] = json!({ "delay": "50ms", "jitter": jitter });
        let ran = run(&story.to_string(), None);
        let mut told = BTreeMap::<(String, String), usize>::new();
        for line in ran.lines().iter().filter(|it| it.contains(" message of ")) {
            let words: Vec<&str> = line.split(' ').collect();
            *told.entry((words[1].to_owned(), words.last().unwrap().to_string())).or_default() += 1;
        }
        for ((who, text), times) in &told {
            prop_assert_eq!(*times, 1, "{} is told {}:\n{}", who, text, ran.lines().join("\n"));
        }
        for line in ran.lines().iter().filter(|it| it.contains(" Succeeded ")) {
            let text = line.split('(').nth(1).unwrap().trim_end_matches(')');
            for who in ["B", "D"] {
                let times = told.get(&(who.to_owned(), text.to_owned()));
                prop_assert_eq!(
                    times, Some(&1), "{} is told {}:\n{}", who, text, ran.lines().join("\n")
                );
            }
        }
        // Nobody is told what nobody sent, and each call has one result at most.
        let texts = script.iter().filter_map(|it| it["do"]["sendBroadcastMessage"]["message"].as_str());
        let texts: Vec<&str> = texts.collect();
        for (_, text) in told.keys() {
            prop_assert!(texts.contains(&&**text));
        }
        for text in texts {
            let results = ran.lines().iter().filter(|it| it.contains(&format!("({text})"))).count();
            prop_assert!(results <= 1, "{} has {} results", text, results);
        }
    }
}
