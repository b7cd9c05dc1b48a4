//! Shows what is wrong with a file: place, value, remedy, and the line itself.

use std::{fmt, io, ops::Range};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};
use roomsim::scenario::fault::{Fault, line_and_column};

use super::output::complain as say;

/// The most faults of a file that are shown.
const SHOWN_MAX: usize = 100;

/// How wide a terminal is, in columns.
const WIDTH: usize = 80;

/// What points at a place.
const LABEL: &str = "here";

/// The columns from the middle of a place to the end of what points at it.
const POINTER_WIDTH: usize = 4 + LABEL.len();

/// The lines about a place, as far as a terminal is wide enough.
#[derive(Debug)]
struct Excerpt {
    file: String,
    text: String,
    /// The number of the first line in the file, from 0 on.
    first_line: usize,
    /// The column of the place in the file, from 0 on.
    column: usize,
    /// The place in the text.
    place: Range<usize>,
}

impl Excerpt {
    /// The line on which a place begins, and those before and after it.
    fn of(file: &str, text: &str, place: Range<usize>) -> Self {
        let (line, column) = line_and_column(text, place.start);
        // Before each number there is a blank, behind it a bar between two.
        let room = WIDTH - (line + 1).to_string().len() - 4;
        let first = line.saturating_sub(2);
        let start = text[..place.start].rfind('\n').map_or(0, |it| it + 1);
        let mut excerpt = String::new();
        if let Some(before) = text[..start].lines().next_back() {
            excerpt += &cut(before, 0..0, room).0;
            excerpt.push('\n');
        }
        let here = text[start..].lines().next().unwrap_or_default();
        let of_line = |byte: usize| (byte - start).min(here.len());
        let (shown, shown_place) = cut(here, of_line(place.start)..of_line(place.end), room);
        let offset = excerpt.len();
        excerpt += &shown;
        if let Some(after) = text[start..].lines().nth(1) {
            excerpt.push('\n');
            excerpt += &cut(after, 0..0, room).0;
        }
        let place = offset + shown_place.start..offset + shown_place.end;
        Self { file: file.to_owned(), text: excerpt, first_line: first, column: column - 1, place }
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            found.data(),
            *found.span(),
            self.first_line + found.line(),
            self.column,
            found.line_count(),
        )))
    }
}

/// So much of a line as fits into so many columns with what points at a place in it, and the place.
fn cut(line: &str, place: Range<usize>, room: usize) -> (String, Range<usize>) {
    let width = |range: Range<usize>| line[range].chars().map(columns).sum::<usize>();
    let middle = width(0..place.start) + width(place.clone()).div_ceil(2);
    if width(0..line.len()) <= room && middle + POINTER_WIDTH <= room {
        return (line.to_owned(), place);
    }
    // Both ends may have an ellipsis.
    let room = room - POINTER_WIDTH - 2;
    let from = if width(0..place.end) <= room {
        0
    } else {
        let chars = line[..place.start].char_indices().rev();
        within(chars, room / 3).last().map_or(place.start, |it| it.0)
    };
    let last = within(line[from..].char_indices(), room).last();
    let to = last.map_or(from, |(byte, c)| from + byte + c.len_utf8());
    let [before, after] = [0 < from, to < line.len()].map(|it| if it { "…" } else { "" });
    let moved = |byte: usize| before.len() + byte.min(to) - from;
    let place = moved(place.start)..moved(place.end);
    ([before, &line[from..to], after].concat(), place)
}

/// So many characters as fit into so many columns.
fn within(
    chars: impl Iterator<Item = (usize, char)>,
    mut room: usize,
) -> impl Iterator<Item = (usize, char)> {
    chars.map_while(move |it| {
        room = room.checked_sub(columns(it.1))?;
        Some(it)
    })
}

/// How wide a character is at most.
const fn columns(c: char) -> usize {
    if c.is_ascii() { 1 } else { 2 }
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
    excerpt: Excerpt,
}

/// The text of a file as it may be shown; places in it are those in the file.
fn text_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.strip_prefix('\u{feff}').unwrap_or(&text).chars().map(harmless).collect()
}

/// A fault with its place in the file.
fn heading(file: &str, text: &str, fault: &Fault) -> String {
    let (line, column) = line_and_column(text, fault.range.start);
    format!("{file}:{line}:{column}: {fault}")
}

/// All that is wrong with a file, two lines for each fault, without an excerpt of the file.
pub(super) fn in_lines(file: &str, bytes: &[u8], faults: &[Fault]) -> String {
    let text = text_of(bytes);
    let line = |it: &Fault| format!("{}\n  help: {}\n", heading(file, &text, it), it.remedy);
    faults.iter().take(SHOWN_MAX).map(line).collect::<String>() + &left_out(faults.len())
}

/// How many faults are not shown, as a line.
fn left_out(n: usize) -> String {
    if n <= SHOWN_MAX { String::new() } else { format!("… and {} more\n", n - SHOWN_MAX) }
}

/// Tells the user all that is wrong with a file.
pub(super) fn complain(file: &str, bytes: &[u8], faults: &[Fault]) {
    let text = text_of(bytes);
    let is_plain = anstream::AutoStream::choice(&io::stderr()) == anstream::ColorChoice::Never;
    let theme =
        if is_plain { GraphicalTheme::unicode_nocolor() } else { GraphicalTheme::unicode() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_break_words(false)
        .without_cause_chain();
    for fault in faults.iter().take(SHOWN_MAX) {
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
            heading: heading(file, &text, fault),
            excerpt: Excerpt::of(file, &text, start..end),
        };
        let mut report = String::new();
        match handler.render_report(&mut report, &shown) {
            Ok(()) => say(&format!("{}\n", report.trim_end())),
            Err(fmt::Error) => say(&format!("{}\n  help: {}", shown.heading, fault.remedy)),
        }
    }
    let n = faults.len();
    say(&format!("{}error: {file}: {}", left_out(n), roomsim::report::text::count(n, "fault")));
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
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Range { start, end } = self.excerpt.place;
        let label = LabeledSpan::new(Some(LABEL.to_owned()), start, end - start);
        Some(Box::new(std::iter::once(label)))
    }
}
