//! What the server does for a member besides keeping it in its room: streams, infos, messages.

use crate::{
    id::{RoomId, SessionId},
    protocol::{
        backend::ServerEvent,
        call::{Ask, Streams},
        code::{ErrorCode, Update},
        journal::What,
        member::Departure,
        message::{Errands, Refused, ServerBody, ServerMsg},
    },
};

use super::{Moment, Outbox, Server};

/// What a session has asked of its room in all its life, and how it was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Desk {
    /// What was asked, in order; a message names it by its number.
    pub(super) asks: Vec<Ask>,
    /// The codes of those that came to the server; of the others, nothing.
    pub(super) answers: Vec<Option<ErrorCode>>,
}

impl Server {
    /// Does what a member wants; whatever has been done already is not done again.
    #[inline(never)]
    pub(super) fn run_errands(
        &mut self,
        moment: Moment<'_>,
        session: SessionId,
        errands: Errands,
        outbox: &mut Outbox,
    ) {
        let room = self.members[session].room().expect("who wants something is in a room");
        let refused = self.publish_streams(moment, (session, room), errands, outbox);
        // What the client has given up on before is not done.
        let n_known = self.desks[session].answers.len().max(errands.answered as usize);
        self.desks[session].answers.resize(n_known, None);
        for number in n_known..errands.asked as usize {
            let ask = self.desks[session].asks[number];
            let answer = self.answer(moment, (session, room), ask, outbox);
            self.desks[session].answers.push(Some(answer));
        }
        let (version, answered) = (errands.version, errands.asked);
        let body = ServerBody::ErrandsDone { version, answered, refused };
        let epoch = self.members[session].epoch;
        outbox.sends.push((session, ServerMsg { epoch, body }));
    }

    /// Lets the streams of a member be those that it wants, and gives those that it may not have.
    fn publish_streams(
        &mut self,
        moment: Moment<'_>,
        (session, room): (SessionId, RoomId),
        Errands { streams: wanted, token, .. }: Errands,
        outbox: &mut Outbox,
    ) -> Refused {
        let user = self.user(session);
        let mut published = Streams::NONE;
        for (_, _, slot) in self.rooms[room].streams.iter().filter(|it| it.1 == session) {
            published = published.with(*slot);
        }
        let names = self.cast.streams[self.cast.clients[session]].clone();
        for (_, stream) in published.minus(wanted).of(&names) {
            self.rooms[room].streams.retain(|it| it.0 != stream);
            self.end_stream(moment, (room, user), (stream, Departure::Logout), outbox);
        }
        let mut refused = Refused::default();
        for (slot, stream) in wanted.minus(published).of(&names) {
            if self.rooms[room].streams.iter().any(|it| it.0 == stream) {
                refused.taken = refused.taken.with(slot); // spec: R50
            } else if !token.is_valid(moment.now) {
                refused.barred = refused.barred.with(slot); // spec: R52
            } else {
                self.rooms[room].streams.push((stream, session, slot));
                let what = What::Stream(stream, Update::Add, Departure::Logout);
                self.note(moment, room, (user, what), outbox); // spec: R49
                let created = ServerEvent::StreamCreate(user, stream);
                outbox.callbacks.push(self.rooms[room].callback(room, created));
            }
        }
        refused
    }

    /// Does something that was asked, or refuses it with a code.
    fn answer(
        &mut self,
        moment: Moment<'_>,
        (session, room): (SessionId, RoomId),
        ask: Ask,
        outbox: &mut Outbox,
    ) -> ErrorCode {
        let (rates, now) = (moment.rules.rates, moment.now);
        let what = match ask {
            Ask::ExtraInfo(key, value) => {
                // spec: R56
                if self.rooms[room].journal.extra_key().is_some_and(|it| it != key) {
                    return ErrorCode::EXTRA_KEYS;
                }
                if !self.rooms[room].extra_infos.lets_through(rates.extra_infos, now) {
                    return ErrorCode::ROOM_TOO_FREQUENT;
                }
                What::ExtraInfo(key, value)
            }
            Ask::Broadcast(text) => {
                // spec: R58
                if !self.rooms[room].messages.lets_through(rates.room_messages, now) {
                    return ErrorCode::MESSAGES_TOO_FREQUENT;
                }
                What::Broadcast(text)
            }
        };
        let user = self.user(session);
        self.note(moment, room, (user, what), outbox);
        ErrorCode::OK
    }
}
