//! What is wrong with a scenario file: place, value, remedy.

use std::{fmt, ops::Range};

/// One thing that is wrong with a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The place as a JSON pointer (RFC 6901); empty for the whole file.
    pub pointer: String,
    /// The place in bytes of the file.
    pub range: Range<usize>,
    /// What is wrong, with the value.
    pub problem: String,
    /// What to write instead.
    pub remedy: String,
}

/// Line and column of a byte in a text, both from 1; columns count characters.
pub fn line_and_column(text: &str, byte: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..byte.min(text.len())];
    let line_start = before.iter().rposition(|it| *it == b'\n').map_or(0, |it| it + 1);
    let line = before.iter().filter(|it| **it == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
    (line, column)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", harmless(&self.pointer))?;
        }
        f.write_str(&self.problem)
    }
}

/// The longest excerpt of a file that a message shows, in characters.
const EXCERPT_MAX: usize = 40;

/// A piece of a file as it may be shown on a terminal: on one line, short, nothing unprintable.
pub fn excerpt(text: &str) -> String {
    let end = text.char_indices().nth(EXCERPT_MAX).map(|(end, _)| end);
    harmless(&text[..end.unwrap_or(text.len())]) + if end.is_some() { "…" } else { "" }
}

/// The text with all that is not plainly visible escaped.
fn harmless(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    shown
}

/// The longest word for which a similar one is looked for, in bytes.
const CLOSEST_MAX: usize = 128;

/// The known word that `word` was most likely meant to be.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if CLOSEST_MAX < word.len() {
        return None; // Nobody's slip of the finger, and costly to compare.
    }
    let lower = word.to_lowercase();
    let distance = |it: &str| {
        let known = it.to_lowercase();
        // `roomID` for `room`, `logout` for `logoutRoom`.
        let is_part = known.starts_with(&lower) || lower.starts_with(&known);
        if is_part && PART_MIN <= lower.len().min(known.len()) {
            return Some(1);
        }
        let allowed = it.len().max(3) / 3;
        let is_near = it.len().abs_diff(lower.len()) <= allowed;
        is_near.then(|| strsim::damerau_levenshtein(&lower, &known)).filter(|it| *it <= allowed)
    };
    known
        .into_iter()
        .take(COMPARED_MAX)
        .filter_map(|it| distance(it).map(|distance| (distance, it)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// The shortest beginning by which a word is recognised.
const PART_MIN: usize = 4;

/// The most names that a word is compared with.
const COMPARED_MAX: usize = 200;

/// The most names that a remedy lists.
const LISTED_MAX: usize = 12;

/// "did you mean `x`?", or the list of what is known.
pub fn suggest<'a, I: IntoIterator<Item = &'a str> + Clone>(word: &str, known: I) -> String {
    if let Some(meant) = closest(word, known.clone()) {
        return format!("did you mean `{}`?", excerpt(meant));
    }
    let all: Vec<&str> = known.into_iter().collect();
    if all.is_empty() {
        return "there are none".to_owned();
    }
    let mut list =
        all.iter().take(LISTED_MAX).map(|it| format!("`{}`", excerpt(it))).collect::<Vec<_>>();
    if LISTED_MAX < all.len() {
        list.push(format!("… ({} in all)", all.len()));
    }
    format!("known: {}", list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let text = "ab\ncédille x";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, 3), (2, 1));
        assert_eq!(line_and_column(text, text.find('x').unwrap()), (2, 9));
        assert_eq!(line_and_column(text, 999), (2, 10));
    }

    #[test]
    fn excerpts_cannot_reach_the_terminal() {
        assert_eq!(excerpt("a\u{1b}[2J\u{202e}b"), "a\\u{1b}[2J\\u{202e}b");
        assert_eq!(excerpt(&"x".repeat(50)), format!("{}…", "x".repeat(40)));
    }

    #[test]
    fn a_slip_of_the_finger_is_understood() {
        let known = ["duration", "script", "seed"];
        assert_eq!(suggest("duratoin", known), "did you mean `duration`?");
        assert_eq!(suggest("roomID", ["room", "token"]), "did you mean `room`?");
        assert_eq!(suggest("logout", ["loginRoom", "logoutRoom"]), "did you mean `logoutRoom`?");
        assert_eq!(suggest("zzz", known), "known: `duration`, `script`, `seed`");
        assert_eq!(suggest("x", []), "there are none");
    }
}
