//! The way of a server callback to the developer's backend.

use crate::{
    link::{PathModel, loss::Loss},
    observe::Delivery,
    protocol::backend::{RETRIES_AFTER, ServerCallback},
    rng::{Draws, Entity, Purpose},
    time::SimTime,
};

/// A callback is tried at once, and again as long as the attempt fails; then it is lost.  Each one
/// by itself, so they arrive in any order (spec: R64).
pub(super) fn delivered(
    path: &PathModel,
    (draws, room): (&Draws, Entity),
    number: u64,
    (made_at, callback): (SimTime, ServerCallback),
) -> Delivery {
    let mut tried_at = made_at;
    let waits = RETRIES_AFTER.into_iter().map(Some).chain([None]);
    for (attempt, wait) in (0..).zip(waits) {
        // Eight draws for each callback leave room for six attempts.
        let draw = |purpose| draws.draw(purpose, room, number * 8 + attempt);
        let attempts = u32::try_from(attempt + 1).expect("there are six attempts");
        if !fails(path, draw(Purpose::BackendLoss)) {
            let arrives_at = Some(tried_at + path.delay.of(draw(Purpose::BackendDelay)));
            return Delivery { made_at, callback, number, attempts, arrives_at };
        }
        match wait {
            Some(wait) => tried_at = tried_at + wait,
            None => return Delivery { made_at, callback, number, attempts, arrives_at: None },
        }
    }
    unreachable!("the last attempt has no wait after it")
}

/// Whether an attempt with this draw fails.
fn fails(path: &PathModel, draw: u32) -> bool {
    match path.loss {
        Loss::Random(share) => share.hits(draw),
        Loss::GilbertElliott(_) | Loss::FourState(_) | Loss::Timed(_) => {
            unreachable!("attempts of callbacks fail each by itself")
        }
    }
}
