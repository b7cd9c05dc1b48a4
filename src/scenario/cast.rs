//! Who takes part in a scenario, and in which rooms: by ids, whoever they are.

use std::borrow::Cow;

use crate::{
    id::{ClientId, Id, IdVec, LinkId, RoomId, StreamId, UserId},
    rng::{Draws, Entity},
    scenario::{ClientSpec, Population, RoomMode, Scenario},
    time::Clock,
};

/// What a client has at the start of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gear {
    /// The kind of its link.
    pub link: LinkId,
    /// How its clock runs.
    pub clock: Clock,
    /// Whether it may be in several rooms.
    pub mode: RoomMode,
}

impl Scenario {
    /// How many clients take part.
    pub fn n_clients(&self) -> usize {
        self.clients.len() + self.n_members()
    }

    /// How many users there are.
    pub fn n_users(&self) -> usize {
        self.users.len() + self.n_members()
    }

    /// How many rooms there are.
    pub const fn n_rooms(&self) -> usize {
        self.rooms.len()
    }

    /// How many clients are members of populations: each is a user of its own.
    fn n_members(&self) -> usize {
        self.populations.iter().map(|it| it.members.count).sum()
    }

    /// The clients, in order: first those that the file names, then those of populations.
    pub fn client_ids(&self) -> impl Iterator<Item = ClientId> + use<> {
        (0..self.n_clients()).map(ClientId::from_index)
    }

    /// The clients that the file names one by one or as a group, in order of the file.
    pub const fn named_clients(&self) -> &IdVec<ClientId, ClientSpec> {
        &self.clients
    }

    /// How many users those have.
    pub const fn n_named_users(&self) -> usize {
        self.users.len()
    }

    /// The population of which a client is one, if there is one.
    pub fn population_of(&self, client: ClientId) -> Option<&Population> {
        let after = self.populations.partition_point(|it| it.members.first <= client.index());
        self.populations[..after].last()
    }

    /// The client of a user of a population.
    pub fn member(&self, user: UserId) -> Option<ClientId> {
        let number = user.index().checked_sub(self.users.len())?;
        Some(ClientId::from_index(self.clients.len() + number))
    }

    /// The name of a client.
    pub fn client_name(&self, client: ClientId) -> Cow<'_, str> {
        match self.population_of(client) {
            Some(population) => Cow::Owned(population.name_of(client)),
            None => Cow::Borrowed(&self.clients[client].name),
        }
    }

    /// The key of a client's draws.
    pub fn entity_of(&self, client: ClientId) -> Entity {
        match self.population_of(client) {
            Some(population) => population.entity_of(client),
            None => Entity::named(&self.clients[client].name),
        }
    }

    /// Whose device a client is.
    pub fn user_of(&self, client: ClientId) -> UserId {
        match client.index().checked_sub(self.clients.len()) {
            Some(number) => UserId::from_index(self.users.len() + number),
            None => self.clients[client].user,
        }
    }

    /// The name of a user.
    pub fn user_name(&self, user: UserId) -> Cow<'_, str> {
        match self.member(user) {
            Some(client) => self.client_name(client),
            None => Cow::Borrowed(&self.users[user]),
        }
    }

    /// The name of a room.
    pub fn room_name(&self, room: RoomId) -> Cow<'_, str> {
        self.rooms.name(room)
    }

    /// Whether a client may be in several rooms.
    pub fn mode_of(&self, client: ClientId) -> RoomMode {
        self.clients.get(client).map_or(RoomMode::Single, |it| it.mode)
    }

    /// The streams that a client ever publishes.
    pub fn streams_of(&self, client: ClientId) -> &[StreamId] {
        self.clients.get(client).map_or(&[], |it| &it.streams)
    }

    /// What a client has at the start of the run with these draws.
    pub fn gear_of(&self, client: ClientId, draws: &Draws) -> Gear {
        if let Some(population) = self.population_of(client) {
            let link = population.link_of(client, draws);
            return Gear { link, clock: population.clock, mode: RoomMode::Single };
        }
        let ClientSpec { link, clock, mode, .. } = self.clients[client];
        Gear { link, clock, mode }
    }
}
