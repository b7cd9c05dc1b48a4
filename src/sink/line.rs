//! Writes lines of CSV, cell by cell, fast: no text is made that is not written.

use std::io;

use crate::{scenario::Label, time::SimTime};

/// So many bytes are written at once.
const BLOCK: usize = 1 << 16;

/// Whether the last cells of a line are those of the line before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// They are.
    Same,
    /// They may be others.
    Other,
}

/// Lines under way to a writer.
#[derive(Debug)]
pub(super) struct Lines<W> {
    to: W,
    bytes: Vec<u8>,
    /// Where the line under way begins.
    start: usize,
    /// The last cells of the line before, if they were those of the line before that.
    tail: Vec<u8>,
    /// The instant that was written last, and its text.
    time: (SimTime, Vec<u8>),
}

impl<W: io::Write> Lines<W> {
    pub(super) fn new(to: W) -> Self {
        let time = (SimTime::ZERO, Vec::new());
        let (bytes, tail) = (Vec::with_capacity(2 * BLOCK), Vec::new());
        Self { to, bytes, start: 0, tail, time }
    }

    /// A whole line of these cells.
    pub(super) fn names(&mut self, names: &[&str]) -> io::Result<()> {
        for name in names {
            self.text(*name);
        }
        self.end()
    }

    fn begin_cell(&mut self) {
        if self.start < self.bytes.len() {
            self.bytes.push(b',');
        }
    }

    /// The last cells of the line, which `write` would write.
    ///
    /// They are kept once they have been the same, as a copy: what has just been written to the
    /// block is slow to read.
    pub(super) fn tail(&mut self, tail: Tail, write: impl FnOnce(&mut Self)) {
        if tail == Tail::Other {
            self.tail.clear();
        }
        if !self.tail.is_empty() {
            return self.bytes.extend_from_slice(&self.tail);
        }
        let start = self.bytes.len();
        write(self);
        if tail == Tail::Same {
            self.tail.extend_from_slice(&self.bytes[start..]);
        }
    }

    /// A cell of any text.  The first cell of a line must not be empty.
    pub(super) fn text<'a, L: Into<Label<'a>>>(&mut self, text: L) {
        let label = text.into();
        if label.stem.is_empty() {
            return self.word("");
        }
        self.texts(std::iter::once(label));
    }

    /// A cell of texts with `;` between them.
    pub(super) fn texts<'a, I: Iterator<Item = Label<'a>>>(&mut self, texts: I) {
        self.begin_cell();
        let start = self.bytes.len();
        for (index, text) in texts.enumerate() {
            if index != 0 {
                self.bytes.push(b';');
            }
            push_label(&mut self.bytes, text);
        }
        // Cells are short: to look at all of it is faster than to stop at the first.
        if self.bytes[start..].iter().fold(false, |is, it| is | SPECIAL[*it as usize]) {
            self.quote(start);
        }
    }

    /// Quotes the cell that began there.
    #[cold]
    fn quote(&mut self, start: usize) {
        let cell = self.bytes.split_off(start);
        self.bytes.push(b'"');
        for byte in cell {
            self.bytes.push(byte);
            if byte == b'"' {
                self.bytes.push(byte);
            }
        }
        self.bytes.push(b'"');
    }

    /// A cell of a word that needs no quotes, or several with commas between them.
    pub(super) fn word(&mut self, word: &str) {
        self.begin_cell();
        if !word.is_empty() {
            self.bytes.extend_from_slice(word.as_bytes());
        }
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
        // The 1 makes room for zeros, and gives its place to the point.
        let start = self.bytes.len();
        push_number(&mut self.bytes, 1000 + number % 1000);
        self.bytes[start] = b'.';
    }

    /// A cell of an instant, in exact seconds.
    pub(super) fn time(&mut self, at: SimTime) {
        self.begin_cell();
        // Many are told at the same instant.
        if self.time.0 != at || self.time.1.is_empty() {
            self.time.0 = at;
            self.time.1.clear();
            push_time(&mut self.time.1, at);
        }
        self.bytes.extend_from_slice(&self.time.1);
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

/// The bytes because of which a cell is quoted.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    special[b',' as usize] = true;
    special[b'"' as usize] = true;
    special[b'\n' as usize] = true;
    special[b'\r' as usize] = true;
    special
};

/// All numbers of two digits, one after the other.
const PAIRS: [u8; 200] = {
    let mut pairs = [0; 200];
    let mut index = 0;
    while index < 100 {
        pairs[2 * index as usize] = b'0' + index / 10;
        pairs[2 * index as usize + 1] = b'0' + index % 10;
        index += 1;
    }
    pairs
};

/// A name, written.
pub(super) fn push_label(to: &mut Vec<u8>, Label { stem, number }: Label<'_>) {
    to.extend_from_slice(stem.as_bytes());
    if let Some(number) = number {
        to.push(b'-');
        push_number(to, number as u64);
    }
}

/// A number as text.
pub(super) fn push_number(to: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let start = put_digits(&mut digits, number);
    to.extend_from_slice(&digits[start..]);
}

/// An instant in seconds with six decimals.
pub(super) fn push_time(to: &mut Vec<u8>, at: SimTime) {
    let micros = at.as_micros();
    push_number(to, micros / 1_000_000);
    let mut decimals = *b".000000";
    let micros = u32::try_from(micros % 1_000_000).expect("it is less than a million");
    for (at, pair) in [(1, micros / 10_000), (3, micros / 100 % 100), (5, micros % 100)] {
        let pair = 2 * pair as usize;
        decimals[at..at + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
    }
    to.extend_from_slice(&decimals);
}

/// Puts the digits of a number at the end; tells where they begin.
fn put_digits(digits: &mut [u8; 20], mut number: u64) -> usize {
    let mut start = digits.len();
    while 10 <= number {
        start -= 2;
        let pair = 2 * (number % 100) as usize;
        digits[start..start + 2].copy_from_slice(&PAIRS[pair..pair + 2]);
        number /= 100;
    }
    if 0 < number || start == digits.len() {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_those_of_the_standard_library() {
        for number in [0, 1, 9, 10, 99, 100, 101, 999, 1000, 12_345, 1_000_000, u64::MAX] {
            let mut ours = Vec::new();
            push_number(&mut ours, number);
            assert_eq!(ours, number.to_string().into_bytes());
            let at = SimTime::from_micros(number / 2);
            ours.clear();
            push_time(&mut ours, at);
            assert_eq!(ours, at.to_string().into_bytes());
        }
    }

    #[test]
    fn cells_are_those_that_the_csv_crate_writes() {
        let mut ours = Vec::new();
        let mut lines = Lines::new(&mut ours);
        let at = SimTime::from_micros(1_234_000_056);
        lines.time(at);
        lines.text("a, b");
        lines.text("");
        lines.text("say \"x\"");
        let viewer = Label { stem: "viewer", number: Some(1_203) };
        lines.texts(["A".into(), "B,C".into(), viewer].into_iter());
        lines.word("x");
        lines.number(0);
        lines.number(1_000_200);
        lines.thousandths(1_020);
        lines.end().expect("memory takes all");
        lines.finish().expect("memory takes all");
        let mut theirs = csv::WriterBuilder::new()
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(Vec::new());
        let time = at.to_string();
        let cells =
            [&*time, "a, b", "", "say \"x\"", "A;B,C;viewer-1203", "x", "0", "1000200", "1.020"];
        theirs.write_record(cells).expect("memory takes all");
        assert_eq!(ours, theirs.into_inner().expect("memory takes all"));
    }

    #[test]
    fn the_end_of_a_line_is_that_of_the_line_before_where_it_is_said_to_be() {
        let mut ours = Vec::new();
        let mut lines = Lines::new(&mut ours);
        let (same, other) = (Tail::Same, Tail::Other);
        for (n, tail) in [(1, other), (1, same), (1, same), (2, other), (3, other), (3, same)] {
            lines.text("x");
            lines.tail(tail, |it| {
                it.text("a,b");
                it.number(n);
            });
            lines.end().expect("memory takes all");
        }
        lines.finish().expect("memory takes all");
        let line = |n| format!("x,\"a,b\",{n}\n");
        assert_eq!(ours, [1, 1, 1, 2, 3, 3].map(line).concat().into_bytes());
    }
}
