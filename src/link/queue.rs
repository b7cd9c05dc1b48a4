//! A bottleneck: messages leave one after the other, each taking its time, and few are in it or in
//! their delay behind it.

use std::collections::VecDeque;

use crate::{
    time::{SimSpan, SimTime},
    units::BitRate,
};

/// So many messages a limit allows unless it is said: netem's own.
pub const LIMIT: u32 = 1000;

/// What a bottleneck lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bottleneck {
    /// How fast; nothing, if messages pass at once and are only counted.
    pub rate: Option<BitRate>,
    /// Bytes that each message takes besides its own.
    pub overhead: u32,
    /// How many messages may be in it, waiting, leaving or in their delay; one too many is dropped
    /// (assumption A70).
    pub limit: u32,
}

/// The messages in a bottleneck and in their delay behind it.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    /// When the last message that entered has left.
    free_at: SimTime,
    /// When each message arrives at the other end, in order of that.
    arrive_at: VecDeque<SimTime>,
}

impl Bottleneck {
    /// A bottleneck of this rate, with netem's limit.
    pub const fn of(rate: BitRate) -> Self {
        Self { rate: Some(rate), overhead: 0, limit: LIMIT }
    }

    /// How long a message of this size takes to leave.
    pub fn time_of(&self, bytes: u32) -> SimSpan {
        let bytes = u64::from(bytes) + u64::from(self.overhead);
        self.rate.map_or(SimSpan::ZERO, |it| it.time_of(bytes))
    }
}

impl Queue {
    /// How many messages count for the limit now.
    pub fn n_inside(&mut self, now: SimTime) -> usize {
        while self.arrive_at.front().is_some_and(|it| *it <= now) {
            self.arrive_at.pop_front();
        }
        self.arrive_at.len()
    }

    /// A message enters now; when it has left.
    #[inline(never)]
    pub fn enter(&mut self, bottleneck: &Bottleneck, now: SimTime, bytes: u32) -> SimTime {
        if bottleneck.rate.is_none() {
            return now;
        }
        self.free_at = self.free_at.max(now) + bottleneck.time_of(bytes);
        self.free_at
    }

    /// A message that has entered counts until it arrives.
    pub fn count_until(&mut self, at: SimTime) {
        // Nearly always it is the last.
        let place = self.arrive_at.partition_point(|it| *it <= at);
        self.arrive_at.insert(place, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::from_micros(millis * 1000)
    }

    #[test]
    fn messages_leave_one_after_the_other() {
        // 80 kbit/s: 100 bytes take 10 ms.
        let bottleneck = Bottleneck { overhead: 20, ..Bottleneck::of("80kbit".parse().unwrap()) };
        let mut queue = Queue::default();
        let left = [0, 0, 0].map(|it| queue.enter(&bottleneck, at(it), 80));
        assert_eq!(left, [at(10), at(20), at(30)]);
        // An idle bottleneck begins at once.
        assert_eq!(queue.enter(&bottleneck, at(1000), 180), at(1020));
        // Without a rate nobody waits, and nobody is waited for.
        assert_eq!(queue.enter(&Bottleneck { rate: None, ..bottleneck }, at(1001), 180), at(1001));
    }

    #[test]
    fn messages_count_until_they_arrive_in_whatever_order() {
        let mut queue = Queue::default();
        for it in [30, 10, 20, 20] {
            queue.count_until(at(it));
        }
        let seen = [0, 9, 10, 19, 20, 29, 30].map(|it| queue.n_inside(at(it)));
        // One that arrives now is there no more.
        assert_eq!(seen, [4, 4, 3, 3, 1, 1, 0]);
    }
}
