//! A deadline in one word, so that a plain `min` finds the earlier of two.

use crate::time::SimTime;

/// A slot and when it is due; of equal times the lower slot is earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word(u64);

/// Bits that hold the slot; the rest holds the time.
const SLOT_BITS: u32 = 24;
/// The most slots there can be.
pub(super) const SLOTS_MAX: usize = 1 << SLOT_BITS;
/// The latest time that a word can hold: 12.7 days.
pub(super) const TIME_MAX: SimTime = SimTime::from_micros((1 << (64 - SLOT_BITS)) - 2);

impl Word {
    /// Of a slot that is not armed: later than every armed one, and than [`TIME_MAX`].
    pub(super) const IDLE: Self = Self(u64::MAX);

    /// The slot, due at `at`; [`SimTime::NEVER`] disarms it.
    #[inline]
    pub(super) fn of(slot: usize, at: SimTime) -> Self {
        if at == SimTime::NEVER {
            return Self::IDLE;
        }
        assert!(at <= TIME_MAX, "deadline {at} is beyond {TIME_MAX}");
        Self(at.as_micros() << SLOT_BITS | slot as u64)
    }

    /// When the slot is due.
    #[inline]
    pub(super) const fn at(self) -> SimTime {
        SimTime::from_micros(self.0 >> SLOT_BITS)
    }

    /// The slot.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a slot has 24 bits")]
    pub(super) const fn slot(self) -> usize {
        (self.0 as u32 & (SLOTS_MAX as u32 - 1)) as usize
    }
}
