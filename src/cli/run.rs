//! `roomsim run`: timelines on the terminal, traces on disk.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use roomsim::{
    observe::Delivery,
    report::{
        self, json,
        text::{self, Results, count},
    },
    scenario::Scenario,
    sim::{self, How},
    sink::{
        csv,
        fingerprint::Fingerprint,
        judge::Judgement,
        manifest::Manifest,
        metrics::{Metrics, summary, write_metrics},
        server::{self, ServerRecorder},
        trace::{Recorder, Trace},
        traced::{TRACE_ALL_MAX, Traced, Wanted},
    },
};

use super::{
    args,
    exit::{self, Exit, Trouble},
    folder::{Folder, MARKER},
    input::{self, Loaded, Reading},
    interrupt::{self, control},
    output::{self, Output},
    progress::Bar,
    wanted::Wish,
};

/// One run and what is kept of it.
pub(super) struct Ran {
    pub(super) seed: u64,
    pub(super) trace: Trace,
    pub(super) fingerprint: Fingerprint,
    pub(super) judged: Judgement,
}

impl Ran {
    pub(super) fn results<'a>(&'a self, scenario: &'a Scenario) -> Results<'a> {
        let Self { seed, trace, fingerprint, judged } = self;
        Results { scenario, seed: *seed, trace, judged, fingerprint }
    }

    fn of(
        scenario: &Scenario,
        seed: u64,
        (recorder, fingerprint): (Recorder, Fingerprint),
    ) -> Self {
        let trace = recorder.finish(scenario);
        let judged = Judgement::of(scenario, &trace);
        Self { seed, trace, fingerprint, judged }
    }
}

/// A run with all that is written of it.
struct Whole {
    ran: Ran,
    metrics: Metrics,
    /// What the developer's backend is told.
    deliveries: Vec<Delivery>,
}

fn join((rows, sum): &mut (Recorder, Fingerprint), more: (Recorder, Fingerprint)) {
    rows.join(more.0);
    sum.join(&more.1);
}

/// Runs a scenario with a seed, for its verdicts; nothing, if it was stopped.
pub(super) fn run_once(loaded: &Loaded, seed: u64, how: How) -> Option<Ran> {
    exit::note_run(&loaded.typed, seed);
    let scenario = &loaded.scenario;
    let few = if TRACE_ALL_MAX < scenario.n_clients() { Wanted::None } else { Wanted::All };
    let traced = Traced::of(scenario, seed, &few);
    let sinks = || (Recorder::of(traced.clone()), Fingerprint::default());
    let mut all = sinks();
    for more in sim::run_under(control(), scenario, seed, how, sinks)? {
        join(&mut all, more);
    }
    Some(Ran::of(scenario, seed, all))
}

/// Runs a scenario with a seed, for all that is written of it; nothing, if it was stopped.
fn run_whole(loaded: &Loaded, wish: &Wish, seed: u64, how: How) -> Option<Whole> {
    exit::note_run(&loaded.typed, seed);
    let scenario = &loaded.scenario;
    let traced = Traced::of(scenario, seed, &wish.traced);
    let sinks = || {
        let rows = (Recorder::of(traced.clone()), Fingerprint::default());
        (rows, (Metrics::new(&wish.layout), ServerRecorder::default()))
    };
    let (mut rows, (mut metrics, mut server)) = sinks();
    for (more, (numbers, callbacks)) in sim::run_under(control(), scenario, seed, how, sinks)? {
        join(&mut rows, more);
        metrics.join(&numbers);
        server.join(callbacks);
    }
    let ran = Ran::of(scenario, seed, rows);
    Some(Whole { ran, metrics, deliveries: server.finish() })
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
    let all = input::load(
        &args.scenarios.files,
        Reading::new(&args.scenarios.outside, &args.scenarios.set),
    )?;
    refuse_same_names(&all)?;
    let wishes = Wish::all(args, &all)?;
    interrupt::listen();
    let mut exit = Exit::Held;
    let how = args.which.how();
    let n_runs = all.iter().map(|it| seeds_of(&args.which, &it.scenario).len()).sum();
    let mut n_done = 0;
    for (loaded, wish) in all.iter().zip(&wishes) {
        let scenario = &loaded.scenario;
        for seed in seeds_of(&args.which, scenario) {
            let target = target(args, scenario, (all.len(), seed));
            let folder = Folder::begin(&target)?;
            let cells = (control().n_ended(), control().n_cells());
            let bar = Bar::begin(scenario.name(), &[(scenario, 1)]);
            let whole = run_whole(loaded, wish, seed, how);
            drop(bar);
            let Some(whole) = whole else {
                let (n_ended, n_cells) =
                    (control().n_ended() - cells.0, control().n_cells() - cells.1);
                return Err(Trouble::Interrupted(format!(
                    "{n_done} of {} complete and written; of {} with seed {seed} {n_ended} of {}, \
                     and nothing written",
                    count(n_runs, "run"),
                    scenario.name(),
                    count(n_cells, "cell"),
                )));
            };
            write(folder, loaded, &whole)?;
            n_done += 1;
            if !whole.ran.judged.held() {
                exit = Exit::Failed;
            }
            tell(args, wish, (loaded, &whole), out)?;
            if !args.which.json {
                out.print(&format!("  written to {}\n", output::visible(&target)))?;
                out.print(&format!("  fingerprint {}\n", whole.ran.fingerprint))?;
            }
        }
    }
    Ok(exit)
}

/// Prints what came of a run.
fn tell(
    args: &args::Run,
    wish: &Wish,
    (loaded, whole): (&Loaded, &Whole),
    out: &mut Output,
) -> Result<(), Trouble> {
    let results = whole.ran.results(&loaded.scenario);
    if let Some(warning) = report::metrics::warning(&loaded.scenario, &whole.metrics) {
        output::complain(&warning);
    }
    if args.which.json {
        return out.print(&format!("{}\n", json::verdicts(results)));
    }
    out.print(&text::timeline(results, out.ink))?;
    if wish.prints_metrics {
        out.print(&report::metrics::table(&whole.metrics, out.ink))?;
    }
    out.print(&text::failures(results, out.ink))
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
            return Err(Trouble::Told(Exit::Usage));
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
fn write(folder: Folder, loaded: &Loaded, whole: &Whole) -> Result<(), Trouble> {
    let scenario = &loaded.scenario;
    let Whole { ran, metrics, deliveries } = whole;
    let Ran { seed, trace, fingerprint, judged } = ran;
    let put = |name: &str, write: &dyn Fn(File) -> io::Result<()>| {
        folder.file(name).and_then(write).map_err(folder.trouble(name))
    };
    put("callbacks.csv", &|it| csv::write_callbacks(scenario, trace, judged, it))?;
    folder.folder("users")?;
    let open = |name: &str| folder.file(&format!("users/{name}"));
    csv::write_users(scenario, trace, judged, open).map_err(folder.trouble("users"))?;
    put("marks.csv", &|it| csv::write_marks(scenario, trace, judged, it))?;
    if scenario.backend().is_some() {
        put("server.csv", &|it| server::write_server(scenario, deliveries, it))?;
    }
    put("metrics.csv", &|it| write_metrics(metrics, it))?;
    let numbers = summary(scenario, *seed, fingerprint, metrics);
    put("summary.json", &|mut it| it.write_all(&numbers))?;
    let total = metrics.total();
    let manifest = Manifest {
        scenario,
        scenario_sha256: &loaded.sha256,
        settings: &loaded.settings,
        files: &loaded.named,
        seed: *seed,
        trace,
        fingerprint,
        counters: total.counters(),
        judged,
        each_one: &sim::obstacles(scenario),
    };
    let manifest = manifest.to_json();
    put(MARKER, &|mut it| it.write_all(&manifest))?;
    folder.finish()
}
