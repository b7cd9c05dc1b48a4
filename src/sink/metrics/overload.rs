//! Nodes of the server that bear too much, so that a run's figures tell of a state that lasts.

use super::{Layout, Load, Metrics};
use crate::{protocol::station::Capacity, time::SimTime};

/// A node whose workers are busier than this, in thousandths, has nothing left.
const BUSY_MILLI: u64 = 950;

/// For at least this share of the run, in thousandths, at its end.
const LASTING_MILLI: u64 = 200;

/// A node that bears too much as the run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overload {
    /// `node:1` and so on; `total`, where nodes have no scope of their own.
    pub node: String,
    /// Since when its workers are busy for more than 95 % of their time in every bin, if that is
    /// at least a fifth of the run.
    pub busy_since: Option<SimTime>,
    /// How many messages wait for a worker as the run ends.
    pub waiting: u64,
    /// Whether more wait than at the end of any bin before, and more than are worked on.
    pub is_growing: bool,
}

impl Metrics {
    /// The nodes that bear too much as the run ends, of a server whose nodes have this capacity.
    pub fn overloads(&self, capacity: Capacity) -> Vec<Overload> {
        let layout = self.layout();
        let overload = |(node, load): (String, &Load)| {
            let queue: Vec<u64> = load.queue().collect();
            let (waiting, before) = queue.split_last().map_or((0, &[][..]), |it| (*it.0, it.1));
            let is_most = before.iter().all(|it| *it < waiting);
            let is_growing = u64::from(capacity.workers) < waiting && is_most;
            let busy_since = busy_since(layout, load, capacity);
            let overload = Overload { node, busy_since, waiting, is_growing };
            (is_growing || busy_since.is_some()).then_some(overload)
        };
        self.nodes().filter_map(overload).collect()
    }
}

/// From when to the end a node's workers are nearly always busy, if that is long enough.
fn busy_since(layout: &Layout, load: &Load, capacity: Capacity) -> Option<SimTime> {
    let work: Vec<u64> = load.work_micros().collect();
    let is_busy = |(bin, work): &(usize, &u64)| {
        let (start, end) = layout.bounds_of(*bin);
        let most = u128::from(end.since(start).as_micros()) * u128::from(capacity.workers);
        most * u128::from(BUSY_MILLI) < u128::from(**work) * 1000
    };
    let (first, _) = work.iter().enumerate().rev().take_while(is_busy).last()?;
    let (since, end) = (layout.bounds_of(first).0, layout.end());
    let lasts = u128::from(end.since(since).as_micros()) * 1000;
    (u128::from(end.as_micros()) * u128::from(LASTING_MILLI) <= lasts).then_some(since)
}
