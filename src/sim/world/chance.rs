//! Outages that come and go by chance: drawn before the run, each client's by its own draws.

use std::borrow::Cow;

use crate::{
    id::{ClientId, Id},
    link::delay::exponential,
    rng::{Draws, Entity, Purpose},
    scenario::{Action, Distribution, OutageProcess, Step},
    sim::cells::Cell,
    time::{SimSpan, SimTime},
};

/// The script of a cell with the outages that its random processes make.
pub(super) fn with_random_outages<'a>(cell: &'a Cell, draws: &Draws) -> Cow<'a, [Step]> {
    let mut script = Vec::new();
    let mut n_drawn = vec![0; cell.clients.len()];
    for step in &cell.script {
        if let Action::RandomOutages(client, process) = step.action {
            let luck = (draws, cell.entities[client.index()]);
            let n_drawn = &mut n_drawn[client.index()];
            make(step.at, (client, process), luck, n_drawn, &mut script);
        }
    }
    if script.is_empty() {
        return Cow::Borrowed(&cell.script);
    }
    let mut all = [&cell.script[..], &script].concat();
    // Stable: what the script says goes before what is drawn.
    all.sort_by_key(|it| (it.at, it.action.class()));
    Cow::Owned(all)
}

/// The outages of one process: a time without, a time with, by turns.
fn make(
    from: SimTime,
    (client, process): (ClientId, OutageProcess),
    (draws, entity): (&Draws, Entity),
    n_drawn: &mut u64,
    script: &mut Vec<Step>,
) {
    let OutageProcess { outage, every, lasts, lengths, until } = process;
    let mut span = |mean: SimSpan, distribution| {
        let luck = draws.draw(Purpose::Outage, entity, *n_drawn);
        *n_drawn += 1;
        let span = match distribution {
            Distribution::Exponential => exponential(mean, luck),
            Distribution::Uniform => {
                SimSpan::from_micros(mean.as_micros().saturating_mul(2)).scaled(luck)
            }
            Distribution::Fixed => mean,
        };
        // An outage without length would end before it began.
        span.max(SimSpan::from_micros(1))
    };
    let mut at = from + span(every, Distribution::Exponential);
    while at < until {
        let ends = at + span(lasts, lengths);
        script.push(Step { at, action: Action::OutageBegins(client, outage) });
        script.push(Step { at: ends, action: Action::OutageEnds(client, outage) });
        at = ends + span(every, Distribution::Exponential);
    }
}
