//! A gate that lets so many through in a time: a token bucket, exact in integers.
//!
//! It is kept as one instant, the time at which the bucket would be full again (the generic cell
//! rate algorithm of ATM), so there is no counter that has to be refilled.

use crate::time::{SimSpan, SimTime};

/// How many a gate lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The time that one takes: a second divided by how many may come in a second.
    pub every: SimSpan,
    /// How many may come at once after a quiet time.
    pub burst: u32,
}

/// The state of a gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    /// When all who were let through have had their time.
    full_at: SimTime,
}

impl Rate {
    /// So many a second, and as many at once.
    pub const fn per_second(n: u32) -> Self {
        Self { every: SimSpan::from_micros(1_000_000 / n as u64), burst: n }
    }

    /// One at a time, so far apart.
    pub const fn one_in(every: SimSpan) -> Self {
        Self { every, burst: 1 }
    }
}

impl Gate {
    /// Whether one more may pass now; if so, it has.
    pub fn lets_through(&mut self, rate: Rate, now: SimTime) -> bool {
        let full_at = self.full_at.max(now);
        let waiting = full_at.since(now);
        if rate.every.times(u64::from(rate.burst) - 1) < waiting {
            return false;
        }
        self.full_at = full_at + rate.every;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SimTime {
        SimTime::from_micros(millis * 1000)
    }

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let (mut gate, rate) = (Gate::default(), Rate::per_second(200));
        // 200 at once, the 201st not; 5 ms later one more, and only one.
        let n = (0..300).filter(|_| gate.lets_through(rate, at(10))).count();
        assert_eq!(n, 200);
        assert!(!gate.lets_through(rate, at(14)));
        assert!(gate.lets_through(rate, at(15)) && !gate.lets_through(rate, at(15)));
        // After a second of quiet the bucket is full again.
        let n = (0..300).filter(|_| gate.lets_through(rate, at(1015))).count();
        assert_eq!(n, 200);
    }

    #[test]
    fn one_in_half_a_second() {
        let (mut gate, rate) = (Gate::default(), Rate::one_in(SimSpan::from_millis(500)));
        let passed = [0, 100, 499, 500, 999, 1000, 3000].map(|it| gate.lets_through(rate, at(it)));
        assert_eq!(passed, [true, false, false, true, false, true, true]);
    }
}
