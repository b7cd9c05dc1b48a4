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
    time::SimTime,
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

/// A watcher of a run.  Every method does nothing unless a sink says otherwise.
pub trait Observer {
    /// An app is told something, of a room or of nothing in particular.
    fn callback(
        &mut self,
        at: SimTime,
        client: ClientId,
        room: Option<RoomId>,
        what: Callback<'_>,
    ) {
        let _ = (at, client, room, what);
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

    /// A cell has come to its end with so many messages under way.
    fn ended(&mut self, n_in_flight: usize) {
        let _ = n_in_flight;
    }
}

/// Nobody watches.
impl Observer for () {}

macro_rules! forward {
    ($self:ident, $($to:expr),+) => {
        fn callback(
            &mut $self,
            at: SimTime,
            client: ClientId,
            room: Option<RoomId>,
            what: Callback<'_>,
        ) {
            $($to.callback(at, client, room, what);)+
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
