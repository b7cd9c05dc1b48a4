//! The heartbeats of a connection as its client knows them: when the next one is sent, and until
//! when answers are waited for.

use crate::{
    protocol::rules::{Detect, Rules},
    time::SimTime,
};

/// What a client knows of its heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beats {
    /// When the next heartbeat is sent.
    pub beat_at: SimTime,
    /// When a probe is sent because no answer was heard and nothing sent that asks for one.
    pub probe_at: SimTime,
    /// When the connection is taken for broken because a heartbeat has had no answer.
    pub broken_at: SimTime,
}

impl Beats {
    /// Of a connection that has just been made; the first heartbeat is sent at `beat_at`.
    pub fn first(rules: &Rules, now: SimTime, beat_at: SimTime) -> Self {
        let mut beats = Self { beat_at, probe_at: SimTime::NEVER, broken_at: SimTime::NEVER };
        beats.hear_answer(rules, now);
        beats
    }

    /// When something is due of itself.
    pub fn deadline(&self) -> SimTime {
        self.beat_at.min(self.probe_at).min(self.broken_at)
    }

    /// A heartbeat is sent now.
    #[inline]
    pub fn beat(&mut self, rules: &Rules, now: SimTime) {
        let heartbeat = rules.heartbeat.expect("a beat is due, so there are heartbeats");
        self.beat_at = now + heartbeat.every;
        self.await_answer(rules, now);
    }

    /// An answer is heard now: no heartbeat is taken to be without one.
    #[inline]
    pub fn hear_answer(&mut self, rules: &Rules, now: SimTime) {
        match rules.detect {
            Detect::AtOutage => (),
            Detect::BySilence { probe_after, .. } => {
                self.probe_at = now + probe_after;
                self.broken_at = SimTime::NEVER;
            }
        }
    }

    /// The connection has until then to answer what is sent now, or something earlier.
    #[inline]
    pub fn await_answer(&mut self, rules: &Rules, now: SimTime) {
        match rules.detect {
            Detect::AtOutage => (),
            Detect::BySilence { probe_after, broken_after } => {
                self.probe_at = now + probe_after;
                self.broken_at = self.broken_at.min(now + broken_after);
            }
        }
    }
}
