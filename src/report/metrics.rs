//! The metrics of a run for a terminal.
//!
//! No line is wider than 80 columns.

use std::fmt::Write as _;

use crate::{
    report::text::{Ink, count},
    scenario::Scenario,
    sink::metrics::{
        BUSY, Flow, LOST_WAITING, Layout, Level, Load, Metrics, Overload, Part, Peak, QUEUE,
        TURNED_AWAY, Took, WAIT, busy, rate,
    },
    time::SimSpan,
};

/// So many nodes that bear too much are told of.
const OVERLOADS_MAX: usize = 3;

/// Levels, rates and latencies of all clients.
pub fn table(metrics: &Metrics, ink: Ink) -> String {
    let (layout, total) = (metrics.layout(), metrics.total());
    let mut text = String::new();
    let head = format!(
        "  {:<24}{:>14}{:>18}{:>16}",
        format!("at ends of bins, {}", layout.bin()),
        "peak",
        "at_s",
        "end"
    );
    let _ = writeln!(text, "{}", ink.faint(&head));
    for level in Level::ALL {
        let Peak { value, bin } = Peak::of(total.levels(level));
        let (at, last) = (at(layout, value, bin), total.levels(level).last().unwrap_or_default());
        let _ = writeln!(text, "  {:<24}{value:>14}{at:>18}{last:>16}", level.name());
    }
    let load = metrics.load();
    if let Some(load) = &load {
        let Peak { value, bin } = Peak::of(load.queue());
        let (at, last) = (at(layout, value, bin), load.queue().last().unwrap_or_default());
        let _ = writeln!(text, "  {QUEUE:<24}{value:>14}{at:>18}{last:>16}");
    }
    let head = format!("  {:<24}{:>14}{:>18}{:>16}", "in bins", "peak", "at_s", "total");
    let _ = writeln!(text, "{}", ink.faint(&head));
    for flow in Flow::ALL {
        text += &count_line(layout, flow.name(), total.flows(flow));
    }
    text += &load.as_ref().map(|it| work(layout, it)).unwrap_or_default();
    text + &latencies(&total, load.as_ref(), ink) + &scopes(metrics, ink)
}

/// The rates of the server; in all, its work in seconds.
fn work(layout: &Layout, load: &Load) -> String {
    let work = load.work_micros().enumerate().map(|(bin, it)| busy(layout, bin, it));
    let in_all = format!("{} s", millis(SimSpan::from_micros(load.work_micros().sum())));
    rate_line(layout, BUSY, Peak::of(work), &in_all)
        + &count_line(layout, TURNED_AWAY, load.turned_away())
        + &count_line(layout, LOST_WAITING, load.lost_waiting())
}

/// How often something happened, by the counts of bins.
fn count_line(layout: &Layout, name: &str, counts: impl Iterator<Item = u64>) -> String {
    let counts: Vec<u64> = counts.collect();
    let rates = counts.iter().enumerate().map(|(bin, n)| rate(layout, bin, *n));
    rate_line(layout, name, Peak::of(rates), &counts.iter().sum::<u64>().to_string())
}

fn rate_line(layout: &Layout, name: &str, Peak { value, bin }: Peak, total: &str) -> String {
    let at = at(layout, value, bin);
    let value = format!("{}.{:03}", value / 1000, value % 1000);
    format!("  {name:<24}{value:>14}{at:>18}{total:>16}\n")
}

/// When a bin ends that has the peak; what never was has no time.
fn at(layout: &Layout, value: u64, bin: usize) -> String {
    if value == 0 { "-".to_owned() } else { layout.bounds_of(bin).1.to_string() }
}

fn latencies(part: &Part, load: Option<&Load>, ink: Ink) -> String {
    let mut text = String::new();
    let heads = ["p50_s", "p90_s", "p99_s", "p99.9_s", "max_s"].map(|it| format!("{it:>11}"));
    let head = format!("  {:<10}{:>11}{}", "latency", "count", heads.concat());
    let _ = writeln!(text, "{}", ink.faint(&head));
    let of_clients = Took::ALL.map(|it| (it.name(), part.latency(it)));
    let all = of_clients.into_iter().chain(load.map(|it| (WAIT, it.wait())));
    for (name, latency) in all {
        let n = latency.count();
        let _ = write!(text, "  {name:<10}{n:>11}");
        for per_mille in [500, 900, 990, 999] {
            let told = latency.quantile(per_mille).map(millis).unwrap_or_default();
            let _ = write!(text, "{told:>11}");
        }
        let max = if n == 0 { String::new() } else { millis(latency.max()) };
        let _ = write!(text, "{max:>11}");
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    let unfinished = |it: &Took| it.under_way().and_then(|level| part.levels(level).last());
    for took in Took::ALL {
        let n = unfinished(&took).unwrap_or_default();
        if n != 0 {
            let told =
                format!("  {} is without {n} that had not ended as the run did", took.name());
            let _ = writeln!(text, "{}", ink.faint(&told));
        }
    }
    let n_left = load.map_or(0, Load::n_not_taken_up);
    if n_left != 0 {
        let n_left = count(usize::try_from(n_left).expect("each was in memory"), "message");
        let told = format!("  {WAIT} is without {n_left} that no worker took up");
        let _ = writeln!(text, "{}", ink.faint(&told));
    }
    text
}

/// Tells of nodes of the server that bear too much as the run ends: the first few of them.
pub fn warning(scenario: &Scenario, metrics: &Metrics) -> Option<String> {
    let capacity = scenario.server()?.capacity;
    let overloads = metrics.overloads(capacity);
    let workers = count(capacity.workers as usize, "worker");
    let line = |it: &Overload| {
        let busy = it.busy_since.map(|since| format!("over 95 % busy from {since} s to the end"));
        let queue = (it.waiting != 0).then(|| {
            let how = if it.is_growing { ", more than ever" } else { "" };
            format!("{} waiting then{how}", it.waiting)
        });
        let told = busy.into_iter().chain(queue).map(|it| format!("\n    {it}"));
        format!("\n  {} ({workers}){}", it.node, told.collect::<String>())
    };
    let lines: String = overloads.iter().take(OVERLOADS_MAX).map(line).collect();
    let n_more = overloads.len().saturating_sub(OVERLOADS_MAX);
    let more = if n_more == 0 { String::new() } else { format!("\n  and {n_more} more") };
    let text = format!(
        "warning: the server of {} bears too much as the run ends{lines}{more}\n  help: more \
         workers, less work or fewer clients; as it is, it gets worse",
        scenario.name()
    );
    (!overloads.is_empty()).then_some(text)
}

fn scopes(metrics: &Metrics, ink: Ink) -> String {
    let layout = metrics.layout();
    let n = layout.scopes().len() + layout.n_nodes();
    let told = format!("  {} besides the total in metrics.csv", count(n, "scope"));
    format!("{}\n", ink.faint(&told))
}

/// Seconds, rounded to thousandths.
fn millis(span: SimSpan) -> String {
    let millis = (span.as_micros() + 500) / 1000;
    format!("{}.{:03}", millis / 1000, millis % 1000)
}
