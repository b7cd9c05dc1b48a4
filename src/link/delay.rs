//! How long a message is under way: a delay, and how it strays.

use std::sync::LazyLock;

use crate::time::SimSpan;

/// The delay of one direction of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delay {
    /// The middle, or for a distribution the mean.
    pub mean: SimSpan,
    /// How far it strays: to either side at the most, or for a distribution the standard deviation.
    pub jitter: SimSpan,
    /// How it strays.
    pub spread: Spread,
}

/// How a delay strays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Evenly to both sides.
    Uniform,
    /// By a table of quantiles, evenly far apart, in units of 1/8192 of the jitter.
    Table(Table),
}

/// A table of quantiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, if it has one.
    pub name: Option<&'static str>,
    quantiles: std::sync::Arc<[i32]>,
    largest: i32,
}

/// One jitter in the units of a table, as in netem.
pub const TABLE_SCALE: i64 = 8192;

static BUILT_IN: LazyLock<Vec<Table>> = LazyLock::new(|| {
    let files = [
        ("normal", include_str!("tables/normal.dist")),
        ("pareto", include_str!("tables/pareto.dist")),
        ("paretonormal", include_str!("tables/paretonormal.dist")),
    ];
    let table = |(name, text)| Table { name: Some(name), ..Table::read(text).expect("it is ours") };
    files.into_iter().map(table).collect()
});

static EXPONENTIAL: LazyLock<Table> =
    LazyLock::new(|| Table::read(include_str!("tables/exponential.dist")).expect("it is ours"));

impl Table {
    /// The names of the distributions that there are besides `uniform`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().filter_map(|it| it.name)
    }

    /// The distribution of this name.
    pub fn named(name: &str) -> Option<Self> {
        BUILT_IN.iter().find(|it| it.name == Some(name)).cloned()
    }

    /// A table of these quantiles, which must not be empty.
    pub fn of(quantiles: Vec<i32>) -> Self {
        let largest = *quantiles.iter().max().expect("a table has values");
        Self { name: None, quantiles: quantiles.into(), largest }
    }

    /// Reads a table as the files of tc-netem write it: numbers, and comments after `#`.
    pub fn read(text: &str) -> Option<Self> {
        let words = text.lines().filter_map(|it| it.split('#').next());
        let words = words.flat_map(str::split_whitespace);
        let quantiles: Option<Vec<i32>> = words.map(|it| it.parse().ok()).collect();
        quantiles.filter(|it| !it.is_empty()).map(Self::of)
    }

    /// How many quantiles it has.
    pub fn len(&self) -> usize {
        self.quantiles.len()
    }

    /// Whether it has none; no table is so.
    pub fn is_empty(&self) -> bool {
        self.quantiles.is_empty()
    }

    /// The quantiles.
    pub fn quantiles(&self) -> &[i32] {
        &self.quantiles
    }

    /// The quantile of an evenly distributed draw.
    #[inline]
    fn at(&self, luck: u32) -> i64 {
        let index = (self.quantiles.len() as u64 * u64::from(luck)) >> 32;
        i64::from(self.quantiles[usize::try_from(index).expect("below the length")])
    }
}

impl Delay {
    /// No delay at all.
    pub const NONE: Self =
        Self { mean: SimSpan::ZERO, jitter: SimSpan::ZERO, spread: Spread::Uniform };

    /// The delay of the message with this draw.
    #[inline]
    pub fn of(&self, luck: u32) -> SimSpan {
        let (mean, jitter) = (self.mean.as_micros(), self.jitter.as_micros());
        match &self.spread {
            Spread::Uniform => {
                let values = SimSpan::from_micros(2 * jitter + 1);
                SimSpan::from_micros(mean - jitter) + values.scaled(luck)
            }
            Spread::Table(table) => self.strayed(table.at(luck)),
        }
    }

    /// The longest that a draw can give.
    pub fn longest(&self) -> SimSpan {
        match &self.spread {
            Spread::Uniform => self.mean + self.jitter,
            Spread::Table(table) => self.strayed(i64::from(table.largest)),
        }
    }

    /// The delay that strays by so much of the jitter, in parts of [`TABLE_SCALE`].
    fn strayed(&self, by: i64) -> SimSpan {
        let signed = |it: SimSpan| i64::try_from(it.as_micros()).expect("delays are limited");
        // No message arrives before it is sent.
        let strayed = signed(self.mean) + signed(self.jitter) * by / TABLE_SCALE;
        SimSpan::from_micros(u64::try_from(strayed).unwrap_or(0))
    }
}

/// A span of this mean, exponentially distributed, for an evenly distributed draw.
pub fn exponential(mean: SimSpan, luck: u32) -> SimSpan {
    let scale = u128::try_from(EXPONENTIAL.at(luck)).expect("its quantiles are positive");
    let micros = u128::from(mean.as_micros()) * scale / u128::from(TABLE_SCALE.unsigned_abs());
    SimSpan::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_spans_have_their_mean() {
        let mean = SimSpan::from_secs(10);
        let spans = (0..4096_u32).map(|it| exponential(mean, it << 20).as_micros());
        let sum: u64 = spans.sum();
        assert!((sum / 4096).abs_diff(10_000_000) < 1_000, "{}", sum / 4096);
    }

    #[test]
    fn no_message_arrives_before_it_is_sent() {
        let spread = Spread::Table(Table::named("normal").unwrap());
        let delay = Delay { mean: SimSpan::from_millis(1), jitter: SimSpan::from_secs(1), spread };
        assert_eq!(delay.of(0), SimSpan::ZERO);
        assert!(SimSpan::from_secs(3) < delay.of(u32::MAX));
    }

    #[test]
    fn tables_are_read_as_tc_writes_them() {
        let table = Table::read("# a comment\n-8192 0\n 8192 # another\n").unwrap();
        assert_eq!(table.quantiles(), [-8192, 0, 8192]);
        assert_eq!((Table::read(""), Table::read("1 x"), Table::read("# 1")), (None, None, None));
    }
}
