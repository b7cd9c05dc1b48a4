//! Seconds in JSON.

use serde_json::Value;

/// So many microseconds are 15 digits: any number of as many digits comes back from a reader of
/// JSON as it was written.
const EXACT_MAX: u64 = 1_000_000_000_000_000 - 1;

/// Signed seconds as a number, exact to the microsecond; as text beyond 31 years, where a reader
/// of JSON would round it.
pub fn seconds(micros: i64) -> Value {
    if EXACT_MAX < micros.unsigned_abs() {
        return crate::sink::csv::seconds(micros).into();
    }
    #[expect(clippy::cast_precision_loss, reason = "it is below 2^53")]
    let micros = micros as f64;
    // The nearest to the quotient, which is the one that these digits are read as.
    Value::from(micros / 1e6)
}

/// The same of an instant or a span, which are never negative.
pub fn seconds_of(micros: u64) -> Value {
    i64::try_from(micros).map_or(Value::Null, seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_numbers_of_exactly_these_digits() {
        for (micros, text) in [
            (0, "0.0"),
            (1, "1e-6"),
            (-1, "-1e-6"),
            (10_120_000, "10.12"),
            (148_822_659, "148.822659"),
            (-300_000, "-0.3"),
            (999_999_999_999_999, "999999999.999999"),
            (1_000_000_000_000_000, "\"1000000000.000000\""),
            (i64::MIN, "\"-9223372036854.775808\""),
        ] {
            assert_eq!(seconds(micros).to_string(), text);
        }
    }

    #[test]
    fn no_digit_is_lost() {
        // Steps that have no common period with the digits.
        for index in 0..100_000_i64 {
            let micros = index * 9_999_999_967 % 999_999_999_999_999;
            let read: f64 = seconds(micros).to_string().parse().expect("it is a number");
            assert_eq!(format!("{read:.6}"), crate::sink::csv::seconds(micros));
        }
    }
}
