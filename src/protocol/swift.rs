//! The steps of which most of a run consists, in place: a heartbeat and its answer.
//!
//! Each does what [`Client::step`] and [`Member::step`] would do, or nothing at all; a test holds
//! it to that in every state.

use crate::{
    id::SessionId,
    protocol::{
        client::{self, Client},
        member::{self, Member},
        message::{ClientBody, ClientMsg, ServerBody, ServerMsg},
        rules::Rules,
        server::Server,
    },
    time::SimTime,
};

impl Client {
    /// Sends a heartbeat, if that is what is due.
    #[inline]
    pub fn beat(&mut self, rules: &Rules, now: SimTime) -> Option<ClientMsg> {
        let epoch = self.epoch;
        let client::State::Online(online) = &mut self.state else { return None };
        let is_due = online.beat_at.is_due(now) && !online.broken_at.is_due(now);
        if !is_due {
            return None;
        }
        online.beat(rules, now);
        Some(ClientMsg { epoch, body: ClientBody::Heartbeat })
    }

    /// Takes the answer to a heartbeat, if the message is one; whether it has.
    #[inline]
    pub fn hear_answer(&mut self, rules: &Rules, now: SimTime, message: ServerMsg) -> Heard {
        let is_own = message.epoch == self.epoch && message.body == ServerBody::HeartbeatAck;
        let client::State::Online(online) = &mut self.state else { return Heard::No };
        if !is_own {
            return Heard::No;
        }
        online.hear_answer(rules, now);
        Heard::Yes
    }
}

/// Whether a message was one for a swift step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It was, and is dealt with.
    Yes,
    /// It was not.
    No,
}

impl Member {
    /// Takes a heartbeat, if the message is one; the answer.
    #[inline]
    pub fn hear_beat(
        &mut self,
        rules: &Rules,
        now: SimTime,
        message: ClientMsg,
    ) -> Option<ServerMsg> {
        let is_own = message.epoch == self.epoch && message.body == ClientBody::Heartbeat;
        let member::State::Present(present) = &mut self.state else { return None };
        if !is_own {
            return None;
        }
        present.hear_beat(rules, now);
        Some(ServerMsg { epoch: message.epoch, body: ServerBody::HeartbeatAck })
    }
}

impl Server {
    /// Takes a heartbeat of a session, if the message is one; the answer.
    #[inline]
    pub fn hear_beat(
        &mut self,
        (rules, now): (&Rules, SimTime),
        session: SessionId,
        message: ClientMsg,
    ) -> Option<ServerMsg> {
        self.member_mut(session).hear_beat(rules, now, message)
    }
}
