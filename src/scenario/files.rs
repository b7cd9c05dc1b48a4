//! The files that a scenario names: recorded traces of links and tables of delays.

use std::{cell::RefCell, collections::BTreeMap, fmt};

use crate::{
    link::delay::{Spread, Table},
    scenario::{
        links::DELAY_MAX,
        parse::{DURATION_MAX, Draft},
        read::{Node, Reader},
    },
    time::{SimSpan, SimTime},
    units::{BitRate, Probability},
};

/// The first line of a trace.
const COLUMNS: [&str; 4] = ["time", "delay", "loss", "rate"];

/// The most quantiles of a table.
pub(super) const TABLE_MAX: usize = 65_536;

/// Reads a file by the name that a scenario gives it, or says why it cannot.
pub type ReadFile<'f> = dyn Fn(&str) -> Result<String, String> + 'f;

/// Where the files of a scenario come from, and those that have been read.
pub(super) struct Files<'f> {
    read: &'f ReadFile<'f>,
    known: RefCell<BTreeMap<String, String>>,
}

impl<'f> Files<'f> {
    pub(super) fn new(read: &'f ReadFile<'f>) -> Self {
        Self { read, known: RefCell::default() }
    }

    /// The text of a file, which is read once.
    fn text(&self, name: &str) -> Result<String, String> {
        if let Some(text) = self.known.borrow().get(name) {
            return Ok(text.clone());
        }
        let text = (self.read)(name)?;
        self.known.borrow_mut().insert(name.to_owned(), text.clone());
        Ok(text)
    }
}

impl fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.borrow().keys()).finish()
    }
}

/// The conditions of a link from an instant on; what was not recorded stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// When, from the beginning of the trace.
    pub(super) at: SimSpan,
    pub(super) delay: Option<SimSpan>,
    pub(super) loss: Option<Probability>,
    pub(super) rate: Option<BitRate>,
}

impl<'a> Draft<'a> {
    fn file(&mut self, at: &Node<'a>) -> Option<String> {
        let name = self.reader.text(at)?;
        match self.files.text(name) {
            Ok(text) => Some(text),
            Err(problem) => {
                let problem = format!("`{}` cannot be read: {problem}", self.reader.shown(at));
                self.reader.fault(at, problem, "name it from the folder of the scenario");
                None
            }
        }
    }

    /// A table of quantiles as tc-netem has them.
    pub(super) fn table_file(&mut self, at: &Node<'a>) -> Option<Spread> {
        let text = self.file(at)?;
        let table = Table::read(&text).filter(|it| it.len() <= TABLE_MAX);
        if table.is_none() {
            let remedy = format!("it has 1 to {TABLE_MAX} whole numbers, in units of 1/8192");
            self.reader.fault(at, "the file is no table of tc-netem", remedy);
        }
        table.map(Spread::Table)
    }

    /// A recorded trace: `time,delay,loss,rate`, then a line for each change.
    pub(super) fn trace_file(&mut self, at: &Node<'a>) -> Option<Vec<Recorded>> {
        let text = self.file(at)?;
        let n_faults = self.reader.n_faults();
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let header = lines.next().map(|it| it.1);
        if header != Some(&COLUMNS.join(",")) {
            let remedy = format!("begin with `{}`", COLUMNS.join(","));
            self.reader.fault(at, "line 1 of the file does not name its columns", remedy);
            return None;
        }
        let mut all: Vec<Recorded> = Vec::new();
        for (number, line) in lines.filter(|it| !it.1.is_empty()) {
            let Some(recorded) = recorded(&mut self.reader, at, (number, line)) else { continue };
            if all.last().is_some_and(|it| recorded.at <= it.at) {
                let problem = format!("line {number} of the file is not after the one before");
                self.reader.fault(at, problem, "order the lines by time");
            }
            all.push(recorded);
        }
        if all.is_empty() && n_faults == self.reader.n_faults() {
            self.reader.fault(at, "nothing is recorded in the file", "add lines to it");
        }
        (n_faults == self.reader.n_faults()).then_some(all)
    }
}

/// One line of a trace.
fn recorded<'a>(
    reader: &mut Reader<'a>,
    at: &Node<'a>,
    (number, line): (usize, &str),
) -> Option<Recorded> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[time, delay, loss, rate] = &cells[..] else {
        let problem = format!("line {number} of the file has {} cells", cells.len());
        reader.fault(at, problem, "write a time, a delay, a loss and a rate");
        return None;
    };
    let mut fault = |name: &str, cell: &str, remedy: &str| {
        let problem = format!("line {number} of the file: `{cell}` is no {name}");
        reader.fault(at, problem, remedy);
    };
    let time = cell(time, "time", "write it as \"1.5s\"", &mut fault);
    let delay = cell(delay, "delay", "write it as \"80ms\"", &mut fault);
    let loss = cell(loss, "loss", "write it as \"0.5%\"", &mut fault);
    let rate = cell(rate, "rate", "write it as \"2mbit\"", &mut fault);
    let (time, delay, loss, rate) = (time?, delay?, loss?, rate?);
    if time.is_none() {
        fault("time", "", "write it as \"1.5s\"");
    }
    if delay.is_some_and(|it| DELAY_MAX < it) {
        fault("delay", cells[1], &format!("at most {DELAY_MAX} is simulated"));
        return None;
    }
    if time.is_some_and(|it| DURATION_MAX < it) {
        fault("time", cells[0], &format!("no run is longer than {DURATION_MAX}"));
        return None;
    }
    Some(Recorded { at: time?, delay, loss, rate })
}

/// What a cell says; nothing, if it is empty.
#[expect(clippy::option_option, reason = "a fault and an empty cell are two things")]
fn cell<T: std::str::FromStr>(
    text: &str,
    name: &str,
    remedy: &str,
    fault: &mut impl FnMut(&str, &str, &str),
) -> Option<Option<T>> {
    if text.is_empty() {
        return Some(None);
    }
    let value = text.parse().ok();
    if value.is_none() {
        fault(name, text, remedy);
    }
    value.map(Some)
}

/// When the lines of a trace come, of a run that ends at some instant.
pub(super) fn times(
    trace: &[Recorded],
    begins: SimTime,
    end: SimTime,
) -> impl Iterator<Item = (SimTime, Recorded)> {
    trace.iter().map(move |it| (begins + it.at, *it)).filter(move |it| it.0 <= end)
}
