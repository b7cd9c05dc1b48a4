//! Populations: who their members are, when they come and go, and whom a share of them hits.

use std::{collections::BTreeSet, num::NonZeroUsize};

use roomsim::{
    id::{ClientId, Id as _},
    protocol::call::{AppEvent, Call},
    rng::Draws,
    scenario::{Action, Scenario, Step},
    sim::{self, Heartbeats, How, Plan},
    sink::trace::Recorder,
};
use serde_json::{Value, json};

use crate::support::{gallery, parse, run, with};

/// A scenario with these clients and steps on links that lose nothing.
fn scenario(profile: &Value, clients: &Value, script: &Value) -> Value {
    json!({
        "version": 1, "name": "crowd", "duration": "10min", "profile": profile,
        "links": {
            "home": { "delay": "50ms" },
            "lossy": { "delay": "50ms", "jitter": "20ms", "loss": "10%" },
        },
        "clients": clients, "script": script,
    })
}

/// A population of ten thousand in a hundred rooms, with some fields more.
fn viewers(fields: &Value) -> Value {
    with(json!({ "name": "v", "count": 10_000, "rooms": 100, "link": "home" }), fields)
}

fn parsed(profile: &str, clients: &Value, script: &Value) -> Scenario {
    Scenario::parse(&scenario(&json!(profile), clients, script).to_string()).unwrap()
}

/// All steps of all cells, each with the client of the scenario that it is of.
fn steps(scenario: &Scenario, seed: u64) -> Vec<(ClientId, Step)> {
    let plan = Plan::of(scenario);
    let cells = (0..plan.n_cells()).map(|it| plan.cell(it, seed));
    let of_cell = |cell: sim::Cell| {
        let global = |step: &Step| Some((cell.clients[step.action.client()?.index()], *step));
        cell.script.iter().filter_map(global).collect::<Vec<_>>()
    };
    cells.flat_map(of_cell).collect()
}

fn is_login(step: &Step) -> bool {
    matches!(step.action, Action::Call(_, Call::LoginRoom(_)))
}

/// The microsecond of the first login of each client.
fn arrivals(scenario: &Scenario, seed: u64) -> Vec<u64> {
    let mut all = vec![u64::MAX; scenario.n_clients()];
    for (client, step) in steps(scenario, seed).iter().filter(|it| is_login(&it.1)) {
        let first = &mut all[client.index()];
        *first = (*first).min(step.at.as_micros());
    }
    all
}

#[test]
fn members_do_what_the_same_clients_would_do_one_by_one() {
    let others = json!([
        { "at": "1s", "client": "A", "do": { "loginRoom": { "room": "v-room-2" } } },
        { "at": "1min", "do": { "outage": { "clients": ["v"], "kind": "silent", "for": "2min" } } },
        { "at": "4min", "client": "v", "do": { "suspendApp": { "for": "30s" } } },
        { "at": "5min", "do": { "kickoutUser": { "room": "v-room-3", "users": ["v-3"] } } },
        { "at": "6min", "do": { "changeLink": { "clients": ["v-4", "A"], "to": "home" } } },
        { "at": "7min", "client": "v", "do": { "logoutRoom": {} } },
    ]);
    let population = json!([
        { "name": "A", "link": "lossy" },
        { "name": "v", "count": 12, "rooms": 3, "link": "lossy", "maxMemberCount": 4 },
    ]);
    let mut script: Vec<Value> = Vec::new();
    for it in 0..12 {
        let room = format!("v-room-{}", it % 3 + 1);
        let login = json!({ "loginRoom": { "room": room, "maxMemberCount": 4 } });
        script.push(json!({ "at": "0s", "client": format!("v-{}", it + 1), "do": login }));
    }
    script.extend(others.as_array().unwrap().clone());
    let group = json!([
        { "name": "A", "link": "lossy" },
        { "name": "v", "count": 12, "link": "lossy" },
    ]);
    for seed in 1..4 {
        let counted = scenario(&json!("zego"), &population, &others);
        let listed = scenario(&json!("zego"), &group, &json!(script));
        let counted = run(&counted.to_string(), Some(seed));
        let listed = run(&listed.to_string(), Some(seed));
        assert!(100 < counted.lines().len());
        assert_eq!(counted.lines(), listed.lines(), "seed {seed}");
    }
}

/// How far counts in ten equal bins are from even ones, by Pearson's sum.
fn unevenness(all: &[u64], from: u64, span: u64) -> f64 {
    let mut bins = [0.0_f64; 10];
    for at in all {
        bins[usize::try_from((at - from) * 10 / span).unwrap()] += 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "few clients")]
    let wanted = all.len() as f64 / 10.0;
    bins.iter().map(|it| (it - wanted).powi(2) / wanted).sum()
}

#[test]
fn arrivals_are_spread_evenly() {
    // 10,000 at 100 a second come within 100 s.  Chi-square with 9 degrees of freedom is above
    // 27.9 once in 1000 times.
    let ways = [
        (json!({ "uniform": "10s" }), 0, 10_000_000),
        (json!({ "uniform": "10s", "from": "5s" }), 5_000_000, 10_000_000),
        (json!({ "poisson": "100/s" }), 0, 100_000_000),
    ];
    for (arrive, from, span) in ways {
        let scenario = parsed("zego", &json!([viewers(&json!({ "arrive": arrive }))]), &json!([]));
        let one = arrivals(&scenario, 1);
        let spread = unevenness(&one, from, span);
        assert!((0.5..27.9).contains(&spread), "{arrive}: {spread}");
        assert_ne!(one, arrivals(&scenario, 2), "{arrive}");
        // Those of one room are spread as all are: 100 of them, 10 a bin.
        let of_one: Vec<u64> = one.iter().copied().step_by(100).collect();
        assert!(unevenness(&of_one, from, span) < 27.9, "{arrive}");
    }
    for at_once in [json!("at_once"), json!({ "from": "7s" })] {
        let scenario = parsed("zego", &json!([viewers(&json!({ "arrive": at_once }))]), &json!([]));
        let at = if at_once.is_string() { 0 } else { 7_000_000 };
        assert!(arrivals(&scenario, 1).iter().all(|it| *it == at), "{at_once}");
    }
}

#[test]
fn members_stay_and_are_away_as_long_as_it_says() {
    // The mean, and how far the mean of 10,000 may be off: four times its deviation, which is that
    // of one through 100, and of one it is the mean (exponential) or its part of root 3 (uniform).
    let ways = [
        (json!({ "fixed": "30s" }), 30_000_000_f64, 0.0),
        (json!({ "exponential": "30s" }), 30e6, 30e6 * 4.0 / 100.0),
        (json!({ "uniform": "1min" }), 30e6, 30e6 / 3_f64.sqrt() * 4.0 / 100.0),
    ];
    for (spell, mean, off) in ways {
        let fields = json!({ "stay": spell, "away": { "fixed": "7s" } });
        let scenario = parsed("zego", &json!([viewers(&fields)]), &json!([]));
        let mut first = vec![Vec::new(); scenario.n_clients()];
        for (client, step) in steps(&scenario, 1) {
            first[client.index()].push((step.at.as_micros(), is_login(&step)));
        }
        let mut sum = 0_u64;
        for steps in &first {
            for (place, (_, is_login)) in steps.iter().enumerate() {
                assert_eq!(*is_login, place % 2 == 0, "in and out by turns");
            }
            sum += steps[1].0 - steps[0].0;
            for away in steps[1..].chunks_exact(2) {
                assert_eq!(away[1].0 - away[0].0, 7_000_000);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "hours in microseconds are exact")]
        let got = sum as f64 / 10_000.0;
        assert!((got - mean).abs() <= off, "{spell}: {got}");
    }
}

#[test]
fn who_is_killed_is_started_again_before_coming_back() {
    let fields =
        json!({ "stay": { "fixed": "1min" }, "away": { "fixed": "30s" }, "leave": "kill" });
    let scenario = parsed(
        "zego",
        &json!([with(viewers(&fields), &json!({ "count": 1 }))]),
        &json!([
            // What it cannot do then is left out: it is dead from 60 s to 90 s.
            { "at": "70s", "client": "v", "do": { "logoutRoom": {} } },
            { "at": "75s", "client": "v", "do": { "killApp": {} } },
            { "at": "80s", "client": "v-1", "do": { "suspendApp": { "for": "20s" } } },
            { "at": "100s", "client": "v", "do": { "startApp": {} } },
        ]),
    );
    let told = |it: &(ClientId, Step)| {
        let is_kill = matches!(it.1.action, Action::App(_, AppEvent::Kill));
        let is_start = matches!(it.1.action, Action::App(_, AppEvent::Start));
        let what = match (is_login(&it.1), is_kill, is_start) {
            (true, ..) => "login",
            (_, true, _) => "kill",
            (.., true) => "start",
            _ => panic!("{:?}", it.1),
        };
        (it.1.at.as_micros() / 1_000_000, what)
    };
    let steps: Vec<_> = steps(&scenario, 1).iter().map(told).collect();
    let cycle = |at| [(at, "login"), (at + 60, "kill"), (at + 90, "start")];
    // Ten minutes, both ends included: the seventh life begins at 540 s.
    let mut wanted: Vec<_> = (0..7).flat_map(|it| cycle(90 * it)).collect();
    wanted.truncate(20);
    assert_eq!(steps, wanted);
}

#[test]
fn links_are_had_by_their_shares() {
    let links = json!({ "home": "70%", "lossy": "30%" });
    let scenario = parsed("zego", &json!([viewers(&json!({ "link": links }))]), &json!([]));
    let of = |seed| -> Vec<bool> {
        let draws = Draws::new(seed);
        let is_home = |it| scenario.links()[scenario.gear_of(it, &draws).link].name == "home";
        scenario.client_ids().map(is_home).collect()
    };
    // Binomial: 7000, give or take four times the root of 10,000 x 0.7 x 0.3, which is 45.8.
    let n_home = of(1).iter().filter(|it| **it).count();
    assert!(n_home.abs_diff(7000) < 184, "{n_home}");
    assert_ne!(of(1), of(2));
    // Names decide, not who else takes part.
    let two = json!([
        { "name": "A", "link": "home" },
        with(viewers(&json!({ "link": links })), &json!({ "name": "w" })),
        viewers(&json!({ "link": links })),
    ]);
    let two = parsed("zego", &two, &json!([]));
    let draws = Draws::new(1);
    let is_v = |it: &ClientId| two.client_name(*it).starts_with("v-");
    let links = two.client_ids().filter(is_v).map(|it| two.gear_of(it, &draws).link.index() == 0);
    assert_eq!(links.collect::<Vec<_>>(), of(1));
}

/// Whom the outages at an instant hit.
fn hit(scenario: &Scenario, at_s: u64) -> BTreeSet<String> {
    let is_it = |it: &(ClientId, Step)| {
        let begins = matches!(it.1.action, Action::OutageBegins(..));
        begins && it.1.at.as_micros() == at_s * 1_000_000
    };
    let steps = steps(scenario, 1);
    steps.iter().filter(|it| is_it(it)).map(|it| scenario.client_name(it.0).into_owned()).collect()
}

#[test]
fn a_larger_share_hits_the_same_and_others() {
    let outage = |at: &str, share: &str| {
        let deed = json!({ "clients": ["v", "g"], "share": share, "kind": "silent", "for": "5s" });
        json!({ "at": at, "do": { "outage": deed } })
    };
    let group = json!({ "name": "g", "count": 1000, "link": "home" });
    let clients = json!([viewers(&json!({})), group]);
    let with_share = |share: &str| {
        parsed("zego", &clients, &json!([outage("1min", share), outage("2min", "5%")]))
    };
    let (few, many) = (with_share("1%"), with_share("5%"));
    let (one, five) = (hit(&few, 60), hit(&many, 60));
    // Of 11,000: 110 and 550, give or take four deviations of 10.4 and 22.9.
    assert!(one.len().abs_diff(110) < 42, "{}", one.len());
    assert!(five.len().abs_diff(550) < 92, "{}", five.len());
    assert!(one.is_subset(&five));
    assert!(five.iter().any(|it| it.starts_with("g-")));
    // Another step has draws of its own: of 550, 5 % are hit twice, 27 give or take 4 x 5.
    let again = hit(&many, 120);
    assert!(again.intersection(&five).count().abs_diff(27) < 21);
    assert_eq!(again, hit(&few, 120));
    assert_eq!(hit(&with_share("100%"), 60).len(), 11_000);
    assert_eq!(hit(&with_share("0%"), 60).len(), 0);
    // Every outage that begins ends.
    let n = |is: fn(&Action) -> bool| steps(&few, 1).iter().filter(|it| is(&it.1.action)).count();
    let begins = n(|it| matches!(it, Action::OutageBegins(..)));
    assert_eq!(begins, n(|it| matches!(it, Action::OutageEnds(..))));
}

#[test]
fn members_and_rooms_have_their_names() {
    let clients = json!([
        { "name": "h", "count": 3, "rooms": { "name": "live", "count": 3 }, "link": "home" },
        { "name": "A", "user": "Ann", "link": "home" },
        { "name": "v", "count": 5, "rooms": { "name": "live", "count": 3 }, "link": "home" },
        { "name": "w", "count": 2, "room": "hall", "link": "home" },
    ]);
    let script = json!([
        { "at": "0s", "client": "A", "do": { "loginRoom": { "room": "live-2" } } },
        { "at": "1s", "client": "A", "do": { "logoutRoom": { "room": "other" } } },
        { "at": "1s", "client": "w-2", "do": { "switchRoom": { "from": "hall", "to": "attic" } } },
    ]);
    let scenario = parsed("zego", &clients, &script);
    let names: Vec<_> = scenario.client_ids().map(|it| scenario.client_name(it)).collect();
    let members = ["h-1", "h-2", "h-3", "v-1", "v-2", "v-3", "v-4", "v-5", "w-1", "w-2"];
    assert_eq!(names, [&["A"][..], &members].concat());
    let users: Vec<_> =
        scenario.client_ids().map(|it| scenario.user_name(scenario.user_of(it))).collect();
    assert_eq!(users, [&["Ann"][..], &members].concat());
    let plan = Plan::of(&scenario);
    let told = |number| {
        let cell = plan.cell(number, 1);
        let clients = cell.clients.iter().map(|it| scenario.client_name(*it));
        let rooms = cell.rooms.iter().map(|it| scenario.room_name(*it));
        (clients.collect::<Vec<_>>().join(" "), rooms.collect::<Vec<_>>().join(" "))
    };
    // By the first of the named, then by the first room.
    let cells: Vec<_> = (0..plan.n_cells()).map(told).collect();
    let wanted = [
        ("A h-2 v-2 v-5", "live-2 other"),
        ("h-1 v-1 v-4", "live-1"),
        ("h-3 v-3", "live-3"),
        ("w-1 w-2", "hall attic"),
    ];
    assert_eq!(cells, wanted.map(|(clients, rooms)| (clients.to_owned(), rooms.to_owned())));
}

#[test]
fn what_members_share_makes_one_cell_of_their_rooms() {
    let of = |link: &str, script: Value| {
        let mut scenario = scenario(&json!("zego"), &json!([viewers(&json!({}))]), &script);
        scenario["links"]["shared"] = json!({ "rate": "1mbit", "shared": true });
        scenario["clients"][0]["link"] = json!(link);
        let scenario = Scenario::parse(&scenario.to_string()).unwrap();
        Plan::of(&scenario).n_cells()
    };
    assert_eq!(of("home", json!([])), 100);
    assert_eq!(of("shared", json!([])), 1);
    let deed = json!({ "changeLink": { "clients": ["v"], "to": "shared" } });
    assert_eq!(of("home", json!([{ "at": "1s", "do": deed }])), 1);
    let login = json!({ "loginRoom": { "room": "hall" } });
    assert_eq!(of("home", json!([{ "at": "1s", "client": "v", "do": login }])), 1);
    // The first and the hundred-and-first are in one room, the second in another.
    let login = |client: &str| json!({ "at": "1s", "client": client, "do": login });
    assert_eq!(of("home", json!([login("v-1"), login("v-101"), login("v-2")])), 99);
}

#[test]
fn a_million_clients_are_counted_and_not_listed() {
    let scenario = parse(&gallery("million")).unwrap();
    assert_eq!(scenario.n_clients(), 1_000_000);
    assert_eq!(scenario.n_rooms(), 10_000);
    // All that is kept of them: one named, two populations, and four steps of a share, each of
    // which has an end.
    assert_eq!(scenario.named_clients().len(), 1);
    assert_eq!((scenario.populations().len(), scenario.script().len()), (2, 1));
    assert_eq!(scenario.broad().len(), 2);
    let plan = Plan::of(&scenario);
    assert_eq!(plan.n_cells(), 10_000);
    // The observer's cell comes first; of 989,999 viewers the last room lacks one.
    let n_clients = |it: usize| plan.cell(it, 1).clients.len();
    assert_eq!([0, 1, 9_999].map(n_clients), [101, 100, 99]);
    assert_eq!((0..10_000).step_by(100).map(n_clients).sum::<usize>(), 100 * 100 + 1);
}

#[test]
fn a_room_of_a_million_is_taken_where_few_are_told_of_each_other() {
    let crowd = json!([{ "name": "v", "count": 1_000_000, "room": "hall", "link": "home" }]);
    let problems = |profile: Value, clients: &Value| {
        let text = scenario(&profile, clients, &json!([])).to_string();
        let faults = Scenario::parse(&text).err().unwrap_or_default();
        faults.iter().map(|it| it.problem.clone()).collect::<Vec<_>>()
    };
    // 1,000,000 are told of the 500 who are told of each other: 500,000,000, as many as may be.
    assert_eq!(problems(json!("zego"), &crowd), [""; 0]);
    let all = json!({ "base": "zego", "notice_limit": 0 });
    let told = "members would be told of each other 1000000000000 times";
    assert_eq!(problems(all.clone(), &crowd), [told]);
    let quiet = with(crowd[0].clone(), &json!({ "isUserStatusNotify": false }));
    assert_eq!(problems(all.clone(), &json!([quiet])), [""; 0]);
    // Who comes again is told again: 40,000 come 1 + 600 s / 100 s times, to 20 rooms.
    let fields = json!({ "count": 40_000, "rooms": 20, "stay": { "fixed": "1min" },
        "away": { "fixed": "40s" } });
    let n_names = 20 * (2_000 * 7_u64).pow(2);
    let told = format!("members would be told of each other {n_names} times");
    assert_eq!(problems(all, &json!([viewers(&fields)])), [told]);
}

#[test]
fn threads_change_nothing_for_populations() {
    let fields = json!({ "count": 300, "rooms": 20, "link": { "home": "50%", "lossy": "50%" },
        "arrive": { "uniform": "1min" }, "stay": { "exponential": "2min" },
        "away": { "uniform": "1min" }, "leave": "kill" });
    let script = json!([
        { "at": "2min", "do": { "outage": {
            "clients": ["v"], "share": "20%", "kind": "silent", "for": "2min" } } },
        { "at": "3min", "do": { "randomOutages": {
            "clients": ["v"], "share": "20%", "kind": "link_down", "every": "1min",
            "lasts": "10s" } } },
    ]);
    let scenario = parsed("zego", &json!([viewers(&fields)]), &script);
    let on = |n_threads| {
        let n_threads = NonZeroUsize::new(n_threads).unwrap();
        let mut all = Recorder::default();
        for rows in sim::run_on(
            &scenario,
            1,
            How { n_threads, heartbeats: Heartbeats::PassedOver },
            Recorder::default,
        ) {
            all.join(rows);
        }
        let trace = all.finish(&scenario);
        (trace.rows().len(), trace.digest(&scenario))
    };
    let one = on(1);
    assert!(3000 < one.0, "{}", one.0);
    for n_threads in [2, 4] {
        assert_eq!(on(n_threads), one, "{n_threads} threads");
    }
}
