//! One room at the server: who is in it, and how that came about.

use crate::{
    id::{RoomId, SessionId, StreamId, UserId},
    protocol::{
        backend::{Relogin, ServerCallback, ServerEvent},
        call::{Login, Notify, Slot},
        code::Update,
        gate::Gate,
        journal::{Change, Journal, What},
        member::Departure,
        rules::{NotifyGate, Rules},
    },
};

use super::{Moment, Outbox, Server, roll::Roll};

/// A room.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    /// The members, by the numbers of their sessions: in order of their arrival.
    pub(super) present: Roll<Occupant>,
    /// Those of them who are among those who are told of users (spec: R53).
    pub(super) placed: Roll<SessionId>,
    /// The streams that are published in it.
    pub(super) streams: Vec<(StreamId, SessionId, Slot)>,
    /// The most users it may hold, 0 for no limit: as the first user of an empty room wants it.
    max_members: u32,
    pub(super) journal: Journal,
    pub(super) logins: Gate,
    pub(super) messages: Gate,
    pub(super) extra_infos: Gate,
    /// How many times the room has been created.
    life: u32,
    /// In its present life: how many sessions it has seen, and changes of its member list.
    n_sessions: u32,
    seq: u32,
}

/// A member as its room keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occupant {
    pub(super) session: SessionId,
    /// Whether the user is among those who are told of users (spec: R53).
    pub(super) place: Notify,
    /// Whether apps are told of the user: as it was when the user came (spec: R41, R53).
    pub(super) is_told: Notify,
    /// The number of its session in the room.
    number: u32,
}

impl Room {
    /// An empty room that is to hold about so many members.
    pub(super) fn with_capacity(n: usize) -> Self {
        let (present, journal) = (Roll::with_capacity(n), Journal::with_capacity(n));
        Self { present, journal, ..Self::default() }
    }

    pub(super) fn n_users(&self) -> u32 {
        u32::try_from(self.present.len()).expect("members are limited")
    }

    pub(super) fn is_full(&self) -> bool {
        self.max_members != 0 && self.max_members <= self.n_users()
    }

    /// Whether who comes now is among those who take part in `onRoomUserUpdate` (spec: R53).
    pub(super) fn place(&self, rules: &Rules) -> Notify {
        let is_late = rules.notice_limit != 0 && rules.notice_limit <= self.n_users();
        if is_late { Notify::Off } else { Notify::On }
    }

    /// Whether apps are to be told of the user of a login that comes now (spec: R41, R53).
    pub(super) const fn is_told_of(rules: &Rules, login: Login, place: Notify) -> Notify {
        match (rules.notify_gate, login.notify) {
            (NotifyGate::Both, Notify::Off) => Notify::Off,
            (NotifyGate::Both, Notify::On) | (NotifyGate::Receiver, _) => place,
        }
    }

    pub(super) fn occupant(&self, number: u32) -> Occupant {
        *self.present.get(number).expect("who is in a room is in its list")
    }

    /// Takes a session in; its number, and whether the room has been created by that.
    pub(super) fn enter(
        &mut self,
        session: SessionId,
        (place, is_told): (Notify, Notify),
        login: Login,
    ) -> (u32, bool) {
        let is_first = self.present.is_empty();
        if is_first {
            self.max_members = login.max_members;
            self.life += 1;
            (self.n_sessions, self.seq) = (0, 0);
            self.journal.create();
        }
        self.n_sessions += 1;
        let number = self.n_sessions;
        self.present.push(number, Occupant { session, place, is_told, number });
        if place == Notify::On {
            self.placed.push(number, session);
        }
        (number, is_first)
    }

    /// Lets a session go; the journal and the callbacks are the caller's affair.
    pub(super) fn exit(&mut self, number: u32) -> Occupant {
        self.placed.remove(number);
        self.present.remove(number).expect("who leaves a room was in it")
    }

    pub(super) fn callback(&self, room: RoomId, what: ServerEvent) -> ServerCallback {
        ServerCallback { room, room_session: self.life, what }
    }

    pub(super) fn created(&self, room: RoomId) -> ServerCallback {
        self.callback(room, ServerEvent::RoomCreate)
    }

    pub(super) fn login(
        &mut self,
        room: RoomId,
        (session, user): (u32, UserId),
        relogin: Relogin,
    ) -> ServerCallback {
        self.seq += u32::from(relogin == Relogin::No);
        let seq = self.seq;
        self.callback(room, ServerEvent::RoomLogin { user, relogin, session, seq })
    }

    /// A user has left; and with the last one, the room is closed.
    pub(super) fn logout(
        &mut self,
        room: RoomId,
        (occupant, user): (Occupant, UserId),
        how: Departure,
    ) -> impl Iterator<Item = ServerCallback> + use<> {
        self.seq += 1;
        let (session, seq) = (occupant.number, self.seq);
        let gone = self.callback(room, ServerEvent::RoomLogout { user, how, session, seq });
        let closed = self.callback(room, ServerEvent::RoomClose(how));
        let is_last = self.present.is_empty();
        std::iter::once(gone).chain(is_last.then_some(closed))
    }
}

impl Server {
    /// Notes what happened in a room, for its members to be told.
    pub(super) fn note(
        &mut self,
        moment: Moment<'_>,
        room: RoomId,
        (user, what): (UserId, What),
        outbox: &mut Outbox,
    ) {
        self.rooms[room].journal.note(Change { at: moment.now, user, what });
        outbox.rooms.push(room);
    }

    /// All streams of a session end, in the room that it is leaving.
    pub(super) fn end_streams(
        &mut self,
        moment: Moment<'_>,
        session: SessionId,
        (room, how): (RoomId, Departure),
        outbox: &mut Outbox,
    ) {
        let is_own = |it: &(StreamId, SessionId, Slot)| it.1 == session;
        while let Some(place) = self.rooms[room].streams.iter().position(is_own) {
            let (stream, ..) = self.rooms[room].streams.remove(place);
            self.end_stream(moment, (room, self.user(session)), (stream, how), outbox);
        }
    }

    /// A stream that has been taken off the room's list has ended (spec: R49).
    pub(super) fn end_stream(
        &mut self,
        moment: Moment<'_>,
        (room, user): (RoomId, UserId),
        (stream, how): (StreamId, Departure),
        outbox: &mut Outbox,
    ) {
        let what = What::Stream(stream, Update::Delete, how);
        self.note(moment, room, (user, what), outbox);
        let closed = ServerEvent::StreamClose(user, stream, how);
        outbox.callbacks.push(self.rooms[room].callback(room, closed));
    }
}
