//! Writes lines of CSV, cell by cell, fast: no text is made that is not written.

use std::io;

use crate::time::SimTime;

/// So many bytes are written at once.
const BLOCK: usize = 1 << 16;

/// Lines under way to a writer.
#[derive(Debug)]
pub(super) struct Lines<W> {
    to: W,
    bytes: Vec<u8>,
    /// Where the line under way begins.
    start: usize,
}

impl<W: io::Write> Lines<W> {
    pub(super) fn new(to: W) -> Self {
        Self { to, bytes: Vec::with_capacity(2 * BLOCK), start: 0 }
    }

    /// A whole line of these cells.
    pub(super) fn names(&mut self, names: &[&str]) -> io::Result<()> {
        for name in names {
            self.text(name);
        }
        self.end()
    }

    fn begin_cell(&mut self) {
        if self.start < self.bytes.len() {
            self.bytes.push(b',');
        }
    }

    /// A cell of any text.  The first cell of a line must not be empty.
    pub(super) fn text(&mut self, text: &str) {
        self.begin_cell();
        if text.bytes().any(|it| matches!(it, b',' | b'"' | b'\n' | b'\r')) {
            self.bytes.push(b'"');
            self.bytes.extend(text.replace('"', "\"\"").into_bytes());
            self.bytes.push(b'"');
        } else {
            self.bytes.extend_from_slice(text.as_bytes());
        }
    }

    /// A cell of texts with `;` between them.
    pub(super) fn texts<'a, I>(&mut self, texts: I)
    where
        I: Iterator<Item = &'a str> + Clone,
    {
        self.begin_cell();
        let quote = texts.clone().any(|it| it.bytes().any(|it| it == b',')).then_some(b'"');
        self.bytes.extend(quote);
        for (index, text) in texts.enumerate() {
            if index != 0 {
                self.bytes.push(b';');
            }
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self.bytes.extend(quote);
    }

    /// A cell of a whole number.
    pub(super) fn number(&mut self, number: u64) {
        self.begin_cell();
        push_number(&mut self.bytes, number);
    }

    /// A cell of so many thousandths.
    pub(super) fn thousandths(&mut self, number: u64) {
        self.begin_cell();
        push_number(&mut self.bytes, number / 1000);
        self.bytes.push(b'.');
        push_digits(&mut self.bytes, number % 1000, 3);
    }

    /// A cell of an instant, in exact seconds.
    pub(super) fn time(&mut self, at: SimTime) {
        self.begin_cell();
        push_time(&mut self.bytes, at);
    }

    /// The end of the line.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.bytes.push(b'\n');
        if BLOCK <= self.bytes.len() {
            self.to.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        self.start = self.bytes.len();
        Ok(())
    }

    /// Writes what has been kept back.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.to.write_all(&self.bytes)?;
        self.to.flush()
    }
}

/// A number as text.
pub(super) fn push_number(to: &mut Vec<u8>, number: u64) {
    let n_digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
    push_digits(to, number, n_digits);
}

/// An instant in seconds with six decimals.
pub(super) fn push_time(to: &mut Vec<u8>, at: SimTime) {
    let micros = at.as_micros();
    push_number(to, micros / 1_000_000);
    to.push(b'.');
    push_digits(to, micros % 1_000_000, 6);
}

/// The last digits of a number.
fn push_digits(to: &mut Vec<u8>, mut number: u64, n: usize) {
    let start = to.len();
    to.resize(start + n, b'0');
    for digit in to[start..].iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_those_that_the_csv_crate_writes() {
        let mut ours = Vec::new();
        let mut lines = Lines::new(&mut ours);
        let at = SimTime::from_micros(1_234_000_056);
        lines.time(at);
        lines.text("a, b");
        lines.text("");
        lines.text("say \"x\"");
        lines.texts(["A", "B,C"].into_iter());
        lines.number(0);
        lines.number(1_000_200);
        lines.thousandths(1_020);
        lines.end().expect("memory takes all");
        lines.finish().expect("memory takes all");
        let mut theirs = csv::WriterBuilder::new()
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(Vec::new());
        let time = at.to_string();
        let cells = [&*time, "a, b", "", "say \"x\"", "A;B,C", "0", "1000200", "1.020"];
        theirs.write_record(cells).expect("memory takes all");
        assert_eq!(ours, theirs.into_inner().expect("memory takes all"));
    }
}
