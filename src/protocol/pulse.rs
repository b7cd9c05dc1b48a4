//! The pulse of a session: heartbeats, probes and their answers, of which most of a run consists.
//!
//! All that they move, at the client and at the server, is here side by side, so that a heartbeat
//! touches little memory.  A pulse does what [`Client::step`] and [`Member::step`] would do, or
//! nothing at all; a test holds it to that in every state.

use crate::{
    id::Epoch,
    protocol::{
        beats::Beats,
        client::{self, Client},
        member::{self, Member},
        rules::{Anchor, Rules},
    },
    time::{Clock, SimTime},
};

/// What the heartbeats of a session move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulse {
    epoch: Epoch,
    /// By the client's clock.
    beats: Beats,
    lease_ends_at: SimTime,
    clock: Clock,
}

impl Pulse {
    /// The pulse of a client that is in its room, and knows it, as the server does; the client's
    /// deadlines are by its own clock.
    pub fn of(client: &Client, member: &Member, clock: Clock) -> Option<Self> {
        let client::State::Online(online) = &client.state else { return None };
        let member::State::Present(present) = &member.state else { return None };
        let lease_ends_at = present.lease_ends_at;
        (client.epoch == member.epoch).then_some(Self {
            epoch: client.epoch,
            beats: online.beats,
            lease_ends_at,
            clock,
        })
    }

    /// The earliest deadline of client and server that no heartbeat moves.
    pub fn others_at(self, client: &Client, member: &Member) -> SimTime {
        self.clock.when(client.unmoved_deadline()).min(member.unmoved_deadline())
    }

    /// Client and member become what they would be, had they dealt with each message.
    pub fn give_back(self, client: &mut Client, member: &mut Member) {
        let (client::State::Online(online), member::State::Present(present)) =
            (&mut client.state, &mut member.state)
        else {
            panic!("{client:?} and {member:?} have lost their {self:?}")
        };
        online.beats = self.beats;
        present.lease_ends_at = self.lease_ends_at;
    }

    /// Whether a message of this epoch belongs to it.
    #[inline]
    pub fn is_of(&self, epoch: Epoch) -> bool {
        self.epoch == epoch
    }

    /// The epoch of its messages.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When the next heartbeat is sent.
    #[inline]
    pub fn beat_at(&self) -> SimTime {
        self.clock.when(self.beats.beat_at)
    }

    /// When something other than a heartbeat is due, unless messages move it.
    #[inline]
    pub fn alarm_at(&self) -> SimTime {
        self.clock.when(self.beats.probe_at.min(self.beats.broken_at)).min(self.lease_ends_at)
    }

    /// The heartbeat that is due is sent.
    #[inline]
    pub fn beat(&mut self, rules: &Rules, now: SimTime) {
        self.beats.beat(rules, self.clock.shows(now));
    }

    /// Whether nothing is due but a probe, which is sent where an answer is waited for too long.
    #[inline]
    pub fn owes_a_probe(&self, now: SimTime) -> bool {
        let Beats { beat_at, probe_at, broken_at } = self.beats;
        let shown = self.clock.shows(now);
        let is_all = !beat_at.min(broken_at).is_due(shown) && !self.lease_ends_at.is_due(now);
        probe_at.is_due(shown) && is_all
    }

    /// The probe that is due is sent.
    #[inline]
    pub fn probe(&mut self, rules: &Rules, now: SimTime) {
        self.beats.await_answer(rules, self.clock.shows(now));
    }

    /// A probe comes to the server, which answers it like a heartbeat.
    #[inline]
    pub fn hear_probe(&mut self, rules: &Rules, now: SimTime) {
        if rules.lease.anchor == Anchor::LastMessage {
            self.lease_ends_at = rules.lease.renewed(self.lease_ends_at, now);
        }
    }

    /// A heartbeat comes to the server, which answers it.
    #[inline]
    pub fn hear_beat(&mut self, rules: &Rules, now: SimTime) {
        self.lease_ends_at = rules.lease.renewed(self.lease_ends_at, now);
    }

    /// An answer comes to the client.
    #[inline]
    pub fn hear_answer(&mut self, rules: &Rules, now: SimTime) {
        self.beats.hear_answer(rules, self.clock.shows(now));
    }
}
