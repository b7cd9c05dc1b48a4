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

/// The cells of a scenario, in order of their first clients.
pub fn cells(scenario: &Scenario) -> Vec<Cell> {
    let (n_clients, n_users) = (scenario.clients().len(), scenario.users().len());
    // Clients, then users, then rooms: so the root of a cell is its first client.
    let user_node = |user: UserId| n_clients + user.index();
    let room_node = |room: RoomId| n_clients + n_users + room.index();
    let n_nodes = n_clients + n_users + scenario.rooms().len();
    let mut unions = Unions::new(n_nodes);
    for (client, spec) in scenario.clients().iter() {
        unions.join(client.index(), user_node(spec.user));
    }
    for step in scenario.script() {
        match step.action {
            Action::Call(client, call) => {
                for room in call.rooms() {
                    unions.join(client.index(), room_node(room));
                }
            }
            Action::Kick(room, user) => unions.join(user_node(user), room_node(room)),
            Action::CloseRoom(_) | Action::OutageBegins(..) | Action::OutageEnds(..) => (),
        }
    }
    let mut cells: Vec<Cell> = Vec::new();
    let mut cell_of_root = vec![usize::MAX; n_nodes];
    let mut local = vec![0; n_nodes];
    let mut cell_of = |unions: &mut Unions, cells: &mut Vec<Cell>, node: usize| {
        let slot = &mut cell_of_root[unions.root(node)];
        if *slot == usize::MAX {
            *slot = cells.len();
            cells.push(Cell::default());
        }
        *slot
    };
    for client in scenario.clients().ids() {
        let cell = cell_of(&mut unions, &mut cells, client.index());
        local[client.index()] = cells[cell].clients.len();
        cells[cell].clients.push(client);
    }
    for user in scenario.users().ids() {
        let cell = cell_of(&mut unions, &mut cells, user_node(user));
        local[user_node(user)] = cells[cell].users.len();
        cells[cell].users.push(user);
    }
    for room in scenario.rooms().ids() {
        let cell = cell_of(&mut unions, &mut cells, room_node(room));
        local[room_node(room)] = cells[cell].rooms.len();
        cells[cell].rooms.push(room);
    }
    for step in scenario.script() {
        let node = match step.action {
            Action::Call(client, _)
            | Action::OutageBegins(client, _)
            | Action::OutageEnds(client, _) => client.index(),
            Action::Kick(room, _) | Action::CloseRoom(room) => room_node(room),
        };
        let cell = cell_of(&mut unions, &mut cells, node);
        let client_here = |it: ClientId| ClientId::from_index(local[it.index()]);
        let user_here = |it| UserId::from_index(local[user_node(it)]);
        let room_here = |it| RoomId::from_index(local[room_node(it)]);
        let action = match step.action {
            Action::Call(client, call) => {
                Action::Call(client_here(client), call.renamed(room_here))
            }
            Action::OutageBegins(client, it) => Action::OutageBegins(client_here(client), it),
            Action::OutageEnds(client, it) => Action::OutageEnds(client_here(client), it),
            Action::Kick(room, user) => Action::Kick(room_here(room), user_here(user)),
            Action::CloseRoom(room) => Action::CloseRoom(room_here(room)),
        };
        cells[cell].script.push(Step { action, ..*step });
    }
    cells
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
