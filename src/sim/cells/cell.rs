//! One cell: who is in it, and what happens to them.

use std::collections::BTreeMap;

use crate::{
    id::{ClientId, Id, IdVec, RoomId, SessionId, Span, UserId},
    protocol::server::{Cast, Order},
    rng::Entity,
    scenario::{Action, Refusal, RoomMode, Scenario, Step},
};

/// One cell: its members by their ids in the scenario, and what happens to them.
///
/// Inside a cell everything is counted from zero, in this order.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The clients, in order of the scenario.
    pub clients: Vec<ClientId>,
    /// The keys of their draws.
    pub entities: Vec<Entity>,
    /// The users, in order of the scenario.
    pub users: Vec<UserId>,
    /// The rooms, in order of the scenario.
    pub rooms: Vec<RoomId>,
    /// The steps, with clients and rooms by their ids in the cell.
    pub script: Vec<Step>,
}

/// The place of a thing among those of its cell.
fn place<I: Id + Ord>(all: &[I], it: I) -> I {
    I::from_index(all.binary_search(&it).expect("whom an action concerns is in its cell"))
}

impl Cell {
    /// The same action with clients, users and rooms as they are counted in the cell.
    pub(super) fn renamed(&self, action: Action) -> Action {
        let client = |it| place(&self.clients, it);
        let user = |it| place(&self.users, it);
        let room = |it| place(&self.rooms, it);
        match action {
            Action::Call(caller, call) => Action::Call(client(caller), call.renamed(room)),
            Action::OutageBegins(whose, outage) => Action::OutageBegins(client(whose), outage),
            Action::OutageEnds(whose, outage) => Action::OutageEnds(client(whose), outage),
            Action::Server(_) => action,
            Action::RandomOutages(whose, process) => Action::RandomOutages(client(whose), process),
            Action::ChangeLink(whose, link, cut) => Action::ChangeLink(client(whose), link, cut),
            Action::NodeCrash(whose, noticed) => Action::NodeCrash(client(whose), noticed),
            Action::ConnectionReset(whose) => Action::ConnectionReset(client(whose)),
            Action::ChangeNetwork(whose, link) => Action::ChangeNetwork(client(whose), link),
            Action::RefusalBegins(whose, code) => Action::RefusalBegins(client(whose), code),
            Action::RefusalEnds(whose, code) => Action::RefusalEnds(client(whose), code),
            Action::App(whose, event) => Action::App(client(whose), event),
            Action::Refused(caller, refusal) => {
                let refusal = Refusal { room: refusal.room.map(room), ..refusal };
                Action::Refused(client(caller), refusal)
            }
            Action::Order(Order::Oust(from, whom, by)) => {
                Action::Order(Order::Oust(room(from), user(whom), by))
            }
            Action::Order(Order::Forbid(whom)) => Action::Order(Order::Forbid(user(whom))),
            Action::Order(Order::CloseRoom(which)) => Action::Order(Order::CloseRoom(room(which))),
        }
    }
}

/// The sessions of the clients of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    /// Who takes part, for the server.
    pub(crate) cast: Cast,
    /// The room of each session of a client in multi-room mode.
    pub(crate) rooms: IdVec<SessionId, Option<RoomId>>,
}

impl Cell {
    /// Takes in the members of populations whose rooms are here, and their users.
    pub(super) fn take_in_members(&mut self, scenario: &Scenario) {
        self.entities.extend(self.clients.iter().map(|it| scenario.entity_of(*it)));
        for population in scenario.populations() {
            let (first, n_rooms) = population.rooms();
            let from = self.rooms.partition_point(|it| *it < first);
            let to = self.rooms.partition_point(|it| it.index() < first.index() + n_rooms);
            let n_before = self.clients.len();
            for room in &self.rooms[from..to] {
                self.clients.extend(population.clients_in(*room));
            }
            self.clients[n_before..].sort_unstable();
            let entities = self.clients[n_before..].iter().map(|it| population.entity_of(*it));
            self.entities.extend(entities);
            let users = self.clients[n_before..].iter().map(|it| scenario.user_of(*it));
            self.users.extend(users);
        }
    }

    /// The user of each client, by their ids in the cell.
    fn users_of_clients(&self, scenario: &Scenario) -> IdVec<ClientId, UserId> {
        // Most users have one client, so they stand in the order of their clients.
        let mut next = 0;
        let of_client = |client: &ClientId| {
            let user = scenario.user_of(*client);
            let here = match self.users.get(next) {
                Some(it) if *it == user => UserId::from_index(next),
                Some(_) | None => place(&self.users, user),
            };
            next = here.index() + 1;
            here
        };
        IdVec::from_vec(self.clients.iter().map(of_client).collect())
    }

    /// One session for each client in single-room mode, and one for each room that a client in
    /// multi-room mode ever names, in order of the script.
    pub(crate) fn sessions(&self, scenario: &Scenario) -> Sessions {
        let mut named: BTreeMap<ClientId, Vec<RoomId>> = BTreeMap::new();
        let mode = |client: ClientId| scenario.mode_of(self.clients[client.index()]);
        for step in &self.script {
            if let Action::Call(client, call) = step.action
                && mode(client) == RoomMode::Multi
            {
                let rooms = named.entry(client).or_default();
                for room in call.rooms() {
                    if !rooms.contains(&room) {
                        rooms.push(room);
                    }
                }
            }
        }
        let n_clients = self.clients.len();
        let mut clients = IdVec::from_vec(Vec::with_capacity(n_clients));
        let mut rooms = IdVec::from_vec(Vec::with_capacity(n_clients));
        let mut of_clients = Vec::with_capacity(n_clients);
        for index in 0..self.clients.len() {
            let client = ClientId::from_index(index);
            let first = rooms.len();
            let mut add = |room| {
                rooms.push(room);
                clients.push(client);
            };
            match named.remove(&client) {
                Some(rooms) => rooms.into_iter().for_each(|it| add(Some(it))),
                None => add(None),
            }
            of_clients.push(Span::from_range(first, rooms.len()));
        }
        let streams = self.clients.iter().map(|it| scenario.streams_of(*it).to_vec());
        let cast = Cast {
            users: self.users_of_clients(scenario),
            streams: IdVec::from_vec(streams.collect()),
            clients,
            sessions: IdVec::from_vec(of_clients),
            n_users: self.users.len(),
            n_rooms: self.rooms.len(),
        };
        Sessions { cast, rooms }
    }
}
