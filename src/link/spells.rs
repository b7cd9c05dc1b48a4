//! Good and bad spells of a link: Gilbert and Elliott's model in continuous time.
//!
//! Two Poisson processes go on beside each other: at the instants of one the link turns bad, at
//! those of the other it turns good; the last instant of either decides.  So good and bad spells by
//! turns last for exponentially distributed times, from the start on as if they had always done so.
//!
//! Time is cut into cells, whose instants are drawn by the number of the cell.  So the state at an
//! instant is a function of (seed, link, direction, instant): no message moves it, and whoever asks
//! looks at a few cells around the instant.  Cells are as long as the power of two below the mean,
//! and of the instants drawn for one some are left out: so longer bad spells are bad at the same
//! times and more, as long as the means lie between the same powers of two.

use crate::{
    link::Direction,
    rng::{Block, Draws, Entity, Purpose},
    time::{SimSpan, SimTime},
    units::Probability,
};

/// Gilbert and Elliott's model with states that last for time, whatever is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedGilbertElliott {
    /// How long the states last.
    pub times: Times,
    /// The share that is lost in the good state.
    pub good_loss: Probability,
    /// The share that is lost in the bad state.
    pub bad_loss: Probability,
}

/// How long good and bad spells last on average, both above zero and at most [`MEAN_MAX`]; and
/// whose they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The mean length of good spells.
    pub good: SimSpan,
    /// The mean length of bad spells.
    pub bad: SimSpan,
    /// Which directions have them.
    pub scope: Scope,
}

/// Which directions of a link are in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Both: what is wrong with the medium is wrong in both directions.
    Link,
    /// Each direction has a state of its own.
    Direction,
}

/// The longest mean length of spells: the longest run.
pub const MEAN_MAX: SimSpan = SimSpan::from_secs(10 * 24 * 3600);

impl TimedGilbertElliott {
    /// The share that is lost in a state.
    pub const fn share(&self, state: State) -> Probability {
        match state {
            State::Good => self.good_loss,
            State::Bad => self.bad_loss,
        }
    }

    /// The share that is lost over long times.
    pub fn mean_loss(&self) -> Probability {
        let Times { good, bad, .. } = self.times;
        self.good_loss.between(self.bad_loss, bad.as_micros(), (good + bad).as_micros())
    }

    /// A model on the way to another: `part` of `whole`.
    #[must_use]
    pub fn between(self, other: Self, part: u64, whole: u64) -> Self {
        let span = |one: SimSpan, other: SimSpan| {
            let micros = crate::units::between(one.as_micros(), other.as_micros(), part, whole);
            SimSpan::from_micros(micros)
        };
        let times = Times {
            good: span(self.times.good, other.times.good),
            bad: span(self.times.bad, other.times.bad),
            scope: other.times.scope,
        };
        Self {
            times,
            good_loss: self.good_loss.between(other.good_loss, part, whole),
            bad_loss: self.bad_loss.between(other.bad_loss, part, whole),
        }
    }
}

/// What a link is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A good spell.
    Good,
    /// A bad spell.
    Bad,
}

/// A time in which a link stays in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    /// The state.
    pub state: State,
    /// It was in this state from here on, or from before.
    pub from: SimTime,
    /// When it turns into the other.
    pub until: SimTime,
}

/// The spells of one link that were looked at last, by direction.
#[derive(Clone, Debug)]
pub(super) struct Spells {
    link: Entity,
    kept: [Option<(Times, Spell)>; 2],
}

impl Spells {
    /// Those of a link, of which nothing has been looked at.
    pub(super) const fn new(link: Entity) -> Self {
        Self { link, kept: [None; 2] }
    }

    /// The spell of a direction at an instant.
    #[inline]
    pub(super) fn at(
        &mut self,
        draws: &Draws,
        (direction, times): (Direction, Times),
        at: SimTime,
    ) -> Spell {
        let kept = &mut self.kept[direction as usize];
        if let Some((its, spell)) = kept
            && *its == times
            && (spell.from..spell.until).contains(&at)
        {
            return *spell;
        }
        let spell = times.spell(draws, (self.link, direction), at);
        *kept = Some((times, spell));
        spell
    }
}

/// So many cells in a row are never without an instant: less than one of e^2000 is.
const CELLS_EMPTY: i64 = 1 << 12;
/// What makes the numbers of all cells positive, also of those before the start.
const FIRST_CELL: i64 = -(1 << 53);

/// Below which draws a cell has no instant, at most one, at most two, …: by a Poisson distribution of
/// mean 1, in parts of 2^32.
const AT_MOST: [u32; 12] = [
    1_580_030_169,
    3_160_060_337,
    3_950_075_422,
    4_213_413_783,
    4_279_248_374,
    4_292_415_292,
    4_294_609_778,
    4_294_923_276,
    4_294_962_463,
    4_294_966_817,
    4_294_967_253,
    4_294_967_292,
];

/// The instants at which a link turns into one state: a Poisson process.
#[derive(Clone, Copy, Debug)]
struct Turns {
    purpose: Purpose,
    link: Entity,
    /// A cell is 2^`scale` microseconds long: at most as long as it is from one instant to the next
    /// on average, and more than half of that.
    scale: u32,
    /// Of the draws, those below keep an instant: a cell has at most one on average.
    kept_below: u64,
}

/// So many draws are set aside for a cell: for the number of its instants, and two for each.
const DRAWS_PER_CELL: u64 = 32;
const _: () = assert!(2 * AT_MOST.len() as u64 + 1 < DRAWS_PER_CELL, "each has draws of its own");

impl Turns {
    /// Those that are `mean` apart on average.
    fn of(purpose: Purpose, link: Entity, mean: SimSpan) -> Self {
        let micros = mean.as_micros();
        let scale = micros.ilog2();
        let kept_below = (1_u128 << (scale + 32)) / u128::from(micros);
        let kept_below = u64::try_from(kept_below).expect("a cell is no longer than the mean");
        Self { purpose, link, scale, kept_below }
    }

    /// Tells the instants of a cell, in any order.
    fn each(&self, draws: &Draws, cell: i64, mut tell: impl FnMut(i64)) {
        let first = (cell - FIRST_CELL).unsigned_abs() * DRAWS_PER_CELL;
        let mut block = Block::NONE;
        let mut draw =
            |place: u64| draws.draw_with(&mut block, self.purpose, self.link, first + place);
        let luck = draw(0);
        let n = AT_MOST.iter().take_while(|it| **it <= luck).count() as u64;
        for it in 0..n {
            let (place, keeping) = (draw(1 + 2 * it), draw(2 + 2 * it));
            if u64::from(keeping) < self.kept_below {
                let within = SimSpan::from_micros(1 << self.scale).scaled(place);
                tell((cell << self.scale) + within.as_micros().cast_signed());
            }
        }
    }

    /// The last instant up to one, this included.
    fn last_until(&self, draws: &Draws, at: i64) -> i64 {
        let here = at >> self.scale;
        let last = (here - CELLS_EMPTY..=here).rev().find_map(|cell| {
            let mut last = None;
            self.each(draws, cell, |it| {
                if it <= at {
                    last = last.max(Some(it));
                }
            });
            last
        });
        last.expect("so many cells are not empty")
    }

    /// The first instant after one.
    fn first_after(&self, draws: &Draws, at: i64) -> i64 {
        let here = at >> self.scale;
        let first = (here..=here + CELLS_EMPTY).find_map(|cell| {
            let mut first: Option<i64> = None;
            self.each(draws, cell, |it| {
                if at < it {
                    first = Some(first.map_or(it, |first| first.min(it)));
                }
            });
            first
        });
        first.expect("so many cells are not empty")
    }
}

impl Times {
    /// The spell at an instant.
    #[inline(never)]
    fn spell(self, draws: &Draws, (link, direction): (Entity, Direction), at: SimTime) -> Spell {
        let (to_bad, to_good) = match (self.scope, direction) {
            (Scope::Link, Direction::Up | Direction::Down) => (Purpose::TurnBad, Purpose::TurnGood),
            (Scope::Direction, Direction::Up) => (Purpose::TurnBadUp, Purpose::TurnGoodUp),
            (Scope::Direction, Direction::Down) => (Purpose::TurnBadDown, Purpose::TurnGoodDown),
        };
        let to_bad = Turns::of(to_bad, link, self.good);
        let to_good = Turns::of(to_good, link, self.bad);
        let now = at.as_micros().cast_signed();
        let bad_at = to_bad.last_until(draws, now);
        // Of two at one instant that to the bad state counts.
        let good_at = to_good.first_after(draws, bad_at);
        let (state, from, until) = if now < good_at {
            (State::Bad, bad_at, good_at)
        } else {
            (State::Good, good_at, to_bad.first_after(draws, now))
        };
        let instant = |it: i64| SimTime::from_micros(it.max(0).unsigned_abs());
        Spell { state, from: instant(from), until: instant(until) }
    }
}

#[cfg(test)]
#[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "theory has real numbers")]
mod tests {
    use super::*;

    fn secs(secs: f64) -> SimSpan {
        format!("{:.0}us", secs * 1e6).parse().unwrap()
    }

    fn times(good: f64, bad: f64) -> Times {
        Times { good: secs(good), bad: secs(bad), scope: Scope::Link }
    }

    /// The spells of a link from an instant on, one after the other.
    fn spells(times: Times, seed: u64, n: usize) -> Vec<Spell> {
        let (draws, link) = (Draws::new(seed), Entity::named("A"));
        let mut at = SimTime::ZERO;
        let next = || {
            let spell = times.spell(&draws, (link, Direction::Up), at);
            at = spell.until;
            spell
        };
        std::iter::repeat_with(next).take(n).collect()
    }

    #[test]
    fn cells_have_as_many_instants_as_poisson_says() {
        let (mut term, mut sum) = ((-1_f64).exp(), 0.0);
        for (n, at_most) in (1..).zip(AT_MOST) {
            sum += term;
            term /= f64::from(n);
            assert!((sum * 4_294_967_296.0 - f64::from(at_most)).abs() <= 0.5, "{n}: {at_most}");
        }
        assert!(1.0 - sum < 1e-9, "{sum}");
    }

    /// Whoever asks at any instant within is told of the same spell's end and kind.
    #[test]
    fn a_spell_is_one_whenever_it_is_looked_at() {
        let (draws, link) = (Draws::new(4), Entity::named("A"));
        for times in [times(10.0, 0.7), times(0.3, 5.0), times(1.0, 1.0), times(1e5, 1e-6)] {
            for spell in spells(times, 4, 300) {
                let at = |micros| {
                    times.spell(&draws, (link, Direction::Up), SimTime::from_micros(micros))
                };
                let (from, until) = (spell.from.as_micros(), spell.until.as_micros());
                for within in [from, from + (until - from) / 3, until - 1] {
                    let Spell { state, from: begin, until: end } = at(within);
                    assert_eq!((state, end), (spell.state, spell.until), "{spell:?} {within}");
                    assert!(begin.as_micros() <= within);
                }
                assert_ne!(at(until).state, spell.state, "{spell:?}");
            }
        }
    }

    /// Exponential lengths: mean and standard deviation are those that are said, and nothing of a
    /// spell is told by the one before.
    #[test]
    fn spells_last_as_long_as_is_said() {
        for (good, bad) in [(8.0, 0.5), (1.0, 1.9), (0.001, 0.002), (3.0, 70.0)] {
            let all = spells(times(good, bad), 9, 40_000);
            // The first and the last are cut off by where we look.
            let all = &all[1..all.len() - 1];
            let lengths = |state| {
                let of_kind = all.iter().filter(move |it| it.state == state);
                of_kind.map(|it| it.until.since(it.from).as_micros() as f64 / 1e6)
            };
            for (state, mean) in [(State::Good, good), (State::Bad, bad)] {
                let n = lengths(state).count() as f64;
                let average = lengths(state).sum::<f64>() / n;
                // The standard deviation is the mean; 4 sigma of the mean of 20000.
                assert!((average / mean - 1.0).abs() < 4.0 / n.sqrt(), "{average} is not {mean}");
                let long = lengths(state).filter(|it| mean < *it).count() as f64 / n;
                let share = (-1.0_f64).exp();
                let sigma = (share * (1.0 - share) / n).sqrt();
                assert!((long - share).abs() < 4.0 * sigma, "{long} are above the mean of {mean}");
            }
        }
    }

    /// At the start the link is as likely in a bad spell as at any time.
    #[test]
    fn the_start_is_like_any_time() {
        let (draws, times) = (Draws::new(2), times(6.0, 4.0));
        for at in [0, 1, 3_600_000_000] {
            let is_bad = |it: &u32| {
                let link = Entity::named(&format!("viewer-{it}"));
                times.spell(&draws, (link, Direction::Up), SimTime::from_micros(at)).state
                    == State::Bad
            };
            let n_bad = (0..20_000).filter(is_bad).count();
            // 40 % of 20000, sigma sqrt(20000 * 0.24) = 69.
            assert!(n_bad.abs_diff(8000) < 280, "{n_bad} at {at}");
        }
    }

    /// As long as the mean lengths are cut into the same cells, less good and more bad time is bad
    /// time more, never other time.
    #[test]
    fn a_worse_link_is_bad_whenever_a_better_one_is() {
        let (draws, link) = (Draws::new(3), Entity::named("A"));
        let (better, worse) = (times(8.0, 0.6), times(5.0, 0.9));
        let mut n_bad = [0, 0];
        for at in (0..200_000).map(|it| SimTime::from_micros(it * 100_000)) {
            let [one, other] = [better, worse]
                .map(|it| it.spell(&draws, (link, Direction::Up), at).state == State::Bad);
            assert!(other || !one, "at {at}");
            n_bad[0] += u32::from(one);
            n_bad[1] += u32::from(other);
        }
        assert!(n_bad[0] + 1000 < n_bad[1], "{n_bad:?}");
    }

    #[test]
    fn a_model_on_the_way_lies_between() {
        let model = |good, bad, good_loss: &str, bad_loss: &str| TimedGilbertElliott {
            times: times(good, bad),
            good_loss: good_loss.parse().unwrap(),
            bad_loss: bad_loss.parse().unwrap(),
        };
        let (one, other) = (model(8.0, 2.0, "0", "50%"), model(4.0, 6.0, "50%", "100%"));
        assert_eq!(one.between(other, 1, 2), model(6.0, 4.0, "25%", "75%"));
        assert_eq!((one.between(other, 0, 3), one.between(other, 3, 3)), (one, other));
        // 0.6 x 25 % and 0.4 x 75 %.
        let mean = model(6.0, 4.0, "25%", "75%").mean_loss();
        assert!(mean.limit().abs_diff("45%".parse::<Probability>().unwrap().limit()) < 2);
    }

    #[test]
    fn directions_share_spells_or_have_their_own() {
        let (draws, link) = (Draws::new(3), Entity::named("A"));
        let at = |scope, direction| {
            let times = Times { scope, ..times(6.0, 4.0) };
            let bad = |it: u64| {
                times.spell(&draws, (link, direction), SimTime::from_micros(it * 7_000_000))
            };
            (0..1000).filter(|it| bad(*it).state == State::Bad).collect::<Vec<u64>>()
        };
        assert_eq!(at(Scope::Link, Direction::Up), at(Scope::Link, Direction::Down));
        let [up, down] = Direction::BOTH.map(|it| at(Scope::Direction, it));
        let both = up.iter().filter(|it| down.contains(it)).count();
        // Independent: 16 % of 1000, sigma 12.
        assert!(both.abs_diff(160) < 60, "{both} of {} and {}", up.len(), down.len());
    }

    #[test]
    fn what_is_kept_is_what_is_looked_up() {
        let (draws, link) = (Draws::new(8), Entity::named("A"));
        let mut spells = Spells::new(link);
        let models = [times(2.0, 1.0), times(2.0, 3.0)];
        for (n, at) in (0..4000_u64).map(|it| it * 37 % 4001).enumerate() {
            let (direction, times) = (Direction::BOTH[n % 2], models[n / 7 % 2]);
            let at = SimTime::from_micros(at * 250_000);
            let kept = spells.at(&draws, (direction, times), at);
            assert_eq!(kept.state, times.spell(&draws, (link, direction), at).state);
        }
    }
}
