//! The run: every cell of a scenario from its start to its end.
//!
//! A run is a function of (scenario, seed, version).  It knows no sink and no format.
#![deny(clippy::float_arithmetic)]

mod cells;
mod control;
mod obstacles;
mod world;

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{observe::Observer, scenario::Scenario};

pub use cells::{Cell, Plan};
pub use control::Control;
use control::Headway;
pub use obstacles::obstacles;

const _: () = assert!(
    crate::scenario::DURATION_MAX.as_micros() <= crate::engine::TIME_MAX.as_micros(),
    "the longest run fits the engine's clock"
);
const _: () = assert!(
    2 * crate::scenario::CLIENTS_MAX <= crate::engine::SLOTS_MAX as u64,
    "all clients and as many rooms fit one cell"
);

/// Whether heartbeats that nobody minds are simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Heartbeats {
    /// They are passed over, as far as that changes nothing.
    #[default]
    PassedOver,
    /// Each one is.
    EachOne,
}

/// How a run is carried out, which changes nothing of what comes of it.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// How many threads share the cells.
    pub n_threads: NonZeroUsize,
    /// Whether heartbeats that nobody minds are simulated.
    pub heartbeats: Heartbeats,
}

/// Runs a scenario on several threads, each with an observer of its own, which takes one cell after
/// the other.  Which observer heard of which cell is left to chance, so whoever joins what they
/// have must not ask.
pub fn run_on<O: Observer + Send>(
    scenario: &Scenario,
    seed: u64,
    how: How,
    observer: impl Fn() -> O + Sync,
) -> Vec<O> {
    let ran = run_under(&Control::default(), scenario, seed, how, observer);
    ran.expect("nobody else can stop the run")
}

/// The same under somebody's control; nothing, if the run was stopped before its end.
pub fn run_under<O: Observer + Send>(
    control: &Control,
    scenario: &Scenario,
    seed: u64,
    How { n_threads, heartbeats }: How,
    observer: impl Fn() -> O + Sync,
) -> Option<Vec<O>> {
    let plan = Plan::of(scenario);
    control.expect_cells(plan.n_cells());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut observer = observer();
        while !control.is_stopped() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if plan.n_cells() <= number {
                break;
            }
            run_cell((&plan, number), (seed, heartbeats), control, &mut observer);
        }
        observer
    };
    let n_threads = n_threads.get().min(plan.n_cells());
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

/// Runs a scenario with a seed, cell by cell; the observer hears of each cell in turn, and of each
/// message by itself.
pub fn run<O: Observer>(scenario: &Scenario, seed: u64, observer: &mut O) {
    let (plan, control) = (Plan::of(scenario), Control::default());
    for number in 0..plan.n_cells() {
        run_cell((&plan, number), (seed, Heartbeats::EachOne), &control, observer);
    }
}

/// Runs one cell, which is made for that and gone afterwards.
fn run_cell<O: Observer>(
    (plan, number): (&Plan<'_>, usize),
    (seed, heartbeats): (u64, Heartbeats),
    control: &Control,
    observer: &mut O,
) {
    let cell = plan.cell(number, seed);
    observer.begins(number);
    let headway = Headway::new(control, cell.clients.len());
    world::World::new(plan.scenario(), &cell, (seed, heartbeats), observer).run(headway);
}
