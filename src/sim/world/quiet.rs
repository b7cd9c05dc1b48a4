//! Quiet time: the rounds of a session that nothing disturbs are not simulated one by one.
//!
//! A session at rest is woken before the first round that matters.  Whatever touches it earlier
//! first lets it catch up: it becomes what it would be had each of its messages been simulated up
//! to this very event, with whatever is under way on the agenda.

use super::{
    World,
    mail::Parcel,
    session::{Node, lane},
};
use crate::{
    engine::Waybill,
    id::{Id, LinkId, SessionId},
    link::{
        Direction, PathModel,
        ahead::{Course, Outlook},
        bits::Bits,
    },
    observe::{Observer, Rounds},
    protocol::{
        message::{Kind, Lane},
        quiet::{Pace, Past},
        server::Order,
    },
    scenario::Action,
    sim::{Heartbeats, obstacles::pace_over},
    time::{Clock, SimSpan, SimTime},
};

/// How far the events of the present instant have come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    at: SimTime,
    /// The key of the last parcel, in order of waybills, that has arrived at this instant: those
    /// before it would have, too.
    arrived: u64,
    /// One more than the last slot of which a deadline was due at this instant; zero, if none was.
    n_due: usize,
}

impl Turn {
    pub(super) const START: Self = Self { at: SimTime::ZERO, arrived: 0, n_due: 0 };

    /// After all that happens up to and at `end`.
    pub(super) const fn end(end: SimTime) -> Self {
        Self { at: end, arrived: 0, n_due: usize::MAX }
    }

    /// Whether all is over.
    const fn is_end(self) -> bool {
        self.n_due == usize::MAX
    }

    fn at(&mut self, now: SimTime) {
        if self.at != now {
            *self = Self { at: now, arrived: 0, n_due: 0 };
        }
    }

    pub(super) fn script(&mut self, now: SimTime) {
        self.at(now);
    }

    pub(super) fn arrival(&mut self, now: SimTime, waybill: Waybill) {
        self.at(now);
        self.arrived = self.arrived.max(waybill.key());
    }

    /// Workers of the server are done after all that arrives.
    pub(super) fn work_ends(&mut self, now: SimTime) {
        self.at(now);
        self.arrived = u64::MAX;
    }

    pub(super) fn deadline(&mut self, now: SimTime, slot: usize) {
        self.at(now);
        self.n_due = self.n_due.max(slot + 1);
    }

    /// Whether a deadline of the slot at that time would have been due by now.
    fn has_passed(self, slot: usize, at: SimTime) -> bool {
        at < self.at || at == self.at && slot + 1 < self.n_due
    }

    /// Whether a parcel of that time would have arrived by now.
    fn has_arrived(self, waybill: Waybill, at: SimTime) -> bool {
        at < self.at || at == self.at && (self.n_due != 0 || waybill.key() < self.arrived)
    }
}

/// What is known of the rounds that a session is to make.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prospect {
    /// The kinds of link that it holds for.
    kinds: Option<[LinkId; 2]>,
    /// The pace over these, if quiet time can be told there.
    pace: Option<Pace>,
    /// The number of the first heartbeat that has to be simulated, as far as has been looked.
    loud: u32,
}

impl Prospect {
    pub(super) const NONE: Self = Self { kinds: None, pace: None, loud: 0 };
}

/// The waybill of a heartbeat, or of the answer to one.
fn waybill(id: SessionId, direction: Direction, number: u32) -> Waybill {
    Waybill { lane: lane(id, direction, Lane::Heartbeat), number }
}

/// What became of the last of the rounds.
#[derive(Clone, Copy, Debug)]
enum Last {
    /// All of it is over: when the heartbeat arrived, and its answer, unless lost.
    Over(Option<SimTime>, Option<SimTime>),
    /// The heartbeat is under way.
    Up(SimTime),
    /// The heartbeat has arrived, its answer is under way.
    Down(SimTime, SimTime),
}

/// The most failed rounds that are passed over: far fewer than are looked at.
const BEARS_MAX: u32 = 64;

/// How many of the rounds that are known are quiet, for sure.
fn n_quiet(Outlook { restless: [up, down], n_known }: Outlook, bears: u32) -> u32 {
    let failed = up | down;
    let loud = failed.first_run(bears + 1).filter(|it| *it < n_known);
    // What fails at the end of what is known may go on.
    loud.unwrap_or_else(|| n_known - failed.n_before(n_known))
}

impl<'a, O: Observer> World<'a, O> {
    /// The ways of a session's messages now, up and down.
    pub(super) fn paths(&self, id: SessionId) -> [&'a PathModel; 2] {
        let (links, kinds) = (self.scenario.links(), self.devices[self.sessions[id].device].kinds);
        Direction::BOTH.map(|it| links[kinds[it as usize]].model.path(it))
    }

    /// Whether a session may be left to itself, at rest or to its heart, or is: whoever is about to
    /// be disturbed again is not.
    #[inline]
    pub(super) fn may_go_alone(&self, id: SessionId) -> bool {
        let session = &self.sessions[id];
        if session.resting_until.is_some() || self.is_by_heart(id) {
            return true;
        }
        session.client.has_settled() && self.server.member(id).has_settled()
    }

    /// The deadline of a session that is at rest, or goes to rest now; nothing, if it does not.
    #[inline]
    pub(super) fn rest(&mut self, id: SessionId) -> Option<SimTime> {
        match self.heartbeats {
            Heartbeats::PassedOver => self.rest_now(id),
            Heartbeats::EachOne => None,
        }
    }

    fn rest_now(&mut self, id: SessionId) -> Option<SimTime> {
        let session = &self.sessions[id];
        let Some(rest) = session.client.rest() else {
            assert!(session.resting_until.is_none(), "{session:?} was not roused");
            return None;
        };
        if let Some(until) = session.resting_until {
            // What neither heartbeats nor answers move may have moved.
            let member = self.server.member(id).rest(session.client.epoch, SimTime::ZERO);
            let member_until = member.expect("whoever rests is a member");
            return Some(until.min(rest.until).min(member_until));
        }
        // Whoever has something to do before the next heartbeat does not go to rest.
        let member = self.server.member(id);
        if member.rest(session.client.epoch, rest.beat_at)?.min(rest.until) <= rest.beat_at {
            return None;
        }
        // A heartbeat is overdue where an app stood still.
        let is_overdue = self.turn.has_passed(self.slot(id), rest.beat_at);
        let is_exact = self.devices[session.device].clock == Clock::EXACT;
        if is_overdue || !is_exact || !self.is_undisturbed(id) {
            return None;
        }
        let pace = self.pace(id)?;
        let (until, bears) = self.look(id, (rest.beat_at, pace))?;
        let session = &mut self.sessions[id];
        // Should the first rounds fail, the lease is renewed so late.
        let late = SimSpan::from_micros(pace.every.as_micros() * u64::from(bears + 1));
        let member = self.server.member(id);
        let others = member.rest(session.client.epoch, rest.beat_at + late)?.min(rest.until);
        session.resting_until = Some(until);
        Some(until.min(others))
    }

    /// Whether nothing but its ways stands between a client and the server, and no second client of
    /// its user may put it out at any time.
    pub(super) fn is_undisturbed(&self, id: SessionId) -> bool {
        let session = &self.sessions[id];
        let device = &self.devices[session.device];
        let is_open = device.n_outages == 0 && session.node == Node::Alive;
        let is_well = device.is_running() && !self.is_down();
        is_open && is_well && self.server.is_alone(id)
    }

    /// The pace of a session over its present links.
    pub(super) fn pace(&mut self, id: SessionId) -> Option<Pace> {
        let kinds = self.devices[self.sessions[id].device].kinds;
        if self.sessions[id].prospect.kinds != Some(kinds) {
            if self.usual.kinds != Some(kinds) {
                let pace = self.pace_over(self.paths(id));
                self.usual = Prospect { kinds: Some(kinds), pace, ..Prospect::NONE };
            }
            self.sessions[id].prospect = self.usual;
        }
        self.sessions[id].prospect.pace
    }

    fn pace_over(&self, paths: [&PathModel; 2]) -> Option<Pace> {
        let pace = pace_over(&self.rules, paths).ok()?;
        // In a burst that messages move each round is simulated.
        let bursts = paths.iter().any(|it| it.loss.has_chain());
        let bears_max = if bursts { 0 } else { BEARS_MAX };
        Some(Pace { bears: pace.bears.min(bears_max), ..pace })
    }

    /// The instant of the first heartbeat that has to be simulated, and how many rounds before it
    /// may fail at once; nothing, if it is the next.
    fn look(&mut self, id: SessionId, (beat_at, pace): (SimTime, Pace)) -> Option<(SimTime, u32)> {
        let paths = self.paths(id);
        let session = &mut self.sessions[id];
        if !session.flow.is_good(paths) {
            return None;
        }
        let number = session.n_sent[Direction::Up as usize][Lane::Heartbeat as usize];
        let loud = session.prospect.loud;
        let course = Course { number, at: beat_at, every: pace.every };
        if loud <= number || !session.flow.tells(paths, course, loud) {
            let outlook = session.flow.outlook(&self.draws, paths, (course, 1));
            let mut n = n_quiet(outlook, pace.bears);
            if n == 0 && outlook.n_known <= pace.bears {
                // All that is left of it fails: what follows decides.
                let outlook = session.flow.outlook(&self.draws, paths, (course, pace.bears + 1));
                n = n_quiet(outlook, pace.bears);
            }
            session.prospect.loud = number + n;
        }
        let n = session.prospect.loud - number;
        let span = SimSpan::from_micros(pace.every.as_micros() * u64::from(n));
        (0 < n).then_some((beat_at + span, pace.bears.min(n)))
    }

    /// Lets a session be what it would be now, that is at rest or left to its heart.
    #[expect(clippy::inline_always, reason = "most of the time there is nothing to catch up")]
    #[inline(always)]
    pub(super) fn catch_up(&mut self, id: SessionId) {
        if self.heartbeats == Heartbeats::PassedOver && self.sessions[id].resting_until.is_some() {
            self.catch_up_now(id);
        } else {
            self.take_back(id);
        }
    }

    fn catch_up_now(&mut self, id: SessionId) {
        let session = &mut self.sessions[id];
        session.resting_until = None;
        let Pace { every, round_trip, .. } = session.prospect.pace.expect("who rests has a pace");
        let rest = session.client.rest().expect("who rests is online");
        let n = self.n_passed(id, (rest.beat_at, every));
        if n == 0 {
            return;
        }
        let session = &self.sessions[id];
        let number = session.n_sent[Direction::Up as usize][Lane::Heartbeat as usize];
        let failed = session.flow.told(number);
        let sent_at = rest.beat_at + SimSpan::from_micros(every.as_micros() * u64::from(n - 1));
        // At the end nobody asks what becomes of a session whose rounds must be over.
        if self.turn.is_end() && sent_at + round_trip <= self.turn.at {
            self.tell_rounds(id, (failed, n), (rest.beat_at, every));
        } else {
            self.go_on_from(id, (number, n, sent_at), failed, (rest.beat_at, every));
        }
    }

    /// Whoever watches is told of rounds that are over; how many of the heartbeats were lost.
    #[inline]
    fn tell_rounds(
        &mut self,
        id: SessionId,
        ([up, down], n): ([Bits; 2], u32),
        (first, every): (SimTime, SimSpan),
    ) -> u32 {
        let over = Bits::first(n);
        let (lost, answers_lost) = ((up & over).count(), (down & !up & over).count());
        let client = self.global(self.sessions[id].device);
        self.observer.rounds(Rounds { client, first, every, sent: n, lost, answers_lost });
        lost
    }

    /// A session and its member become what they are after so many rounds.
    #[inline(never)]
    fn go_on_from(
        &mut self,
        id: SessionId,
        (number, n, sent_at): (u32, u32, SimTime),
        failed: [Bits; 2],
        (first_at, every): (SimTime, SimSpan),
    ) {
        let failed = failed.map(|it| it & Bits::first(n));
        let last = self.last_round(id, (number + n - 1, sent_at), (failed, n));
        let n_over = if let Last::Over(..) = last { n } else { n - 1 };
        let lost =
            if n_over == 0 { 0 } else { self.tell_rounds(id, (failed, n_over), (first_at, every)) };
        self.set_off(id, (number, n), (n_over - lost, sent_at), last);
        let past = self.past(id, (number, n), failed, (last, first_at, every));
        let session = &mut self.sessions[id];
        session.client = session.client.after_rounds(&self.rules, past);
        self.server.catch_up(&self.rules, id, past);
    }

    /// How many heartbeats of a session at rest would have been sent by now.
    fn n_passed(&self, id: SessionId, (beat_at, every): (SimTime, SimSpan)) -> u32 {
        let slot = self.slot(id);
        let now = self.turn.at;
        if !self.turn.has_passed(slot, beat_at) {
            return 0;
        }
        let n = now.since(beat_at).as_micros() / every.as_micros();
        let last_at = beat_at + SimSpan::from_micros(n * every.as_micros());
        let n = if self.turn.has_passed(slot, last_at) { n + 1 } else { n };
        u32::try_from(n).expect("a session rests for fewer rounds than are looked at")
    }

    /// What has become of the last round so far.
    fn last_round(
        &mut self,
        id: SessionId,
        (number, sent_at): (u32, SimTime),
        ([up, down], n): ([Bits; 2], u32),
    ) -> Last {
        let (turn, [path_up, path_down]) = (self.turn, self.paths(id));
        let session = &mut self.sessions[id];
        if up.has(n - 1) {
            return Last::Over(None, None);
        }
        let up_delay = session.flow.delay_of(&self.draws, path_up, (Direction::Up, number));
        let heard_at = sent_at + up_delay;
        if !turn.has_arrived(waybill(id, Direction::Up, number), heard_at) {
            return Last::Up(heard_at);
        }
        if down.has(n - 1) {
            return Last::Over(Some(heard_at), None);
        }
        let down_delay = session.flow.delay_of(&self.draws, path_down, (Direction::Down, number));
        let answered_at = heard_at + down_delay;
        let n_answers = (!up & Bits::first(n - 1)).count();
        let n_sent = session.n_sent[Direction::Down as usize][Lane::Heartbeat as usize];
        if turn.has_arrived(waybill(id, Direction::Down, n_sent + n_answers), answered_at) {
            Last::Over(Some(heard_at), Some(answered_at))
        } else {
            Last::Down(heard_at, answered_at)
        }
    }

    /// Puts on the agenda what is under way of the last round, and counts what was sent.
    fn set_off(
        &mut self,
        id: SessionId,
        (number, n): (u32, u32),
        (n_answers, sent_at): (u32, SimTime),
        last: Last,
    ) {
        let client = self.global(self.sessions[id].device);
        let session = &mut self.sessions[id];
        let epoch = session.client.epoch;
        let [n_up, n_down] = &mut session.n_sent;
        n_up[Lane::Heartbeat as usize] += n;
        let n_down = &mut n_down[Lane::Heartbeat as usize];
        *n_down += n_answers;
        match last {
            Last::Over(..) => (),
            Last::Up(heard_at) => {
                self.observer.sent(sent_at, client, Kind::Heartbeat);
                let waybill = waybill(id, Direction::Up, number + n - 1);
                self.agenda.send(heard_at, waybill, Parcel::Heartbeat(epoch));
            }
            Last::Down(heard_at, answered_at) => {
                self.observer.sent(sent_at, client, Kind::Heartbeat);
                self.observer.delivered(heard_at, client, Kind::Heartbeat);
                self.observer.sent(heard_at, client, Kind::HeartbeatAck);
                let waybill = waybill(id, Direction::Down, *n_down);
                *n_down += 1;
                self.agenda.send(answered_at, waybill, Parcel::HeartbeatAck(epoch));
            }
        }
    }

    /// What client and server still know of the rounds.
    fn past(
        &mut self,
        id: SessionId,
        (number, n): (u32, u32),
        [up, down]: [Bits; 2],
        (last, first_at, every): (Last, SimTime, SimSpan),
    ) -> Past {
        let at = |place: u32| first_at + SimSpan::from_micros(every.as_micros() * u64::from(place));
        let before = Bits::first(n - 1);
        let (heard_at, answered_at) = match last {
            Last::Over(heard_at, answered_at) => (heard_at, answered_at),
            Last::Up(_) => (None, None),
            Last::Down(heard_at, _) => (Some(heard_at), None),
        };
        let open_since = match (answered_at, (!up & !down & before).highest()) {
            (Some(_), _) => SimTime::NEVER,
            (None, Some(answered)) => at(answered + 1),
            (None, None) => first_at,
        };
        let heard_before = (!up & before).highest();
        let heard_at = heard_at.or_else(|| {
            let place = heard_before?;
            let [path, _] = self.paths(id);
            let message = (Direction::Up, number + place);
            Some(at(place) + self.sessions[id].flow.delay_of(&self.draws, path, message))
        });
        Past { sent_at: at(n - 1), next_at: at(n), answered_at, open_since, heard_at }
    }

    /// Whomever the script is about to touch catches up first.
    pub(super) fn rouse(&mut self, action: Action) {
        self.each_touched(action, Self::catch_up);
    }

    /// Whomever the script has touched goes to rest again, or not.
    pub(super) fn settle_down(&mut self, action: Action) {
        self.each_touched(action, Self::set_deadline);
    }

    fn each_touched(&mut self, action: Action, act: impl Fn(&mut Self, SessionId)) {
        let user = match action {
            Action::Call(client, _)
            | Action::Refused(client, _)
            | Action::App(client, _)
            | Action::OutageBegins(client, _)
            | Action::OutageEnds(client, _)
            | Action::ChangeLink(client, ..)
            | Action::ChangeNetwork(client, _)
            | Action::NodeCrash(client, _)
            | Action::ConnectionReset(client)
            | Action::RefusalBegins(client, _)
            | Action::RefusalEnds(client, _) => {
                for place in 0..self.devices[client].sessions.len() {
                    act(self, self.devices[client].sessions.at(place));
                }
                return;
            }
            Action::RandomOutages(..) | Action::Order(Order::Forbid(_)) => return,
            Action::Order(Order::Oust(_, user, _)) => Some(user),
            Action::Order(Order::CloseRoom(_)) | Action::Server(_) => None,
        };
        for id in (0..self.sessions.len()).map(SessionId::from_index) {
            let own = self.devices[self.sessions[id].device].user;
            if user.is_none_or(|it| it == own) {
                act(self, id);
            }
        }
    }
}
