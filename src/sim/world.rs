//! The driver of one cell: takes what is next from the agenda, steps a machine, and carries out
//! its effects over the links.

use crate::{
    engine::{Agenda, Next, Waybill},
    id::{ClientId, Id, IdVec, RoomId, UserId},
    link::{Cause, Direction, Link, LinkModel, Serial, Verdict},
    observe::{Callback, Observer},
    protocol::{
        client::{self, Client, Die, Luck},
        code::Update,
        journal::Change,
        member,
        message::{Lane, Message},
        rules::{Anchor, Detect, Rules},
        server::{Moment, Outbox, Server},
    },
    rng::{Draws, Entity, Purpose},
    scenario::{Action, Outage, Scenario, Step},
    sim::cells::Cell,
    time::SimTime,
};

/// A client with its link and its dice.
#[derive(Debug)]
struct Seat {
    client: Client,
    user: UserId,
    entity: Entity,
    link: Link,
    model: LinkModel,
    /// Messages sent so far, by direction and lane.
    n_sent: [[u32; Lane::COUNT]; 2],
    /// The drawn numbers that the next step may use, and how many were used before.
    luck: Luck,
    n_spent: [u32; 2],
    /// Outages that the operating system has announced and not ended.
    n_announced: u32,
    n_outages: u32,
    /// Whether the server knows that the client is there (see [`Anchor::Outage`]).
    signal: bool,
}

/// The state of one cell and those who watch it.
pub(super) struct World<'a, O> {
    rules: &'a Rules,
    draws: Draws,
    cell: &'a Cell,
    next_step: usize,
    agenda: Agenda<Message>,
    seats: IdVec<ClientId, Seat>,
    server: Server,
    outbox: Outbox,
    observer: O,
}

/// Lanes of one client on the agenda: those up, then those down.
const LANES: usize = 2 * Lane::COUNT;

impl<'a, O: Observer> World<'a, O> {
    pub(super) fn new(scenario: &'a Scenario, cell: &'a Cell, seed: u64, observer: O) -> Self {
        let draws = Draws::new(seed);
        let users = cell.users_of_clients(scenario);
        let seat = |(here, global): (ClientId, &ClientId)| {
            let spec = &scenario.clients()[*global];
            let entity = Entity::named(&spec.name);
            Seat {
                client: Client::new(),
                user: users[here],
                entity,
                link: Link::new(entity),
                model: spec.link,
                n_sent: [[0; Lane::COUNT]; 2],
                luck: Luck {
                    phase: draws.draw(Purpose::Phase, entity, 0),
                    wait: draws.draw(Purpose::Wait, entity, 0),
                },
                n_spent: [0; 2],
                n_announced: 0,
                n_outages: 0,
                signal: false,
            }
        };
        let clients = IdVec::from_vec(cell.clients.clone());
        let seats = IdVec::from_vec(clients.iter().map(seat).collect());
        Self {
            rules: scenario.rules(),
            draws,
            cell,
            next_step: 0,
            agenda: Agenda::new(cell.rooms.len() + cell.clients.len(), scenario.end()),
            seats,
            server: Server::new(users, cell.users.len(), cell.rooms.len()),
            outbox: Outbox::default(),
            observer,
        }
    }

    /// From the start to the end.
    pub(super) fn run(mut self) {
        let n_rooms = self.cell.rooms.len();
        loop {
            let step = self.cell.script.get(self.next_step).copied();
            match self.agenda.next(step.map_or(SimTime::NEVER, |it| it.at)) {
                Next::Script => self.script(step.expect("it is due")),
                Next::Arrival(waybill, message) => self.arrive(waybill, message),
                Next::Deadline(slot) if slot < n_rooms => self.publish(RoomId::from_index(slot)),
                Next::Deadline(slot) => self.wake(ClientId::from_index(slot - n_rooms)),
                Next::End => break,
            }
        }
        self.observer.ended(self.agenda.n_under_way());
    }

    const fn now(&self) -> SimTime {
        self.agenda.now()
    }

    fn script(&mut self, Step { action, .. }: Step) {
        self.next_step += 1;
        let moment = Moment { rules: self.rules, now: self.now() };
        match action {
            Action::Call(client, call) => self.step_client(client, client::Input::Call(call)),
            Action::OutageBegins(client, outage) => self.begin_outage(client, outage),
            Action::OutageEnds(client, outage) => self.end_outage(client, outage),
            Action::Kick(room, user) => {
                self.server.kick(moment, room, user, &mut self.outbox);
                self.drain();
            }
            Action::Forbid(user) => self.server.forbid(user),
            Action::CloseRoom(room) => {
                self.server.close(moment, room, &mut self.outbox);
                self.drain();
            }
        }
    }

    /// The link is cut, and the client may know at once (spec: R19).
    fn begin_outage(&mut self, client: ClientId, outage: Outage) {
        let seat = &mut self.seats[client];
        seat.link.cut(outage.cut);
        seat.n_outages += 1;
        seat.n_announced += u32::from(outage.announced);
        let announced = outage.announced && seat.n_announced == 1;
        if announced || self.rules.detect == Detect::AtOutage {
            self.step_client(client, client::Input::LinkLost);
        } else {
            self.settle(client);
        }
    }

    fn end_outage(&mut self, client: ClientId, outage: Outage) {
        let seat = &mut self.seats[client];
        seat.link.mend(outage.cut);
        seat.n_outages -= 1;
        seat.n_announced -= u32::from(outage.announced);
        if outage.announced && seat.n_announced == 0 {
            self.step_client(client, client::Input::LinkBack);
        } else {
            self.settle(client);
        }
    }

    fn arrive(&mut self, waybill: Waybill, message: Message) {
        let client = ClientId::from_index(waybill.lane as usize / LANES);
        let (now, kind, global) = (self.now(), message.kind(), self.global(client));
        match message {
            Message::Up(message) => {
                self.observer.delivered(now, global, kind);
                self.step_member(client, member::Input::Receive(message));
            }
            Message::Down(_) if !self.seats[client].link.is_open(Direction::Down) => {
                self.observer.dropped(now, global, kind, Cause::Outage);
            }
            Message::Down(message) => {
                self.observer.delivered(now, global, kind);
                self.step_client(client, client::Input::Receive(message));
            }
        }
    }

    /// A deadline of a client is due, on the server's side or on its own; the server goes first.
    fn wake(&mut self, client: ClientId) {
        if self.server.member(client).deadline().is_due(self.now()) {
            self.step_member(client, member::Input::Wake);
        } else {
            self.step_client(client, client::Input::Wake);
        }
    }

    fn publish(&mut self, room: RoomId) {
        let moment = Moment { rules: self.rules, now: self.now() };
        self.server.publish(moment, room, &mut self.outbox);
        self.drain();
    }

    fn step_member(&mut self, client: ClientId, input: member::Input) {
        let moment = Moment { rules: self.rules, now: self.now() };
        self.server.handle(moment, client, input, &mut self.outbox);
        self.drain();
    }

    /// Carries out what the server wants done.
    fn drain(&mut self) {
        let mut outbox = std::mem::take(&mut self.outbox);
        for (client, message) in &outbox.sends {
            self.send(*client, Direction::Down, Message::Down(*message));
        }
        for client in &outbox.members {
            self.set_deadline(*client);
        }
        for room in &outbox.rooms {
            let at = self.server.room_deadline(self.rules, *room);
            self.agenda.set_deadline(room.index(), at);
        }
        outbox.clear();
        assert!(self.outbox.is_empty(), "the server spoke while it was listened to");
        self.outbox = outbox;
    }

    fn step_client(&mut self, client: ClientId, input: client::Input) {
        let seat = &mut self.seats[client];
        let context =
            client::Context { rules: self.rules, now: self.agenda.now(), luck: seat.luck };
        let (next, effects) = seat.client.step(context, input);
        seat.client = next;
        for effect in effects.iter() {
            self.carry_out(client, effect);
        }
        self.settle(client);
    }

    fn carry_out(&mut self, client: ClientId, effect: client::Effect) {
        match effect {
            client::Effect::Send(message) => {
                self.send(client, Direction::Up, Message::Up(message));
            }
            client::Effect::StateChanged(room, reason, code) => {
                self.call_back(client, room, Callback::StateChanged(reason, code));
            }
            client::Effect::RosterChanges(room, from, to) => {
                self.tell_changes(client, room, (from, to));
            }
            client::Effect::RosterDifference(room, from, to) => {
                self.tell_difference(client, room, (from, to));
            }
            client::Effect::CallFailed(room, code) => {
                self.call_back(client, room, Callback::LoginRoomFailed(code));
            }
            client::Effect::Spent(die) => {
                let seat = &mut self.seats[client];
                seat.n_spent[die as usize] += 1;
                let index = u64::from(seat.n_spent[die as usize]);
                let (purpose, number) = match die {
                    Die::Phase => (Purpose::Phase, &mut seat.luck.phase),
                    Die::Wait => (Purpose::Wait, &mut seat.luck.wait),
                };
                *number = self.draws.draw(purpose, seat.entity, index);
            }
        }
    }

    /// Each change by itself, in the server's order; a user is not told of itself (spec: R27).
    fn tell_changes(&mut self, client: ClientId, room: RoomId, (from, to): (u32, u32)) {
        let own = self.seats[client].user;
        let changes = self.server.journal(room).told(from, to);
        let changes: Vec<Change> = changes.filter(|it| it.user != own).copied().collect();
        for change in changes {
            self.tell_users(client, room, change.update, &[change.user]);
        }
    }

    /// What remains of all changes: first who came, then who left (spec: R28).
    fn tell_difference(&mut self, client: ClientId, room: RoomId, (from, to): (u32, u32)) {
        let own = self.seats[client].user;
        let difference = self.server.journal(room).difference(from, to);
        let lists = [(Update::Add, difference.joined), (Update::Delete, difference.left)];
        for (update, mut users) in lists {
            users.retain(|it| *it != own);
            if !users.is_empty() {
                self.tell_users(client, room, update, &users);
            }
        }
    }

    fn tell_users(&mut self, client: ClientId, room: RoomId, update: Update, users: &[UserId]) {
        let users: Vec<UserId> = users.iter().map(|it| self.cell.users[it.index()]).collect();
        self.call_back(client, room, Callback::UserUpdate(update, &users));
    }

    fn call_back(&mut self, client: ClientId, room: RoomId, what: Callback<'_>) {
        let (client, room) = (self.global(client), self.cell.rooms[room.index()]);
        self.observer.callback(self.agenda.now(), client, room, what);
    }

    /// What has changed at a client's end becomes known to the server and to the agenda.
    fn settle(&mut self, client: ClientId) {
        let seat = &self.seats[client];
        let (is_online, epoch) = (seat.client.is_online(), seat.client.epoch);
        // The outage began before the answer came that made the client think it is online.
        if is_online && 0 < seat.n_outages && self.rules.detect == Detect::AtOutage {
            return self.step_client(client, client::Input::LinkLost);
        }
        let signal = is_online && seat.link.is_open(Direction::Up);
        if signal != seat.signal {
            self.seats[client].signal = signal;
            if self.rules.lease.anchor == Anchor::Outage {
                let back = member::Input::SignalBack(epoch);
                let input = if signal { back } else { member::Input::SignalLost };
                self.step_member(client, input);
            }
        }
        self.set_deadline(client);
    }

    fn set_deadline(&mut self, client: ClientId) {
        let member_at = self.server.member(client).deadline();
        let at = self.seats[client].client.deadline().min(member_at);
        self.agenda.set_deadline(self.cell.rooms.len() + client.index(), at);
    }

    fn send(&mut self, client: ClientId, direction: Direction, message: Message) {
        let (now, kind, global) = (self.now(), message.kind(), self.global(client));
        let seat = &mut self.seats[client];
        let lane = kind.lane() as usize;
        let number = seat.n_sent[direction as usize][lane];
        seat.n_sent[direction as usize][lane] += 1;
        let path = match direction {
            Direction::Up => &seat.model.up,
            Direction::Down => &seat.model.down,
        };
        self.observer.sent(now, global, kind);
        let serial = Serial { lane: kind.lane() as u8, number };
        match seat.link.send(path, &self.draws, direction, (serial, now)) {
            Verdict::Deliver(at) => {
                let lane = client.index() * LANES + direction as usize * Lane::COUNT + lane;
                let lane = u32::try_from(lane).expect("clients are limited");
                self.agenda.send(at, Waybill { lane, number }, message);
            }
            Verdict::Drop(cause) => self.observer.dropped(now, global, kind, cause),
        }
    }

    fn global(&self, client: ClientId) -> ClientId {
        self.cell.clients[client.index()]
    }
}
