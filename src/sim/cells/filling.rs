//! What happens in a cell: what members of populations do by themselves, and the script.

use std::{collections::BTreeMap, ops::Range};

use super::Cell;
use crate::{
    id::{ClientId, Id, RoomId},
    protocol::call::AppEvent,
    rng::Draws,
    scenario::{Action, Broad, Clients, Scenario, Share, Step},
};

/// Makes the script of a cell.
pub(super) struct Filling<'a> {
    scenario: &'a Scenario,
    draws: Draws,
    cell: &'a mut Cell,
    script: Vec<Step>,
    /// Who of some clients is in a share, by their ids in the cell.
    drawn: BTreeMap<(ClientId, Share), Vec<ClientId>>,
}

impl<'a> Filling<'a> {
    pub(super) fn new(scenario: &'a Scenario, seed: u64, cell: &'a mut Cell) -> Self {
        // Most clients come and stay.
        let (draws, script) = (Draws::new(seed), Vec::with_capacity(cell.clients.len()));
        let drawn = BTreeMap::new();
        Self { scenario, draws, cell, script, drawn }
    }

    /// Puts the script together from its steps at these places.
    pub(super) fn fill(mut self, steps: &[usize], broad: &[usize]) {
        self.lives();
        let has_lives = !self.script.is_empty();
        let mut steps = steps.iter().copied().peekable();
        for broad in broad.iter().map(|it| &self.scenario.broad()[*it]) {
            while let Some(place) = steps.next_if(|it| *it < broad.before) {
                self.step(place);
            }
            self.broad(broad);
        }
        steps.for_each(|it| self.step(it));
        if has_lives {
            self.script = in_order(&self.script);
        }
        let is_app = |it: &Step| matches!(it.action, Action::App(..));
        let has_members = !self.scenario.populations().is_empty();
        if has_members && self.script.iter().any(is_app) {
            self.leave_out_what_cannot_be();
        }
        self.cell.script = self.script;
    }

    /// What members of populations do by themselves.
    fn lives(&mut self) {
        let (scenario, end) = (self.scenario, self.scenario.end());
        for population in scenario.populations() {
            let here = self.here(population.members());
            let entities = &self.cell.entities[here.clone()];
            let arrivals = population.arrival_draws(entities, &self.draws);
            for (place, entity) in here.clone().zip(entities) {
                let global = self.cell.clients[place];
                let arrival = arrivals.as_ref().map_or(0, |it| it[place - here.start]);
                let client = ClientId::from_index(place);
                let room = self.cell.rooms.binary_search(&population.room_of(global));
                let room = RoomId::from_index(room.expect("members are where their rooms are"));
                let script = &mut self.script;
                population.life_of((global, *entity, arrival), &self.draws, end, |at, action| {
                    let action = if let Action::Call(_, call) = action {
                        Action::Call(client, call.renamed(|_| room))
                    } else {
                        action.of(client)
                    };
                    script.push(Step { at, action });
                });
            }
        }
    }

    fn step(&mut self, place: usize) {
        let step = self.scenario.script()[place];
        self.script.push(Step { action: self.cell.renamed(step.action), ..step });
    }

    /// A step of those in the cell who have it.
    fn broad(&mut self, broad: &Broad) {
        if self.scenario.end() < broad.step.at {
            return;
        }
        let all = self.here(broad.clients);
        let Some(first) = self.cell.clients[all.clone()].first() else { return };
        // Rooms are renamed once for all.
        let action = self.cell.renamed(broad.step.action.of(*first));
        let step = |it: ClientId| Step { action: action.of(it), ..broad.step };
        match broad.share {
            None => self.script.extend(all.map(ClientId::from_index).map(step)),
            Some(share) => {
                let (entities, draws) = (&self.cell.entities[all.clone()], &self.draws);
                let key = (broad.clients.first(), share);
                let drawn = self.drawn.entry(key).or_insert_with(|| {
                    let places = share.of(entities, draws).map(|it| all.start + it);
                    places.map(ClientId::from_index).collect()
                });
                self.script.extend(drawn.iter().copied().map(step));
            }
        }
    }

    /// Those of some clients who are here, by their places in the cell.
    fn here(&self, clients: Clients) -> Range<usize> {
        let end = clients.first().index() + clients.count();
        let from = self.cell.clients.partition_point(|it| *it < clients.first());
        let to = self.cell.clients.partition_point(|it| it.index() < end);
        from..to
    }

    /// Members of populations do nothing while their apps are dead or stand still.
    fn leave_out_what_cannot_be(&mut self) {
        let n_named = self.scenario.named_clients().len();
        let n_named = self.cell.clients.partition_point(|it| it.index() < n_named);
        let mut halted = vec![None; self.cell.clients.len()];
        self.script.retain(|step| match step.action.client() {
            Some(client) if n_named <= client.index() => {
                may_be(step.action, &mut halted[client.index()])
            }
            _ => true,
        });
    }
}

/// The steps in the order in which they happen; of those with the same place in it, what members do
/// by themselves goes before what the script says.
fn in_order(script: &[Step]) -> Vec<Step> {
    // What is moved about is one number for each step, of its time, its class and its place.
    let key = |(it, place): (&Step, u64)| {
        let class = u64::from(it.action.class());
        u128::from(it.at.as_micros()) << u64::BITS | u128::from(class << 56 | place)
    };
    let mut order: Vec<u128> = script.iter().zip(0..).map(key).collect();
    order.sort_unstable();
    let place = |key: &u128| usize::try_from(*key & ((1 << 56) - 1)).expect("it was a place");
    order.iter().map(|it| script[place(it)]).collect()
}

/// Whether an app that is halted by an event, or runs, can do something; what it is afterwards.
fn may_be(action: Action, halted: &mut Option<AppEvent>) -> bool {
    match action {
        Action::Call(..) | Action::Refused(..) => halted.is_none(),
        Action::App(_, event) => {
            let was = *halted;
            match event {
                AppEvent::Kill => {
                    *halted = Some(AppEvent::Kill);
                    was != Some(AppEvent::Kill)
                }
                AppEvent::Start if was == Some(AppEvent::Kill) => {
                    *halted = None;
                    true
                }
                AppEvent::Suspend if was.is_none() => {
                    *halted = Some(AppEvent::Suspend);
                    true
                }
                AppEvent::Resume if was == Some(AppEvent::Suspend) => {
                    *halted = None;
                    true
                }
                AppEvent::Start | AppEvent::Suspend | AppEvent::Resume => false,
                AppEvent::DestroyEngine | AppEvent::CreateEngine => was.is_none(),
            }
        }
        Action::OutageBegins(..)
        | Action::OutageEnds(..)
        | Action::ChangeLink(..)
        | Action::ChangeNetwork(..)
        | Action::NodeCrash(..)
        | Action::ConnectionReset(_)
        | Action::RandomOutages(..)
        | Action::Server(_)
        | Action::RefusalBegins(..)
        | Action::RefusalEnds(..)
        | Action::Order(_) => true,
    }
}
