//! The server: its rooms, their members, and who tells whom.
//!
//! Each member is a pure machine ([`Member`]); this is the container that acts on its effects.

use crate::{
    id::{ClientId, Epoch, IdVec, RoomId, UserId},
    protocol::{
        call::{Login, Notify},
        code::{ErrorCode, Update},
        journal::{Change, Journal},
        member::{Context, Effect, Input, Member, Ouster, State},
        message::ServerMsg,
        rules::{NotifyGate, Rules},
    },
    time::SimTime,
};

/// The server of one cell.
#[derive(Debug)]
pub struct Server {
    members: IdVec<ClientId, Member>,
    users: IdVec<ClientId, UserId>,
    /// With which connection a client is known to be there, if it is.
    signals: IdVec<ClientId, Option<Epoch>>,
    /// All clients of a user.
    devices: IdVec<UserId, Vec<ClientId>>,
    /// The client by which a user is in a room.
    holders: IdVec<UserId, Option<ClientId>>,
    /// Whether a user may log in.
    allowed: IdVec<UserId, Allowed>,
    /// Whether the others are told of a user: as it wanted when it came into its room.
    notified: IdVec<UserId, Notify>,
    rooms: IdVec<RoomId, Room>,
}

/// Whether a user may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    Yes,
    No,
}

/// A room: who is in it, and how that came about.
#[derive(Clone, Debug, Default)]
struct Room {
    /// The members, in order of their arrival.
    present: Vec<ClientId>,
    /// The most users it may hold, 0 for no limit: as the first user of an empty room wants it.
    max_members: u32,
    journal: Journal,
}

/// What the server wants done, drained by the driver before the next call.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Messages to send, in order.
    pub sends: Vec<(ClientId, ServerMsg)>,
    /// Members whose deadline may have moved.
    pub members: Vec<ClientId>,
    /// Rooms whose deadline may have moved.
    pub rooms: Vec<RoomId>,
}

impl Outbox {
    /// Whether nothing is wanted.
    pub const fn is_empty(&self) -> bool {
        self.sends.is_empty() && self.members.is_empty() && self.rooms.is_empty()
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.sends.clear();
        self.members.clear();
        self.rooms.clear();
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

impl Server {
    /// A server of `n_rooms` empty rooms; `users` tells whose device each client is.
    pub fn new(users: IdVec<ClientId, UserId>, n_users: usize, n_rooms: usize) -> Self {
        let mut devices = IdVec::filled(n_users, Vec::new);
        for (client, user) in users.iter() {
            devices[*user].push(client);
        }
        Self {
            members: IdVec::filled(users.len(), Member::new),
            signals: IdVec::filled(users.len(), || None),
            devices,
            users,
            holders: IdVec::filled(n_users, || None),
            allowed: IdVec::filled(n_users, || Allowed::Yes),
            notified: IdVec::filled(n_users, || Notify::On),
            rooms: IdVec::filled(n_rooms, Room::default),
        }
    }

    /// How the server sees a client.
    pub fn member(&self, client: ClientId) -> &Member {
        &self.members[client]
    }

    /// The journal of a room.
    pub fn journal(&self, room: RoomId) -> &Journal {
        &self.rooms[room].journal
    }

    /// When the server has to tell a room's members something.
    pub fn room_deadline(&self, rules: &Rules, room: RoomId) -> SimTime {
        self.rooms[room].journal.publish_at(rules.fan_out)
    }

    /// Something happens to the server's view of a client.
    pub fn handle(
        &mut self,
        moment: Moment<'_>,
        client: ClientId,
        input: Input,
        outbox: &mut Outbox,
    ) {
        let member = self.members[client];
        let head = member.room().map_or(0, |it| self.rooms[it].journal.head());
        match input {
            Input::SignalBack(epoch) => self.signals[client] = Some(epoch),
            Input::SignalLost => self.signals[client] = None,
            Input::Receive(_) | Input::Published(_) | Input::Oust(_) | Input::Wake => (),
        }
        let (refusal, signal) = (self.refusal(client), self.signals[client]);
        let context = Context { rules: moment.rules, now: moment.now, head, refusal, signal };
        let (member, effects) = member.step(context, input);
        self.members[client] = member;
        outbox.members.push(client);
        for effect in effects.iter() {
            match effect {
                Effect::Send(message) => outbox.sends.push((client, message)),
                Effect::Join(login) => self.join(moment, client, login, outbox),
                Effect::Leave(room) => {
                    self.leave(client, room);
                    self.note_left(moment, room, self.users[client], outbox);
                }
            }
        }
    }

    /// The changes of a room that are due are told to its members (spec: R18, R23, R29).
    pub fn publish(&mut self, moment: Moment<'_>, room: RoomId, outbox: &mut Outbox) {
        let position = self.rooms[room].journal.publish(moment.now, moment.rules.fan_out);
        outbox.rooms.push(room);
        let present = std::mem::take(&mut self.rooms[room].present);
        for client in &present {
            // Telling changes nothing about who is present, so the list may be out of its place.
            self.handle(moment, *client, Input::Published(position), outbox);
        }
        self.rooms[room].present = present;
    }

    /// Why the login of a client that is being processed is to be refused, if it is.
    fn refusal(&self, client: ClientId) -> Option<ErrorCode> {
        let State::Joining { login, .. } = self.members[client].state else { return None };
        let user = self.users[client];
        if self.allowed[user] == Allowed::No {
            return Some(ErrorCode::FORBIDDEN); // spec: R44
        }
        let (room, holder) = (&self.rooms[login.room], self.holders[user]);
        let is_there = holder.is_some_and(|it| self.members[it].room() == Some(login.room));
        let max = room.max_members as usize;
        let is_full = max != 0 && max <= room.present.len() && !is_there;
        is_full.then_some(ErrorCode::ROOM_FULL) // spec: R42
    }

    fn join(&mut self, moment: Moment<'_>, client: ClientId, login: Login, outbox: &mut Outbox) {
        let (user, room) = (self.users[client], login.room);
        // In the same room the user only changes the device: nobody is told (spec: R31).
        let old_room = self.holders[user].and_then(|it| self.members[it].room());
        let stays = old_room == Some(room);
        for place in 0..self.devices[user].len() {
            let other = self.devices[user][place];
            if other != client {
                self.oust(moment, other, Ouster::OtherClient, outbox); // spec: R9, R32
            }
        }
        if let Some(old_room) = old_room.filter(|_| !stays) {
            self.note_left(moment, old_room, user, outbox);
        }
        self.holders[user] = Some(client);
        if !stays && self.rooms[room].present.is_empty() {
            self.rooms[room].max_members = login.max_members;
        }
        self.rooms[room].present.push(client);
        if !stays {
            self.notified[user] = login.notify;
            self.note(moment, room, (user, Update::Add), outbox);
        }
    }

    /// The backend puts a user out of a room (spec: R37); nothing happens when it is not there.
    pub fn kick(&mut self, moment: Moment<'_>, room: RoomId, user: UserId, outbox: &mut Outbox) {
        let client = self.holders[user].filter(|it| self.members[*it].room() == Some(room));
        if let Some(client) = client {
            self.oust(moment, client, Ouster::Backend, outbox);
            self.note_left(moment, room, user, outbox);
        }
    }

    /// The backend forbids a user to log in.
    pub fn forbid(&mut self, user: UserId) {
        self.allowed[user] = Allowed::No;
    }

    /// The backend closes a room: everybody is put out (spec: R38).
    pub fn close(&mut self, moment: Moment<'_>, room: RoomId, outbox: &mut Outbox) {
        for client in self.rooms[room].present.clone() {
            self.kick(moment, room, self.users[client], outbox);
        }
    }

    /// Puts a member out of its room; the journal is the caller's affair.
    fn oust(&mut self, moment: Moment<'_>, client: ClientId, by: Ouster, outbox: &mut Outbox) {
        let context =
            Context { rules: moment.rules, now: moment.now, head: 0, refusal: None, signal: None };
        let (member, effects) = self.members[client].step(context, Input::Oust(by));
        self.members[client] = member;
        outbox.members.push(client);
        for effect in effects.iter() {
            match effect {
                Effect::Send(message) => outbox.sends.push((client, message)),
                Effect::Leave(room) => self.leave(client, room),
                Effect::Join(_) => unreachable!("nobody joins by being put out: {member:?}"),
            }
        }
    }

    fn leave(&mut self, client: ClientId, room: RoomId) {
        let present = &mut self.rooms[room].present;
        let place = present.iter().position(|it| *it == client);
        present.remove(place.expect("who leaves a room was in it"));
        let holder = &mut self.holders[self.users[client]];
        assert_eq!(*holder, Some(client), "who leaves a room was its user's device there");
        *holder = None;
    }

    fn note_left(&mut self, moment: Moment<'_>, room: RoomId, user: UserId, outbox: &mut Outbox) {
        self.note(moment, room, (user, Update::Delete), outbox);
    }

    fn note(
        &mut self,
        moment: Moment<'_>,
        room: RoomId,
        (user, update): (UserId, Update),
        outbox: &mut Outbox,
    ) {
        let is_told = match moment.rules.notify_gate {
            NotifyGate::Both => self.notified[user],
            NotifyGate::Receiver => Notify::On,
        };
        let change = Change { at: moment.now, user, update, is_told };
        self.rooms[room].journal.note(change);
        outbox.rooms.push(room);
    }
}
