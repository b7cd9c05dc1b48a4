//! Steps that are the same for many clients, which are written once and not once for each.

use crate::{
    id::ClientId,
    rng::{Draws, Entity, Purpose},
    scenario::{Action, Clients, Step},
    units::Probability,
};

/// A step that many clients have, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broad {
    /// The step of the first of them.
    pub step: Step,
    /// Those who may have it.
    pub clients: Clients,
    /// The share of them who have it, if it is not all.
    pub share: Option<Share>,
    /// How many steps of the script come before it.
    pub before: usize,
}

/// A share of clients, of whom each is drawn by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// How many of them, about.
    pub part: Probability,
    /// Which of the steps with a share this is.
    pub number: u64,
}

impl Share {
    /// Which of some clients are among them, by their places: each by its own draw, so that a larger
    /// share has the same clients and others.
    pub fn of(self, entities: &[Entity], draws: &Draws) -> impl Iterator<Item = usize> + use<> {
        let drawn = draws.draw_each(Purpose::StepShare, entities, self.number);
        let drawn = drawn.into_iter().enumerate();
        drawn.filter(move |(_, luck)| self.part.hits(*luck)).map(|(place, _)| place)
    }
}

impl Action {
    /// The client that has or does it, if it is one's.
    pub const fn client(self) -> Option<ClientId> {
        match self {
            Self::OutageBegins(client, _)
            | Self::OutageEnds(client, _)
            | Self::ChangeLink(client, ..)
            | Self::ChangeNetwork(client, _)
            | Self::NodeCrash(client, _)
            | Self::ConnectionReset(client)
            | Self::RandomOutages(client, _)
            | Self::RefusalBegins(client, _)
            | Self::RefusalEnds(client, _)
            | Self::App(client, _)
            | Self::Call(client, _)
            | Self::Refused(client, _) => Some(client),
            Self::Server(_) | Self::Order(_) => None,
        }
    }

    /// The same for another client.
    #[must_use]
    pub const fn of(self, client: ClientId) -> Self {
        match self {
            Self::OutageBegins(_, outage) => Self::OutageBegins(client, outage),
            Self::OutageEnds(_, outage) => Self::OutageEnds(client, outage),
            Self::ChangeLink(_, link, cut) => Self::ChangeLink(client, link, cut),
            Self::ChangeNetwork(_, link) => Self::ChangeNetwork(client, link),
            Self::NodeCrash(_, noticed) => Self::NodeCrash(client, noticed),
            Self::ConnectionReset(_) => Self::ConnectionReset(client),
            Self::RandomOutages(_, process) => Self::RandomOutages(client, process),
            Self::RefusalBegins(_, code) => Self::RefusalBegins(client, code),
            Self::RefusalEnds(_, code) => Self::RefusalEnds(client, code),
            Self::App(_, event) => Self::App(client, event),
            Self::Call(_, call) => Self::Call(client, call),
            Self::Refused(_, refusal) => Self::Refused(client, refusal),
            Self::Server(_) | Self::Order(_) => self,
        }
    }
}
