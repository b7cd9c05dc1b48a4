//! Cells: the clients, users and rooms that can ever touch each other, found from the script and
//! from who is on shared links.
//!
//! Cells share nothing, so each is run by itself and none can change another.

mod cell;

use std::collections::BTreeMap;

use crate::{
    id::{ClientId, Id, LinkId, RoomId, UserId},
    protocol::server::Order,
    scenario::{Action, Scenario, Step},
};
pub use cell::Cell;
pub(super) use cell::Sessions;

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
/// Clients come first, so the root of a cell is its first client.
#[derive(Clone, Copy)]
struct Row {
    n_clients: usize,
    n_users: usize,
}

impl Row {
    fn user(self, user: UserId) -> usize {
        self.n_clients + user.index()
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
            | Action::NodeCrash(client)
            | Action::RefusalBegins(client, _)
            | Action::RefusalEnds(client, _)
            | Action::OutageBegins(client, _)
            | Action::OutageEnds(client, _) => client.index(),
            Action::Order(Order::Forbid(user)) => self.user(user),
            Action::Order(Order::Oust(room, ..) | Order::CloseRoom(room)) => self.room(room),
        }
    }
}

/// What touches what, by the script.
fn unions(scenario: &Scenario, row: Row) -> Unions {
    let mut unions = Unions::new(row.n_clients + row.n_users + scenario.n_rooms());
    // Who is ever on a shared link touches all who are.
    let mut first_on: BTreeMap<LinkId, ClientId> = BTreeMap::new();
    let mut on_link = |unions: &mut Unions, client: ClientId, link| {
        if scenario.links()[link].shared {
            unions.join(client.index(), first_on.entry(link).or_insert(client).index());
        }
    };
    for (client, spec) in scenario.named_clients().iter() {
        unions.join(client.index(), row.user(spec.user));
        on_link(&mut unions, client, spec.link);
    }
    // The rooms of a node wait for each other.
    let mut first_at: BTreeMap<u32, usize> = BTreeMap::new();
    for room in (0..scenario.n_rooms()).map(RoomId::from_index) {
        if let Some(server) = scenario.server() {
            let first = *first_at.entry(server.node_of(room)).or_insert_with(|| row.room(room));
            unions.join(row.room(room), first);
        }
    }
    for step in scenario.script() {
        match step.action {
            Action::Call(client, call) => {
                for room in call.rooms() {
                    unions.join(client.index(), row.room(room));
                }
            }
            Action::Refused(client, refusal) => {
                if let Some(room) = refusal.room {
                    unions.join(client.index(), row.room(room));
                }
            }
            Action::ChangeLink(client, link, _) | Action::ChangeNetwork(client, link) => {
                on_link(&mut unions, client, link);
            }
            Action::Order(Order::Oust(room, user, _)) => {
                unions.join(row.user(user), row.room(room));
            }
            Action::Order(Order::Forbid(_) | Order::CloseRoom(_))
            | Action::App(..)
            | Action::NodeCrash(_)
            | Action::RandomOutages(..)
            | Action::Server(_)
            | Action::RefusalBegins(..)
            | Action::RefusalEnds(..)
            | Action::OutageBegins(..)
            | Action::OutageEnds(..) => (),
        }
    }
    unions
}

/// What of a scenario is in one cell.
#[derive(Clone, Debug, Default)]
struct Part {
    clients: Vec<ClientId>,
    users: Vec<UserId>,
    rooms: Vec<RoomId>,
    /// The steps that concern it alone, by their places in the script.
    steps: Vec<usize>,
}

/// The cells of a scenario, in order of their first clients.  A cell is made when it is run, so
/// that a plan is small.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    scenario: &'a Scenario,
    parts: Vec<Part>,
    /// The steps that concern all cells: the server has rooms in every one.
    everywhere: Vec<usize>,
}

impl<'a> Plan<'a> {
    /// The cells of a scenario.
    pub fn of(scenario: &'a Scenario) -> Self {
        let row = Row { n_clients: scenario.n_clients(), n_users: scenario.n_users() };
        let mut unions = unions(scenario, row);
        let mut parts: Vec<Part> = Vec::new();
        let mut part_of_root = vec![usize::MAX; unions.parent.len()];
        let mut part_of = |parts: &mut Vec<Part>, node: usize| {
            let slot = &mut part_of_root[unions.root(node)];
            if *slot == usize::MAX {
                *slot = parts.len();
                parts.push(Part::default());
            }
            *slot
        };
        for client in scenario.client_ids() {
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
        let mut everywhere = Vec::new();
        for (place, step) in scenario.script().iter().enumerate() {
            if let Action::Server(_) = step.action {
                everywhere.push(place);
            } else {
                let part = part_of(&mut parts, row.subject(step.action));
                parts[part].steps.push(place);
            }
        }
        Self { scenario, parts, everywhere }
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
    pub fn cell(&self, number: usize, _: u64) -> Cell {
        let part = &self.parts[number];
        let (clients, users, rooms) =
            (part.clients.clone(), part.users.clone(), part.rooms.clone());
        let mut cell = Cell { clients, users, rooms, script: Vec::new() };
        let mut places = [&part.steps[..], &self.everywhere].concat();
        places.sort_unstable();
        let step = |place: usize| {
            let step = self.scenario.script()[place];
            Step { action: cell.renamed(step.action), ..step }
        };
        cell.script = places.into_iter().map(step).collect();
        cell
    }
}
