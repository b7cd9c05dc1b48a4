//! The driver of one cell: takes what is next from the agenda, steps a machine, and carries out
//! its effects over the links.

mod backend;
mod chance;
mod deadline;
mod device;
mod fetch;
mod heart;
mod mail;
mod quiet;
mod restart;
mod session;
mod stall;
mod station;
mod tell;

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    engine::{Agenda, Next, Waybill},
    id::{ClientId, Id, IdVec, LinkId, RoomId, SessionId},
    link::{Cause, Direction, Fate, Sending, Serial, Verdict, gate::Gate, queue::Queue},
    observe::Observer,
    protocol::{
        client, member,
        message::{Kind, Message},
        rules::{Anchor, Detect, Rules},
        server::{Moment, Outbox, Server},
    },
    rng::{Draws, Entity},
    scenario::{Action, RoomMode, Scenario, Step},
    sim::{
        Heartbeats,
        cells::{Cell, Sessions},
        control::Headway,
    },
    time::{SimSpan, SimTime},
};
use device::Device;
use heart::Heart;
use mail::{Mail, Parcel};
use quiet::{Prospect, Turn};
use session::{COPY, LANES, Node, Session, lane};
use stall::{Letter, Standstill};
use station::Stations;

/// The state of one cell and those who watch it.
pub(super) struct World<'a, O> {
    scenario: &'a Scenario,
    rules: Cow<'a, Rules>,
    draws: Draws,
    cell: &'a Cell,
    script: Cow<'a, [Step]>,
    next_step: usize,
    agenda: Agenda<Parcel>,
    mail: Mail,
    /// How far the present instant has come.
    turn: Turn,
    heartbeats: Heartbeats,
    /// The prospect of sessions over links of the kinds that were looked at last.
    usual: Prospect,
    devices: IdVec<ClientId, Device>,
    /// What waits before the bottlenecks that clients share, up and down.
    shared: BTreeMap<LinkId, [Queue; 2]>,
    /// Of the clients whose ways stand still at times, what is held there.
    standstills: BTreeMap<ClientId, Standstill>,
    sessions: IdVec<SessionId, Session>,
    /// What heartbeats touch of the sessions; none, until one is left to its own.
    hearts: IdVec<SessionId, Heart<'a>>,
    server: Server,
    /// How many reasons keep the server down.
    n_down: u32,
    /// How long logins take instead of what the profile says, in order of their beginning.
    slow: Vec<SimSpan>,
    outbox: Outbox,
    /// The queues of the server's nodes, if there are any.
    stations: Option<Box<Stations<'a>>>,
    /// When a worker of the server is done next; never, if none is at work.
    work_ends_at: SimTime,
    /// The number of the message that the server heard last.
    heard: u32,
    /// How many callbacks the server has made of each room.
    n_callbacks: IdVec<RoomId, u64>,
    observer: O,
}

/// So many events of a cell pass from one look at whether the run is to stop to the next.
const LOOK_EVERY: u64 = 4096;

impl<'a, O: Observer> World<'a, O> {
    pub(super) fn new(
        scenario: &'a Scenario,
        cell: &'a Cell,
        (seed, heartbeats): (u64, Heartbeats),
        observer: O,
    ) -> Self {
        let draws = Draws::new(seed);
        let Sessions { cast, rooms } = cell.sessions(scenario);
        let device = |(here, global): (ClientId, &ClientId)| {
            let gear = scenario.gear_of(*global, &draws);
            let sessions = cast.sessions[here];
            let rooms = match gear.mode {
                RoomMode::Single => None,
                RoomMode::Multi => Some(sessions.iter().map(|it| rooms[it]).collect()),
            };
            let network = scenario.links()[gear.link].network;
            Device::new(cast.users[here], (sessions, rooms), gear, network)
        };
        let clients = IdVec::from_vec(cell.clients.clone());
        let devices: IdVec<ClientId, _> = IdVec::from_vec(clients.iter().map(device).collect());
        let entity = |(here, device): (SessionId, &ClientId)| match rooms[here] {
            None => cell.entities[device.index()],
            // The draws of a room do not depend on what other rooms the client is in.
            Some(room) => {
                let name = scenario.client_name(clients[*device]);
                let room = scenario.room_name(cell.rooms[room.index()]);
                Entity::named(&format!("{name}\n{room}"))
            }
        };
        let entities: Vec<Entity> = cast.clients.iter().map(entity).collect();
        let hands = draws.deal(&entities);
        let session = |((here, device), entity): ((SessionId, &ClientId), Entity)| {
            Session::new(*device, entity, hands[here.index()], cell.entities[device.index()])
        };
        let sessions = IdVec::from_vec(cast.clients.iter().zip(entities).map(session).collect());
        drop(hands);
        let stations = Stations::of(scenario, cell, sessions.len());
        let script = chance::with_random_outages(cell, &draws);
        let standstills = stall::foreseen(scenario, &script, &devices);
        Self {
            scenario,
            rules: Cow::Borrowed(scenario.rules()),
            draws,
            cell,
            script,
            next_step: 0,
            agenda: Agenda::new(cell.rooms.len() + cast.clients.len(), scenario.end()),
            mail: Mail::default(),
            turn: Turn::START,
            heartbeats: station::heartbeats(scenario, heartbeats),
            usual: Prospect::NONE,
            devices,
            shared: BTreeMap::new(),
            standstills,
            sessions,
            hearts: IdVec::filled(0, || unreachable!("none is made")),
            server: Server::new(cast),
            n_down: 0,
            slow: Vec::new(),
            outbox: Outbox::default(),
            stations,
            work_ends_at: SimTime::NEVER,
            heard: 0,
            n_callbacks: IdVec::filled(cell.rooms.len(), || 0),
            observer,
        }
    }

    /// From the start to the end, unless the run is stopped before.
    pub(super) fn run(mut self, mut headway: Headway<'_>) {
        let n_rooms = self.cell.rooms.len();
        let mut script_at = self.script_at();
        for n_events in 1_u64.. {
            if n_events.is_multiple_of(LOOK_EVERY) && headway.reached(self.now()).is_break() {
                return;
            }
            match self.agenda.next(script_at, self.work_ends_at) {
                Next::Script => {
                    self.turn_to(Turn::script);
                    self.script(self.script[self.next_step]);
                    script_at = self.script_at();
                }
                Next::Arrival(waybill, parcel) => {
                    self.turn_to(|turn, now| turn.arrival(now, waybill));
                    self.fetch_for_arrivals();
                    self.arrive(waybill, parcel);
                }
                Next::WorkEnds => {
                    self.turn_to(Turn::work_ends);
                    self.work_ends();
                }
                Next::Deadline(slot) => {
                    self.turn_to(|turn, now| turn.deadline(now, slot));
                    match slot.checked_sub(n_rooms) {
                        None => self.publish(RoomId::from_index(slot)),
                        Some(slot) => self.wake(SessionId::from_index(slot)),
                    }
                }
                Next::InRow(slot) => {
                    self.turn_to(|turn, now| turn.deadline(now, slot));
                    self.fetch_for_turns();
                    self.beat(SessionId::from_index(slot - n_rooms));
                }
                Next::End => break,
            }
        }
        self.turn = Turn::end(self.scenario.end());
        for id in (0..self.sessions.len()).map(SessionId::from_index) {
            self.catch_up(id);
        }
        let n_at_stations = self.close_stations();
        self.observer.ended(self.agenda.n_under_way() + n_at_stations + self.n_held());
        headway.ended(self.scenario.end());
    }

    const fn now(&self) -> SimTime {
        self.agenda.now()
    }

    /// When the script's next entry is due; never, if there is none.
    fn script_at(&self) -> SimTime {
        self.script.get(self.next_step).map_or(SimTime::NEVER, |it| it.at)
    }

    fn script(&mut self, Step { action, .. }: Step) {
        self.next_step += 1;
        if let Action::Call(client, call) = action
            && self.devices[client].hears_calls_alone()
        {
            return self.call(client, call); // Nobody else is touched; who is called, settles.
        }
        self.touch(action);
    }

    /// An entry of the script that may touch several sessions.
    #[inline(never)]
    fn touch(&mut self, action: Action) {
        self.rouse(action);
        match action {
            Action::Call(client, call) => self.call(client, call),
            Action::Refused(client, refusal) => self.tell_refusal(client, refusal),
            Action::App(client, event) => self.app(client, event),
            Action::OutageBegins(client, outage) => self.begin_outage(client, outage),
            Action::OutageEnds(client, outage) => self.end_outage(client, outage),
            Action::ChangeLink(client, link, cut) => self.change_link(client, link, cut),
            Action::ChangeNetwork(client, link) => self.change_network(client, link),
            Action::NodeCrash(client, noticed) => self.crash_node(client, noticed),
            Action::ConnectionReset(client) => self.reset_connections(client),
            Action::RefusalBegins(client, code) => self.server.refuse(client, code),
            Action::RefusalEnds(client, code) => self.server.relent(client, code),
            // They are in the script by now.
            Action::RandomOutages(..) => (),
            Action::Server(event) => self.server_event(event),
            Action::Order(order) => {
                self.ask_server(|server, moment, outbox| server.obey(moment, order, outbox));
            }
        }
        self.settle_down(action);
    }

    /// Notes how far the present instant has come, for those who catch up.
    #[inline]
    fn turn_to(&mut self, note: impl FnOnce(&mut Turn, SimTime)) {
        if self.heartbeats == Heartbeats::PassedOver {
            note(&mut self.turn, self.agenda.now());
        }
    }

    #[inline]
    fn arrive(&mut self, waybill: Waybill, parcel: Parcel) {
        if self.stations.is_some() && !self.passes_stations(waybill, parcel) {
            return;
        }
        if !self.arrives_at_heart(waybill, parcel) {
            self.handle(waybill, parcel);
        }
    }

    /// A message has arrived, and been worked on if it is work.
    fn handle(&mut self, waybill: Waybill, parcel: Parcel) {
        let message = &self.mail.open(parcel);
        let session = SessionId::from_index(waybill.lane as usize / LANES);
        let (now, kind) = (self.now(), message.kind());
        let device = &self.devices[self.sessions[session].device];
        let global = self.global(self.sessions[session].device);
        if let Some(cause) = self.sessions[session].lost_with(waybill) {
            return self.observer.dropped(now, global, kind, cause);
        }
        match message {
            Message::Up(_) if self.is_down() => {
                self.observer.dropped(now, global, kind, Cause::ServerDown);
            }
            Message::Up(message) => {
                self.observer.delivered(now, global, kind);
                if kind == Kind::Login && self.stations.is_none() {
                    self.login_arrives(session, message.epoch);
                }
                self.heard = waybill.number;
                self.sessions[session].heard_from(waybill);
                self.catch_up(session);
                self.step_member(session, member::Input::Receive(message));
            }
            Message::Down(_) if !device.link.is_open(Direction::Down) => {
                self.observer.dropped(now, global, kind, Cause::Outage);
            }
            Message::Down(_) if !device.is_running() => {
                self.observer.dropped(now, global, kind, Cause::NoApp);
            }
            Message::Down(message) => {
                self.observer.delivered(now, global, kind);
                let is_answer = matches!(kind, Kind::LoginAccepted | Kind::LoginRejected);
                if is_answer && message.epoch != self.sessions[session].client.epoch {
                    self.observer.answered_late(now, global);
                }
                self.step_client(session, client::Input::Receive(message));
            }
        }
    }

    fn publish(&mut self, room: RoomId) {
        self.ask_server(|server, moment, outbox| server.publish(moment, room, outbox));
    }

    fn step_member(&mut self, session: SessionId, input: member::Input<'_>) {
        self.ask_server(|server, moment, outbox| server.handle(moment, session, input, outbox));
    }

    /// Lets something happen to the server, and carries out what it wants done.
    #[inline]
    fn ask_server(&mut self, ask: impl FnOnce(&mut Server, Moment<'_>, &mut Outbox)) {
        assert!(self.outbox.is_empty(), "the server is asked while it is listened to");
        let moment = Moment { rules: &self.rules, now: self.agenda.now() };
        ask(&mut self.server, moment, &mut self.outbox);
        self.drain();
    }

    /// Carries out what the server wants done.
    fn drain(&mut self) {
        for place in 0..self.outbox.sends.len() {
            let (session, message) = self.outbox.sends[place];
            self.say(session, &Message::Down(message));
        }
        for place in 0..self.outbox.members.len() {
            self.set_deadline(self.outbox.members[place]);
        }
        for place in 0..self.outbox.rooms.len() {
            self.set_room_deadline(self.outbox.rooms[place]);
        }
        for place in 0..self.outbox.callbacks.len() {
            self.call_backend(self.outbox.callbacks[place]);
        }
        self.outbox.clear();
    }

    fn step_client(&mut self, id: SessionId, input: client::Input<'_>) {
        self.catch_up(id); // It may have gone to rest a moment ago.
        let session = &mut self.sessions[id];
        let now = self.devices[session.device].clock.shows(self.agenda.now());
        if session.client.may_spend() {
            session.throw(&self.draws);
            if input == client::Input::Wake && session.client.times_out(now) {
                let client = self.cell.clients[session.device.index()];
                self.observer.attempt_timed_out(self.agenda.now(), client);
            }
        }
        let context = client::Context { rules: &self.rules, now, luck: session.luck };
        let effects = session.client.step(&context, input);
        for effect in effects.iter() {
            self.carry_out(id, effect);
        }
        self.settle(id);
    }

    fn carry_out(&mut self, id: SessionId, effect: &client::Effect) {
        match *effect {
            client::Effect::Send(message) => self.send(id, &Message::Up(message)),
            client::Effect::Post(ask) => self.server.post(id, ask),
            client::Effect::Spent(die) => {
                self.sessions[id].n_spent[die as usize] += 1;
            }
            client::Effect::StateChanged(..)
            | client::Effect::RosterChanges(..)
            | client::Effect::RosterDifference(..)
            | client::Effect::Unasked(..)
            | client::Effect::CallFailed(..)
            | client::Effect::PublishRefused(..)
            | client::Effect::Answered(..)
            | client::Effect::Unanswered(..)
            | client::Effect::TokenWillExpire(..)
            | client::Effect::OnlineCount(..) => self.tell(id, effect),
        }
    }

    /// What has changed at a client's end becomes known to the server and to the agenda.
    fn settle(&mut self, id: SessionId) {
        let session = &self.sessions[id];
        let device = &self.devices[session.device];
        let (is_online, epoch) = (session.client.is_online(), session.client.epoch);
        // The outage began before the answer came that made the client think it is online.
        let is_down = self.is_down();
        let (client, n_outages) = (session.device, device.n_outages);
        let stands = Direction::BOTH.map(|it| self.is_shut(client, it));
        let is_cut = (0 < n_outages || is_down || stands != [false; 2])
            && self.rules.detect == Detect::AtOutage;
        if is_online && is_cut && device.is_running() {
            return self.step_client(id, client::Input::OutageSeen);
        }
        let [stands_up, _] = stands;
        let is_open = device.link.is_open(Direction::Up) && !stands_up;
        let is_heard = is_open && session.node == Node::Alive;
        let signal = is_online && is_heard && device.is_running();
        if signal != session.signal && !is_down {
            self.sessions[id].signal = signal;
            if self.rules.lease.anchor == Anchor::Outage {
                let back = member::Input::SignalBack(epoch);
                let input = if signal { back } else { member::Input::SignalLost };
                self.step_member(id, input);
            }
        }
        self.set_deadline(id);
    }

    fn send(&mut self, id: SessionId, message: &Message) {
        let (now, kind) = (self.now(), message.kind());
        let direction = match message {
            Message::Up(_) => Direction::Up,
            Message::Down(_) => Direction::Down,
        };
        let client = self.sessions[id].device;
        let (global, gate) = (self.global(client), self.gate(client, direction));
        let session = &mut self.sessions[id];
        let device = &mut self.devices[client];
        // Who logs in, or out, connects to another node.
        if let Kind::Login | Kind::Logout = kind {
            session.node = Node::Alive;
        }
        let number = session.number(direction, kind.lane());
        let link = device.kinds[direction as usize];
        let spec = &self.scenario.links()[link];
        let queues = queue_of(&mut self.shared, &mut device.queues, (link, spec.shared));
        let queue = &mut queues[direction as usize];
        // The answer to a heartbeat, or to its copy, has its number for its draws: one that is lost
        // moves no draw of another.
        let number_of_draws = if kind == Kind::HeartbeatAck { self.heard } else { number };
        let serial = Serial { lane: kind.lane() as u8, number: number_of_draws };
        let path = spec.model.path(direction);
        let is_sized = path.bottleneck.is_some() || gate != Gate::OPEN;
        let bytes = if is_sized { message.bytes() } else { 0 };
        let sending = Sending { draws: &self.draws, direction, serial, bytes, now, gate };
        let Fate { verdict, copy } = device.link.send(&mut session.flow, path, queue, sending);
        self.observer.sent(now, global, kind);
        if session.node == Node::Crashed {
            return self.observer.dropped(now, global, kind, Cause::ServerDown);
        }
        let letter = Letter {
            session: id,
            waybill: Waybill { lane: lane(id, direction, kind.lane()), number },
            serial,
            bytes,
        };
        if let Verdict::Deliver(at) = verdict {
            let parcel = self.mail.pack(message);
            self.agenda.send(at, letter.waybill, parcel);
        } else {
            self.dispatch(&letter, message, verdict);
        }
        if let Some(verdict) = copy {
            // A copy is a message of its own to those who count.
            self.observer.sent(now, global, kind);
            let waybill = Waybill { number: number | COPY, ..letter.waybill };
            self.dispatch(&Letter { waybill, ..letter }, message, verdict);
        }
    }

    /// A message goes the way that its link has decided.
    #[inline(never)]
    fn dispatch(&mut self, letter: &Letter, message: &Message, verdict: Verdict) {
        match verdict {
            Verdict::Deliver(at) => {
                let parcel = self.mail.pack(message);
                self.agenda.send(at, letter.waybill, parcel);
            }
            Verdict::Hold(held) => self.hold(letter, *message, held),
            Verdict::Drop(cause) => {
                let client = self.global(self.sessions[letter.session].device);
                self.observer.dropped(self.now(), client, message.kind(), cause);
            }
        }
    }
}

/// The queues before the bottlenecks of a kind of link: those of all its clients, or a device's own.
#[inline]
fn queue_of<'q>(
    shared: &'q mut BTreeMap<LinkId, [Queue; 2]>,
    own: &'q mut [Queue; 2],
    (link, is_shared): (LinkId, bool),
) -> &'q mut [Queue; 2] {
    if is_shared { shared.entry(link).or_default() } else { own }
}
