//! Shows what is wrong with a file: place, value, remedy, and the line itself.

use std::{fmt, io};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode,
};
use roomsim::scenario::fault::{Fault, line_and_column};

use super::output::complain as say;

/// The most faults of a file that are shown.
const SHOWN_MAX: usize = 100;

/// The longest line that is shown, in bytes.
const LINE_MAX: usize = 400;

/// The longest of the lines that would be shown with a place.
fn longest_line_at(text: &str, byte: usize) -> usize {
    let line = text[..byte].matches('\n').count();
    text.lines().skip(line.saturating_sub(1)).take(3).map(str::len).max().unwrap_or(0)
}

/// The character, or one of as many bytes that does a terminal no harm.
fn harmless(c: char) -> char {
    match (c, c.len_utf8()) {
        ('\n', _) => c,
        (_, 1) if c.is_control() => ' ',
        (_, 2) if c.is_control() => '·',
        ('\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}', _) => {
            '\u{fffd}'
        }
        _ => c,
    }
}

/// A fault with the text that it is in.
struct Shown<'a> {
    fault: &'a Fault,
    heading: String,
    source: &'a NamedSource<String>,
    /// The place, moved to whole characters of the text.
    place: (usize, usize),
}

/// Tells the user all that is wrong with a file.
pub(super) fn complain(file: &str, bytes: &[u8], faults: &[Fault]) {
    let text = String::from_utf8_lossy(bytes);
    let text: String =
        text.strip_prefix('\u{feff}').unwrap_or(&text).chars().map(harmless).collect();
    let source = NamedSource::new(file, text.clone());
    let is_plain = anstream::AutoStream::choice(&io::stderr()) == anstream::ColorChoice::Never;
    let theme =
        if is_plain { GraphicalTheme::unicode_nocolor() } else { GraphicalTheme::unicode() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(80)
        .with_break_words(false)
        .without_cause_chain();
    for fault in faults.iter().take(SHOWN_MAX) {
        let (line, column) = line_and_column(&text, fault.range.start);
        let boundary = |mut byte: usize| {
            while !text.is_char_boundary(byte) && byte < text.len() {
                byte += 1;
            }
            byte.min(text.len())
        };
        let start = boundary(fault.range.start);
        let end = boundary(fault.range.end).max(start);
        let shown = Shown {
            fault,
            heading: format!("{file}:{line}:{column}: {fault}"),
            source: &source,
            place: (start, end - start),
        };
        let mut report = String::new();
        if longest_line_at(&text, start) > LINE_MAX {
            say(&format!("  × {}\n  help: {}\n", shown.heading, fault.remedy));
            continue;
        }
        match handler.render_report(&mut report, &shown) {
            Ok(()) => say(&format!("{}\n", report.trim_end())),
            Err(fmt::Error) => say(&format!("{}\n  help: {}", shown.heading, fault.remedy)),
        }
    }
    let n = faults.len();
    if SHOWN_MAX < n {
        say(&format!("… and {} more", n - SHOWN_MAX));
    }
    say(&format!("error: {file}: {}", roomsim::report::text::count(n, "fault")));
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.heading)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.heading)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(&self.fault.remedy))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, len) = self.place;
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), start, len))))
    }
}
