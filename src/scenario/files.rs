//! The files that a scenario names: recorded traces of links and tables of delays.

use std::{cell::RefCell, collections::BTreeMap, fmt, rc::Rc};

use crate::{
    link::delay::{Spread, Table},
    scenario::{
        fault::excerpt,
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
    known: RefCell<BTreeMap<String, Rc<str>>>,
}

impl<'f> Files<'f> {
    pub(super) fn new(read: &'f ReadFile<'f>) -> Self {
        Self { read, known: RefCell::default() }
    }

    /// The text of a file, which is read once.
    fn text(&self, name: &str) -> Result<Rc<str>, String> {
        if let Some(text) = self.known.borrow().get(name) {
            return Ok(Rc::clone(text));
        }
        let text: Rc<str> = (self.read)(name)?.into();
        self.known.borrow_mut().insert(name.to_owned(), Rc::clone(&text));
        Ok(text)
    }
}

impl fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.borrow().keys()).finish()
    }
}

/// The conditions of a link from an instant on; what was not recorded is as on the link named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    /// When, from the beginning of the trace.
    pub(super) at: SimSpan,
    pub(super) delay: Option<SimSpan>,
    pub(super) loss: Option<Probability>,
    pub(super) rate: Option<BitRate>,
}

impl<'a> Draft<'a> {
    /// The text of the file that a value names.
    pub(super) fn file(&mut self, at: &Node<'a>) -> Option<Rc<str>> {
        let name = self.reader.text(at)?;
        match self.files.text(name) {
            Ok(text) => Some(text),
            Err(problem) => {
                let problem = format!("`{}` cannot be read: {problem}", self.reader.shown(at));
                self.reader.fault(
                    at,
                    problem,
                    "name a text file in the folder of the scenario, or below it",
                );
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
            // What stands there instead may be none of the reader's business.
            self.reader.fault(at, "line 1 of the file does not name its columns", remedy);
            return None;
        }
        let mut all: Vec<Recorded> = Vec::new();
        for (number, line) in lines.filter(|it| !it.1.is_empty()) {
            if self.reader.is_hopeless() {
                break;
            }
            let Some(recorded) = read_line(&mut self.reader, at, (number, line)) else { continue };
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
fn read_line<'a>(
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
        let problem = format!("line {number} of the file: `{}` is no {name}", excerpt(cell));
        reader.fault(at, problem, remedy);
    };
    let time = cell(time, "time", "write it as \"1.5s\"", &mut fault);
    let delay = cell(delay, "delay", "write it as \"80ms\"", &mut fault);
    let loss = cell(loss, "loss", "write it as \"0.5%\"", &mut fault);
    let rate = cell(rate, "rate", "write it as \"2mbit\"", &mut fault);
    let long = |it: Option<Option<SimSpan>>, max| it.flatten().is_some_and(|it| max < it);
    let is_long = [long(time, DURATION_MAX), long(delay, DELAY_MAX)];
    if is_long[0] {
        fault("time", cells[0], &format!("no run is longer than {DURATION_MAX}"));
    }
    if is_long[1] {
        fault("delay", cells[1], &format!("at most {DELAY_MAX} is simulated"));
    }
    if is_long.contains(&true) {
        return None;
    }
    let (time, delay, loss, rate) = (time?, delay?, loss?, rate?);
    if time.is_none() {
        fault("time", "", "write it as \"1.5s\"");
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
