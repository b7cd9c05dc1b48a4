//! A client as far as one room is concerned: its machine, its dice, and its messages' numbers.

use super::quiet::Prospect;
use crate::{
    engine::Waybill,
    id::{ClientId, Id, SessionId},
    link::{Direction, Flow},
    observe::Standing,
    protocol::{
        client::{Client, Die, Luck},
        message::Lane,
    },
    rng::{Draws, Entity, Hand, Purpose},
    time::SimTime,
};

/// A client as far as one room is concerned, with its dice.
///
/// In the order in which it is touched: nearly all events touch the first line of memory.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Session {
    pub(super) device: ClientId,
    /// Where the client stands, as far as those who watch have been told.
    pub(super) standing: Standing,
    pub(super) node: Node,
    /// Whether the server knows that the client is there (see [`Anchor::Outage`]).
    ///
    /// [`Anchor::Outage`]: crate::protocol::rules::Anchor::Outage
    pub(super) signal: bool,
    /// The numbers that messages must have, by direction and lane, not to be lost with a node.
    pub(super) n_lost: Option<Box<[[u32; Lane::COUNT]; 2]>>,
    /// Messages sent so far, by direction and lane.
    pub(super) n_sent: [[u32; Lane::COUNT]; 2],
    /// Until when the session is at rest, if it is.
    pub(super) resting_until: Option<SimTime>,
    pub(super) client: Client,
    pub(super) prospect: Prospect,
    pub(super) entity: Entity,
    /// How it stood before, and since when it stands as it does.
    pub(super) stood: Standing,
    pub(super) stands_since: SimTime,
    /// The drawn numbers that the next step may use, and how many were used before.
    pub(super) luck: Luck,
    pub(super) n_spent: [u32; 2],
    /// How many were used before those that are at hand.
    pub(super) n_thrown: [u32; 2],
    pub(super) flow: Flow,
}

const _: () = assert!(std::mem::offset_of!(Session, client) == 64, "one line of memory");

/// The node of the server to which a session is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// One that works.
    Alive,
    /// One that has crashed: nothing is sent until the client logs in over another.
    Crashed,
}

impl Session {
    /// A session at the start, with the first draws of its entity, on the link of a client.
    pub(super) fn new(device: ClientId, entity: Entity, hand: Hand, link: Entity) -> Self {
        Self {
            device,
            standing: Standing::Away,
            node: Node::Alive,
            signal: false,
            n_lost: None,
            n_sent: [[0; Lane::COUNT]; 2],
            resting_until: None,
            client: Client::new(),
            prospect: Prospect::NONE,
            entity,
            stood: Standing::Away,
            stands_since: SimTime::ZERO,
            luck: Luck { phase: hand.phase(), wait: hand.wait() },
            n_spent: [0; 2],
            n_thrown: [0; 2],
            flow: Flow::new(entity, hand).on_link_of(link),
        }
    }

    /// Has numbers that no step has used.
    pub(super) fn throw(&mut self, draws: &Draws) {
        let Luck { phase, wait } = &mut self.luck;
        for (die, purpose, number) in
            [(Die::Phase, Purpose::Phase, phase), (Die::Wait, Purpose::Wait, wait)]
        {
            let (n_spent, n_thrown) =
                (self.n_spent[die as usize], &mut self.n_thrown[die as usize]);
            if *n_thrown != n_spent {
                *number = draws.draw(purpose, self.entity, u64::from(n_spent));
                *n_thrown = n_spent;
            }
        }
    }

    /// Whether a message was under way when the node crashed.
    pub(super) fn is_lost(&self, Waybill { lane, number }: Waybill) -> bool {
        let Some(n_lost) = &self.n_lost else { return false };
        let lane = lane as usize % LANES;
        number & !COPY < n_lost[lane / Lane::COUNT][lane % Lane::COUNT]
    }
}

/// Marks the number of a copy: no lane has so many messages.
pub(super) const COPY: u32 = 1 << 31;

/// Lanes of one session on the agenda: those up, then those down.
pub(super) const LANES: usize = 2 * Lane::COUNT;

/// The lane of a session's messages on the agenda.
pub(super) fn lane(id: SessionId, direction: Direction, lane: Lane) -> u32 {
    let lane = id.index() * LANES + direction as usize * Lane::COUNT + lane as usize;
    u32::try_from(lane).expect("clients are limited")
}
