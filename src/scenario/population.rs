//! Populations: clients that are alike, counted and never listed.
//!
//! What a member is and does follows from its number and its own draws, so a cell can tell it of
//! its own members without knowing the others.

use crate::{
    id::{ClientId, Id, LinkId, RoomId},
    link::delay::exponential,
    protocol::call::{AppEvent, Call, Login},
    rng::{Block, Draws, Entity, Purpose, Stem},
    scenario::{Action, Clients, Label},
    time::{Clock, SimSpan, SimTime},
    units::Probability,
};

/// Clients that are alike: each a user of its own, in one of some rooms.
#[derive(Clone, Debug)]
pub struct Population {
    pub(super) name: String,
    /// The beginning of its members' names.
    pub(super) stem: Stem,
    pub(super) members: Clients,
    /// The room of the first member; the others' follow, again and again.
    pub(super) first_room: RoomId,
    pub(super) n_rooms: usize,
    /// The kinds of links, each with the share of those who have it or one before it.
    pub(super) links: Vec<(Probability, LinkId)>,
    pub(super) clock: Clock,
    /// How they log in, the first of them.
    pub(super) login: Login,
    pub(super) arrival: Arrival,
    /// How long they stay, unless it is to the end.
    pub(super) stay: Option<Spell>,
    /// How long they are away, unless they do not come back.
    pub(super) away: Option<Spell>,
    pub(super) leave: Leave,
}

/// When members come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// When the first may come.
    pub(super) from: SimTime,
    pub(super) how: Coming,
}

/// How members come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coming {
    /// All at once.
    AtOnce,
    /// Each at an instant of this time, evenly drawn.
    Within(SimSpan),
    /// Each at an instant of its own.
    Listed(Vec<SimSpan>),
}

/// How long something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spell {
    /// Always so long.
    Fixed(SimSpan),
    /// Evenly drawn, at most so long.
    Uniform(SimSpan),
    /// Exponentially, of this mean.
    Exponential(SimSpan),
}

impl Spell {
    /// The time for a draw; none is without length, so that lives go on.
    fn of(self, luck: u32) -> SimSpan {
        let span = match self {
            Self::Fixed(span) => span,
            Self::Uniform(most) => most.scaled(luck),
            Self::Exponential(mean) => exponential(mean, luck),
        };
        span.max(SimSpan::from_micros(1))
    }

    /// Its mean, in microseconds.
    pub(super) const fn mean(self) -> u64 {
        match self {
            Self::Fixed(span) | Self::Exponential(span) => span.as_micros(),
            Self::Uniform(most) => most.as_micros() / 2,
        }
    }
}

/// How members leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// They log out.
    Logout,
    /// Their apps are killed, and started again when they come back.
    Kill,
}

impl Population {
    /// The clients.
    pub const fn members(&self) -> Clients {
        self.members
    }

    /// The rooms: the first, and how many.  Member by member they are taken in turn.
    pub const fn rooms(&self) -> (RoomId, usize) {
        (self.first_room, self.n_rooms)
    }

    /// How the clocks of their devices run.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The number of a client among the members, from zero.
    fn number(&self, client: ClientId) -> usize {
        client.index() - self.members.first
    }

    /// The name of a client.
    pub(super) fn label_of(&self, client: ClientId) -> Label<'_> {
        Label { stem: &self.name, number: Some(self.number(client) + 1) }
    }

    /// The key of a client's draws.
    pub fn entity_of(&self, client: ClientId) -> Entity {
        self.stem.numbered(self.number(client) as u64 + 1)
    }

    /// The room of a client.
    pub fn room_of(&self, client: ClientId) -> RoomId {
        RoomId::from_index(self.first_room.index() + self.number(client) % self.n_rooms)
    }

    /// The clients whose room this is, in order.
    pub fn clients_in(&self, room: RoomId) -> impl Iterator<Item = ClientId> + use<> {
        let Clients { first, count } = self.members;
        let place = room.index().checked_sub(self.first_room.index());
        let place = place.filter(|it| *it < self.n_rooms).unwrap_or(count).min(count);
        (first + place..first + count).step_by(self.n_rooms).map(ClientId::from_index)
    }

    /// The draws with which its members come, in order of the entities, if they are drawn.
    pub fn arrival_draws(&self, entities: &[Entity], draws: &Draws) -> Option<Vec<u32>> {
        let is_drawn = matches!(self.arrival.how, Coming::Within(_));
        is_drawn.then(|| draws.draw_each(Purpose::Arrival, entities, 0))
    }

    /// The kind of a client's link.
    pub(super) fn link_of(&self, client: ClientId, draws: &Draws) -> LinkId {
        let (rest, &(_, last)) = {
            let (last, rest) = self.links.split_last().expect("a population has a link");
            (rest, last)
        };
        if rest.is_empty() {
            return last;
        }
        let luck = draws.draw(Purpose::LinkShare, self.entity_of(client), 0);
        rest.iter().find(|it| it.0.hits(luck)).map_or(last, |it| it.1)
    }

    /// The kinds of links that members may have.
    pub fn links(&self) -> impl Iterator<Item = LinkId> {
        self.links.iter().map(|it| it.1)
    }

    /// What a client does by itself in the run with these draws, up to `end`: it comes, and perhaps
    /// leaves and comes back.  Its draw of [`arrival_draws`](Self::arrival_draws) is made before.
    pub fn life_of(
        &self,
        (client, entity, arrival): (ClientId, Entity, u32),
        draws: &Draws,
        end: SimTime,
        mut add: impl FnMut(SimTime, Action),
    ) {
        let login = Call::LoginRoom(Login { room: self.room_of(client), ..self.login });
        let after = match &self.arrival.how {
            Coming::AtOnce => SimSpan::ZERO,
            Coming::Within(span) => span.scaled(arrival),
            Coming::Listed(all) => all[self.number(client)],
        };
        let mut at = self.arrival.from + after;
        let mut block = Block::NONE;
        let mut n_drawn = 0;
        let mut after = |at: SimTime, spell: Spell| {
            let luck = draws.draw_with(&mut block, Purpose::Stay, entity, n_drawn);
            n_drawn += 1;
            at + spell.of(luck)
        };
        while at <= end {
            add(at, Action::Call(client, login));
            let Some(stay) = self.stay else { break };
            at = after(at, stay);
            if end < at {
                break;
            }
            match self.leave {
                Leave::Logout => add(at, Action::Call(client, Call::LogoutRoom(None))),
                Leave::Kill => add(at, Action::App(client, AppEvent::Kill)),
            }
            let Some(away) = self.away else { break };
            at = after(at, away);
            if self.leave == Leave::Kill && at <= end {
                add(at, Action::App(client, AppEvent::Start));
            }
        }
    }

    /// How often a member logs in, about, in a run of this length.
    pub(super) fn n_logins(&self, duration: SimSpan) -> u64 {
        match (self.stay, self.away) {
            (Some(stay), Some(away)) => {
                1 + duration.as_micros() / (stay.mean() + away.mean()).max(1)
            }
            (None, _) | (_, None) => 1,
        }
    }
}
