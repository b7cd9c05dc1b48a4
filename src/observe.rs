//! What a run tells those who watch it.
//!
//! One stream of records, any number of sinks.  A sink gets nothing by which it could change a run.

use crate::{
    id::{ClientId, RoomId, UserId},
    link::Cause,
    protocol::{
        code::{ErrorCode, Reason, Update},
        message::Kind,
    },
    time::SimTime,
};

/// What an app is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback<'a> {
    /// `onRoomStateChanged`.
    StateChanged(Reason, ErrorCode),
    /// `onRoomUserUpdate`.
    UserUpdate(Update, &'a [UserId]),
    /// `loginRoom` returned an error and changed nothing.
    LoginRoomFailed(ErrorCode),
}

/// A watcher of a run.  Every method does nothing unless a sink says otherwise.
pub trait Observer {
    /// An app is told something.
    fn callback(&mut self, at: SimTime, client: ClientId, room: RoomId, what: Callback<'_>) {
        let _ = (at, client, room, what);
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
        fn callback(&mut $self, at: SimTime, client: ClientId, room: RoomId, what: Callback<'_>) {
            $($to.callback(at, client, room, what);)+
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
