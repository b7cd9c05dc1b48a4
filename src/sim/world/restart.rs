//! The server goes down and comes up again, or is slow, or one of its nodes crashes.

use std::borrow::Cow;

use super::World;
use crate::{
    id::{ClientId, Id, RoomId, SessionId},
    observe::Observer,
    protocol::{
        client,
        rules::{Detect, Rules},
    },
    scenario::{ServerEvent, ServerMemory},
};

impl<O: Observer> World<'_, O> {
    pub(super) fn server_event(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Stop => self.stop_server(),
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
    pub(super) fn crash_node(&mut self, client: ClientId) {
        let is_known = self.rules.detect == Detect::AtOutage && self.devices[client].is_running();
        for place in 0..self.devices[client].sessions.len() {
            let session = self.devices[client].sessions.at(place);
            self.sessions[session].lose_node();
        }
        self.lose_notices(client);
        self.each_session(client, is_known.then_some(client::Input::OutageSeen));
    }

    fn stop_server(&mut self) {
        self.n_down += 1;
        self.stop_stations();
        for room in (0..self.cell.rooms.len()).map(RoomId::from_index) {
            self.set_room_deadline(room);
        }
        // Who knows at once of every outage knows of this one (spec: R19).
        let is_known = self.rules.detect == Detect::AtOutage;
        for session in self.sessions.ids() {
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
