//! Who takes part in a scenario, and in which rooms: by ids, whoever they are.

use std::{borrow::Cow, fmt};

use crate::{
    id::{ClientId, Id, IdVec, LinkId, RoomId, StreamId, UserId},
    rng::{Draws, Entity},
    scenario::{
        ClientSpec, Clients, Entry, EntryOf, Population, RoomMode, Scenario, rooms::number_of,
    },
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

/// A name as it is made: a text, and perhaps a number after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// The text.
    pub stem: &'a str,
    /// The number, which a `-` parts from it.
    pub number: Option<usize>,
}

impl<'a> From<&'a str> for Label<'a> {
    fn from(stem: &'a str) -> Self {
        Self { stem, number: None }
    }
}

impl<'a> From<Label<'a>> for Cow<'a, str> {
    fn from(label: Label<'a>) -> Self {
        match label.number {
            None => Cow::Borrowed(label.stem),
            Some(_) => Cow::Owned(label.to_string()),
        }
    }
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            None => f.write_str(self.stem),
            Some(number) => write!(f, "{}-{number}", self.stem),
        }
    }
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

    /// The entries of the file that the clients come from, in order of the clients.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The clients that are not named one by one, in order of their ids.
    pub fn populations(&self) -> &[Population] {
        &self.populations
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
        self.client_label(client).into()
    }

    /// The name of a client, unwritten.
    pub fn client_label(&self, client: ClientId) -> Label<'_> {
        match self.population_of(client) {
            Some(population) => population.label_of(client),
            None => Label::from(&*self.clients[client].name),
        }
    }

    /// The clients that a name stands for: one, or all of a group or a population.
    pub fn clients_named(&self, name: &str) -> Option<Clients> {
        if let Some(entry) = self.entries.iter().find(|it| it.name == name) {
            return Some(entry.clients);
        }
        let (stem, _) = name.rsplit_once('-')?;
        let has_members = |it: &EntryOf| *it != EntryOf::Client;
        let entry = self.entries.iter().find(|it| it.name == stem && has_members(&it.of))?;
        let Clients { first, count } = entry.clients;
        let number = number_of(name, stem).filter(|it| *it <= count)?;
        Some(Clients { first: first + number - 1, count: 1 })
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
        self.user_label(user).into()
    }

    /// The name of a user, unwritten.
    pub fn user_label(&self, user: UserId) -> Label<'_> {
        match self.member(user) {
            Some(client) => self.client_label(client),
            None => Label::from(&*self.users[user]),
        }
    }

    /// The name of a room.
    pub fn room_name(&self, room: RoomId) -> Cow<'_, str> {
        self.room_label(room).into()
    }

    /// The name of a room, unwritten.
    pub fn room_label(&self, room: RoomId) -> Label<'_> {
        self.rooms.label(room)
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
