//! Standard output and standard error.

use std::io::{self, BufWriter, Stdout, Write};

use roomsim::report::text::Ink;

use super::exit::Trouble;

/// The standard output: results, and nothing else.
///
/// That nobody reads it any more (`| head -1`) stops no work and changes no exit code: what a
/// command is asked for is its verdict, or its files.
pub(super) struct Output {
    to: BufWriter<Stdout>,
    pub(super) ink: Ink,
    is_closed: bool,
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
        Self { to: BufWriter::new(stdout), ink, is_closed: false }
    }

    /// Prints some lines.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Trouble> {
        if self.is_closed {
            return Ok(());
        }
        let written = self.to.write_all(text.as_bytes());
        self.note(written)
    }

    /// Writes what has been kept back.
    pub(super) fn finish(&mut self) -> Result<(), Trouble> {
        if self.is_closed {
            return Ok(());
        }
        let written = self.to.flush();
        self.note(written)
    }

    /// Whether it is known that nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn note(&mut self, written: io::Result<()>) -> Result<(), Trouble> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(())
            }
            Err(error) => {
                let what = "cannot write to the standard output".to_owned();
                Err(Trouble::Io { what, error })
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Prints a line on the standard error.
pub(super) fn complain(text: &str) {
    // Nobody is left to be told when this fails.
    let _ignored = writeln!(io::stderr(), "{text}");
}
