//! Results for a terminal: the timeline of a run, and what came of its expectations.
//!
//! No line is wider than 80 columns.

use std::fmt::Write as _;

use crate::{
    report::{
        explain::{self, pattern_in_short},
        profile::grades,
    },
    scenario::{Expectation, Mark, MarkOf, RoomMode, Scenario, When},
    sink::{
        csv::seconds,
        fingerprint::Fingerprint,
        judge::{Judgement, Verdict},
        trace::{Row, Trace, What},
        traced::Traced,
    },
    time::SimTime,
};

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// With ANSI colours.
    Colour,
    /// Without.
    Plain,
}

impl Ink {
    fn paint(self, colour: u8, text: &str) -> String {
        match self {
            Self::Colour => format!("\u{1b}[{colour}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    /// Text that tells of success.
    pub fn good(self, text: &str) -> String {
        self.paint(32, text)
    }

    fn bad(self, text: &str) -> String {
        self.paint(31, text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.paint(2, text)
    }
}

/// The results of one run.
#[derive(Clone, Copy, Debug)]
pub struct Results<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The seed of the run.
    pub seed: u64,
    /// The callbacks.
    pub trace: &'a Trace,
    /// What came of the expectations.
    pub judged: &'a Judgement,
    /// What all callbacks come to, also those that the trace has not kept.
    pub fingerprint: &'a Fingerprint,
}

/// The most rows of a timeline without a mark; the rest is in the files.
const ROWS_MAX: usize = 40;

/// A line of the timeline: a mark, a row, or both; or several rows that differ in their client only.
struct Line<'a> {
    mark: Option<(&'a Mark, usize)>,
    row: Option<&'a Row>,
    n_clients: usize,
}

impl Line<'_> {
    /// When it was, if it was at all.
    fn at(&self, judged: &Judgement) -> Option<SimTime> {
        match (self.row, self.mark) {
            (Some(row), _) => Some(row.at),
            (None, Some((_, index))) => judged.marks[index].at,
            (None, None) => None,
        }
    }
}

/// The timeline of a run: mark, time, who, callback, expected, difference.
pub fn timeline(results: Results<'_>, ink: Ink) -> String {
    let Results { scenario, trace, .. } = results;
    let mut text = heading(results);
    let values = format!("  values: {}", grades(scenario.profile()));
    let _ = writeln!(text, "{}", ink.faint(&values));
    let head = format!(
        "  {:<8}{:>11}  {:<11}{:<23}{:>12} {:>10}",
        "mark", "time_s", "who", "callback", "expected_s", "diff_s"
    );
    let _ = writeln!(text, "{}", ink.faint(&head));
    let lines = lines(results);
    let mut n_plain = 0;
    let mut n_left_out = 0;
    for line in &lines {
        n_plain += usize::from(line.mark.is_none());
        if line.mark.is_some() || n_plain <= ROWS_MAX {
            text += &timeline_line(results, line, ink);
        } else {
            n_left_out += line.n_clients;
        }
    }
    if n_left_out != 0 {
        let more = format!("  and {} more in callbacks.csv", count(n_left_out, "callback"));
        let _ = writeln!(text, "{}", ink.faint(&more));
    }
    if trace.rows().is_empty() {
        let _ = writeln!(text, "  {}", nothing_kept(results));
    }
    text
}

/// Why there is no row: nothing was told, or the trace does not keep what was.
fn nothing_kept(Results { scenario, trace, fingerprint, .. }: Results<'_>) -> String {
    let (end, n) = (scenario.end(), fingerprint.n_rows());
    match (n, trace.traced().n(scenario)) {
        (0, _) => format!("no callbacks in {end} s"),
        (_, 0) => "the trace keeps nobody's callbacks".to_owned(),
        (_, n_traced) => {
            format!("no callbacks of the {} traced in {end} s", count(n_traced, "client"))
        }
    }
}

fn heading(Results { scenario, seed, .. }: Results<'_>) -> String {
    let (name, profile) = (scenario.name(), scenario.profile().name());
    let duration = scenario.end().since(SimTime::ZERO);
    let run = format!("  (profile {profile}, seed {seed}, {duration})");
    format!("{}{run}\n", clipped(name, 80 - run.chars().count().min(72)))
}

/// What a timeline shows, by time: all rows, and the marks that name none.
fn lines(Results { scenario, trace, judged, .. }: Results<'_>) -> Vec<Line<'_>> {
    let mut of_row: Vec<Option<(&Mark, usize)>> = vec![None; trace.rows().len()];
    let mut lines = Vec::new();
    for (index, (mark, seen)) in scenario.marks().iter().zip(&judged.marks).enumerate() {
        match seen.row {
            Some(row) if of_row[row].is_none() => of_row[row] = Some((mark, index)),
            Some(_) | None => {
                lines.push(Line { mark: Some((mark, index)), row: None, n_clients: 1 });
            }
        }
    }
    for (row, mark) in trace.rows().iter().zip(of_row) {
        match lines.last_mut() {
            Some(Line { mark: None, row: Some(last), n_clients })
                if mark.is_none() && last.at == row.at && is_alike(&last.what, &row.what) =>
            {
                *n_clients += 1;
            }
            Some(_) | None => lines.push(Line { mark, row: Some(row), n_clients: 1 }),
        }
    }
    // Marks before rows of the same instant; those never seen come last.
    lines.sort_by_key(|line| (line.at(judged).is_none(), line.at(judged)));
    lines
}

/// So many users are named in a line of the timeline; more are counted.
const NAMED_MAX: usize = 3;

/// A callback in a few words, with its room where a client may be in several.
fn brief(row: &Row, scenario: &Scenario) -> String {
    let text = match &row.what {
        What::UserUpdate(update, users) if NAMED_MAX < users.len() => {
            format!("{} {} users", update.name(), users.len())
        }
        What::StreamUpdate(update, streams) if NAMED_MAX < streams.len() => {
            format!("{} {} streams", update.name(), streams.len())
        }
        What::StreamUpdate(update, _) => {
            format!("{} stream {}", update.name(), row.what.subjects(scenario))
        }
        What::CallResult(call, code, _) => format!("{} {code}", call.name()),
        What::StateChanged(_)
        | What::UserUpdate(..)
        | What::OnlineCount(_)
        | What::TokenWillExpire(_)
        | What::ExtraInfo(..)
        | What::Broadcast(..)
        | What::NetworkMode(_) => row.what.summary(scenario),
    };
    match row.room {
        Some(room) if scenario.mode_of(row.client) == RoomMode::Multi => {
            format!("{text} in {}", scenario.room_name(room))
        }
        Some(_) | None => text,
    }
}

/// Whether two callbacks are the same in a few words.
fn is_alike(one: &What, other: &What) -> bool {
    match (one, other) {
        (What::UserUpdate(update, users), What::UserUpdate(other_update, others))
            if NAMED_MAX < users.len() =>
        {
            update == other_update && users.len() == others.len()
        }
        _ => one == other,
    }
}

fn timeline_line(results: Results<'_>, line: &Line<'_>, ink: Ink) -> String {
    let Results { scenario, judged, .. } = results;
    let time = line.at(judged).map_or_else(|| "not seen".to_owned(), |it| it.to_string());
    let who = match (line.n_clients, line.row) {
        (_, None) => String::new(),
        (1, Some(row)) => scenario.client_name(row.client).into_owned(),
        (n, Some(_)) => format!("{n} clients"),
    };
    let what = line.row.map(|row| brief(row, scenario)).unwrap_or_default();
    let (mut expected, mut difference, mut held) = (String::new(), String::new(), true);
    if let Some((mark, _)) = line.mark
        && let MarkOf::Expectation(index) = mark.of
    {
        let verdict = &judged.verdicts[index];
        held = verdict.held;
        if let (Some((from, to)), When::At(..)) =
            (verdict.window, &scenario.expectations()[index].when)
        {
            expected = seconds(i64::midpoint(from, to));
        } else if verdict.window.is_some() {
            expected = String::from("in window");
        }
        if let Some(got) = verdict.got.filter(|it| it.matches) {
            difference = signed(got.difference);
        }
    }
    let mark = line.mark.map_or("", |(mark, _)| &mark.name);
    // Long numbers take their room from the callback.
    let numbers = [(&time, 11), (&expected, 12), (&difference, 10)];
    let over: usize = numbers.iter().map(|(it, width)| it.len().saturating_sub(*width)).sum();
    // Where there is nothing to compare, all the room is the callback's.
    let is_alone = expected.is_empty() && difference.is_empty();
    let room = if is_alone { 46 } else { 23_usize.saturating_sub(over) };
    let text = format!(
        "  {:<8}{time:>11}  {:<11}{:<room$}{expected:>12} {difference:>10}",
        mark,
        clipped(&who, 10),
        clipped(&what, room),
    );
    let text = text.trim_end();
    format!("{}\n", if held { text.to_owned() } else { ink.bad(text) })
}

/// The summary of a run: how many expectations hold.
pub fn summary(Results { judged, trace, fingerprint, .. }: Results<'_>, ink: Ink) -> String {
    let (n, n_failed) = (judged.verdicts.len(), judged.n_failed());
    let verdict = match (n, n_failed) {
        (0, _) => "no expectations".to_owned(),
        (_, 0) => ink.good(&format!("{} held", count(n, "expectation"))),
        _ => ink.bad(&format!("{n_failed} of {} failed", count(n, "expectation"))),
    };
    let (n, n_kept) = (fingerprint.n_rows(), trace.rows().len());
    let kept = match trace.traced() {
        Traced::All => String::new(),
        Traced::Some(_) => format!(", {n_kept} of them traced"),
    };
    let s = if n == 1 { "" } else { "s" };
    format!("  {verdict}; {n} callback{s}{kept}\n")
}

/// `1 seed`, `2 seeds`.
pub fn count(n: usize, of: &str) -> String {
    format!("{n} {of}{}", if n == 1 { "" } else { "s" })
}

/// Those expectations of a run that failed, and the summary.
pub fn failures(results: Results<'_>, ink: Ink) -> String {
    verdicts_of(results, ink, |verdict| !verdict.held)
}

/// Every expectation of a run: whether it held, what was expected, what came.
pub fn verdicts(results: Results<'_>, ink: Ink) -> String {
    heading(results) + &verdicts_of(results, ink, |_| true)
}

fn verdicts_of(results: Results<'_>, ink: Ink, is_meant: impl Fn(&Verdict) -> bool) -> String {
    let Results { scenario, judged, .. } = results;
    let mut text = String::new();
    let all = scenario.expectations().iter().zip(&judged.verdicts);
    for (expectation, verdict) in all.filter(|(_, verdict)| is_meant(verdict)) {
        text += &verdict_line(results, expectation, verdict, ink);
        if !verdict.held {
            text += &explanation(results, expectation, verdict, ink);
        }
    }
    text + &summary(results, ink)
}

fn verdict_line(
    results: Results<'_>,
    expectation: &Expectation,
    verdict: &Verdict,
    ink: Ink,
) -> String {
    let Results { scenario, trace, .. } = results;
    let status = if verdict.held { ink.good("ok  ") } else { ink.bad("FAIL") };
    let mark = expectation.mark.map_or("", |it| &scenario.marks()[it].name);
    let pattern = pattern_in_short(scenario, &expectation.pattern);
    let (what, got) = match (&expectation.when, verdict.window) {
        (When::Never(..), Some((from, to))) => {
            (format!("never {pattern}"), format!("{} to {}", short(from), short(to)))
        }
        (When::Never(..), None) => {
            (format!("never {pattern}"), "depends on a mark not seen".to_owned())
        }
        (_, None) => (pattern, "depends on a mark not seen".to_owned()),
        (_, Some(_)) => {
            let is_window = matches!(expectation.when, When::Between(..));
            let got = verdict.got.filter(|it| it.matches).map(|it| {
                let at = trace.rows()[it.row].at;
                let is_in = is_window && it.difference == 0;
                let difference = if is_in { "in window".to_owned() } else { signed(it.difference) };
                format!("{at} {difference:>10}")
            });
            (pattern, got.unwrap_or_else(|| "not seen".to_owned()))
        }
    };
    let room = 53 - got.len().max(25);
    let line = format!(
        "  {status} {mark:<8} {:<10}{:<room$} {got:>25}",
        clipped(&expectation.who, 9),
        clipped(&what, room),
    );
    format!("{}\n", line.trim_end())
}

/// Seconds without the zeros at the end.
fn short(micros: i64) -> String {
    seconds(micros).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What was expected and what came instead, a line or more for each thing.
pub fn explanation(
    results: Results<'_>,
    expectation: &Expectation,
    verdict: &Verdict,
    ink: Ink,
) -> String {
    let mut text = String::new();
    for (label, what) in explain::explanation(results, expectation, verdict) {
        // A list of names is broken between two of them.
        for (number, part) in wrapped(&what.replace(';', "; "), 60).into_iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            let _ = writeln!(text, "         {} {part}", ink.faint(&format!("{label:<10}")));
        }
    }
    text
}

pub(super) fn signed(micros: i64) -> String {
    let sign = if micros < 0 { "" } else { "+" };
    format!("{sign}{}", seconds(micros))
}

/// The text, cut to a number of columns.
pub(super) fn clipped(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars().take(columns - 1).chain(['…']).collect()
}

/// The text in lines of at most so many columns, broken at spaces where there are any.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is one");
        if last.is_empty() {
            *last = clipped(word, columns);
        } else if last.chars().count() + 1 + word.chars().count() <= columns {
            *last += " ";
            *last += word;
        } else {
            lines.push(clipped(word, columns));
        }
    }
    lines
}
