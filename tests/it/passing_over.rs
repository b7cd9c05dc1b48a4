//! How heartbeats are dealt with changes nothing, neither a row nor a count: passed over where nobody
//! minds, left to the hearts of their sessions, or each a step of both machines.

use proptest::prelude::*;
use roomsim::{
    protocol::message::Kind,
    scenario::Scenario,
    sim::{self, Heartbeats},
    sink::{counters::Counters, trace::Row},
};
use serde_json::{Value, json};

use crate::{
    random,
    support::{
        Ran, after, call, client, event, gallery, gallery_names, login, parse, run_how, scenario,
        with,
    },
};

/// All that comes of a run.
fn outcome(ran: &Ran) -> (&[Row], &Counters, String) {
    (ran.trace.rows(), &ran.counters, format!("{:?}", ran.deliveries))
}

fn both(scenario: &Scenario, seed: Option<u64>) -> [Ran; 2] {
    [Heartbeats::PassedOver, Heartbeats::EachOne].map(|it| run_how(scenario.clone(), seed, it))
}

/// The same, but each user has a second client, which never does anything: it might at any time, so
/// the heartbeats of the first are steps.
fn with_idle_clients(scenario: &Value) -> Value {
    let mut with = scenario.clone();
    let clients = with["clients"].as_array_mut().unwrap();
    for mut client in clients.clone() {
        let name = client["name"].take();
        client["user"] = client.get("user").unwrap_or(&name).clone();
        client["name"] = json!(format!("{}-idle", name.as_str().unwrap()));
        clients.push(client);
    }
    with
}

/// Runs a scenario all ways and gives the run.
fn same(scenario: &Value) -> Ran {
    let run = |it: &Value| both(&parse(&it.to_string()).unwrap(), None);
    let [quick, exact] = run(scenario);
    assert_eq!(outcome(&quick), outcome(&exact), "{scenario}");
    let [_, by_steps] = run(&with_idle_clients(scenario));
    assert_eq!(outcome(&exact), outcome(&by_steps), "{scenario}");
    quick
}

#[test]
fn the_gallery_is_the_same_either_way() {
    for name in gallery_names() {
        let scenario = parse(&gallery(&name)).unwrap();
        for seed in [1, 7] {
            let [quick, exact] = both(&scenario, Some(seed));
            assert_eq!(outcome(&quick), outcome(&exact), "{name} with seed {seed}");
        }
    }
}

/// The login takes 120 ms, and a heartbeat goes every 5 s from then on, 50 ms each way.  The run
/// ends as one is sent, as it arrives, as its answer arrives, or a microsecond off: what happens at
/// the end still happens.
#[test]
fn what_arrives_as_the_run_ends_has_arrived() {
    const FIRST: u64 = 5_120_000;
    const EVERY: u64 = 5_000_000;
    const WAY: u64 = 50_000;
    let sent_at = FIRST + 11 * EVERY;
    for instant in [sent_at, sent_at + WAY, sent_at + 2 * WAY] {
        for end in [instant - 1, instant, instant + 1] {
            let mut story = scenario(
                &json!({ "base": "zego", "heartbeat": { "phase": "login" } }),
                &[client("A", &json!({}))],
                &[login("0s", "A")],
            );
            story["duration"] = json!(format!("{end}us"));
            assert_eq!(sim::obstacles(&parse(&story.to_string()).unwrap()), Vec::<String>::new());
            let ran = same(&story);
            // Those that were so far on their way by the end.
            let by = |way: u64| (0..20).filter(|it| FIRST + it * EVERY + way <= end).count() as u64;
            let counts = [Kind::Heartbeat, Kind::HeartbeatAck].map(|it| *ran.counters.of(it));
            let found = counts.map(|it| (it.sent, it.delivered));
            assert_eq!(found, [(by(0), by(WAY)), (by(WAY), by(2 * WAY))], "end at {end}");
            assert_eq!(ran.counters.in_flight(), by(0) - by(2 * WAY), "end at {end}");
        }
    }
}

/// An app is suspended from 0.5 s to 8 s, and its first heartbeat is due at 5.12 s: it goes as the
/// app goes on, and the next 5 s later.  The acknowledgement of the member list, sent at 0.22 s, is
/// lost, or not; if so the server repeats the list until the app goes on, and after.
#[test]
fn an_overdue_heartbeat_goes_at_once() {
    for (order, is_lost) in [("any", false), ("any", true), ("fifo", false), ("fifo", true)] {
        for (end, n_sent) in [("7999999us", 0), ("8s", 1), ("12999999us", 1), ("13s", 2)] {
            let outage =
                json!({ "clients": ["A"], "kind": "silent", "direction": "up", "for": "100ms" });
            let outage = event("200ms", &json!({ "outage": outage }));
            let suspension = call("500ms", "A", &json!({ "suspendApp": { "for": "7500ms" } }));
            let script = [login("0s", "A"), suspension, outage];
            let mut story = scenario(
                &json!({ "base": "zego", "heartbeat": { "phase": "login" } }),
                &[client("A", &json!({}))],
                &script[..if is_lost { 3 } else { 2 }],
            );
            story["duration"] = json!(end);
            for link in story["links"].as_object_mut().unwrap().values_mut() {
                link["order"] = json!(order);
            }
            let ran = same(&story);
            assert_eq!(ran.counters.of(Kind::Heartbeat).sent, n_sent, "{order} {is_lost} {end}");
        }
    }
}

/// While an app sleeps, or a microsecond before it goes on, its device gets another network.  It
/// knows as it goes on: first it has nothing to do, then its connection is gone, all at one instant.
#[test]
fn a_network_that_changes_while_the_app_sleeps_is_noticed_as_it_goes_on() {
    // The other way in takes 20 ms to the server, 20 ms there, and 20 ms back.
    let told = ["16.000000 A Reconnecting 1002051", "16.060000 A Reconnected 0"];
    // In a browser the app is told of nothing that is over in 8 s.
    let cases =
        [("zego", "15999999us", &told[..]), ("zego", "12s", &told), ("zego-web", "12s", &[])];
    for (base, changed_at, expected) in cases {
        let links = json!({ "home": { "delay": "50ms" }, "other": { "delay": "20ms" } });
        let suspension = call("11s", "A", &json!({ "suspendApp": { "for": "5s" } }));
        let change = json!({ "changeNetwork": { "clients": ["A"], "to": "other" } });
        let script = [login("0s", "A"), suspension, event(changed_at, &change)];
        let story = scenario(&json!(base), &[client("A", &json!({}))], &script);
        let ran = same(&with(story, &json!({ "links": links, "duration": "1min" })));
        let lines = ran.lines_of("A");
        assert_eq!(after(&lines, 1), expected, "{base} {changed_at}");
    }
}

/// A client leaves its link, on which nothing is lost, for one on which much is, and is back before
/// it has gone to rest there: what it looked up of the other link does not hold for its own.
#[test]
fn what_is_known_of_another_link_does_not_count() {
    for seed in 1..=60 {
        let network = |at: &str, to: &str| {
            event(at, &json!({ "changeNetwork": { "clients": ["A"], "to": to } }))
        };
        let script = [login("0s", "A"), network("20s", "lossy"), network("22s", "home")];
        let mut story = scenario(&json!("zego"), &[client("A", &json!({}))], &script);
        story["links"] = json!({
            "home": { "delay": "20ms" },
            "lossy": { "delay": "50ms", "loss": "40%", "rate": "64kbit" },
        });
        story["seed"] = json!(seed);
        same(&story);
    }
}

fn links() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!({ "delay": "0ms" }),
        json!({ "delay": "50ms" }),
        json!({ "delay": "2500ms" }),
        json!({ "delay": "20ms", "jitter": "20ms" }),
        json!({ "delay": "50ms", "jitter": "10ms", "distribution": "normal" }),
        json!({ "delay": "40ms", "up": { "delay": "5s" } }),
        json!({ "delay": "50ms", "jitter": "40ms", "order": "fifo" }),
        json!({ "delay": "50ms", "jitter": "40ms", "duplicate": "20%" }),
        json!({ "delay": "50ms", "reorder": "25%" }),
        json!({ "delay": "50ms", "rate": "2kbit" }),
        json!({ "delay": "50ms", "limit": 3 }),
        json!({ "delay": "90ms", "jitter": "80ms", "down": { "loss": spells("9s", "700ms") } }),
        json!({ "delay": "1s", "jitter": "1s", "up": { "loss": spells("2min", "6s") } }),
    ])
}

/// Good and bad spells of these mean lengths, with some loss in either.
fn spells(good: &str, bad: &str) -> Value {
    let times = json!({ "good": good, "bad": bad, "loss_good": "2%", "loss_bad": "80%" });
    json!({ "timed_gilbert_elliott": times })
}

/// Servers that work on some messages, or on heartbeats, which wait for a worker; many on none.
fn servers() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        Value::Null,
        Value::Null,
        json!({ "workers": 1, "service": { "login": { "fixed": "20ms" } }, "queue": 1 }),
        json!({ "workers": 1, "service": { "login": { "fixed": "1s" } }, "fan_out": "50ms" }),
        json!({ "workers": 2, "service": { "logout": { "fixed": "30s" } }, "fan_out": "7s" }),
        json!({ "workers": 1, "service": { "heartbeat": { "fixed": "20ms" } }, "queue": 1 }),
        json!({ "workers": 2, "fan_out": "1ms", "service": {
            "heartbeat": { "fixed": "2s" }, "probe": { "exponential": "1s" }, "login": { "fixed": "0ms" },
        } }),
        json!({ "workers": 1, "service": { "heartbeat": { "fixed": "0ms" }, "login": { "fixed": "3s" } } }),
    ])
}

/// What happens to one of the three on a whole second.
fn deed_in_step() -> impl Strategy<Value = Value> {
    let whose = prop::sample::select(vec!["A", "B", "C"]);
    (whose, 0..240_u32, 0..10_u32, 1..40_u32).prop_map(|(client, at, what, span)| {
        let (at, span) = (format!("{at}s"), format!("{span}s"));
        let what = match what {
            6 => return event(&at, &json!({ "resetConnections": { "clients": [client] } })),
            7 => {
                let crash = json!({ "clients": [client], "noticed": "at_once" });
                return event(&at, &json!({ "crashNode": crash }));
            }
            8 => {
                let restart = json!({ "for": span, "memory": "kept", "noticed": "at_once" });
                return event(&at, &json!({ "restartServer": restart }));
            }
            0 => json!({ "logoutRoom": {} }),
            1 => json!({ "loginRoom": { "room": "r" } }),
            2 => json!({ "sendBroadcastMessage": { "room": "r", "message": "hi" } }),
            _ => {
                let (kind, outages) = match what {
                    3 => (json!("link_down"), vec![client]),
                    4 => (json!("silent"), vec![client]),
                    5 => (json!("stall"), vec![client]),
                    _ => (json!("silent"), vec!["A", "B", "C"]),
                };
                let outage = json!({ "clients": outages, "kind": kind, "for": span });
                return event(&at, &json!({ "outage": outage }));
            }
        };
        call(&at, client, &what)
    })
}

/// Where things happen at the same instants: on whole milliseconds, with the heartbeats in step.
fn in_step() -> impl Strategy<Value = Value> {
    let loss = prop::sample::select(vec![
        json!("0"),
        json!("1%"),
        json!("10%"),
        json!("30%"),
        json!("50%"),
        json!({ "gemodel": { "p": "1%", "r": "30%" } }),
        json!({ "gemodel": { "p": "2%", "r": "10%", "1-h": "60%", "1-k": "1%" } }),
        json!({ "state": { "p13": "1%", "p31": "40%", "p32": "10%", "p14": "1%" } }),
        json!({ "timed_gilbert_elliott": { "good": "1min", "bad": "4s" } }),
        json!({ "timed_gilbert_elliott": { "good": "30s", "bad": "30s", "loss_bad": "60%" } }),
        spells("100ms", "20ms"),
        spells("20s", "2s"),
    ]);
    let detect = prop::sample::select(vec![
        json!({ "probe_after": "5s", "broken_after": "10s" }),
        json!({ "probe_after": "5s", "broken_after": "30s" }),
        json!({ "probe_after": "7s", "broken_after": "14s" }),
        json!({ "probe_after": "2s", "broken_after": "10s" }),
        json!("at_outage"),
    ]);
    let anchor = prop::sample::select(vec!["last_message", "last_heartbeat", "outage"]);
    let lease = prop::sample::select(vec!["90s", "21s"]);
    let count = prop::sample::select(vec![json!("none"), json!("15s")]);
    let script = prop::collection::vec(deed_in_step(), 0..12);
    let clock = prop::sample::select(vec!["0ppm", "0ppm", "100ppm", "99999ppm", "-100000ppm"]);
    let rules = (detect, anchor, lease, count);
    (links(), loss, rules, script, (servers(), clock), any::<u32>()).prop_map(
        |(mut link, loss, (detect, anchor, lease, count), script, (server, clock), seed)| {
            link["loss"] = loss;
            let login = json!({ "loginRoom": { "room": "r" } });
            let logins = ["A", "B", "C"].map(|it| json!({ "at": "0s", "client": it, "do": login }));
            let profile = json!({
                "base": "zego", "heartbeat": { "phase": "login" }, "detect": detect,
                "lease": { "anchor": anchor, "after": lease }, "online_count": count,
            });
            let mut clients = ["A", "B", "C"].map(|it| json!({ "name": it, "link": "x" }));
            clients[1]["clock"] = json!(clock);
            let script = [&logins[..], &script[..]].concat();
            let mut story = json!({
                "version": 1, "name": "in-step", "seed": seed, "duration": "6min",
                "profile": profile, "links": { "x": link }, "clients": clients,
                "script": script,
            });
            if !server.is_null() {
                story["server"] = server;
            }
            story
        },
    )
}

/// Over links with good and bad spells heartbeats are passed over, whatever the other direction
/// does and however messages stray, through bad spells, too.
#[test]
fn rounds_are_passed_over_through_bad_spells() {
    let (often, seldom) = (spells("4s", "3s"), spells("5min", "9s"));
    let links = [
        json!({ "delay": "50ms", "loss": seldom }),
        json!({ "delay": "400ms", "jitter": "390ms", "loss": often }),
        json!({ "delay": "400ms", "jitter": "390ms", "up": { "loss": often }, "loss": "30%" }),
        json!({ "delay": "400ms", "jitter": "390ms", "down": { "loss": often }, "loss": "30%" }),
        json!({ "delay": "1s", "up": { "loss": often }, "down": { "loss": seldom } }),
        json!({ "delay": "1s", "loss": often, "down": { "loss": { "gemodel": { "p": "5%" } } } }),
    ];
    for (n, link) in links.iter().enumerate() {
        for broken_after in ["10s", "1min"] {
            let detect = json!({ "probe_after": "5s", "broken_after": broken_after });
            let profile = json!({ "base": "zego", "detect": detect });
            let clients = ["A", "B"].map(|it| client(it, &json!({ "roomMode": "multi" })));
            let message = json!({ "sendBroadcastMessage": { "room": "r", "message": "hi" } });
            let more = ["9min", "14min"].map(|it| call(it, "A", &message));
            let change =
                |at, to| event(at, &json!({ "changeLink": { "clients": ["A"], "to": to } }));
            let changes = [change("10min", "other"), change("10.2min", "home")];
            let other = json!({ "loginRoom": { "room": "other" } });
            let script = [
                &[login("0s", "A"), login("0s", "B"), call("1s", "A", &other)][..],
                &more,
                &changes,
            ];
            let links = json!({ "home": link, "other": { "delay": "30ms", "loss": "5%" } });
            let story = scenario(&profile, &clients, &script.concat());
            let story = with(story, &json!({ "links": links, "seed": n }));
            let parsed = parse(&story.to_string()).unwrap();
            assert_eq!(sim::obstacles(&parsed), Vec::<String>::new());
            let ran = same(&story);
            assert!(5 < ran.counters.total().dropped[0], "{story}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_happens_is_the_same_either_way(
        scenario in random::scenario(),
        notice_limit in prop::sample::select(vec![0, 1, 2, 500]),
    ) {
        let mut scenario = scenario;
        scenario["profile"]["notice_limit"] = json!(notice_limit);
        same(&scenario);
    }

    #[test]
    fn what_happens_at_one_instant_is_the_same_either_way(scenario in in_step()) {
        same(&scenario);
    }
}

/// Why heartbeats are simulated one by one, in the words of `run.json`.
#[test]
fn every_reason_to_simulate_each_heartbeat_is_told() {
    let mut story = scenario(&json!("zego"), &[client("A", &json!({}))], &[login("0s", "A")]);
    let told = |story: &Value| sim::obstacles(&parse(&story.to_string()).unwrap());
    assert_eq!(told(&story), Vec::<String>::new());
    // Work on logins alone lets heartbeats be.
    story["server"] = json!({ "workers": 1, "service": { "login": { "fixed": "1ms" } } });
    assert_eq!(told(&story), Vec::<String>::new());
    story["server"]["service"] = json!({ "other": { "fixed": "1ms" } });
    story["links"] = json!({
        "home": { "delay": "50ms", "rate": "1mbit" }, "far": { "delay": "3s" },
        "later": { "order": "fifo", "delay": "1s" }, "unused": { "duplicate": "1%" },
    });
    let clients = [("B", json!({ "user": "A" })), ("C", json!({ "clock": "5ppm" }))];
    for (name, fields) in clients {
        let fields = with(json!({ "name": name, "link": "far" }), &fields);
        story["clients"].as_array_mut().unwrap().push(fields);
    }
    let change = json!({ "changeLink": { "clients": ["C"], "to": "later" } });
    story["script"].as_array_mut().unwrap().push(event("5s", &change));
    assert_eq!(
        told(&story),
        [
            "the server is a queue: it works on every heartbeat",
            "on the link `home` messages wait for each other at a `rate`",
            "on the link `far` an answer may come after the next heartbeat",
            "on the link `later` messages keep their `order`",
            "clients whose clocks run too fast or too slow: 1",
            "users with several clients: 1",
        ]
    );
    story["profile"] = json!("zego-doc");
    assert_eq!(told(&story), ["the profile has no heartbeats"]);
}

/// Neither direction of either link is too long, but one of each is.
#[test]
fn links_that_are_mixed_may_be_in_the_way_together() {
    let mut story = scenario(&json!("zego"), &[client("A", &json!({}))], &[login("0s", "A")]);
    story["links"]["up"] = json!({ "up": { "delay": "3s" } });
    story["links"]["home"] = json!({ "down": { "delay": "3s" } });
    let change = json!({ "changeLink": { "clients": ["A"], "to": "up", "direction": "up" } });
    story["script"].as_array_mut().unwrap().push(event("5s", &change));
    let why = "over the link `up` up and `home` down an answer may come after the next heartbeat";
    assert_eq!(sim::obstacles(&parse(&story.to_string()).unwrap()), [why]);
}
