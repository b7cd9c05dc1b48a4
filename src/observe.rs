//! What a run tells those who watch it.
//!
//! One stream of records, any number of sinks.  A sink gets nothing by which it could change a run.

use crate::{
    id::{ClientId, RoomId, StreamId, TextId, UserId},
    link::{Cause, network::NetworkMode},
    protocol::{
        backend::ServerCallback,
        call::CallKind,
        code::{ErrorCode, Status, Update},
        member::Departure,
        message::Kind,
    },
    time::{SimSpan, SimTime},
};

/// What an app is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback<'a> {
    /// `onRoomStateChanged`.
    StateChanged(Status),
    /// `onRoomUserUpdate`.
    UserUpdate(Update, &'a [UserId]),
    /// `onRoomStreamUpdate`.
    StreamUpdate(Update, &'a [Stream]),
    /// `onRoomOnlineUserCountUpdate`.
    OnlineCount(u32),
    /// `onRoomTokenWillExpire`, in so many seconds.
    TokenWillExpire(u32),
    /// `onRoomExtraInfoUpdate`: who set it, key and value.
    ExtraInfo(UserId, TextId, TextId),
    /// `onIMRecvBroadcastMessage`: who sent it, and the text.
    Broadcast(UserId, TextId),
    /// `onNetworkModeChanged`.
    NetworkMode(NetworkMode),
    /// A call has its result.
    CallResult(CallKind, ErrorCode, Subject),
}

/// A stream that came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The stream.
    pub stream: StreamId,
    /// Who publishes it.
    pub user: UserId,
    /// How it went, if it did.
    pub how: Departure,
}

/// What a call was about, besides its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Nothing else.
    None,
    /// A stream.
    Stream(StreamId),
    /// The text of a message, or the value of an extra info.
    Text(TextId),
}

/// A callback on its way to the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it was made.
    pub made_at: SimTime,
    /// What it tells.
    pub callback: ServerCallback,
    /// Its number among those of its room.
    pub number: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it arrived; nothing, if it was lost or is still under way at the end of the run.
    pub arrives_at: Option<SimTime>,
}

/// Where a client stands, as the server sees it and as it sees itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// In no room, and both know it.
    #[default]
    Away,
    /// A member of its room at the server, while the client does not hold itself to be in it.
    Ghost,
    /// In its room as the client sees it, while the server does not know it as a member.
    Stranded,
    /// In its room, and both know it.
    Present,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Away, Self::Ghost, Self::Stranded, Self::Present];
}

/// How a client stood, since when, and how it stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingChange {
    /// How it stood before that.
    pub before: Standing,
    /// How it stood.
    pub from: Standing,
    /// Since when; since the start of the run, if it never stood otherwise.
    pub since: SimTime,
    /// How it stands.
    pub to: Standing,
}

/// Heartbeats of which nothing came but their answers, told all at once.
///
/// Each was sent so long after the one before; all that was not lost has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// Who sent them.
    pub client: ClientId,
    /// When the first was sent.
    pub first: SimTime,
    /// The time from one to the next.
    pub every: SimSpan,
    /// How many were sent.
    pub sent: u32,
    /// How many of them were lost.
    pub lost: u32,
    /// How many of the answers to the others were lost.
    pub answers_lost: u32,
}

/// A message that a node of the server has worked on, which ended now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The number of the node, from 1 on.
    pub node: u32,
    /// The kind of the message: one of a client's, or a notice.
    pub kind: Kind,
    /// How long it waited for a worker.
    pub waited: SimSpan,
    /// How long the worker took.
    pub work: SimSpan,
}

/// A message that leaves a node of the server now, before a worker was done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unserved {
    /// The number of the node, from 1 on.
    pub node: u32,
    /// The kind of the message: one of a client's, or a notice.
    pub kind: Kind,
    /// How long it waited for a worker, or in vain.
    pub waited: SimSpan,
    /// How long a worker was at it; nothing, if none took it up.
    pub worked: Option<SimSpan>,
    /// Why nobody is done with it.
    pub why: CutShort,
}

/// Why work is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutShort {
    /// The message is lost with the server, which stops.
    ServerStops,
    /// The run ends.
    RunEnds,
}

/// A client, and which of those of its cell it is: whoever notes something of each while a cell runs
/// needs no table to find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The client.
    pub client: ClientId,
    /// How many of its cell come before it.
    pub place: usize,
}

/// A watcher of a run.  Every method does nothing unless a sink says otherwise.
pub trait Observer {
    /// An app is told something, of a room or of nothing in particular.
    fn callback(&mut self, at: SimTime, seat: Seat, room: Option<RoomId>, what: Callback<'_>) {
        let _ = (at, seat, room, what);
    }

    /// The server makes a callback to the developer's backend.
    fn server_callback(&mut self, delivery: Delivery) {
        let _ = delivery;
    }

    /// A message is sent over a client's link, in either direction.
    fn sent(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        let _ = (at, client, kind);
    }

    /// A message arrives.
    fn delivered(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        let _ = (at, client, kind);
    }

    /// A message is lost.
    fn dropped(&mut self, at: SimTime, client: ClientId, kind: Kind, cause: Cause) {
        let _ = (at, client, kind, cause);
    }

    /// A client has sent many heartbeats of which there is nothing else to tell.
    fn rounds(&mut self, rounds: Rounds) {
        let _ = rounds;
    }

    /// A request to be let in, for the first time or again, comes to the server, which may be busy.
    fn login_arrived(&mut self, at: SimTime, client: ClientId) {
        let _ = (at, client);
    }

    /// An attempt of a client to get into its room has had no answer in the time that it has.
    fn attempt_timed_out(&mut self, at: SimTime, client: ClientId) {
        let _ = (at, client);
    }

    /// The answer to an attempt that is over comes to its client.
    fn answered_late(&mut self, at: SimTime, client: ClientId) {
        let _ = (at, client);
    }

    /// A client, as far as one room is concerned, stands otherwise than before.
    fn standing(&mut self, at: SimTime, client: ClientId, change: StandingChange) {
        let _ = (at, client, change);
    }

    /// An app is told, one by one, of something that happened in its room at `changed_at`.
    fn noticed(&mut self, at: SimTime, client: ClientId, changed_at: SimTime) {
        let _ = (at, client, changed_at);
    }

    /// A client's app has been killed, or its engine destroyed: it is in no room any more, as far
    /// as it knows.
    fn forgot(&mut self, at: SimTime, seat: Seat) {
        let _ = (at, seat);
    }

    /// A node of the server has worked on a message: it came `waited` and `work` before now.
    fn served(&mut self, at: SimTime, served: Served) {
        let _ = (at, served);
    }

    /// A message leaves a node before its work is done, or before it is begun: it came `waited` and
    /// `worked` before now.
    fn unserved(&mut self, at: SimTime, unserved: Unserved) {
        let _ = (at, unserved);
    }

    /// A node, by its number from 1 on, turns a message away: its queue is full, or it has taken
    /// up as many logins as it may.
    fn turned_away(&mut self, at: SimTime, node: u32, kind: Kind) {
        let _ = (at, node, kind);
    }

    /// A client's link, whole until now, is cut in one direction or both.
    fn cut(&mut self, at: SimTime, seat: Seat) {
        let _ = (at, seat);
    }

    /// A client's link is whole again.
    fn mended(&mut self, at: SimTime, seat: Seat) {
        let _ = (at, seat);
    }

    /// The cell with this number begins; all that follows, to its end, happens in it.
    fn begins(&mut self, cell: usize) {
        let _ = cell;
    }

    /// A cell has come to its end with so many messages under way.
    fn ended(&mut self, n_in_flight: usize) {
        let _ = n_in_flight;
    }
}

/// Nobody watches.
impl Observer for () {}

macro_rules! forward {
    ($self:ident, $($to:expr),+) => {
        fn callback(&mut $self, at: SimTime, seat: Seat, room: Option<RoomId>, what: Callback<'_>) {
            $($to.callback(at, seat, room, what);)+
        }

        fn server_callback(&mut $self, delivery: Delivery) {
            $($to.server_callback(delivery);)+
        }

        fn sent(&mut $self, at: SimTime, client: ClientId, kind: Kind) {
            $($to.sent(at, client, kind);)+
        }

        fn delivered(&mut $self, at: SimTime, client: ClientId, kind: Kind) {
            $($to.delivered(at, client, kind);)+
        }

        fn dropped(&mut $self, at: SimTime, client: ClientId, kind: Kind, cause: Cause) {
            $($to.dropped(at, client, kind, cause);)+
        }

        fn rounds(&mut $self, rounds: Rounds) {
            $($to.rounds(rounds);)+
        }

        fn login_arrived(&mut $self, at: SimTime, client: ClientId) {
            $($to.login_arrived(at, client);)+
        }

        fn attempt_timed_out(&mut $self, at: SimTime, client: ClientId) {
            $($to.attempt_timed_out(at, client);)+
        }

        fn answered_late(&mut $self, at: SimTime, client: ClientId) {
            $($to.answered_late(at, client);)+
        }

        fn standing(&mut $self, at: SimTime, client: ClientId, change: StandingChange) {
            $($to.standing(at, client, change);)+
        }

        fn noticed(&mut $self, at: SimTime, client: ClientId, changed_at: SimTime) {
            $($to.noticed(at, client, changed_at);)+
        }

        fn forgot(&mut $self, at: SimTime, seat: Seat) {
            $($to.forgot(at, seat);)+
        }

        fn served(&mut $self, at: SimTime, served: Served) {
            $($to.served(at, served);)+
        }

        fn unserved(&mut $self, at: SimTime, unserved: Unserved) {
            $($to.unserved(at, unserved);)+
        }

        fn turned_away(&mut $self, at: SimTime, node: u32, kind: Kind) {
            $($to.turned_away(at, node, kind);)+
        }

        fn cut(&mut $self, at: SimTime, seat: Seat) {
            $($to.cut(at, seat);)+
        }

        fn mended(&mut $self, at: SimTime, seat: Seat) {
            $($to.mended(at, seat);)+
        }

        fn begins(&mut $self, cell: usize) {
            $($to.begins(cell);)+
        }

        fn ended(&mut $self, n_in_flight: usize) {
            $($to.ended(n_in_flight);)+
        }
    };
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    forward!(self, self.0, self.1);
}

impl<O: Observer> Observer for &mut O {
    forward!(self, (**self));
}
