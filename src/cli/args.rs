//! The arguments, as close to what was typed as possible.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
    str::FromStr,
    thread,
};

use clap::{Parser, Subcommand, builder::PossibleValuesParser};
use roomsim::{
    scenario::{profile::Profile, settings::Setting},
    sim::{Heartbeats, How},
    time::SimSpan,
};

/// Simulates the room service of a real-time-communication SDK in virtual time.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 80,
    after_help = "\
Exit codes:
  0    all expectations held
  1    an expectation failed
  2    usage or scenario error
  3    input or output failed
  101  a bug in roomsim
  129  the terminal was closed (SIGHUP); what was complete is told
  130  interrupted by Ctrl-C (SIGINT), likewise
  143  asked to end (SIGTERM), likewise"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios, print their timelines and write the traces of all clients.
    Run(Run),
    /// Run scenarios and say of every expectation whether it held.
    Check(Check),
    /// Say what is wrong with scenario files, without running them.
    Validate(Validate),
    /// Tell which profiles there are, and what their values rest on.
    #[command(subcommand)]
    Profiles(Profiles),
    /// Print what reproduces a scenario's links and outages in a lab.
    Export(Export),
    /// Print what makes a shell complete the arguments.
    Completions(Completions),
    /// Print the manual page.
    Man,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// For what.
    #[arg(long, value_name = "TARGET")]
    pub(crate) to: Target,
    /// The scenario file; `-` is the standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) outside: Outside,
    #[command(flatten)]
    pub(crate) set: Set,
}

/// What a scenario is exported for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Target {
    /// A shell script with the commands of tc-netem.
    Netem,
    /// JSON with the toxics of Toxiproxy and when they change.
    Toxiproxy,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Scenarios {
    /// Scenario files; `-` is the standard input.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) outside: Outside,
    #[command(flatten)]
    pub(crate) set: Set,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Set a value of the scenario, as if it had been written so: `/clients/viewer/count=500`.
    ///
    /// The place is a JSON pointer; in a list the `name` or the `mark` of an element may stand for its
    /// index.  What is not JSON is taken for a string: `/duration=2min`.
    #[arg(long = "set", value_name = "POINTER=VALUE")]
    pub(crate) settings: Vec<Setting>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Outside {
    /// Let scenarios name files that are not below their own folder.
    #[arg(long)]
    pub(crate) allow_outside: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// The seed of the draws, instead of the scenario's own.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// A run for each seed from A to B, both included.
    #[arg(long, value_name = "A..B", conflicts_with = "seed")]
    pub(crate) seeds: Option<Seeds>,
    /// How many threads share the cells of a run; what comes out does not depend on it.
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    #[command(flatten)]
    pub(crate) events: Events,
    /// Print one JSON object for each run instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Events {
    /// Simulate every heartbeat, also those that change nothing.
    #[arg(long)]
    pub(crate) exact_events: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) scenarios: Scenarios,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Where to write, instead of `results/<scenario>`; several runs get a folder each in it.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Whose callbacks to keep: `none`, `sample:100`, `clients:A,B` or `all`.
    ///
    /// Clients that expectations name are always kept.  Without this option all are, up to 10,000
    /// clients; of more, only those that the file names one by one.
    #[arg(long, value_name = "WHOSE")]
    pub(crate) trace: Option<Trace>,
    /// Print the metrics also of a scenario with few clients.
    #[arg(long)]
    pub(crate) metrics: bool,
    /// How long the bins of the series over time are, instead of 10 s or a thousandth of the run.
    #[arg(long, value_name = "SPAN")]
    pub(crate) bin: Option<SimSpan>,
    /// What the metrics are told of besides the total.
    #[arg(long, value_name = "SCOPE", default_value = "entry")]
    pub(crate) by: Scope,
}

/// What the metrics are told of besides the total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scope {
    /// Groups, and clients that are no group.
    Entry,
    /// Cells: what rooms, clients, users and shared links connect.
    Cell,
}

/// Whose callbacks are kept, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    None,
    Sample(usize),
    Clients(Vec<String>),
    All,
}

impl FromStr for Trace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = |it: &str| it.split(',').map(|it| it.trim().to_owned()).collect();
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "all" => Ok(Self::All),
            Some(("sample", n)) => match n.parse() {
                Ok(n) => Ok(Self::Sample(n)),
                Err(_) => Err(format!("`{n}` is no number of clients")),
            },
            Some(("clients", "")) => Err("write the names of clients after the colon".to_owned()),
            Some(("clients", list)) => Ok(Self::Clients(names(list))),
            None | Some(_) => Err("write none, sample:100, clients:A,B or all".to_owned()),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) scenarios: Scenarios,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Write the verdicts to a JUnit file as well.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Validate {
    #[command(flatten)]
    pub(crate) scenarios: Scenarios,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Profiles {
    /// Name all profiles.
    List,
    /// Print every value of a profile, its grade and its source.
    Show(Show),
    /// Say what is wrong with profile files.
    Check(CheckProfiles),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// The profile.
    #[arg(value_parser = PossibleValuesParser::new(Profile::all().map(Profile::name)))]
    pub(crate) name: String,
    /// Print it as a profile file instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckProfiles {
    /// Profile files; `-` is the standard input; without any, those compiled in.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

impl Which {
    /// The threads asked for, or as many as the machine has cores.
    pub(crate) fn how(&self) -> How {
        let all = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let heartbeats =
            if self.events.exact_events { Heartbeats::EachOne } else { Heartbeats::PassedOver };
        How { n_threads: self.threads.unwrap_or_else(all), heartbeats }
    }
}

/// A range of seeds, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seeds {
    pub(crate) first: u64,
    pub(crate) n: NonZeroU64,
}

/// The most seeds that one command runs.
const SEEDS_MAX: u64 = 10_000_000;

impl Seeds {
    pub(crate) fn iter(self) -> impl ExactSizeIterator<Item = u64> {
        let n = usize::try_from(self.n.get()).expect("seeds are limited");
        (0..n).map(move |it| self.first + it as u64)
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || "write it as 1..1000, both ends included".to_owned();
        let (first, last) = text.split_once("..").ok_or_else(wanted)?;
        let last = last.strip_prefix('=').unwrap_or(last);
        let first: u64 = first.trim().parse().map_err(|_| wanted())?;
        let last: u64 = last.trim().parse().map_err(|_| wanted())?;
        let n = last.checked_sub(first).and_then(|it| it.checked_add(1));
        let n = n.and_then(NonZeroU64::new).ok_or_else(|| format!("{last} is before {first}"))?;
        if SEEDS_MAX < n.get() {
            return Err(format!("{n} seeds, at most {SEEDS_MAX}"));
        }
        Ok(Self { first, n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_callbacks_are_kept_is_a_word_a_number_or_names() {
        let names = |names: &[&str]| Trace::Clients(names.iter().map(|it| (*it).into()).collect());
        for (text, trace) in [
            ("none", Trace::None),
            ("all", Trace::All),
            ("sample:100", Trace::Sample(100)),
            ("clients:A", names(&["A"])),
            ("clients:A, viewer-7", names(&["A", "viewer-7"])),
        ] {
            assert_eq!(text.parse(), Ok(trace));
        }
        for text in ["", "some", "sample", "sample:", "sample:-1", "sample:many", "clients:"] {
            assert!(text.parse::<Trace>().is_err(), "{text}");
        }
    }

    #[test]
    fn both_ends_of_a_range_of_seeds_are_run() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|it| it.iter().collect::<Vec<_>>());
        assert_eq!(seeds("3..5"), Ok(vec![3, 4, 5]));
        assert_eq!(seeds("7..=7"), Ok(vec![7]));
        for text in ["", "3", "5..3", "a..b", "1..", "0..99999999999", "0..18446744073709551615"] {
            assert!(seeds(text).is_err(), "{text}");
        }
    }
}
