//! The nodes of the server as queues: what clients say waits there for a worker, and so do notices.

use std::collections::BTreeMap;

use super::{
    World,
    session::{LANES, lane},
};
use crate::{
    engine::Waybill,
    id::{ClientId, Epoch, Id, IdVec, RoomId, SessionId},
    link::{Cause, Direction},
    observe::{CutShort, Observer, Served, Unserved},
    protocol::{
        code::ErrorCode,
        gate::Gate,
        message::{ClientBody, ClientMsg, Kind, Lane, Message, ServerBody, ServerMsg},
        station::{Slot, Station},
    },
    rng::Purpose,
    scenario::{
        Scenario,
        server::{Full, ServerSpec},
    },
    sim::{Cell, Heartbeats, obstacles::are_work},
    time::SimTime,
};

/// The nodes that have rooms of one cell.
#[derive(Debug)]
pub(super) struct Stations<'a> {
    spec: &'a ServerSpec,
    /// By their numbers.
    nodes: BTreeMap<u32, Node>,
    /// The node of each room, by its id in the cell.
    of_rooms: IdVec<RoomId, u32>,
    /// The node at which each session logged in last.
    of_sessions: IdVec<SessionId, u32>,
    /// How many notices each session has been given.
    n_notices: IdVec<SessionId, u32>,
    /// What waits or is worked on; each is on the agenda for when it is done.
    tasks: BTreeMap<Waybill, Task>,
    /// Of these, notices.
    n_notices_in: usize,
    /// How many are still on the agenda, although they were lost with the server.
    n_lost: usize,
}

#[derive(Debug, Default)]
struct Node {
    station: Station,
    gate: Gate,
}

/// What a node works on.
#[derive(Clone, Copy, Debug)]
struct Task {
    node: u32,
    kind: Kind,
    came_at: SimTime,
    slot: Slot,
    /// Whether nobody is there any more to whom it could go once it is done.
    is_stray: bool,
}

impl Task {
    /// It leaves its node now, before it is done.
    fn cut_short(self, now: SimTime, why: CutShort) -> Unserved {
        let Self { node, kind, came_at, slot: Slot { begins_at, .. }, .. } = self;
        let is_begun = match why {
            // At one instant the server stops first, then workers are done and take up what waits.
            CutShort::ServerStops => begins_at < now,
            CutShort::RunEnds => begins_at <= now,
        };
        let waited = if is_begun { begins_at } else { now }.since(came_at);
        let worked = is_begun.then(|| now.since(begins_at));
        Unserved { node, kind, waited, worked, why }
    }
}

/// A scenario in which heartbeats have to wait has each of them.
pub(super) fn heartbeats(scenario: &Scenario, asked: Heartbeats) -> Heartbeats {
    if are_work(scenario) { Heartbeats::EachOne } else { asked }
}

impl<'a> Stations<'a> {
    pub(super) fn of(scenario: &'a Scenario, cell: &Cell, n_sessions: usize) -> Option<Box<Self>> {
        let spec = scenario.server()?;
        let of_rooms: Vec<u32> = cell.rooms.iter().map(|it| spec.node_of(*it)).collect();
        // Who has not logged in has nothing to say to any of them.
        let first = of_rooms.first().copied().unwrap_or(1);
        Some(Box::new(Self {
            spec,
            nodes: of_rooms.iter().map(|it| (*it, Node::default())).collect(),
            of_rooms: IdVec::from_vec(of_rooms),
            of_sessions: IdVec::filled(n_sessions, || first),
            n_notices: IdVec::filled(n_sessions, || 0),
            tasks: BTreeMap::new(),
            n_notices_in: 0,
            n_lost: 0,
        }))
    }

    /// What is worked on is on the agenda on lanes of its own, after those of messages.
    fn base(&self) -> u32 {
        u32::try_from(self.of_sessions.len() * LANES).expect("clients are limited")
    }

    fn node(&mut self, number: u32) -> &mut Node {
        self.nodes.entry(number).or_default()
    }

    /// Notices of the session go nowhere, though they are worked on in their turn.
    fn lose_notices(&mut self, session: SessionId) {
        let lane = self.base() + lane(session, Direction::Down, Lane::Roster);
        let all = Waybill { lane, number: 0 }..=Waybill { lane, number: u32::MAX };
        for (_, task) in self.tasks.range_mut(all) {
            task.is_stray = true;
        }
    }
}

/// How a message of a client goes on.
enum Way {
    /// It is handled now.
    Handle,
    /// It is done at this instant.
    Wait(u32, Slot),
    /// A node answers that it comes too soon.
    Refuse(u32),
    /// A node has no place for it.
    TurnAway(u32),
}

impl<O: Observer> World<'_, O> {
    /// Lets what comes to the server wait for a worker; gives the waybill of what is to be handled
    /// now.
    #[inline]
    pub(super) fn pass_station(&mut self, waybill: Waybill, message: &Message) -> Option<Waybill> {
        match self.stations.as_ref().map(|it| it.base()) {
            None => Some(waybill),
            Some(base) => self.pass_stations(base, waybill, message),
        }
    }

    #[inline(never)]
    fn pass_stations(&mut self, base: u32, waybill: Waybill, message: &Message) -> Option<Waybill> {
        if base <= waybill.lane {
            return self.done(waybill, base, message);
        }
        let id = SessionId::from_index(waybill.lane as usize / LANES);
        let Message::Up(said) = message else { return Some(waybill) };
        if self.is_down() || self.sessions[id].is_lost(waybill) {
            return Some(waybill);
        }
        let kind = message.kind();
        match self.way(id, waybill, said) {
            Way::Handle => Some(waybill),
            Way::Wait(node, slot) => {
                let task = Task { node, kind, came_at: self.now(), slot, is_stray: false };
                let waybill = Waybill { lane: base + waybill.lane, ..waybill };
                self.put(waybill, task, message);
                None
            }
            Way::Refuse(node) => {
                self.refuse_login(id, node, said.epoch);
                None
            }
            Way::TurnAway(node) => {
                self.turn_away(id, node, kind);
                None
            }
        }
    }

    fn way(&mut self, id: SessionId, waybill: Waybill, said: &ClientMsg) -> Way {
        let (now, kind) = (self.now(), Message::Up(*said).kind());
        let is_news = self.server.member(id).is_news(said.epoch);
        let member_room = self.server.member(id).room();
        let stations = self.stations.as_mut().expect("it was seen above");
        let room = if let ClientBody::Login(login) = said.body {
            stations.of_sessions[id] = stations.of_rooms[login.room];
            Some(login.room)
        } else {
            member_room
        };
        let number = room.map_or(stations.of_sessions[id], |it| stations.of_rooms[it]);
        let spec = stations.spec;
        let node = stations.node(number);
        if let (Kind::Login, Some(rate)) = (kind, spec.login_gate)
            && is_news
            && !node.gate.lets_through(rate, now)
        {
            return Way::Refuse(number);
        }
        let Some(work) = spec.work(kind) else { return Way::Handle };
        let index = u64::from(kind.lane() as u32) << 32 | u64::from(waybill.number);
        let luck = self.draws.draw(Purpose::Service, self.sessions[id].entity, index);
        match node.station.enter(spec.capacity, now, work.of(luck)) {
            Some(slot) => Way::Wait(number, slot),
            None if kind == Kind::Login && spec.full == Full::Refuse => Way::Refuse(number),
            None => Way::TurnAway(number),
        }
    }

    fn put(&mut self, waybill: Waybill, task: Task, message: &Message) {
        let stations = self.stations.as_mut().expect("work is done at a station");
        let before = stations.tasks.insert(waybill, task);
        assert!(before.is_none(), "{waybill:?} is worked on twice");
        let parcel = self.mail.pack(message);
        self.agenda.send(task.slot.ends_at, waybill, parcel);
    }

    /// A worker has done its work; a notice leaves, a client's message is handled.
    fn done(&mut self, waybill: Waybill, base: u32, message: &Message) -> Option<Waybill> {
        let now = self.now();
        let stations = self.stations.as_mut().expect("work is done at a station");
        let Some(task) = stations.tasks.remove(&waybill) else {
            stations.n_lost -= 1;
            return None;
        };
        let Task { node, kind, came_at, slot, is_stray } = task;
        let waited = slot.begins_at.since(came_at);
        let work = slot.ends_at.since(slot.begins_at);
        self.observer.served(now, Served { node, kind, waited, work });
        let waybill = Waybill { lane: waybill.lane - base, ..waybill };
        if let Message::Down(_) = message {
            stations.n_notices_in -= 1;
            if !is_stray {
                let id = SessionId::from_index(waybill.lane as usize / LANES);
                self.send(id, message);
            }
            return None;
        }
        Some(waybill)
    }

    /// A node says that it is asked too often.
    fn refuse_login(&mut self, id: SessionId, node: u32, epoch: Epoch) {
        let (now, client) = (self.now(), self.global(self.sessions[id].device));
        self.observer.delivered(now, client, Kind::Login);
        self.observer.turned_away(now, node, Kind::Login);
        let body = ServerBody::LoginRejected(ErrorCode::APP_TOO_FREQUENT);
        self.send(id, &Message::Down(ServerMsg { epoch, body }));
    }

    /// A node has no place for a message.
    fn turn_away(&mut self, id: SessionId, node: u32, kind: Kind) {
        let (now, client) = (self.now(), self.global(self.sessions[id].device));
        self.observer.turned_away(now, node, kind);
        self.observer.dropped(now, client, kind, Cause::ServerFull);
    }

    /// The server says something: a notice may have to wait for a worker first.
    #[inline]
    pub(super) fn say(&mut self, id: SessionId, message: &Message) {
        if self.stations.is_some() {
            return self.say_at_station(id, message);
        }
        self.send(id, message);
    }

    #[inline(never)]
    fn say_at_station(&mut self, id: SessionId, message: &Message) {
        let now = self.now();
        if let Some(stations) = &mut self.stations
            && let Some(work) = stations.spec.fan_out
            && message.kind() == Kind::Roster
        {
            let room = self.server.member(id).room();
            let node = room.map_or(stations.of_sessions[id], |it| stations.of_rooms[it]);
            // Its own work is never turned away.
            let capacity = stations.spec.capacity;
            let slot = stations.node(node).station.take(capacity, now, work);
            let number = stations.n_notices[id];
            stations.n_notices[id] += 1;
            stations.n_notices_in += 1;
            let lane = stations.base() + lane(id, Direction::Down, Lane::Roster);
            let kind = Kind::Roster;
            let task = Task { node, kind, came_at: now, slot, is_stray: false };
            return self.put(Waybill { lane, number }, task, message);
        }
        self.send(id, message);
    }

    /// What is to be told to a client, whose node has crashed, is lost.
    pub(super) fn lose_notices(&mut self, client: ClientId) {
        let Some(stations) = &mut self.stations else { return };
        for id in self.devices[client].sessions.iter() {
            stations.lose_notices(id);
        }
    }

    /// The server stops: all that waits or is worked on is lost.
    pub(super) fn stop_stations(&mut self) {
        let now = self.now();
        let Some(stations) = &mut self.stations else { return };
        let tasks = std::mem::take(&mut stations.tasks);
        let base = stations.base();
        stations.n_lost += tasks.len();
        stations.n_notices_in = 0;
        for node in stations.nodes.values_mut() {
            *node = Node::default();
        }
        for (waybill, task) in tasks {
            self.observer.unserved(now, task.cut_short(now, CutShort::ServerStops));
            // A notice has not been sent yet.
            if task.kind != Kind::Roster {
                let id = SessionId::from_index((waybill.lane - base) as usize / LANES);
                let client = self.global(self.sessions[id].device);
                self.observer.dropped(now, client, task.kind, Cause::ServerDown);
            }
        }
    }

    /// The run ends: whoever watches is told of what waits or is worked on; gives how many parcels
    /// on the agenda are no messages under way.
    pub(super) fn close_stations(&mut self) -> usize {
        let end = self.scenario.end();
        let Some(stations) = &self.stations else { return 0 };
        for task in stations.tasks.values() {
            self.observer.unserved(end, task.cut_short(end, CutShort::RunEnds));
        }
        stations.n_notices_in + stations.n_lost
    }
}
