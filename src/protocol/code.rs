//! The words and numbers of the SDK: reasons, error codes, updates.

use std::fmt;

/// Why the room status of a client changed: the reason of `onRoomStateChanged` (spec: R1).
///
/// The names are the SDK's own, spelling included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A login is under way.
    Logining,
    /// The login succeeded.
    Logined,
    /// The login failed.
    LoginFailed,
    /// The connection is interrupted; the SDK retries by itself.
    Reconnecting,
    /// A retry succeeded.
    Reconnected,
    /// The SDK has stopped retrying.
    ReconnectFailed,
    /// The server ended the login.
    KickOut,
    /// The client left the room.
    Logout,
    /// A call to leave failed.
    LogoutFailed,
}

impl Reason {
    /// All reasons, in the SDK's order.
    pub const ALL: [Self; 9] = [
        Self::Logining,
        Self::Logined,
        Self::LoginFailed,
        Self::Reconnecting,
        Self::Reconnected,
        Self::ReconnectFailed,
        Self::KickOut,
        Self::Logout,
        Self::LogoutFailed,
    ];

    /// The SDK's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Logining => "Logining",
            Self::Logined => "Logined",
            Self::LoginFailed => "LoginFailed",
            Self::Reconnecting => "Reconnecting",
            Self::Reconnected => "Reconnected",
            Self::ReconnectFailed => "ReconnectFailed",
            Self::KickOut => "KickOut",
            Self::Logout => "Logout",
            Self::LogoutFailed => "LogoutFailed",
        }
    }
}

/// The state of the older callback `onRoomStateUpdate` (spec: R40).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegacyState {
    /// In no room.
    Disconnected,
    /// On the way into the room, for the first time or again.
    Connecting,
    /// In the room.
    Connected,
}

impl Reason {
    /// The state that the older callback tells with this reason; none where it is not called.
    pub const fn legacy(self) -> Option<LegacyState> {
        match self {
            Self::Logining | Self::Reconnecting => Some(LegacyState::Connecting),
            Self::Logined | Self::Reconnected => Some(LegacyState::Connected),
            Self::LoginFailed | Self::ReconnectFailed | Self::KickOut | Self::Logout => {
                Some(LegacyState::Disconnected)
            }
            Self::LogoutFailed => None,
        }
    }
}

impl LegacyState {
    /// The SDK's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "Disconnected",
            Self::Connecting => "Connecting",
            Self::Connected => "Connected",
        }
    }
}

/// An error code of the SDK.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(u32);

impl ErrorCode {
    /// No error.
    pub const OK: Self = Self(0);
    /// The call needs a client that is in no room (spec: R33).
    pub const ALREADY_IN_ROOM: Self = Self(1_002_001);
    /// The client is not logged in to the room of this id (spec: R11).
    pub const NOT_IN_THIS_ROOM: Self = Self(1_002_002);
    /// The token is wrong or has expired (spec: R43).
    pub const TOKEN_INVALID: Self = Self(1_002_033);
    /// The room is full (spec: R42).
    pub const ROOM_FULL: Self = Self(1_002_034);
    /// The same user logged in elsewhere (spec: R9).
    pub const KICKED_OUT: Self = Self(1_002_050);
    /// The developer's backend put the user out (spec: R37).
    pub const KICKED_BY_BACKEND: Self = Self(1_002_055);
    /// The connection is interrupted for now (spec: R6).
    pub const TEMPORARILY_BROKEN: Self = Self(1_002_051);
    /// The time for retrying is over (spec: R5, R8).
    pub const RETRY_TIMEOUT: Self = Self(1_002_053);
    /// The user is forbidden to log in (spec: R44).
    pub const FORBIDDEN: Self = Self(1_002_066);
    /// A relogin found the user logged in elsewhere (spec: R32).
    pub const LOGGED_IN_ELSEWHERE: Self = Self(1_002_086);

    /// Whether a client that is refused with this code was put out while it was away.
    pub fn is_kick(self) -> bool {
        [Self::KICKED_OUT, Self::KICKED_BY_BACKEND].contains(&self)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What happened to the users of an `onRoomUserUpdate` (spec: R29).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Update {
    /// They joined the room.
    Add,
    /// They left the room.
    Delete,
}

impl Update {
    /// The SDK's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Delete => "DELETE",
        }
    }
}
