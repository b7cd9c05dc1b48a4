//! `roomsim run`: timelines on the terminal, traces on disk.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use roomsim::{
    observe::Delivery,
    report::{
        json,
        text::{self, Results},
    },
    scenario::Scenario,
    sim::{self, How},
    sink::{
        counters::Counters,
        csv,
        judge::Judgement,
        manifest::Manifest,
        server::{self, ServerRecorder},
        trace::{Recorder, Trace},
    },
};

use super::{
    args,
    exit::{self, Exit, Trouble},
    folder::{Folder, MARKER},
    input::{self, Loaded},
    output::{self, Output},
};

/// One run and all that was seen of it.
pub(super) struct Ran {
    pub(super) seed: u64,
    pub(super) trace: Trace,
    pub(super) counters: Counters,
    /// What the developer's backend is told.
    pub(super) deliveries: Vec<Delivery>,
    pub(super) judged: Judgement,
}

impl Ran {
    pub(super) fn results<'a>(&'a self, scenario: &'a Scenario) -> Results<'a> {
        Results { scenario, seed: self.seed, trace: &self.trace, judged: &self.judged }
    }
}

/// Who watches a run.
type Sinks = ((Recorder, Counters), ServerRecorder);

/// Runs a scenario with a seed.
pub(super) fn run_once(loaded: &Loaded, seed: u64, how: How) -> Ran {
    exit::note_run(&loaded.typed(), seed);
    let scenario = &loaded.scenario;
    let sinks = sim::run_on(scenario, seed, how, Sinks::default);
    let ((mut recorder, mut counters), mut server) = Sinks::default();
    for ((rows, counts), callbacks) in sinks {
        recorder.join(rows);
        counters.join(&counts);
        server.join(callbacks);
    }
    let deliveries = server.finish();
    let trace = recorder.finish(scenario);
    let judged = Judgement::of(scenario, &trace);
    Ran { seed, trace, counters, deliveries, judged }
}

/// The seeds that a scenario is to be run with.
pub(super) fn seeds_of(which: &args::Which, scenario: &Scenario) -> Vec<u64> {
    match (which.seeds, which.seed) {
        (Some(seeds), _) => seeds.iter().collect(),
        (None, Some(seed)) => vec![seed],
        (None, None) => vec![scenario.seed()],
    }
}

pub(super) fn run(args: &args::Run, out: &mut Output) -> Result<Exit, Trouble> {
    let all = input::load(&args.files.files)?;
    refuse_same_names(&all)?;
    let mut exit = Exit::Held;
    let how = args.which.how();
    for loaded in &all {
        let scenario = &loaded.scenario;
        let seeds = seeds_of(&args.which, scenario);
        for seed in &seeds {
            let target = target(args, scenario, (all.len(), *seed));
            let folder = Folder::begin(&target)?;
            let ran = run_once(loaded, *seed, how);
            write(folder, loaded, &ran)?;
            if !ran.judged.held() {
                exit = Exit::Failed;
            }
            let results = ran.results(scenario);
            if args.which.json {
                out.tell(&format!("{}\n", json::verdicts(results)))?;
                continue;
            }
            out.tell(&text::timeline(results, out.ink))?;
            out.tell(&text::failures(results, out.ink))?;
            out.tell(&format!("  written to {}\n", target.display()))?;
        }
    }
    Ok(exit)
}

/// Two scenarios of one name would write to the same folder.
fn refuse_same_names(all: &[Loaded]) -> Result<(), Trouble> {
    for (index, loaded) in all.iter().enumerate() {
        let name = loaded.scenario.name();
        if let Some(other) = all[..index].iter().find(|it| it.scenario.name() == name) {
            let (one, other) = (&other.file, &loaded.file);
            output::complain(&format!(
                "error: {one} and {other} are both named `{name}`, so their results would fall \
                 together\n  help: give one of them another `name`, or run them one by one"
            ));
            return Err(Trouble::Wrong);
        }
    }
    Ok(())
}

/// `results/<scenario>` or what `--out` says; several runs get a folder each.
fn target(args: &args::Run, scenario: &Scenario, (n_scenarios, seed): (usize, u64)) -> PathBuf {
    let mut target = match &args.out {
        None => Path::new("results").join(scenario.name()),
        Some(out) if 1 < n_scenarios => out.join(scenario.name()),
        Some(out) => out.clone(),
    };
    if args.which.seeds.is_some() {
        target.push(format!("seed-{seed}"));
    }
    target
}

/// Writes the files of a run.
fn write(folder: Folder, loaded: &Loaded, ran: &Ran) -> Result<(), Trouble> {
    let (scenario, trace, judged) = (&loaded.scenario, &ran.trace, &ran.judged);
    let name = "callbacks.csv";
    let callbacks = folder.file(name);
    callbacks
        .and_then(|it| csv::write_callbacks(scenario, trace, judged, it))
        .map_err(folder.trouble(name))?;
    folder.folder("users")?;
    let files = csv::user_files(scenario);
    let open = |client| folder.file(&format!("users/{}", files[client]));
    csv::write_users(scenario, trace, judged, open).map_err(folder.trouble("users"))?;
    let name = "marks.csv";
    let marks = folder.file(name);
    marks
        .and_then(|it| csv::write_marks(scenario, trace, judged, it))
        .map_err(folder.trouble(name))?;
    if scenario.backend().is_some() {
        let name = "server.csv";
        let file = folder.file(name);
        file.and_then(|it| server::write_server(scenario, &ran.deliveries, it))
            .map_err(folder.trouble(name))?;
    }
    let manifest = Manifest {
        scenario,
        scenario_sha256: &loaded.sha256,
        files: &loaded.named,
        seed: ran.seed,
        trace,
        counters: &ran.counters,
        judged,
        each_one: &sim::obstacles(scenario),
    };
    let file = folder.file(MARKER);
    file.and_then(|mut it| it.write_all(&manifest.to_json())).map_err(folder.trouble(MARKER))?;
    folder.finish()
}
