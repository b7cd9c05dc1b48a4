//! A bottleneck: messages leave one after the other, each taking its time, and few are in it or in
//! their delay behind it.  It may stand still, and all that is in it waits.

use std::collections::VecDeque;

use crate::{time::SimTime, units::BitRate};

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

    /// How many bits of a message of this size have to leave.
    pub fn bits_of(&self, bytes: u32) -> u64 {
        (u64::from(bytes) + u64::from(self.overhead)) * 8
    }

    /// Whether nothing leaves.
    pub fn stands_still(&self) -> bool {
        self.rate.is_some_and(BitRate::is_zero)
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

    /// So many bits enter now, before a bottleneck that will stand still from an instant on: when
    /// they have left, or how many are left in it then.
    #[inline(never)]
    pub fn enter(
        &mut self,
        bottleneck: &Bottleneck,
        bits: u64,
        (now, stops_at): (SimTime, SimTime),
    ) -> Result<SimTime, u64> {
        let Some(rate) = bottleneck.rate else { return Ok(now) };
        let begins = self.free_at.max(now);
        self.free_at = begins + rate.time_of(bits);
        if self.free_at <= stops_at {
            return Ok(self.free_at);
        }
        let moved = if begins < stops_at { rate.bits_in(stops_at.since(begins)) } else { 0 };
        Err(bits - moved)
    }

    /// A message that has entered counts until it arrives.
    pub fn count_until(&mut self, at: SimTime) {
        // Nearly always it is the last.
        let place = self.arrive_at.partition_point(|it| *it <= at);
        self.arrive_at.insert(place, at);
    }

    /// The bottleneck stands still from now on: what was to leave it later has to enter anew.
    pub fn stop(&mut self, now: SimTime) {
        self.free_at = self.free_at.min(now);
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
        let mut enter = |bottleneck: &Bottleneck, millis, bytes| {
            queue.enter(bottleneck, bottleneck.bits_of(bytes), (at(millis), SimTime::NEVER))
        };
        let left = [0, 0, 0].map(|it| enter(&bottleneck, it, 80));
        assert_eq!(left, [10, 20, 30].map(|it| Ok(at(it))));
        // An idle bottleneck begins at once.
        assert_eq!(enter(&bottleneck, 1000, 180), Ok(at(1020)));
        // Without a rate nobody waits, and nobody is waited for.
        assert_eq!(enter(&Bottleneck { rate: None, ..bottleneck }, 1001, 180), Ok(at(1001)));
    }

    /// Of 800 bits each, at 80 bits in a millisecond, until 14 ms: one has left at 10 ms, of the
    /// second 320 bits have moved, of the third none.
    #[test]
    fn what_has_not_left_when_a_bottleneck_stops_is_told_by_its_bits() {
        let bottleneck = Bottleneck::of("80kbit".parse().unwrap());
        let mut queue = Queue::default();
        let enter = |queue: &mut Queue, now| queue.enter(&bottleneck, 800, (at(now), at(14)));
        let left = [0, 0, 0].map(|it| enter(&mut queue, it));
        assert_eq!(left, [Ok(at(10)), Err(480), Err(800)]);
        queue.stop(at(14));
        // It moves again at 50 ms, and the first goes on where it was.
        let left = [480, 800].map(|it| queue.enter(&bottleneck, it, (at(50), SimTime::NEVER)));
        assert_eq!(left, [Ok(at(56)), Ok(at(66))]);
        // What has left at the very instant has left.
        let mut queue = Queue::default();
        assert_eq!(queue.enter(&bottleneck, 800, (at(4), at(14))), Ok(at(14)));
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
