//! The run: every cell of a scenario from its start to its end.
//!
//! A run is a function of (scenario, seed, version).  It knows no sink and no format.
#![deny(clippy::float_arithmetic)]

mod cells;
mod world;

use crate::{observe::Observer, scenario::Scenario};

pub use cells::{Cell, cells};

const _: () = assert!(
    crate::scenario::DURATION_MAX.as_micros() <= crate::engine::TIME_MAX.as_micros(),
    "the longest run fits the engine's clock"
);
const _: () = assert!(
    2 * crate::scenario::CLIENTS_MAX <= crate::engine::SLOTS_MAX as u64,
    "all clients and as many rooms fit one cell"
);

/// Runs a scenario with a seed, cell by cell; the observer hears of each cell in turn.
pub fn run<O: Observer>(scenario: &Scenario, seed: u64, observer: &mut O) {
    for cell in cells(scenario) {
        world::World::new(scenario, &cell, seed, &mut *observer).run();
    }
}
