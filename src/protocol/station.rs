//! A station where work is done: workers, and one queue before them, first come, first served.
//!
//! It needs no events: whoever comes is told at once when its work begins and ends, because nobody
//! who comes later can change that.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use crate::time::{SimSpan, SimTime};

/// How much a station bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// How many workers there are, at least one.
    pub workers: u32,
    /// How many may wait, besides those that are worked on.
    pub queue: u32,
}

/// When some work begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When a worker takes it up.
    pub begins_at: SimTime,
    /// When it is done.
    pub ends_at: SimTime,
}

/// The workers and the queue.
#[derive(Clone, Debug, Default)]
pub struct Station {
    /// When those workers are free who have had work; the others have always been.
    free_at: BinaryHeap<Reverse<SimTime>>,
    /// When the work begins that has not begun yet, in order.
    begins_at: VecDeque<SimTime>,
}

impl Station {
    /// Some work comes now; when it is done, or nothing if all workers are busy and the queue is
    /// full.
    pub fn enter(&mut self, capacity: Capacity, now: SimTime, work: SimSpan) -> Option<Slot> {
        let has_worker = self.free_at(capacity) <= now;
        if !has_worker && capacity.queue as usize <= self.n_waiting(now) {
            return None;
        }
        Some(self.take(capacity, now, work))
    }

    /// Some work comes now that is not turned away; when it is done.
    pub fn take(
        &mut self,
        Capacity { workers, .. }: Capacity,
        now: SimTime,
        work: SimSpan,
    ) -> Slot {
        let is_idle = self.free_at.len() < workers as usize;
        let begins_at = match self.free_at.peek() {
            Some(Reverse(free_at)) if !is_idle => {
                let begins_at = now.max(*free_at);
                self.free_at.pop();
                begins_at
            }
            Some(_) | None => now,
        };
        let ends_at = begins_at + work;
        self.free_at.push(Reverse(ends_at));
        if now < begins_at {
            self.begins_at.push_back(begins_at);
        }
        Slot { begins_at, ends_at }
    }

    /// How many wait.
    pub fn n_waiting(&mut self, now: SimTime) -> usize {
        // Whoever comes is taken up by the worker who is free first, so nobody is before those who
        // came earlier.
        while self.begins_at.front().is_some_and(|it| *it <= now) {
            self.begins_at.pop_front();
        }
        self.begins_at.len()
    }

    /// When a worker is free for whoever comes next.
    fn free_at(&self, Capacity { workers, .. }: Capacity) -> SimTime {
        let is_idle = self.free_at.len() < workers as usize;
        self.free_at.peek().filter(|_| !is_idle).map_or(SimTime::ZERO, |it| it.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::from_micros(millis * 1000)
    }

    fn ms(millis: u64) -> SimSpan {
        SimSpan::from_millis(millis)
    }

    #[test]
    fn work_is_taken_up_by_the_worker_who_is_free_first() {
        let capacity = Capacity { workers: 2, queue: 10 };
        let mut station = Station::default();
        let work = [(0, 10), (0, 4), (1, 2), (2, 8), (5, 1), (50, 3)];
        let slots = work.map(|(come, work)| station.enter(capacity, at(come), ms(work)).unwrap());
        // One worker has the first until 10, the other the second until 4, the third until 6, the
        // fourth until 14; the first one has the fifth then.
        let expected = [(0, 10), (0, 4), (4, 6), (6, 14), (10, 11), (50, 53)];
        let expected = expected.map(|it| Slot { begins_at: at(it.0), ends_at: at(it.1) });
        assert_eq!(slots, expected);
    }

    #[test]
    fn few_wait_and_one_too_many_is_turned_away() {
        let capacity = Capacity { workers: 1, queue: 2 };
        let mut station = Station::default();
        let mut enter = |come| station.enter(capacity, at(come), ms(10)).map(|it| it.ends_at);
        let ended = [0, 0, 0, 0, 9].map(&mut enter);
        assert_eq!(ended, [Some(at(10)), Some(at(20)), Some(at(30)), None, None]);
        // At 10 ms the first has gone, so the second is worked on and one place is free.
        assert_eq!([10, 10].map(&mut enter), [Some(at(40)), None]);
        // Work that is not turned away takes a place all the same.
        assert_eq!(station.take(capacity, at(10), ms(1)).ends_at, at(41));
        assert_eq!(station.n_waiting(at(10)), 3);
        assert_eq!(station.enter(capacity, at(20), ms(1)), None);
    }

    #[test]
    fn without_a_queue_work_finds_a_worker_or_nobody() {
        let capacity = Capacity { workers: 2, queue: 0 };
        let mut station = Station::default();
        let ended = [0, 0, 0, 9, 10].map(|it| station.enter(capacity, at(it), ms(10)).is_some());
        assert_eq!(ended, [true, true, false, false, true]);
    }
}
