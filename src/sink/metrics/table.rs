//! `metrics.csv`: every series of every scope, a line for each value.

use std::io;

use crate::{
    sink::{
        line::Lines,
        metrics::{Flow, Layout, Level, Metrics},
    },
    time::SimTime,
};

/// The columns of `metrics.csv`.
pub const METRIC_COLUMNS: [&str; 4] = ["time_s", "scope", "name", "value"];

/// Writes all series: bin by bin, of each scope first the levels at its end, then the rates in it.
pub fn write_metrics<W: io::Write>(metrics: &Metrics, to: W) -> io::Result<()> {
    let layout = metrics.layout();
    let mut lines = Lines::new(to);
    lines.names(&METRIC_COLUMNS)?;
    let scopes = metrics.scopes();
    let series: Vec<(&str, Vec<_>, Vec<_>)> = scopes
        .iter()
        .map(|(name, part)| {
            let levels = Level::ALL.map(|it| part.levels(it).collect::<Vec<u64>>());
            let flows = Flow::ALL.map(|it| part.flows(it).collect::<Vec<u64>>());
            (&**name, levels.into(), flows.into())
        })
        .collect();
    for bin in 0..layout.n_bins() {
        let (_, end) = layout.bounds_of(bin);
        for (scope, levels, flows) in &series {
            for (level, values) in Level::ALL.iter().zip(levels) {
                head(&mut lines, end, scope, level.name());
                lines.number(values[bin]);
                lines.end()?;
            }
            for (flow, counts) in Flow::ALL.iter().zip(flows) {
                head(&mut lines, end, scope, flow.name());
                lines.thousandths(rate(layout, bin, counts[bin]));
                lines.end()?;
            }
        }
    }
    lines.finish()
}

fn head<W: io::Write>(lines: &mut Lines<W>, at: SimTime, scope: &str, name: &str) {
    lines.time(at);
    lines.text(scope);
    lines.word(name);
}

/// So many in a bin, in thousandths of one a second, rounded to the nearest.
pub fn rate(layout: &Layout, bin: usize, n: u64) -> u64 {
    let (start, end) = layout.bounds_of(bin);
    let span = u128::from(end.since(start).as_micros().max(1));
    let rate = (u128::from(n) * 1_000_000_000 + span / 2) / span;
    u64::try_from(rate).expect("nothing happens so often")
}
