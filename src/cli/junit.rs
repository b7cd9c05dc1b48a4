//! The verdicts as a JUnit file, which CI systems show: a suite for each scenario.

use std::{
    fs,
    path::{Path, PathBuf},
};

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use roomsim::{
    report::{
        explain,
        text::{self, Ink},
    },
    scenario::{Scenario, When},
};

use super::{exit::Trouble, run::Ran};

/// A JUnit file in the making.
pub(super) struct Junit {
    path: PathBuf,
    report: Report,
}

impl Junit {
    /// A file that will be written to `path`.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), report: Report::new("roomsim") }
    }

    /// Adds a suite.
    pub(super) fn add(&mut self, suite: TestSuite) {
        self.report.add_test_suite(suite);
    }

    /// Writes the file; it is whole or not there.
    pub(super) fn finish(self) -> Result<(), Trouble> {
        let xml = self.report.to_string().expect("a report of plain text can be written");
        let fresh = self.path.with_extension(format!("tmp-{}", std::process::id()));
        let written = fs::write(&fresh, xml).and_then(|()| fs::rename(&fresh, &self.path));
        written.map_err(|error| {
            let _ignored = fs::remove_file(&fresh); // Something has failed already.
            Trouble::io("write", &self.path)(error)
        })
    }
}

/// A suite with a case for each expectation of a run.
pub(super) fn suite(scenario: &Scenario, ran: &Ran) -> TestSuite {
    let mut suite = TestSuite::new(scenario.name());
    let results = ran.results(scenario);
    for (expectation, verdict) in scenario.expectations().iter().zip(&ran.judged.verdicts) {
        let mark = expectation.mark.map(|it| format!("{} ", scenario.marks()[it].name));
        let never = if matches!(expectation.when, When::Never(..)) { "never " } else { "" };
        let name = format!(
            "{}{} {never}{} ({})",
            mark.unwrap_or_default(),
            expectation.who,
            explain::pattern_in_short(scenario, &expectation.pattern),
            expectation.pointer,
        );
        let why = || text::explanation(results, expectation, verdict, Ink::Plain);
        let held = if verdict.held { Ok(()) } else { Err(why()) };
        suite.add_test_case(case(name, held));
    }
    suite
}

/// A suite with a case for each seed: it held, or this command repeats it.
pub(super) fn suite_of_seeds(scenario: &Scenario, seeds: Vec<(u64, Option<String>)>) -> TestSuite {
    let mut suite = TestSuite::new(scenario.name());
    for (seed, replay) in seeds {
        let held = replay.map_or(Ok(()), |it| Err(format!("to repeat: {it}")));
        suite.add_test_case(case(format!("seed {seed}"), held));
    }
    suite
}

/// A case that held, or why it did not.
fn case(name: String, held: Result<(), String>) -> TestCase {
    let status = match held {
        Ok(()) => TestCaseStatus::success(),
        Err(why) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message("the expectation failed").set_description(why);
            status
        }
    };
    TestCase::new(name, status)
}
