//! The `roomsim` command: see `roomsim --help`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main().into()
}
