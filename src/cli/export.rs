//! `roomsim export`: a scenario's links and outages for a lab.

use roomsim::report::export;

use super::{
    args,
    exit::{Exit, Trouble},
    input::{self, Reading},
    output::Output,
};

pub(super) fn export(args: &args::Export, out: &mut Output) -> Result<Exit, Trouble> {
    let target = match args.to {
        args::Target::Netem => export::Target::Netem,
        args::Target::Toxiproxy => export::Target::Toxiproxy,
    };
    for loaded in
        input::load(std::slice::from_ref(&args.file), Reading::new(&args.outside, &args.set))?
    {
        out.print(&export::export(&loaded.scenario, target))?;
    }
    Ok(Exit::Held)
}
