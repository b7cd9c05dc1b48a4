//! Copies that a link makes, and what becomes of them.

use roomsim::{
    link::{
        Cause, PathModel, Reorder, Verdict,
        delay::Delay,
        loss::{FourState, GilbertElliott, Loss},
        queue::Bottleneck,
    },
    time::SimSpan,
    units::Probability,
};

use super::{
    Estimate, Model, Row, What,
    link::{every_second, fates, millis, probability},
};

pub(super) fn copies(Model { seed, error }: Model) -> Vec<Row> {
    const N: u32 = 500_000;
    const P: f64 = 0.2;
    let path = PathModel { duplicate: probability(P * error), ..PathModel::ideal() };
    let fates = fates("copies", &path, seed, every_second(N));
    let n_copies = fates.filter(|(_, it)| it.copy.is_some()).count();
    vec![Row {
        what: What {
            name: "duplicate 20 %: share that arrives twice",
            formula: "p",
            parameter: "p",
        },
        expected: P,
        estimate: Estimate::share(n_copies, N as usize, P),
    }]
}

/// How many of so many messages never arrive, and how many arrive twice.
fn never_and_twice(name: &str, path: &PathModel, seed: u64, n: u32) -> [usize; 2] {
    fates(name, path, seed, every_second(n)).fold([0; 2], |[never, twice], (_, fate)| {
        let is_lost = matches!(fate.verdict, Verdict::Drop(_));
        [never + usize::from(is_lost), twice + usize::from(fate.copy.is_some())]
    })
}

/// Loss `p` and copies `d` are drawn by themselves: a message never arrives that is lost and not
/// copied, and arrives twice if neither it nor its copy is lost.
pub(super) fn lost_copies(Model { seed, error }: Model) -> Vec<Row> {
    const N: u32 = 1_000_000;
    const P: f64 = 0.1;
    const D: f64 = 0.1;
    let of = |loss: f64, duplicate: f64| {
        let loss = Loss::Random(probability(loss));
        let path = PathModel { loss, duplicate: probability(duplicate), ..PathModel::ideal() };
        never_and_twice("lost copies", &path, seed, N)
    };
    let ([never, _], [_, twice]) = (of(P * error, D), of(P, D * error));
    let (is_never, is_twice) = (P * (1.0 - D), D * (1.0 - P).powi(2));
    vec![
        Row {
            what: What {
                name: "loss 10 % and duplicate 10 %: share that never arrives",
                formula: "p (1-d)",
                parameter: "p",
            },
            expected: is_never,
            estimate: Estimate::share(never, N as usize, is_never),
        },
        Row {
            what: What {
                name: "the same: share that arrives twice",
                formula: "d (1-p)^2",
                parameter: "d",
            },
            expected: is_twice,
            estimate: Estimate::share(twice, N as usize, is_twice),
        },
    ]
}

/// A copy is lost by the state in which the message has left the chain.
pub(super) fn copies_in_bursts(Model { seed, error }: Model) -> Vec<Row> {
    const N: u32 = 1_000_000;
    const P: f64 = 0.1;
    const R: f64 = 0.4;
    let loss = Loss::GilbertElliott(GilbertElliott {
        to_bad: probability(P * error),
        to_good: probability(R),
        bad_loss: Probability::ONE,
        good_loss: Probability::ZERO,
    });
    let path = PathModel { loss, duplicate: Probability::ONE, ..PathModel::ideal() };
    let [_, twice] = never_and_twice("copies in bursts", &path, seed, N);
    let good = R / (P + R);
    let expected = good * (1.0 - P);
    // Whether the chain is good at two messages, `k` apart, has the covariance
    // `g (1-g) (1-p-r)^k`; whether it also stays so at the first is one more step of it.
    let stays = 1.0 - P - R;
    let joint = |k: i32| good + (1.0 - good) * stays.powi(k);
    let covariance = |k: i32| expected * (1.0 - P) * (joint(k - 1) - good);
    let variance = expected * (1.0 - expected) + 2.0 * (1..60).map(covariance).sum::<f64>();
    let standard_error = (variance / f64::from(N)).sqrt();
    vec![Row {
        what: What {
            name: "gemodel, p = 10 %, r = 40 %, and duplicate 100 %: share that arrives twice",
            formula: "r (1-p) / (p+r)",
            parameter: "p",
        },
        expected,
        estimate: Estimate { standard_error, ..Estimate::share(twice, N as usize, expected) },
    }]
}

/// With a copy of each message no message is lost whole, whatever the loss: where it is lost, it is
/// the copy that is gone.
#[test]
fn where_everything_is_copied_nothing_is_lost_whole() {
    for loss in ["50%", "100%"] {
        let loss = Loss::Random(loss.parse().unwrap());
        let path = PathModel { loss, duplicate: Probability::ONE, ..PathModel::ideal() };
        let [never, twice] = never_and_twice("all copied", &path, 1, 100_000);
        assert_eq!(never, 0, "{loss:?}");
        // A quarter at 50 %: 25000, of which the standard deviation is 137; none at 100 %.
        let expected = if loss == Loss::Random(Probability::ONE) { 0 } else { 25_000 };
        assert!(usize::abs_diff(twice, expected) < 685, "{loss:?}: {twice}");
    }
}

/// A copy moves no other message's luck: all but the copies is as it was without them.
#[test]
fn copies_change_nothing_about_other_messages() {
    let chains = [
        Loss::GilbertElliott(GilbertElliott {
            to_bad: probability(0.1),
            to_good: probability(0.4),
            bad_loss: probability(0.9),
            good_loss: probability(0.05),
        }),
        Loss::FourState(FourState {
            p13: probability(0.1),
            p31: probability(0.4),
            p32: probability(0.2),
            p23: probability(0.5),
            p14: probability(0.02),
        }),
        Loss::Random(probability(0.2)),
    ];
    let delay = Delay { mean: SimSpan::from_millis(50), jitter: millis(20.0), ..Delay::NONE };
    for loss in chains {
        let plain = PathModel { loss, delay: delay.clone(), ..PathModel::ideal() };
        let copying = PathModel { duplicate: probability(0.5), ..plain.clone() };
        let of = |path| fates("others", path, 1, every_second(20_000)).map(|it| it.1);
        let mut n_saved = 0;
        for (without, with) in of(&plain).zip(of(&copying)) {
            match (without.verdict, with.verdict) {
                // Lost and copied: one of the two arrives.
                (Verdict::Drop(Cause::Loss), Verdict::Deliver(_)) => n_saved += 1,
                (one, other) => assert_eq!(one, other),
            }
        }
        assert!(0 < n_saved, "{loss:?}");
    }
}

/// With a gap of 3 and all that may go first: of three messages the third does, after two that wait.
/// A copy finds what its message has left: that of the second message finds two that wait.
#[test]
fn a_copy_overtakes_where_the_next_message_would() {
    let delay = Delay { mean: SimSpan::from_millis(50), ..Delay::NONE };
    let reorder = Some(Reorder { share: Probability::ONE, gap: 3 });
    let duplicate = Probability::ONE;
    let path = PathModel { delay, reorder, duplicate, ..PathModel::ideal() };
    for (number, (now, fate)) in fates("gap", &path, 1, every_second(9)).enumerate() {
        let goes_first =
            [Some(fate.verdict), fate.copy].map(|it| it == Some(Verdict::Deliver(now)));
        assert_eq!(goes_first, [number % 3 == 2, number % 3 == 1], "{number}");
    }
}

/// A place for one, held for 10 s: a message that has it has it for its copy, and the next that has
/// is the one of 10 s, when both have arrived.
#[test]
fn a_message_that_has_a_place_has_one_for_its_copy() {
    let delay = Delay { mean: SimSpan::from_secs(10), ..Delay::NONE };
    let bottleneck = Some(Bottleneck { rate: None, overhead: 0, limit: 1 });
    let path = PathModel { delay, bottleneck, duplicate: Probability::ONE, ..PathModel::ideal() };
    for (number, (now, fate)) in fates("place", &path, 1, every_second(20)).enumerate() {
        let arrives = Verdict::Deliver(now + SimSpan::from_secs(10));
        let expected = match number {
            0 | 10 => (arrives, Some(arrives)),
            _ => (Verdict::Drop(Cause::QueueFull), None),
        };
        assert_eq!((fate.verdict, fate.copy), expected, "{number}");
    }
}
