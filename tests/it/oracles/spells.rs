//! Losses in good and bad spells that last for time.

use std::time::Duration;

use roomsim::{
    link::{
        Cause, PathModel, Verdict,
        loss::Loss,
        spells::{Scope, TimedGilbertElliott, Times},
    },
    time::SimTime,
};

use super::{
    Estimate, Model, Row, What,
    link::{chain_share, count, fates, millis, probability},
};

/// Mean lengths of spells in milliseconds.
const GOOD: f64 = 4000.0;
const BAD: f64 = 1000.0;

/// Whether each of so many messages is lost, sent one after the other at this distance.
fn losses(
    (seed, n): (u64, u32),
    every: Duration,
    (bad, good_loss, bad_loss): (f64, f64, f64),
) -> Vec<bool> {
    let loss = Loss::Timed(TimedGilbertElliott {
        times: Times { good: millis(GOOD), bad: millis(bad), scope: Scope::Link },
        good_loss: probability(good_loss),
        bad_loss: probability(bad_loss),
    });
    let path = PathModel { loss, ..PathModel::ideal() };
    let every = millis(every.as_secs_f64() * 1000.0);
    let sent_at = (0..u64::from(n)).map(|it| SimTime::ZERO + every.times(it));
    let fates = fates("spells", &path, seed, sent_at);
    fates.map(|(_, it)| it.verdict == Verdict::Drop(Cause::Loss)).collect()
}

pub(super) fn spells(Model { seed, error }: Model) -> Vec<Row> {
    const GOOD_LOSS: f64 = 0.01;
    const BAD_LOSS: f64 = 0.7;
    let share_bad = BAD / (GOOD + BAD);
    let forgets = 1000.0 / GOOD + 1000.0 / BAD;

    let some = (BAD, GOOD_LOSS, BAD_LOSS * error);
    let lost = losses((seed, 1_500_000), Duration::from_secs(1), some);
    let expected = (GOOD * GOOD_LOSS + BAD * BAD_LOSS) / (GOOD + BAD);
    let between = (BAD_LOSS - GOOD_LOSS).powi(2) * share_bad * (1.0 - share_bad);
    // States so far apart are as those of a chain that stays by e^-(a+b)t.
    let leaving = 1.0 - (-forgets).exp();
    let share = Row {
        what: What {
            name: "timed_gilbert_elliott, good 4 s, bad 1 s, loss_good 1 %, loss_bad 70 %: \
                   share lost",
            formula: "(good k + bad h) / (good + bad)",
            parameter: "loss_bad",
        },
        expected,
        estimate: chain_share(count(&lost), lost.len(), (expected, between), leaving),
    };

    let every = Duration::from_millis(500);
    let lost = losses((seed, 1_500_000), every, (BAD * error, 0.0, 1.0));
    let after_lost: Vec<bool> = lost.windows(2).filter(|it| it[0]).map(|it| it[1]).collect();
    let stays = share_bad + (1.0 - share_bad) * (-forgets * every.as_secs_f64()).exp();
    let next = Row {
        what: What {
            name: "the same, all lost in bad spells: share lost of what is sent 0.5 s after what \
                   is lost",
            formula: "b + (1-b) e^-(1/good + 1/bad) t, b = bad / (good + bad)",
            parameter: "bad",
        },
        expected: stays,
        estimate: Estimate::share(count(&after_lost), after_lost.len(), stays),
    };
    vec![share, next]
}
