//! What client and server say to each other.
//!
//! Every message carries the epoch of the login that it belongs to.

use crate::{
    id::Epoch,
    protocol::{
        call::{Login, Notify, Streams, Token},
        code::ErrorCode,
    },
    time::SimTime,
};

/// A message from a client to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientMsg {
    /// The login it belongs to.
    pub epoch: Epoch,
    /// What it says.
    pub body: ClientBody,
}

/// What a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)] // What follows the tag is copied in whole words.
pub enum ClientBody {
    /// Let me in, or keep me in.
    Login(Login),
    /// I am leaving.
    Logout,
    /// I am here.
    Heartbeat,
    /// Tell me who is in the room.
    AskRoster(Known),
    /// I have heard what you told me.
    AckRoster(Known),
    /// I know that I was kicked out.
    AckKick,
    /// I am here, and wonder whether you are.
    Probe,
    /// What I want besides being in the room.
    Errands(Errands),
    /// How many users are in the room?
    AskCount,
}

/// What a client knows of its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The position up to which it knows the room's journal.
    pub to: u32,
    /// When its session began, as the server has said.
    pub since: SimTime,
}

/// All that a client wants of its room besides being in it: not what changed, but what is wanted,
/// so that the newest one replaces those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errands {
    /// Its number; a greater one is newer.
    pub version: u32,
    /// The proof that the user may be there.
    pub token: Token,
    /// The streams that the client publishes.
    pub streams: Streams,
    /// How many of the client's asks it knows the answers to.
    pub answered: u32,
    /// How many it has made.
    pub asked: u32,
}

/// A message from the server to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerMsg {
    /// The login it belongs to.
    pub epoch: Epoch,
    /// What it says.
    pub body: ServerBody,
}

/// What the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)] // What follows the tag is copied in whole words.
pub enum ServerBody {
    /// You are in.
    LoginAccepted {
        /// When the session began: who is let in anew, because the server has forgotten it, can tell.
        since: SimTime,
        /// The member list.
        list: List,
    },
    /// You are not let in, for this reason.
    LoginRejected(ErrorCode),
    /// You have left.
    LogoutAccepted,
    /// I heard your heartbeat.
    HeartbeatAck,
    /// Your session has ended without your doing.
    SessionGone,
    /// All that happened in the room's journal after the first position, up to the second.
    Roster {
        /// The position up to which the client has said it knows the journal.
        from: u32,
        /// The position up to which it knows the journal once it has this message.
        to: u32,
        /// Whether the client is told of users who come and go (spec: R41, R53).
        users: Notify,
    },
    /// I have done what you wanted.
    ErrandsDone {
        /// The number of what was wanted.
        version: u32,
        /// How many of the client's asks have been answered.
        answered: u32,
        /// The streams that are not published.
        refused: Refused,
    },
    /// So many users are in the room.
    Count(u32),
    /// You are out, for this reason.
    Kicked(ErrorCode),
    /// The connection of this epoch is gone: said not by the service but by the transport below it,
    /// as TCP does with RST.
    Reset,
}

/// The member list of who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// It is to be asked for.
    Unasked,
    /// There is nothing in it, and no need to ask: what happens from now on is told.
    Empty,
}

/// The streams of a client that are not published, by why not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Somebody else publishes them in the room (spec: R50).
    pub taken: Streams,
    /// The token does not allow it any more (spec: R52).
    pub barred: Streams,
}

impl Refused {
    /// All of them.
    pub const fn all(self) -> Streams {
        self.taken.plus(self.barred)
    }
}

/// A message under way, in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// From client to server.
    Up(ClientMsg),
    /// From server to client.
    Down(ServerMsg),
}

/// Messages that share one sequence of draws per direction of a link.
///
/// Heartbeats have their own, so that an extra message of another kind moves none of their draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Heartbeats and their answers.
    Heartbeat,
    /// Logins, logouts, their answers, and that a session or a connection has ended.
    Login,
    /// Member lists, notices and their acknowledgements.
    Roster,
    /// What a client wants besides being in the room.
    Errand,
}

impl Lane {
    /// How many lanes there are.
    pub const COUNT: usize = 4;
}

/// The kinds of message, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`ClientBody::Login`].
    Login,
    /// [`ClientBody::Logout`].
    Logout,
    /// [`ClientBody::Heartbeat`].
    Heartbeat,
    /// [`ClientBody::AskRoster`].
    AskRoster,
    /// [`ClientBody::AckRoster`].
    AckRoster,
    /// [`ClientBody::AckKick`].
    AckKick,
    /// [`ClientBody::Probe`].
    Probe,
    /// [`ClientBody::Errands`].
    Errands,
    /// [`ClientBody::AskCount`].
    AskCount,
    /// [`ServerBody::LoginAccepted`].
    LoginAccepted,
    /// [`ServerBody::LoginRejected`].
    LoginRejected,
    /// [`ServerBody::LogoutAccepted`].
    LogoutAccepted,
    /// [`ServerBody::HeartbeatAck`].
    HeartbeatAck,
    /// [`ServerBody::SessionGone`].
    SessionGone,
    /// [`ServerBody::Roster`].
    Roster,
    /// [`ServerBody::Kicked`].
    Kicked,
    /// [`ServerBody::ErrandsDone`].
    ErrandsDone,
    /// [`ServerBody::Count`].
    Count,
    /// [`ServerBody::Reset`].
    Reset,
}

impl Kind {
    /// All kinds: first what clients say, then what the server says.
    pub const ALL: [Self; 19] = [
        Self::Login,
        Self::Logout,
        Self::Heartbeat,
        Self::AskRoster,
        Self::AckRoster,
        Self::AckKick,
        Self::Probe,
        Self::Errands,
        Self::AskCount,
        Self::LoginAccepted,
        Self::LoginRejected,
        Self::LogoutAccepted,
        Self::HeartbeatAck,
        Self::SessionGone,
        Self::Roster,
        Self::Kicked,
        Self::ErrandsDone,
        Self::Count,
        Self::Reset,
    ];

    /// The name under which the kind is counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Heartbeat => "heartbeat",
            Self::AskRoster => "ask_roster",
            Self::AckRoster => "ack_roster",
            Self::AckKick => "ack_kick",
            Self::Probe => "probe",
            Self::Errands => "errands",
            Self::AskCount => "ask_count",
            Self::LoginAccepted => "login_accepted",
            Self::LoginRejected => "login_rejected",
            Self::LogoutAccepted => "logout_accepted",
            Self::HeartbeatAck => "heartbeat_ack",
            Self::SessionGone => "session_gone",
            Self::Roster => "roster",
            Self::Kicked => "kicked",
            Self::ErrandsDone => "errands_done",
            Self::Count => "count",
            Self::Reset => "reset",
        }
    }

    /// The lane on which messages of this kind travel.
    pub const fn lane(self) -> Lane {
        match self {
            Self::Heartbeat | Self::Probe | Self::HeartbeatAck => Lane::Heartbeat,
            Self::AskRoster | Self::AckRoster | Self::Roster => Lane::Roster,
            Self::Errands | Self::AskCount | Self::ErrandsDone | Self::Count => Lane::Errand,
            Self::Login
            | Self::Logout
            | Self::SessionGone
            | Self::AckKick
            | Self::LoginAccepted
            | Self::LoginRejected
            | Self::LogoutAccepted
            | Self::Kicked
            | Self::Reset => Lane::Login,
        }
    }
}

impl Message {
    /// How large the message is: about what a compact encoding takes.
    pub const fn bytes(&self) -> u32 {
        match self {
            Self::Up(message) => match message.body {
                ClientBody::Heartbeat | ClientBody::Probe => 40,
                ClientBody::Login(_) => 400, // The token is most of it.
                ClientBody::Logout | ClientBody::AckKick | ClientBody::AskCount => 60,
                ClientBody::AskRoster(_) | ClientBody::AckRoster(_) => 60,
                ClientBody::Errands(errands) => 400 + 200 * (errands.asked - errands.answered),
            },
            Self::Down(message) => match message.body {
                ServerBody::HeartbeatAck | ServerBody::SessionGone | ServerBody::Reset => 40,
                ServerBody::LoginAccepted { .. } => 200,
                ServerBody::LoginRejected(_) | ServerBody::LogoutAccepted => 60,
                ServerBody::Kicked(_) | ServerBody::Count(_) => 60,
                ServerBody::ErrandsDone { .. } => 80,
                ServerBody::Roster { from, to, .. } => 60 + 80 * (to - from),
            },
        }
    }

    /// The kind of the message.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Up(message) => match message.body {
                ClientBody::Login(_) => Kind::Login,
                ClientBody::Logout => Kind::Logout,
                ClientBody::Heartbeat => Kind::Heartbeat,
                ClientBody::AskRoster(_) => Kind::AskRoster,
                ClientBody::AckRoster(_) => Kind::AckRoster,
                ClientBody::AckKick => Kind::AckKick,
                ClientBody::Probe => Kind::Probe,
                ClientBody::Errands(_) => Kind::Errands,
                ClientBody::AskCount => Kind::AskCount,
            },
            Self::Down(message) => match message.body {
                ServerBody::LoginAccepted { .. } => Kind::LoginAccepted,
                ServerBody::LoginRejected(_) => Kind::LoginRejected,
                ServerBody::LogoutAccepted => Kind::LogoutAccepted,
                ServerBody::HeartbeatAck => Kind::HeartbeatAck,
                ServerBody::SessionGone => Kind::SessionGone,
                ServerBody::Roster { .. } => Kind::Roster,
                ServerBody::Kicked(_) => Kind::Kicked,
                ServerBody::ErrandsDone { .. } => Kind::ErrandsDone,
                ServerBody::Count(_) => Kind::Count,
                ServerBody::Reset => Kind::Reset,
            },
        }
    }
}

const _: () = assert!(size_of::<Message>() <= 40, "messages travel by value");
