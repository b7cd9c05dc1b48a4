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
    /// The engine has not been created, or has been destroyed (spec: R61).
    pub const NO_ENGINE: Self = Self(1_000_001);
    /// The call needs a client that is in a room.
    pub const NOT_LOGGED_IN: Self = Self(1_000_002);
    /// The web SDK's word for an interrupted connection (spec: R6).
    pub const NETWORK_DISCONNECTED: Self = Self(1_000_017);
    /// The call needs a client that is in no room (spec: R33).
    pub const ALREADY_IN_ROOM: Self = Self(1_002_001);
    /// The client is not logged in to the room of this id (spec: R11).
    pub const NOT_IN_THIS_ROOM: Self = Self(1_002_002);
    /// The user's id is empty (spec: R60).
    pub const USER_ID_EMPTY: Self = Self(1_002_005);
    /// The user's id has a character that is not allowed (spec: R60).
    pub const USER_ID_CHARACTER: Self = Self(1_002_006);
    /// The user's id is too long (spec: R60).
    pub const USER_ID_LENGTH: Self = Self(1_002_007);
    /// The user's name is empty (spec: R60).
    pub const USER_NAME_EMPTY: Self = Self(1_002_008);
    /// The user's name has a character that is not allowed (spec: R60).
    pub const USER_NAME_CHARACTER: Self = Self(1_002_009);
    /// The user's name is too long (spec: R60).
    pub const USER_NAME_LENGTH: Self = Self(1_002_010);
    /// The room's id is empty (spec: R60).
    pub const ROOM_ID_EMPTY: Self = Self(1_002_011);
    /// The room's id has a character that is not allowed (spec: R60).
    pub const ROOM_ID_CHARACTER: Self = Self(1_002_012);
    /// The room's id is too long (spec: R60).
    pub const ROOM_ID_LENGTH: Self = Self(1_002_013);
    /// The key of an extra info is empty (spec: R56).
    pub const EXTRA_KEY_EMPTY: Self = Self(1_002_014);
    /// The key of an extra info is too long (spec: R56).
    pub const EXTRA_KEY_LENGTH: Self = Self(1_002_015);
    /// The value of an extra info is too long (spec: R56).
    pub const EXTRA_VALUE_LENGTH: Self = Self(1_002_016);
    /// The room has an extra info with another key already (spec: R56).
    pub const EXTRA_KEYS: Self = Self(1_002_017);
    /// The token is wrong or has expired (spec: R43).
    pub const TOKEN_INVALID: Self = Self(1_002_033);
    /// The room is full (spec: R42).
    pub const ROOM_FULL: Self = Self(1_002_034);
    /// The client is in as many rooms as it may be (spec: R48).
    pub const TOO_MANY_ROOMS: Self = Self(1_002_037);
    /// The same user logged in elsewhere (spec: R9).
    pub const KICKED_OUT: Self = Self(1_002_050);
    /// The developer's backend put the user out (spec: R37).
    pub const KICKED_BY_BACKEND: Self = Self(1_002_055);
    /// The connection is interrupted for now (spec: R6).
    pub const TEMPORARILY_BROKEN: Self = Self(1_002_051);
    /// The time for retrying is over (spec: R5, R8).
    pub const RETRY_TIMEOUT: Self = Self(1_002_053);
    /// The user's token expired while it was in the room, and that is a reason (spec: R52).
    pub const KICKED_BY_EXPIRY: Self = Self(1_002_056);
    /// The server lost the user's session by a fault of its own (spec: R46).
    pub const KICKED_BY_FAULT: Self = Self(1_002_057);
    /// The target of a switch is a room that the client is in already.
    pub const ROOM_IN_USE: Self = Self(1_002_064);
    /// The user is forbidden to log in (spec: R44).
    pub const FORBIDDEN: Self = Self(1_002_066);
    /// The service is asked too often, whatever the room.
    pub const APP_TOO_FREQUENT: Self = Self(1_002_071);
    /// Too many logins to the room (spec: R59).
    pub const ROOM_TOO_FREQUENT: Self = Self(1_002_072);
    /// Too many messages in the room (spec: R58).
    pub const MESSAGES_TOO_FREQUENT: Self = Self(1_002_073);
    /// A relogin found the user logged in elsewhere (spec: R32).
    pub const LOGGED_IN_ELSEWHERE: Self = Self(1_002_086);
    /// The login failed inside the service.
    pub const INNER_ERROR: Self = Self(1_002_099);
    /// The room has a stream of this id already (spec: R50).
    pub const STREAM_EXISTS: Self = Self(1_003_028);
    /// The token does not allow to publish any more (spec: R52).
    pub const PUBLISHING_REFUSED: Self = Self(1_003_072);
    /// A message is empty (spec: R58).
    pub const MESSAGE_EMPTY: Self = Self(1_009_001);
    /// A message is too long (spec: R58).
    pub const MESSAGE_LENGTH: Self = Self(1_009_002);
    /// A message is for another room than the client's (spec: R57).
    pub const MESSAGE_OTHER_ROOM: Self = Self(1_009_005);
    /// A message could not be sent (spec: R57).
    pub const MESSAGE_NOT_SENT: Self = Self(1_009_010);
    /// The user sends messages too often (spec: R58).
    pub const USER_TOO_FREQUENT: Self = Self(1_009_015);

    /// The codes with which the server may refuse a login (spec: R45).
    pub const REJECTIONS: [u32; 29] = [
        1_000_037, 1_000_038, 1_000_039, 1_001_004, 1_001_005, 1_002_030, 1_002_031, 1_002_033,
        1_002_034, 1_002_035, 1_002_036, 1_002_066, 1_002_067, 1_002_071, 1_002_072, 1_002_073,
        1_002_074, 1_002_075, 1_002_076, 1_002_077, 1_002_078, 1_002_079, 1_002_080, 1_002_083,
        1_002_084, 1_002_085, 1_002_086, 1_002_087, 1_002_099,
    ];

    /// The code with this number, if it is one with which the server may refuse a login.
    pub fn rejection(number: u32) -> Option<Self> {
        Self::REJECTIONS.contains(&number).then_some(Self(number))
    }

    /// Whether a client that is refused with this code was put out while it was away.
    pub fn is_kick(self) -> bool {
        let kicks = [
            Self::KICKED_OUT,
            Self::KICKED_BY_BACKEND,
            Self::KICKED_BY_EXPIRY,
            Self::KICKED_BY_FAULT,
        ];
        kicks.contains(&self)
    }

    /// Whether a first login that is refused with this code is tried again: it says "later", not
    /// "no" (spec: R59).
    pub fn is_passing(self) -> bool {
        matches!(self.0, 1_002_030 | 1_002_031 | 1_002_071..=1_002_073)
    }

    /// Whether a relogin that is refused with this code is not tried again: it is about the user,
    /// not about the moment (spec: R45).
    pub fn ends_reconnecting(self) -> bool {
        let is_token = matches!(self.0, 1_002_033 | 1_002_074..=1_002_080);
        is_token || self == Self::FORBIDDEN || self == Self::LOGGED_IN_ELSEWHERE || self.is_kick()
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

/// A change of a client's room status, as its app is told (spec: R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The reason of `onRoomStateChanged`.
    pub reason: Reason,
    /// Its error code.
    pub code: ErrorCode,
    /// What brought it about; the app is not told.
    pub event: Event,
}

/// What made the room status of a client change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// The app called `loginRoom`.
    LoginRoom,
    /// The app called `switchRoom`.
    SwitchRoom,
    /// The app called `logoutRoom`.
    LogoutRoom,
    /// The app called `destroyEngine`.
    DestroyEngine,
    /// The server let the client in.
    Accepted,
    /// The server did not let the client in.
    Refused,
    /// The time for retrying was over.
    GaveUp,
    /// The server let the client in to the room that it switches to.
    SwitchAccepted,
    /// The server did not let the client in to the room that it switches to.
    SwitchRefused,
    /// The time for retrying was over on the way to the room that the client switches to.
    SwitchGaveUp,
    /// The device announced that its network is gone.
    LinkLost,
    /// No answer came.
    Silence,
    /// The server said that the session had ended.
    SessionGone,
    /// The connection to the server was reset.
    Reset,
    /// The server put the client out.
    Kicked,
}

impl Event {
    /// The event in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::LoginRoom => "`loginRoom` is called",
            Self::SwitchRoom => "`switchRoom` is called",
            Self::LogoutRoom => "`logoutRoom` is called",
            Self::DestroyEngine => "`destroyEngine` is called",
            Self::Accepted => "the server accepts the login",
            Self::Refused => "the server refuses the login",
            Self::GaveUp => "the time for retrying is over",
            Self::SwitchAccepted => "the server accepts the login of a `switchRoom`",
            Self::SwitchRefused => "the server refuses the login of a `switchRoom`",
            Self::SwitchGaveUp => "the time for retrying is over in a `switchRoom`",
            Self::LinkLost => "the device announces the loss of its network",
            Self::Silence => "heartbeats go unanswered",
            Self::SessionGone => "the server says that the session has ended",
            Self::Reset => "the connection is reset",
            Self::Kicked => "the server puts the client out",
        }
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
