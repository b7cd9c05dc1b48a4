//! One direction of a link by itself: what it loses, copies and delays.

use std::time::Duration;

use roomsim::{
    link::{
        Cause, Direction, Fate, Flow, Link, PathModel, Reorder, Sending, Serial, Verdict,
        delay::{Delay, Spread, Table, exponential},
        gate::Gate,
        loss::{FourState, GilbertElliott, Loss},
        queue::{Bottleneck, Queue},
    },
    rng::{Block, Draws, Entity, Purpose},
    time::{SimSpan, SimTime},
    units::{BitRate, Probability},
};

use super::{Estimate, Model, Row, What, mean};

pub(super) fn probability(p: f64) -> Probability {
    format!("{p:.12}").parse().unwrap()
}

pub(super) fn millis(millis: f64) -> SimSpan {
    format!("{:.0}us", millis * 1000.0).parse().unwrap()
}

/// What becomes of messages that are sent at these instants.
pub(super) fn fates(
    name: &str,
    path: &PathModel,
    seed: u64,
    sent_at: impl Iterator<Item = SimTime>,
) -> impl Iterator<Item = (SimTime, Fate)> {
    let (draws, entity) = (Draws::new(seed), Entity::named(name));
    let (mut link, mut queue) = (Link::default(), Queue::default());
    let mut flow = Flow::new(entity, draws.deal(&[entity])[0]);
    (0..).zip(sent_at).map(move |(number, now)| {
        let serial = Serial { lane: 0, number };
        let direction = Direction::Up;
        let sending =
            Sending { draws: &draws, direction, serial, bytes: 100, now, gate: Gate::OPEN };
        (now, link.send(&mut flow, path, &mut queue, sending))
    })
}

/// Instants far enough apart that messages have nothing to do with each other's delays.
pub(super) fn every_second(n: u32) -> impl Iterator<Item = SimTime> {
    (0..n).map(|it| SimTime::ZERO + SimSpan::from_secs(u64::from(it)))
}

/// Whether each of so many messages is lost.
fn losses(name: &str, loss: Loss, seed: u64, n: u32) -> Vec<bool> {
    let path = PathModel { loss, ..PathModel::ideal() };
    let fates = fates(name, &path, seed, every_second(n));
    fates.map(|(_, it)| it.verdict == Verdict::Drop(Cause::Loss)).collect()
}

/// The lengths of the runs of lost messages; one that goes on at the end is left out.
fn runs(lost: &[bool]) -> Vec<f64> {
    let (mut runs, mut length) = (Vec::new(), 0.0);
    for is_lost in lost {
        if *is_lost {
            length += 1.0;
        } else if 0.0 < length {
            runs.push(length);
            length = 0.0;
        }
    }
    runs
}

/// How many are at least so large.
fn at_least(samples: &[f64], least: f64) -> usize {
    samples.iter().filter(|it| least <= **it).count()
}

pub(super) fn count(of: &[bool]) -> usize {
    of.iter().filter(|it| **it).count()
}

pub(super) fn random_loss(Model { seed, error }: Model) -> Vec<Row> {
    const P: f64 = 0.3;
    let lost = losses("random loss", Loss::Random(probability(P * error)), seed, 1_000_000);
    let runs = runs(&lost);
    let what = |name, formula| What { name, formula, parameter: "p" };
    vec![
        Row {
            what: what("loss by chance, p = 30 %: share lost", "p"),
            expected: P,
            estimate: Estimate::share(count(&lost), lost.len(), P),
        },
        Row {
            what: what("the same: mean run of losses", "1 / (1-p)"),
            expected: 1.0 / (1.0 - P),
            // The lengths are geometric: a further loss follows with probability p.
            estimate: Estimate::mean(&runs, P.sqrt() / (1.0 - P)),
        },
        Row {
            what: what("the same: share of runs of 3 or more", "p^2"),
            expected: P.powi(2),
            estimate: Estimate::share(at_least(&runs, 3.0), runs.len(), P.powi(2)),
        },
    ]
}

pub(super) fn bursts(Model { seed, error }: Model) -> Vec<Row> {
    const P: f64 = 0.1;
    const R: f64 = 0.4;
    let loss = Loss::GilbertElliott(GilbertElliott {
        to_bad: probability(P),
        to_good: probability(R * error),
        bad_loss: Probability::ONE,
        good_loss: Probability::ZERO,
    });
    let lost = losses("bursts", loss, seed, 2_000_000);
    let runs = runs(&lost);
    let share = P / (P + R);
    let what = |name, formula| What { name, formula, parameter: "r" };
    vec![
        Row {
            what: what("gemodel, p = 10 %, r = 40 %: share lost", "p / (p+r)"),
            expected: share,
            estimate: chain_share(count(&lost), lost.len(), (share, share * (1.0 - share)), P + R),
        },
        Row {
            what: what("the same: mean run of losses", "1 / r"),
            expected: 1.0 / R,
            // Geometric: the chain stays bad with probability 1-r.
            estimate: Estimate::mean(&runs, (1.0 - R).sqrt() / R),
        },
        Row {
            what: what("the same: share of runs of 3 or more", "(1-r)^2"),
            expected: (1.0 - R).powi(2),
            estimate: Estimate::share(at_least(&runs, 3.0), runs.len(), (1.0 - R).powi(2)),
        },
    ]
}

/// A share of losses by a chain of two states, `leaving` = p+r.  Losses `k` messages apart have the
/// covariance `between * (1-p-r)^k`, so their sum varies more than that of independent ones.
pub(super) fn chain_share(
    hits: usize,
    n: usize,
    (p, between): (f64, f64),
    leaving: f64,
) -> Estimate {
    let stays = 1.0 - leaving;
    let variance = p * (1.0 - p) + 2.0 * between * stays / (1.0 - stays);
    let standard_error = (variance / n as f64).sqrt();
    Estimate { standard_error, ..Estimate::share(hits, n, p) }
}

pub(super) fn bursts_with_gaps(Model { seed, error }: Model) -> Vec<Row> {
    const P: f64 = 0.1;
    const R: f64 = 0.4;
    const BAD: f64 = 0.7;
    const GOOD: f64 = 0.01;
    let loss = Loss::GilbertElliott(GilbertElliott {
        to_bad: probability(P),
        to_good: probability(R),
        bad_loss: probability(BAD * error),
        good_loss: probability(GOOD),
    });
    let lost = losses("bursts with gaps", loss, seed, 1_500_000);
    let expected = (R * GOOD + P * BAD) / (P + R);
    let between = (BAD - GOOD).powi(2) * P * R / (P + R).powi(2);
    vec![Row {
        what: What {
            name: "gemodel, p = 10 %, r = 40 %, 1-h = 70 %, 1-k = 1 %: share lost",
            formula: "(r (1-k) + p (1-h)) / (p+r)",
            parameter: "1-h",
        },
        expected,
        estimate: chain_share(count(&lost), lost.len(), (expected, between), P + R),
    }]
}

pub(super) fn four_states(Model { seed, error }: Model) -> Vec<Row> {
    let [p13, p31, p32, p23, p14] = [0.1, 0.4, 0.2, 0.5, 0.02];
    let loss = Loss::FourState(FourState {
        p13: probability(p13 * error),
        p31: probability(p31),
        p32: probability(p32),
        p23: probability(p23),
        p14: probability(p14),
    });
    let lost = losses("four states", loss, seed, 2_000_000);
    let lost: Vec<f64> = lost.into_iter().map(|it| f64::from(u8::from(it))).collect();
    // The states hang together like a tree, so what goes to and fro between two is in balance.
    // Against one in a good time that gets through, so many are lost by themselves and lost in a
    // bad time, and get through in a bad time:
    let (alone, bad) = (p14, p13 / p31);
    let through = bad * p32 / p23;
    vec![Row {
        what: What {
            name: "state, p13 = 10 %, p31 = 40 %, p32 = 20 %, p23 = 50 %, p14 = 2 %: share lost",
            formula: "(p14 + p13/p31) / (1 + p14 + p13/p31 (1 + p32/p23))",
            parameter: "p13",
        },
        expected: (alone + bad) / (1.0 + alone + bad + through),
        estimate: Estimate::batch_mean(&lost),
    }]
}

pub(super) fn reordering(Model { seed, error }: Model) -> Vec<Row> {
    const N: u32 = 500_000;
    const SHARE: f64 = 0.25;
    let delay = Delay { mean: SimSpan::from_millis(50), ..Delay::NONE };
    let reorder = Some(Reorder { share: probability(SHARE * error), gap: 3 });
    let path = PathModel { delay, reorder, ..PathModel::ideal() };
    let fates = fates("reordering", &path, seed, every_second(N));
    let n_first = fates.filter(|(now, it)| it.verdict == Verdict::Deliver(*now)).count();
    // From one that goes first to the next: two that must wait, then a geometric number.
    let cycle = 2.0 + 1.0 / SHARE;
    let expected = 1.0 / cycle;
    let variance = (1.0 - SHARE) / SHARE.powi(2) / cycle.powi(3);
    let standard_error = (variance / f64::from(N)).sqrt();
    vec![Row {
        what: What {
            name: "reorder 25 % with gap 3: share sent on at once",
            formula: "1 / (gap - 1 + 1/p)",
            parameter: "p",
        },
        expected,
        estimate: Estimate { standard_error, ..Estimate::share(n_first, N as usize, expected) },
    }]
}

/// The delays of so many messages, in milliseconds.
fn delays(name: &str, delay: Delay, seed: u64, n: u32) -> Vec<f64> {
    let path = PathModel { delay, ..PathModel::ideal() };
    times(fates(name, &path, seed, every_second(n))).collect()
}

/// How long messages were under way, in milliseconds; those that arrive.
fn times(fates: impl Iterator<Item = (SimTime, Fate)>) -> impl Iterator<Item = f64> {
    fates.filter_map(|(now, fate)| match fate.verdict {
        Verdict::Deliver(at) => Some(at.since(now).as_micros() as f64 / 1000.0),
        Verdict::Drop(_) | Verdict::Hold(_) => None,
    })
}

pub(super) fn uniform_delay(Model { seed, error }: Model) -> Vec<Row> {
    let delay = Delay { mean: millis(50.0 * error), jitter: millis(20.0 * error), ..Delay::NONE };
    let delays = delays("uniform", delay, seed, 100_000);
    // Evenly on the microseconds from 30 to 70 ms, both included.
    let values: f64 = 40_001.0;
    let deviation = ((values.powi(2) - 1.0) / 12.0).sqrt() / 1000.0;
    vec![
        Row {
            what: What {
                name: "delay 50 ms, jitter 20 ms, uniform: mean in ms",
                formula: "delay",
                parameter: "delay",
            },
            expected: 50.0,
            estimate: Estimate::mean(&delays, deviation),
        },
        Row {
            what: What {
                name: "the same: standard deviation in ms",
                formula: "(2 jitter + 1 µs) / √12",
                parameter: "jitter",
            },
            expected: deviation,
            estimate: Estimate::sample_deviation(&delays),
        },
    ]
}

/// A delay of 100 ms with a jitter of 20 ms, by a table.
fn by_table(name: &str, error: f64) -> Delay {
    let spread = Spread::Table(Table::named(name).unwrap());
    Delay { mean: millis(100.0 * error), jitter: millis(20.0 * error), spread }
}

/// Mean and deviation of delays by a table, of which the first has this name on the page.
fn moments(name: &'static str, delays: &[f64]) -> [Row; 2] {
    let what = |name, of| What { name, formula: of, parameter: of };
    [
        Row { what: what(name, "delay"), expected: 100.0, estimate: Estimate::mean(delays, 20.0) },
        Row {
            what: what("the same: standard deviation in ms", "jitter"),
            expected: 20.0,
            estimate: Estimate::sample_deviation(delays),
        },
    ]
}

pub(super) fn normal_delay(Model { seed, error }: Model) -> Vec<Row> {
    let delays = delays("normal", by_table("normal", error), seed, 200_000);
    let n_near = delays.iter().filter(|it| (**it - 100.0).abs() <= 20.0).count();
    // The normal distribution within one standard deviation.
    let near = 0.682_689;
    let share = Row {
        what: What {
            name: "the same: share within one jitter of the mean",
            formula: "erf(1 / √2)",
            parameter: "delay and jitter",
        },
        expected: near,
        estimate: Estimate::share(n_near, delays.len(), near),
    };
    let [mean, deviation] = moments("delay 100 ms, jitter 20 ms, normal: mean in ms", &delays);
    vec![mean, deviation, share]
}

pub(super) fn pareto_delay(Model { seed, error }: Model) -> Vec<Row> {
    // Its fourth moment is large, so the deviation takes many.
    let delays = delays("pareto", by_table("pareto", error), seed, 2_000_000);
    moments("delay 100 ms, jitter 20 ms, pareto: mean in ms", &delays).into()
}

pub(super) fn exponential_spans(Model { seed, error }: Model) -> Vec<Row> {
    let (draws, entity, mut block) = (Draws::new(seed), Entity::named("spans"), Block::NONE);
    let mean = millis(10_000.0 * error);
    let spans: Vec<f64> = (0..200_000)
        .map(|it| draws.draw_with(&mut block, Purpose::Outage, entity, it))
        .map(|it| exponential(mean, it).as_micros() as f64 / 1e6)
        .collect();
    let beyond = (-2.0_f64).exp();
    let what = |name, formula| What { name, formula, parameter: "mean" };
    vec![
        Row {
            what: what("random outages, mean 10 s: mean in s", "mean"),
            expected: 10.0,
            estimate: Estimate::mean(&spans, 10.0),
        },
        Row {
            what: what("the same: share of 20 s or more", "e^-2"),
            expected: beyond,
            estimate: Estimate::share(at_least(&spans, 20.0), spans.len(), beyond),
        },
    ]
}

/// How long a message takes to leave the bottleneck, in milliseconds.
const SERVICE: f64 = 10.0;

/// A bottleneck that a message of 100 bytes takes 10 ms to leave.
fn narrow(limit: u32, error: f64) -> PathModel {
    let rate: BitRate = format!("{:.0}bit", 80_000.0 / error).parse().unwrap();
    let bottleneck = Some(Bottleneck { limit, ..Bottleneck::of(rate) });
    PathModel { bottleneck, ..PathModel::ideal() }
}

/// Arrivals by chance, so many in the time that one message takes to leave.
fn arrivals(load: f64, seed: u64, n: u64) -> impl Iterator<Item = SimTime> {
    let (draws, entity, mut block) = (Draws::new(seed), Entity::named("arrivals"), Block::NONE);
    let mut now = Duration::ZERO;
    (0..n).map(move |it| {
        let luck = draws.draw_with(&mut block, Purpose::Outage, entity, it);
        // Never 0, of which there is no logarithm.
        let even = (f64::from(luck) + 0.5) / 2.0_f64.powi(32);
        now += Duration::from_secs_f64(-even.ln() * SERVICE / 1000.0 / load);
        SimTime::from_micros(u64::try_from(now.as_micros()).unwrap())
    })
}

pub(super) fn bottleneck(Model { seed, error }: Model) -> Vec<Row> {
    const LOAD: f64 = 0.7;
    let path = narrow(u32::MAX, error);
    let times: Vec<f64> =
        times(fates("queue", &path, seed, arrivals(LOAD, seed, 500_000))).collect();
    vec![Row {
        what: What {
            name: "rate 80 kbit/s, messages of 100 bytes, load 70 % (M/D/1): \
                   mean time to pass in ms",
            formula: "s + ρ s / (2 (1-ρ))",
            parameter: "s",
        },
        expected: SERVICE + LOAD * SERVICE / (2.0 * (1.0 - LOAD)),
        estimate: Estimate::batch_mean(&times),
    }]
}

pub(super) fn full_bottleneck(Model { seed, error }: Model) -> Vec<Row> {
    const LOAD: f64 = 0.9;
    let path = narrow(5, error);
    let fates = fates("full queue", &path, seed, arrivals(LOAD, seed, 500_000));
    let dropped: Vec<f64> = fates
        .map(|(_, it)| f64::from(u8::from(it.verdict == Verdict::Drop(Cause::QueueFull))))
        .collect();
    vec![Row {
        what: What {
            name: "the same with limit 5, load 90 % (M/D/1/5): share dropped",
            formula: "1 - 1 / (π0 + ρ)",
            parameter: "s",
        },
        expected: dropped_share(LOAD, 5),
        estimate: Estimate::batch_mean(&dropped),
    }]
}

/// Messages in their delay count for a limit: a place is held for as long as a message is under way,
/// whoever has none is dropped, and nobody waits.
pub(super) fn limited_delay(Model { seed, error }: Model) -> Vec<Row> {
    const LIMIT: u32 = 8;
    const LOAD: f64 = 6.0;
    let bottleneck = Some(Bottleneck { rate: None, overhead: 0, limit: LIMIT });
    let delay = Delay { mean: millis(SERVICE * error), ..Delay::NONE };
    let path = PathModel { delay, bottleneck, ..PathModel::ideal() };
    let fates = fates("limited delay", &path, seed, arrivals(LOAD, seed, 1_000_000));
    let dropped: Vec<f64> = fates
        .map(|(_, it)| f64::from(u8::from(it.verdict == Verdict::Drop(Cause::QueueFull))))
        .collect();
    vec![Row {
        what: What {
            name: "delay 10 ms, limit 8, 6 messages come in the delay (M/D/8/8): share dropped",
            formula: "B(c, a) by Erlang",
            parameter: "delay",
        },
        expected: super::station::erlang_b(8, LOAD),
        estimate: Estimate::batch_mean(&dropped),
    }]
}

/// The share that a queue of this limit drops: `1 - 1 / (π0 + ρ)`, where π0 is how often a message
/// that leaves leaves nobody behind.  Messages that arrive while one leaves are Poisson.
fn dropped_share(load: f64, limit: usize) -> f64 {
    let mut come = vec![(-load).exp()];
    for n in 1..limit {
        come.push(come[n - 1] * load / n as f64);
    }
    // From one message that leaves to the next, relative to π0.
    let mut left = vec![1.0];
    for n in 0..limit - 1 {
        let from_others: f64 = (1..=n).map(|it| left[it] * come[n - it + 1]).sum();
        left.push((left[n] - come[n] - from_others) / come[0]);
    }
    1.0 - 1.0 / (1.0 / left.iter().sum::<f64>() + load)
}

#[test]
fn the_share_that_a_queue_drops_is_that_of_the_cases_known() {
    // Without a place to wait, Erlang's formula; with one, from its two states by hand.
    let load: f64 = 0.9;
    assert!((dropped_share(load, 1) - load / (1.0 + load)).abs() < 1e-12);
    assert!((dropped_share(load, 2) - (1.0 - 1.0 / ((-load).exp() + load))).abs() < 1e-12);
}

/// The quantiles of a table, in units of the jitter.
fn quantiles(name: &str) -> Vec<f64> {
    let table = Table::named(name).unwrap();
    table.quantiles().iter().map(|it| f64::from(*it) / 8192.0).collect()
}

#[test]
fn tables_have_mean_zero_and_standard_deviation_one() {
    for name in Table::names() {
        let quantiles = quantiles(name);
        let (mean, deviation) = (mean(&quantiles), super::central_moment(&quantiles, 2).sqrt());
        assert!(mean.abs() < 1e-4 && (deviation - 1.0).abs() < 1e-4, "{name}: {mean} {deviation}");
        assert!(quantiles.is_sorted(), "{name}");
    }
}

#[test]
fn quantiles_are_those_of_the_distributions() {
    // The place of the quantile in thousandths.
    let at = |name: &str, place: usize| {
        let quantiles = quantiles(name);
        quantiles[quantiles.len() * place / 1000]
    };
    // The normal distribution: 2.5 % lie beyond 1.959964, a quarter beyond 0.674490.
    for (place, expected) in [(975, 1.959_964), (750, 0.674_490), (250, -0.674_490)] {
        let quantile = at("normal", place);
        assert!((quantile - expected).abs() < 0.01, "{place}: {quantile}");
    }
    // Pareto with shape 3: quantile (1-u)^(-1/3).  A table cannot hold the rest of the tail beyond
    // its last quantile, so mean and deviation are those of the quantiles that it has.
    let n = quantiles("pareto").len();
    let place = |it: usize| (1.0 - (it as f64 + 0.5) / n as f64).powf(-1.0 / 3.0);
    let all: Vec<f64> = (0..n).map(place).collect();
    let deviation = super::central_moment(&all, 2).sqrt();
    for it in [100, 500, 900, 990] {
        let (expected, quantile) = (all[n * it / 1000] - mean(&all), at("pareto", it));
        assert!((quantile - expected / deviation).abs() < 0.001, "{it}: {quantile}");
    }
    // That takes 6 % off the deviation, 0.8660 without an end: the others lie so much further out.
    assert!((deviation - 0.814).abs() < 0.001, "{deviation}");
}
