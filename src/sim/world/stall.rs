//! Ways that stand still for a time: what is sent is held, and goes on when they move again.
//!
//! A way stands still by outages that hold messages, and where the rate of its link is 0.  Both come
//! by the script, so it is known beforehand when a way will stop: what would leave its bottleneck
//! later is held from the beginning, and enters anew when the way moves (assumption A71).

use std::collections::{BTreeMap, VecDeque};

use super::{World, device::Device, queue_of};
use crate::{
    engine::Waybill,
    id::{ClientId, IdVec, LinkId, SessionId},
    link::{
        Cause, Cut, Direction, Sending, Serial,
        gate::{Gate, Held},
    },
    observe::Observer,
    protocol::message::Message,
    scenario::{Action, Scenario, Step},
    time::SimTime,
};

/// The ways of a client that stand still at times, up and down.
#[derive(Debug)]
pub(super) struct Standstill {
    /// The kinds of link.
    kinds: [LinkId; 2],
    /// How many outages hold what is sent there now.
    n_stalls: [u32; 2],
    /// Whether it stands still, by these or by its rate.
    is_shut: [bool; 2],
    /// When it will next, in order.
    shuts_at: [VecDeque<SimTime>; 2],
    /// What is held, in the order in which it was sent.
    letters: [VecDeque<(Letter, Message, Held)>; 2],
}

/// The address of a message that goes over a link, and what the link asks of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub(super) session: SessionId,
    pub(super) waybill: Waybill,
    pub(super) serial: Serial,
    pub(super) bytes: u32,
}

/// What may let ways stop or move.
#[derive(Clone, Copy, Debug)]
pub(super) enum Move {
    /// An outage that holds messages begins.
    Stops(Cut),
    /// It ends.
    Goes(Cut),
    /// They become of another kind.
    Becomes(LinkId, Cut),
}

impl Move {
    /// What an action does to the ways of which client.
    fn of(action: Action) -> Option<(ClientId, Self)> {
        match action {
            Action::OutageBegins(client, outage) => {
                outage.holds().then_some((client, Self::Stops(outage.cut)))
            }
            Action::OutageEnds(client, outage) => {
                outage.holds().then_some((client, Self::Goes(outage.cut)))
            }
            Action::ChangeLink(client, link, cut) => Some((client, Self::Becomes(link, cut))),
            Action::ChangeNetwork(client, link) => Some((client, Self::Becomes(link, Cut::Both))),
            Action::NodeCrash(..)
            | Action::ConnectionReset(_)
            | Action::RandomOutages(..)
            | Action::Server(_)
            | Action::RefusalBegins(..)
            | Action::RefusalEnds(..)
            | Action::App(..)
            | Action::Call(..)
            | Action::Refused(..)
            | Action::Order(_) => None,
        }
    }

    /// Whether it may let a way stop.
    fn may_stop(self, stands: impl Fn(LinkId, Direction) -> bool) -> bool {
        match self {
            Self::Stops(_) => true,
            Self::Goes(_) => false,
            Self::Becomes(link, _) => Direction::BOTH.into_iter().any(|it| stands(link, it)),
        }
    }
}

impl Standstill {
    /// Ways of these kinds, before anything happens.
    fn at_start(kinds: [LinkId; 2], stands: impl Fn(LinkId, Direction) -> bool) -> Self {
        Self {
            kinds,
            n_stalls: [0; 2],
            is_shut: Direction::BOTH.map(|it| stands(kinds[it as usize], it)),
            shuts_at: [VecDeque::new(), VecDeque::new()],
            letters: [VecDeque::new(), VecDeque::new()],
        }
    }

    /// Something happens; whether it lets each way stop, or move, if either.
    fn make(&mut self, it: Move, stands: impl Fn(LinkId, Direction) -> bool) -> [Option<bool>; 2] {
        Direction::BOTH.map(|direction| {
            let way = direction as usize;
            match it {
                Move::Stops(cut) => self.n_stalls[way] += u32::from(cut.covers(direction)),
                Move::Goes(cut) => self.n_stalls[way] -= u32::from(cut.covers(direction)),
                Move::Becomes(link, cut) if cut.covers(direction) => self.kinds[way] = link,
                Move::Becomes(..) => (),
            }
            let is_shut = 0 < self.n_stalls[way] || stands(self.kinds[way], direction);
            let was_shut = std::mem::replace(&mut self.is_shut[way], is_shut);
            (is_shut != was_shut).then_some(is_shut)
        })
    }
}

/// Whether nothing moves on a way of some kind of link, by its rate.
fn stands(scenario: &Scenario, link: LinkId, direction: Direction) -> bool {
    scenario.links()[link].model.path(direction).stands_still()
}

/// Of each client whose ways ever stand still, when they will.
pub(super) fn foreseen(
    scenario: &Scenario,
    script: &[Step],
    devices: &IdVec<ClientId, Device>,
) -> BTreeMap<ClientId, Standstill> {
    let stands = |link, direction| stands(scenario, link, direction);
    let mut all = BTreeMap::new();
    let mut concerns = |client: ClientId| {
        all.entry(client).or_insert_with(|| Standstill::at_start(devices[client].kinds, stands));
    };
    let moves = || script.iter().filter_map(|it| Some((it.at, Move::of(it.action)?)));
    moves()
        .filter(|(_, (_, it))| it.may_stop(stands))
        .for_each(|(_, (client, _))| concerns(client));
    if scenario.links().iter().any(|(link, _)| Move::Becomes(link, Cut::Both).may_stop(stands)) {
        let at_start = |device: &Device| Move::Becomes(device.kinds[0], Cut::Both);
        let stand = devices.iter().filter(|(_, it)| at_start(it).may_stop(stands));
        stand.for_each(|(client, _)| concerns(client));
    }
    if all.is_empty() {
        return all;
    }
    for (at, (client, it)) in moves() {
        let Some(standstill) = all.get_mut(&client) else { continue };
        let turned = standstill.make(it, stands);
        for (shuts_at, turned) in standstill.shuts_at.iter_mut().zip(turned) {
            if turned == Some(true) {
                shuts_at.push_back(at);
            }
        }
    }
    // Back to the start.
    for (client, standstill) in &mut all {
        let shuts_at = std::mem::take(&mut standstill.shuts_at);
        *standstill = Standstill::at_start(devices[*client].kinds, stands);
        standstill.shuts_at = shuts_at;
    }
    all
}

impl<O: Observer> World<'_, O> {
    /// Whether a client's way lets messages through.
    #[inline]
    pub(super) fn gate(&self, client: ClientId, direction: Direction) -> Gate {
        if self.standstills.is_empty() { Gate::OPEN } else { self.gate_now(client, direction) }
    }

    #[inline(never)]
    fn gate_now(&self, client: ClientId, direction: Direction) -> Gate {
        let way = direction as usize;
        let Some(it) = self.standstills.get(&client) else { return Gate::OPEN };
        // What is in a bottleneck that clients share is beyond what holds the messages of one.
        let is_shared = self.scenario.links()[it.kinds[way]].shared;
        let shuts_at = it.shuts_at[way].front().copied().filter(|_| !is_shared);
        Gate {
            is_shut: it.is_shut[way],
            shuts_at: shuts_at.unwrap_or(SimTime::NEVER),
            n_held: it.letters[way].len(),
        }
    }

    /// Whether a client's way stands still.
    #[inline]
    pub(super) fn is_shut(&self, client: ClientId, direction: Direction) -> bool {
        self.standstills.get(&client).is_some_and(|it| it.is_shut[direction as usize])
    }

    /// A message waits until its way moves.
    #[inline(never)]
    pub(super) fn hold(&mut self, letter: &Letter, message: Message, held: Held) {
        let client = self.sessions[letter.session].device;
        let direction = match message {
            Message::Up(_) => Direction::Up,
            Message::Down(_) => Direction::Down,
        };
        let standstill = self.standstills.get_mut(&client);
        let standstill = standstill.expect("whoever holds messages was foreseen");
        standstill.letters[direction as usize].push_back((*letter, message, held));
    }

    /// How many messages are held.
    pub(super) fn n_held(&self) -> usize {
        self.standstills.values().flat_map(|it| &it.letters).map(VecDeque::len).sum()
    }

    /// A client's ways stop, or move again; whether one of them does.
    pub(super) fn move_ways(&mut self, client: ClientId, it: Move) -> bool {
        let (now, scenario) = (self.now(), self.scenario);
        let Some(standstill) = self.standstills.get_mut(&client) else { return false };
        let turned = standstill.make(it, |link, direction| stands(scenario, link, direction));
        for direction in Direction::BOTH {
            let way = direction as usize;
            match turned[way] {
                Some(true) => {
                    let foreseen = self.standstills.get_mut(&client);
                    let foreseen = foreseen.and_then(|it| it.shuts_at[way].pop_front());
                    assert_eq!(foreseen, Some(now), "{client:?} {direction:?} stops");
                    self.devices[client].queues[way].stop(now);
                }
                Some(false) => self.let_go(client, direction),
                None => (),
            }
        }
        turned != [None; 2]
    }

    /// What was held goes on, in the order in which it was sent.
    fn let_go(&mut self, client: ClientId, direction: Direction) {
        let way = direction as usize;
        let letters = self.take_letters(client, direction);
        for (letter, message, held) in letters {
            let Letter { session, serial, bytes, .. } = letter;
            let gate = self.gate(client, direction);
            let device = &mut self.devices[client];
            let link = device.kinds[way];
            let spec = &self.scenario.links()[link];
            let queues = queue_of(&mut self.shared, &mut device.queues, (link, spec.shared));
            let (draws, now) = (&self.draws, self.agenda.now());
            let sending = Sending { draws, direction, serial, bytes, now, gate };
            let flow = &mut self.sessions[session].flow;
            let path = spec.model.path(direction);
            let verdict = device.link.pass(flow, path, &mut queues[way], (sending, held));
            self.dispatch(&letter, &message, verdict);
        }
    }

    /// What is held before ways that stand still is lost with a network that a device leaves.
    pub(super) fn lose_held(&mut self, client: ClientId) {
        for direction in Direction::BOTH {
            if !self.is_shut(client, direction) {
                continue;
            }
            let letters = self.take_letters(client, direction);
            let (now, global) = (self.now(), self.global(client));
            for (_, message, _) in letters {
                self.observer.dropped(now, global, message.kind(), Cause::Outage);
            }
        }
    }

    fn take_letters(
        &mut self,
        client: ClientId,
        direction: Direction,
    ) -> VecDeque<(Letter, Message, Held)> {
        let standstill = self.standstills.get_mut(&client);
        let letters = standstill.map(|it| &mut it.letters[direction as usize]);
        letters.map(std::mem::take).unwrap_or_default()
    }
}
