//! Who takes part, as the server counts them.

use crate::id::{ClientId, Id as _, IdVec, SessionId, Span, StreamId, UserId};

/// Who takes part.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Whose device each client is.
    pub users: IdVec<ClientId, UserId>,
    /// The streams that each client ever publishes.
    pub streams: IdVec<ClientId, Vec<StreamId>>,
    /// The client of each session.
    pub clients: IdVec<SessionId, ClientId>,
    /// The sessions of each client.
    pub sessions: IdVec<ClientId, Span<SessionId>>,
    /// How many users there are.
    pub n_users: usize,
    /// How many rooms there are.
    pub n_rooms: usize,
}

/// The clients of each user.
#[derive(Debug)]
pub(super) struct Devices {
    /// All clients, those of a user side by side.
    clients: Vec<ClientId>,
    places: IdVec<UserId, Span<ClientId>>,
    /// Whether each user has one at most.
    are_single: bool,
}

impl Devices {
    pub(super) fn of(cast: &Cast) -> Self {
        let mut clients: Vec<ClientId> = cast.users.ids().collect();
        clients.sort_by_key(|it| cast.users[*it]); // Stable: each user's in order.
        let mut first = 0;
        let places = (0..cast.n_users).map(|user| {
            let is_own = |it: &&ClientId| cast.users[**it].index() == user;
            let end = first + clients[first..].iter().take_while(is_own).count();
            Span::from_range(std::mem::replace(&mut first, end), end)
        });
        let places: IdVec<UserId, Span<ClientId>> = IdVec::from_vec(places.collect());
        let are_single = places.iter().all(|(_, it)| it.len() <= 1);
        Self { clients, places, are_single }
    }

    pub(super) fn count(&self, user: UserId) -> usize {
        self.places[user].len()
    }

    /// Whether no user has several.
    pub(super) const fn are_single(&self) -> bool {
        self.are_single
    }

    /// One of the clients of a user.
    pub(super) fn at(&self, user: UserId, place: usize) -> ClientId {
        self.clients[self.places[user].at(place).index()]
    }
}
