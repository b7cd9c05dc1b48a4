//! Cells: the clients, users and rooms that can ever touch each other, found from the script and
//! from who is on shared links.
//!
//! Cells share nothing, so each is run by itself and none can change another.

use std::collections::BTreeMap;

use crate::{
    id::{ClientId, Id, IdVec, LinkId, RoomId, SessionId, UserId},
    protocol::server::{Cast, Order},
    scenario::{Action, Refusal, RoomMode, Scenario, Step},
};

/// One cell: its members by their ids in the scenario, and what happens to them.
///
/// Inside a cell everything is counted from zero, in this order.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    /// The clients, in order of the scenario.
    pub clients: Vec<ClientId>,
    /// The users, in order of the scenario.
    pub users: Vec<UserId>,
    /// The rooms, in order of the scenario.
    pub rooms: Vec<RoomId>,
    /// The steps, with clients and rooms by their ids in the cell.
    pub script: Vec<Step>,
}

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
    let mut unions = Unions::new(row.n_clients + row.n_users + scenario.rooms().len());
    // Who is ever on a shared link touches all who are.
    let mut first_on: BTreeMap<LinkId, ClientId> = BTreeMap::new();
    let mut on_link = |unions: &mut Unions, client: ClientId, link| {
        if scenario.links()[link].shared {
            unions.join(client.index(), first_on.entry(link).or_insert(client).index());
        }
    };
    for (client, spec) in scenario.clients().iter() {
        unions.join(client.index(), row.user(spec.user));
        on_link(&mut unions, client, spec.link);
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

/// The cells of a scenario, in order of their first clients.
pub fn cells(scenario: &Scenario) -> Vec<Cell> {
    let row = Row { n_clients: scenario.clients().len(), n_users: scenario.users().len() };
    let mut unions = unions(scenario, row);
    let mut cells: Vec<Cell> = Vec::new();
    let mut cell_of_root = vec![usize::MAX; unions.parent.len()];
    let mut local = vec![0; unions.parent.len()];
    let mut cell_of = |cells: &mut Vec<Cell>, node: usize| {
        let slot = &mut cell_of_root[unions.root(node)];
        if *slot == usize::MAX {
            *slot = cells.len();
            cells.push(Cell::default());
        }
        *slot
    };
    for client in scenario.clients().ids() {
        let cell = cell_of(&mut cells, client.index());
        local[client.index()] = cells[cell].clients.len();
        cells[cell].clients.push(client);
    }
    for user in scenario.users().ids() {
        let cell = cell_of(&mut cells, row.user(user));
        local[row.user(user)] = cells[cell].users.len();
        cells[cell].users.push(user);
    }
    for room in scenario.rooms().ids() {
        let cell = cell_of(&mut cells, row.room(room));
        local[row.room(room)] = cells[cell].rooms.len();
        cells[cell].rooms.push(room);
    }
    for step in scenario.script() {
        if let Action::Server(_) = step.action {
            // The server has rooms in every cell.
            for cell in &mut cells {
                cell.script.push(*step);
            }
            continue;
        }
        let cell = cell_of(&mut cells, row.subject(step.action));
        let action = renamed(step.action, row, &local);
        cells[cell].script.push(Step { action, ..*step });
    }
    cells
}

/// The same action with clients, users and rooms as they are counted in their cell.
fn renamed(action: Action, row: Row, local: &[usize]) -> Action {
    let client = |it: ClientId| ClientId::from_index(local[it.index()]);
    let user = |it| UserId::from_index(local[row.user(it)]);
    let room = |it| RoomId::from_index(local[row.room(it)]);
    match action {
        Action::Call(caller, call) => Action::Call(client(caller), call.renamed(room)),
        Action::OutageBegins(whose, outage) => Action::OutageBegins(client(whose), outage),
        Action::OutageEnds(whose, outage) => Action::OutageEnds(client(whose), outage),
        Action::Server(_) => action,
        Action::RandomOutages(whose, process) => Action::RandomOutages(client(whose), process),
        Action::ChangeLink(whose, link, cut) => Action::ChangeLink(client(whose), link, cut),
        Action::NodeCrash(whose) => Action::NodeCrash(client(whose)),
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

/// The sessions of the clients of a cell.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    /// Who takes part, for the server.
    pub(super) cast: Cast,
    /// The room of each session of a client in multi-room mode.
    pub(super) rooms: IdVec<SessionId, Option<RoomId>>,
}

impl Cell {
    /// The user of each client, by their ids in the cell.
    fn users_of_clients(&self, scenario: &Scenario) -> IdVec<ClientId, UserId> {
        let of_client = |client: &ClientId| {
            let user = scenario.clients()[*client].user;
            UserId::from_index(self.users.binary_search(&user).expect("users follow their clients"))
        };
        IdVec::from_vec(self.clients.iter().map(of_client).collect())
    }

    /// One session for each client in single-room mode, and one for each room that a client in
    /// multi-room mode ever names, in order of the script.
    pub(super) fn sessions(&self, scenario: &Scenario) -> Sessions {
        let mut named: BTreeMap<ClientId, Vec<RoomId>> = BTreeMap::new();
        let mode = |client: ClientId| scenario.clients()[self.clients[client.index()]].mode;
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
        let mut clients = IdVec::from_vec(Vec::new());
        let mut rooms = IdVec::from_vec(Vec::new());
        let mut of_clients = Vec::new();
        for index in 0..self.clients.len() {
            let client = ClientId::from_index(index);
            let of_client = match named.remove(&client) {
                Some(rooms) => rooms.into_iter().map(Some).collect(),
                None => vec![None],
            };
            let mut add = |room| {
                rooms.push(room);
                clients.push(client)
            };
            of_clients.push(of_client.into_iter().map(&mut add).collect());
        }
        let streams = self.clients.iter().map(|it| scenario.clients()[*it].streams.clone());
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
