//! The verdicts as a JUnit file, which CI systems show: a suite for each scenario.
//!
//! `time` is the time that was simulated: like all results, the file is the same bytes whenever and
//! wherever it is made.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use roomsim::{
    report::{
        explain::{explanation, pattern_in_short},
        text::{self, Ink, Results},
    },
    scenario::{Expectation, Scenario, When},
    sink::judge::Verdict,
};

use super::{exit::Trouble, input::Refused, run::Ran};

/// A JUnit file in the making.
pub(super) struct Junit {
    path: PathBuf,
    /// Each with which of the files asked for it is about.
    suites: Vec<(usize, TestSuite)>,
}

impl Junit {
    /// A file that will be written to `path`.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), suites: Vec::new() }
    }

    /// Adds what came of a scenario, which is the file of this index.
    pub(super) fn add(&mut self, index: usize, scenario: &Scenario, cases: Vec<TestCase>) {
        let mut suite = TestSuite::new(scenario.name());
        suite.set_time(cases.iter().filter_map(|it| it.time).sum());
        suite.add_test_cases(cases);
        self.suites.push((index, suite));
    }

    /// Adds a file that is not run.
    pub(super) fn refuse(&mut self, refused: &Refused) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(&*refused.summary).set_description(&*refused.details);
        let mut suite = TestSuite::new(&*refused.file);
        suite.set_time(Duration::ZERO);
        suite.add_test_case(case(&refused.file, "the scenario is read", status, Duration::ZERO));
        self.suites.push((refused.index, suite));
    }

    /// Writes the file; it is whole or not there.
    pub(super) fn finish(mut self) -> Result<(), Trouble> {
        self.suites.sort_by_key(|it| it.0);
        let mut report = Report::new("roomsim");
        report.set_time(self.suites.iter().filter_map(|it| it.1.time).sum());
        report.add_test_suites(self.suites.into_iter().map(|it| it.1));
        let xml = report.to_string().expect("a report of plain text can be written");
        let fresh = self.path.with_extension(format!("tmp-{}", std::process::id()));
        let written = fs::write(&fresh, xml).and_then(|()| fs::rename(&fresh, &self.path));
        written.map_err(|error| {
            let _ignored = fs::remove_file(&fresh); // Something has failed already.
            Trouble::io("write", &self.path)(error)
        })
    }
}

/// A case for each expectation of a run.  They have equal shares of its time, so that sums of cases
/// are right.
pub(super) fn cases(scenario: &Scenario, ran: &Ran) -> Vec<TestCase> {
    let results = ran.results(scenario);
    let n = u32::try_from(scenario.expectations().len().max(1)).expect("a file is not so long");
    let of_expectation = |(expectation, verdict): (&Expectation, &Verdict)| {
        let mark = expectation.mark.map(|it| format!("{} ", scenario.marks()[it].name));
        let never = if matches!(expectation.when, When::Never(..)) { "never " } else { "" };
        let name = format!(
            "{}{} {never}{} ({})",
            mark.unwrap_or_default(),
            expectation.who,
            pattern_in_short(scenario, &expectation.pattern),
            expectation.pointer,
        );
        let status = if verdict.held {
            TestCaseStatus::success()
        } else {
            let details = text::explanation(results, expectation, verdict, Ink::Plain);
            failure(&sentence(results, expectation, verdict), &details)
        };
        case(scenario.name(), &name, status, simulated(scenario) / n)
    };
    scenario.expectations().iter().zip(&ran.judged.verdicts).map(of_expectation).collect()
}

/// A case for all expectations of a run with a seed, and the command that repeats it.
pub(super) fn case_of_seed(scenario: &Scenario, ran: &Ran, replay: &str) -> TestCase {
    let results = ran.results(scenario);
    let mut all = scenario.expectations().iter().zip(&ran.judged.verdicts);
    let status = match all.find(|(_, verdict)| !verdict.held) {
        None => TestCaseStatus::success(),
        Some((expectation, verdict)) => {
            let why = sentence(results, expectation, verdict);
            let more = match ran.judged.n_failed() {
                1 => String::new(),
                n => format!("; and {} more", text::count(n - 1, "expectation")),
            };
            let details = text::failures(results, Ink::Plain);
            failure(&format!("{why}{more}"), &format!("{details}to repeat: {replay}\n"))
        }
    };
    case(scenario.name(), &format!("seed {}", ran.seed), status, simulated(scenario))
}

/// How long a run is.
fn simulated(scenario: &Scenario) -> Duration {
    Duration::from_micros(scenario.end().as_micros())
}

/// What was expected, what came and how far from it that was, on one line.
fn sentence(results: Results<'_>, expectation: &Expectation, verdict: &Verdict) -> String {
    let lines = explanation(results, expectation, verdict);
    let parts: Vec<String> = lines.iter().map(|(label, it)| format!("{label} {it}")).collect();
    parts.join("; ")
}

fn failure(message: &str, details: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_type("expectation").set_description(details);
    status
}

fn case(class: &str, name: &str, status: TestCaseStatus, time: Duration) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class).set_time(time);
    case
}
