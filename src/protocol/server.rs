//! The server: its rooms, their members, and who tells whom.
//!
//! Each member is a pure machine ([`Member`]); this is the container that acts on its effects.

mod cast;
mod desk;
mod roll;
mod room;

use prefetch_index::prefetch_index;

use crate::{
    id::{ClientId, Epoch, IdVec, RoomId, SessionId, UserId},
    protocol::{
        backend::{Relogin, ServerCallback},
        call::Notify,
        call::{Ask, Login},
        client::Client,
        code::{ErrorCode, Update},
        journal::{Journal, Reach, What},
        member::{Context, Departed, Departure, Effect, Input, Member, Ouster, State},
        message::{ClientBody, ClientMsg, ServerMsg},
        pulse::Pulse,
        quiet::Past,
        rules::Rules,
    },
    time::SimTime,
};
pub use cast::Cast;
use cast::Devices;
use desk::Desk;
use room::Room;

/// The server of one cell.
#[derive(Debug)]
pub struct Server {
    cast: Cast,
    members: IdVec<SessionId, Member>,
    /// With which connection a client is known to be there, if it is.
    signals: IdVec<SessionId, Option<Epoch>>,
    /// What the sessions' apps want besides being in their rooms.
    desks: IdVec<SessionId, Desk>,
    devices: Devices,
    /// The client by which a user is in rooms, or was last.
    holders: IdVec<UserId, Option<ClientId>>,
    /// Whether a user may log in.
    allowed: IdVec<UserId, Allowed>,
    /// With which codes the logins of a client are refused now; the last one counts.
    refusing: IdVec<ClientId, Vec<ErrorCode>>,
    rooms: IdVec<RoomId, Room>,
    /// The number of each session in its room, or in the last one that it was in.
    numbers: IdVec<SessionId, u32>,
}

/// Whether a user may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    Yes,
    No,
}

/// What the server wants done, drained by the driver before the next call.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Messages to send, in order.
    pub sends: Vec<(SessionId, ServerMsg)>,
    /// Members whose deadline may have moved.
    pub members: Vec<SessionId>,
    /// Rooms whose deadline may have moved.
    pub rooms: Vec<RoomId>,
    /// What the developer's backend is to be told, in order.
    pub callbacks: Vec<ServerCallback>,
}

impl Outbox {
    /// Whether nothing is wanted.
    pub const fn is_empty(&self) -> bool {
        self.sends.is_empty()
            && self.members.is_empty()
            && self.rooms.is_empty()
            && self.callbacks.is_empty()
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.sends.clear();
        self.members.clear();
        self.rooms.clear();
        self.callbacks.clear();
    }
}

/// The parameters and the present instant.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The parameters of the protocol.
    pub rules: &'a Rules,
    /// The present instant.
    pub now: SimTime,
}

/// What the developer's backend asks of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `kickoutUser`: out of the room, see [`Ouster`].
    Oust(RoomId, UserId, Ouster),
    /// The user may not log in any more (spec: R44).
    Forbid(UserId),
    /// `closeRoom`: everybody is put out (spec: R38).
    CloseRoom(RoomId),
}

impl Server {
    /// A server of empty rooms.
    pub fn new(cast: Cast) -> Self {
        let n_sessions = cast.clients.len();
        let n_in_room = n_sessions.checked_div(cast.n_rooms).unwrap_or(0);
        Self {
            members: IdVec::filled(n_sessions, Member::new),
            signals: IdVec::filled(n_sessions, || None),
            desks: IdVec::filled(n_sessions, Desk::default),
            devices: Devices::of(&cast),
            holders: IdVec::filled(cast.n_users, || None),
            allowed: IdVec::filled(cast.n_users, || Allowed::Yes),
            refusing: IdVec::filled(cast.users.len(), Vec::new),
            rooms: IdVec::filled(cast.n_rooms, || Room::with_capacity(n_in_room)),
            numbers: IdVec::filled(n_sessions, || 0),
            cast,
        }
    }

    /// How the server sees a session.
    pub fn member(&self, session: SessionId) -> &Member {
        &self.members[session]
    }

    /// Asks for the memory of a member, without waiting for it.
    #[inline]
    pub fn fetch(&self, session: SessionId) {
        prefetch_index(std::slice::from_ref(&self.members[session]), 0);
    }

    /// Gives a session's pulse back to its client and its member.
    pub fn give_back(&mut self, session: SessionId, pulse: Pulse, client: &mut Client) {
        pulse.give_back(client, &mut self.members[session]);
    }

    /// Lets a member be as rounds that nobody minded have left it.
    pub fn catch_up(&mut self, rules: &Rules, session: SessionId, past: Past) {
        self.members[session] = self.members[session].after_rounds(rules, past);
    }

    /// Whether a session's user has no other client.
    pub fn is_alone(&self, session: SessionId) -> bool {
        self.devices.are_single() || self.devices.count(self.user(session)) == 1
    }

    /// The journal of a room.
    pub fn journal(&self, room: RoomId) -> &Journal {
        &self.rooms[room].journal
    }

    /// When the server has to tell a room's members something.
    pub fn room_deadline(&self, rules: &Rules, room: RoomId) -> SimTime {
        self.rooms[room].journal.publish_at(rules.fan_out)
    }

    /// An app has asked something of its room; the number of the ask comes in a message.
    pub fn post(&mut self, session: SessionId, ask: Ask) {
        self.desks[session].asks.push(ask);
    }

    /// What a session has asked, and the code with which the server answered it, if it did.
    pub fn asked(&self, session: SessionId, number: u32) -> (Ask, Option<ErrorCode>) {
        let desk = &self.desks[session];
        let index = number as usize;
        (desk.asks[index], desk.answers.get(index).copied().flatten())
    }

    /// From now on, logins of the client are refused.
    pub fn refuse(&mut self, client: ClientId, code: ErrorCode) {
        self.refusing[client].push(code);
    }

    /// The refusal with this code has its end.
    pub fn relent(&mut self, client: ClientId, code: ErrorCode) {
        let place = self.refusing[client].iter().position(|it| *it == code);
        self.refusing[client].remove(place.expect("a refusal ends once, after it began"));
    }

    /// Something happens to the server's view of a session.
    pub fn handle(
        &mut self,
        moment: Moment<'_>,
        session: SessionId,
        input: Input<'_>,
        outbox: &mut Outbox,
    ) {
        match input {
            Input::SignalBack(epoch) => self.signals[session] = Some(epoch),
            Input::SignalLost => self.signals[session] = None,
            Input::Receive(_) | Input::Published(_) | Input::Oust(_) | Input::Wake => (),
        }
        let mut context = self.context(moment, session);
        if let Input::Receive(&ClientMsg { epoch, body: ClientBody::Login(login) }) = input
            && self.members[session].is_news(epoch)
        {
            if self.members[session].room().is_some() {
                context.place = self.place(moment, session, login.room);
            }
            context.door = self.door(moment, session, (epoch, login));
        }
        if let (Input::Wake, State::Joining { login, .. }) = (input, &self.members[session].state) {
            context.place = self.place(moment, session, login.room);
            context.refusal = self.refusal(session, login.room);
            context.noted = self.rooms[login.room].journal.noted();
        }
        let effects = self.members[session].step(&context, input);
        outbox.members.push(session);
        for effect in effects.iter() {
            self.carry_out(moment, session, effect, outbox);
        }
    }

    #[inline]
    fn context<'a>(&self, Moment { rules, now }: Moment<'a>, session: SessionId) -> Context<'a> {
        let room = self.members[session].room().map(|it| &self.rooms[it]);
        Context {
            rules,
            now,
            noted: room.map_or_else(Reach::default, |it| it.journal.noted()),
            n_users: room.map_or(0, Room::n_users),
            place: Notify::On,
            door: None,
            refusal: None,
            signal: self.signals[session],
        }
    }

    fn carry_out(
        &mut self,
        moment: Moment<'_>,
        session: SessionId,
        effect: &Effect,
        outbox: &mut Outbox,
    ) {
        match *effect {
            Effect::Send(message) => outbox.sends.push((session, message)),
            Effect::Join(login) => self.join(moment, session, login, outbox),
            Effect::Leave(room, how) => self.leave(moment, session, (room, how), outbox),
            Effect::Relogin(departed) => self.relogin(moment, session, departed, outbox),
            Effect::Do(errands) => self.run_errands(moment, session, errands, outbox),
        }
    }

    /// The changes of a room that are due are told to its members (spec: R18, R23, R29).
    pub fn publish(&mut self, moment: Moment<'_>, room: RoomId, outbox: &mut Outbox) {
        let before = self.rooms[room].journal.published();
        let published = self.rooms[room].journal.publish(moment.now, moment.rules.fan_out);
        outbox.rooms.push(room);
        if published == before {
            return;
        }
        let of_users_alone = published.to_quiet == before.to_quiet;
        // Telling changes nothing about who is present, so the lists may be out of their place.
        let present = std::mem::take(&mut self.rooms[room].present);
        let placed = std::mem::take(&mut self.rooms[room].placed);
        let mut tell = |session: SessionId| {
            if self.members[session].lacks(published) {
                self.handle(moment, session, Input::Published(published), outbox);
            }
        };
        if of_users_alone {
            placed.iter().for_each(|it| tell(*it));
        } else {
            present.iter().for_each(|it| tell(it.session));
        }
        self.rooms[room].present = present;
        self.rooms[room].placed = placed;
    }

    /// Whether a session that logs in to a room is among those who are told of users (spec: R53):
    /// who is there already, by this client or another, keeps its place.
    fn place(&self, moment: Moment<'_>, session: SessionId, room: RoomId) -> Notify {
        let there = self.session_in(self.user(session), room);
        let room = &self.rooms[room];
        there.map_or_else(|| room.place(moment.rules), |it| room.occupant(self.numbers[it]).place)
    }

    /// Why a login that arrives now is to be refused at once, if it is.
    fn door(
        &mut self,
        Moment { rules, now }: Moment<'_>,
        session: SessionId,
        (epoch, login): (Epoch, Login),
    ) -> Option<ErrorCode> {
        // spec: R59
        if let Some(rate) = rules.login_rate
            && !self.rooms[login.room].logins.lets_through(rate, now)
        {
            return Some(ErrorCode::ROOM_TOO_FREQUENT);
        }
        // spec: R45
        if let Some(code) = self.refusing[self.cast.clients[session]].last() {
            return Some(*code);
        }
        if !login.token.is_valid(now) {
            return Some(ErrorCode::TOKEN_INVALID); // spec: R43
        }
        // A session that is alive goes on, but another login is none of it.  spec: R44
        let member = &self.members[session];
        let is_another = member.room().is_some() && !epoch.is_same_login(member.epoch);
        let is_forbidden = self.allowed[self.user(session)] == Allowed::No;
        (is_another && is_forbidden).then_some(ErrorCode::FORBIDDEN)
    }

    /// Why the login of a session to a room, which is being processed, is to be refused, if it is.
    fn refusal(&self, session: SessionId, room: RoomId) -> Option<ErrorCode> {
        let user = self.user(session);
        if self.allowed[user] == Allowed::No {
            return Some(ErrorCode::FORBIDDEN); // spec: R44
        }
        let is_full = self.rooms[room].is_full() && self.session_in(user, room).is_none();
        is_full.then_some(ErrorCode::ROOM_FULL) // spec: R42
    }

    /// The server starts again and knows what it knew: leases begin anew.
    pub fn resume(&mut self, moment: Moment<'_>, outbox: &mut Outbox) {
        for session in self.members.ids() {
            self.members[session].resume(moment);
            outbox.members.push(session);
        }
    }

    /// The server starts again and knows nobody: all rooms are empty.
    pub fn forget(&mut self, moment: Moment<'_>, outbox: &mut Outbox) {
        for session in self.members.ids() {
            let room = self.members[session].room();
            self.members[session].forget();
            self.signals[session] = None;
            outbox.members.push(session);
            if let Some(room) = room {
                self.leave(moment, session, (room, Departure::Fault), outbox);
            }
        }
    }

    fn user(&self, session: SessionId) -> UserId {
        self.cast.users[self.cast.clients[session]]
    }

    /// The session by which a user is in a room, if it is.
    fn session_in(&self, user: UserId, room: RoomId) -> Option<SessionId> {
        let sessions = self.cast.sessions[self.holders[user]?];
        sessions.iter().find(|it| self.members[*it].room() == Some(room))
    }

    fn join(&mut self, moment: Moment<'_>, session: SessionId, login: Login, outbox: &mut Outbox) {
        let (client, user, room) = (self.cast.clients[session], self.user(session), login.room);
        // In the same room the user only changes the device: nobody is told (spec: R31).
        let before = self.session_in(user, room).filter(|it| *it != session);
        let (place, is_told) = match before {
            Some(it) => {
                let occupant = self.rooms[room].occupant(self.numbers[it]);
                (occupant.place, occupant.is_told)
            }
            None => {
                let place = self.rooms[room].place(moment.rules);
                (place, Room::is_told_of(moment.rules, login, place))
            }
        };
        let (number, is_first) = self.rooms[room].enter(session, (place, is_told), login);
        self.numbers[session] = number;
        if is_first {
            outbox.callbacks.push(self.rooms[room].created(room));
        }
        self.holders[user] = Some(client);
        for place in 0..self.devices.count(user) {
            let other = self.devices.at(user, place);
            if other != client {
                self.displace(moment, other, room, outbox); // spec: R9, R32
            }
        }
        let relogin = match before {
            Some(_) => Relogin::Yes,
            None => {
                self.note(moment, room, (user, What::User(Update::Add, is_told)), outbox);
                Relogin::No
            }
        };
        outbox.callbacks.push(self.rooms[room].login(room, (number, user), relogin));
    }

    /// All sessions of a client end because its user came from another one, to this room.
    #[inline(never)]
    fn displace(&mut self, moment: Moment<'_>, client: ClientId, to: RoomId, outbox: &mut Outbox) {
        for place in 0..self.cast.sessions[client].len() {
            let session = self.cast.sessions[client].at(place);
            if self.members[session].room() == Some(to) {
                // Its streams go, the user stays.
                self.end_streams(moment, session, (to, Departure::Elsewhere), outbox);
                self.rooms[to].exit(self.numbers[session]);
                self.oust_quietly(moment, session, outbox);
            } else {
                self.handle(moment, session, Input::Oust(Ouster::OtherClient), outbox);
            }
        }
    }

    /// Puts a session out whose user stays in the room.
    fn oust_quietly(&mut self, moment: Moment<'_>, session: SessionId, outbox: &mut Outbox) {
        let context = self.context(moment, session);
        let input = Input::Oust(Ouster::OtherClient);
        let effects = self.members[session].step(&context, input);
        outbox.members.push(session);
        for effect in effects.iter() {
            if let Effect::Send(message) = *effect {
                outbox.sends.push((session, message));
            }
        }
    }

    /// The developer's backend gives an order; what names who is not there does nothing.
    pub fn obey(&mut self, moment: Moment<'_>, order: Order, outbox: &mut Outbox) {
        match order {
            Order::Oust(room, user, by) => {
                if let Some(session) = self.session_in(user, room) {
                    self.handle(moment, session, Input::Oust(by), outbox);
                }
            }
            Order::Forbid(user) => self.allowed[user] = Allowed::No,
            Order::CloseRoom(room) => {
                let present = self.rooms[room].present.iter();
                let present: Vec<SessionId> = present.map(|it| it.session).collect();
                for session in present {
                    self.handle(moment, session, Input::Oust(Ouster::RoomClosed), outbox);
                }
            }
        }
    }

    #[inline(never)]
    fn leave(
        &mut self,
        moment: Moment<'_>,
        session: SessionId,
        (room, how): (RoomId, Departure),
        outbox: &mut Outbox,
    ) {
        self.end_streams(moment, session, (room, how), outbox);
        let occupant = self.rooms[room].exit(self.numbers[session]);
        let user = self.user(session);
        self.note(moment, room, (user, What::User(Update::Delete, occupant.is_told)), outbox);
        outbox.callbacks.extend(self.rooms[room].logout(room, (occupant, user), how));
    }

    /// A member whose session is alive has logged in again (spec: R30).
    #[inline(never)]
    fn relogin(
        &mut self,
        moment: Moment<'_>,
        session: SessionId,
        departed: Departed,
        outbox: &mut Outbox,
    ) {
        let room = self.members[session].room().expect("who logs in again is in a room");
        if departed == Departed::Streams {
            self.end_streams(moment, session, (room, Departure::Relogin), outbox);
        }
        let who = (self.numbers[session], self.user(session));
        outbox.callbacks.push(self.rooms[room].login(room, who, Relogin::Yes));
    }
}
