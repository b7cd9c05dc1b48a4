//! How far a run is, and whether it is to stop: for whoever looks at it meanwhile.
//!
//! It costs a run one atomic addition for each cell, and for every few thousand events of a cell.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use crate::time::SimTime;

/// What those who run and those who look on share.  It may be used for several runs, also at once.
#[derive(Debug, Default)]
pub struct Control {
    is_stopped: AtomicBool,
    n_cells: AtomicUsize,
    n_ended: AtomicUsize,
    /// Virtual time that has passed, in microseconds, summed over all clients.
    passed: AtomicU64,
}

impl Control {
    /// Makes all runs end as soon as they look, and none begin.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has stopped the runs.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// How many cells the runs have that have begun.
    pub fn n_cells(&self) -> usize {
        self.n_cells.load(Ordering::Relaxed)
    }

    /// How many cells have ended.
    pub fn n_ended(&self) -> usize {
        self.n_ended.load(Ordering::Relaxed)
    }

    /// The virtual time that has passed, in microseconds, summed over all clients.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    pub(super) fn expect_cells(&self, n: usize) {
        self.n_cells.fetch_add(n, Ordering::Relaxed);
    }
}

/// How far one cell is.
#[derive(Debug)]
pub(super) struct Headway<'a> {
    control: &'a Control,
    n_clients: u64,
    last: SimTime,
}

impl<'a> Headway<'a> {
    pub(super) const fn new(control: &'a Control, n_clients: usize) -> Self {
        Self { control, n_clients: n_clients as u64, last: SimTime::ZERO }
    }

    /// Tells that the cell has come to this instant, and is told whether to go on.
    pub(super) fn reached(&mut self, at: SimTime) -> ControlFlow<()> {
        let passed = at.since(self.last).as_micros() * self.n_clients;
        self.last = at;
        self.control.passed.fetch_add(passed, Ordering::Relaxed);
        if self.control.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Tells that the cell has come to its end.
    pub(super) fn ended(mut self, at: SimTime) {
        let _ = self.reached(at);
        self.control.n_ended.fetch_add(1, Ordering::Relaxed);
    }
}
