//! A message that is repeated until it is answered, and how long its answer is waited for.

use std::fmt;

use crate::{
    protocol::rules::{Adapt, Rules},
    time::{SimSpan, SimTime},
};

/// When a message is sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// The instant; never, when it has been answered.
    pub at: SimTime,
    /// How long before that it was sent last, in microseconds.
    pub wait: u32,
    /// How often it has been sent again.
    pub count: u32,
}

#[expect(clippy::missing_fields_in_debug, reason = "the wait is the distance to `at`")]
impl fmt::Debug for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeat").field("at", &self.at).field("count", &self.count).finish()
    }
}

impl Repeat {
    /// Nothing is waiting for an answer.
    pub const NEVER: Self = Self { at: SimTime::NEVER, wait: 0, count: 0 };

    /// The message is sent for the first time now.
    pub fn first(rules: &Rules, rtt: RoundTrip, now: SimTime) -> Self {
        Self::after(rtt.timeout(rules), 0, now)
    }

    /// The message is sent again now: its next answer is waited for twice as long.
    #[must_use]
    pub fn again(self, rules: &Rules, now: SimTime) -> Self {
        let wait = SimSpan::from_micros(2 * u64::from(self.wait)).min(rules.resend.cap);
        Self::after(wait, self.count.saturating_add(1), now)
    }

    fn after(wait: SimSpan, count: u32, now: SimTime) -> Self {
        let micros = u32::try_from(wait.as_micros()).unwrap_or(u32::MAX);
        Self { at: now + wait, wait: micros, count }
    }

    /// Whether it is time to send the message again.
    pub fn is_due(self, now: SimTime) -> bool {
        self.at.is_due(now)
    }
}

/// What is known of the time to the other end and back, by RFC 6298.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoundTrip {
    /// `SRTT`, in microseconds; 0 before the first measurement.
    smoothed: u32,
    /// `RTTVAR`, in microseconds.
    variation: u32,
}

impl RoundTrip {
    /// Nothing has been measured.
    pub const UNKNOWN: Self = Self { smoothed: 0, variation: 0 };

    /// How long an answer is waited for: `SRTT + 4 RTTVAR`, within the bounds of the rules.
    pub fn timeout(self, rules: &Rules) -> SimSpan {
        let micros = u64::from(self.smoothed) + 4 * u64::from(self.variation);
        let measured = SimSpan::from_micros(micros);
        rules.resend.first.max(measured).min(rules.resend.cap)
    }

    /// A message has been answered now.  One that was repeated says nothing: its answer may be that
    /// to any of them (Karn's rule).
    #[must_use]
    pub fn answered(self, rules: &Rules, repeat: Repeat, now: SimTime) -> Self {
        let sent_at = repeat.at.as_micros().saturating_sub(u64::from(repeat.wait));
        if repeat.count != 0 || repeat == Repeat::NEVER || rules.resend.adapt == Adapt::Never {
            return self;
        }
        let micros = now.as_micros().saturating_sub(sent_at);
        let measured = u32::try_from(micros).unwrap_or(u32::MAX);
        if self.smoothed == 0 {
            return Self { smoothed: measured.max(1), variation: measured / 2 };
        }
        let strayed = self.smoothed.abs_diff(measured);
        let mixed = |old: u32, new: u32, parts: u64| {
            let sum = u64::from(old) * (parts - 1) + u64::from(new);
            u32::try_from(sum / parts).expect("a mean lies between")
        };
        let variation = mixed(self.variation, strayed, 4);
        Self { smoothed: mixed(self.smoothed, measured, 8).max(1), variation }
    }
}
