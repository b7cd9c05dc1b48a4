//! Holds a trace against a scenario's expectations.

use crate::{
    id::ClientId,
    scenario::{Expectation, Instant, MarkOf, Scenario, When},
    sink::trace::Trace,
    time::SimTime,
};

/// What came of a scenario's expectations.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// One for each expectation, in order of the file.
    pub verdicts: Vec<Verdict>,
    /// One for each mark: when it was, and which row it names, if it was at all.
    pub marks: Vec<Seen>,
}

/// When a mark was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The instant.
    pub at: Option<SimTime>,
    /// The row of the trace that it names.
    pub row: Option<usize>,
}

/// What came of one expectation.  Of a group, this is the client that shows it best: the first for
/// which it does not hold, or else the last to meet it.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// Whether it holds for every client that it means.
    pub held: bool,
    /// For how many clients it does not hold.
    pub n_failed: usize,
    /// The client shown.
    pub client: ClientId,
    /// The time in which a callback is expected, or not: both ends in microseconds.  `None` when
    /// a mark on which it hangs was never seen.
    pub window: Option<(i64, i64)>,
    /// Whether that time, of an absence, is one that the run has observed: it ends after it
    /// begins, and before the run does.
    pub observed: Observed,
    /// The row that comes nearest to what is expected, or offends against it.
    pub got: Option<Got>,
}

/// Whether a time was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// It was.
    Yes,
    /// It ends before it begins, or after the run.
    No,
}

/// The row that an expectation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Got {
    /// Its index in the trace.
    pub row: usize,
    /// How far it is outside the time in which it was expected, in microseconds; negative when it
    /// came too early.  For an exact instant: how far from it.
    pub difference: i64,
    /// Whether it is what was meant, or only the same kind of callback.
    pub matches: bool,
}

impl Verdict {
    const fn new(client: ClientId, window: Option<(i64, i64)>) -> Self {
        let observed = Observed::Yes;
        Self { held: false, n_failed: 0, client, window, observed, got: None }
    }
}

impl Judgement {
    /// Holds a trace against the expectations of its scenario.
    pub fn of(scenario: &Scenario, trace: &Trace) -> Self {
        let mut marks: Vec<Seen> = scenario
            .marks()
            .iter()
            .map(|it| match &it.of {
                MarkOf::Step(at, clients) => {
                    Seen { at: Some(*at), row: row_at(trace, *at, clients) }
                }
                MarkOf::Expectation(_) => Seen::default(),
            })
            .collect();
        let mut verdicts = vec![None; scenario.expectations().len()];
        for index in scenario.judging_order() {
            let expectation = &scenario.expectations()[*index];
            let (verdict, seen) = judge(scenario, expectation, trace, &marks);
            if let Some(mark) = expectation.mark {
                marks[mark] = seen;
            }
            verdicts[*index] = Some(verdict);
        }
        let verdicts = verdicts.into_iter().map(|it| it.expect("all are in the order")).collect();
        Self { verdicts, marks }
    }

    /// Whether all expectations hold.
    pub fn held(&self) -> bool {
        self.verdicts.iter().all(|it| it.held)
    }

    /// How many expectations do not hold.
    pub fn n_failed(&self) -> usize {
        self.verdicts.iter().filter(|it| !it.held).count()
    }
}

/// The row by which a client was told of a step of the script at the instant of the step.
fn row_at(trace: &Trace, at: SimTime, clients: &[ClientId]) -> Option<usize> {
    clients
        .iter()
        .find_map(|client| trace.of(*client).find(|(_, row)| row.at == at).map(|(index, _)| index))
}

/// The verdict, and when the mark of the expectation was: when the last of its clients met it.
fn judge(
    scenario: &Scenario,
    expectation: &Expectation,
    trace: &Trace,
    marks: &[Seen],
) -> (Verdict, Seen) {
    let mut shown: Option<Verdict> = None;
    let mut n_failed = 0;
    let mut last = None;
    let mut n_unseen = 0;
    for client in expectation.clients.iter() {
        let verdict = judge_one(scenario, expectation, client, (trace, marks));
        let time = |it: &Verdict| it.got.map(|it| trace.rows()[it.row].at);
        let is_better = match &shown {
            None => true,
            Some(shown) => shown.held && (!verdict.held || time(shown) < time(&verdict)),
        };
        n_failed += usize::from(!verdict.held);
        match verdict.got.filter(|it| it.matches) {
            Some(got) => last = last.max(Some((trace.rows()[got.row].at, got.row))),
            None => n_unseen += 1,
        }
        if is_better {
            shown = Some(verdict);
        }
    }
    let shown = shown.expect("an expectation means at least one client");
    let last = last.filter(|_| n_unseen == 0);
    let seen = Seen { at: last.map(|it| it.0), row: last.map(|it| it.1) };
    (Verdict { held: n_failed == 0, n_failed, ..shown }, seen)
}

fn judge_one(
    scenario: &Scenario,
    expectation: &Expectation,
    client: ClientId,
    (trace, marks): (&Trace, &[Seen]),
) -> Verdict {
    let Some((from, to)) = window(&expectation.when, marks) else {
        return Verdict::new(client, None);
    };
    let verdict = Verdict::new(client, Some((from, to)));
    let rows = || trace.of(client).map(|(index, row)| (index, micros(row.at), row));
    let matching = || rows().filter(|(_, _, row)| row.matches(scenario, &expectation.pattern));
    if let When::Never(..) = expectation.when {
        let offender = matching().find(|(_, at, _)| (from..=to).contains(at));
        let got = offender.map(|(row, _, _)| Got { row, difference: 0, matches: true });
        let is_observed = from <= to && to <= micros(trace.end());
        let observed = if is_observed { Observed::Yes } else { Observed::No };
        return Verdict { held: is_observed && got.is_none(), got, observed, ..verdict };
    }
    // Of an exact instant the tolerance is part of the window, but the difference counts from it.
    let (first, last) = match expectation.when {
        When::At(..) => (i64::midpoint(from, to), i64::midpoint(from, to)),
        When::Between(..) | When::Never(..) => (from, to),
    };
    if to < from {
        return verdict; // Nothing can come in a time that ends before it begins.
    }
    let nearest = matching().min_by_key(|(_, at, _)| off(*at, first, last).abs());
    if let Some((row, at, _)) = nearest {
        let got = Got { row, difference: off(at, first, last), matches: true };
        return Verdict { held: (from..=to).contains(&at), got: Some(got), ..verdict };
    }
    let loosened = expectation.pattern.loosened();
    let near_miss = rows()
        .filter(|(_, _, row)| row.matches(scenario, &loosened))
        .min_by_key(|(_, at, _)| off(*at, first, last).abs());
    let got = near_miss.map(|(row, at, _)| {
        let difference = off(at, first, last);
        Got { row, difference, matches: false }
    });
    Verdict { got, ..verdict }
}

fn micros(at: SimTime) -> i64 {
    i64::try_from(at.as_micros()).expect("runs are shorter than 2^63 microseconds")
}

/// How far an instant is outside a time.
fn off(at: i64, from: i64, to: i64) -> i64 {
    at - at.clamp(from, to)
}

/// The time in which a callback is expected, or not; none when a mark was never seen.
fn window(when: &When, marks: &[Seen]) -> Option<(i64, i64)> {
    let instant = |it: &Instant| match it.mark {
        None => Some(it.offset),
        Some(mark) => marks[mark].at.map(|at| micros(at).saturating_add(it.offset)),
    };
    match when {
        When::At(at, within) => {
            let (at, within) = (instant(at)?, i64::try_from(within.as_micros()).ok()?);
            Some((at.saturating_sub(within), at.saturating_add(within)))
        }
        When::Between(from, to) | When::Never(from, to) => {
            let (from, to) = (instant(from)?, instant(to)?);
            Some((from, to))
        }
    }
}
