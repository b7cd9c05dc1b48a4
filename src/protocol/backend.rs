//! What the server tells the developer's backend: its callbacks by HTTP (spec: R64).

use crate::{
    id::{RoomId, StreamId, UserId},
    protocol::member::Departure,
};

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
