//! The command line: files, terminal, wall clock and exit codes.  Nobody else touches these.

mod args;
mod check;
mod claim;
mod diagnostic;
mod exit;
mod export;
mod folder;
mod input;
mod interrupt;
mod junit;
mod output;
mod parallel;
mod profiles;
mod progress;
mod run;
mod validate;
mod wanted;

use clap::{CommandFactory as _, Parser as _};

use args::{Args, Command};
pub(crate) use exit::Exit;

/// Reads the arguments, does what they say, and tells how it ended.
pub(crate) fn main() -> Exit {
    exit::name_the_run_in_panics();
    let args = match Args::try_parse().map_err(harmless) {
        Ok(args) => args,
        Err(error) => {
            let is_help = !error.use_stderr();
            // Nobody is left to be told when the help itself cannot be written.
            let _ignored = error.print();
            return if is_help { Exit::Held } else { Exit::Usage };
        }
    };
    let mut out = output::Output::new();
    let ended = match args.command {
        Command::Run(args) => run::run(&args, &mut out),
        Command::Check(args) => check::check(&args, &mut out),
        Command::Validate(args) => validate::validate(&args, &mut out),
        Command::Export(args) => export::export(&args, &mut out),
        Command::Profiles(args) => profiles::profiles(&args, &mut out),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Args::command(), "roomsim", &mut script);
            print_whole(&mut out, &script)
        }
        Command::Man => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(Args::command()).render(&mut page);
            rendered.expect("a page can be written to memory");
            print_whole(&mut out, &page)
        }
    };
    // What was complete when somebody interrupted the command has been printed, too.
    let finished = out.finish();
    match ended.and_then(|exit| finished.map(|()| exit)) {
        Ok(exit) => exit,
        Err(error) => exit::report(&error),
    }
}

/// The same error about arguments that a terminal may be shown.
fn harmless(error: clap::Error) -> clap::Error {
    let shown = std::env::args_os().map(output::visible);
    Args::try_parse_from(shown).err().unwrap_or(error)
}

fn print_whole(out: &mut output::Output, text: &[u8]) -> Result<Exit, exit::Trouble> {
    out.print(&String::from_utf8_lossy(text))?;
    Ok(Exit::Held)
}
