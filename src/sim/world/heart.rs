//! Heartbeats one by one, as long as nothing else is to be done about a session.
//!
//! What they touch of a session is kept apart from the rest, in little memory.  Whoever else
//! touches the session has it given back first.

use std::hint::black_box;

use super::{
    World,
    session::{LANES, Session, lane},
};
use crate::{
    engine::Waybill,
    id::{ClientId, Id, IdVec, SessionId},
    link::{Direction, Verdict, plain::PlainWays},
    observe::Observer,
    protocol::{
        message::{ClientBody, ClientMsg, Kind, Lane, Message, ServerBody, ServerMsg},
        pulse::Pulse,
    },
    sim::Heartbeats,
    time::SimTime,
};

/// What the heartbeats of a session touch; an answer that comes, only the first line of memory.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(super) struct Heart<'a> {
    /// What client and server know, while it is left to this.
    pulse: Option<Pulse>,
    /// When the session's next turn in the agenda's row is; never, if it has none.
    in_row_at: SimTime,
    client: ClientId,
    /// The ways of the messages, if they are plain.
    ways: Option<PlainWays<'a>>,
}

const _: () = assert!(size_of::<Heart<'_>>() <= 256, "four lines of memory");

/// So many hearts are fetched from memory at once, before their turns in the row.
const N_FETCHED: usize = 16;
/// So few are near by at any time.
const N_NEAR: usize = 2048;

impl<O: Observer> World<'_, O> {
    /// Whether a session is left to its heart, now that its deadline is set.
    ///
    /// Not where its heartbeats may be passed over, or wait for other things.
    pub(super) fn goes_by_heart(&mut self, id: SessionId) -> bool {
        if self.is_by_heart(id) {
            return true;
        }
        if !self.sessions[id].client.is_online()
            || self.heartbeats == Heartbeats::PassedOver && self.pace(id).is_some()
        {
            return false;
        }
        let session = &self.sessions[id];
        let (client, member) = (&session.client, self.server.member(id));
        let Some(pulse) = Pulse::of(client, member) else { return false };
        if Pulse::others_at(client, member) <= pulse.beat_at() {
            return false;
        }
        if self.stations.is_some() || session.n_lost.is_some() || !self.is_undisturbed(id) {
            return false;
        }
        let client = self.global(session.device);
        if self.hearts.is_empty() {
            let heart = || Heart { pulse: None, in_row_at: SimTime::NEVER, client, ways: None };
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
        let paths = self.paths(id);
        let (session, heart) = (&self.sessions[id], &mut self.hearts[id]);
        if !heart.ways.as_ref().is_some_and(|it| it.are_over(paths)) {
            heart.ways = PlainWays::of(session.entity, paths);
        }
        if let Some(ways) = &mut heart.ways {
            ways.n_sent = session.n_sent.map(|it| it[Lane::Heartbeat as usize]);
        }
        true
    }

    /// Whether a session is left to its heart.
    fn is_by_heart(&self, id: SessionId) -> bool {
        self.hearts.get(id).is_some_and(|it| it.pulse.is_some())
    }

    /// When a session that is left to its heart has anything else to do.
    pub(super) fn alarm(&self, id: SessionId) -> SimTime {
        let pulse = self.hearts[id].pulse.expect("it is left to its heart");
        let others = Pulse::others_at(&self.sessions[id].client, self.server.member(id));
        // What the next heartbeat finds due, it deals with.
        let alarm_at = pulse.alarm_at();
        if alarm_at < pulse.beat_at() { alarm_at.min(others) } else { others }
    }

    /// A session is left to its heart no longer, if it was.
    #[inline]
    pub(super) fn take_back(&mut self, id: SessionId) {
        let Some(heart) = self.hearts.get_mut(id) else { return };
        let Some(pulse) = heart.pulse.take() else { return };
        let session = &mut self.sessions[id];
        self.server.give_back(id, pulse, &mut session.client);
        if let Some(ways) = &heart.ways {
            for (n_sent, n) in session.n_sent.iter_mut().zip(ways.n_sent) {
                n_sent[Lane::Heartbeat as usize] = n;
            }
        }
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
        let message = Message::Up(ClientMsg { epoch, body: ClientBody::Heartbeat });
        let slot = self.slot(id);
        let is_lined_up = self.agenda.line_up(slot, next_at);
        if is_lined_up {
            self.hearts[id].in_row_at = next_at;
        }
        if alarm_at < next_at {
            self.agenda.set_earlier_deadline(slot, alarm_at);
        }
        self.send_by_heart(id, (Direction::Up, None), message);
        if !is_lined_up {
            self.take_back(id);
            self.arm(id);
        }
    }

    /// A message arrives; whether it was a heartbeat or an answer, and is dealt with.
    #[inline]
    pub(super) fn arrives_at_heart(&mut self, waybill: Waybill, message: Message) -> bool {
        let id = SessionId::from_index(waybill.lane as usize / LANES);
        let now = self.now();
        let Some(heart) = self.hearts.get_mut(id) else { return false };
        let Some(pulse) = &mut heart.pulse else { return false };
        match message {
            Message::Up(ClientMsg { epoch, body: ClientBody::Heartbeat }) if pulse.is_of(epoch) => {
                self.observer.delivered(now, heart.client, Kind::Heartbeat);
                pulse.hear_beat(&self.rules, now);
                self.heard = waybill.number;
                let answer = Message::Down(ServerMsg { epoch, body: ServerBody::HeartbeatAck });
                self.send_by_heart(id, (Direction::Down, Some(waybill.number)), answer);
                true
            }
            Message::Down(ServerMsg { epoch, body: ServerBody::HeartbeatAck })
                if pulse.is_of(epoch) =>
            {
                self.observer.delivered(now, heart.client, Kind::HeartbeatAck);
                pulse.hear_answer(&self.rules, now);
                true
            }
            Message::Up(_) | Message::Down(_) => false,
        }
    }

    /// Sends a heartbeat, or the answer to the one with a number: it has the same for its draws.
    #[expect(clippy::inline_always, reason = "of most runs, most is this")]
    #[inline(always)]
    fn send_by_heart(
        &mut self,
        id: SessionId,
        (direction, answered): (Direction, Option<u32>),
        message: Message,
    ) {
        let (now, kind) = (self.agenda.now(), message.kind());
        let heart = &mut self.hearts[id];
        let Some(ways) = &mut heart.ways else { return self.send(id, direction, message) };
        let number = ways.n_sent[direction as usize];
        ways.n_sent[direction as usize] += 1;
        let of_draws = (direction, answered.unwrap_or(number));
        let verdict = ways.send(&mut self.sessions[id].flow, &self.draws, of_draws, now);
        self.observer.sent(now, heart.client, kind);
        match verdict {
            Verdict::Deliver(at) => {
                let lane = lane(id, direction, Lane::Heartbeat);
                self.agenda.send(at, Waybill { lane, number }, message);
            }
            Verdict::Drop(cause) => self.observer.dropped(now, heart.client, kind, cause),
        }
    }

    /// Fetches from memory what the next turns in the row need, all at once: else each would wait for
    /// its own.
    #[inline]
    pub(super) fn fetch_for_turns(&mut self) {
        if !self.is_large() {
            return;
        }
        self.n_fetched[0] = self.n_fetched[0].checked_sub(1).unwrap_or_else(|| {
            let slots = (0..N_FETCHED).map_while(|it| self.agenda.in_row(it));
            let n_rooms = self.cell.rooms.len();
            self.fetch(slots.map(|it| SessionId::from_index(it - n_rooms)))
        });
    }

    /// The same for the next parcels that arrive.
    #[inline]
    pub(super) fn fetch_for_arrivals(&mut self) {
        if !self.is_large() {
            return;
        }
        self.n_fetched[1] = self.n_fetched[1].checked_sub(1).unwrap_or_else(|| {
            let parcels = (0..N_FETCHED).map_while(|it| self.agenda.arriving(it));
            self.fetch(parcels.map(|(waybill, message)| {
                black_box(message.kind());
                SessionId::from_index(waybill.lane as usize / LANES)
            }))
        });
    }

    /// Whether what is needed next may be far away.  Where parcels wait for the server, too, not all
    /// of them are messages of sessions.
    fn is_large(&self) -> bool {
        N_NEAR <= self.sessions.len() && self.stations.is_none()
    }

    /// Fetches what an event of each of these sessions needs; how many there are.
    fn fetch(&self, next: impl Iterator<Item = SessionId>) -> usize {
        let fetch = |id| match self.hearts.get(id) {
            Some(heart) if heart.pulse.is_some() => {
                black_box(heart.ways.as_ref().map(PlainWays::touched));
            }
            Some(_) | None => {
                let session = &self.sessions[id];
                let device = &self.devices[session.device];
                let Session { client, luck, n_sent, .. } = session;
                let member = self.server.member(id);
                black_box((client.epoch, client.wishes.version, luck, n_sent, member.epoch));
                black_box((device.kinds, device.n_outages));
            }
        };
        next.map(fetch).count()
    }
}
