//! The calls that an app can make.

use crate::id::RoomId;

/// A call of the SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `loginRoom`.
    LoginRoom(RoomId),
    /// `logoutRoom`, with or without a room.
    LogoutRoom(Option<RoomId>),
    /// `switchRoom` from one room to another (spec: R34, R35, R36).
    SwitchRoom(RoomId, RoomId),
}

impl Call {
    /// The rooms that the call names.
    pub fn rooms(self) -> impl Iterator<Item = RoomId> {
        let rooms = match self {
            Self::LoginRoom(room) => [Some(room), None],
            Self::LogoutRoom(room) => [room, None],
            Self::SwitchRoom(from, to) => [Some(from), Some(to)],
        };
        rooms.into_iter().flatten()
    }

    /// The same call with other names for its rooms.
    #[must_use]
    pub fn renamed(self, name: impl Fn(RoomId) -> RoomId) -> Self {
        match self {
            Self::LoginRoom(room) => Self::LoginRoom(name(room)),
            Self::LogoutRoom(room) => Self::LogoutRoom(room.map(name)),
            Self::SwitchRoom(from, to) => Self::SwitchRoom(name(from), name(to)),
        }
    }
}
