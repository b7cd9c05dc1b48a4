//! Where heartbeats cannot be passed over, and why not.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::{LinkId, UserId},
    link::{Cut, PathModel},
    protocol::{message::Kind, quiet::Pace, rules::Rules},
    scenario::{Action, Population, Scenario},
    time::{Clock, SimSpan},
};

/// The pace of rounds over a way up and a way down; or why they cannot be passed over there.
pub(super) fn pace_over(rules: &Rules, [up, down]: [&PathModel; 2]) -> Result<Pace, &'static str> {
    Pace::of(rules, [up.longest()?, down.longest()?])
}

/// Whether heartbeats are work for the server, so that each one counts.
pub(super) fn are_work(scenario: &Scenario) -> bool {
    scenario.server().is_some_and(|it| it.work(Kind::Heartbeat).is_some())
}

/// Every reason why heartbeats of a scenario have to be simulated one by one, somewhere or
/// everywhere, in words.
pub fn obstacles(scenario: &Scenario) -> Vec<String> {
    let mut reasons = Vec::new();
    if scenario.rules().heartbeat.is_none() {
        reasons.push("the profile has no heartbeats".to_owned());
        return reasons;
    }
    if are_work(scenario) {
        reasons.push("the server is a queue: it works on every heartbeat".to_owned());
    }
    let (named, populations) = (scenario.named_clients(), scenario.populations());
    let mut used: BTreeSet<LinkId> = named.iter().map(|(_, it)| it.link).collect();
    used.extend(populations.iter().flat_map(Population::links));
    of_links(scenario, used, &mut reasons);
    let wrong = named.iter().filter(|(_, it)| it.clock != Clock::EXACT).count();
    let members = populations.iter().filter(|it| it.clock() != Clock::EXACT);
    let n_wrong = wrong + members.map(|it| it.members().count()).sum::<usize>();
    if n_wrong != 0 {
        reasons.push(format!("clients whose clocks run too fast or too slow: {n_wrong}"));
    }
    // Each member of a population is a user of its own.
    let mut n_clients: BTreeMap<UserId, u32> = BTreeMap::new();
    named.iter().for_each(|(_, it)| *n_clients.entry(it.user).or_default() += 1);
    let n_users = n_clients.into_values().filter(|it| 1 < *it).count();
    if n_users != 0 {
        reasons.push(format!("users with several clients: {n_users}"));
    }
    reasons
}

/// The links on which clients are at the start or later, and what of them is in the way.
fn of_links(scenario: &Scenario, mut used: BTreeSet<LinkId>, reasons: &mut Vec<String>) {
    let mut is_mixed = false;
    let broad = scenario.broad().iter().map(|it| it.step);
    for step in scenario.script().iter().copied().chain(broad) {
        if let Action::ChangeLink(_, link, _) | Action::ChangeNetwork(_, link) = step.action {
            used.insert(link);
        }
        is_mixed |= matches!(step.action, Action::ChangeLink(_, _, Cut::Up | Cut::Down));
    }
    let links = scenario.links();
    let mut told = BTreeSet::new();
    let mut longest = [(SimSpan::ZERO, None); 2];
    for link in used {
        let spec = &links[link];
        let spans = [spec.model.up.longest(), spec.model.down.longest()];
        if let Err(why) = pace_over(scenario.rules(), [&spec.model.up, &spec.model.down]) {
            let reason = format!("on the link `{}` {why}", spec.name);
            if told.insert(reason.clone()) {
                reasons.push(reason);
            }
        }
        for (longest, span) in longest.iter_mut().zip(spans) {
            if let Ok(span) = span
                && longest.0 <= span
            {
                *longest = (span, Some(link));
            }
        }
    }
    // Where directions change by themselves, two links may be one client's.
    let [(up, Some(one)), (down, Some(other))] = longest else { return };
    if let Err(why) = Pace::of(scenario.rules(), [up, down])
        && is_mixed
        && one != other
    {
        let (one, other) = (&links[one].name, &links[other].name);
        reasons.push(format!("over the link `{one}` up and `{other}` down {why}"));
    }
}
