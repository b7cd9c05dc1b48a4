//! `metrics.csv`: every series of every scope, a line for each value.

use std::io;

use crate::{
    sink::{
        line::Lines,
        metrics::{BUSY, Flow, LOST_WAITING, Layout, Level, Load, Metrics, QUEUE, TURNED_AWAY},
    },
    time::SimTime,
};

/// The columns of `metrics.csv`.
pub const METRIC_COLUMNS: [&str; 4] = ["time_s", "scope", "name", "value"];

/// Writes all series: bin by bin, of each scope first the levels at its end, then the rates in it;
/// then of the server and its nodes.
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
    let total = metrics.load();
    let total = total.iter().map(|it| ("total".to_owned(), it));
    let loads: Vec<(String, Series)> =
        total.chain(metrics.nodes()).map(|(name, load)| (name, Series::of(load))).collect();
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
        for (scope, series) in &loads {
            series.write(&mut lines, layout, (bin, scope))?;
        }
    }
    lines.finish()
}

/// What is told of the server, or of a node, bin by bin.
struct Series {
    queue: Vec<u64>,
    work: Vec<u64>,
    turned_away: Vec<u64>,
    lost_waiting: Vec<u64>,
}

impl Series {
    fn of(load: &Load) -> Self {
        Self {
            queue: load.queue().collect(),
            work: load.work_micros().collect(),
            turned_away: load.turned_away().collect(),
            lost_waiting: load.lost_waiting().collect(),
        }
    }

    fn write<W: io::Write>(
        &self,
        lines: &mut Lines<W>,
        layout: &Layout,
        (bin, scope): (usize, &str),
    ) -> io::Result<()> {
        let (_, end) = layout.bounds_of(bin);
        head(lines, end, scope, QUEUE);
        lines.number(self.queue[bin]);
        lines.end()?;
        head(lines, end, scope, BUSY);
        lines.thousandths(busy(layout, bin, self.work[bin]));
        lines.end()?;
        for (name, counts) in [(TURNED_AWAY, &self.turned_away), (LOST_WAITING, &self.lost_waiting)]
        {
            head(lines, end, scope, name);
            lines.thousandths(rate(layout, bin, counts[bin]));
            lines.end()?;
        }
        Ok(())
    }
}

fn head<W: io::Write>(lines: &mut Lines<W>, at: SimTime, scope: &str, name: &str) {
    lines.time(at);
    lines.text(scope);
    lines.word(name);
}

/// So many in a bin, in thousandths of one a second, rounded to the nearest.
pub fn rate(layout: &Layout, bin: usize, n: u64) -> u64 {
    share(layout, bin, u128::from(n) * 1_000_000_000)
}

/// So many workers are at work in a bin on average, in thousandths of one, rounded to the nearest,
/// if they work so many microseconds.
pub fn busy(layout: &Layout, bin: usize, micros: u64) -> u64 {
    share(layout, bin, u128::from(micros) * 1000)
}

/// So much by the microseconds of a bin.
fn share(layout: &Layout, bin: usize, n: u128) -> u64 {
    let (start, end) = layout.bounds_of(bin);
    let span = u128::from(end.since(start).as_micros().max(1));
    u64::try_from((n + span / 2) / span).expect("nothing happens so often")
}
