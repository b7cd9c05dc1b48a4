//! Standard output and standard error.

use std::{
    ffi::OsStr,
    io::{self, BufWriter, Stdout, Write},
};

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

/// A name from outside as it may be shown: what a terminal would obey (control characters), what
/// turns text about, and what nobody sees are escaped.
pub(super) fn visible(name: impl AsRef<OsStr>) -> String {
    let mut shown = String::new();
    for c in name.as_ref().to_string_lossy().chars() {
        if matches!(c, '\'' | '"' | '\\') {
            shown.push(c);
        } else {
            shown.extend(c.escape_debug());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_harm_is_escaped_and_nothing_else() {
        for plain in ["a b", "näive–部.json", "it's \"x\"", "C:\\x", "`$;&|"] {
            assert_eq!(visible(plain), plain);
        }
        for (name, shown) in [
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{202e}nosj\u{2066}", "\\u{202e}nosj\\u{2066}"),
            ("\u{7f}\u{9b}\u{200b}\u{feff}\u{2028}", "\\u{7f}\\u{9b}\\u{200b}\\u{feff}\\u{2028}"),
        ] {
            assert_eq!(visible(name), shown);
        }
    }
}
