//! What metrics tell of the nodes of the server, by arithmetic.

use std::{num::NonZeroUsize, sync::Arc};

use proptest::prelude::*;
use roomsim::{
    observe::CutShort,
    report::{metrics::table, text::Ink},
    scenario::Scenario,
    sim::{self, Heartbeats, How},
    sink::{
        fingerprint::Fingerprint,
        metrics::{By, Layout, Load, Metrics, Peak, summary, write_metrics},
    },
    time::SimSpan,
};
use serde_json::{Value, json};

use crate::{
    station::{Log, busy, crowd, four_nodes, patient, storm},
    support::{call, event, parse, with},
};

fn measured(text: &Value, bin: SimSpan) -> (Scenario, Metrics) {
    let scenario = parse(&text.to_string()).unwrap();
    let layout = Layout::new(&scenario, bin, By::Entry).unwrap();
    let mut metrics = Metrics::new(&Arc::new(layout));
    sim::run(&scenario, 1, &mut metrics);
    (scenario, metrics)
}

fn bytes(scenario: &Scenario, metrics: &Metrics) -> Vec<u8> {
    let mut bytes = summary(scenario, 1, &Fingerprint::default(), metrics);
    write_metrics(metrics, &mut bytes).unwrap();
    bytes
}

/// N logins at once into c workers, s each: N - c wait at first and c fewer after each s, the last
/// for (ceil(N/c) - 1) s, and the work is N s.
#[test]
fn a_storm_is_seen_in_the_queue() {
    const WORK: u64 = 20;
    for (n, c) in [(1_u64, 1), (7, 3), (12, 4), (30, 7), (5, 9)] {
        let server = json!({ "workers": c, "service": { "login": { "fixed": "20ms" } } });
        let text = crowd(usize::try_from(n).unwrap(), &server, &[storm()]);
        // Bins of half the work: the logins come at 10.05 s, as one of them begins.
        let long = SimSpan::from_millis(WORK / 2);
        let text = with(text, &json!({ "duration": "20s" }));
        let (_, metrics) = measured(&text, long);
        let load = metrics.load().unwrap();
        let first = 10_050 / (WORK / 2);
        let round = |bin: usize| (bin as u64).checked_sub(first).map(|it| it / 2);
        for (bin, (waiting, work)) in load.queue().zip(load.work_micros()).enumerate() {
            let left = round(bin).map_or(0, |it| n.saturating_sub(it * c));
            assert_eq!(waiting, left.saturating_sub(c), "{n} into {c}, {bin}");
            assert_eq!(work, left.min(c) * WORK / 2 * 1000, "{n} into {c}, {bin}");
        }
        assert_eq!(Peak::of(load.queue()).value, n.saturating_sub(c));
        assert_eq!(load.work_micros().sum::<u64>(), n * WORK * 1000);
        let longest = SimSpan::from_millis((n.div_ceil(c) - 1) * WORK);
        assert_eq!((load.wait().count(), load.wait().max()), (n, longest));
        assert_eq!(load.turned_away().sum::<u64>(), 0);
        assert_eq!(metrics.nodes().map(|it| it.0).collect::<Vec<_>>(), ["node:1"]);
    }
}

/// Of N at once one is worked on and K wait; the others are turned away, and come again a second
/// later.  The work of 30 ms from 10.05 s is cut by the bins of 70 ms, of which one ends at 10.08 s.
#[test]
fn who_is_turned_away_is_seen_too() {
    let server = json!({
        "workers": 1, "service": { "login": { "fixed": "30ms" } }, "queue": 2, "full": "drop",
    });
    let text = with(crowd(5, &server, &[storm()]), &json!({ "duration": "12s" }));
    let (scenario, metrics) = measured(&text, SimSpan::from_millis(70));
    let load = metrics.load().unwrap();
    assert_eq!(load.turned_away().sum::<u64>(), 2);
    // 10.01 s to 10.08 s is bin 143: 30 ms of work, then 60 ms in the next.
    let work: Vec<u64> = load.work_micros().collect();
    assert_eq!(work[143..=145], [30_000, 60_000, 0]);
    // Those who come again do so at 11.05 s, for 60 ms: bin 157 ends at 11.06 s.
    assert_eq!(work[157..=159], [10_000, 50_000, 0]);
    // As bin 143 ends, the second is taken up at that instant, which is the next bin's.
    let queue: Vec<u64> = load.queue().collect();
    assert_eq!((queue[143], queue[144], queue[157], queue[158]), (2, 0, 1, 0));
    let text = bytes(&scenario, &metrics);
    let text = String::from_utf8(text).unwrap();
    // 30 of 70 ms, and two by 70 ms.
    for line in [
        "10.080000,total,server_busy_workers,0.429",
        "10.080000,node:1,server_busy_workers,0.429",
        "10.080000,total,turned_away_per_s,28.571",
        "10.080000,node:1,server_queue,2",
    ] {
        assert!(text.contains(line), "{line}");
    }
    let value: Value =
        serde_json::from_slice(&summary(&scenario, 1, &Fingerprint::default(), &metrics)).unwrap();
    for scope in ["total", "node:1"] {
        let told = &value["scopes"][scope];
        assert_eq!(told["levels"]["server_queue"]["peak"], 2);
        assert_eq!(told["rates"]["server_busy_workers"]["total"], 0.15);
        assert_eq!(told["rates"]["turned_away_per_s"]["total"], 2);
        assert_eq!(told["latencies"]["queue_wait"]["max_s"], 0.06);
    }
}

/// Five logins at the start, at once, to one worker who takes 10 s for each: the one with number n,
/// from 0 on, waits for 10 n s.  Nobody repeats his.
fn five(duration: &str, more: &[Value]) -> Value {
    let server = json!({ "workers": 1, "service": { "login": { "fixed": "10s" } } });
    let enter = json!({ "loginRoom": { "room": "r", "isUserStatusNotify": false } });
    let mut story = patient(crowd(5, &server, &[&[call("0s", "A", &enter)], more].concat()));
    story["links"]["home"]["delay"] = json!("0s");
    story["duration"] = json!(duration);
    story
}

/// The server goes down and does not come back before the end.
fn stop(at: &str) -> Value {
    event(at, &json!({ "restartServer": { "for": "10min", "memory": "kept" } }))
}

/// What is told of five logins, with bins of so many seconds: the queue as each ends, and in each
/// the seconds of work, and how many were lost waiting.
fn told(text: &Value, bin: u64) -> ([Vec<u64>; 3], Load) {
    let (_, metrics) = measured(text, SimSpan::from_secs(bin));
    let load = metrics.load().unwrap();
    let work = load.work_micros().map(|it| it / 1_000_000).collect();
    ([load.queue().collect(), work, load.lost_waiting().collect()], load)
}

/// Count, mean and maximum of waits in seconds, and how many messages are none of them.
fn waits(load: &Load) -> (u64, u64, u64, u64) {
    let secs = |it: SimSpan| it.as_micros() / 1_000_000;
    let wait = load.wait();
    (wait.count(), secs(wait.mean().unwrap()), secs(wait.max()), load.n_not_taken_up())
}

#[test]
fn what_is_not_done_at_the_end_has_waited_and_was_worked_on() {
    // By 25 s two are done, the third is worked on since 20 s, two wait.  What is taken up as a bin
    // ends belongs to the next.
    let (series, load) = told(&five("25s", &[]), 5);
    assert_eq!(series, [vec![4, 4, 3, 3, 2], vec![5; 5], vec![0; 5]]);
    // 0, 10 and 20 s.
    assert_eq!(waits(&load), (3, 10, 20, 2));
    // At 20 s, the end, the second is done and the third is taken up.
    let (series, load) = told(&five("20s", &[]), 5);
    assert_eq!(series, [vec![4, 4, 3, 2], vec![5; 4], vec![0; 4]]);
    assert_eq!(waits(&load), (3, 10, 20, 2));
    // A microsecond earlier the second is not.
    let (series, load) = told(&five("19999999us", &[]), 5);
    assert_eq!(series, [vec![4, 4, 3, 3], vec![5, 5, 5, 4], vec![0; 4]]);
    assert_eq!(load.work_micros().sum::<u64>(), 19_999_999);
    assert_eq!(waits(&load), (2, 5, 10, 3));
    // Nobody is done before the end, and no bin ends before it.
    let (series, load) = told(&five("4s", &[]), 5);
    assert_eq!(series, [vec![4], vec![4], vec![0]]);
    assert_eq!(waits(&load), (1, 0, 0, 4));
}

#[test]
fn what_comes_as_the_run_ends_waits() {
    let mut story = five("25s", &[]);
    story["links"]["home"]["delay"] = json!("25s");
    let (series, load) = told(&story, 5);
    assert_eq!(series, [vec![0, 0, 0, 0, 4], vec![0; 5], vec![0; 5]]);
    assert_eq!(waits(&load), (1, 0, 0, 4));
}

#[test]
fn a_server_that_stops_has_no_queue_from_that_instant_on() {
    // At 13 s the second is worked on since 10 s, three wait; a bin ends at 12 s.
    let (series, load) = told(&five("20s", &[stop("13s")]), 4);
    assert_eq!(series, [vec![4, 4, 3, 0, 0], vec![4, 4, 4, 1, 0], vec![0, 0, 0, 3, 0]]);
    assert_eq!(waits(&load), (2, 5, 10, 3));
    // As it stops with the end of a bin, they still waited at the end of that.
    let (series, _) = told(&five("20s", &[stop("12s")]), 4);
    assert_eq!(series, [vec![4, 4, 3, 0, 0], vec![4, 4, 4, 0, 0], vec![0, 0, 0, 3, 0]]);
    // At 10 s it stops before the first is done, so the second is not taken up.
    let (series, load) = told(&five("20s", &[stop("10s")]), 4);
    assert_eq!(series, [vec![4, 4, 0, 0, 0], vec![4, 4, 2, 0, 0], vec![0, 0, 4, 0, 0]]);
    assert_eq!(waits(&load), (1, 0, 0, 4));
}

#[test]
fn messages_that_no_worker_took_up_are_told_in_every_form() {
    let (scenario, metrics) = measured(&five("20s", &[stop("13s")]), SimSpan::from_secs(4));
    let text = String::from_utf8(bytes(&scenario, &metrics)).unwrap();
    for scope in ["total", "node:1"] {
        // Three in 4 s.
        let line = format!("16.000000,{scope},lost_waiting_per_s,0.750");
        assert!(text.contains(&line), "{text}");
    }
    let of = |scenario: &Scenario, metrics: &Metrics| {
        let value = summary(scenario, 1, &Fingerprint::default(), metrics);
        serde_json::from_slice::<Value>(&value).unwrap()["scopes"]["node:1"].clone()
    };
    let stopped = of(&scenario, &metrics);
    assert_eq!(stopped["rates"]["lost_waiting_per_s"]["total"], 3);
    assert_eq!(stopped["latencies"]["queue_wait"]["not_taken_up"], 3);
    let table = table(&metrics, Ink::Plain);
    assert!(table.contains("queue_wait is without 3 messages that no worker took up\n"), "{table}");
    let (scenario, metrics) = measured(&five("25s", &[]), SimSpan::from_secs(5));
    let ended = of(&scenario, &metrics);
    assert_eq!(ended["levels"]["server_queue"]["end"], 2);
    assert_eq!(ended["rates"]["server_busy_workers"]["total"], 25.0);
    assert_eq!(ended["latencies"]["queue_wait"]["not_taken_up"], 2);
    assert_eq!(ended["latencies"]["queue_wait"]["count"], 3);
}

/// From when to before when a message waited, in microseconds, and until when it was worked on, if
/// it was.
type Stay = (u64, u64, Option<u64>);

/// All that came to a node, in no particular order; what waits at the end does so for ever.
fn stays(log: &Log) -> Vec<Stay> {
    let served = log.served.iter().map(|(at, it)| {
        let (until, work) = (at.as_micros(), it.work.as_micros());
        (until - work - it.waited.as_micros(), until - work, Some(until))
    });
    let unserved = log.unserved.iter().map(|(at, it)| {
        let (until, waited) = (at.as_micros(), it.waited.as_micros());
        match (it.worked, it.why) {
            (Some(work), _) => {
                let begun = until - work.as_micros();
                (begun - waited, begun, Some(until))
            }
            (None, CutShort::ServerStops) => (until - waited, until, None),
            (None, CutShort::RunEnds) => (until - waited, u64::MAX, None),
        }
    });
    served.chain(unserved).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() })]

    /// The series are those of whoever looks at every message at every end of a bin.
    #[test]
    fn series_are_what_one_sees_who_looks(mut story in busy(), bin in 10..9000_u64) {
        // It ends while there is much to do.
        story["duration"] = json!("60s");
        let stays = stays(&Log::of(&story));
        let bin = SimSpan::from_millis(bin);
        let scenario = parse(&story.to_string()).unwrap();
        let layout = Arc::new(Layout::new(&scenario, bin, By::Entry).unwrap());
        let mut metrics = Metrics::new(&layout);
        sim::run(&scenario, scenario.seed(), &mut metrics);
        let load = metrics.load().unwrap();
        for (index, (n_waiting, work)) in load.queue().zip(load.work_micros()).enumerate() {
            let (from, to) = layout.bounds_of(index);
            let (from, to) = (from.as_micros(), to.as_micros());
            // What happens as the run ends is in the last bin.
            let before = if to == scenario.end().as_micros() { to + 1 } else { to };
            let seen = stays.iter().filter(|it| it.0 < before && before <= it.1).count();
            prop_assert_eq!(n_waiting, seen as u64, "{} to {}", from, to);
            let worked = stays.iter().filter_map(|(_, begun, until)| {
                Some(until.as_ref()?.min(&to).saturating_sub(*begun.max(&from)))
            });
            prop_assert_eq!(work, worked.sum::<u64>(), "{} to {}", from, to);
        }
        let taken_up = stays.iter().filter(|it| it.2.is_some()).count() as u64;
        prop_assert_eq!(load.wait().count(), taken_up);
        prop_assert_eq!(load.n_not_taken_up(), stays.len() as u64 - taken_up);
    }
}

#[test]
fn without_a_server_nothing_is_told_of_it() {
    let mut story = crowd(1, &json!({}), &[storm()]);
    story.as_object_mut().unwrap().remove("server");
    let (scenario, metrics) = measured(&story, SimSpan::from_secs(10));
    assert!(metrics.load().is_none() && metrics.nodes().next().is_none());
    let text = String::from_utf8(bytes(&scenario, &metrics)).unwrap();
    assert!(
        !["server_queue", "server_busy", "turned_away", "lost_waiting", "queue_wait", "node:"]
            .iter()
            .any(|it| text.contains(it))
    );
}

#[test]
fn nodes_are_the_same_however_they_are_split_and_their_sum_is_the_total() {
    let alone = same_however_split(&four_nodes());
    assert!(2000 < alone.load().unwrap().wait().count());
}

#[test]
fn so_is_what_is_not_done() {
    // The logins come at 1.05 s, 180 ms of work for each node, and again a second later.
    let mut story = four_nodes();
    story["script"]
        .as_array_mut()
        .unwrap()
        .push(event("1100ms", &json!({ "restartServer": { "for": "100ms", "memory": "kept" } })));
    story["duration"] = json!("2100ms");
    let alone = same_however_split(&story);
    for (name, load) in alone.nodes() {
        assert!(load.lost_waiting().sum::<u64>() != 0, "{name}");
        assert!(load.queue().last() != Some(0), "{name}");
    }
}

/// Runs a scenario on any number of threads, joins in any order, and gives its metrics.
fn same_however_split(story: &Value) -> Metrics {
    let (scenario, alone) = measured(story, SimSpan::from_millis(700));
    let n = |load: &Load| [load.wait().count(), load.work_micros().sum(), load.n_not_taken_up()];
    let nodes: Vec<[u64; 3]> = alone.nodes().map(|it| n(it.1)).collect();
    assert_eq!(nodes.len(), 4);
    let sum = nodes.iter().fold([0; 3], |sum, it| std::array::from_fn(|at| sum[at] + it[at]));
    assert_eq!(n(&alone.load().unwrap()), sum);
    let layout = Arc::new(alone.layout().clone());
    for n_threads in [1, 2, 4] {
        let n_threads = NonZeroUsize::new(n_threads).unwrap();
        let how = How { n_threads, heartbeats: Heartbeats::PassedOver };
        let parts = sim::run_on(&scenario, 1, how, || Metrics::new(&layout));
        let (mut left, mut right) = (Metrics::new(&layout), Metrics::new(&layout));
        for it in &parts {
            left.join(it);
        }
        parts.iter().rev().for_each(|it| right.join(it));
        for joined in [left, right] {
            assert!(joined.is_same(&alone), "{n_threads} threads");
            assert_eq!(bytes(&scenario, &joined), bytes(&scenario, &alone), "{n_threads} threads");
        }
    }
    alone
}
