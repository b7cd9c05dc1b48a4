//! `roomsim check`: the verdict on every expectation, for people and for CI.

use indicatif::{ProgressBar, ProgressStyle};
use roomsim::report::{
    json,
    text::{self, count},
};

use super::{
    args,
    exit::{Exit, Trouble},
    input::{self, Loaded},
    junit::Junit,
    output::{Output, complain},
    run::{Ran, run_once, seeds_of},
};

/// The most failing seeds that are listed with their commands.
const LISTED_MAX: usize = 20;

pub(super) fn check(args: &args::Check, out: &mut Output) -> Result<Exit, Trouble> {
    let all = input::load(&args.files.files)?;
    let mut n_failed = 0;
    let mut junit = args.junit.as_deref().map(Junit::new);
    for loaded in &all {
        if loaded.scenario.expectations().is_empty() {
            let file = &loaded.file;
            complain(&format!("warning: {file} expects nothing, so there is nothing to check"));
        }
        let held = if args.which.seeds.is_some() && !args.which.json {
            check_seeds(args, loaded, junit.as_mut(), out)?
        } else {
            check_each(args, loaded, junit.as_mut(), out)?
        };
        n_failed += usize::from(!held);
    }
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

fn check_each(
    args: &args::Check,
    loaded: &Loaded,
    mut junit: Option<&mut Junit>,
    out: &mut Output,
) -> Result<bool, Trouble> {
    let mut all_held = true;
    for seed in seeds_of(&args.which, &loaded.scenario) {
        let ran = run_once(loaded, seed, args.which.how());
        let results = ran.results(&loaded.scenario);
        all_held &= ran.judged.held();
        if let Some(junit) = &mut junit {
            junit.add_run(&loaded.scenario, &ran);
        }
        if args.which.json {
            out.print(&format!("{}\n", json::verdicts(results)))?;
        } else {
            out.print(&text::verdicts(results, out.ink))?;
        }
    }
    Ok(all_held)
}

/// One line for all seeds, the verdicts of the first that fails, and how to repeat each failure.
fn check_seeds(
    args: &args::Check,
    loaded: &Loaded,
    junit: Option<&mut Junit>,
    out: &mut Output,
) -> Result<bool, Trouble> {
    let seeds = seeds_of(&args.which, &loaded.scenario);
    let bar = progress(loaded, seeds.len());
    let mut failures: Vec<Ran> = Vec::new();
    let mut n_failed = 0;
    let mut cases = Vec::new();
    let replay = |seed| format!("roomsim check {} --seed {seed}", loaded.typed());
    let how = args.which.how();
    for seed in &seeds {
        let ran = run_once(loaded, *seed, how);
        if junit.is_some() {
            cases.push((*seed, (!ran.judged.held()).then(|| replay(*seed))));
        }
        if !ran.judged.held() {
            n_failed += 1;
            if failures.len() < LISTED_MAX {
                failures.push(ran);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(junit) = junit {
        junit.add_seeds(&loaded.scenario, cases);
    }
    let (name, n) = (loaded.scenario.name(), count(seeds.len(), "seed"));
    let Some(first) = failures.first() else {
        let held = out.ink.good("held");
        out.print(&format!("{name}: {n} {held}\n"))?;
        return Ok(true);
    };
    out.print(&text::verdicts(first.results(&loaded.scenario), out.ink))?;
    out.print(&format!("{name}: {n_failed} of {n} failed; to repeat:\n"))?;
    for ran in &failures {
        out.print(&format!("  {}\n", replay(ran.seed)))?;
    }
    if failures.len() < n_failed {
        out.print(&format!("  … and {} more\n", n_failed - failures.len()))?;
    }
    Ok(false)
}

/// A bar on a terminal, nothing elsewhere.
fn progress(loaded: &Loaded, n: usize) -> ProgressBar {
    let bar = ProgressBar::new(n as u64);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} seeds, {eta} left");
    bar.set_style(style.expect("the template is right"));
    bar.set_message(loaded.scenario.name().to_owned());
    bar
}
