//! The metrics of a run for a terminal.
//!
//! No line is wider than 80 columns.

use std::fmt::Write as _;

use crate::{
    report::text::{Ink, count},
    sink::metrics::{Flow, Layout, Level, Metrics, Part, Peak, Took, rate},
    time::SimSpan,
};

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
    let head = format!("  {:<24}{:>14}{:>18}{:>16}", "in bins", "peak", "at_s", "total");
    let _ = writeln!(text, "{}", ink.faint(&head));
    for flow in Flow::ALL {
        let rates = total.flows(flow).enumerate().map(|(bin, n)| rate(layout, bin, n));
        let Peak { value, bin } = Peak::of(rates);
        let (at, n) = (at(layout, value, bin), total.flows(flow).sum::<u64>());
        let value = format!("{}.{:03}", value / 1000, value % 1000);
        let _ = writeln!(text, "  {:<24}{value:>14}{at:>18}{n:>16}", flow.name());
    }
    text + &latencies(&total, ink) + &scopes(metrics, ink)
}

/// When a bin ends that has the peak; what never was has no time.
fn at(layout: &Layout, value: u64, bin: usize) -> String {
    if value == 0 { "-".to_owned() } else { layout.bounds_of(bin).1.to_string() }
}

fn latencies(part: &Part, ink: Ink) -> String {
    let mut text = String::new();
    let heads = ["p50_s", "p90_s", "p99_s", "p99.9_s", "max_s"].map(|it| format!("{it:>11}"));
    let head = format!("  {:<10}{:>11}{}", "latency", "count", heads.concat());
    let _ = writeln!(text, "{}", ink.faint(&head));
    for took in Took::ALL {
        let latency = part.latency(took);
        let n = latency.count();
        let _ = write!(text, "  {:<10}{n:>11}", took.name());
        for per_mille in [500, 900, 990, 999] {
            let told = latency.quantile(per_mille).map(millis).unwrap_or_default();
            let _ = write!(text, "{told:>11}");
        }
        let max = if n == 0 { String::new() } else { millis(latency.max()) };
        let _ = write!(text, "{max:>11}");
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn scopes(metrics: &Metrics, ink: Ink) -> String {
    let n = metrics.layout().scopes().len();
    let told = format!("  {} besides the total in metrics.csv", count(n, "scope"));
    format!("{}\n", ink.faint(&told))
}

/// Seconds, rounded to thousandths.
fn millis(span: SimSpan) -> String {
    let millis = (span.as_micros() + 500) / 1000;
    format!("{}.{:03}", millis / 1000, millis % 1000)
}
