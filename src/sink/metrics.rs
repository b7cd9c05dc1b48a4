//! What a run comes to in numbers, where nobody wants every callback: counts, series over time, and
//! how long things took; for all clients and for parts of them.
//!
//! What two observers have of different cells can be joined, in any order and however the cells were
//! split: all of it is sums of whole numbers.  A client belongs to one part, so an event is counted
//! once; the total is the sum of the parts.

mod layout;
mod load;
mod overload;
mod part;
mod summary;
mod table;

pub use layout::{BINS_MAX, By, Layout, PARTS_MAX, Scope, TooFine, TooMany};
pub use load::{BUSY, LOST_WAITING, Load, QUEUE, TURNED_AWAY, WAIT};
pub use overload::Overload;
pub use part::{Flow, Level, Part, Peak, Told, Took, told_name};
pub use summary::{QUANTILES, summary};
pub use table::{METRIC_COLUMNS, busy, rate, write_metrics};

use std::sync::Arc;

use crate::{
    id::{ClientId, Id, RoomId},
    link::Cause,
    observe::{Callback, Observer, Rounds, Seat, Served, Standing, StandingChange, Unserved},
    protocol::{
        code::{Reason, Status},
        message::Kind,
    },
    sink::by_place::ByPlace,
    time::{SimSpan, SimTime},
};

/// The metrics of a run, or of some of its cells.
#[derive(Clone, Debug)]
pub struct Metrics {
    layout: Arc<Layout>,
    /// Of each scope of the layout; then of the clients that are in none.
    parts: Vec<Part>,
    /// Of each node of the server that has a scope; then of the others.  None, if the scenario does
    /// not say what the server bears.
    loads: Vec<Load>,
    /// The clients from the first to before the second, who are in this part: those looked for
    /// last.
    here: (usize, usize, usize),
    /// The bin that was looked for last, from its start to before its end.
    now: (u64, u64, usize),
    /// The time between heartbeats that was met last, and how many are in each bin then, if it is
    /// as many in each.
    pace: (SimSpan, Option<u32>),
    /// What is known of the clients of the cell.
    clients: ByPlace<Client>,
}

/// What is known of a client while its cell runs.
#[derive(Clone, Debug, Default)]
struct Client {
    /// Since when its link is cut.
    cut: Option<SimTime>,
    /// In the room of which it was told first, if of any.
    first: Option<(Option<RoomId>, Session)>,
    /// In other rooms.
    others: Vec<(Option<RoomId>, Session)>,
}

impl Client {
    fn session(&mut self, room: Option<RoomId>) -> &mut Session {
        let first = self.first.get_or_insert_with(|| (room, Session::default()));
        if first.0 == room {
            return &mut first.1;
        }
        let known = self.others.iter().position(|it| it.0 == room);
        let index = known.unwrap_or_else(|| {
            self.others.push((room, Session::default()));
            self.others.len() - 1
        });
        &mut self.others[index].1
    }
}

/// What is known of a client as far as one room is concerned.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    /// When its login under way began.
    login: Option<SimTime>,
    /// When it was told that its connection is interrupted, which has not been made good.
    lost: Option<SimTime>,
    /// Whether it is among those that reconnect.
    is_reconnecting: bool,
    /// The outage that it has noticed.
    noticed: Option<SimTime>,
}

impl Metrics {
    /// Nothing yet.
    pub fn new(layout: &Arc<Layout>) -> Self {
        let part = || Part::new(layout.n_bins());
        let n_loads = if layout.n_nodes() == 0 { 0 } else { layout.n_nodes() + 1 };
        Self {
            layout: Arc::clone(layout),
            parts: (0..=layout.scopes().len()).map(|_| part()).collect(),
            loads: vec![Load::new(layout.n_bins()); n_loads],
            here: (0, 0, 0),
            now: (0, 0, 0),
            pace: (SimSpan::ZERO, None),
            clients: ByPlace::default(),
        }
    }

    /// Adds what another has of other cells of the same run.
    pub fn join(&mut self, other: &Self) {
        for (part, more) in self.parts.iter_mut().zip(&other.parts) {
            part.join(more);
        }
        for (load, more) in self.loads.iter_mut().zip(&other.loads) {
            load.join(more);
        }
    }

    /// Whether another has the same numbers.
    pub fn is_same(&self, other: &Self) -> bool {
        self.parts == other.parts && self.loads == other.loads
    }

    /// How the run is divided.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What is known of all clients.
    pub fn total(&self) -> Part {
        let mut total = Part::new(self.layout.n_bins());
        self.parts.iter().for_each(|it| total.join(it));
        total
    }

    /// The scopes by name, the total first.
    pub fn scopes(&self) -> Vec<(String, Part)> {
        let named = self.layout.scopes().iter().zip(&self.parts);
        let named = named.map(|(it, part)| (it.name.clone(), part.clone()));
        std::iter::once(("total".to_owned(), self.total())).chain(named).collect()
    }

    /// What all nodes of the server bear, if the scenario says how much they can.
    pub fn load(&self) -> Option<Load> {
        let (first, others) = self.loads.split_first()?;
        let mut total = first.clone();
        for it in others {
            total.join(it);
        }
        Some(total)
    }

    /// The nodes of the server by name.
    pub fn nodes(&self) -> impl Iterator<Item = (String, &Load)> {
        let nodes = self.loads.iter().take(self.layout.n_nodes()).zip(1..);
        nodes.map(|(load, number)| (format!("node:{number}"), load))
    }

    /// The load that a node is part of, by its number from 1 on.
    fn load_of(&mut self, node: u32) -> Option<&mut Load> {
        let index = (node as usize - 1).min(self.layout.n_nodes());
        self.loads.get_mut(index)
    }

    fn part(&mut self, client: ClientId) -> &mut Part {
        let client = client.index();
        let (first, end, _) = self.here;
        if client < first || end <= client {
            self.here = self.layout.part_of(client);
        }
        &mut self.parts[self.here.2]
    }

    fn bin(&mut self, at: SimTime) -> usize {
        let at = at.as_micros();
        let (start, end, _) = self.now;
        if at < start || end <= at {
            self.now = self.layout.bin_at(at);
        }
        self.now.2
    }

    /// The bin of an instant, and how much time is left then.
    fn when(&mut self, at: SimTime) -> (usize, SimSpan) {
        (self.bin(at), self.layout.end().since(at))
    }

    /// Something of a client happens once.
    fn count(&mut self, at: SimTime, client: ClientId, flow: Flow) {
        let bin = self.bin(at);
        self.part(client).flow(bin, flow, 1);
    }

    /// Heartbeats of which not as many are in each bin.
    fn unevenly(&mut self, rounds: Rounds) {
        let (every, mut left) = (rounds.every.as_micros(), u64::from(rounds.sent));
        let mut at = rounds.first.as_micros();
        while 0 < left {
            let (_, end, bin) = self.layout.bin_at(at);
            // Those of this bin; at least the one that it was looked for with.
            let n = (end - at).div_ceil(every).min(left);
            self.part(rounds.client).flow(bin, Flow::Heartbeats, n);
            left -= n;
            at = at.saturating_add(n.saturating_mul(every));
        }
    }

    fn state_changed(
        &mut self,
        at: SimTime,
        (seat, room): (Seat, Option<RoomId>),
        Status { reason, .. }: Status,
    ) {
        let bin = self.bin(at);
        let client = self.clients.of(seat.place);
        let cut = client.cut;
        let session = client.session(room);
        let before = *session;
        *session = before.told(at, reason, cut);
        let after = *session;
        let when = self.when(at);
        let part = self.part(seat.client);
        for level in [Level::LoggingIn, Level::Reconnecting] {
            let change = i64::from(after.is_in(level)) - i64::from(before.is_in(level));
            if change != 0 {
                part.step(when, level, change);
            }
        }
        let is_in = matches!(reason, Reason::Logined | Reason::Reconnected);
        if reason == Reason::Logined {
            part.flow(bin, Flow::Logins, 1);
            if let Some(began_at) = before.login {
                part.took(Took::Login, at.since(began_at));
            }
        }
        if reason == Reason::Reconnected {
            part.flow(bin, Flow::Relogins, 1);
        }
        if is_in && let Some(lost_at) = before.lost {
            part.took(Took::Recovery, at.since(lost_at));
        }
        if reason == Reason::Reconnecting
            && let Some(cut_at) = cut.filter(|_| cut != before.noticed)
        {
            part.took(Took::Detection, at.since(cut_at));
        }
    }
}

impl Session {
    /// Whether it counts for a level of what apps are told.
    fn is_in(&self, level: Level) -> bool {
        match level {
            Level::LoggingIn => self.login.is_some(),
            Level::Reconnecting => self.is_reconnecting,
            Level::Members | Level::Ghosts | Level::Stranded => false,
        }
    }

    /// What is known of it once the app has been told this, while its link is cut since then.
    fn told(self, at: SimTime, reason: Reason, cut: Option<SimTime>) -> Self {
        let Self { lost, noticed, .. } = self;
        match reason {
            Reason::Logining => Self { login: Some(at), lost, is_reconnecting: false, noticed },
            Reason::Reconnecting => Self {
                login: None,
                lost: lost.or(Some(at)),
                is_reconnecting: true,
                noticed: cut.or(noticed),
            },
            Reason::LogoutFailed => self, // It stays what it is.
            Reason::Logined
            | Reason::LoginFailed
            | Reason::Reconnected
            | Reason::ReconnectFailed
            | Reason::KickOut
            | Reason::Logout => Self { login: None, lost: None, is_reconnecting: false, noticed },
        }
    }
}

impl Observer for Metrics {
    fn callback(&mut self, at: SimTime, seat: Seat, room: Option<RoomId>, what: Callback<'_>) {
        let bin = self.bin(at);
        let part = self.part(seat.client);
        part.tell(what);
        part.flow(bin, Flow::Callbacks, 1);
        if let Callback::StateChanged(status) = what {
            self.state_changed(at, (seat, room), status);
        }
    }

    fn sent(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        let flow = Flow::of_message(kind).map(|it| (self.bin(at), it));
        let part = self.part(client);
        part.counters.sent(at, client, kind);
        if let Some((bin, flow)) = flow {
            part.flow(bin, flow, 1);
        }
    }

    fn delivered(&mut self, at: SimTime, client: ClientId, kind: Kind) {
        self.part(client).counters.delivered(at, client, kind);
    }

    fn dropped(&mut self, at: SimTime, client: ClientId, kind: Kind, cause: Cause) {
        self.part(client).counters.dropped(at, client, kind, cause);
    }

    fn rounds(&mut self, rounds: Rounds) {
        if self.pace.0 != rounds.every {
            self.pace = (rounds.every, self.layout.n_in_bin(rounds.every));
        }
        let n_in_bin = self.pace.1;
        let place = self.layout.bin_at(rounds.first.as_micros());
        let part = self.part(rounds.client);
        part.counters.rounds(rounds);
        match n_in_bin {
            Some(n_in_bin) => part.evenly(place, n_in_bin, rounds),
            None => self.unevenly(rounds),
        }
    }

    fn login_arrived(&mut self, at: SimTime, client: ClientId) {
        self.count(at, client, Flow::LoginArrivals);
    }

    fn attempt_timed_out(&mut self, at: SimTime, client: ClientId) {
        self.count(at, client, Flow::LoginTimeouts);
    }

    fn answered_late(&mut self, at: SimTime, client: ClientId) {
        self.count(at, client, Flow::LateAnswers);
    }

    fn standing(&mut self, at: SimTime, client: ClientId, change: StandingChange) {
        let when = self.when(at);
        let part = self.part(client);
        for level in [Level::Members, Level::Ghosts, Level::Stranded] {
            let change = i64::from(level.has(change.to)) - i64::from(level.has(change.from));
            if change != 0 {
                part.step(when, level, change);
            }
        }
        // A newcomer is one while its acceptance is on its way, which is no absence.
        if (change.before, change.from) == (Standing::Present, Standing::Ghost) {
            part.took(Took::Ghost, at.since(change.since));
        }
    }

    fn noticed(&mut self, at: SimTime, client: ClientId, changed_at: SimTime) {
        self.part(client).took(Took::Notice, at.since(changed_at));
    }

    fn forgot(&mut self, at: SimTime, seat: Seat) {
        let known = self.clients.of(seat.place);
        let sessions: Vec<Session> =
            known.first.take().into_iter().chain(known.others.drain(..)).map(|it| it.1).collect();
        let when = self.when(at);
        for level in [Level::LoggingIn, Level::Reconnecting] {
            let n = sessions.iter().map(|it| i64::from(it.is_in(level))).sum::<i64>();
            self.part(seat.client).step(when, level, -n);
        }
    }

    fn served(&mut self, at: SimTime, served: Served) {
        let layout = Arc::clone(&self.layout);
        if let Some(load) = self.load_of(served.node) {
            load.served(&layout, at, served);
        }
    }

    fn unserved(&mut self, at: SimTime, unserved: Unserved) {
        let layout = Arc::clone(&self.layout);
        if let Some(load) = self.load_of(unserved.node) {
            load.unserved(&layout, at, unserved);
        }
    }

    fn turned_away(&mut self, at: SimTime, node: u32, _: Kind) {
        let bin = self.bin(at);
        if let Some(load) = self.load_of(node) {
            load.turned_away_in(bin);
        }
    }

    fn cut(&mut self, at: SimTime, seat: Seat) {
        self.clients.of(seat.place).cut = Some(at);
    }

    fn mended(&mut self, _: SimTime, seat: Seat) {
        self.clients.of(seat.place).cut = None;
    }

    fn begins(&mut self, cell: usize) {
        self.here = self.layout.begins(cell);
        self.now = (0, 0, 0);
    }

    fn ended(&mut self, n_in_flight: usize) {
        let rest = self.parts.len() - 1;
        self.parts[rest].counters.ended(n_in_flight);
        self.clients.clear();
    }
}
