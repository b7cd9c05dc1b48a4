//! Standard output and standard error.

use std::io::{self, BufWriter, Stdout, Write};

use roomsim::report::text::Ink;

use super::exit::Trouble;

/// The standard output: results, and nothing else.
pub(super) struct Output {
    to: BufWriter<Stdout>,
    pub(super) ink: Ink,
}

impl Output {
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        let ink = match anstream::AutoStream::choice(&stdout) {
            anstream::ColorChoice::Never => Ink::Plain,
            anstream::ColorChoice::Auto
            | anstream::ColorChoice::AlwaysAnsi
            | anstream::ColorChoice::Always => Ink::Colour,
        };
        Self { to: BufWriter::new(stdout), ink }
    }

    /// Prints some lines.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Trouble> {
        self.to.write_all(text.as_bytes()).map_err(trouble)
    }

    /// Prints some lines of a command whose work is something else: that nobody reads them any more
    /// does not stop it.
    pub(super) fn tell(&mut self, text: &str) -> Result<(), Trouble> {
        match self.print(text) {
            Err(Trouble::Closed) => Ok(()),
            told => told,
        }
    }

    /// Writes what has been kept back.
    pub(super) fn finish(&mut self) -> Result<(), Trouble> {
        self.to.flush().map_err(trouble)
    }
}

fn trouble(error: io::Error) -> Trouble {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Trouble::Closed; // Somebody like `head` has seen enough.
    }
    Trouble::Io { what: "cannot write to the standard output".to_owned(), error }
}

/// Prints a line on the standard error.
pub(super) fn complain(text: &str) {
    // Nobody is left to be told when this fails.
    let _ignored = writeln!(io::stderr(), "{text}");
}
