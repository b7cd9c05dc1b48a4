//! A scenario's links and outages for a lab: what reproduces them there, and what cannot.

mod netem;
mod toxiproxy;

use crate::{
    id::{ClientId, IdVec, LinkId},
    link::{Direction, Order, PathModel},
    scenario::{Action, Scenario},
    time::SimTime,
};

/// For what a scenario is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A shell script with the commands of tc-netem.
    Netem,
    /// JSON with the toxics of Toxiproxy and when they change.
    Toxiproxy,
}

/// The conditions of one client's link from an instant on.
struct Change {
    at: SimTime,
    client: ClientId,
    /// Up and down.
    ways: [Way; 2],
}

/// The conditions of one direction of a client's link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Those of a kind of link.
    Open(LinkId),
    /// It stands still: messages are held.
    Held,
    /// It is cut: messages are lost.
    Cut,
}

/// What a client's link is at some instant, up and down.
#[derive(Clone, Copy)]
struct Link {
    kinds: [LinkId; 2],
    n_cuts: [u32; 2],
    n_stalls: [u32; 2],
}

impl Link {
    fn ways(&self, scenario: &Scenario) -> [Way; 2] {
        Direction::BOTH.map(|direction| {
            let link = self.kinds[direction as usize];
            let path = scenario.links()[link].model.path(direction);
            match (self.n_cuts[direction as usize], self.n_stalls[direction as usize]) {
                (0, 0) if !path.stands_still() => Way::Open(link),
                (0, _) => Way::Held,
                (1.., _) => Way::Cut,
            }
        })
    }
}

/// What a target cannot express, each thing once.
#[derive(Default)]
struct Missing(Vec<String>);

impl Missing {
    fn note(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.0.contains(&what) {
            self.0.push(what);
        }
    }
}

/// The scenario as text for a target.
pub fn export(scenario: &Scenario, target: Target) -> String {
    let mut missing = Missing::default();
    let changes = changes(scenario, &mut missing);
    let is_shared = |it: LinkId| scenario.links()[it].shared;
    let is_on_shared = |it: Way| matches!(it, Way::Open(link) if is_shared(link));
    if changes.iter().flat_map(|it| it.ways).any(is_on_shared) {
        missing.note("a bottleneck that clients share: here each has one of its own");
    }
    match target {
        Target::Netem => netem::script(scenario, &changes, missing),
        Target::Toxiproxy => toxiproxy::json(scenario, &changes, missing),
    }
}

/// All changes of links, by time; first the conditions at the start.
fn changes(scenario: &Scenario, missing: &mut Missing) -> Vec<Change> {
    let mut links = IdVec::from_vec(Vec::new());
    let mut changes = Vec::new();
    for (client, spec) in scenario.named_clients().iter() {
        let link = Link { kinds: [spec.link; 2], n_cuts: [0; 2], n_stalls: [0; 2] };
        let _: ClientId = links.push(link);
        changes.push(Change { at: SimTime::ZERO, client, ways: link.ways(scenario) });
        if spec.clock != crate::time::Clock::EXACT {
            missing.note("clocks of devices that are off");
        }
    }
    if !scenario.populations().is_empty() {
        missing.note("members of populations: only clients that are named are here");
    }
    if scenario.broad().iter().any(|it| it.share.is_some()) {
        missing.note("what befalls a share of clients: it is drawn when the scenario is run");
    }
    // What an outage leaves behind after the end is nobody's concern.
    for step in scenario.script().iter().filter(|it| it.at <= scenario.end()) {
        let client = match step.action {
            Action::OutageBegins(client, outage) | Action::OutageEnds(client, outage) => {
                let begins = matches!(step.action, Action::OutageBegins(..));
                let Link { n_cuts, n_stalls, .. } = &mut links[client];
                let counts = if outage.holds() { n_stalls } else { n_cuts };
                for direction in Direction::BOTH {
                    let n = &mut counts[direction as usize];
                    match (outage.cut.covers(direction), begins) {
                        (true, true) => *n += 1,
                        (true, false) => *n -= 1,
                        (false, _) => (),
                    }
                }
                if outage.is_announced() {
                    missing.note("that the device's operating system announces an outage");
                }
                client
            }
            Action::ChangeLink(client, link, cut) => {
                for direction in Direction::BOTH {
                    if cut.covers(direction) {
                        links[client].kinds[direction as usize] = link;
                    }
                }
                client
            }
            Action::ChangeNetwork(client, link) => {
                missing.note("another address of a device");
                links[client].kinds = [link; 2];
                client
            }
            Action::RandomOutages(..) => {
                missing.note("random outages: they are drawn when the scenario is run");
                continue;
            }
            Action::NodeCrash(..)
            | Action::ConnectionReset(_)
            | Action::Server(_)
            | Action::RefusalBegins(..)
            | Action::RefusalEnds(..) => {
                missing.note("what the server does");
                continue;
            }
            Action::App(..) | Action::Call(..) | Action::Refused(..) | Action::Order(_) => continue,
        };
        changes.push(Change { at: step.at, client, ways: links[client].ways(scenario) });
    }
    changes
}

/// What no target expresses of a path.
fn note_path(path: &PathModel, missing: &mut Missing) {
    if path.order == Order::Fifo && !path.delay.jitter.is_zero() {
        missing.note("jitter without overtaking");
    }
}
