//! What several tests need: running a scenario, and reading its trace.

use std::{fs, path::Path};

use roomsim::{
    protocol::rules::Rules,
    scenario::{Scenario, profile::Profile},
    sim,
    sink::{
        counters::Counters,
        judge::Judgement,
        trace::{Recorder, Trace},
    },
};

/// A scenario that has been run.
pub(crate) struct Ran {
    pub(crate) scenario: Scenario,
    pub(crate) trace: Trace,
    pub(crate) counters: Counters,
}

/// Runs the scenario of this text with its own seed, or another.
pub(crate) fn run(text: &str, seed: Option<u64>) -> Ran {
    let scenario = Scenario::parse(text).unwrap_or_else(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}\n{text}", faults.join("\n"));
    });
    let mut sinks = (Recorder::default(), Counters::default());
    sim::run(&scenario, seed.unwrap_or_else(|| scenario.seed()), &mut sinks);
    let trace = sinks.0.finish(&scenario);
    Ran { scenario, trace, counters: sinks.1 }
}

/// The parameters of a profile.
pub(crate) fn rules_of(profile: &str) -> &'static Rules {
    Profile::named(profile).unwrap().rules()
}

/// The text of a scenario of the gallery.
pub(crate) fn gallery(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    fs::read_to_string(path.with_extension("json")).unwrap()
}

/// The names of all scenarios of the gallery, in order.
pub(crate) fn gallery_names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let paths = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let mut names: Vec<String> =
        paths.map(|it| it.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

impl Ran {
    pub(crate) fn judged(&self) -> Judgement {
        Judgement::of(&self.scenario, &self.trace)
    }

    /// Every row as `time client summary`, one a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let row = |row: &roomsim::sink::trace::Row| {
            let client = &self.scenario.clients()[row.client].name;
            format!("{} {client} {}", row.at, row.what.summary(&self.scenario))
        };
        self.trace.rows().iter().map(row).collect()
    }

    /// The rows of one client, as [`Ran::lines`] gives them.
    pub(crate) fn lines_of(&self, client: &str) -> Vec<String> {
        let is_of = |line: &String| line.split(' ').nth(1) == Some(client);
        self.lines().into_iter().filter(is_of).collect()
    }
}
