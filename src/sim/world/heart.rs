//! Heartbeats one by one, as long as nothing else is to be done about a session.
//!
//! What they touch of a session is kept apart from the rest, in little memory.  Whoever else
//! touches the session has it given back first.

use super::{
    World,
    mail::Parcel,
    session::{LANES, lane},
};
use crate::{
    engine::Waybill,
    id::{ClientId, Epoch, Id, IdVec, SessionId},
    link::{Direction, Verdict, plain::PlainWays},
    observe::Observer,
    protocol::{
        message::{Kind, Lane},
        pulse::Pulse,
    },
    sim::Heartbeats,
    time::{Clock, SimTime},
};

/// What the heartbeats of a session touch; an answer that comes, only the first line of memory.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Heart<'a> {
    /// What client and server know, while it is left to this.
    pub(super) pulse: Option<Pulse>,
    /// When the session's next turn in the agenda's row is; never, if it has none.
    in_row_at: SimTime,
    client: ClientId,
    /// The ways of the messages; of no use, unless they are plain.
    pub(super) ways: PlainWays<'a>,
}

const _: () = assert!(size_of::<Heart<'_>>() <= 256, "four lines of memory");
const _: () = assert!(std::mem::offset_of!(Heart<'_>, ways) == 64, "the first line is the pulse");

impl<O: Observer> World<'_, O> {
    /// Whether a session is left to its heart, now that its deadline is set.
    ///
    /// Not where its heartbeats may be passed over, or wait for other things.
    #[inline(never)]
    pub(super) fn goes_by_heart(&mut self, id: SessionId) -> bool {
        if self.is_by_heart(id) {
            return true;
        }
        let clock = self.devices[self.sessions[id].device].clock;
        let may_rest = self.heartbeats == Heartbeats::PassedOver && clock == Clock::EXACT;
        if may_rest && self.pace(id).is_some() {
            return false;
        }
        let session = &self.sessions[id];
        let (client, member) = (&session.client, self.server.member(id));
        let Some(pulse) = Pulse::of(client, member, clock) else { return false };
        // A heartbeat is overdue where an app stood still.
        if pulse.beat_at() < self.now() || pulse.others_at(client, member) <= pulse.beat_at() {
            return false;
        }
        if !self.is_undisturbed(id) {
            return false;
        }
        let client = self.global(session.device);
        if self.hearts.is_empty() {
            let ways = PlainWays::none(session.entity);
            let heart =
                || Heart { pulse: None, in_row_at: SimTime::NEVER, client, ways: ways.clone() };
            self.hearts = IdVec::filled(self.sessions.len(), heart);
        }
        let slot = self.slot(id);
        let heart = &mut self.hearts[id];
        if heart.in_row_at != pulse.beat_at() {
            if !self.agenda.line_up(slot, pulse.beat_at()) {
                return false;
            }
            heart.in_row_at = pulse.beat_at();
        }
        heart.client = client;
        heart.pulse = Some(pulse);
        self.note_node(id);
        let paths = self.paths(id);
        let (session, heart) = (&self.sessions[id], &mut self.hearts[id]);
        if !heart.ways.are_over(paths) {
            heart.ways = PlainWays::of(session.entity, paths);
        }
        heart.ways.n_sent = session.n_sent.map(|it| it[Lane::Heartbeat as usize]);
        true
    }

    /// Whether a session is left to its heart.
    #[inline]
    pub(super) fn is_by_heart(&self, id: SessionId) -> bool {
        self.hearts.get(id).is_some_and(|it| it.pulse.is_some())
    }

    /// Whether a heartbeat or a probe over a connection is of a session that is left to its heart, so
    /// that it needs no other look: one over an earlier connection may be lost with it.
    #[inline]
    pub(super) fn is_heard_by_heart(&self, id: SessionId, epoch: Epoch) -> bool {
        self.hearts.get(id).and_then(|it| it.pulse.as_ref()).is_some_and(|it| it.is_of(epoch))
    }

    /// When a session that is left to its heart has anything else to do.
    pub(super) fn alarm(&self, id: SessionId) -> SimTime {
        let pulse = self.hearts[id].pulse.expect("it is left to its heart");
        let others = pulse.others_at(&self.sessions[id].client, self.server.member(id));
        // What the next heartbeat finds due, it deals with.
        let alarm_at = pulse.alarm_at();
        if alarm_at < pulse.beat_at() { alarm_at.min(others) } else { others }
    }

    /// A session is left to its heart no longer, if it was.
    #[inline]
    pub(super) fn take_back(&mut self, id: SessionId) {
        if self.is_by_heart(id) {
            self.give_back(id);
        }
    }

    #[inline(never)]
    fn give_back(&mut self, id: SessionId) {
        let heart = &mut self.hearts[id];
        let pulse = heart.pulse.take().expect("it is left to its heart");
        let session = &mut self.sessions[id];
        self.server.give_back(id, pulse, &mut session.client);
        if heart.ways.are_plain() {
            for (n_sent, n) in session.n_sent.iter_mut().zip(heart.ways.n_sent) {
                n_sent[Lane::Heartbeat as usize] = n;
            }
        }
    }

    /// A deadline of a session is due that is left to its heart; whether that is all to be done: a
    /// probe, or nothing, because answers have moved what was due.
    #[inline]
    pub(super) fn wakes_heart(&mut self, id: SessionId) -> bool {
        self.is_by_heart(id) && self.wakes_heart_now(id)
    }

    #[inline(never)]
    fn wakes_heart_now(&mut self, id: SessionId) -> bool {
        let now = self.now();
        let pulse = self.hearts[id].pulse.as_mut().expect("it is left to its heart");
        let (client, member) = (&self.sessions[id].client, self.server.member(id));
        if pulse.beat_at().min(pulse.others_at(client, member)).is_due(now) {
            return false;
        }
        if pulse.owes_a_probe(now) {
            pulse.probe(&self.rules, now);
            let epoch = pulse.epoch();
            self.send_by_heart(id, None, Parcel::Probe(epoch));
        } else if pulse.alarm_at().is_due(now) {
            return false;
        }
        self.agenda.set_deadline(self.slot(id), self.alarm(id));
        true
    }

    /// It is a session's turn in the row: its heartbeat is due, unless it was given back meanwhile.
    pub(super) fn beat(&mut self, id: SessionId) {
        let now = self.now();
        let heart = &mut self.hearts[id];
        if heart.in_row_at == now {
            heart.in_row_at = SimTime::NEVER;
        }
        let Some(pulse) = heart.pulse.as_mut().filter(|it| it.beat_at() == now) else { return };
        if pulse.alarm_at().is_due(now) {
            return self.wake(id);
        }
        pulse.beat(&self.rules, now);
        let (next_at, alarm_at, epoch) = (pulse.beat_at(), pulse.alarm_at(), pulse.epoch());
        let slot = self.slot(id);
        let is_lined_up = self.agenda.line_up(slot, next_at);
        if is_lined_up {
            self.hearts[id].in_row_at = next_at;
        }
        if alarm_at < next_at {
            self.agenda.set_earlier_deadline(slot, alarm_at);
        }
        self.send_by_heart(id, None, Parcel::Heartbeat(epoch));
        if !is_lined_up {
            self.take_back(id);
            self.arm(id);
        }
    }

    /// A message arrives; whether it was a heartbeat, a probe or an answer, and is dealt with.
    #[expect(clippy::inline_always, reason = "of most runs, most is this")]
    #[inline(always)]
    pub(super) fn arrives_at_heart(&mut self, waybill: Waybill, parcel: Parcel) -> bool {
        let id = SessionId::from_index(waybill.lane as usize / LANES);
        let now = self.now();
        let Some(heart) = self.hearts.get_mut(id) else { return false };
        let Some(pulse) = &mut heart.pulse else { return false };
        match parcel {
            Parcel::Heartbeat(epoch) | Parcel::Probe(epoch) if pulse.is_of(epoch) => {
                if let Parcel::Probe(_) = parcel {
                    self.observer.delivered(now, heart.client, Kind::Probe);
                    pulse.hear_probe(&self.rules, now);
                } else {
                    self.observer.delivered(now, heart.client, Kind::Heartbeat);
                    pulse.hear_beat(&self.rules, now);
                }
                self.heard = waybill.number;
                self.send_by_heart(id, Some(waybill.number), Parcel::HeartbeatAck(epoch));
                true
            }
            Parcel::HeartbeatAck(epoch) if pulse.is_of(epoch) => {
                self.observer.delivered(now, heart.client, Kind::HeartbeatAck);
                pulse.hear_answer(&self.rules, now);
                true
            }
            Parcel::Heartbeat(_)
            | Parcel::Probe(_)
            | Parcel::HeartbeatAck(_)
            | Parcel::Other(_) => false,
        }
    }

    /// Sends a heartbeat or a probe, or the answer to the one with a number: it has the same for its
    /// draws.
    #[expect(clippy::inline_always, reason = "of most runs, most is this")]
    #[inline(always)]
    fn send_by_heart(&mut self, id: SessionId, answered: Option<u32>, parcel: Parcel) {
        let now = self.agenda.now();
        let (direction, kind) = match parcel {
            Parcel::Heartbeat(_) => (Direction::Up, Kind::Heartbeat),
            Parcel::Probe(_) => (Direction::Up, Kind::Probe),
            Parcel::HeartbeatAck(_) => (Direction::Down, Kind::HeartbeatAck),
            Parcel::Other(_) => unreachable!("{parcel:?} is nothing that a heart says"),
        };
        let heart = &mut self.hearts[id];
        if !heart.ways.are_plain() {
            let message = self.mail.open(parcel);
            return self.send(id, &message);
        }
        let ways = &mut heart.ways;
        let number = ways.n_sent[direction as usize];
        ways.n_sent[direction as usize] += 1;
        let of_draws = (direction, answered.unwrap_or(number));
        let verdict = ways.send(&mut self.sessions[id].flow, &self.draws, of_draws, now);
        self.observer.sent(now, heart.client, kind);
        match verdict {
            Verdict::Deliver(at) => {
                let lane = lane(id, direction, Lane::Heartbeat);
                self.agenda.send(at, Waybill { lane, number }, parcel);
            }
            Verdict::Drop(cause) => self.observer.dropped(now, heart.client, kind, cause),
            Verdict::Hold(held) => unreachable!("{held:?} on a plain way that nothing stops"),
        }
    }
}
