//! Expectations and what came of them, in words.

use crate::{
    protocol::code::Reason,
    report::text::{Results, signed},
    scenario::{Expectation, Pattern, Scenario, When},
    sink::{
        csv::seconds,
        judge::{Got, Observed, Verdict},
        names::few,
    },
};

/// So many users or streams are named in a sentence; more are counted.
const NAMED_MAX: usize = 10;

/// What was expected and what came instead, each with its label: `expected`, `got`, `difference`
/// and others.
pub fn explanation(
    results: Results<'_>,
    expectation: &Expectation,
    verdict: &Verdict,
) -> Vec<(&'static str, String)> {
    let Results { scenario, trace, .. } = results;
    let mut lines = vec![("expected", expected(results, expectation, verdict))];
    let told = |got: &Got| {
        let row = &trace.rows()[got.row];
        format!("{} at {} s", row.what.brief(scenario, NAMED_MAX), row.at)
    };
    match (verdict.got, verdict.window, verdict.observed) {
        (_, None, _) => {
            let unseen: Vec<&str> = unseen_marks(results, &expectation.when).collect();
            lines.push(("depends on", format!("{}, which was not seen", unseen.join(", "))));
        }
        (None, _, Observed::No) => lines.push(("got", "not observed".to_owned())),
        (None, ..) => lines.push(("got", "no such callback".to_owned())),
        (Some(got), ..) if matches!(expectation.when, When::Never(..)) => {
            lines.push(("got", told(&got)));
        }
        (Some(got), ..) => {
            let other = if got.matches { "" } else { "another: " };
            lines.push(("got", format!("{other}{}", told(&got))));
            let side = match got.difference.signum() {
                -1 if got.matches => ", too early",
                1 if got.matches => ", too late",
                _ => "",
            };
            lines.push(("difference", format!("{} s{side}", signed(got.difference))));
        }
    }
    let (n, client) = (expectation.clients.count(), scenario.client_name(verdict.client));
    if 1 < n {
        lines.push(("who", format!("{} of {n} clients, such as {client}", verdict.n_failed)));
    }
    lines.push(("where", expectation.pointer.clone()));
    lines
}

/// What was expected, and when.
fn expected(results: Results<'_>, expectation: &Expectation, verdict: &Verdict) -> String {
    let pattern = pattern_in_short(results.scenario, &expectation.pattern);
    let bare = pattern.strip_prefix("any ").unwrap_or(&pattern).to_owned();
    match (&expectation.when, verdict.window) {
        (When::Never(..), None) => format!("no {bare}"),
        (_, None) => pattern,
        (When::At(_, within), Some((from, to))) => {
            let at = seconds(i64::midpoint(from, to));
            let within =
                if within.is_zero() { String::new() } else { format!(", give or take {within}") };
            format!("{pattern} at {at} s{within}")
        }
        (When::Between(..), Some((from, to))) => {
            format!("{pattern} from {} s to {} s", seconds(from), seconds(to))
        }
        (When::Never(..), Some((from, to))) => {
            let end = results.trace.end();
            let unseen = match verdict.observed {
                Observed::Yes => String::new(),
                Observed::No if to < from => ", a time that ends before it begins".to_owned(),
                Observed::No => format!(", but the run ends at {end} s"),
            };
            format!("no {bare} from {} s to {} s{unseen}", seconds(from), seconds(to))
        }
    }
}

fn unseen_marks<'a>(results: Results<'a>, when: &When) -> impl Iterator<Item = &'a str> {
    when.marks()
        .filter(move |it| results.judged.marks[*it].at.is_none())
        .map(move |it| &*results.scenario.marks()[it].name)
}

/// A pattern in words: `Logined 0`, `DELETE A`.
pub fn pattern_text(scenario: &Scenario, pattern: &Pattern) -> String {
    in_words(scenario, pattern, usize::MAX)
}

/// The same, with a few of many users or streams.
pub fn pattern_in_short(scenario: &Scenario, pattern: &Pattern) -> String {
    in_words(scenario, pattern, NAMED_MAX)
}

fn in_words(scenario: &Scenario, pattern: &Pattern, n_max: usize) -> String {
    let mut words: Vec<String> = Vec::new();
    let room = match pattern {
        Pattern::Any => {
            words.push("any callback".to_owned());
            None
        }
        Pattern::StateChanged { reason, code, room } => {
            let reason = reason.map(Reason::name);
            words.push(reason.unwrap_or("onRoomStateChanged").to_owned());
            words.extend(code.map(|it| it.to_string()));
            *room
        }
        Pattern::UserUpdate { update, users, room } => {
            words.push(update.map_or("onRoomUserUpdate", |it| it.name()).to_owned());
            let names = users.iter().map(|it| scenario.user_name(*it));
            words.push(few(names, n_max));
            *room
        }
        Pattern::StreamUpdate { update, streams, reason, room } => {
            words.push(update.map_or("onRoomStreamUpdate", |it| it.name()).to_owned());
            let names = streams.iter().map(|it| &*scenario.streams()[*it]);
            words.push(format!("stream {}", few(names, n_max)));
            words.extend(reason.map(|it| format!("reason {it}")));
            *room
        }
        Pattern::Told { callback, value, user, code, room } => {
            words.push((*callback).to_owned());
            words.extend(value.clone());
            words.extend(user.map(|it| format!("of {}", scenario.user_name(it))));
            words.extend(code.map(|it| it.to_string()));
            *room
        }
    };
    words.extend(room.map(|it| format!("in {}", scenario.room_name(it))));
    words.retain(|it| !it.is_empty());
    words.join(" ")
}
