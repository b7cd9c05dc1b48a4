//! Every number of the protocol, as parameters: what the documents leave open or disagree on.
//!
//! Their values are those of a profile, a file in `profiles/`, which tells what each stands on.

use crate::{
    protocol::{code::ErrorCode, gate::Rate, member::Ouster, retry::Retry},
    time::{SimSpan, SimTime},
};

/// The parameters by which clients and server behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How often a client says that it is there; `None`: it is not modelled by messages.
    pub heartbeat: Option<Heartbeat>,
    /// When the server takes a silent client for gone.
    pub lease: Lease,
    /// When a client takes its connection for broken.
    pub detect: Detect,
    /// How a client retries a login.
    pub retry: Retry,
    /// How long the server works on a login before it answers: with 50 ms each way, 20 ms give the
    /// 120 ms of the document (spec: R17).
    pub login_processing: SimSpan,
    /// How long after a change the server tells the other members of the room.
    pub fan_out: SimSpan,
    /// How a message that waits for an answer is repeated.
    pub resend: Resend,
    /// How long a logout is repeated before the client lets it be.
    pub logout_timeout: SimSpan,
    /// Whether a client that the backend puts out while it is away is refused when it comes back.
    pub kick_memory: Memory,
    /// Who must want to take part for one user to be told of another.
    pub notify_gate: NotifyGate,
    /// How many members of a room take part in `onRoomUserUpdate`; 0: all.
    pub notice_limit: u32,
    /// How many logins a room bears; `None`: any number.
    pub login_rate: Option<Rate>,
    /// In how many rooms a client may be in multi-room mode.
    pub rooms_max: u32,
    /// What becomes of a member whose token expires.
    pub token_expiry: TokenExpiry,
    /// How long before its end the app is told that a token will expire.
    pub token_warning: SimSpan,
    /// How often the app is told how many users are in the room; `None`: it does not listen.
    pub online_count: Option<SimSpan>,
    /// The code that comes with Reconnecting.
    pub reconnecting_code: ErrorCode,
    /// How long Reconnecting is held back, in case the connection comes back.
    pub debounce: SimSpan,
    /// How often messages and extra infos may be sent.
    pub rates: Rates,
    /// How long ids and texts may be.
    pub lengths: Lengths,
}

/// What becomes of a member whose token expires while it is in the room (spec: R52).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenExpiry {
    /// It stays, but may not publish anew.
    Keep,
    /// It is put out.
    Kick,
}

/// How often messages and extra infos may be sent (spec: R56, R58).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// The least time between two messages of one user.
    pub user_messages: Rate,
    /// The messages of one room.
    pub room_messages: Rate,
    /// The extra infos of one room.
    pub extra_infos: Rate,
}

/// The most bytes of ids and texts (spec: R56, R58, R60).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Of a user's id.
    pub user_id: u32,
    /// Of a user's name.
    pub user_name: u32,
    /// Of a room's id.
    pub room_id: u32,
    /// Of a message.
    pub message: u32,
    /// Of the key of an extra info.
    pub extra_key: u32,
    /// Of the value of an extra info.
    pub extra_value: u32,
}

/// Who must have set `isUserStatusNotify` for one user to be told of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotifyGate {
    /// The one who is told, and the one who is told of.
    Both,
    /// The one who is told.
    Receiver,
}

/// Whether something is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// It is remembered.
    On,
    /// It is forgotten at once.
    Off,
}

/// Heartbeats as messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The time from one heartbeat to the next.
    pub every: SimSpan,
    /// When the first one is sent.
    pub phase: Phase,
}

/// When the first heartbeat of a connection is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A drawn part of the interval after the login.
    Random,
    /// One interval after the login.
    Login,
    /// So long after the login.
    After(SimSpan),
}

/// The server's heartbeat timeout (spec: R15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// How long a member may be silent.
    pub after: SimSpan,
    /// Since when it counts as silent.
    pub anchor: Anchor,
}

/// The instant from which the lease runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The instant at which the client's way to the server breaks, or the client stops using it:
    /// a heartbeat without gaps and without delay.
    Outage,
    /// The arrival of the last message.
    LastMessage,
    /// The arrival of the last login or heartbeat; probes and other messages do not count.
    LastHeartbeat,
}

/// How a client finds out that its connection is broken.  An operating system that announces the
/// loss of its network is believed at once, in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detect {
    /// It knows at once of every outage.
    AtOutage,
    /// It counts how long its heartbeats have gone unanswered.
    BySilence {
        /// A heartbeat is sent when so long no answer was heard and no heartbeat sent.
        probe_after: SimSpan,
        /// The connection is broken when a heartbeat, and those after it, had no answer so long.
        broken_after: SimSpan,
    },
}

/// How a message that waits for an answer is repeated: each time after twice as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend {
    /// The shortest wait before the first repetition, and the one before anything is measured.
    pub first: SimSpan,
    /// The longest wait.
    pub cap: SimSpan,
    /// Whether the wait follows the round trip.
    pub adapt: Adapt,
}

/// Whether the wait before a repetition follows the measured round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapt {
    /// It does (RFC 6298).
    RoundTrip,
    /// It is always the shortest.
    Never,
}

impl Lease {
    /// When a lease ends that would have ended at `ends_at`, now that a heartbeat has come.
    #[inline]
    pub fn renewed(&self, ends_at: SimTime, now: SimTime) -> SimTime {
        match self.anchor {
            Anchor::Outage => ends_at,
            Anchor::LastMessage | Anchor::LastHeartbeat => now + self.after,
        }
    }
}

impl Rules {
    /// Whether a relogin of a client that was put out is refused.
    pub const fn remembers(&self, by: Ouster) -> bool {
        match by {
            Ouster::OtherClient => true,
            Ouster::Backend | Ouster::RoomClosed => matches!(self.kick_memory, Memory::On),
            Ouster::TokenExpired | Ouster::Fault => false,
        }
    }
}
