//! A shell script with the commands of tc-netem.

use std::fmt::Write as _;

use super::{Change, Missing, note_path};
use crate::{
    id::{ClientId, Id, IdVec},
    link::{
        Direction, PathModel, Reorder,
        delay::{Delay, Spread},
        loss::Loss,
    },
    scenario::Scenario,
    time::{SimSpan, SimTime},
};

/// The script: interfaces come from the environment, times are slept.
pub(super) fn script(scenario: &Scenario, changes: &[Change], mut missing: Missing) -> String {
    let mut lines = String::new();
    let mut now = SimTime::ZERO;
    let mut paths: IdVec<ClientId, [Option<&PathModel>; 2]> =
        IdVec::filled(scenario.named_clients().len(), || [None; 2]);
    for change in changes {
        if now < change.at {
            line(&mut lines, format_args!("sleep {}", seconds(change.at.since(now))));
            now = change.at;
        }
        for direction in Direction::BOTH {
            let interface = interface(change.client, direction);
            let before = &mut paths[change.client][direction as usize];
            let (command, conditions) = match change.paths[direction as usize] {
                None => ("netem", "loss random 100%".to_owned()),
                Some(link) => {
                    let path = scenario.links()[link].model.path(direction);
                    note_path(path, &mut missing);
                    note_netem(path, &mut missing);
                    (command(before.replace(path), path), conditions(path))
                }
            };
            line(&mut lines, format_args!("{command} \"${interface}\" {conditions}"));
        }
    }
    line(&mut lines, format_args!("sleep {}", seconds(scenario.end().since(now))));
    let mut text = format!(
        "#!/bin/sh\n\
         # The links of the scenario {} for tc-netem: run it as root, with the interface of each\n\
         # client's direction in the environment (UP: from the client, DOWN: to it).\n",
        scenario.name()
    );
    for (client, spec) in scenario.named_clients().iter() {
        let (up, down) = (interface(client, Direction::Up), interface(client, Direction::Down));
        line(&mut text, format_args!("# {up}, {down}: {}", spec.name));
    }
    for what in &missing.0 {
        line(&mut text, format_args!("# NOT EXPRESSED: {what}"));
    }
    text += "set -eu\nnetem() {\n    interface=$1\n    shift\n    \
             tc qdisc replace dev \"$interface\" root netem \"$@\"\n}\n";
    if lines.contains("\nanew ") {
        text += "# netem keeps a rate and a distribution that it is not told anew.\n\
                 anew() {\n    tc qdisc del dev \"$1\" root\n    netem \"$@\"\n}\n";
    }
    text + &lines
}

/// The command that lets netem follow a path after another: told of the new one it would keep what
/// that does not speak of.
fn command(before: Option<&PathModel>, path: &PathModel) -> &'static str {
    let has_table = |it: &PathModel| matches!(it.delay.spread, Spread::Table(_)) && has_jitter(it);
    let is_kept = |before: &PathModel| {
        before.rate().is_some() && path.rate().is_none()
            || has_table(before) && !has_table(path)
    };
    if before.is_some_and(is_kept) { "anew" } else { "netem" }
}

fn has_jitter(path: &PathModel) -> bool {
    !path.delay.jitter.is_zero()
}

/// What is said otherwise to netem, or not at all.
fn note_netem(path: &PathModel, missing: &mut Missing) {
    if let Loss::GilbertElliott(_) | Loss::FourState(_) = path.loss {
        missing.note("burst models of each kind of traffic by itself: all share one");
    }
    if let Spread::Table(table) = &path.delay.spread
        && has_jitter(path)
    {
        if table.name.is_none() {
            missing.note("a table of quantiles: write it to a file of tc's folder for them");
        }
        if path.delay.mean.is_zero() {
            missing.note("a distribution without a delay: the delay is 1us");
        }
    }
    if reorder_of(path).is_some() && path.delay.mean.is_zero() {
        missing.note("reordering without a delay: the delay is 1us");
    }
}

/// The reordering, if anything is reordered.
fn reorder_of(path: &PathModel) -> Option<Reorder> {
    path.reorder.filter(|it| !it.share.is_zero())
}

/// Text can be written to a string.
fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("text can be written to a string");
}

/// The name of the variable with a client's interface: names of clients are no names of those.
fn interface(client: ClientId, direction: Direction) -> String {
    let way = match direction {
        Direction::Up => "UP",
        Direction::Down => "DOWN",
    };
    format!("{way}_{}", client.index() + 1)
}

fn seconds(span: SimSpan) -> String {
    let micros = span.as_micros();
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The arguments of netem for a path.
fn conditions(path: &PathModel) -> String {
    let mut words = Vec::new();
    let Delay { mean, jitter, spread } = &path.delay;
    let reorder = reorder_of(path);
    let table = match spread {
        Spread::Table(table) if has_jitter(path) => Some(table.name.unwrap_or("normal")),
        Spread::Table(_) | Spread::Uniform => None,
    };
    if !mean.is_zero() || has_jitter(path) || reorder.is_some() {
        // tc takes neither a distribution nor a reordering without a delay.
        let least = u64::from(table.is_some() || reorder.is_some());
        words.push(format!("delay {}us", mean.as_micros().max(least)));
    }
    if has_jitter(path) {
        words.push(format!("{}us", jitter.as_micros()));
    }
    words.extend(table.map(|it| format!("distribution {it}")));
    match path.loss {
        Loss::Random(share) if share.is_zero() => (),
        Loss::Random(share) => words.push(format!("loss random {share}")),
        Loss::GilbertElliott(it) => words.push(format!(
            "loss gemodel {} {} {} {}",
            it.to_bad, it.to_good, it.bad_loss, it.good_loss
        )),
        Loss::FourState(it) => {
            words
                .push(format!("loss state {} {} {} {} {}", it.p13, it.p31, it.p32, it.p23, it.p14));
        }
    }
    if !path.duplicate.is_zero() {
        words.push(format!("duplicate {}", path.duplicate));
    }
    if let Some(reorder) = reorder {
        words.push(format!("reorder {} gap {}", reorder.share, reorder.gap));
    }
    if let Some(bottleneck) = path.bottleneck {
        if let Some(rate) = bottleneck.rate {
            words.push(format!("rate {rate} {}", bottleneck.overhead));
        }
        words.push(format!("limit {}", bottleneck.limit));
    }
    words.join(" ")
}
