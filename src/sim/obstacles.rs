//! Where heartbeats cannot be passed over, and why not.

use std::collections::BTreeSet;

use crate::{
    id::{Id as _, IdVec, LinkId, UserId},
    link::Cut,
    protocol::{message::Kind, quiet::Pace},
    rng::Draws,
    scenario::{Action, Scenario},
    time::{Clock, SimSpan},
};

/// Every reason why heartbeats of a scenario have to be simulated one by one, somewhere or
/// everywhere, in words.
pub fn obstacles(scenario: &Scenario) -> Vec<String> {
    let mut reasons = Vec::new();
    if scenario.rules().heartbeat.is_none() {
        reasons.push("the profile has no heartbeats".to_owned());
        return reasons;
    }
    if scenario.server().is_some_and(|it| it.work(Kind::Heartbeat).is_some()) {
        reasons.push("the server is a queue: it works on every heartbeat".to_owned());
    }
    let gear = scenario.client_ids().map(|it| scenario.gear_of(it, &Draws::new(scenario.seed())));
    let (mut links, mut n_wrong) = (BTreeSet::new(), 0_usize);
    for gear in gear {
        links.insert(gear.link);
        n_wrong += usize::from(gear.clock != Clock::EXACT);
    }
    of_links(scenario, links, &mut reasons);
    if n_wrong != 0 {
        reasons.push(format!("clients whose clocks run too fast or too slow: {n_wrong}"));
    }
    let mut n_clients: IdVec<UserId, u32> = IdVec::filled(scenario.n_users(), || 0);
    scenario.client_ids().for_each(|it| n_clients[scenario.user_of(it)] += 1);
    let users = (0..scenario.n_users()).map(UserId::from_index);
    let n_users = users.filter(|it| 1 < n_clients[*it]).count();
    if n_users != 0 {
        reasons.push(format!("users with several clients: {n_users}"));
    }
    reasons
}

/// The links on which clients are at the start or later, and what of them is in the way.
fn of_links(scenario: &Scenario, mut used: BTreeSet<LinkId>, reasons: &mut Vec<String>) {
    let mut is_mixed = false;
    for step in scenario.script() {
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
        let pace = match spans {
            [Err(why), _] | [_, Err(why)] => Err(why),
            [Ok(up), Ok(down)] => Pace::of(scenario.rules(), [up, down]),
        };
        if let Err(why) = pace {
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
