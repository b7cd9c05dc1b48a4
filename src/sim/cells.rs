//! Cells: the clients, users and rooms that can ever touch each other, found from the script.
//!
//! Cells share nothing, so each is run by itself and none can change another.

use crate::{
    id::{ClientId, Id, IdVec, RoomId, UserId},
    scenario::{Action, Scenario, Step},
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
            Action::Call(client, _)
            | Action::OutageBegins(client, _)
            | Action::OutageEnds(client, _) => client.index(),
            Action::Forbid(user) => self.user(user),
            Action::Kick(room, _) | Action::CloseRoom(room) => self.room(room),
        }
    }
}

/// What touches what, by the script.
fn unions(scenario: &Scenario, row: Row) -> Unions {
    let mut unions = Unions::new(row.n_clients + row.n_users + scenario.rooms().len());
    for (client, spec) in scenario.clients().iter() {
        unions.join(client.index(), row.user(spec.user));
    }
    for step in scenario.script() {
        match step.action {
            Action::Call(client, call) => {
                for room in call.rooms() {
                    unions.join(client.index(), row.room(room));
                }
            }
            Action::Kick(room, user) => unions.join(row.user(user), row.room(room)),
            Action::Forbid(_)
            | Action::CloseRoom(_)
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
        Action::Kick(from, whom) => Action::Kick(room(from), user(whom)),
        Action::Forbid(whom) => Action::Forbid(user(whom)),
        Action::CloseRoom(which) => Action::CloseRoom(room(which)),
    }
}

impl Cell {
    /// The user of each client, by their ids in the cell.
    pub fn users_of_clients(&self, scenario: &Scenario) -> IdVec<ClientId, UserId> {
        let of_client = |client: &ClientId| {
            let user = scenario.clients()[*client].user;
            UserId::from_index(self.users.binary_search(&user).expect("users follow their clients"))
        };
        IdVec::from_vec(self.clients.iter().map(of_client).collect())
    }
}
