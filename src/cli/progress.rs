//! How far runs are, on a terminal, ten times a second at most.
//!
//! A thread of its own looks at what the runs count anyway.

use std::{
    io::{self, IsTerminal as _},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use roomsim::scenario::Scenario;

use super::interrupt::control;

/// The time from one look to the next.
const EVERY: Duration = Duration::from_millis(100);

/// A bar on a terminal, nothing elsewhere; gone when it is dropped.
pub(super) struct Bar {
    bar: ProgressBar,
    watcher: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Bar {
    /// A bar for so many runs of scenarios.
    pub(super) fn begin(name: &str, runs: &[(&Scenario, usize)]) -> Self {
        let bar = ProgressBar::new(0);
        if bar.is_hidden() {
            return Self { bar, watcher: None };
        }
        let micros = |(scenario, n): (&Scenario, usize)| {
            let span = scenario.end().as_micros();
            let all = span.saturating_mul(scenario.n_clients() as u64);
            (scenario.n_clients(), all.saturating_mul(n as u64))
        };
        let sum = |(n, all): (usize, u64), (clients, micros): (usize, u64)| {
            (n.max(clients), all.saturating_add(micros))
        };
        let (n_clients, all) = runs.iter().copied().map(micros).fold((0, 0), sum);
        let style =
            ProgressStyle::with_template("{prefix} {wide_bar} {percent}% {msg}, {eta} left");
        bar.set_style(style.expect("the template is right"));
        bar.set_prefix(name.to_owned());
        bar.set_length(all);
        let (stop, stopped) = mpsc::channel();
        let shown = bar.clone();
        let watcher = thread::spawn(move || {
            let before = control().passed();
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let passed = control().passed() - before;
                bar.set_message(message(passed, n_clients, bar.elapsed()));
                bar.set_position(passed);
            }
            bar.finish_and_clear();
        });
        Self { bar: shown, watcher: Some((stop, watcher)) }
    }

    /// Does something that may print, while the bar stands aside.
    pub(super) fn aside<R>(&self, print: impl FnOnce() -> R) -> R {
        // What does not go to the terminal is in nobody's way.
        let is_in_the_way = self.watcher.is_some() && io::stdout().is_terminal();
        if is_in_the_way { self.bar.suspend(print) } else { print() }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((stop, watcher)) = self.watcher.take() {
            drop(stop);
            // A bar that failed is no reason for the command to.
            let _ignored = watcher.join();
        }
    }
}

/// Virtual time, clients, and seconds of clients that are simulated in a second.
#[expect(clippy::cast_precision_loss, reason = "it is only shown")]
fn message(passed: u64, n_clients: usize, took: Duration) -> String {
    let client_secs = passed as f64 / 1e6;
    let secs = client_secs / n_clients.max(1) as f64;
    let rate = client_secs / took.as_secs_f64().max(1e-3);
    let (rate, unit) = match rate {
        it if 1e9 <= it => (it / 1e9, "G"),
        it if 1e6 <= it => (it / 1e6, "M"),
        it if 1e3 <= it => (it / 1e3, "k"),
        it => (it, ""),
    };
    format!("{secs:.0} s of {n_clients} clients, {rate:.1} {unit}client-s/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_time_of_all_clients_by_the_time_it_took() {
        // 1000 clients for 20 s in 4 s: 5000 seconds of clients a second.
        let told = message(20_000_000_000, 1000, Duration::from_secs(4));
        assert_eq!(told, "20 s of 1000 clients, 5.0 kclient-s/s");
    }
}
