//! Quiet time: a client in its room and the server say nothing to each other but heartbeats and
//! their answers, and the heartbeats that get lost are too few for either to mind.
//!
//! What many such rounds make of a client and of its member is known at once.

use crate::{
    id::Epoch,
    protocol::{
        beats::Beats,
        client::{self, Client},
        member::{self, Member},
        rules::{Anchor, Detect, Rules},
    },
    time::{SimSpan, SimTime},
};

/// How the rounds of quiet time go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time from one heartbeat to the next.
    pub every: SimSpan,
    /// How many rounds may fail one after the other without being minded, at most.
    pub bears: u32,
    /// The longest that a round takes.
    pub round_trip: SimSpan,
}

impl Pace {
    /// The pace over ways, up and down, of which these are the longest delays; or why the rounds
    /// cannot be told apart from what comes between.
    pub fn of(rules: &Rules, [up, down]: [SimSpan; 2]) -> Result<Self, &'static str> {
        let Some(heartbeat) = rules.heartbeat else { return Err("there are no heartbeats") };
        let (every, round_trip) = (heartbeat.every.as_micros(), (up + down).as_micros());
        if every <= round_trip {
            return Err("an answer may come after the next heartbeat");
        }
        // After a round at `t` and `n` that fail, the next is answered at t + (n + 1) every +
        // round_trip at the latest.
        let least = |within: SimSpan, late: u64| within.as_micros().checked_sub(late + 1);
        let by_client = match rules.detect {
            Detect::AtOutage => u64::MAX,
            Detect::BySilence { probe_after, .. } if probe_after.as_micros() < every => {
                return Err("clients probe between heartbeats");
            }
            Detect::BySilence { broken_after, .. } => match least(broken_after, round_trip) {
                Some(spare) => spare / every,
                None => return Err("connections break before an answer can come"),
            },
        };
        let by_server = match rules.lease.anchor {
            Anchor::Outage => u64::MAX,
            Anchor::LastMessage | Anchor::LastHeartbeat => {
                match least(rules.lease.after, every + up.as_micros()) {
                    Some(spare) => spare / every,
                    None => return Err("leases end between heartbeats"),
                }
            }
        };
        let bears = u32::try_from(by_client.min(by_server)).unwrap_or(u32::MAX);
        Ok(Self { every: heartbeat.every, bears, round_trip: up + down })
    }
}

/// What is still known of rounds that have passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// When the last heartbeat was sent.
    pub sent_at: SimTime,
    /// When the next one will be.
    pub next_at: SimTime,
    /// When the answer to the last one came; nothing, if it has not come.
    pub answered_at: Option<SimTime>,
    /// When the first heartbeat was sent after the last that was answered; never, if that was the
    /// last of all.
    pub open_since: SimTime,
    /// When a heartbeat arrived at the server last, if one did.
    pub heard_at: Option<SimTime>,
}

/// When quiet time would next do something, and when it would end of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// When the next heartbeat is sent.
    pub beat_at: SimTime,
    /// The earliest deadline that no round moves.
    pub until: SimTime,
}

impl Client {
    /// When the client's next heartbeat is due, if nothing but heartbeats is to come.
    pub fn rest(&self) -> Option<Rest> {
        let client::State::Online(online) = self.state else { return None };
        let Beats { beat_at, probe_at, broken_at } = online.beats;
        let is_calm = broken_at == SimTime::NEVER && beat_at <= probe_at;
        is_calm.then_some(Rest { beat_at, until: self.unmoved_deadline() })
    }

    /// Whether a client in its room has the member list: who waits for it is disturbed soon.
    pub fn has_settled(&self) -> bool {
        let client::State::Online(online) = &self.state else { return false };
        online.roster == client::Roster::Known
    }

    /// The earliest deadline of a client in its room that neither heartbeats nor answers move.
    pub(super) fn unmoved_deadline(&self) -> SimTime {
        match &self.state {
            client::State::Online(online) => online.unmoved_deadline().min(self.wishes.warn_at),
            client::State::LoggedOut(_)
            | client::State::Logining { .. }
            | client::State::Reconnecting { .. } => SimTime::NEVER,
        }
    }

    /// The client after rounds that nobody minded.
    #[must_use]
    pub fn after_rounds(self, rules: &Rules, past: Past) -> Self {
        let client::State::Online(online) = self.state else {
            panic!("{self:?} has sent heartbeats")
        };
        let mut beats = Beats { beat_at: past.next_at, ..online.beats };
        match rules.detect {
            Detect::AtOutage => (),
            Detect::BySilence { probe_after, broken_after } => {
                beats.probe_at = past.answered_at.unwrap_or(past.sent_at) + probe_after;
                beats.broken_at = if past.open_since == SimTime::NEVER {
                    SimTime::NEVER
                } else {
                    past.open_since + broken_after
                };
            }
        }
        let online = client::Online { beats, ..online };
        Self { state: client::State::Online(online), ..self }
    }
}

impl Member {
    /// Until when the server has nothing to do about a member but to answer heartbeats of this
    /// connection; the lease, if it runs, must not end before `renewed_at`.
    pub fn rest(&self, epoch: Epoch, renewed_at: SimTime) -> Option<SimTime> {
        let member::State::Present(present) = self.state else { return None };
        let is_calm = self.epoch == epoch && renewed_at < present.lease_ends_at;
        is_calm.then(|| self.unmoved_deadline())
    }

    /// Whether a member in its room has acknowledged all that it was told: who has not, does so soon.
    pub fn has_settled(&self) -> bool {
        let member::State::Present(present) = &self.state else { return false };
        match present.feed {
            member::Feed::Closed => false,
            member::Feed::Open { repeat, .. } => repeat.at == SimTime::NEVER,
        }
    }

    /// The earliest deadline of a member in its room that no heartbeat moves.
    pub(super) fn unmoved_deadline(&self) -> SimTime {
        match &self.state {
            member::State::Present(present) => present.unmoved_deadline(),
            member::State::Absent(_) | member::State::Joining { .. } | member::State::Ousted(_) => {
                SimTime::NEVER
            }
        }
    }

    /// The member after rounds that nobody minded.
    #[must_use]
    pub fn after_rounds(self, rules: &Rules, past: Past) -> Self {
        let (member::State::Present(present), Some(heard_at)) = (self.state, past.heard_at) else {
            return self;
        };
        let lease_ends_at = match rules.lease.anchor {
            Anchor::Outage => present.lease_ends_at,
            // Another message may have come since.
            Anchor::LastMessage | Anchor::LastHeartbeat => {
                present.lease_ends_at.max(heard_at + rules.lease.after)
            }
        };
        let present = member::Present { lease_ends_at, ..present };
        Self { state: member::State::Present(present), ..self }
    }
}
