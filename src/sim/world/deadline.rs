//! When sessions and rooms have something to do next, and that the time has come.

use super::World;
use crate::{
    id::{Id, RoomId, SessionId},
    observe::Observer,
    protocol::{client, member},
    time::SimTime,
};

impl<O: Observer> World<'_, O> {
    /// A deadline of a session is due, on the server's side or on the client's; the server goes
    /// first.
    pub(super) fn wake(&mut self, session: SessionId) {
        self.fetch_all(session);
        if self.wakes_heart(session) {
            return;
        }
        self.catch_up(session);
        let rest = if self.may_go_alone(session) { self.rest(session) } else { None };
        if rest.is_some_and(|at| self.now() < at) {
            self.set_deadline(session);
        } else if self.member_deadline(session).is_due(self.now()) {
            self.step_member(session, member::Input::Wake);
        } else if !self.client_deadline(session).is_due(self.now()) {
            self.arm(session); // It has moved meanwhile.
        } else {
            self.step_client(session, client::Input::Wake);
        }
    }

    pub(super) fn set_deadline(&mut self, id: SessionId) {
        self.tell_standing(id);
        self.arm(id);
    }

    /// Sets the deadline of a session that stands as it did before.
    pub(super) fn arm(&mut self, id: SessionId) {
        let at = if self.may_go_alone(id) {
            match self.rest(id) {
                Some(at) => at,
                None if self.goes_by_heart(id) => self.alarm(id),
                None => self.next_step_at(id),
            }
        } else {
            self.next_step_at(id)
        };
        // What was due while the app stood still, or the server was down, is due now.
        self.agenda.set_deadline(self.slot(id), at.max(self.now()));
    }

    /// When client or server next have something to do about a session.
    #[inline]
    fn next_step_at(&self, id: SessionId) -> SimTime {
        self.client_deadline(id).min(self.member_deadline(id))
    }

    /// The slot of a session on the agenda, after those of the rooms.
    pub(super) fn slot(&self, id: SessionId) -> usize {
        self.cell.rooms.len() + id.index()
    }

    /// When a client has something to do: never, while its app does not run.
    #[inline]
    fn client_deadline(&self, id: SessionId) -> SimTime {
        let session = &self.sessions[id];
        let device = &self.devices[session.device];
        if device.is_running() {
            device.clock.when(session.client.deadline())
        } else {
            SimTime::NEVER
        }
    }

    /// When the server has something to do about a session: never, while it is down.
    fn member_deadline(&self, id: SessionId) -> SimTime {
        if self.is_down() { SimTime::NEVER } else { self.server.member(id).deadline() }
    }

    pub(super) fn set_room_deadline(&mut self, room: RoomId) {
        let at = if self.is_down() {
            SimTime::NEVER
        } else {
            self.server.room_deadline(&self.rules, room).max(self.now())
        };
        self.agenda.set_deadline(room.index(), at);
    }
}
