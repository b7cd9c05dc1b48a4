//! Where a way stands still: messages are held before it, and go on when it moves again.

use crate::{link::Twin, time::SimTime};

/// Whether a client's way in one direction lets messages through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Whether it stands still now.
    pub is_shut: bool,
    /// When it will stand still next, as far as the script says; never, if it does not move.
    pub shuts_at: SimTime,
    /// How many messages are held.
    pub n_held: usize,
}

impl Gate {
    /// It never stands still.
    pub const OPEN: Self = Self { is_shut: false, shuts_at: SimTime::NEVER, n_held: 0 };
}

/// What is known of a message that is held, or of its copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Whether it is the message or its copy.
    pub twin: Twin,
    /// Whether it overtakes those that wait for their delay.
    pub is_first: bool,
    /// How many of its bits have left the bottleneck before that stood still: of the largest message
    /// there are a few million.
    pub bits_moved: u32,
}
