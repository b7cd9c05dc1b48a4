//! The run: every cell of a scenario from its start to its end.
//!
//! A run is a function of (scenario, seed, version).  It knows no sink and no format.
#![deny(clippy::float_arithmetic)]

mod cells;
mod control;
mod world;

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{observe::Observer, scenario::Scenario};

pub use cells::{Cell, cells};
pub use control::Control;
use control::Pace;

const _: () = assert!(
    crate::scenario::DURATION_MAX.as_micros() <= crate::engine::TIME_MAX.as_micros(),
    "the longest run fits the engine's clock"
);
const _: () = assert!(
    2 * crate::scenario::CLIENTS_MAX <= crate::engine::SLOTS_MAX as u64,
    "all clients and as many rooms fit one cell"
);

/// Runs a scenario on several threads, each with an observer of its own, which takes one cell after
/// the other.  Which observer heard of which cell is left to chance, so whoever joins what they
/// have must not ask.
pub fn run_on<O: Observer + Send>(
    scenario: &Scenario,
    seed: u64,
    n_threads: NonZeroUsize,
    observer: impl Fn() -> O + Sync,
) -> Vec<O> {
    let control = Control::default();
    let ran = run_under(&control, scenario, seed, n_threads, observer);
    ran.expect("nobody else can stop the run")
}

/// The same under somebody's control; nothing, if the run was stopped before its end.
pub fn run_under<O: Observer + Send>(
    control: &Control,
    scenario: &Scenario,
    seed: u64,
    n_threads: NonZeroUsize,
    observer: impl Fn() -> O + Sync,
) -> Option<Vec<O>> {
    let cells = cells(scenario);
    control.expect_cells(cells.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut observer = observer();
        while !control.is_stopped() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(cell) = cells.get(number) else { break };
            observer.begins(number);
            let pace = Pace::new(control, cell.clients.len());
            world::World::new(scenario, cell, seed, &mut observer).run(pace);
        }
        observer
    };
    let n_threads = n_threads.get().min(cells.len());
    let observers = if n_threads <= 1 {
        vec![work()]
    } else {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
            joined.map(|it| it.unwrap_or_else(|bug| std::panic::resume_unwind(bug))).collect()
        })
    };
    // Whoever stops a run that has just ended stops it all the same.
    (!control.is_stopped()).then_some(observers)
}

/// Runs a scenario with a seed, cell by cell; the observer hears of each cell in turn.
pub fn run<O: Observer>(scenario: &Scenario, seed: u64, observer: &mut O) {
    let control = Control::default();
    for (number, cell) in cells(scenario).iter().enumerate() {
        observer.begins(number);
        let pace = Pace::new(&control, cell.clients.len());
        world::World::new(scenario, cell, seed, &mut *observer).run(pace);
    }
}
