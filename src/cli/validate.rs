//! `roomsim validate`: what is wrong with scenario files.

use roomsim::report::text::count;

use super::{
    args,
    exit::{Exit, Trouble},
    input::{self, Reading},
    output::Output,
};

pub(super) fn validate(args: &args::Validate, out: &mut Output) -> Result<Exit, Trouble> {
    for loaded in input::load(
        &args.scenarios.files,
        Reading::new(&args.scenarios.outside, &args.scenarios.set),
    )? {
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
