//! What metrics tell of the nodes of the server, by arithmetic.

use std::{num::NonZeroUsize, sync::Arc};

use roomsim::{
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
    station::{crowd, four_nodes, storm},
    support::{parse, with},
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
        assert_eq!(told["rates"]["server_busy_workers"]["total"], "0.150000");
        assert_eq!(told["rates"]["turned_away_per_s"]["total"], 2);
        assert_eq!(told["latencies"]["queue_wait"]["max_s"], "0.060000");
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
        !["server_queue", "server_busy", "turned_away", "queue_wait", "node:"]
            .iter()
            .any(|it| text.contains(it))
    );
}

#[test]
fn nodes_are_the_same_however_they_are_split_and_their_sum_is_the_total() {
    let (scenario, alone) = measured(&four_nodes(), SimSpan::from_millis(700));
    let n = |load: &Load| (load.wait().count(), load.work_micros().sum::<u64>());
    let nodes: Vec<(u64, u64)> = alone.nodes().map(|it| n(it.1)).collect();
    assert_eq!(nodes.len(), 4);
    let sum = nodes.iter().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    assert!(2000 < sum.0);
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
}
