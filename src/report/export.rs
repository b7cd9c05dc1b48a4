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
    /// Up and down: the kind of link, or nothing while it is cut.
    paths: [Option<LinkId>; 2],
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
    if changes.iter().flat_map(|it| it.paths).flatten().any(is_shared) {
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
        let _: ClientId = links.push(([spec.link; 2], [0_u32; 2]));
        let paths = [Some(spec.link); 2];
        changes.push(Change { at: SimTime::ZERO, client, paths });
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
                for direction in Direction::BOTH {
                    let n_cuts = &mut links[client].1[direction as usize];
                    match (outage.cut.covers(direction), begins) {
                        (true, true) => *n_cuts += 1,
                        (true, false) => *n_cuts -= 1,
                        (false, _) => (),
                    }
                }
                if outage.announced {
                    missing.note("that the device's operating system announces an outage");
                }
                client
            }
            Action::ChangeLink(client, link, cut) => {
                for direction in Direction::BOTH {
                    if cut.covers(direction) {
                        links[client].0[direction as usize] = link;
                    }
                }
                client
            }
            Action::ChangeNetwork(client, link) => {
                missing.note("another address of a device");
                links[client].0 = [link; 2];
                client
            }
            Action::RandomOutages(..) => {
                missing.note("random outages: they are drawn when the scenario is run");
                continue;
            }
            Action::NodeCrash(_)
            | Action::Server(_)
            | Action::RefusalBegins(..)
            | Action::RefusalEnds(..) => {
                missing.note("what the server does");
                continue;
            }
            Action::App(..) | Action::Call(..) | Action::Refused(..) | Action::Order(_) => continue,
        };
        let (kinds, n_cuts) = links[client];
        let path = |direction: Direction| {
            let index = direction as usize;
            (n_cuts[index] == 0).then_some(kinds[index])
        };
        let paths = [path(Direction::Up), path(Direction::Down)];
        changes.push(Change { at: step.at, client, paths });
    }
    changes
}

/// What no target expresses of a path.
fn note_path(path: &PathModel, missing: &mut Missing) {
    if path.order == Order::Fifo && !path.delay.jitter.is_zero() {
        missing.note("jitter without overtaking");
    }
}
