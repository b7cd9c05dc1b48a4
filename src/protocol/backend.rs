//! What the server tells the developer's backend: its callbacks by HTTP (spec: R64).

use crate::{
    id::{RoomId, StreamId, UserId},
    protocol::member::Departure,
    time::SimSpan,
};

/// The waits before each attempt after the first.
pub const RETRIES_AFTER: [SimSpan; 5] = [
    SimSpan::from_secs(2),
    SimSpan::from_secs(4),
    SimSpan::from_secs(8),
    SimSpan::from_secs(16),
    SimSpan::from_secs(32),
];

/// One server callback, as it is made; when it arrives is another matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerCallback {
    /// The room.
    pub room: RoomId,
    /// How many times the room has been created so far.
    pub room_session: u32,
    /// What happened in it.
    pub what: ServerEvent,
}

/// What a server callback tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// `room_create`: the first user came.
    RoomCreate,
    /// `room_close`: the last user left, in this way.
    RoomClose(Departure),
    /// `room_login`.
    RoomLogin {
        /// Who came.
        user: UserId,
        /// Whether the user was in the room already (spec: R30).
        relogin: Relogin,
        /// The number of the user's session in the room.
        session: u32,
        /// The number of changes of the member list so far (`user_update_seq`).
        seq: u32,
    },
    /// `room_logout`.
    RoomLogout {
        /// Who left.
        user: UserId,
        /// How.
        how: Departure,
        /// The number of the user's session in the room.
        session: u32,
        /// The number of changes of the member list so far (`user_update_seq`).
        seq: u32,
    },
    /// `stream_create`.
    StreamCreate(UserId, StreamId),
    /// `stream_close`, in this way.
    StreamClose(UserId, StreamId, Departure),
}

/// Whether a login is that of a user who is in the room already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relogin {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl ServerCallback {
    /// The name of the server callback.
    pub const fn event(&self) -> &'static str {
        match self.what {
            ServerEvent::RoomCreate => "room_create",
            ServerEvent::RoomClose(_) => "room_close",
            ServerEvent::RoomLogin { .. } => "room_login",
            ServerEvent::RoomLogout { .. } => "room_logout",
            ServerEvent::StreamCreate(..) => "stream_create",
            ServerEvent::StreamClose(..) => "stream_close",
        }
    }

    /// Whom it is about, if about somebody.
    pub const fn user(&self) -> Option<UserId> {
        match self.what {
            ServerEvent::RoomCreate | ServerEvent::RoomClose(_) => None,
            ServerEvent::RoomLogin { user, .. }
            | ServerEvent::RoomLogout { user, .. }
            | ServerEvent::StreamCreate(user, _)
            | ServerEvent::StreamClose(user, ..) => Some(user),
        }
    }

    /// The reason, close reason or type that it gives, if it gives one.
    pub const fn reason(&self) -> Option<u8> {
        match self.what {
            ServerEvent::RoomClose(how) => Some(how.room_close_reason()),
            ServerEvent::RoomLogout { how, .. } => Some(how.room_logout_reason()),
            ServerEvent::StreamClose(_, _, how) => Some(how.stream_close_type()),
            ServerEvent::RoomCreate
            | ServerEvent::RoomLogin { .. }
            | ServerEvent::StreamCreate(..) => None,
        }
    }
}
