//! The CSV files of a run: `callbacks.csv`, `users/<client>.csv`, `marks.csv`.
//!
//! Times are exact seconds with six decimals, lines end with `\n`.  Names are such that no cell can
//! begin like a formula of a spreadsheet.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io,
};

use csv::{Terminator, Writer, WriterBuilder};

use crate::{
    protocol::code::Update,
    scenario::{MarkOf, Scenario, When},
    sink::{
        judge::Judgement,
        line::{Lines, Tail},
        names::few,
        trace::{Row, Trace, What},
    },
};

/// The columns of `callbacks.csv` and of every `users/<client>.csv`.
pub const CALLBACK_COLUMNS: [&str; 10] = [
    "time_s",
    "client",
    "user",
    "room",
    "callback",
    "value",
    "error_code",
    "subjects",
    "detail",
    "mark",
];

/// The columns of `marks.csv`.
pub const MARK_COLUMNS: [&str; 6] =
    ["mark", "time_s", "client", "callback", "expected_s", "difference_s"];

pub(super) fn writer<W: io::Write>(to: W) -> Writer<W> {
    WriterBuilder::new().terminator(Terminator::Any(b'\n')).from_writer(to)
}

/// A writer that is dropped swallows its last error, so each is ended here.
pub(super) fn finish<W: io::Write>(mut writer: Writer<W>) -> io::Result<()> {
    writer.flush()
}

/// Which rows bear a mark, in order; the mark of each.
fn marks_of_rows<'a>(scenario: &'a Scenario, judged: &Judgement) -> BTreeMap<usize, &'a str> {
    let mut marks = BTreeMap::new();
    // A mark that a row was looked for goes before one that the script set at the same instant.
    for by_script in [false, true] {
        for (mark, seen) in scenario.marks().iter().zip(&judged.marks) {
            let is_of_script = matches!(mark.of, MarkOf::Step(..));
            if let Some(row) = seen.row.filter(|_| is_of_script == by_script) {
                marks.entry(row).or_insert(&*mark.name);
            }
        }
    }
    marks
}

/// Writes all callbacks.
pub fn write_callbacks<W: io::Write>(
    scenario: &Scenario,
    trace: &Trace,
    judged: &Judgement,
    to: W,
) -> io::Result<()> {
    let marks = marks_of_rows(scenario, judged);
    let mut lines = Callbacks::new(scenario, to)?;
    let mut marks = marks.into_iter().peekable();
    for (index, row) in trace.rows().iter().enumerate() {
        let mark = marks.next_if(|it| it.0 == index).map_or("", |it| it.1);
        lines.write(row, mark)?;
    }
    lines.lines.finish()
}

/// Writes the callbacks of each client that is traced to a writer of its own, which `open` gives
/// for the name of its file.
pub fn write_users<W: io::Write>(
    scenario: &Scenario,
    trace: &Trace,
    judged: &Judgement,
    mut open: impl FnMut(&str) -> io::Result<W>,
) -> io::Result<()> {
    let marks = marks_of_rows(scenario, judged);
    let mut files = UserFiles::default();
    for client in trace.traced().clients(scenario) {
        let to = open(&files.of(&scenario.client_name(client)))?;
        let mut lines = Callbacks::new(scenario, to)?;
        for (index, row) in trace.of(client) {
            lines.write(row, marks.get(&index).unwrap_or(&""))?;
        }
        lines.lines.finish()?;
    }
    Ok(())
}

/// Rows under way to a writer.
struct Callbacks<'a, W> {
    scenario: &'a Scenario,
    lines: Lines<W>,
    /// The row that was written last.
    before: Option<&'a Row>,
}

impl<'a, W: io::Write> Callbacks<'a, W> {
    fn new(scenario: &'a Scenario, to: W) -> io::Result<Self> {
        let mut lines = Lines::new(to);
        lines.names(&CALLBACK_COLUMNS)?;
        Ok(Self { scenario, lines, before: None })
    }

    fn write(&mut self, row: &'a Row, mark: &str) -> io::Result<()> {
        let (scenario, lines) = (self.scenario, &mut self.lines);
        lines.time(row.at);
        lines.text(scenario.client_label(row.client));
        lines.text(scenario.user_label(scenario.user_of(row.client)));
        // A room's members are told the same, one after the other.
        let before = self.before.replace(row);
        let is_same = |it: &Row| it.room == row.room && it.what == row.what;
        let tail =
            if mark.is_empty() && before.is_some_and(is_same) { Tail::Same } else { Tail::Other };
        lines.tail(tail, |lines| write_tail(lines, scenario, row, mark));
        lines.end()
    }
}

/// What is told, and of which room.
fn write_tail<W: io::Write>(lines: &mut Lines<W>, scenario: &Scenario, row: &Row, mark: &str) {
    lines.text(row.room_label(scenario));
    if let What::UserUpdate(update, users) = &row.what {
        // The most rows by far; callback, value and no code.
        lines.word(match update {
            Update::Add => "onRoomUserUpdate,ADD,",
            Update::Delete => "onRoomUserUpdate,DELETE,",
        });
        lines.texts(users.iter().map(|it| scenario.user_label(*it)));
    } else {
        lines.word(row.what.callback());
        lines.text(&*row.what.value(scenario));
        match row.what.code() {
            Some(code) => lines.number(code.number().into()),
            None => lines.word(""),
        }
        lines.texts(row.what.names(scenario));
    }
    lines.text(&*row.what.detail(scenario));
    lines.word(mark);
}

/// So many clients, users or streams are named in a cell of `marks.csv`; of more, these and how
/// many others there are, as `+98`.  So no cell is too long for a spreadsheet (32,767 characters),
/// let alone for readers of CSV (131,072 for that of Python).
const NAMED_MAX: usize = 100;

/// Writes when each mark was, and when it was expected, by time; those never seen come last.
///
/// Of a time with two ends, the expected instant is the one in it that is nearest to what came.
pub fn write_marks<W: io::Write>(
    scenario: &Scenario,
    trace: &Trace,
    judged: &Judgement,
    to: W,
) -> io::Result<()> {
    let mut csv = writer(to);
    csv.write_record(MARK_COLUMNS)?;
    let mut marks: Vec<_> = scenario.marks().iter().zip(&judged.marks).collect();
    marks.sort_by_key(|(_, seen)| (seen.at.is_none(), seen.at));
    for (mark, seen) in marks {
        let row = seen.row.map(|it| &trace.rows()[it]);
        let time = seen.at.map(|it| it.to_string()).unwrap_or_default();
        let callback = row.map(|it| {
            let (name, summary) = (it.what.callback(), it.what.brief(scenario, NAMED_MAX));
            format!("{name} {summary}")
        });
        let (client, expected, difference) = match &mark.of {
            MarkOf::Step(_, clients) => {
                let names = clients.iter().map(|it| scenario.client_name(*it));
                (few(names, NAMED_MAX), String::new(), String::new())
            }
            MarkOf::Expectation(index) => {
                let verdict = &judged.verdicts[*index];
                let got = verdict.got.filter(|it| it.matches);
                let at = seen.at.and_then(|it| i64::try_from(it.as_micros()).ok());
                let expected = match (at, got, &scenario.expectations()[*index].when) {
                    (Some(at), Some(got), _) => Some(at - got.difference),
                    (_, _, When::At(..)) => {
                        verdict.window.map(|(from, to)| i64::midpoint(from, to))
                    }
                    (_, _, When::Between(..) | When::Never(..)) => None,
                };
                let who = row.map_or(verdict.client, |it| it.client);
                (
                    scenario.client_name(who).into_owned(),
                    expected.map(seconds).unwrap_or_default(),
                    got.map(|it| seconds(it.difference)).unwrap_or_default(),
                )
            }
        };
        let callback = callback.unwrap_or_default();
        csv.write_record([&mark.name, &time, &client, &callback, &expected, &difference])?;
    }
    finish(csv)
}

/// The names of the clients' files in `users/`, without a folder and without surprises.
///
/// Whatever is not a letter, a digit, `-` or `_` is written as `%` and two hexadecimal digits, and
/// names that some file system would take for the same get a number.
#[derive(Default)]
struct UserFiles {
    taken: BTreeSet<String>,
}

impl UserFiles {
    fn of(&mut self, client: &str) -> String {
        let stem = file_stem(client);
        let numbered = (2..).map(|it| format!("{stem}~{it}"));
        let free = std::iter::once(stem.clone())
            .chain(numbered)
            .find(|it| self.taken.insert(it.to_ascii_lowercase()));
        free.expect("there are enough numbers") + ".csv"
    }
}

/// Names that some systems keep for devices.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

fn file_stem(name: &str) -> String {
    let mut stem = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            stem.push(char::from(byte));
        } else {
            write!(stem, "%{byte:02X}").expect("text can be written to a string");
        }
    }
    let lower = stem.to_ascii_lowercase();
    let port = lower.strip_prefix("com").or_else(|| lower.strip_prefix("lpt"));
    let is_device = DEVICES.contains(&&*lower)
        || port.is_some_and(|it| it.len() == 1 && it.starts_with(|it: char| it.is_ascii_digit()));
    if is_device { format!("{stem}%") } else { stem }
}

/// Signed seconds with six decimals, exact.
pub fn seconds(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_become_paths() {
        for (name, stem) in [
            ("A", "A"),
            ("viewer-12", "viewer-12"),
            ("../../etc/x", "%2E%2E%2F%2E%2E%2Fetc%2Fx"),
            ("/etc/x", "%2Fetc%2Fx"),
            ("a\\b", "a%5Cb"),
            ("..", "%2E%2E"),
            ("CON", "CON%"),
            ("com7", "com7%"),
            ("x ", "x%20"),
        ] {
            assert_eq!(file_stem(name), stem);
        }
    }

    #[test]
    fn seconds_are_signed_and_exact() {
        let texts = [0, 1, -1, 90_150_000, -1_000_000].map(seconds);
        assert_eq!(texts, ["0.000000", "0.000001", "-0.000001", "90.150000", "-1.000000"]);
    }
}
