//! A client as far as one room is concerned: its machine, its dice, and its messages' numbers.

use super::quiet::Prospect;
use crate::{
    engine::Waybill,
    id::{ClientId, Epoch, Id, SessionId},
    link::{Cause, Direction, Flow},
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
    /// How it stood before.
    pub(super) stood: Standing,
    pub(super) node: Node,
    /// Whether the server knows that the client is there (see [`Anchor::Outage`]).
    ///
    /// [`Anchor::Outage`]: crate::protocol::rules::Anchor::Outage
    pub(super) signal: bool,
    /// Which messages are lost with what they were sent to, if any are.
    left: Option<Box<Left>>,
    /// Messages sent so far, by direction and lane.
    pub(super) n_sent: [[u32; Lane::COUNT]; 2],
    /// Until when the session is at rest, if it is.
    pub(super) resting_until: Option<SimTime>,
    pub(super) client: Client,
    pub(super) prospect: Prospect,
    pub(super) entity: Entity,
    /// Since when it stands as it does.
    pub(super) stands_since: SimTime,
    /// The drawn numbers that the next step may use, and how many were used before.
    pub(super) luck: Luck,
    pub(super) n_spent: [u32; 2],
    /// How many were used before those that are at hand.
    pub(super) n_thrown: [u32; 2],
    pub(super) flow: Flow,
    /// The newest connection that the server has heard a login over and not lost since.
    pub(super) connected: Epoch,
}

const _: () = assert!(std::mem::offset_of!(Session, client) == 64, "one line of memory");
const _: () = assert!(size_of::<Session>() <= 12 * 64, "a million of them are written once");

/// The node of the server to which a session is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// One that works.
    Alive,
    /// One that has crashed, or has reset the connection: nothing is sent until the client logs in
    /// over another connection.
    Crashed,
}

impl Session {
    /// A session at the start, with the first draws of its entity, on the link of a client.
    pub(super) fn new(device: ClientId, entity: Entity, hand: Hand, link: Entity) -> Self {
        Self {
            device,
            standing: Standing::Away,
            stood: Standing::Away,
            node: Node::Alive,
            signal: false,
            left: None,
            n_sent: [[0; Lane::COUNT]; 2],
            resting_until: None,
            client: Client::new(),
            prospect: Prospect::NONE,
            entity,
            stands_since: SimTime::ZERO,
            luck: Luck { phase: hand.phase(), wait: hand.wait() },
            n_spent: [0; 2],
            n_thrown: [0; 2],
            flow: Flow::new(entity, hand).on_link_of(link),
            connected: Epoch::NONE,
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

    /// Whether the client and the server share a connection, as far as the server can tell.
    pub(super) fn has_connection(&self) -> bool {
        self.connected == self.client.epoch && self.client.has_connection()
    }

    /// All that is under way over its connection is lost with it.
    pub(super) fn lose_connection(&mut self) {
        self.connected = Epoch::NONE;
        self.left.get_or_insert_default().with_connection = self.n_sent;
    }

    /// Its device gets another address, of which the server does not know yet.
    pub(super) fn leave_address(&mut self) {
        let left = self.left.get_or_insert_default();
        [left.from_address, left.to_address] = self.n_sent;
        left.is_known = false;
    }

    /// The number of a message that is sent now.
    #[inline]
    pub(super) fn number(&mut self, direction: Direction, lane: Lane) -> u32 {
        let n_sent = &mut self.n_sent[direction as usize][lane as usize];
        let number = *n_sent;
        *n_sent += 1;
        if let (Direction::Down, Some(left)) = (direction, &mut self.left)
            && !left.is_known
        {
            left.to_address[lane as usize] = number + 1;
        }
        number
    }

    /// A message has come to the server, which answers to where it was sent from.
    #[inline]
    pub(super) fn heard_from(&mut self, Waybill { lane, number }: Waybill) {
        if let Some(left) = &mut self.left {
            let lane = lane as usize % LANES;
            left.is_known |= left.from_address[lane % Lane::COUNT] <= number & !COPY;
        }
    }

    /// Why a message that arrives now is lost, if it was sent to what is there no more.
    #[inline]
    pub(super) fn lost_with(&self, Waybill { lane, number }: Waybill) -> Option<Cause> {
        let left = self.left.as_ref()?;
        let (lane, number) = (lane as usize % LANES, number & !COPY);
        let (direction, lane) = (lane / Lane::COUNT, lane % Lane::COUNT);
        if number < left.with_connection[direction][lane] {
            return Some(Cause::ServerDown);
        }
        let is_down = direction == Direction::Down as usize;
        (is_down && number < left.to_address[lane]).then_some(Cause::AddressLeft)
    }
}

/// Messages that are lost with what they were sent to, by their numbers: those below.
#[derive(Debug)]
struct Left {
    /// Those that were under way when a node crashed or the connection was reset, by direction and
    /// lane.
    with_connection: [[u32; Lane::COUNT]; 2],
    /// Those that the server sent to an address that the device has left, by lane.
    to_address: [u32; Lane::COUNT],
    /// Those that were sent from such an address, by lane: they do arrive, but do not tell the server
    /// of the new one.
    from_address: [u32; Lane::COUNT],
    /// Whether the server has heard from the device's present address.
    is_known: bool,
}

impl Default for Left {
    fn default() -> Self {
        let none = [0; Lane::COUNT];
        Self { with_connection: [none; 2], to_address: none, from_address: none, is_known: true }
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
