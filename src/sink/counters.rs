//! Counts the messages of a run, by kind and by what became of them.

use crate::{
    id::ClientId,
    link::Cause,
    observe::{Observer, Rounds},
    protocol::message::Kind,
    time::SimTime,
};

/// What became of the messages of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Sent by client or server.
    pub sent: u64,
    /// Came to the other end.
    pub delivered: u64,
    /// Did not, by cause.
    pub dropped: [u64; Cause::ALL.len()],
}

impl Count {
    fn add(&mut self, more: Self) {
        self.sent += more.sent;
        self.delivered += more.delivered;
        for (sum, dropped) in self.dropped.iter_mut().zip(more.dropped) {
            *sum += dropped;
        }
    }
}

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    counts: [Count; Kind::ALL.len()],
    in_flight: u64,
}

impl Counters {
    /// Adds what others have counted in other cells.
    pub fn join(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            count.add(more);
        }
        self.in_flight += other.in_flight;
    }

    /// What became of the messages of a kind.
    pub const fn of(&self, kind: Kind) -> &Count {
        &self.counts[kind as usize]
    }

    /// What became of all messages.
    pub fn total(&self) -> Count {
        let mut total = Count::default();
        for count in self.counts {
            total.add(count);
        }
        total
    }

    /// How many messages were under way at the end.
    pub const fn in_flight(&self) -> u64 {
        self.in_flight
    }
}

impl Observer for Counters {
    fn sent(&mut self, _: SimTime, _: ClientId, kind: Kind) {
        self.counts[kind as usize].sent += 1;
    }

    fn delivered(&mut self, _: SimTime, _: ClientId, kind: Kind) {
        self.counts[kind as usize].delivered += 1;
    }

    fn dropped(&mut self, _: SimTime, _: ClientId, kind: Kind, cause: Cause) {
        self.counts[kind as usize].dropped[cause as usize] += 1;
    }

    fn rounds(&mut self, Rounds { sent, lost, answers_lost, .. }: Rounds) {
        let add = |count: &mut Count, sent: u32, lost: u32| {
            count.sent += u64::from(sent);
            count.delivered += u64::from(sent - lost);
            count.dropped[Cause::Loss as usize] += u64::from(lost);
        };
        add(&mut self.counts[Kind::Heartbeat as usize], sent, lost);
        add(&mut self.counts[Kind::HeartbeatAck as usize], sent - lost, answers_lost);
    }

    fn ended(&mut self, n_in_flight: usize) {
        self.in_flight += n_in_flight as u64;
    }
}
