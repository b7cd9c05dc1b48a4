//! Cells: the clients, users and rooms that can ever touch each other, found from the script and
//! from who is on shared links.
//!
//! Cells share nothing, so each is run by itself and none can change another.

mod cell;
mod filling;

use std::collections::BTreeMap;

use crate::{
    id::{ClientId, Id, LinkId, RoomId, UserId},
    protocol::server::Order,
    scenario::{Action, Clients, Scenario, server::ServerSpec},
};
pub use cell::Cell;
pub(super) use cell::Sessions;
use filling::Filling;

/// Joins things that touch, by the rule that the smaller root wins.
struct Unions {
    parent: Vec<usize>,
}

impl Unions {
    fn new(len: usize) -> Self {
        Self { parent: (0..len).collect() }
    }

    fn root(&mut self, mut it: usize) -> usize {
        while self.parent[it] != it {
            self.parent[it] = self.parent[self.parent[it]];
            it = self.parent[it];
        }
        it
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.parent[one.max(other)] = one.min(other);
    }
}

/// The numbers of clients, users and rooms where all of them stand in one row.
///
/// Clients come first, so the root of a cell is its first client.  Members of populations and their
/// users do not stand there: they are where their room is.
#[derive(Clone, Copy)]
struct Row<'a> {
    scenario: &'a Scenario,
    n_clients: usize,
    n_users: usize,
}

impl<'a> Row<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let n_clients = scenario.named_clients().len();
        Self { scenario, n_clients, n_users: scenario.n_named_users() }
    }

    const fn len(self) -> usize {
        self.n_clients + self.n_users + self.scenario.n_rooms()
    }

    fn client(self, client: ClientId) -> usize {
        match self.scenario.population_of(client) {
            Some(population) => self.room(population.room_of(client)),
            None => client.index(),
        }
    }

    fn user(self, user: UserId) -> usize {
        match self.scenario.member(user) {
            Some(client) => self.client(client),
            None => self.n_clients + user.index(),
        }
    }

    fn room(self, room: RoomId) -> usize {
        self.n_clients + self.n_users + room.index()
    }

    /// Whom or what an action concerns first.
    fn subject(self, action: Action) -> usize {
        match action {
            Action::Server(_) => unreachable!("the server is everybody's"),
            Action::Call(client, _)
            | Action::RandomOutages(client, _)
            | Action::App(client, _)
            | Action::Refused(client, ..)
            | Action::ChangeLink(client, ..)
            | Action::ChangeNetwork(client, _)
            | Action::NodeCrash(client, _)
            | Action::ConnectionReset(client)
            | Action::RefusalBegins(client, _)
            | Action::RefusalEnds(client, _)
            | Action::OutageBegins(client, _)
            | Action::OutageEnds(client, _) => self.client(client),
            Action::Order(Order::Forbid(user)) => self.user(user),
            Action::Order(Order::Oust(room, ..) | Order::CloseRoom(room)) => self.room(room),
        }
    }
}

/// What touches what.
struct Touching<'a> {
    row: Row<'a>,
    unions: Unions,
    /// Who is ever on a shared link touches all who are.
    first_on: BTreeMap<LinkId, usize>,
}

impl<'a> Touching<'a> {
    /// By the script, and by who is on shared links.
    fn of(scenario: &'a Scenario) -> Self {
        let row = Row::of(scenario);
        let (unions, first_on) = (Unions::new(row.len()), BTreeMap::new());
        let mut touching = Self { row, unions, first_on };
        for (client, spec) in scenario.named_clients().iter() {
            touching.unions.join(client.index(), row.user(spec.user));
            touching.on_link(client.index(), spec.link);
        }
        for population in scenario.populations() {
            // Who has which of the links is drawn, so all may have each.
            for link in population.links() {
                let clients = population.members();
                touching.each_home(clients, |it, home| it.on_link(home, link));
            }
        }
        if let Some(server) = scenario.server() {
            touching.nodes(server);
        }
        for step in scenario.script() {
            touching.step(step.action);
        }
        for broad in scenario.broad() {
            let action = broad.step.action;
            touching.each_home(broad.clients, |it, home| it.client_step(home, action));
        }
        touching
    }

    /// The rooms of a node wait for each other.
    fn nodes(&mut self, server: &ServerSpec) {
        let mut first_at: BTreeMap<u32, usize> = BTreeMap::new();
        for room in (0..self.row.scenario.n_rooms()).map(RoomId::from_index) {
            let place = self.row.room(room);
            let first = *first_at.entry(server.node_of(room)).or_insert(place);
            self.unions.join(place, first);
        }
    }

    /// Does something with every place in the row where one of these clients is.
    fn each_home(&mut self, clients: Clients, mut with: impl FnMut(&mut Self, usize)) {
        let (first, end) = (clients.first().index(), clients.first().index() + clients.count());
        for client in first..end.min(self.row.n_clients) {
            with(self, client);
        }
        for population in self.row.scenario.populations() {
            let members = population.members();
            let from = members.first().index().max(first);
            let to = (members.first().index() + members.count()).min(end);
            // After as many members as there are rooms, the rooms come again.
            for client in from..to.min(from + population.rooms().1) {
                let home = self.row.client(ClientId::from_index(client));
                with(self, home);
            }
        }
    }

    fn on_link(&mut self, home: usize, link: LinkId) {
        if self.row.scenario.links()[link].shared {
            self.unions.join(home, *self.first_on.entry(link).or_insert(home));
        }
    }

    fn step(&mut self, action: Action) {
        match action {
            Action::Order(Order::Oust(room, user, _)) => {
                self.unions.join(self.row.user(user), self.row.room(room));
            }
            Action::Order(Order::Forbid(_) | Order::CloseRoom(_)) | Action::Server(_) => (),
            Action::Call(client, _)
            | Action::Refused(client, _)
            | Action::ChangeLink(client, ..)
            | Action::ChangeNetwork(client, _)
            | Action::App(client, _)
            | Action::NodeCrash(client, _)
            | Action::ConnectionReset(client)
            | Action::RandomOutages(client, _)
            | Action::RefusalBegins(client, _)
            | Action::RefusalEnds(client, _)
            | Action::OutageBegins(client, _)
            | Action::OutageEnds(client, _) => self.client_step(self.row.client(client), action),
        }
    }

    /// A step of a client who is at this place.
    fn client_step(&mut self, home: usize, action: Action) {
        match action {
            Action::Call(_, call) => {
                for room in call.rooms() {
                    self.unions.join(home, self.row.room(room));
                }
            }
            Action::Refused(_, refusal) => {
                if let Some(room) = refusal.room {
                    self.unions.join(home, self.row.room(room));
                }
            }
            Action::ChangeLink(_, link, _) | Action::ChangeNetwork(_, link) => {
                self.on_link(home, link);
            }
            Action::Order(_)
            | Action::Server(_)
            | Action::App(..)
            | Action::NodeCrash(..)
            | Action::ConnectionReset(_)
            | Action::RandomOutages(..)
            | Action::RefusalBegins(..)
            | Action::RefusalEnds(..)
            | Action::OutageBegins(..)
            | Action::OutageEnds(..) => (),
        }
    }
}

/// What of a scenario is in one cell, but for members of populations.
#[derive(Clone, Debug, Default)]
struct Part {
    clients: Vec<ClientId>,
    users: Vec<UserId>,
    rooms: Vec<RoomId>,
    /// The steps that concern it alone, by their places in the script.
    steps: Vec<usize>,
    /// The broad steps that concern it alone, by their places among those.
    broad: Vec<usize>,
}

/// The cells of a scenario, in order of their first clients, then of their first rooms.
///
/// A cell is made when it is run, so that a plan is small: it knows of a population only where its
/// rooms are.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    scenario: &'a Scenario,
    parts: Vec<Part>,
    /// The steps that concern all cells: the server has rooms in every one.
    everywhere: Vec<usize>,
    /// The broad steps that may concern several cells.
    wide: Vec<usize>,
}

impl<'a> Plan<'a> {
    /// The cells of a scenario.
    pub fn of(scenario: &'a Scenario) -> Self {
        let Touching { row, mut unions, .. } = Touching::of(scenario);
        let mut parts: Vec<Part> = Vec::new();
        let mut part_of_root = vec![usize::MAX; row.len()];
        let mut part_of = |parts: &mut Vec<Part>, node: usize| {
            let slot = &mut part_of_root[unions.root(node)];
            if *slot == usize::MAX {
                *slot = parts.len();
                parts.push(Part::default());
            }
            *slot
        };
        for client in scenario.named_clients().ids() {
            let part = part_of(&mut parts, client.index());
            parts[part].clients.push(client);
        }
        for user in (0..row.n_users).map(UserId::from_index) {
            let part = part_of(&mut parts, row.user(user));
            parts[part].users.push(user);
        }
        for room in (0..scenario.n_rooms()).map(RoomId::from_index) {
            let part = part_of(&mut parts, row.room(room));
            parts[part].rooms.push(room);
        }
        let (mut everywhere, mut wide) = (Vec::new(), Vec::new());
        for (place, step) in scenario.script().iter().enumerate() {
            if let Action::Server(_) = step.action {
                everywhere.push(place);
            } else {
                let part = part_of(&mut parts, row.subject(step.action));
                parts[part].steps.push(place);
            }
        }
        for (place, broad) in scenario.broad().iter().enumerate() {
            if broad.clients.count() == 1 {
                let part = part_of(&mut parts, row.client(broad.clients.first()));
                parts[part].broad.push(place);
            } else {
                wide.push(place);
            }
        }
        Self { scenario, parts, everywhere, wide }
    }

    /// The scenario whose cells these are.
    pub const fn scenario(&self) -> &'a Scenario {
        self.scenario
    }

    /// How many cells there are.
    pub const fn n_cells(&self) -> usize {
        self.parts.len()
    }

    /// One of the cells, in the run with this seed.
    pub fn cell(&self, number: usize, seed: u64) -> Cell {
        let part = &self.parts[number];
        let mut steps = [&part.steps[..], &self.everywhere].concat();
        let mut broad = [&part.broad[..], &self.wide].concat();
        steps.sort_unstable();
        broad.sort_unstable();
        let mut cell = Cell {
            clients: part.clients.clone(),
            entities: Vec::new(),
            users: part.users.clone(),
            rooms: part.rooms.clone(),
            script: Vec::new(),
        };
        cell.take_in_members(self.scenario);
        Filling::new(self.scenario, seed, &mut cell).fill(&steps, &broad);
        cell
    }
}
