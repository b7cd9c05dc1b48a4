//! `roomsim validate`: what is wrong with scenario files.

use roomsim::report::text::count;

use super::{
    args,
    exit::{Exit, Trouble},
    input,
    output::Output,
};

pub(super) fn validate(args: &args::Validate, out: &mut Output) -> Result<Exit, Trouble> {
    for loaded in input::load(&args.files.files, (&args.files.outside).into())? {
        let scenario = &loaded.scenario;
        out.print(&format!(
            "{}: {}, {}, {}\n",
            loaded.file,
            count(scenario.n_clients(), "client"),
            count(scenario.script().len() + scenario.broad().len(), "step"),
            count(scenario.expectations().len(), "expectation"),
        ))?;
    }
    Ok(Exit::Held)
}
