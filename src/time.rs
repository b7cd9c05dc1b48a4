//! Virtual time: whole microseconds, an instant and a length apart.
//!
//! No wall clock and no float: a run must give the same bytes everywhere.

use std::{fmt, num::NonZeroU32, ops::Add};

/// An instant of virtual time, in microseconds since the run began.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A length of virtual time, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimSpan(u64);

const MICROS_PER_SEC: u64 = 1_000_000;

impl SimTime {
    /// The instant at which every run begins.
    pub const ZERO: Self = Self(0);
    /// Later than every instant of every run: the deadline of what is not armed.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after the run began.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the run began.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long before `self` the instant `earlier` was.
    ///
    /// Panics when `earlier` is later: time never falls.
    pub fn since(self, earlier: Self) -> SimSpan {
        assert!(earlier <= self, "time fell: {earlier} is after {self}");
        SimSpan(self.0 - earlier.0)
    }

    /// Whether a deadline armed for `self` is due at `now`.
    pub fn is_due(self, now: Self) -> bool {
        self <= now
    }
}

impl SimSpan {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A length of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1000)
    }

    /// A length of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * MICROS_PER_SEC)
    }

    /// The length in microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whether the length is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The length `times` over; never longer than the longest span.
    #[must_use]
    pub const fn times(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }

    /// The point `luck` / 2^32 of the way from zero to `self`, so `self` itself is left out.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the product is below `self`")]
    pub const fn scaled(self, luck: u32) -> Self {
        Self(((self.0 as u128 * luck as u128) >> 32) as u64)
    }
}

/// A clock that runs faster or slower than virtual time, from the same zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Its microseconds in a million of virtual time.
    per_million: NonZeroU32,
}

const MILLION: NonZeroU32 = NonZeroU32::new(1_000_000).expect("it is not zero");

impl Clock {
    /// Virtual time itself.
    pub const EXACT: Self = Self { per_million: MILLION };

    /// A clock that is so many millionths too fast; at most a tenth either way.
    pub fn fast_by_ppm(ppm: i32) -> Self {
        assert!(ppm.unsigned_abs() <= 100_000, "a clock that is {ppm} ppm off");
        let per_million = MILLION.get().checked_add_signed(ppm).and_then(NonZeroU32::new);
        Self { per_million: per_million.expect("it is positive") }
    }

    /// Its millionths too fast.
    pub fn ppm(self) -> i64 {
        i64::from(self.per_million.get()) - i64::from(MILLION.get())
    }

    /// What it shows at an instant.
    #[inline]
    pub fn shows(self, at: SimTime) -> SimTime {
        if self == Self::EXACT { at } else { converted(at, (self.per_million, MILLION), 0) }
    }

    /// The first instant at which it shows this.
    #[inline]
    pub fn when(self, shown: SimTime) -> SimTime {
        let Self { per_million } = self;
        if self == Self::EXACT {
            shown
        } else {
            converted(shown, (MILLION, per_million), per_million.get() - 1)
        }
    }
}

/// So many parts of a time, and some parts more, rounded down to whole ones.
#[inline(never)]
fn converted(time: SimTime, (by, over): (NonZeroU32, NonZeroU32), more: u32) -> SimTime {
    if time == SimTime::NEVER {
        return time;
    }
    let (by, over) = (u64::from(by.get()), u64::from(over.get()));
    // Runs are short enough for one word; the ends of tokens may not be.
    let parts = time.0.checked_mul(by).and_then(|it| it.checked_add(more.into()));
    if let Some(parts) = parts {
        return SimTime(parts / over);
    }
    let micros = (u128::from(time.0) * u128::from(by) + u128::from(more)) / u128::from(over);
    SimTime(u64::try_from(micros).unwrap_or(u64::MAX))
}

impl Add<SimSpan> for SimTime {
    type Output = Self;

    /// Saturates at [`SimTime::NEVER`]: a deadline beyond all runs is never due.
    fn add(self, span: SimSpan) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Add for SimSpan {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

fn write_secs(micros: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}.{:06}", micros / MICROS_PER_SEC, micros % MICROS_PER_SEC)
}

/// Seconds with six decimals, exact: `10.120000`.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER { f.write_str("never") } else { write_secs(self.0, f) }
    }
}

impl fmt::Debug for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The shortest exact text that a scenario would accept: `90s`, `20min`, `50ms`, `1.5s`.
impl fmt::Display for SimSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, micros) = match self.0 {
            0 => return f.write_str("0s"),
            n if n.is_multiple_of(3600 * MICROS_PER_SEC) => ("h", 3600 * MICROS_PER_SEC),
            n if n.is_multiple_of(60 * MICROS_PER_SEC) => ("min", 60 * MICROS_PER_SEC),
            n if n < 1000 => ("us", 1),
            n if n < MICROS_PER_SEC => ("ms", 1000),
            _ => ("s", MICROS_PER_SEC),
        };
        write!(f, "{}", self.0 / micros)?;
        let rest = self.0 % micros;
        if rest != 0 {
            let width = micros.ilog10() as usize;
            let digits = format!("{rest:0width$}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        f.write_str(unit)
    }
}

impl fmt::Debug for SimSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// The text does not begin with a digit.
    #[error("a duration begins with a digit")]
    NoNumber,
    /// A number stands without a unit.
    #[error("the number has no unit")]
    NoUnit,
    /// The unit is none of those known.
    #[error("the unit is not one of us, ms, s, min, h, d")]
    UnknownUnit,
    /// The length is finer than a microsecond.
    #[error("time is counted in whole microseconds")]
    TooFine,
    /// The length does not fit the clock.
    #[error("the length is beyond the simulator's clock")]
    TooLong,
}

impl std::str::FromStr for SimSpan {
    type Err = SpanError;

    /// Reads `90s`, `20min`, `1.5s` or a sum such as `1min 30s`, exactly.
    fn from_str(text: &str) -> Result<Self, SpanError> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(SpanError::NoNumber);
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (micros, after) = one_term(rest)?;
            total = total.checked_add(micros).ok_or(SpanError::TooLong)?;
            rest = after.trim_start();
        }
        Ok(Self(total))
    }
}

/// Digits that a number may have: so many that no sensible length needs more.
const DIGITS_MAX: usize = 24;

/// Reads one number with its unit from the front of `text`; gives microseconds and what follows.
fn one_term(text: &str) -> Result<(u64, &str), SpanError> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, after) = text.split_at(number_end);
    let after = after.trim_start();
    let unit_end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
    let (unit, after) = after.split_at(unit_end);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(SpanError::NoNumber);
    }
    let scale = match unit {
        "" => return Err(SpanError::NoUnit),
        "us" | "µs" => 1,
        "ms" => 1000,
        "s" | "sec" | "second" | "seconds" => MICROS_PER_SEC,
        "m" | "min" | "minute" | "minutes" => 60 * MICROS_PER_SEC,
        "h" | "hour" | "hours" => 3600 * MICROS_PER_SEC,
        "d" | "day" | "days" => 86_400 * MICROS_PER_SEC,
        _ => return Err(SpanError::UnknownUnit),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.contains('.') {
        return Err(SpanError::NoUnit);
    }
    if DIGITS_MAX < fraction.len() {
        return Err(SpanError::TooFine);
    }
    let places = u32::try_from(fraction.len()).expect("short");
    let digits = whole.trim_start_matches('0').to_owned() + fraction;
    if DIGITS_MAX < digits.len() {
        return Err(SpanError::TooLong);
    }
    let scaled = u128::from(scale) * format!("0{digits}").parse::<u128>().expect("few digits");
    if !scaled.is_multiple_of(10_u128.pow(places)) {
        return Err(SpanError::TooFine);
    }
    let micros = u64::try_from(scaled / 10_u128.pow(places)).map_err(|_| SpanError::TooLong)?;
    Ok((micros, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_exactly() {
        let micros = |text: &str| text.parse::<SimSpan>().map(SimSpan::as_micros);
        assert_eq!(micros("90s"), Ok(90_000_000));
        assert_eq!(micros("20min"), Ok(1_200_000_000));
        assert_eq!(micros("89.95s"), Ok(89_950_000));
        assert_eq!(micros("0.000001s"), Ok(1));
        assert_eq!(micros("1min 30s"), Ok(90_000_000));
        assert_eq!(micros("1h30min"), Ok(5_400_000_000));
        assert_eq!(micros("1.5min"), Ok(90_000_000));
        assert_eq!(micros("0.1d"), Ok(8_640_000_000));
        assert_eq!(micros("0s"), Ok(0));
        assert_eq!(micros("1.50ms"), Ok(1500));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let error = |text: &str| text.parse::<SimSpan>().unwrap_err();
        assert_eq!(error(""), SpanError::NoNumber);
        assert_eq!(error("-5s"), SpanError::NoNumber);
        assert_eq!(error("s"), SpanError::NoNumber);
        assert_eq!(error(".5s"), SpanError::NoNumber);
        assert_eq!(error("90"), SpanError::NoUnit);
        assert_eq!(error("1.2.3s"), SpanError::NoUnit);
        assert_eq!(error("90 parsecs"), SpanError::UnknownUnit);
        assert_eq!(error("0.5us"), SpanError::TooFine);
        assert_eq!(error("0.0000001s"), SpanError::TooFine);
        assert_eq!(error("0.001min 0.00001h 0.0000000001min"), SpanError::TooFine);
        assert_eq!(error("99999999999999999999s"), SpanError::TooLong);
        assert_eq!(error("18446744073709551615s"), SpanError::TooLong);
    }

    #[test]
    fn text_of_a_span_reads_back() {
        for micros in [0, 1, 999, 1000, 1500, 50_000, 999_999, 1_000_000, 1_200_000, 90_000_000] {
            let span = SimSpan::from_micros(micros);
            assert_eq!(span.to_string().parse(), Ok(span), "{span}");
        }
        assert_eq!(SimSpan::from_secs(1200).to_string(), "20min");
        assert_eq!(SimSpan::from_micros(1_200_000).to_string(), "1.2s");
        assert_eq!(SimTime::from_micros(10_120_000).to_string(), "10.120000");
    }

    #[test]
    fn never_is_never_due_and_absorbs_spans() {
        assert_eq!(SimTime::NEVER + SimSpan::from_secs(1), SimTime::NEVER);
        assert!(!SimTime::NEVER.is_due(SimTime::from_micros(u64::MAX - 1)));
    }

    /// A clock shows a time at an instant, and had not yet shown it a microsecond before; also
    /// where the product takes more than one word.
    #[test]
    fn a_wrong_clock_shows_a_time_from_the_first_instant_on() {
        for ppm in [-100_000, -1, 1, 7, 100_000] {
            let clock = Clock::fast_by_ppm(ppm);
            let times = [1, 2, 999_999, 1_000_000, 1_000_001, 1 << 40, (1 << 45) + 12_345];
            for shown in times.map(SimTime::from_micros) {
                let at = clock.when(shown);
                let before = SimTime::from_micros(at.as_micros() - 1);
                assert!(clock.shows(before) < shown, "{ppm} {shown}: {at} is late");
                assert!(shown <= clock.shows(at), "{ppm} {shown}: {at} is early");
            }
            assert_eq!(clock.when(SimTime::NEVER), SimTime::NEVER);
            assert_eq!(clock.shows(SimTime::NEVER), SimTime::NEVER);
        }
        // An hour of a clock that is a tenth too fast.
        let hour = SimTime::from_micros(3_600_000_000);
        let shown = Clock::fast_by_ppm(100_000).shows(hour);
        assert_eq!(shown, SimTime::from_micros(3_960_000_000));
    }
}
