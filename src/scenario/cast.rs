//! Who takes part in a scenario, and in which rooms: by ids, whoever they are.

use std::borrow::Cow;

use crate::{
    id::{ClientId, Id, IdVec, LinkId, RoomId, StreamId, UserId},
    rng::{Draws, Entity},
    scenario::{ClientSpec, RoomMode, Scenario},
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
    pub const fn n_clients(&self) -> usize {
        self.clients.len()
    }

    /// How many users there are.
    pub const fn n_users(&self) -> usize {
        self.users.len()
    }

    /// How many rooms there are.
    pub const fn n_rooms(&self) -> usize {
        self.rooms.len()
    }

    /// The clients, in order.
    pub fn client_ids(&self) -> impl Iterator<Item = ClientId> + use<> {
        (0..self.n_clients()).map(ClientId::from_index)
    }

    /// The clients that the file names one by one or as a group, in order of the file.
    pub const fn named_clients(&self) -> &IdVec<ClientId, ClientSpec> {
        &self.clients
    }

    /// The name of a client.
    pub fn client_name(&self, client: ClientId) -> Cow<'_, str> {
        Cow::Borrowed(&self.clients[client].name)
    }

    /// The key of a client's draws.
    pub fn entity_of(&self, client: ClientId) -> Entity {
        Entity::named(&self.clients[client].name)
    }

    /// Whose device a client is.
    pub fn user_of(&self, client: ClientId) -> UserId {
        self.clients[client].user
    }

    /// The name of a user.
    pub fn user_name(&self, user: UserId) -> Cow<'_, str> {
        Cow::Borrowed(&self.users[user])
    }

    /// The name of a room.
    pub fn room_name(&self, room: RoomId) -> Cow<'_, str> {
        Cow::Borrowed(&self.rooms[room])
    }

    /// Whether a client may be in several rooms.
    pub fn mode_of(&self, client: ClientId) -> RoomMode {
        self.clients[client].mode
    }

    /// The streams that a client ever publishes.
    pub fn streams_of(&self, client: ClientId) -> &[StreamId] {
        &self.clients[client].streams
    }

    /// What a client has at the start of the run with these draws.
    pub fn gear_of(&self, client: ClientId, _: &Draws) -> Gear {
        let ClientSpec { link, clock, mode, .. } = self.clients[client];
        Gear { link, clock, mode }
    }
}
