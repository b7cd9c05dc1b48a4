//! Quantities that are not time: probabilities.

use std::{fmt, str::FromStr};

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

    /// Whether nothing is ever a hit.
    pub const fn is_zero(self) -> bool {
        self.hits == 0
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
    fn text_rounds_to_what_was_written() {
        for text in ["0%", "1%", "20%", "0.3%", "100%", "33.333%"] {
            assert_eq!(text.parse::<Probability>().unwrap().to_string(), text);
        }
    }
}
