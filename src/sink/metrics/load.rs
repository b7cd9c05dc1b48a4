//! What nodes of the server bear: who waits for a worker, how many are at work, who is turned away.

use super::{Layout, part::sums};
use crate::{
    observe::{CutShort, Served, Unserved},
    sink::latency::Latency,
    time::{SimSpan, SimTime},
};

/// The messages that wait for a worker.
pub const QUEUE: &str = "server_queue";
/// The workers at work, on average over a bin.
pub const BUSY: &str = "server_busy_workers";
/// The messages that are turned away.
pub const TURNED_AWAY: &str = "turned_away_per_s";
/// The messages that are lost with the server before a worker takes them up.
pub const LOST_WAITING: &str = "lost_waiting_per_s";
/// How long messages wait for a worker.
pub const WAIT: &str = "queue_wait";

/// What happened at some nodes in a bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bin {
    /// How many more wait at its end than at its start.
    waiting: i64,
    /// How many more microseconds of work there were than in the bin before.
    work: i64,
    /// How many were turned away.
    turned_away: u64,
    /// How many were lost that waited.
    lost_waiting: u64,
}

/// The numbers of some nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// One more than there are, where what went on to the end is over.
    bins: Vec<Bin>,
    wait: Latency,
}

impl Load {
    pub(super) fn new(n_bins: usize) -> Self {
        Self { bins: vec![Bin::default(); n_bins + 1], wait: Latency::default() }
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.waiting += more.waiting;
            bin.work += more.work;
            bin.turned_away += more.turned_away;
            bin.lost_waiting += more.lost_waiting;
        }
        self.wait.join(&other.wait);
    }

    /// Some work was done now.
    pub(super) fn served(
        &mut self,
        layout: &Layout,
        at: SimTime,
        Served { waited, work, .. }: Served,
    ) {
        self.taken_up(layout, at, waited, work);
    }

    /// A message leaves before its work is done.
    pub(super) fn unserved(
        &mut self,
        layout: &Layout,
        at: SimTime,
        Unserved { waited, worked, why, .. }: Unserved,
    ) {
        if let Some(work) = worked {
            return self.taken_up(layout, at, waited, work);
        }
        let at = at.as_micros();
        let (_, _, came) = layout.bin_at(at - waited.as_micros());
        let left = match why {
            CutShort::ServerStops => {
                let (_, _, bin) = layout.bin_at(at);
                self.bins[bin].lost_waiting += 1;
                bin
            }
            // It waits as the last bin ends, too.
            CutShort::RunEnds => self.bins.len() - 1,
        };
        self.waits((came, left));
    }

    /// A worker that took up a message, when it had waited, has worked until now.
    fn taken_up(&mut self, layout: &Layout, at: SimTime, waited: SimSpan, work: SimSpan) {
        let until = at.as_micros();
        let begins_at = until - work.as_micros();
        self.wait.record(waited);
        if waited != SimSpan::ZERO {
            let (_, _, came) = layout.bin_at(begins_at - waited.as_micros());
            let (_, _, begun) = layout.bin_at(begins_at);
            self.waits((came, begun));
        }
        self.worked(layout, begins_at, until);
    }

    /// A message waits at the end of each bin from the first to before the second.
    fn waits(&mut self, (from, to): (usize, usize)) {
        self.bins[from].waiting += 1;
        self.bins[to].waiting -= 1;
    }

    /// Work from the first instant to the second: each bin has its share.
    fn worked(&mut self, layout: &Layout, from: u64, to: u64) {
        let (_, end, first) = layout.bin_at(from);
        if to <= end {
            return self.work((first, first + 1), to - from);
        }
        let (start, _, last) = layout.bin_at(to);
        self.work((first, first + 1), end - from);
        self.work((first + 1, last), layout.bin().as_micros());
        self.work((last, last + 1), to - start);
    }

    /// So many microseconds in each bin from the first to before the second.
    fn work(&mut self, (from, to): (usize, usize), micros: u64) {
        let micros = micros.cast_signed();
        self.bins[from].work += micros;
        self.bins[to].work -= micros;
    }

    pub(super) fn turned_away_in(&mut self, bin: usize) {
        self.bins[bin].turned_away += 1;
    }

    /// How many wait at the end of each bin.
    pub fn queue(&self) -> impl Iterator<Item = u64> {
        sums(self.bins.iter().map(|it| it.waiting))
    }

    /// How many microseconds workers worked in each bin.
    pub fn work_micros(&self) -> impl Iterator<Item = u64> {
        sums(self.bins.iter().map(|it| it.work))
    }

    /// How many were turned away in each bin.
    pub fn turned_away(&self) -> impl Iterator<Item = u64> {
        self.bins[..self.bins.len() - 1].iter().map(|it| it.turned_away)
    }

    /// How many were lost in each bin that waited.
    pub fn lost_waiting(&self) -> impl Iterator<Item = u64> {
        self.bins[..self.bins.len() - 1].iter().map(|it| it.lost_waiting)
    }

    /// How many messages no worker took up: those that were lost waiting, or wait at the end.
    pub fn n_not_taken_up(&self) -> u64 {
        self.lost_waiting().sum::<u64>() + self.queue().last().unwrap_or_default()
    }

    /// How long messages waited that a worker took up.
    pub const fn wait(&self) -> &Latency {
        &self.wait
    }
}
