//! Metrics against closed forms, and that it does not matter who counted what.

use std::{num::NonZeroUsize, sync::Arc};

use roomsim::{
    id::{ClientId, Id, RoomId},
    link::Cause,
    observe::{Callback, Observer, Rounds, Seat, StandingChange},
    protocol::message::Kind,
    scenario::Scenario,
    sim::{self, Heartbeats, How},
    sink::{
        fingerprint::Fingerprint,
        metrics::{By, Flow, Layout, Level, Metrics, Part, Peak, Took, summary, write_metrics},
    },
    time::{SimSpan, SimTime},
};
use serde_json::{Value, json};

use crate::support::{
    call, client, gallery, gallery_names, link_down, login, logout, parse, scenario, silent, with,
};

/// The metrics of a run with the usual division.
fn measured(text: &Value) -> Metrics {
    let scenario = parse(&text.to_string()).unwrap();
    let mut metrics = Metrics::new(&Arc::new(Layout::usual(&scenario)));
    sim::run(&scenario, scenario.seed(), &mut metrics);
    metrics
}

fn scope(metrics: &Metrics, name: &str) -> Part {
    let scopes = metrics.scopes();
    scopes.into_iter().find(|(it, _)| it == name).unwrap_or_else(|| panic!("no {name}")).1
}

/// How many users apps were told of by callbacks of this kind.
fn subjects(part: &Part, kind: &str) -> u64 {
    part.told().find(|(name, _)| name == kind).map_or(0, |(_, told)| told.subjects)
}

fn levels(part: &Part, level: Level) -> Vec<u64> {
    part.levels(level).collect()
}

/// All that is written of metrics.
fn bytes(scenario: &Scenario, metrics: &Metrics) -> Vec<u8> {
    let mut bytes = summary(scenario, 1, &Fingerprint::default(), metrics);
    write_metrics(metrics, &mut bytes).unwrap();
    bytes
}

#[test]
fn who_stays_is_told_of_everybody_who_goes_and_comes() {
    // Of M members A lose the network for longer than the lease, and the others are told of each.
    let (m, a) = (20, 4);
    let clients =
        [client("stay", &json!({ "count": m - a })), client("away", &json!({ "count": a }))];
    let script = [login("0s", "stay"), login("0s", "away"), link_down("60s", "away", "3min")];
    let metrics = measured(&scenario(&json!("zego-doc"), &clients, &script));
    let stay = scope(&metrics, "group:stay");
    assert_eq!(subjects(&stay, "onRoomUserUpdate DELETE"), a * (m - a));
    // At the start each is told of all others.
    let at_start = (m - a) * (m - 1);
    assert_eq!(subjects(&stay, "onRoomUserUpdate ADD"), at_start + a * (m - a));
    // 100 ms until the server tells, 50 ms on the way: each time the same.
    let notice = stay.latency(Took::Notice);
    assert_eq!(notice.count(), 2 * a * (m - a));
    for per_mille in [1, 500, 1000] {
        assert_eq!(notice.quantile(per_mille), Some(SimSpan::from_millis(150)));
    }
    let total = metrics.total();
    // 50 ms each way and 20 ms of work; the second logins are Reconnected.
    assert_eq!(total.latency(Took::Login).count(), m);
    assert_eq!(total.latency(Took::Login).max(), SimSpan::from_millis(120));
    assert_eq!(total.flows(Flow::Logins).sum::<u64>(), m);
    // The network is back after 3 min, and the login at once takes 120 ms.
    let recovery = scope(&metrics, "group:away").latency(Took::Recovery).clone();
    assert_eq!((recovery.count(), recovery.max()), (a, SimSpan::from_millis(180_120)));
    assert_eq!(total.latency(Took::Recovery), &recovery);
}

#[test]
fn levels_are_those_at_the_ends_of_bins() {
    let script = [
        login("5s", "A"),
        login("25s", "B"),
        logout("45s", "A"),
        link_down("62s", "B", "10min"),
        event_at_end(),
    ];
    let clients = [client("A", &json!({})), client("B", &json!({}))];
    let text =
        with(scenario(&json!("zego-doc"), &clients, &script), &json!({ "duration": "165s" }));
    let total = measured(&text).total();
    // B's lease ends 90 s after its outage, at 152 s; the last bin is from 160 s to 165 s.
    let ends = (1..=16).map(|it| it * 10).chain([165]);
    let counted = |is_in: &dyn Fn(u64) -> u64| ends.clone().map(is_in).collect::<Vec<u64>>();
    let is = |from: u64, to: u64| move |at: u64| u64::from((from..to).contains(&at));
    let (a, b) = (is(6, 46), is(26, 152));
    assert_eq!(levels(&total, Level::Members), counted(&|at| a(at) + b(at)));
    assert_eq!(levels(&total, Level::Ghosts), counted(&is(62, 152)));
    assert_eq!(levels(&total, Level::Reconnecting), counted(&is(62, 1000)));
    assert_eq!(Peak::of(total.levels(Level::Members)), Peak { value: 2, bin: 2 });
    assert_eq!(Peak::of(total.levels(Level::Stranded)), Peak { value: 0, bin: 0 });
    assert_eq!(total.flows(Flow::Logins).collect::<Vec<_>>()[..4], [1, 0, 1, 0]);
}

/// A login that begins with the run's end: it belongs to the last bin.
fn event_at_end() -> Value {
    login("165s", "A")
}

#[test]
fn who_is_killed_reconnects_no_more() {
    let script = [
        login("0s", "A"),
        link_down("10s", "A", "10min"),
        call("35s", "A", &json!({ "killApp": {} })),
    ];
    let text = scenario(&json!("zego-doc"), &[client("A", &json!({}))], &script);
    let text = with(text, &json!({ "duration": "60s" }));
    let total = measured(&text).total();
    assert_eq!(levels(&total, Level::Reconnecting), [0, 1, 1, 0, 0, 0]);
}

#[test]
fn a_silent_cut_is_noticed_within_the_time_of_the_heartbeats() {
    // A heartbeat every 5 s, and 10 s without an answer: 10 to 15 s, less if an answer that was
    // under way is lost with the link, 100 ms at most.
    let clients = [client("v", &json!({ "count": 400 }))];
    let script = [login("0s", "v"), silent("60s", "v", "1min"), silent("5min", "v", "3s")];
    let total = measured(&scenario(&json!("zego"), &clients, &script)).total();
    let detection = total.latency(Took::Detection);
    // The second cut is over before anybody notices.
    assert_eq!(detection.count(), 400);
    let at = |per_mille| detection.quantile(per_mille).unwrap().as_micros();
    assert!((9_900_000..=15_000_000).contains(&at(1)), "{}", at(1));
    assert!(detection.max() <= SimSpan::from_secs(15), "{:?}", detection.max());
    // Their phases are even: a mean of 12.5 s, with a deviation of 5 s / sqrt(12 * 400) = 72 ms.
    let mean = detection.mean().unwrap().as_micros();
    assert!(mean.abs_diff(12_500_000) < 400_000, "{mean}");
}

#[test]
fn many_heartbeats_at_once_count_as_each_by_itself() {
    let text = scenario(&json!("zego"), &[client("A", &json!({}))], &[]);
    let scenario = parse(&text.to_string()).unwrap();
    // The last bin is whole, or is shorter; what is sent as the run ends is in it.
    let end = scenario.end().as_micros();
    let first_of = |every: u64, n: u64| end - (n - 1) * every;
    let bins = [10, 7].map(SimSpan::from_secs);
    for (bin, (first, every, sent)) in bins.into_iter().flat_map(|bin| {
        let series = [
            (3_200_000, 4_700_000, 300),
            (3_200_000, 5_000_000, 300),
            (10_000_000, 5_000_000, 9),
            (3_200_000, 10_000_000, 20),
            (0, 3_500_000, 2),
            (first_of(5_000_000, 20), 5_000_000, 20),
            (first_of(10_000_000, 20), 10_000_000, 20),
            (first_of(7_000_000, 1), 7_000_000, 1),
        ];
        series.map(|it| (bin, it))
    }) {
        let layout = Arc::new(Layout::new(&scenario, bin, By::Entry).unwrap());
        let (a, lost, answers_lost) = (ClientId::from_index(0), sent / 3, sent / 4);
        let mut at_once = Metrics::new(&layout);
        at_once.begins(0);
        let (first_at, span) = (SimTime::from_micros(first), SimSpan::from_micros(every));
        let rounds = Rounds { client: a, first: first_at, every: span, sent, lost, answers_lost };
        at_once.rounds(rounds);
        let mut each = Metrics::new(&layout);
        each.begins(0);
        for index in 0..sent {
            let at = SimTime::from_micros(first + every * u64::from(index));
            each.sent(at, a, Kind::Heartbeat);
            if index < lost {
                each.dropped(at, a, Kind::Heartbeat, Cause::Loss);
                continue;
            }
            each.delivered(at, a, Kind::Heartbeat);
            each.sent(at, a, Kind::HeartbeatAck);
            if index < lost + answers_lost {
                each.dropped(at, a, Kind::HeartbeatAck, Cause::Loss);
            } else {
                each.delivered(at, a, Kind::HeartbeatAck);
            }
        }
        assert!(at_once.is_same(&each), "{rounds:?} in bins of {bin}");
        let flows: Vec<u64> = at_once.total().flows(Flow::Heartbeats).collect();
        assert_eq!(flows.iter().sum::<u64>(), u64::from(sent));
        if (first, every, bin.as_micros()) == (3_200_000, 4_700_000, 10_000_000) {
            // At 3.2, 7.9, 12.6, 17.3, 22.0, 26.7, 31.4 … s.
            assert_eq!(flows[..3], [2, 2, 2]);
        }
    }
}

/// Several metrics, one of which hears of each cell.
struct Split<'a> {
    all: Vec<Metrics>,
    of_cell: &'a dyn Fn(usize) -> usize,
    now: usize,
}

impl Split<'_> {
    fn now(&mut self) -> &mut Metrics {
        &mut self.all[self.now]
    }
}

impl Observer for Split<'_> {
    fn callback(&mut self, at: SimTime, seat: Seat, room: Option<RoomId>, what: Callback<'_>) {
        self.now().callback(at, seat, room, what);
    }

    fn sent(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        self.now().sent(at, client, kind);
    }

    fn delivered(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        self.now().delivered(at, client, kind);
    }

    fn dropped(&mut self, at: SimTime, client: ClientId, kind: Kind, cause: Cause) {
        self.now().dropped(at, client, kind, cause);
    }

    fn rounds(&mut self, rounds: Rounds) {
        self.now().rounds(rounds);
    }

    fn login_arrived(&mut self, at: SimTime, client: ClientId) {
        self.now().login_arrived(at, client);
    }

    fn attempt_timed_out(&mut self, at: SimTime, client: ClientId) {
        self.now().attempt_timed_out(at, client);
    }

    fn answered_late(&mut self, at: SimTime, client: ClientId) {
        self.now().answered_late(at, client);
    }

    fn standing(&mut self, at: SimTime, client: ClientId, change: StandingChange) {
        self.now().standing(at, client, change);
    }

    fn noticed(&mut self, at: SimTime, client: ClientId, changed_at: SimTime) {
        self.now().noticed(at, client, changed_at);
    }

    fn forgot(&mut self, at: SimTime, seat: Seat) {
        self.now().forgot(at, seat);
    }

    fn cut(&mut self, at: SimTime, seat: Seat) {
        self.now().cut(at, seat);
    }

    fn mended(&mut self, at: SimTime, seat: Seat) {
        self.now().mended(at, seat);
    }

    fn begins(&mut self, cell: usize) {
        self.now = (self.of_cell)(cell);
        self.now().begins(cell);
    }

    fn ended(&mut self, n_in_flight: usize) {
        self.now().ended(n_in_flight);
    }
}

/// Forty rooms, on links with loss and jitter, with outages.
fn forty_cells() -> Scenario {
    let groups: Vec<String> = (0..40).map(|it| format!("g{it}")).collect();
    let lossy = |name: &String| json!({ "name": name, "count": 4, "link": "lossy" });
    let clients: Vec<Value> = groups.iter().map(lossy).collect();
    let enter = |name: &String| call("0s", name, &json!({ "loginRoom": { "room": name } }));
    let mut script: Vec<Value> = groups.iter().map(enter).collect();
    script.extend(groups.iter().map(|it| silent("60s", it, "2min")));
    let links = json!({ "lossy": { "delay": "50ms", "jitter": "20ms", "loss": "5%" } });
    let text = with(
        scenario(&json!("zego"), &clients, &script),
        &json!({ "links": links, "duration": "5min" }),
    );
    parse(&text.to_string()).unwrap()
}

#[test]
fn it_does_not_matter_who_counted_which_cells() {
    let scenario = forty_cells();
    assert_eq!(sim::Plan::of(&scenario).n_cells(), 40);
    for by in [By::Entry, By::Cell(40)] {
        let layout = Layout::new(&scenario, SimSpan::from_secs(7), by).unwrap();
        let layout = Arc::new(layout);
        let mut alone = Metrics::new(&layout);
        sim::run(&scenario, 3, &mut alone);
        let expected = bytes(&scenario, &alone);
        for n_threads in [1, 2, 8] {
            let n_threads = NonZeroUsize::new(n_threads).unwrap();
            let mut all = Metrics::new(&layout);
            let how = How { n_threads, heartbeats: Heartbeats::PassedOver };
            for part in sim::run_on(&scenario, 3, how, || Metrics::new(&layout)) {
                all.join(&part);
            }
            assert_eq!(bytes(&scenario, &all), expected);
        }
        for luck in 1..=20_usize {
            let n = 1 + luck % 7;
            let of_cell = |cell: usize| (cell * 7919 + luck * 104_729) / 13 % n;
            let all = (0..n).map(|_| Metrics::new(&layout)).collect();
            let mut split = Split { all, of_cell: &of_cell, now: 0 };
            sim::run(&scenario, 3, &mut split);
            // From the left, from the right, and two by two.
            let mut left = Metrics::new(&layout);
            split.all.iter().for_each(|it| left.join(it));
            let mut right = Metrics::new(&layout);
            split.all.iter().rev().for_each(|it| right.join(it));
            let mut pairs = Metrics::new(&layout);
            for pair in split.all.chunks(2) {
                let mut both = pair.last().unwrap().clone();
                if 1 < pair.len() {
                    both.join(&pair[0]);
                }
                pairs.join(&both);
            }
            for joined in [left, right, pairs] {
                assert!(joined.is_same(&alone), "{n} observers");
                assert_eq!(bytes(&scenario, &joined), expected, "{n} observers");
            }
        }
    }
}

#[test]
fn what_is_counted_is_what_is_told() {
    for name in gallery_names() {
        let scenario = parse(&gallery(&name)).unwrap();
        let metrics = Metrics::new(&Arc::new(Layout::usual(&scenario)));
        let mut sinks = (metrics, Fingerprint::default());
        sim::run(&scenario, 5, &mut sinks);
        let (metrics, fingerprint) = sinks;
        let total = metrics.total();
        let n_told: u64 = total.told().map(|(_, it)| it.callbacks).sum();
        assert_eq!(n_told, fingerprint.n_rows(), "{name}");
        assert_eq!(total.flows(Flow::Callbacks).sum::<u64>(), n_told, "{name}");
        let n_heartbeats = total.counters().of(Kind::Heartbeat).sent;
        assert_eq!(total.flows(Flow::Heartbeats).sum::<u64>(), n_heartbeats, "{name}");
        let all = total.counters().total();
        let dropped: u64 = all.dropped.iter().sum();
        assert_eq!(all.sent, all.delivered + dropped + total.counters().in_flight(), "{name}");
        for level in Level::ALL {
            // No level falls below nothing, which would be a panic.
            assert!(total.levels(level).all(|it| it <= 2 * scenario.n_clients() as u64 * 6));
        }
    }
}

#[test]
fn a_fingerprint_depends_on_all_that_is_told_and_in_which_order() {
    let told = |rows: &[(u64, usize, u32)]| {
        let mut fingerprint = Fingerprint::default();
        for (at, client, n) in rows {
            let (at, place) = (SimTime::from_micros(*at), *client);
            let seat = Seat { client: ClientId::from_index(place), place };
            fingerprint.callback(at, seat, None, Callback::OnlineCount(*n));
        }
        fingerprint
    };
    let base = told(&[(5, 0, 1), (5, 0, 2), (5, 1, 1)]);
    // Whose row comes first is not told; in which order a client hears is.
    assert_eq!(base, told(&[(5, 1, 1), (5, 0, 1), (5, 0, 2)]));
    for other in [
        told(&[(5, 0, 2), (5, 0, 1), (5, 1, 1)]),
        told(&[(5, 0, 1), (5, 0, 2), (5, 1, 2)]),
        told(&[(5, 0, 1), (5, 0, 2), (6, 1, 1)]),
        told(&[(5, 0, 1), (5, 0, 2), (5, 2, 1)]),
        told(&[(5, 0, 1), (5, 0, 2)]),
        told(&[]),
    ] {
        assert_ne!(base, other);
    }
    let scenario = forty_cells();
    let one = NonZeroUsize::MIN;
    let fingerprint_on = |n_threads, seed| {
        let how = How { n_threads, heartbeats: Heartbeats::PassedOver };
        let parts = sim::run_on(&scenario, seed, how, Fingerprint::default);
        let mut all = Fingerprint::default();
        for part in &parts {
            all.join(part);
        }
        all.to_string()
    };
    let eight = NonZeroUsize::new(8).unwrap();
    assert_eq!(fingerprint_on(one, 1), fingerprint_on(eight, 1));
    assert_ne!(fingerprint_on(one, 1), fingerprint_on(one, 2));
}
