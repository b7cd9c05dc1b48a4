//! When the SDK tries again: waits between attempts, time-out of an attempt, budget.

use crate::time::SimSpan;

/// How a client retries a login that does not get through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The waits between attempts.
    pub schedule: Schedule,
    /// How long an attempt waits for its answer before it has failed.
    pub attempt_timeout: SimSpan,
    /// When the client gives up.
    pub budget: Budget,
}

/// When a client gives up (spec: R16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// So long after the first attempt.
    Time(SimSpan),
    /// When this many attempts have failed.
    Attempts(u32),
}

/// The waits between the end of one attempt and the start of the next.
///
/// The first attempt is made at once; `wait(1)` precedes the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Always the same wait.
    Fixed(SimSpan),
    /// These waits in turn; the last one repeats.
    List(Vec<Wait>),
    /// Waits that grow by a factor up to a cap.
    Exponential(Exponential),
}

/// One wait of a list.
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
}

impl Jitter {
    /// All ways, with their names in a scenario.
    pub const ALL: [(&'static str, Self); 5] = [
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
            Self::Fixed(span) => *span,
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
    }
}
