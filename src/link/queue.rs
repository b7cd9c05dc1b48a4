//! A bottleneck: messages leave one after the other, each taking its time, and few may wait.

use std::collections::VecDeque;

use crate::{
    time::{SimSpan, SimTime},
    units::BitRate,
};

/// What a bottleneck lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// How fast.
    pub rate: BitRate,
    /// Bytes that each message takes besides its own.
    pub overhead: u32,
    /// How many messages may be in it, waiting or leaving; one too many is dropped.
    pub limit: u32,
}

/// The messages in a bottleneck, by when they have left it.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    leave_at: VecDeque<SimTime>,
}

impl Bottleneck {
    /// How long a message of this size takes to leave.
    pub fn time_of(&self, bytes: u32) -> SimSpan {
        self.rate.time_of(u64::from(bytes) + u64::from(self.overhead))
    }
}

impl Queue {
    /// A message enters now; when it has left, or nothing if it was dropped.
    #[inline(never)]
    pub fn enter(&mut self, bottleneck: &Bottleneck, now: SimTime, bytes: u32) -> Option<SimTime> {
        while self.leave_at.front().is_some_and(|it| *it <= now) {
            self.leave_at.pop_front();
        }
        if bottleneck.limit as usize <= self.leave_at.len() {
            return None;
        }
        let begins = self.leave_at.back().copied().unwrap_or(now);
        let at = begins + bottleneck.time_of(bytes);
        self.leave_at.push_back(at);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_leave_one_after_the_other_and_few_wait() {
        // 80 kbit/s: 100 bytes take 10 ms.
        let rate = "80kbit".parse().unwrap();
        let bottleneck = Bottleneck { rate, overhead: 20, limit: 3 };
        let mut queue = Queue::default();
        let at = |millis: u64| SimTime::from_micros(millis * 1000);
        let left = [0, 0, 0, 0].map(|it| queue.enter(&bottleneck, at(it), 80));
        assert_eq!(left, [Some(at(10)), Some(at(20)), Some(at(30)), None]);
        // At 10 ms the first has left, so there is a place again.
        assert_eq!(queue.enter(&bottleneck, at(10), 80), Some(at(40)));
        // An idle bottleneck begins at once.
        assert_eq!(queue.enter(&bottleneck, at(1000), 180), Some(at(1020)));
    }
}
