//! How long things took: a histogram with a known error, which can be added to another.

use hdrhistogram::Histogram;

use crate::time::SimSpan;

/// Significant digits of a quantile: what is told is at most a thousandth more than what was.
const DIGITS: u8 = 3;

/// The relative error of a quantile, at most.
pub const RELATIVE_ERROR: f64 = 0.001;

/// Some times that something took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    /// In microseconds.
    histogram: Option<Histogram<u64>>,
    sum: u128,
    max: u64,
}

impl Latency {
    /// Takes note of one.
    pub fn record(&mut self, took: SimSpan) {
        let took = took.as_micros();
        let histogram = self.histogram.get_or_insert_with(empty);
        histogram.record(took).expect("it grows as needed");
        self.sum += u128::from(took);
        self.max = self.max.max(took);
    }

    /// Adds those of another.
    pub fn join(&mut self, other: &Self) {
        if let Some(more) = &other.histogram {
            let histogram = self.histogram.get_or_insert_with(empty);
            histogram.add(more).expect("it grows as needed");
        }
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// The longest, exactly.
    pub const fn max(&self) -> SimSpan {
        SimSpan::from_micros(self.max)
    }

    /// Their mean, exactly, but for the fraction of a microsecond; nothing if there are none.
    pub fn mean(&self) -> Option<SimSpan> {
        let mean = self.sum.checked_div(u128::from(self.count()))?;
        u64::try_from(mean).ok().map(SimSpan::from_micros)
    }

    /// So many of a thousand take at most this time; nothing if there are none.
    ///
    /// It is that of one of them, the smallest of which this can be said, or at most a thousandth
    /// more.
    pub fn quantile(&self, per_mille: u64) -> Option<SimSpan> {
        let histogram = self.histogram.as_ref()?;
        let rank = u128::from(histogram.len()) * u128::from(per_mille);
        let rank = u64::try_from(rank.div_ceil(1000)).ok()?.max(1);
        let mut n_seen = 0;
        let value = histogram.iter_recorded().find_map(|it| {
            n_seen += it.count_since_last_iteration();
            (rank <= n_seen).then(|| it.value_iterated_to())
        })?;
        // What is told of a class is its upper end.
        Some(SimSpan::from_micros(histogram.highest_equivalent(value).min(self.max)))
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new(DIGITS).expect("so many digits can be had")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_the_stated_error_of_the_exact_ones() {
        let times: Vec<u64> = (1..=5000_u64).map(|it| it * it % 70_001 * 97).collect();
        let mut all = Latency::default();
        for time in &times {
            all.record(SimSpan::from_micros(*time));
        }
        let mut sorted = times.clone();
        sorted.sort_unstable();
        for (per_mille, rank) in [(500, 2500), (900, 4500), (990, 4950), (999, 4995), (1000, 5000)]
        {
            let exact = sorted[rank - 1];
            let told = all.quantile(per_mille).expect("there are some").as_micros();
            assert!((exact..=exact + exact / 1000).contains(&told), "{per_mille}: {told}, {exact}");
        }
        let sum: u64 = times.iter().sum();
        assert_eq!(all.mean(), Some(SimSpan::from_micros(sum / 5000)));
        assert_eq!(all.max().as_micros(), sorted[4999]);
    }
}
