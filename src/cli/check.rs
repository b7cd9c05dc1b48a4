//! `roomsim check`: the verdict on every expectation, for people and for CI.

use quick_junit::TestCase;
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
    input::{self, Loaded, Reading, Refused},
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
    cases: Vec<TestCase>,
}

impl Job<'_> {
    /// Nothing, if the run was stopped.
    fn run(&self, how: How, style: Style, cases: Cases) -> Option<Outcome> {
        let scenario = &self.loaded.scenario;
        let ran = run_once(self.loaded, self.seed, how)?;
        let (held, results) = (ran.judged.held(), ran.results(scenario));
        let text = match style {
            Style::Json => format!("{}\n", json::verdicts(results)),
            Style::Seeds(_) if held => String::new(),
            Style::Each(ink) | Style::Seeds(ink) => text::verdicts(results, ink),
        };
        let cases = match cases {
            Cases::None => Vec::new(),
            Cases::Expectations => junit::cases(scenario, &ran),
            Cases::Seeds => {
                let replay = self.replay(self.seed);
                vec![junit::case_of_seed(scenario, &ran, &replay)]
            }
        };
        Some(Outcome { held, text, cases })
    }

    fn replay(&self, seed: u64) -> String {
        format!("roomsim check {} --seed {seed}", self.loaded.typed)
    }
}

/// What there is a case for in the JUnit file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cases {
    /// Nothing: there is no such file.
    None,
    /// Each expectation of a scenario.
    Expectations,
    /// Each of its seeds.
    Seeds,
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
    cases: Vec<TestCase>,
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

/// Why no more runs are taken.
enum Enough {
    Trouble(Trouble),
    /// Nobody reads what came of them, and how the command ends is certain.
    Settled,
}

impl From<Trouble> for Enough {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Desk<'_> {
    fn take(&mut self, job: &Job<'_>, outcome: Outcome) -> Result<(), Enough> {
        let Outcome { held, text, cases } = outcome;
        self.n_done += 1;
        let tally = &mut self.tally;
        tally.n += 1;
        tally.cases.extend(cases);
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
        if self.out.is_closed() && self.junit.is_none() && 0 < self.n_failed + tally.n_failed {
            return Err(Enough::Settled);
        }
        if job.n_left == 0 {
            self.end_of_file(job)?;
        }
        Ok(())
    }

    /// One line for all seeds, the verdicts of the first that failed, and how to repeat each
    /// failure.
    fn end_of_file(&mut self, job: &Job<'_>) -> Result<(), Trouble> {
        let Tally { n, n_failed, first, listed, cases } = std::mem::take(&mut self.tally);
        self.n_failed += usize::from(n_failed != 0);
        let scenario = &job.loaded.scenario;
        if let Some(junit) = &mut self.junit {
            junit.add(job.loaded.index, scenario, cases);
        }
        let Style::Seeds(ink) = self.style else { return Ok(()) };
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

    /// The last line, of all files, and the JUnit file.
    fn finish(self, refused: &[Refused], n_files: usize) -> Result<Exit, Trouble> {
        let Self { out, style, junit, n_failed, .. } = self;
        if let Some(mut junit) = junit {
            for it in refused {
                junit.refuse(it);
            }
            junit.finish()?;
        }
        if !matches!(style, Style::Json) && 1 < n_files {
            let n = count(n_files, "scenario");
            let ended = match (n_failed, refused.len()) {
                (0, 0) => format!("{n}: all held\n"),
                (_, 0) => format!("{n}: {n_failed} failed\n"),
                (_, n_refused) => format!("{n}: {n_failed} failed, {n_refused} could not be run\n"),
            };
            out.print(&ended)?;
        }
        let exit = if n_failed == 0 { Exit::Held } else { Exit::Failed };
        Ok(refused.first().map_or(exit, |it| it.exit))
    }
}

/// The scenarios that can be run.  What is wrong with one of them is told in a JUnit file, where
/// there is one, and the others are run; otherwise none is.
fn load(args: &args::Check) -> Result<(Vec<Loaded>, Vec<Refused>), Trouble> {
    let (files, how) =
        (&args.scenarios.files, Reading::new(&args.scenarios.outside, &args.scenarios.set));
    if args.junit.is_none() {
        return input::load(files, how).map(|it| (it, Vec::new()));
    }
    let (mut all, mut refused) = (Vec::new(), Vec::new());
    for read in input::load_each(files, how) {
        match read {
            Ok(it) => all.push(it),
            Err(it) => refused.push(it),
        }
    }
    Ok((all, refused))
}

pub(super) fn check(args: &args::Check, out: &mut Output) -> Result<Exit, Trouble> {
    let (all, refused) = load(args)?;
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
    let cases = match (&args.junit, args.which.seeds) {
        (None, _) => Cases::None,
        (Some(_), None) => Cases::Expectations,
        (Some(_), Some(_)) => Cases::Seeds,
    };
    let jobs: Vec<Job<'_>> = all.iter().flat_map(|it| jobs_of(args, it)).collect();
    let n_runs = jobs.len() / all.len().max(1);
    let runs: Vec<_> = all.iter().map(|it| (&it.scenario, n_runs)).collect();
    let bar = Bar::begin("check", &runs);
    let how = args.which.how();
    let work = |job: &Job<'_>, n_threads| job.run(How { n_threads, ..how }, style, cases);
    let junit = args.junit.as_deref().map(Junit::new);
    let tally = Tally::default();
    let mut desk = Desk { out: &mut *out, style, junit, tally, n_done: 0, n_failed: 0 };
    let taken = parallel::in_order(&jobs, how.n_threads, work, |job, outcome| {
        // Of most seeds nothing is printed.
        if matches!(style, Style::Seeds(_)) && job.n_left != 0 {
            return desk.take(job, outcome);
        }
        bar.aside(|| desk.take(job, outcome))
    });
    drop(bar);
    match taken {
        Err(Enough::Trouble(trouble)) => return Err(trouble),
        Err(Enough::Settled) => return Ok(Exit::Failed),
        Ok(()) => (),
    }
    if let Some(job) = jobs.get(desk.n_done) {
        if 0 < desk.tally.n {
            desk.end_of_file(job)?;
        }
        let told = format!("{} of {} complete", desk.n_done, count(jobs.len(), "run"));
        return Err(Trouble::Interrupted(told));
    }
    desk.finish(&refused, args.scenarios.files.len())
}

fn jobs_of<'a>(args: &args::Check, loaded: &'a Loaded) -> impl Iterator<Item = Job<'a>> + use<'a> {
    let seeds = seeds_of(&args.which, &loaded.scenario);
    let n = seeds.len();
    let job = move |(index, seed)| Job { loaded, seed, n_left: n - 1 - index };
    seeds.into_iter().enumerate().map(job)
}
