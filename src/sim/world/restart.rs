//! The server goes down and comes up again, or is slow, or one of its nodes crashes; connections to
//! it are reset.

use std::borrow::Cow;

use super::{Node, World};
use crate::{
    id::{ClientId, Epoch, Id, RoomId, SessionId},
    observe::Observer,
    protocol::{
        client,
        message::{Message, ServerBody, ServerMsg},
        rules::{Detect, Rules},
    },
    scenario::{Noticed, ServerEvent, ServerMemory},
};

impl<O: Observer> World<'_, O> {
    pub(super) fn server_event(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Stop(noticed) => self.stop_server(noticed),
            ServerEvent::Start(memory) => self.start_server(memory),
            ServerEvent::SlowBegins(span) => {
                self.slow.push(span);
                self.set_pace();
            }
            ServerEvent::SlowEnds(span) => {
                let at = self.slow.iter().rposition(|it| *it == span);
                self.slow.remove(at.expect("what ends has begun"));
                self.set_pace();
            }
        }
    }

    pub(super) const fn is_down(&self) -> bool {
        0 < self.n_down
    }

    /// The server is as slow as what began last and has not ended.
    fn set_pace(&mut self) {
        let rules = self.scenario.rules();
        self.rules = match self.slow.last() {
            None => Cow::Borrowed(rules),
            Some(it) => Cow::Owned(Rules { login_processing: *it, ..rules.clone() }),
        };
    }

    /// What a client is connected to is gone, until it logs in anew.
    pub(super) fn crash_node(&mut self, client: ClientId, noticed: Noticed) {
        let is_known = self.rules.detect == Detect::AtOutage && self.devices[client].is_running();
        for place in 0..self.devices[client].sessions.len() {
            self.lose_connection(self.devices[client].sessions.at(place), noticed);
        }
        self.lose_notices(client);
        self.each_session(client, is_known.then_some(client::Input::OutageSeen));
    }

    /// The connections of a client are reset at the server's end, which is alive and well (A74).
    pub(super) fn reset_connections(&mut self, client: ClientId) {
        for place in 0..self.devices[client].sessions.len() {
            self.reset_connection(self.devices[client].sessions.at(place));
        }
        // Who knows at once of every outage knows of this one, also if the reset is lost.
        let is_known = self.rules.detect == Detect::AtOutage && self.devices[client].is_running();
        self.each_session(client, is_known.then_some(client::Input::OutageSeen));
    }

    fn reset_connection(&mut self, session: SessionId) {
        if self.sessions[session].has_connection() {
            self.lose_connection(session, Noticed::AtOnce);
        }
    }

    /// What is under way on a session's connection is lost, and so is what is sent before the next
    /// login; with `AtOnce` a client that has a connection is told.
    fn lose_connection(&mut self, id: SessionId, noticed: Noticed) {
        let session = &mut self.sessions[id];
        if session.node == Node::Crashed {
            return; // Nothing but a reset is under way on it, which nothing takes back.
        }
        let (is_told, epoch) = (session.has_connection(), session.client.epoch);
        session.lose_connection();
        if is_told && noticed == Noticed::AtOnce {
            self.send(id, &Message::Down(ServerMsg { epoch, body: ServerBody::Reset }));
        }
        self.sessions[id].node = Node::Crashed;
    }

    /// A login comes to the server, perhaps to wait there: from now on there is a connection.
    pub(super) fn login_arrives(&mut self, id: SessionId, epoch: Epoch) {
        let session = &mut self.sessions[id];
        session.connected = session.connected.max(epoch);
        let client = self.cell.clients[session.device.index()];
        self.observer.login_arrived(self.agenda.now(), client);
    }

    fn stop_server(&mut self, noticed: Noticed) {
        self.n_down += 1;
        self.stop_stations();
        for room in (0..self.cell.rooms.len()).map(RoomId::from_index) {
            self.set_room_deadline(room);
        }
        // Who knows at once of every outage knows of this one (spec: R19).
        let is_known = self.rules.detect == Detect::AtOutage;
        for session in self.sessions.ids() {
            if noticed == Noticed::AtOnce {
                self.reset_connection(session);
            }
            if is_known && self.devices[self.sessions[session].device].is_running() {
                self.step_client(session, client::Input::OutageSeen);
            } else {
                self.set_deadline(session);
            }
        }
    }

    fn start_server(&mut self, memory: ServerMemory) {
        self.n_down -= 1;
        let is_up = !self.is_down();
        self.ask_server(|server, moment, outbox| {
            if memory == ServerMemory::Lost {
                server.forget(moment, outbox);
            }
            if is_up {
                server.resume(moment, outbox);
            }
        });
        for room in (0..self.cell.rooms.len()).map(RoomId::from_index) {
            self.set_room_deadline(room);
        }
        for session in self.sessions.ids().collect::<Vec<SessionId>>() {
            // What the server knows of the client's presence it has to learn anew.
            self.sessions[session].signal = false;
            self.settle(session);
        }
    }
}
