//! Quantities that are not time: probabilities, rates of bits.

use std::{fmt, str::FromStr};

use crate::time::SimSpan;

/// A probability, kept as the number of the 2^32 values of a draw that count as a hit.
///
/// An integer comparison decides, so the answer is the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Probability {
    hits: u64,
}

const DRAWS: u64 = 1 << 32;
/// Decimals that a probability may have: beyond these, 2^32 draws cannot tell values apart.
const DECIMALS_MAX: usize = 12;

impl Probability {
    /// What never happens.
    pub const ZERO: Self = Self { hits: 0 };

    /// Whether an evenly distributed draw is a hit.
    pub fn hits(self, draw: u32) -> bool {
        u64::from(draw) < self.hits
    }

    /// The number of draws that hit: a draw hits when it is below.
    pub const fn limit(self) -> u64 {
        self.hits
    }

    /// Whether nothing is ever a hit.
    pub const fn is_zero(self) -> bool {
        self.hits == 0
    }
}

impl Probability {
    /// Either of two things that exclude each other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { hits: (self.hits + other.hits).min(DRAWS) }
    }

    /// What remains: one minus this.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self { hits: DRAWS - self.hits }
    }

    /// Whether shares make up a whole, as far as draws can tell.
    pub fn are_whole(shares: &[Self]) -> bool {
        let sum: u64 = shares.iter().map(|it| it.hits).sum();
        sum.abs_diff(DRAWS) <= shares.len() as u64
    }

    /// The certain event.
    pub const ONE: Self = Self { hits: DRAWS };

    /// A step on the way from one probability to another: `part` of `whole`.
    #[must_use]
    pub fn between(self, other: Self, part: u64, whole: u64) -> Self {
        Self { hits: between(self.hits, other.hits, part, whole) }
    }

    /// As a fraction, for reports.
    pub fn to_f64(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "2^32 is exact")]
        let (hits, draws) = (self.hits as f64, DRAWS as f64);
        hits / draws
    }
}

/// The value at `part` of `whole` steps from one to another, rounded down.
pub fn between(from: u64, to: u64, part: u64, whole: u64) -> u64 {
    let mixed = u128::from(from) * u128::from(whole - part) + u128::from(to) * u128::from(part);
    u64::try_from(mixed / u128::from(whole)).expect("it lies between two words")
}

/// Bits a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BitRate(u64);

impl BitRate {
    /// The rate of so many bits a second; 0, where nothing moves.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Whether nothing moves.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Bits a second.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// How long so many bits take, rounded up, at a rate that is not 0.
    pub fn time_of(self, bits: u64) -> SimSpan {
        assert!(!self.is_zero(), "{bits} bits would take for ever");
        SimSpan::from_micros((bits * 1_000_000).div_ceil(self.0))
    }

    /// How many bits move in so long, rounded down.
    pub fn bits_in(self, span: SimSpan) -> u64 {
        let bits = u128::from(self.0) * u128::from(span.as_micros()) / 1_000_000;
        u64::try_from(bits).unwrap_or(u64::MAX)
    }
}

/// The text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rate of bits")]
pub struct BitRateError;

/// tc's units of bits a second.
const RATE_UNITS: [(&str, u64); 4] =
    [("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1000), ("bit", 1)];

impl FromStr for BitRate {
    type Err = BitRateError;

    /// Reads `64kbit`, `1.5mbit`: exactly, in tc's units.
    fn from_str(text: &str) -> Result<Self, BitRateError> {
        let text = text.trim();
        let unit = RATE_UNITS.iter().find(|(unit, _)| text.ends_with(unit));
        let (unit, scale) = *unit.ok_or(BitRateError)?;
        let number = text[..text.len() - unit.len()].trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|it| it.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || 9 < fraction.len() {
            return Err(BitRateError);
        }
        let places = u32::try_from(fraction.len()).map_err(|_| BitRateError)?;
        let numerator: u128 = format!("{whole}{fraction}").parse().map_err(|_| BitRateError)?;
        let scaled = numerator.checked_mul(u128::from(scale)).ok_or(BitRateError)?;
        let bits = u64::try_from(scaled / 10_u128.pow(places)).map_err(|_| BitRateError)?;
        let is_whole = scaled.is_multiple_of(10_u128.pow(places));
        if !is_whole || 1_000_000_000_000 < bits {
            return Err(BitRateError);
        }
        Ok(Self(bits))
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0bit");
        }
        let whole = RATE_UNITS.iter().find(|(_, scale)| self.0.is_multiple_of(*scale));
        let (unit, scale) = whole.expect("every rate is a number of bits");
        write!(f, "{}{unit}", self.0 / scale)
    }
}

/// The text is no probability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a probability from 0 to 1")]
pub struct ProbabilityError;

impl FromStr for Probability {
    type Err = ProbabilityError;

    /// Reads `1%` or `0.01`: the next lower multiple of 2^-32, by integers alone.
    fn from_str(text: &str) -> Result<Self, ProbabilityError> {
        let text = text.trim();
        let (number, percent) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (text, false),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|it| it.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) {
            return Err(ProbabilityError);
        }
        if DECIMALS_MAX < fraction.len() || 9 < whole.len() {
            return Err(ProbabilityError);
        }
        let places = u32::try_from(fraction.len()).map_err(|_| ProbabilityError)?;
        let numerator: u128 = format!("{whole}{fraction}").parse().map_err(|_| ProbabilityError)?;
        let denominator = 10_u128.pow(places) * if percent { 100 } else { 1 };
        if denominator < numerator {
            return Err(ProbabilityError);
        }
        let hits = numerator * u128::from(DRAWS) / denominator;
        Ok(Self { hits: u64::try_from(hits).map_err(|_| ProbabilityError)? })
    }
}

/// Per cent with as many of six decimals as it takes.
impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millionths = (u128::from(self.hits) * 100_000_000 + u128::from(DRAWS) / 2) >> 32;
        let (whole, fraction) = (millionths / 1_000_000, millionths % 1_000_000);
        if fraction == 0 {
            return write!(f, "{whole}%");
        }
        let digits = format!("{fraction:06}");
        write!(f, "{whole}.{}%", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str) -> Option<u64> {
        text.parse::<Probability>().ok().map(|it| it.hits)
    }

    #[test]
    fn probabilities_are_exact() {
        assert_eq!(hits("0"), Some(0));
        assert_eq!(hits("100%"), Some(1 << 32));
        assert_eq!(hits("1"), Some(1 << 32));
        assert_eq!(hits("50%"), Some(1 << 31));
        assert_eq!(hits("0.5"), Some(1 << 31));
        // 2^32 / 100 = 42949672.96
        assert_eq!(hits("1%"), Some(42_949_672));
        assert_eq!(hits("0.01"), hits("1%"));
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        for text in ["", "%", "-1%", "101%", "1.01", "NaN", "1e-2", "0.0.1", ".5", "½"] {
            assert_eq!(hits(text), None, "{text}");
        }
    }

    #[test]
    fn certain_and_impossible_are_so_for_every_draw() {
        let certain: Probability = "1".parse().unwrap();
        assert!(certain.hits(u32::MAX) && certain.hits(0));
        assert!(!Probability::ZERO.hits(0));
    }

    #[test]
    fn rates_are_exact_and_in_the_units_of_tc() {
        let bits = |text: &str| text.parse::<BitRate>().ok().map(BitRate::bits);
        assert_eq!(bits("64kbit"), Some(64_000));
        assert_eq!(bits("1.5mbit"), Some(1_500_000));
        assert_eq!(bits("1gbit"), Some(1_000_000_000));
        assert_eq!(["0bit", "0kbit", "0.0mbit"].map(bits), [Some(0); 3]);
        assert_eq!(BitRate::from_bits(0).to_string(), "0bit");
        for text in ["", "64", "64kb", "-1kbit", "0.1bit", "1e3kbit", "2000gbit"] {
            assert_eq!(bits(text), None, "{text}");
        }
        // 1000 bits at 1 Mbit/s take 1 ms; what does not fit a microsecond counts whole.
        let rate = BitRate::from_bits(1_000_000);
        assert_eq!(rate.time_of(1000), SimSpan::from_millis(1));
        let rate_of_3 = BitRate::from_bits(3_000_000);
        assert_eq!(rate_of_3.time_of(8), SimSpan::from_micros(3));
        // In that time a bit more would have moved; in a microsecond less not all.
        assert_eq!([3, 2].map(|it| rate_of_3.bits_in(SimSpan::from_micros(it))), [9, 6]);
        assert_eq!(rate.to_string(), "1mbit");
        assert_eq!(BitRate::from_bits(1_500).to_string(), "1500bit");
    }

    #[test]
    fn what_lies_between_is_reached_in_equal_steps() {
        assert_eq!([0, 1, 2, 4].map(|it| between(10, 50, it, 4)), [10, 20, 30, 50]);
        assert_eq!([0, 1, 2].map(|it| between(50, 10, it, 2)), [50, 30, 10]);
    }

    #[test]
    fn text_rounds_to_what_was_written() {
        for text in ["0%", "1%", "20%", "0.3%", "100%", "33.333%"] {
            assert_eq!(text.parse::<Probability>().unwrap().to_string(), text);
        }
    }
}
