//! The nodes of the server as queues: what clients say waits there for a worker, and so do notices.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeSet, BinaryHeap, VecDeque},
};

use super::{
    World,
    mail::Parcel,
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

/// The memory for what waits is asked for when so many others are before it.
const N_AHEAD: usize = 16;

/// The nodes that have rooms of one cell.
///
/// What they work on has no place on the agenda, however much it is: it is due when its worker is.
#[derive(Debug)]
pub(super) struct Stations<'a> {
    spec: &'a ServerSpec,
    nodes: Vec<Node>,
    /// The place of each room's node, by the room's id in the cell.
    of_rooms: IdVec<RoomId, u32>,
    /// The place of the node at which each session logged in last.
    of_sessions: IdVec<SessionId, u32>,
    /// The place of the node to which the heartbeats of each session go that is left to its heart.
    of_hearts: IdVec<SessionId, u32>,
    /// How many notices each session has been given.
    n_notices: IdVec<SessionId, u32>,
    /// Notices of lower numbers go nowhere, though they are worked on in their turn.
    n_lost_notices: IdVec<SessionId, u32>,
    /// What workers are at, what is done first on top.
    in_service: BinaryHeap<Reverse<Task>>,
    /// When a worker takes up what waits at a node, by the node's place.
    starts: BinaryHeap<Reverse<(SimTime, u32)>>,
    /// How many notices wait or are worked on.
    n_notices_in: usize,
}

#[derive(Debug)]
struct Node {
    /// From 1 on.
    number: u32,
    station: Station,
    gate: Gate,
    /// What waits for a worker, in the order in which it is taken up.
    waiting: VecDeque<Task>,
}

/// What a node works on.
#[derive(Clone, Copy, Debug)]
struct Task {
    slot: Slot,
    /// Of its message; a notice, which has not been sent yet, has a number of its own.
    waybill: Waybill,
    parcel: Parcel,
    came_at: SimTime,
    /// The place of its node.
    node: u32,
    kind: Kind,
}

impl Node {
    fn new(number: u32) -> Self {
        let (station, gate) = (Station::default(), Gate::default());
        Self { number, station, gate, waiting: VecDeque::new() }
    }
}

impl Task {
    /// What is done first goes first; of one instant, by session, direction, lane and number.
    fn key(&self) -> (SimTime, u64) {
        (self.slot.ends_at, self.waybill.key())
    }

    fn session(&self) -> SessionId {
        SessionId::from_index(self.waybill.lane as usize / LANES)
    }

    /// It leaves the node of this number now, before it is done.
    fn cut_short(&self, node: u32, now: SimTime, why: CutShort) -> Unserved {
        let Self { kind, came_at, slot: Slot { begins_at, .. }, .. } = *self;
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

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Task {}

impl PartialOrd for Task {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Task {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// A scenario in which heartbeats have to wait has each of them.
pub(super) fn heartbeats(scenario: &Scenario, asked: Heartbeats) -> Heartbeats {
    if are_work(scenario) { Heartbeats::EachOne } else { asked }
}

impl<'a> Stations<'a> {
    pub(super) fn of(scenario: &'a Scenario, cell: &Cell, n_sessions: usize) -> Option<Box<Self>> {
        let spec = scenario.server()?;
        let numbers: Vec<u32> = cell.rooms.iter().map(|it| spec.node_of(*it)).collect();
        // Who has not logged in has nothing to say to any node, but has one.
        let distinct: BTreeSet<u32> =
            numbers.iter().copied().chain(numbers.is_empty().then_some(1)).collect();
        let nodes: Vec<Node> = distinct.into_iter().map(Node::new).collect();
        let place = |number: &u32| {
            let place = nodes.binary_search_by_key(number, |it| it.number);
            u32::try_from(place.expect("each is there")).expect("nodes are limited")
        };
        let of_rooms: IdVec<RoomId, u32> = IdVec::from_vec(numbers.iter().map(place).collect());
        let first = numbers.first().map_or(0, place);
        Some(Box::new(Self {
            spec,
            nodes,
            of_rooms,
            of_sessions: IdVec::filled(n_sessions, || first),
            of_hearts: IdVec::filled(n_sessions, || first),
            n_notices: IdVec::filled(n_sessions, || 0),
            n_lost_notices: IdVec::filled(n_sessions, || 0),
            in_service: BinaryHeap::new(),
            starts: BinaryHeap::new(),
            n_notices_in: 0,
        }))
    }

    fn node(&mut self, place: u32) -> &mut Node {
        &mut self.nodes[place as usize]
    }

    /// The place of the node of a session that is in this room, if it is in one.
    fn node_of(&self, id: SessionId, room: Option<RoomId>) -> u32 {
        room.map_or(self.of_sessions[id], |it| self.of_rooms[it])
    }

    /// When the first worker is done; never, if none is at work.
    #[inline]
    fn next_at(&self) -> SimTime {
        self.in_service.peek().map_or(SimTime::NEVER, |it| it.0.slot.ends_at)
    }

    /// A task waits for its worker, or is at once with it; gives when the first worker is done.
    fn put(&mut self, now: SimTime, task: Task) -> SimTime {
        if task.slot.begins_at <= now {
            self.in_service.push(Reverse(task));
        } else {
            let node = self.node(task.node);
            node.waiting.push_back(task);
            if node.waiting.len() == 1 {
                self.starts.push(Reverse((task.slot.begins_at, task.node)));
            }
        }
        self.take_up();
        self.next_at()
    }

    /// What was to be done first is done.
    fn pop(&mut self) -> Option<Task> {
        let Reverse(task) = self.in_service.pop()?;
        self.take_up();
        Some(task)
    }

    /// Workers take up all that begins before any of them is done, or at that very instant: it may
    /// be done at that instant, too, and go before.
    fn take_up(&mut self) {
        while let Some(Reverse((begins_at, place))) = self.starts.peek().copied()
            && begins_at <= self.next_at()
        {
            self.starts.pop();
            let waiting = &mut self.nodes[place as usize].waiting;
            let task = waiting.pop_front().expect("it waits there");
            assert_eq!(task.slot.begins_at, begins_at, "{task:?} is not the first at its node");
            if let Some(next) = waiting.front() {
                self.starts.push(Reverse((next.slot.begins_at, place)));
            }
            self.in_service.push(Reverse(task));
        }
    }

    /// What is taken up at a node after so many others, if so many wait there.
    fn upcoming(&self, place: u32) -> Option<&Task> {
        self.nodes[place as usize].waiting.get(N_AHEAD)
    }

    /// All that waits or is worked on, by session, direction, lane and number.
    fn tasks(&self) -> Vec<Task> {
        let in_service = self.in_service.iter().map(|it| &it.0);
        let waiting = self.nodes.iter().flat_map(|it| &it.waiting);
        let mut tasks: Vec<Task> = in_service.chain(waiting).copied().collect();
        tasks.sort_unstable_by_key(|it| it.waybill.key());
        tasks
    }
}

/// How a message of a client goes on.
enum Way {
    /// It is handled now.
    Handle,
    /// It is worked on at the node of this place, then.
    Wait(u32, Slot),
    /// The node of this place answers that it comes too soon.
    Refuse(u32),
    /// The node of this place has no room for it.
    TurnAway(u32),
}

impl<O: Observer> World<'_, O> {
    /// A message arrives at a server that may have to work on it first; whether it is handled now.
    #[inline(never)]
    pub(super) fn passes_stations(&mut self, waybill: Waybill, parcel: Parcel) -> bool {
        let id = SessionId::from_index(waybill.lane as usize / LANES);
        let now = self.now();
        let (kind, way) = match parcel {
            Parcel::HeartbeatAck(_) => return true,
            // Nothing else has to be known of these, and nothing else is touched.
            Parcel::Heartbeat(epoch) if self.is_heard_by_heart(id, epoch) => {
                (Kind::Heartbeat, self.way_of_heart(id, Kind::Heartbeat, waybill))
            }
            Parcel::Probe(epoch) if self.is_heard_by_heart(id, epoch) => {
                (Kind::Probe, self.way_of_heart(id, Kind::Probe, waybill))
            }
            Parcel::Heartbeat(_) | Parcel::Probe(_) | Parcel::Other(_) => {
                let Message::Up(said) = self.mail.read(parcel) else { return true };
                if self.is_down() || self.sessions[id].lost_with(waybill).is_some() {
                    return true;
                }
                if let ClientBody::Login(_) = said.body {
                    self.login_arrives(id, said.epoch);
                }
                (Message::Up(said).kind(), self.way(id, waybill, &said))
            }
        };
        match way {
            Way::Handle => return true,
            Way::Wait(node, slot) => {
                let task = Task { slot, waybill, parcel, came_at: now, node, kind };
                let stations = self.stations.as_mut().expect("the server is a queue");
                self.work_ends_at = stations.put(now, task);
                return false;
            }
            Way::Refuse(node) => {
                let Message::Up(said) = self.mail.read(parcel) else {
                    unreachable!("it is a login")
                };
                self.refuse_login(id, (node, waybill), said.epoch);
            }
            Way::TurnAway(node) => self.turn_away(id, node, kind),
        }
        self.mail.open(parcel);
        false
    }

    fn way(&mut self, id: SessionId, waybill: Waybill, said: &ClientMsg) -> Way {
        let (now, kind) = (self.now(), Message::Up(*said).kind());
        let member = self.server.member(id);
        let stations = self.stations.as_mut().expect("the server is a queue");
        let room = if let ClientBody::Login(login) = said.body {
            stations.of_sessions[id] = stations.of_rooms[login.room];
            Some(login.room)
        } else {
            member.room()
        };
        let place = stations.node_of(id, room);
        if let (Kind::Login, Some(rate)) = (kind, stations.spec.login_gate)
            && member.is_news(said.epoch)
            && !stations.node(place).gate.lets_through(rate, now)
        {
            return Way::Refuse(place);
        }
        self.way_to(place, kind, waybill)
    }

    /// How a heartbeat or a probe goes on of a session that is left to its heart.
    fn way_of_heart(&mut self, id: SessionId, kind: Kind, waybill: Waybill) -> Way {
        let stations = self.stations.as_ref().expect("the server is a queue");
        self.way_to(stations.of_hearts[id], kind, waybill)
    }

    /// How a message goes on that is for the node of this place, and may go there.
    fn way_to(&mut self, place: u32, kind: Kind, waybill: Waybill) -> Way {
        let now = self.now();
        let stations = self.stations.as_mut().expect("the server is a queue");
        let spec = stations.spec;
        let Some(work) = spec.work(kind) else { return Way::Handle };
        let luck = || {
            let id = SessionId::from_index(waybill.lane as usize / LANES);
            let index = u64::from(kind.lane() as u32) << 32 | u64::from(waybill.number);
            self.draws.draw(Purpose::Service, self.sessions[id].entity, index)
        };
        match stations.node(place).station.enter(spec.capacity, now, work.of(luck)) {
            Some(slot) => Way::Wait(place, slot),
            None if kind == Kind::Login && spec.full == Full::Refuse => Way::Refuse(place),
            None => Way::TurnAway(place),
        }
    }

    /// A session is left to its heart: its heartbeats go to the node of its room.
    pub(super) fn note_node(&mut self, id: SessionId) {
        if let Some(stations) = &mut self.stations {
            stations.of_hearts[id] = stations.node_of(id, self.server.member(id).room());
        }
    }

    /// A worker has done its work; a notice leaves, a client's message is handled.
    pub(super) fn work_ends(&mut self) {
        let now = self.now();
        let stations = self.stations.as_mut().expect("work is done at a station");
        let task = stations.pop().expect("a worker is done");
        self.work_ends_at = stations.next_at();
        let Task { slot, waybill, parcel, came_at, node, kind } = task;
        assert_eq!(slot.ends_at, now, "{task:?} is done too late");
        if let Some(upcoming) = stations.upcoming(node) {
            let (id, parcel) = (upcoming.session(), upcoming.parcel);
            self.fetch_for(id, parcel);
        }
        let stations = self.stations.as_mut().expect("work is done at a station");
        let waited = slot.begins_at.since(came_at);
        let work = slot.ends_at.since(slot.begins_at);
        let node = stations.node(node).number;
        self.observer.served(now, Served { node, kind, waited, work });
        if kind != Kind::Roster {
            if !self.arrives_at_heart(waybill, parcel) {
                self.handle(waybill, parcel);
            }
            return;
        }
        stations.n_notices_in -= 1;
        let id = task.session();
        let is_lost = waybill.number < stations.n_lost_notices[id];
        let notice = self.mail.open(parcel);
        if !is_lost {
            self.send(id, &notice);
        }
    }

    /// A node says that it is asked too often.
    fn refuse_login(&mut self, id: SessionId, (node, waybill): (u32, Waybill), epoch: Epoch) {
        let (now, client) = (self.now(), self.global(self.sessions[id].device));
        self.observer.delivered(now, client, Kind::Login);
        self.tell_turned_away(node, Kind::Login);
        self.sessions[id].heard_from(waybill);
        let body = ServerBody::LoginRejected(ErrorCode::APP_TOO_FREQUENT);
        self.send(id, &Message::Down(ServerMsg { epoch, body }));
    }

    /// A node has no place for a message.
    fn turn_away(&mut self, id: SessionId, node: u32, kind: Kind) {
        let (now, client) = (self.now(), self.global(self.sessions[id].device));
        self.tell_turned_away(node, kind);
        self.observer.dropped(now, client, kind, Cause::ServerFull);
    }

    fn tell_turned_away(&mut self, place: u32, kind: Kind) {
        let now = self.now();
        let stations = self.stations.as_mut().expect("a node turned it away");
        self.observer.turned_away(now, stations.node(place).number, kind);
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
        let (now, kind) = (self.now(), message.kind());
        if let Some(stations) = &mut self.stations
            && let Some(work) = stations.spec.fan_out
            && kind == Kind::Roster
        {
            let node = stations.node_of(id, self.server.member(id).room());
            // Its own work is never turned away.
            let capacity = stations.spec.capacity;
            let slot = stations.node(node).station.take(capacity, now, work);
            let number = stations.n_notices[id];
            stations.n_notices[id] += 1;
            stations.n_notices_in += 1;
            let waybill = Waybill { lane: lane(id, Direction::Down, Lane::Roster), number };
            let parcel = self.mail.pack(message);
            let task = Task { slot, waybill, parcel, came_at: now, node, kind };
            self.work_ends_at = stations.put(now, task);
            return;
        }
        self.send(id, message);
    }

    /// What is to be told to a client, whose node has crashed, is lost.
    pub(super) fn lose_notices(&mut self, client: ClientId) {
        let Some(stations) = &mut self.stations else { return };
        for id in self.devices[client].sessions.iter() {
            stations.n_lost_notices[id] = stations.n_notices[id];
        }
    }

    /// The server stops: all that waits or is worked on is lost.
    pub(super) fn stop_stations(&mut self) {
        let now = self.now();
        let Some(stations) = &mut self.stations else { return };
        let tasks = stations.tasks();
        let numbers: Vec<u32> = stations.nodes.iter().map(|it| it.number).collect();
        stations.in_service.clear();
        stations.starts.clear();
        self.work_ends_at = SimTime::NEVER;
        stations.n_notices_in = 0;
        for node in &mut stations.nodes {
            *node = Node::new(node.number);
        }
        for task in tasks {
            self.mail.open(task.parcel);
            let unserved = task.cut_short(numbers[task.node as usize], now, CutShort::ServerStops);
            self.observer.unserved(now, unserved);
            // A notice has not been sent yet.
            if task.kind != Kind::Roster {
                let client = self.global(self.sessions[task.session()].device);
                self.observer.dropped(now, client, task.kind, Cause::ServerDown);
            }
        }
    }

    /// The run ends: whoever watches is told of what waits or is worked on; gives how many of these
    /// are messages that have been sent.
    pub(super) fn close_stations(&mut self) -> usize {
        let end = self.scenario.end();
        let Some(stations) = &self.stations else { return 0 };
        let tasks = stations.tasks();
        for task in &tasks {
            let node = stations.nodes[task.node as usize].number;
            self.observer.unserved(end, task.cut_short(node, end, CutShort::RunEnds));
        }
        tasks.len() - stations.n_notices_in
    }
}
