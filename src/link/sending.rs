//! A message that is to be sent over a link.

use super::Direction;
use crate::{link::gate::Gate, rng::Draws, time::SimTime};

/// The number of a message, for its draws: those of a lane are counted by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serial {
    /// The lane, below [`LANES_MAX`](super::LANES_MAX).
    pub lane: u8,
    /// The number on the lane.
    pub number: u32,
}

/// A message, or the copy of it that a link makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twin {
    /// The message itself.
    Message,
    /// Its copy.
    Copy,
}

/// A message on its way to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    /// The draws of the run.
    pub draws: &'a Draws,
    /// In which direction.
    pub direction: Direction,
    /// Which message.
    pub serial: Serial,
    /// How large it is.
    pub bytes: u32,
    /// When.
    pub now: SimTime,
    /// Whether its way lets it through.
    pub gate: Gate,
}

impl Serial {
    pub(super) fn index(self) -> u64 {
        u64::from(self.lane) << 32 | u64::from(self.number)
    }
}
