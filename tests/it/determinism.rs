//! A run is a function of (scenario, seed, version): observers, builds and cells change nothing.

use std::num::NonZeroUsize;

use roomsim::{
    scenario::Scenario,
    sim::{self, Heartbeats, How},
    sink::{counters::Counters, trace::Recorder},
};
use serde_json::{Value, json};

use crate::support::{gallery, gallery_names, run};

/// SHA-256 of some traces, the same in every build: a change here is a change for every study.
const DIGESTS: [(&str, u64, &str); 3] = [
    ("situation-1", 1, "13ab9c3194c68fc0326acff8db4278fda83a963549c27fe26e36ebe46c383b87"),
    ("situation-2-zego", 7, "585eec83aaad77bd70f0699a8f64f4d19b34a7f04af7984bf73e87f8225ecae4"),
    ("lossy-20", 7, "d3aa96cb0fee53a66d1c3856ceebe3fda18bac7a2d1ce1e3e11d0e80303a9b9e"),
];

#[test]
fn the_same_run_twice_is_the_same() {
    for name in gallery_names() {
        let digest = || {
            let ran = run(&gallery(&name), Some(7));
            ran.trace.digest(&ran.scenario)
        };
        assert_eq!(digest(), digest(), "{name}");
    }
}

#[test]
fn digests_are_those_of_every_build() {
    for (name, seed, digest) in DIGESTS {
        let ran = run(&gallery(name), Some(seed));
        assert_eq!(ran.trace.digest(&ran.scenario), digest, "{name} with seed {seed}");
    }
}

#[test]
fn watching_changes_nothing() {
    for name in gallery_names() {
        let scenario = crate::support::parse(&gallery(&name)).unwrap();
        let mut alone = Recorder::default();
        sim::run(&scenario, 3, &mut alone);
        // `run` watches with a recorder and counters.
        let together = run(&gallery(&name), Some(3)).trace;
        assert_eq!(alone.finish(&scenario).rows(), together.rows(), "{name}");
        sim::run(&scenario, 3, &mut ());
    }
}

/// Thirty rooms that share nothing, on links with loss and jitter.
fn many_cells() -> Scenario {
    let groups = 0..30;
    let clients: Vec<Value> = groups
        .clone()
        .map(|it| json!({ "name": format!("g{it}"), "count": 5, "link": "x" }))
        .collect();
    let script: Vec<Value> = groups
        .map(|it| {
            let login = json!({ "loginRoom": { "room": format!("r{it}") } });
            json!({ "at": format!("{it}s"), "client": format!("g{it}"), "do": login })
        })
        .collect();
    let text = json!({
        "version": 1, "name": "cells", "duration": "10min", "profile": "zego",
        "links": { "x": { "delay": "50ms", "jitter": "20ms", "loss": "10%" } },
        "clients": clients, "script": script,
    });
    Scenario::parse(&text.to_string()).unwrap()
}

#[test]
fn threads_change_nothing() {
    let scenario = many_cells();
    assert_eq!(sim::Plan::of(&scenario).n_cells(), 30);
    let on = |n_threads| {
        let n_threads = NonZeroUsize::new(n_threads).unwrap();
        let how = How { n_threads, heartbeats: Heartbeats::PassedOver };
        let sinks = sim::run_on(&scenario, 1, how, <(Recorder, Counters)>::default);
        let (mut recorder, mut counters) = (Recorder::default(), Counters::default());
        for (rows, counts) in sinks {
            recorder.join(rows);
            counters.join(&counts);
        }
        (recorder.finish(&scenario).digest(&scenario), counters)
    };
    let one = on(1);
    assert!(1000 < one.1.total().sent);
    for n_threads in [2, 3, 8] {
        assert_eq!(on(n_threads), one, "{n_threads} threads");
    }
}

#[test]
fn another_seed_is_another_run_where_anything_is_drawn() {
    let digest = |name: &str, seed| {
        let ran = run(&gallery(name), Some(seed));
        ran.trace.digest(&ran.scenario)
    };
    assert_ne!(digest("lossy-20", 1), digest("lossy-20", 2));
    // The document to the letter draws nothing that an app could see.
    assert_eq!(digest("situation-2", 1), digest("situation-2", 2));
}

#[test]
fn who_controls_a_run_sees_it_through_or_stops_it() {
    let scenario = many_cells();
    let control = sim::Control::default();
    let two = NonZeroUsize::new(2).unwrap();
    let how = How { n_threads: two, heartbeats: Heartbeats::PassedOver };
    assert!(sim::run_under(&control, &scenario, 1, how, || ()).is_some());
    assert_eq!((control.n_cells(), control.n_ended()), (30, 30));
    // Every client has seen the whole run pass.
    let all = scenario.end().as_micros() * scenario.n_clients() as u64;
    assert_eq!(control.passed(), all);
    control.stop();
    assert!(sim::run_under(&control, &scenario, 1, how, || ()).is_none());
    assert_eq!((control.n_ended(), control.passed()), (30, all), "nothing has begun");
}
