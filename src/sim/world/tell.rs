//! What the apps, the developer's backend and whoever watches are told.

use super::{World, backend::delivered};
use crate::{
    id::{ClientId, Id, RoomId, SessionId, UserId},
    link::PathModel,
    observe::{Callback, Observer, Seat, Standing, StandingChange, Stream, Subject},
    protocol::{
        backend::{ServerCallback, ServerEvent},
        call::{Ask, Notify, Streams},
        client::Effect,
        code::{ErrorCode, Update},
        journal::{Change, Viewer, What},
        member::Departure,
    },
    rng::Entity,
};

impl<O: Observer> World<'_, O> {
    /// Carries out an effect that tells the app something.
    #[inline]
    pub(super) fn tell(&mut self, session: SessionId, effect: &Effect) {
        let client = self.sessions[session].device;
        if let Effect::StateChanged(room, status) = *effect {
            self.call_back(client, Some(room), Callback::StateChanged(status));
        } else if let Effect::RosterDifference(room, range, users) = *effect {
            self.tell_difference(client, room, (range, users));
        } else if let Effect::RosterChanges(room, range, users) = *effect {
            self.tell_changes(client, room, (range, users));
        } else {
            self.tell_more(session, effect);
        }
    }

    /// An effect that comes neither with every login nor with every notice.
    #[inline(never)]
    fn tell_more(&mut self, session: SessionId, effect: &Effect) {
        let client = self.sessions[session].device;
        match *effect {
            Effect::Unasked(room, ask, why) => {
                self.tell_asked(client, room, (ask, ask.unanswered(why)));
            }
            Effect::CallFailed(call, room, code) => {
                self.call_back(client, room, Callback::CallResult(call, code, Subject::None));
            }
            Effect::PublishRefused(room, streams, code) => {
                self.tell_refused(client, room, (streams, code));
            }
            Effect::Answered(room, (from, to)) => {
                for number in from..to {
                    let (ask, code) = self.server.asked(session, number);
                    let code = code.expect("what the server says it answered has an answer");
                    self.tell_asked(client, room, (ask, code));
                }
            }
            Effect::Unanswered(room, (from, to), why) => {
                for number in from..to {
                    let (ask, _) = self.server.asked(session, number);
                    self.tell_asked(client, room, (ask, ask.unanswered(why)));
                }
            }
            Effect::TokenWillExpire(room, secs) => {
                self.call_back(client, Some(room), Callback::TokenWillExpire(secs));
            }
            Effect::OnlineCount(room, n) => {
                self.call_back(client, Some(room), Callback::OnlineCount(n));
            }
            Effect::StateChanged(..) | Effect::RosterDifference(..) | Effect::RosterChanges(..) => {
                unreachable!("{effect:?} is dealt with")
            }
            Effect::Send(_) | Effect::Post(_) | Effect::Spent(_) => {
                unreachable!("{effect:?} tells the app nothing")
            }
        }
    }

    fn tell_asked(&mut self, client: ClientId, room: RoomId, (ask, code): (Ask, ErrorCode)) {
        let told = Callback::CallResult(ask.kind(), code, Subject::Text(ask.text()));
        self.call_back(client, Some(room), told);
    }

    fn tell_refused(
        &mut self,
        client: ClientId,
        room: Option<RoomId>,
        (streams, code): (Streams, ErrorCode),
    ) {
        let call = crate::protocol::call::CallKind::StartPublishingStream;
        let names = self.scenario.streams_of(self.global(client)).to_vec();
        for (_, stream) in streams.of(&names) {
            let subject = Subject::Stream(stream);
            self.call_back(client, room, Callback::CallResult(call, code, subject));
        }
    }

    fn viewer(&self, client: ClientId, users: Notify) -> Viewer {
        Viewer { user: self.devices[client].user, users }
    }

    /// Each change by itself, in the server's order.
    #[inline(never)]
    fn tell_changes(
        &mut self,
        client: ClientId,
        room: RoomId,
        ((from, to), users): ((u32, u32), Notify),
    ) {
        let viewer = self.viewer(client, users);
        for place in self.server.journal(room).places(from, to, users) {
            let Some(change) = self.server.journal(room).told_at(place, viewer) else { continue };
            let Change { at, user, what } = *change;
            self.observer.noticed(self.agenda.now(), self.global(client), at);
            match what {
                What::User(update, _) => self.tell_users(client, room, update, &[user]),
                What::Stream(stream, update, how) => {
                    self.tell_streams(client, room, update, &[(stream, user, how)]);
                }
                What::ExtraInfo(key, value) => {
                    let told = Callback::ExtraInfo(self.global_user(user), key, value);
                    self.call_back(client, Some(room), told);
                }
                What::Broadcast(text) => {
                    let told = Callback::Broadcast(self.global_user(user), text);
                    self.call_back(client, Some(room), told);
                }
            }
        }
    }

    /// What remains of all changes, if there were any.
    #[inline]
    fn tell_difference(
        &mut self,
        client: ClientId,
        room: RoomId,
        ((since, to), users): (([u32; 2], u32), Notify),
    ) {
        if since != [to; 2] {
            self.tell_what_remains(client, room, ((since, to), users));
        }
    }

    /// What remains of all changes: first the streams that ended, then who came, then who left
    /// (spec: R28), then the streams that started.
    #[inline(never)]
    fn tell_what_remains(
        &mut self,
        client: ClientId,
        room: RoomId,
        ((since, to), users): (([u32; 2], u32), Notify),
    ) {
        let viewer = self.viewer(client, users);
        let difference = self.server.journal(room).difference(since, to, viewer);
        self.tell_streams(client, room, Update::Delete, &difference.ended);
        self.tell_users(client, room, Update::Add, &difference.joined);
        self.tell_users(client, room, Update::Delete, &difference.left);
        let started = difference.started.iter().map(|(stream, user)| {
            (*stream, *user, Departure::Logout) // It has not gone.
        });
        let started: Vec<_> = started.collect();
        self.tell_streams(client, room, Update::Add, &started);
        if let Some((user, key, value)) = difference.extra_info {
            let told = Callback::ExtraInfo(self.global_user(user), key, value);
            self.call_back(client, Some(room), told);
        }
    }

    fn tell_users(&mut self, client: ClientId, room: RoomId, update: Update, users: &[UserId]) {
        let global = |it: &UserId| self.global_user(*it);
        let (one, more);
        let users: &[UserId] = match users {
            [] => return,
            [user] => {
                one = [global(user)];
                &one
            }
            _ => {
                more = users.iter().map(global).collect::<Vec<_>>();
                &more
            }
        };
        self.call_back(client, Some(room), Callback::UserUpdate(update, users));
    }

    fn tell_streams(
        &mut self,
        client: ClientId,
        room: RoomId,
        update: Update,
        streams: &[(crate::id::StreamId, UserId, Departure)],
    ) {
        if streams.is_empty() {
            return;
        }
        let global = |(stream, user, how): &(_, UserId, _)| Stream {
            stream: *stream,
            user: self.global_user(*user),
            how: *how,
        };
        let streams: Vec<Stream> = streams.iter().map(global).collect();
        self.call_back(client, Some(room), Callback::StreamUpdate(update, &streams));
    }

    pub(super) fn call_back(&mut self, client: ClientId, room: Option<RoomId>, what: Callback<'_>) {
        let (seat, room) = (self.seat(client), room.map(|it| self.global_room(it)));
        self.observer.callback(self.agenda.now(), seat, room, what);
    }

    /// The developer's backend is told something, by ids of the scenario.
    #[inline]
    pub(super) fn call_backend(&mut self, callback: ServerCallback) {
        if let Some(path) = self.scenario.backend() {
            self.deliver(path, callback);
        }
    }

    #[inline(never)]
    fn deliver(&mut self, path: &PathModel, callback: ServerCallback) {
        let user = |it| self.global_user(it);
        let what = match callback.what {
            ServerEvent::RoomCreate | ServerEvent::RoomClose(_) => callback.what,
            ServerEvent::RoomLogin { user: who, relogin, session, seq } => {
                ServerEvent::RoomLogin { user: user(who), relogin, session, seq }
            }
            ServerEvent::RoomLogout { user: who, how, session, seq } => {
                ServerEvent::RoomLogout { user: user(who), how, session, seq }
            }
            ServerEvent::StreamCreate(who, stream) => ServerEvent::StreamCreate(user(who), stream),
            ServerEvent::StreamClose(who, stream, how) => {
                ServerEvent::StreamClose(user(who), stream, how)
            }
        };
        let number = self.n_callbacks[callback.room];
        self.n_callbacks[callback.room] += 1;
        let room = self.global_room(callback.room);
        let callback = ServerCallback { room, what, ..callback };
        let draws = (&self.draws, Entity::named(&self.scenario.room_name(room)));
        let mut delivery = delivered(path, draws, number, (self.agenda.now(), callback));
        delivery.arrives_at = delivery.arrives_at.filter(|it| *it <= self.scenario.end());
        self.observer.server_callback(delivery);
    }

    /// Whoever watches is told when a client stands otherwise than before.
    pub(super) fn tell_standing(&mut self, id: SessionId) {
        let session = &mut self.sessions[id];
        let is_running = self.devices[session.device].is_running();
        let is_online = session.client.is_online() && is_running;
        let standing = match (self.server.member(id).room(), is_online) {
            (None, false) => Standing::Away,
            (Some(_), false) => Standing::Ghost,
            (None, true) => Standing::Stranded,
            (Some(_), true) => Standing::Present,
        };
        if standing != session.standing {
            let now = self.agenda.now();
            let from = std::mem::replace(&mut session.standing, standing);
            let since = std::mem::replace(&mut session.stands_since, now);
            let client = self.cell.clients[session.device.index()];
            let before = std::mem::replace(&mut session.stood, from);
            let change = StandingChange { before, from, since, to: standing };
            self.observer.standing(now, client, change);
        }
    }

    pub(super) fn global(&self, client: ClientId) -> ClientId {
        self.cell.clients[client.index()]
    }

    pub(super) fn seat(&self, client: ClientId) -> Seat {
        Seat { client: self.global(client), place: client.index() }
    }

    fn global_user(&self, user: UserId) -> UserId {
        self.cell.users[user.index()]
    }

    fn global_room(&self, room: RoomId) -> RoomId {
        self.cell.rooms[room.index()]
    }
}
