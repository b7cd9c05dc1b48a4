//! When the SDK tries again: waits between attempts, time-out of an attempt, budget.

use crate::time::{SimSpan, SimTime};

/// How a client retries a login that does not get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The waits between attempts.
    pub schedule: Schedule,
    /// From when each of them counts.
    pub from: WaitFrom,
    /// How long an attempt waits for its answer before it has failed.
    pub attempt_timeout: SimSpan,
    /// What becomes of an answer to an attempt that has failed.
    pub late_answer: LateAnswer,
    /// When the client gives up.
    pub budget: Budget,
}

impl Retry {
    /// When an attempt started that fails by its time-out at `fails_at`.
    pub(in crate::protocol) const fn started_at(&self, fails_at: SimTime) -> SimTime {
        SimTime::from_micros(fails_at.as_micros().saturating_sub(self.attempt_timeout.as_micros()))
    }
}

/// From when the wait before the next attempt counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFrom {
    /// From the instant at which the attempt has failed: its time-out, or its refusal.
    End,
    /// From the instant at which the attempt has started.  No attempt starts before the one before
    /// it has failed.
    Start,
}

/// What becomes of an answer to an attempt that has failed meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateAnswer {
    /// Nothing: each attempt is a connection of its own, and this one is closed.
    Ignored,
    /// It counts like that to the attempt under way: all attempts go over one connection.
    Accepted,
}

/// When a client gives up (spec: R16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So long after the first attempt.
    Time(SimSpan),
    /// When this many attempts have failed.
    Attempts(u32),
}

/// The waits between one attempt and the next, see [`WaitFrom`].
///
/// The first attempt is made at once; `wait(1)` precedes the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Always the same wait.
    Fixed(Wait),
    /// These waits in turn; the last one repeats.
    List(Vec<Wait>),
    /// Waits that grow by a factor up to a cap.
    Exponential(Exponential),
}

/// One wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Exactly so long.
    Exactly(SimSpan),
    /// A whole number of seconds, drawn evenly, both ends included.
    Seconds {
        /// The fewest seconds.
        from: u32,
        /// The most seconds.
        to: u32,
    },
    /// Any number of microseconds, drawn evenly, both ends included.
    Uniform {
        /// The shortest wait.
        from: SimSpan,
        /// The longest wait.
        to: SimSpan,
    },
    /// A wait that is up to a share of itself shorter or longer, drawn evenly.
    Around {
        /// The middle.
        wait: SimSpan,
        /// The share.
        share: Share,
    },
}

/// A share of a wait, in thousandths, at most all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u16);

impl Share {
    /// So many thousandths; nothing, if that is more than the whole.
    pub const fn from_milli(milli: u16) -> Option<Self> {
        if milli <= 1000 { Some(Self(milli)) } else { None }
    }

    /// In thousandths.
    pub const fn milli(self) -> u16 {
        self.0
    }

    /// The wait, up to this share of it shorter or longer.
    fn around(self, wait: SimSpan, luck: u32) -> SimSpan {
        let part = wait.as_micros() / 1000 * u64::from(self.0)
            + wait.as_micros() % 1000 * u64::from(self.0) / 1000;
        SimSpan::from_micros(wait.as_micros() - part)
            + SimSpan::from_micros(2 * part + 1).scaled(luck)
    }
}

/// Growing waits: `base * factor^(n-1)`, at most `cap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exponential {
    /// The first wait.
    pub base: SimSpan,
    /// How much longer each wait is than the one before, in thousandths.
    pub factor_milli: u32,
    /// The longest wait.
    pub cap: SimSpan,
    /// How the waits are spread.
    pub jitter: Jitter,
}

/// How the clients' waits are kept from falling together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jitter {
    /// Not at all.
    None,
    /// Anything below the wait.
    Full,
    /// Half the wait, and anything below the other half.
    Equal,
    /// The wait, and anything below the first wait on top.
    Add,
    /// From 0.8 to 1.2 times the wait.
    Scale,
    /// The wait, up to this share of it shorter or longer.
    Share(Share),
}

impl Jitter {
    /// The ways that have names in a scenario.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("none", Self::None),
        ("full", Self::Full),
        ("equal", Self::Equal),
        ("add", Self::Add),
        ("scale", Self::Scale),
    ];
}

impl Schedule {
    /// The wait before attempt `number`, counted from 1 for the first repeated attempt.
    ///
    /// `luck` is an evenly distributed number, the draw of this wait.
    pub fn wait(&self, number: u32, luck: u32) -> SimSpan {
        assert!(0 < number, "the first attempt waits for nothing");
        match self {
            Self::Fixed(wait) => wait.span(luck),
            Self::List(waits) => {
                let last = waits.len() - 1;
                let index = usize::try_from(number - 1).map_or(last, |it| it.min(last));
                waits[index].span(luck)
            }
            Self::Exponential(growing) => growing.wait(number, luck),
        }
    }
}

impl Wait {
    fn span(self, luck: u32) -> SimSpan {
        match self {
            Self::Exactly(span) => span,
            Self::Seconds { from, to } => {
                let above = (u64::from(to - from + 1) * u64::from(luck)) >> 32;
                SimSpan::from_secs(u64::from(from) + above)
            }
            Self::Uniform { from, to } => {
                let n_more = to.as_micros() - from.as_micros() + 1;
                from + SimSpan::from_micros(n_more).scaled(luck)
            }
            Self::Around { wait, share } => share.around(wait, luck),
        }
    }
}

impl Exponential {
    fn wait(self, number: u32, luck: u32) -> SimSpan {
        let (mut micros, cap) = (self.base.as_micros(), self.cap.as_micros());
        for _ in 1..number {
            if cap <= micros || self.factor_milli == 1000 {
                break;
            }
            micros = micros.saturating_mul(u64::from(self.factor_milli)) / 1000;
        }
        let wait = SimSpan::from_micros(micros.min(cap));
        let micros = wait.as_micros();
        match self.jitter {
            Jitter::None => wait,
            Jitter::Full => wait.scaled(luck),
            Jitter::Equal => {
                SimSpan::from_micros(micros - micros / 2)
                    + SimSpan::from_micros(micros / 2).scaled(luck)
            }
            Jitter::Add => wait + self.base.scaled(luck),
            Jitter::Scale => {
                SimSpan::from_micros(micros / 5 * 4)
                    + SimSpan::from_micros(micros / 5 * 2).scaled(luck)
            }
            Jitter::Share(share) => share.around(wait, luck),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> SimSpan {
        SimSpan::from_secs(secs)
    }

    fn growing(jitter: Jitter) -> Schedule {
        Schedule::Exponential(Exponential {
            base: secs(1),
            factor_milli: 2000,
            cap: secs(30),
            jitter,
        })
    }

    #[test]
    fn a_list_is_walked_and_its_last_wait_repeats() {
        let list = Schedule::List(vec![
            Wait::Seconds { from: 1, to: 3 },
            Wait::Exactly(secs(4)),
            Wait::Exactly(secs(8)),
        ]);
        let luck = |third: u32| u32::MAX / 3 * third + 10;
        assert_eq!([0, 1, 2].map(|it| list.wait(1, luck(it))), [secs(1), secs(2), secs(3)]);
        assert_eq!(list.wait(1, u32::MAX), secs(3));
        assert_eq!([2, 3, 4, 900].map(|it| list.wait(it, 0)), [secs(4), secs(8), secs(8), secs(8)]);
    }

    #[test]
    fn exponential_waits_double_up_to_the_cap() {
        let waits =
            [1, 2, 3, 4, 5, 6, 7, 4_000_000_000].map(|it| growing(Jitter::None).wait(it, 9));
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30].map(secs));
    }

    #[test]
    fn drawn_waits_keep_their_bounds_and_reach_them() {
        let share = Share::from_milli(255).unwrap();
        let ends = |wait: Wait| {
            let fixed = Schedule::Fixed(wait);
            [0, 1 << 31, u32::MAX].map(|luck| fixed.wait(7, luck).as_micros())
        };
        let uniform = |from, to| Wait::Uniform { from, to };
        // With 2^32 draws of 2,000,001 lengths both ends come.
        assert_eq!(ends(uniform(secs(1), secs(3))), [1_000_000, 2_000_000, 3_000_000]);
        assert_eq!(ends(uniform(secs(2), secs(2))), [2_000_000; 3]);
        assert_eq!(ends(Wait::Exactly(secs(2))), [2_000_000; 3]);
        let around = |wait| Wait::Around { wait, share };
        assert_eq!(ends(around(secs(8))), [5_960_000, 8_000_000, 10_040_000]);
        assert_eq!(ends(around(SimSpan::from_micros(3))), [3; 3], "a quarter is less than 1 us");
        let all = Share::from_milli(1000).unwrap();
        let wait = Wait::Around { wait: secs(2), share: all };
        assert_eq!(ends(wait), [0, 2_000_000, 4_000_000]);
        assert_eq!(Share::from_milli(1001), None);
    }

    #[test]
    fn jitter_keeps_its_bounds() {
        let bounds = |jitter| {
            let wait = |luck| growing(jitter).wait(3, luck);
            (wait(0), wait(u32::MAX))
        };
        let just_below = |span: SimSpan| SimSpan::from_micros(span.as_micros() - 1);
        assert_eq!(bounds(Jitter::Full), (secs(0), just_below(secs(4))));
        assert_eq!(bounds(Jitter::Equal), (secs(2), just_below(secs(4))));
        assert_eq!(bounds(Jitter::Add), (secs(4), just_below(secs(5))));
        let (least, most) = bounds(Jitter::Scale);
        assert_eq!(
            (least, most),
            (SimSpan::from_millis(3200), just_below(SimSpan::from_millis(4800)))
        );
        let quarter = Jitter::Share(Share::from_milli(250).unwrap());
        assert_eq!(bounds(quarter), (secs(3), secs(5)));
    }
}
