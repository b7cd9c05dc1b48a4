//! A member that the server has put out, until its client knows.

use super::{Context, Departure, Input, Member, Out, State};
use crate::{
    protocol::{code::ErrorCode, repeat::Repeat},
    time::SimTime,
};

/// Why the server puts a member out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ouster {
    /// The same user came from another client.
    OtherClient,
    /// The developer's backend said so.
    Backend,
    /// The developer's backend closed the room.
    RoomClosed,
    /// Its token expired, and that is a reason (spec: R52).
    TokenExpired,
    /// The server lost its session by a fault of its own (spec: R46).
    Fault,
}

/// A member that was put out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ousted {
    /// Why.
    pub by: Ouster,
    /// When the client is told again; never, when it knows.
    pub repeat: Repeat,
    /// When the server stops telling.
    pub until: SimTime,
}

impl Ouster {
    /// The code with which the client is told at once.
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::OtherClient => ErrorCode::KICKED_OUT,
            Self::Backend | Self::RoomClosed => ErrorCode::KICKED_BY_BACKEND,
            Self::TokenExpired => ErrorCode::KICKED_BY_EXPIRY,
            Self::Fault => ErrorCode::KICKED_BY_FAULT,
        }
    }

    /// The code with which a relogin is refused.
    pub(super) const fn refusal(self) -> ErrorCode {
        match self {
            Self::OtherClient => ErrorCode::LOGGED_IN_ELSEWHERE,
            Self::Backend | Self::RoomClosed | Self::TokenExpired | Self::Fault => self.code(),
        }
    }

    /// How a member leaves who is put out.
    pub(super) const fn departure(self) -> Departure {
        match self {
            Self::OtherClient => Departure::Elsewhere,
            Self::Backend => Departure::Kicked,
            Self::RoomClosed => Departure::RoomClosed,
            Self::TokenExpired => Departure::TokenExpired,
            Self::Fault => Departure::Fault,
        }
    }
}

impl Ousted {
    /// Put out, and told so until it confirms or its lease would have ended.
    pub(super) fn step(self, member: &mut Member, context: &Context<'_>, input: Input<'_>) -> Out {
        let Context { rules, now, .. } = *context;
        match input {
            // Whoever has not heard it by now hears it when it comes back (spec: R32).
            Input::Wake if self.until.is_due(now) => self.told().of(member),
            Input::Wake if self.repeat.is_due(now) => {
                Self { repeat: self.repeat.again(rules, now), ..self }.of(member);
                return Out::of([member.kick(self.by)]);
            }
            Input::SignalLost if self.repeat != Repeat::NEVER => {
                Self { until: now + rules.lease.after, ..self }.of(member);
            }
            // The user has come from another client since: that is remembered.
            Input::Oust(Ouster::OtherClient) if !rules.remembers(self.by) => {
                Self { by: Ouster::OtherClient, ..self }.of(member);
            }
            // Not a member any more, so there is nothing to end.
            Input::Receive(_)
            | Input::Published(_)
            | Input::Oust(_)
            | Input::SignalBack(_)
            | Input::SignalLost
            | Input::Wake => (),
        }
        Out::NONE
    }

    const fn of(self, member: &mut Member) {
        member.state = State::Ousted(self);
    }

    /// The client knows, or is not told any more.
    pub(super) const fn told(self) -> Self {
        Self { repeat: Repeat::NEVER, until: SimTime::NEVER, ..self }
    }
}
