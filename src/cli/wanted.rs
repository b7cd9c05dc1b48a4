//! What the arguments of `run` want to know, held against the scenario.

use std::sync::Arc;

use roomsim::{
    scenario::{Scenario, fault::suggest},
    sim::Plan,
    sink::{
        metrics::{BINS_MAX, By, Layout, PARTS_MAX, TooFine, TooMany},
        traced::Wanted,
    },
};

use super::{
    args,
    exit::{Exit, Trouble},
    input::Loaded,
    output::{complain, visible},
};

/// Of more clients metrics are printed also when nobody asks.
const FEW_CLIENTS: usize = 20;

/// What is wanted of the runs of one scenario.
pub(super) struct Wish {
    pub(super) traced: Wanted,
    pub(super) layout: Arc<Layout>,
    /// Whether metrics are printed.
    pub(super) prints_metrics: bool,
}

impl Wish {
    /// What is wanted; what cannot be had is told, all of it.
    pub(super) fn all(args: &args::Run, files: &[Loaded]) -> Result<Vec<Self>, Trouble> {
        let wishes: Vec<_> = files.iter().map(|it| Self::of(args, it)).collect();
        wishes.into_iter().collect::<Option<_>>().ok_or(Trouble::Told(Exit::Usage))
    }

    fn of(args: &args::Run, Loaded { scenario, file, .. }: &Loaded) -> Option<Self> {
        let traced = match &args.trace {
            None => Some(Wanted::Usual),
            Some(args::Trace::None) => Some(Wanted::None),
            Some(args::Trace::All) => Some(Wanted::All),
            Some(args::Trace::Sample(n)) => Some(Wanted::Sample(*n)),
            Some(args::Trace::Clients(names)) => clients(scenario, file, names),
        };
        let by = match args.by {
            args::Scope::Entry => By::Entry,
            args::Scope::Cell => By::Cell(Plan::of(scenario).n_cells()),
        };
        let bin = Layout::bin_for(scenario, args.bin);
        let bin = bin.inspect_err(|TooFine(least)| {
            complain(&format!(
                "error: {file}: --bin would make more than {BINS_MAX} bins of the run\n  help: \
                 make bins at least {least} long"
            ));
        });
        // The other faults are told all the same.
        let length = match bin {
            Ok(it) | Err(TooFine(it)) => it,
        };
        let layout = Layout::new(scenario, length, by);
        let layout = layout.inspect_err(|TooMany(n)| {
            complain(&format!(
                "error: {file}: there are {n} cells, and --by cell tells of {PARTS_MAX} at \
                 most\n  help: leave --by out"
            ));
        });
        let is_large = FEW_CLIENTS < scenario.n_clients();
        bin.ok()?;
        Some(Self {
            traced: traced?,
            layout: Arc::new(layout.ok()?),
            prints_metrics: args.metrics || is_large,
        })
    }
}

/// The clients, groups and populations of these names; tells which there are not.
fn clients(scenario: &Scenario, file: &str, names: &[String]) -> Option<Wanted> {
    let mut wanted = Some(Vec::new());
    for name in names {
        let Some(found) = scenario.clients_named(name) else {
            let known = scenario.entries().iter().map(|it| &*it.name);
            complain(&format!(
                "error: {file}: no client is named `{}`, as --trace has it\n  help: {}",
                visible(name),
                suggest(name, known)
            ));
            wanted = None;
            continue;
        };
        if let Some(wanted) = &mut wanted {
            wanted.extend(found.iter());
        }
    }
    wanted.map(Wanted::Clients)
}
