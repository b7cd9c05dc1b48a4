//! A shell script with the commands of tc-netem.

use std::fmt::Write as _;

use super::{Change, Missing, note_path};
use crate::{
    id::{ClientId, Id},
    link::{Direction, PathModel, delay::Spread, loss::Loss},
    scenario::Scenario,
    time::{SimSpan, SimTime},
};

/// The script: interfaces come from the environment, times are slept.
pub(super) fn script(scenario: &Scenario, changes: &[Change], mut missing: Missing) -> String {
    let mut lines = String::new();
    let mut now = SimTime::ZERO;
    for change in changes {
        if now < change.at {
            line(&mut lines, format_args!("sleep {}", seconds(change.at.since(now))));
            now = change.at;
        }
        for direction in Direction::BOTH {
            let interface = interface(change.client, direction);
            let conditions = match change.paths[direction as usize] {
                None => "loss random 100%".to_owned(),
                Some(link) => {
                    let path = scenario.links()[link].model.path(direction);
                    note_path(path, &mut missing);
                    conditions(path)
                }
            };
            line(&mut lines, format_args!("netem \"${interface}\" {conditions}"));
        }
    }
    line(&mut lines, format_args!("sleep {}", seconds(scenario.end().since(now))));
    let mut text = format!(
        "#!/bin/sh\n\
         # The links of the scenario {} for tc-netem: run it as root, with the interface of each\n\
         # client's direction in the environment (UP: from the client, DOWN: to it).\n",
        scenario.name()
    );
    for (client, spec) in scenario.clients().iter() {
        let (up, down) = (interface(client, Direction::Up), interface(client, Direction::Down));
        line(&mut text, format_args!("# {up}, {down}: {}", spec.name));
    }
    for what in &missing.0 {
        line(&mut text, format_args!("# NOT EXPRESSED: {what}"));
    }
    text += "set -eu\nnetem() {\n    interface=$1\n    shift\n    \
             tc qdisc replace dev \"$interface\" root netem \"$@\"\n}\n";
    text + &lines
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
    let delay = &path.delay;
    if !delay.mean.is_zero() || !delay.jitter.is_zero() || path.reorder.is_some() {
        words.push(format!("delay {}us", delay.mean.as_micros()));
        if !delay.jitter.is_zero() {
            words.push(format!("{}us", delay.jitter.as_micros()));
            if let Spread::Table(table) = &delay.spread {
                words.push(format!("distribution {}", table.name.unwrap_or("normal")));
            }
        }
    }
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
    if let Some(reorder) = path.reorder {
        words.push(format!("reorder {} gap {}", reorder.share, reorder.gap));
    }
    if let Some(bottleneck) = path.bottleneck {
        words.push(format!("rate {} {}", bottleneck.rate, bottleneck.overhead));
        words.push(format!("limit {}", bottleneck.limit));
    }
    words.join(" ")
}
