//! Values that are set in a scenario's text from outside, such as by `--set /clients/viewer/count=500`.
//!
//! A setting is an edit of the text, so that what comes out is read, checked and refused as if it had
//! been written so; where each piece of the text came from is kept, so that a fault is told where its
//! author can mend it.

use std::{fmt, ops::Range, str::FromStr};

use jsonc_parser::{
    ast::{Array, Object, ObjectPropName, Value},
    common::Ranged,
};

use super::{
    fault::{Fault, excerpt, suggest},
    read::syntax,
};

/// A value for a place of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// As it was written, for messages.
    text: String,
    /// The JSON pointer of the place (RFC 6901); in a list the `name` or the `mark` of an element
    /// may stand for its index.
    pointer: String,
    /// The value, as JSON.
    value: String,
}

impl Setting {
    /// The JSON pointer of the place, as it was written.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// The value, as JSON.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// What is wrong with the pointer.
    fn misfit(&self, problem: String, remedy: String) -> Fault {
        let range = 0..self.pointer.len();
        Fault { pointer: String::new(), range, problem, remedy }
    }

    fn tokens(&self) -> Vec<String> {
        let tokens = self.pointer[1..].split('/');
        tokens.map(|it| it.replace("~1", "/").replace("~0", "~")).collect()
    }
}

impl FromStr for Setting {
    type Err = String;

    /// Reads `POINTER=VALUE`; what is not JSON is a string.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "write POINTER=VALUE, such as /clients/viewer/count=500 or /duration=2min";
        let Some((pointer, value)) = text.split_once('=') else {
            return Err(wanted.to_owned());
        };
        if pointer.len() < 2 || !pointer.starts_with('/') {
            return Err(format!("`{}` is no JSON pointer: {wanted}", excerpt(pointer)));
        }
        let is_json = serde_json::from_str::<serde_json::Value>(value).is_ok();
        let value = if is_json {
            value.trim().to_owned()
        } else {
            serde_json::Value::from(value).to_string()
        };
        Ok(Self { text: text.to_owned(), pointer: pointer.to_owned(), value })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a piece of an edited text came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The text that was edited, at these bytes.
    File(Range<usize>),
    /// The setting of this index.
    Setting(usize),
}

/// A piece of an edited text.
#[derive(Clone, Copy, Debug)]
struct Piece {
    len: usize,
    from: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// The edited text, from this byte on.
    File(usize),
    Setting(usize),
}

/// A scenario's text with settings in it.
#[derive(Clone, Debug)]
pub struct Edited {
    text: String,
    pieces: Vec<Piece>,
}

/// What is to be done to a text.
struct Edit {
    /// The bytes that go.
    range: Range<usize>,
    /// What comes there.
    text: String,
}

impl Edited {
    /// The text with all settings that fit, and what is wrong with each that does not.
    ///
    /// A text that is not JSON is left as it is: whoever reads it will say so.
    pub fn new(text: &str, settings: &[Setting]) -> (Self, Vec<(usize, Fault)>) {
        let whole = Piece { len: text.len(), from: Source::File(0) };
        let mut edited = Self { text: text.to_owned(), pieces: vec![whole] };
        let (mut misfits, mut places) = (Vec::new(), Vec::<(usize, Vec<String>)>::new());
        for (index, setting) in settings.iter().enumerate() {
            let Ok(root) = syntax(&edited.text, "scenario") else { break };
            let found = edits(&root, setting).and_then(|(place, edits)| {
                let is_same = |it: &&(usize, Vec<String>)| {
                    it.1.starts_with(&place) || place.starts_with(&it.1)
                };
                match places.iter().find(is_same) {
                    None => Ok((place, edits)),
                    Some((other, _)) => Err(setting.misfit(
                        format!("`{}` sets the same place", excerpt(&settings[*other].text)),
                        "set a place once".to_owned(),
                    )),
                }
            });
            match found {
                Ok((place, edits)) => {
                    places.push((index, place));
                    // The last first, so that the others are still where they were.
                    for edit in edits.into_iter().rev() {
                        edited.make(edit, index);
                    }
                }
                Err(fault) => misfits.push((index, fault)),
            }
        }
        (edited, misfits)
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where something came from that begins and ends there.
    pub fn origin(&self, range: &Range<usize>) -> Origin {
        let mut start = 0;
        for Piece { len, from } in &self.pieces {
            if range.start < start + len {
                return match from {
                    Source::Setting(index) => Origin::Setting(*index),
                    Source::File(file) => {
                        let moved = |byte: usize| file + (byte - start).min(*len);
                        Origin::File(moved(range.start)..moved(range.end.max(range.start)))
                    }
                };
            }
            start += len;
        }
        let end = self.pieces.iter().rev().find_map(|it| match it.from {
            Source::File(file) => Some(file + it.len),
            Source::Setting(_) => None,
        });
        let end = end.unwrap_or(0);
        Origin::File(end..end)
    }

    fn make(&mut self, Edit { range, text }: Edit, index: usize) {
        let mut pieces = Vec::with_capacity(self.pieces.len() + 2);
        let mut start = 0;
        let new = Piece { len: text.len(), from: Source::Setting(index) };
        let mut is_in = false;
        for piece in &self.pieces {
            let end = start + piece.len;
            let cut = |from: usize, to: usize| {
                let (from, to) = (from.clamp(start, end), to.clamp(start, end));
                let origin = match piece.from {
                    Source::File(file) => Source::File(file + from - start),
                    Source::Setting(index) => Source::Setting(index),
                };
                Piece { len: to - from, from: origin }
            };
            pieces.push(cut(start, range.start));
            if !is_in && range.start <= end {
                pieces.push(new);
                is_in = true;
            }
            pieces.push(cut(range.end, end));
            start = end;
        }
        pieces.retain(|it| it.len != 0);
        self.pieces = pieces;
        self.text.replace_range(range, &text);
    }
}

/// The place that a setting means, with indices for names, and what to do to the text.
fn edits(root: &Value<'_>, setting: &Setting) -> Result<(Vec<String>, Vec<Edit>), Fault> {
    let tokens = setting.tokens();
    let (mut value, mut place) = (root, Vec::new());
    for (depth, token) in tokens.iter().enumerate() {
        match value {
            Value::Object(object) => {
                place.push(token.clone());
                let Some(field) = object.get(token) else {
                    place.extend_from_slice(&tokens[depth + 1..]);
                    return Ok((place, vec![insertion(object, &tokens[depth..], &setting.value)]));
                };
                value = &field.value;
            }
            Value::Array(array) => {
                let index = index_of(array, token, setting)?;
                place.push(index.to_string());
                value = &array.elements[index];
            }
            // The name of a profile stands for a profile with that base.
            Value::StringLit(name) if place == ["profile"] => {
                place.extend_from_slice(&tokens[depth..]);
                let range = name.range();
                let after = format!(", {} }}", nested(&tokens[depth..], &setting.value));
                let before =
                    Edit { range: range.start..range.start, text: "{ \"base\": ".to_owned() };
                return Ok((
                    place,
                    vec![before, Edit { range: range.end..range.end, text: after }],
                ));
            }
            Value::StringLit(_)
            | Value::NumberLit(_)
            | Value::BooleanLit(_)
            | Value::NullKeyword(_) => {
                let problem =
                    format!("nothing lies in `/{}`, which is a single value", place.join("/"));
                return Err(setting.misfit(problem, "end the pointer there".to_owned()));
            }
        }
    }
    let range = value.range();
    Ok((place, vec![Edit { range: range.start..range.end, text: setting.value.clone() }]))
}

/// A field, with objects about it, that is put first into an object.
fn insertion(object: &Object<'_>, tokens: &[String], value: &str) -> Edit {
    let byte = object.range().start + 1;
    Edit { range: byte..byte, text: format!(" {},", nested(tokens, value)) }
}

/// `"a": { "b": value }`.
fn nested(tokens: &[String], value: &str) -> String {
    let [first, others @ ..] = tokens else { return value.to_owned() };
    let name = serde_json::Value::from(first.as_str());
    if others.is_empty() {
        format!("{name}: {value}")
    } else {
        format!("{name}: {{ {} }}", nested(others, value))
    }
}

/// The place in a list of the element of this index, name or mark.
fn index_of(array: &Array<'_>, token: &str, setting: &Setting) -> Result<usize, Fault> {
    let names: Vec<Option<&str>> = array.elements.iter().map(name_of).collect();
    let named = names.iter().enumerate().filter(|it| *it.1 == Some(token)).map(|it| it.0);
    let named: Vec<usize> = named.collect();
    let index: Option<usize> = token.parse().ok().filter(|it| *it < array.elements.len());
    match (&named[..], index) {
        ([named], None) => Ok(*named),
        ([], Some(index)) => Ok(index),
        ([named], Some(index)) if *named == index => Ok(index),
        ([_], Some(_)) => Err(setting.misfit(
            format!("`{}` is the index of one element and the name of another", excerpt(token)),
            "give the element another name".to_owned(),
        )),
        ([_, _, ..], _) => Err(setting.misfit(
            format!("several elements are named `{}`", excerpt(token)),
            "write the index instead, which counts from 0".to_owned(),
        )),
        ([], None) => {
            let n = array.elements.len();
            let known: Vec<&str> = names.into_iter().flatten().collect();
            let remedy = if known.is_empty() || token.parse::<usize>().is_ok() {
                "indices count from 0, and nothing is added to a list".to_owned()
            } else {
                suggest(token, known)
            };
            let problem =
                format!("no element of the {n} there has the name or index `{}`", excerpt(token));
            Err(setting.misfit(problem, remedy))
        }
    }
}

/// The `name` or the `mark` of an element of a list.
fn name_of<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    let properties = &value.as_object()?.properties;
    properties
        .iter()
        .find_map(|it| {
            let name = match &it.name {
                ObjectPropName::String(it) => it.value.as_ref(),
                ObjectPropName::Word(it) => it.value,
            };
            ["name", "mark"].contains(&name).then(|| it.value.as_string_lit())?
        })
        .map(|it| it.value.as_ref())
}
