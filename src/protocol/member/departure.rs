//! How a member leaves a room, and by which numbers it is told to whom.

/// How a member leaves a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Departure {
    /// It logged out; or a stream of its own was stopped by the app.
    Logout,
    /// It logged in to another room while its logout was lost.
    Moved,
    /// It logged in anew to the same room; only streams depart so.
    Relogin,
    /// Its heartbeat timed out.
    LeaseEnded,
    /// Its user came from another client.
    Elsewhere,
    /// The developer's backend kicked it out.
    Kicked,
    /// The developer's backend closed the room.
    RoomClosed,
    /// Its token expired, and that is a reason.
    TokenExpired,
    /// The server lost its session by a fault of its own.
    Fault,
}

impl Departure {
    /// The code in `stream_delete_reason` of `onRoomStreamUpdate` (spec: R49).
    pub const fn stream_delete_reason(self) -> u8 {
        match self {
            Self::Logout | Self::Moved => 1,
            Self::LeaseEnded => 2,
            Self::Elsewhere | Self::Relogin => 3,
            Self::Kicked | Self::RoomClosed | Self::TokenExpired => 4,
            Self::Fault => 5,
        }
    }

    /// The field `reason` of the server callback `room_logout` (spec: R64).
    pub const fn room_logout_reason(self) -> u8 {
        match self {
            Self::Logout | Self::Moved => 0,
            Self::LeaseEnded => 1,
            Self::Fault => 2,
            Self::Elsewhere | Self::Relogin | Self::Kicked | Self::RoomClosed => 3,
            Self::TokenExpired => 4,
        }
    }

    /// The field `close_reason` of the server callback `room_close`, when this was the last member
    /// (spec: R64).
    pub const fn room_close_reason(self) -> u8 {
        match self {
            Self::Logout | Self::Moved | Self::Relogin => 0,
            Self::LeaseEnded => 1,
            Self::Fault => 2,
            Self::Elsewhere | Self::Kicked | Self::RoomClosed | Self::TokenExpired => 3,
        }
    }

    /// The field `type` of the server callback `stream_close` (spec: R64).
    pub const fn stream_close_type(self) -> u8 {
        match self {
            Self::Logout | Self::Moved => 0,
            Self::LeaseEnded => 1,
            Self::Elsewhere | Self::Relogin => 2,
            Self::Kicked | Self::TokenExpired => 3,
            Self::Fault => 4,
            Self::RoomClosed => 5,
        }
    }
}
