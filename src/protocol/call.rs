//! The calls that an app can make.

use crate::{id::RoomId, time::SimTime};

/// A call of the SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `loginRoom`.
    LoginRoom(Login),
    /// `logoutRoom`, with or without a room.
    LogoutRoom(Option<RoomId>),
    /// `switchRoom` from one room to another (spec: R34, R35, R36).
    SwitchRoom(RoomId, Login),
}

/// A login as the app wants it: the room and its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// The room.
    pub room: RoomId,
    /// Whether the user is told of others and others of the user (`isUserStatusNotify`).
    pub notify: Notify,
    /// The most users that the room may hold, 0 for no limit (`maxMemberCount`).
    pub max_members: u32,
    /// The proof that the user may log in.
    pub token: Token,
}

/// The proof that a user may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// There is none; the service asks for none.
    None,
    /// It is valid up to this instant.
    Until(SimTime),
    /// It never was valid.
    Wrong,
}

impl Token {
    /// Whether a login may be let in with it.
    pub fn is_valid(self, now: SimTime) -> bool {
        match self {
            Self::None => true,
            Self::Until(end) => now <= end,
            Self::Wrong => false,
        }
    }
}

/// Whether a login takes part in `onRoomUserUpdate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// It does.
    On,
    /// It does not.
    Off,
}

impl Login {
    /// A login to a room with nothing configured.
    pub const fn to(room: RoomId) -> Self {
        Self { room, notify: Notify::On, max_members: 0, token: Token::None }
    }
}

impl Call {
    /// The rooms that the call names.
    pub fn rooms(self) -> impl Iterator<Item = RoomId> {
        let rooms = match self {
            Self::LoginRoom(login) => [Some(login.room), None],
            Self::LogoutRoom(room) => [room, None],
            Self::SwitchRoom(from, to) => [Some(from), Some(to.room)],
        };
        rooms.into_iter().flatten()
    }

    /// The same call with other names for its rooms.
    #[must_use]
    pub fn renamed(self, name: impl Fn(RoomId) -> RoomId) -> Self {
        let renamed = |login: Login| Login { room: name(login.room), ..login };
        match self {
            Self::LoginRoom(login) => Self::LoginRoom(renamed(login)),
            Self::LogoutRoom(room) => Self::LogoutRoom(room.map(name)),
            Self::SwitchRoom(from, to) => Self::SwitchRoom(name(from), renamed(to)),
        }
    }
}
