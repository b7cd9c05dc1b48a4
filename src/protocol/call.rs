//! The calls that an app can make, and what happens to the app itself.

use std::fmt;

use crate::{
    id::{RoomId, StreamId, TextId},
    protocol::code::ErrorCode,
    time::SimTime,
};

/// A call of the SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// `loginRoom`.
    LoginRoom(Login),
    /// `logoutRoom`, with or without a room.
    LogoutRoom(Option<RoomId>),
    /// `switchRoom` from one room to another (spec: R34, R35, R36).
    SwitchRoom(RoomId, Login),
    /// `renewToken`; the room is named in multi-room mode.
    RenewToken(Option<RoomId>, Token),
    /// `startPublishingStream`; the room is named in multi-room mode.
    StartPublishing(Option<RoomId>, Slot),
    /// `stopPublishingStream`.
    StopPublishing(Slot),
    /// Something is asked of the room.
    Ask(RoomId, Ask),
}

/// The calls by their names, as the result of a call is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// `loginRoom`.
    LoginRoom,
    /// `switchRoom`.
    SwitchRoom,
    /// `renewToken`.
    RenewToken,
    /// `startPublishingStream`.
    StartPublishingStream,
    /// `setRoomExtraInfo`.
    SetRoomExtraInfo,
    /// `sendBroadcastMessage`.
    SendBroadcastMessage,
}

impl CallKind {
    /// All calls whose results are told.
    pub const ALL: [Self; 6] = [
        Self::LoginRoom,
        Self::SwitchRoom,
        Self::RenewToken,
        Self::StartPublishingStream,
        Self::SetRoomExtraInfo,
        Self::SendBroadcastMessage,
    ];

    /// The SDK's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LoginRoom => "loginRoom",
            Self::SwitchRoom => "switchRoom",
            Self::RenewToken => "renewToken",
            Self::StartPublishingStream => "startPublishingStream",
            Self::SetRoomExtraInfo => "setRoomExtraInfo",
            Self::SendBroadcastMessage => "sendBroadcastMessage",
        }
    }
}

/// Something that an app asks of its room, which the server answers with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `setRoomExtraInfo`: a key and its value (spec: R55).
    ExtraInfo(TextId, TextId),
    /// `sendBroadcastMessage` (spec: R57).
    Broadcast(TextId),
}

/// Why something that was asked was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The connection is broken.
    Broken,
    /// The client is in no room.
    NotInRoom,
    /// The client is in another room.
    OtherRoom,
    /// The user asks too often.
    TooFrequent,
}

impl Ask {
    /// What it is about: the value of an extra info, or a message.
    pub const fn text(self) -> TextId {
        match self {
            Self::ExtraInfo(_, text) | Self::Broadcast(text) => text,
        }
    }

    /// The call by which it is asked.
    pub const fn kind(self) -> CallKind {
        match self {
            Self::ExtraInfo(..) => CallKind::SetRoomExtraInfo,
            Self::Broadcast(_) => CallKind::SendBroadcastMessage,
        }
    }

    /// The code with which the call ends without an answer.
    pub const fn unanswered(self, why: Unanswered) -> ErrorCode {
        match (self, why) {
            (Self::ExtraInfo(..), Unanswered::Broken) => ErrorCode::TEMPORARILY_BROKEN,
            (Self::ExtraInfo(..), Unanswered::NotInRoom | Unanswered::OtherRoom) => {
                ErrorCode::NOT_IN_THIS_ROOM
            }
            (Self::ExtraInfo(..), Unanswered::TooFrequent) => ErrorCode::ROOM_TOO_FREQUENT,
            (Self::Broadcast(_), Unanswered::Broken) => ErrorCode::MESSAGE_NOT_SENT,
            (Self::Broadcast(_), Unanswered::NotInRoom) => ErrorCode::NOT_LOGGED_IN,
            (Self::Broadcast(_), Unanswered::OtherRoom) => ErrorCode::MESSAGE_OTHER_ROOM,
            (Self::Broadcast(_), Unanswered::TooFrequent) => ErrorCode::USER_TOO_FREQUENT,
        }
    }
}

/// The place of a stream among those that a client ever publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u8);

impl Slot {
    /// So many streams may one client publish.
    pub const COUNT: usize = 16;

    /// The place with this index.
    pub fn from_index(index: usize) -> Self {
        assert!(index < Self::COUNT, "slot {index} of {}", Self::COUNT);
        Self(u8::try_from(index).expect("below 16"))
    }
}

/// Some of the streams that a client ever publishes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams(u16);

impl Streams {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// These and one more.
    #[must_use]
    pub const fn with(self, slot: Slot) -> Self {
        Self(self.0 | 1 << slot.0)
    }

    /// These without one.
    #[must_use]
    pub const fn without(self, slot: Slot) -> Self {
        Self(self.0 & !(1 << slot.0))
    }

    /// These without some.
    #[must_use]
    pub const fn minus(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// These and others.
    #[must_use]
    pub const fn plus(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those that are among both.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names, given those of all that the client ever publishes.
    pub fn of(self, names: &[StreamId]) -> impl Iterator<Item = (Slot, StreamId)> {
        let slots = names.iter().enumerate().map(|(index, it)| (Slot::from_index(index), *it));
        slots.filter(move |(slot, _)| self.0 & 1 << slot.0 != 0)
    }
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
    /// The call by which the app wants it.
    pub via: Via,
}

/// The call by which a client gets into a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// `loginRoom`.
    LoginRoom,
    /// `switchRoom`.
    SwitchRoom,
}

/// The proof that a user may log in: in one word, because it is part of every login.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Up to when it is valid.
    until: SimTime,
}

impl Token {
    /// There is none; the service asks for none.
    pub const NONE: Self = Self { until: SimTime::NEVER };
    /// It never was valid: the last instant before [`SimTime::NEVER`] marks it.
    pub const WRONG: Self = Self { until: SimTime::from_micros(u64::MAX - 1) };

    /// It is valid up to this instant.
    pub fn until(end: SimTime) -> Self {
        assert!(end < Self::WRONG.until, "no token is valid until {end}");
        Self { until: end }
    }

    /// Whether a login may be let in with it.
    pub fn is_valid(self, now: SimTime) -> bool {
        self != Self::WRONG && now <= self.until
    }

    /// When it expires; never, when it does not.
    pub fn end(self) -> SimTime {
        if self == Self::WRONG { SimTime::NEVER } else { self.until }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.write_str("None"),
            Self::WRONG => f.write_str("Wrong"),
            Self { until } => write!(f, "Until({until:?})"),
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
        let (notify, token, via) = (Notify::On, Token::NONE, Via::LoginRoom);
        Self { room, notify, max_members: 0, token, via }
    }
}

impl Call {
    /// The rooms that the call names.
    pub fn rooms(self) -> impl Iterator<Item = RoomId> {
        let rooms = match self {
            Self::LoginRoom(login) => [Some(login.room), None],
            Self::LogoutRoom(room) | Self::RenewToken(room, _) | Self::StartPublishing(room, _) => {
                [room, None]
            }
            Self::SwitchRoom(from, to) => [Some(from), Some(to.room)],
            Self::Ask(room, _) => [Some(room), None],
            Self::StopPublishing(_) => [None, None],
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
            Self::RenewToken(room, token) => Self::RenewToken(room.map(name), token),
            Self::StartPublishing(room, slot) => Self::StartPublishing(room.map(name), slot),
            Self::StopPublishing(slot) => Self::StopPublishing(slot),
            Self::Ask(room, ask) => Self::Ask(name(room), ask),
        }
    }
}

/// What happens to an app other than calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppEvent {
    /// Its process is killed: nothing is said to anybody (spec: R62).
    Kill,
    /// It is started (again).
    Start,
    /// It stands still: it neither sends nor hears nor counts time.
    Suspend,
    /// It goes on.
    Resume,
    /// `destroyEngine`: leaves all rooms; calls fail from now on (spec: R61).
    DestroyEngine,
    /// `createEngine`.
    CreateEngine,
}
