//! A message that is repeated until it is answered.

use crate::{protocol::rules::Rules, time::SimTime};

/// When a message is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The instant; never, when it has been answered.
    pub at: SimTime,
    /// How often it has been sent again.
    pub count: u32,
}

impl Repeat {
    /// Nothing is waiting for an answer.
    pub const NEVER: Self = Self { at: SimTime::NEVER, count: 0 };

    /// The message is sent for the first time now.
    pub fn first(rules: &Rules, now: SimTime) -> Self {
        Self { at: now + rules.resend.wait(0), count: 0 }
    }

    /// The message is sent again now.
    #[must_use]
    pub fn again(self, rules: &Rules, now: SimTime) -> Self {
        let count = self.count.saturating_add(1);
        Self { at: now + rules.resend.wait(count), count }
    }

    /// Whether it is time to send the message again.
    pub fn is_due(self, now: SimTime) -> bool {
        self.at.is_due(now)
    }
}
