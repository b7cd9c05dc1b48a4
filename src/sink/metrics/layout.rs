//! How a run is divided for its metrics: the time into bins, the clients into scopes.

use crate::{
    scenario::{EntryOf, Scenario},
    time::{SimSpan, SimTime},
};

/// The most scopes besides the total.
pub const PARTS_MAX: usize = 40;

/// The most bins.
pub const BINS_MAX: u64 = 10_000;

/// Bins are so long unless somebody says otherwise, and longer where there would be too many.
const USUAL_BIN: SimSpan = SimSpan::from_secs(10);

/// The most bins where nobody says how long they are.
const USUAL_BINS_MAX: u64 = 1000;

/// Into what the clients are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The entries of the file's `clients`.
    Entry,
    /// Cells, of which there are so many.
    Cell(usize),
}

/// Some clients by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `population:viewer`, `group:host`, `client:A`, `cell:1`.
    pub name: String,
    /// From the first to before the second; none, if they are those of a cell.
    clients: (usize, usize),
}

/// How a run is divided.
#[derive(Clone, Debug)]
pub struct Layout {
    bin: u64,
    n_bins: usize,
    end: SimTime,
    by: By,
    scopes: Vec<Scope>,
    /// How many nodes of the server are told of one by one; none, if the server bears everything.
    n_nodes: usize,
}

/// The bins asked for are too short: they would have to be at least so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFine(pub SimSpan);

/// There are so many cells, more than can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany(pub usize);

impl Layout {
    /// Bins of this length, or of the usual one.
    pub fn bin_for(scenario: &Scenario, wanted: Option<SimSpan>) -> Result<SimSpan, TooFine> {
        let span = scenario.end().as_micros();
        let Some(bin) = wanted else {
            let usual = USUAL_BIN.as_micros();
            let n = span.div_ceil(usual).div_ceil(USUAL_BINS_MAX).max(1);
            return Ok(SimSpan::from_micros(n * usual));
        };
        if bin.as_micros() < span.div_ceil(BINS_MAX) {
            return Err(TooFine(SimSpan::from_micros(span.div_ceil(BINS_MAX))));
        }
        Ok(bin)
    }

    /// A run of this scenario with bins of this length.
    ///
    /// Groups, populations and clients have a scope each, in order of their ids, as far as there are enough
    /// scopes; cells must be few enough.
    pub fn new(scenario: &Scenario, bin: SimSpan, by: By) -> Result<Self, TooMany> {
        let (bin, end) = (bin.as_micros().max(1), scenario.end());
        let n_bins = usize::try_from(end.as_micros().div_ceil(bin)).expect("bins are limited");
        let scopes = match by {
            By::Cell(n) if PARTS_MAX < n => return Err(TooMany(n)),
            By::Cell(n) => {
                let scope = |it| Scope { name: format!("cell:{it}"), clients: (0, 0) };
                (1..=n).map(scope).collect()
            }
            By::Entry => {
                let scopes = scenario.entries().iter().take(PARTS_MAX).map(|it| {
                    let of = match it.of {
                        EntryOf::Client => "client",
                        EntryOf::Group => "group",
                        EntryOf::Population => "population",
                    };
                    Scope { name: format!("{of}:{}", it.name), clients: it.clients.bounds() }
                });
                scopes.collect()
            }
        };
        let n_nodes = scenario.server().map_or(0, |it| (it.n_nodes() as usize).min(PARTS_MAX));
        Ok(Self { bin, n_bins: n_bins.max(1), end, by, scopes, n_nodes })
    }

    /// The usual division.
    pub fn usual(scenario: &Scenario) -> Self {
        let bin = Self::bin_for(scenario, None).expect("the usual bins are long enough");
        Self::new(scenario, bin, By::Entry).expect("what is too much is left out")
    }

    /// How long a bin is.
    pub const fn bin(&self) -> SimSpan {
        SimSpan::from_micros(self.bin)
    }

    /// When the run ends.
    pub const fn end(&self) -> SimTime {
        self.end
    }

    pub(super) const fn n_bins(&self) -> usize {
        self.n_bins
    }

    /// When a bin begins and ends; the last ends with the run.
    pub fn bounds_of(&self, bin: usize) -> (SimTime, SimTime) {
        let at = |it: usize| SimTime::from_micros(self.bin * it as u64).min(self.end);
        (at(bin), at(bin + 1))
    }

    /// The scopes besides the total.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// How many nodes of the server have a scope, if the scenario says what the server bears.
    pub const fn n_nodes(&self) -> usize {
        self.n_nodes
    }

    /// The bin of an instant: from which microsecond to before which, and its number.  What
    /// happens as the run ends belongs to the last one.
    pub(super) fn bin_at(&self, at: u64) -> (u64, u64, usize) {
        let last = self.n_bins - 1;
        let bin = usize::try_from(at / self.bin).map_or(last, |it| it.min(last));
        let start = self.bin * bin as u64;
        (start, if bin == last { u64::MAX } else { start + self.bin }, bin)
    }

    /// How many of the things that happen so often are in each bin, if it is as many in each.
    pub(super) fn n_in_bin(&self, every: SimSpan) -> Option<u32> {
        let is_even = self.bin.checked_rem(every.as_micros()) == Some(0);
        let n = is_even.then(|| self.bin / every.as_micros())?;
        u32::try_from(n).ok().filter(|it| 0 < *it)
    }

    /// Which part a client belongs to, with all between the first and before the second.
    pub(super) fn part_of(&self, client: usize) -> (usize, usize, usize) {
        let n_before = self.scopes.partition_point(|it| it.clients.1 <= client);
        match self.scopes.get(n_before) {
            Some(Scope { clients: (first, end), .. }) if *first <= client => {
                (*first, *end, n_before)
            }
            Some(_) | None => (client, client + 1, self.scopes.len()),
        }
    }

    /// The part that a cell is, with all clients; or none that is known already.
    pub(super) const fn begins(&self, cell: usize) -> (usize, usize, usize) {
        match self.by {
            By::Entry => (0, 0, 0),
            By::Cell(_) => (0, usize::MAX, cell),
        }
    }
}
