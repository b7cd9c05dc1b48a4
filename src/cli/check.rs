//! `roomsim check`: the verdict on every expectation, for people and for CI.

use quick_junit::TestSuite;
use roomsim::{
    report::{
        json,
        text::{self, Ink, count},
    },
    sim::How,
};

use super::{
    args,
    exit::{Exit, Trouble},
    input::{self, Loaded},
    interrupt,
    junit::{self, Junit},
    output::{Output, complain},
    parallel,
    progress::Bar,
    run::{run_once, seeds_of},
};

/// The most failing seeds that are listed with their commands.
const LISTED_MAX: usize = 20;

/// How runs are told.
#[derive(Clone, Copy)]
enum Style {
    /// Each by itself, as text.
    Each(Ink),
    /// Each by itself, as JSON.
    Json,
    /// All seeds of a file together.
    Seeds(Ink),
}

/// One run of a file.
struct Job<'a> {
    loaded: &'a Loaded,
    seed: u64,
    /// How many runs the file has after this one.
    n_left: usize,
}

/// What came of a run.
struct Outcome {
    held: bool,
    /// What is to be printed of it.
    text: String,
    /// What is to be in the JUnit file.
    suite: Option<TestSuite>,
}

impl Job<'_> {
    /// Nothing, if the run was stopped.
    fn run(&self, how: How, style: Style, wanted: Wanted) -> Option<Outcome> {
        let scenario = &self.loaded.scenario;
        let ran = run_once(self.loaded, self.seed, how)?;
        let (held, results) = (ran.judged.held(), ran.results(scenario));
        let text = match style {
            Style::Json => format!("{}\n", json::verdicts(results)),
            Style::Seeds(_) if held => String::new(),
            Style::Each(ink) | Style::Seeds(ink) => text::verdicts(results, ink),
        };
        let suite = match (style, wanted) {
            (Style::Seeds(_), _) | (_, Wanted::Text) => None,
            (Style::Each(_) | Style::Json, Wanted::TextAndSuite) => {
                Some(junit::suite(scenario, &ran))
            }
        };
        Some(Outcome { held, text, suite })
    }

    fn replay(&self, seed: u64) -> String {
        format!("roomsim check {} --seed {seed}", self.loaded.typed)
    }
}

/// What is wanted of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Text,
    TextAndSuite,
}

/// What came of the seeds of a file so far.
#[derive(Default)]
struct Tally {
    n: usize,
    n_failed: usize,
    /// The text of the first that failed.
    first: String,
    /// The first that failed.
    listed: Vec<u64>,
    /// Each, and how to repeat it if it failed.
    cases: Vec<(u64, Option<String>)>,
}

/// Takes what came of the runs, in their order.
struct Desk<'a> {
    out: &'a mut Output,
    style: Style,
    junit: Option<Junit>,
    tally: Tally,
    n_done: usize,
    /// How many files have failed.
    n_failed: usize,
}

impl Desk<'_> {
    fn take(&mut self, job: &Job<'_>, outcome: Outcome) -> Result<(), Trouble> {
        let Outcome { held, text, suite } = outcome;
        self.n_done += 1;
        let tally = &mut self.tally;
        tally.n += 1;
        if self.junit.is_some() && matches!(self.style, Style::Seeds(_)) {
            tally.cases.push((job.seed, (!held).then(|| job.replay(job.seed))));
        }
        match self.style {
            Style::Each(_) | Style::Json => self.out.print(&text)?,
            Style::Seeds(_) if !held && tally.n_failed == 0 => tally.first = text,
            Style::Seeds(_) => (),
        }
        if !held {
            tally.n_failed += 1;
            if tally.listed.len() < LISTED_MAX {
                tally.listed.push(job.seed);
            }
        }
        if let (Some(junit), Some(suite)) = (&mut self.junit, suite) {
            junit.add(suite);
        }
        if job.n_left == 0 { self.end_of_file(job) } else { Ok(()) }
    }

    /// One line for all seeds, the verdicts of the first that failed, and how to repeat each
    /// failure.
    fn end_of_file(&mut self, job: &Job<'_>) -> Result<(), Trouble> {
        let Tally { n, n_failed, first, listed, cases } = std::mem::take(&mut self.tally);
        self.n_failed += usize::from(n_failed != 0);
        let Style::Seeds(ink) = self.style else { return Ok(()) };
        let scenario = &job.loaded.scenario;
        if let Some(junit) = &mut self.junit {
            junit.add(junit::suite_of_seeds(scenario, cases));
        }
        let (name, n) = (scenario.name(), count(n, "seed"));
        if n_failed == 0 {
            return self.out.print(&format!("{name}: {n} {}\n", ink.good("held")));
        }
        self.out.print(&first)?;
        self.out.print(&format!("{name}: {n_failed} of {n} failed; to repeat:\n"))?;
        for seed in &listed {
            self.out.print(&format!("  {}\n", job.replay(*seed)))?;
        }
        if listed.len() < n_failed {
            self.out.print(&format!("  … and {} more\n", n_failed - listed.len()))?;
        }
        Ok(())
    }
}

pub(super) fn check(args: &args::Check, out: &mut Output) -> Result<Exit, Trouble> {
    let all = input::load(&args.files.files, (&args.files.outside).into())?;
    interrupt::listen();
    for loaded in all.iter().filter(|it| it.scenario.expectations().is_empty()) {
        let file = &loaded.file;
        complain(&format!("warning: {file} expects nothing, so there is nothing to check"));
    }
    let style = match (args.which.json, args.which.seeds) {
        (true, _) => Style::Json,
        (false, Some(_)) => Style::Seeds(out.ink),
        (false, None) => Style::Each(out.ink),
    };
    let jobs: Vec<Job<'_>> = all.iter().flat_map(|it| jobs_of(args, it)).collect();
    let n_runs = jobs.len() / all.len();
    let runs: Vec<_> = all.iter().map(|it| (&it.scenario, n_runs)).collect();
    let bar = Bar::begin("check", &runs);
    let wanted = if args.junit.is_some() { Wanted::TextAndSuite } else { Wanted::Text };
    let how = args.which.how();
    let work = |job: &Job<'_>, n_threads| job.run(How { n_threads, ..how }, style, wanted);
    let junit = args.junit.as_deref().map(Junit::new);
    let tally = Tally::default();
    let mut desk = Desk { out: &mut *out, style, junit, tally, n_done: 0, n_failed: 0 };
    parallel::in_order(&jobs, how.n_threads, work, |job, outcome| {
        // Of most seeds nothing is printed.
        if matches!(style, Style::Seeds(_)) && job.n_left != 0 {
            return desk.take(job, outcome);
        }
        bar.aside(|| desk.take(job, outcome))
    })?;
    drop(bar);
    if let Some(job) = jobs.get(desk.n_done) {
        if 0 < desk.tally.n {
            desk.end_of_file(job)?;
        }
        let told = format!("{} of {} complete", desk.n_done, count(jobs.len(), "run"));
        return Err(Trouble::Interrupted(told));
    }
    let Desk { junit, n_failed, .. } = desk;
    junit.map_or(Ok(()), Junit::finish)?;
    if !args.which.json && 1 < all.len() {
        let n = count(all.len(), "scenario");
        let ended = match n_failed {
            0 => format!("{n}: all held\n"),
            _ => format!("{n}: {n_failed} failed\n"),
        };
        out.print(&ended)?;
    }
    Ok(if n_failed == 0 { Exit::Held } else { Exit::Failed })
}

fn jobs_of<'a>(args: &args::Check, loaded: &'a Loaded) -> impl Iterator<Item = Job<'a>> + use<'a> {
    let seeds = seeds_of(&args.which, &loaded.scenario);
    let n = seeds.len();
    let job = move |(index, seed)| Job { loaded, seed, n_left: n - 1 - index };
    seeds.into_iter().enumerate().map(job)
}
