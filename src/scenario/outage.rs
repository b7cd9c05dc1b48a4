//! Times in which links are cut or stand still.

use crate::{
    link::Cut,
    time::{SimSpan, SimTime},
};

/// A time in which a link is cut, or stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The directions that are.
    pub cut: Cut,
    /// What happens there.
    pub kind: OutageKind,
}

/// What happens on a link in an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutageKind {
    /// Messages are lost, and the device's operating system announces its beginning and its end.
    LinkDown,
    /// Messages are lost, and nobody is told.
    Silent,
    /// Messages are held until it is over, and nobody is told.
    Stall,
}

impl Outage {
    /// Whether messages are held until it is over; else they are lost.
    pub const fn holds(self) -> bool {
        matches!(self.kind, OutageKind::Stall)
    }

    /// Whether the device's operating system announces its beginning and its end.
    pub const fn is_announced(self) -> bool {
        matches!(self.kind, OutageKind::LinkDown)
    }
}

/// Outages that come and go by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutageProcess {
    /// What each of them is.
    pub outage: Outage,
    /// The mean time from the end of one to the beginning of the next.
    pub every: SimSpan,
    /// Their mean length.
    pub lasts: SimSpan,
    /// How their lengths are distributed.
    pub lengths: Distribution,
    /// None begins later.
    pub until: SimTime,
}

/// How the lengths of outages are distributed about their mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Exponentially.
    Exponential,
    /// Evenly, from nothing to twice the mean.
    Uniform,
    /// All are as long as the mean.
    Fixed,
}
