//! A message that is repeated until it is answered, and how long its answer is waited for.

use crate::{
    protocol::rules::{Adapt, Rules},
    time::{SimSpan, SimTime},
};

/// When a message is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The instant; never, when it has been answered.
    pub at: SimTime,
    /// How long before that it was sent last.
    pub wait: SimSpan,
    /// How often it has been sent again.
    pub count: u32,
}

impl Repeat {
    /// Nothing is waiting for an answer.
    pub const NEVER: Self = Self { at: SimTime::NEVER, wait: SimSpan::ZERO, count: 0 };

    /// The message is sent for the first time now.
    pub fn first(rules: &Rules, rtt: RoundTrip, now: SimTime) -> Self {
        Self::after(rtt.timeout(rules), 0, now)
    }

    /// The message is sent now, and one like it was before: an answer may be that to either.
    pub fn anew(rules: &Rules, rtt: RoundTrip, now: SimTime) -> Self {
        Self::after(rtt.timeout(rules), 1, now)
    }

    /// The message is sent again now: its next answer is waited for twice as long.
    #[must_use]
    pub fn again(self, rules: &Rules, now: SimTime) -> Self {
        let wait = self.wait.times(2).min(rules.resend.cap);
        Self::after(wait, self.count.saturating_add(1), now)
    }

    fn after(wait: SimSpan, count: u32, now: SimTime) -> Self {
        Self { at: now + wait, wait, count }
    }

    /// Whether it is time to send the message again.
    pub fn is_due(self, now: SimTime) -> bool {
        self.at.is_due(now)
    }
}

/// What is known of the time to the other end and back over a connection, by RFC 6298.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    /// `SRTT`, in microseconds; 0 before the first measurement.
    smoothed: u32,
    /// `RTTVAR`, in microseconds.
    variation: u32,
    /// How long the last message waited that had to be repeated, if no other has been answered
    /// since.
    backed_off: SimSpan,
}

impl RoundTrip {
    /// Nothing has been measured.
    pub const UNKNOWN: Self = Self { smoothed: 0, variation: 0, backed_off: SimSpan::ZERO };

    /// How long an answer is waited for: `SRTT + 4 RTTVAR`, within the bounds of the rules; or as
    /// long as the last message had to wait, until a round trip is measured.
    pub fn timeout(self, rules: &Rules) -> SimSpan {
        let micros = u64::from(self.smoothed) + 4 * u64::from(self.variation);
        let measured = SimSpan::from_micros(micros).max(self.backed_off);
        rules.resend.first.max(measured).min(rules.resend.cap)
    }

    /// A message has been answered now.  One that was repeated says nothing: its answer may be that
    /// to any of them (Karn's rule).
    #[must_use]
    pub fn answered(self, rules: &Rules, repeat: Repeat, now: SimTime) -> Self {
        if repeat == Repeat::NEVER || rules.resend.adapt == Adapt::Never {
            return self;
        }
        if repeat.count != 0 {
            return Self { backed_off: repeat.wait, ..self };
        }
        // It was sent when its wait began.
        let waited = now.as_micros().saturating_add(repeat.wait.as_micros());
        let micros = waited.saturating_sub(repeat.at.as_micros());
        let measured = u32::try_from(micros).unwrap_or(u32::MAX);
        if self.smoothed == 0 {
            return Self {
                smoothed: measured.max(1),
                variation: measured / 2,
                backed_off: SimSpan::ZERO,
            };
        }
        let strayed = self.smoothed.abs_diff(measured);
        let mixed = |old: u32, new: u32, parts: u64| {
            let sum = u64::from(old) * (parts - 1) + u64::from(new);
            u32::try_from(sum / parts).expect("a mean lies between")
        };
        let variation = mixed(self.variation, strayed, 4);
        let smoothed = mixed(self.smoothed, measured, 8).max(1);
        Self { smoothed, variation, backed_off: SimSpan::ZERO }
    }
}
