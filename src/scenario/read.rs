//! From text to typed leaves: a reader that notes every fault with its place and goes on.
//!
//! A derived deserialiser stops at the first fault of a file; this one does not.  It knows JSON
//! shapes and leaf types, not what a scenario or a profile means.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Range, RangeInclusive},
    str::FromStr,
};

use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{ObjectPropName, Value},
    common::Ranged,
    parse_to_ast,
};

use crate::{
    scenario::fault::{Fault, excerpt, suggest},
    time::SimSpan,
    units::Probability,
};

/// A value of the file and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    value: &'a Value<'a>,
    /// The JSON pointer of the value.
    pub(super) pointer: String,
}

/// The fields of an object, each taken at most once.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    of: Node<'a>,
    fields: BTreeMap<&'a str, Node<'a>>,
}

/// Reads one file and collects what is wrong with it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

/// JSON with comments and trailing commas, and nothing else beyond the standard.
const SYNTAX: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// So many faults are noted before reading stops.
const FAULTS_MAX: usize = 1000;

/// The deepest nesting that a file may have; a scenario needs 7.
const DEPTH_MAX: usize = 32;

/// Reads the syntax of a file; `what` it is of, a scenario or a profile.
pub(super) fn syntax<'a>(text: &'a str, what: &str) -> Result<Value<'a>, Fault> {
    let whole = |problem: &str, remedy: &str| Fault {
        pointer: String::new(),
        range: 0..text.len().min(1),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    };
    if let Err((range, problem, remedy)) = lexical(text) {
        return Err(Fault { range, ..whole(&problem, remedy) });
    }
    match parse_to_ast(text, &CollectOptions::default(), &SYNTAX) {
        Ok(result) => result.value.ok_or_else(|| {
            let remedy = format!("start from one of the files in `{what}s/`");
            whole(&format!("the {what} is empty"), &remedy)
        }),
        Err(error) => {
            let range = error.range();
            Err(Fault {
                range: range.start..range.end.max(range.start + 1).min(text.len().max(1)),
                ..whole(
                    &format!("not JSON: {}", lower_first(&error.kind().to_string())),
                    "JSON with comments and trailing commas is read, nothing else beyond it",
                )
            })
        }
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// What the parser would let pass or could not bear: characters that JSON does not allow, and
/// brackets that nest too deep.  Runs before anything recurses.
fn lexical(text: &str) -> Result<(), (Range<usize>, String, &'static str)> {
    #[derive(PartialEq)]
    enum In {
        Json,
        String,
        Line,
        Block,
    }
    let (mut place, mut depth, mut before) = (In::Json, 0_usize, ' ');
    for (byte, c) in text.char_indices() {
        let range = byte..byte + c.len_utf8();
        let mut used = false; // Whether `c` cannot be half of something that follows.
        match (&place, before, c) {
            (In::String, '\\', _) => used = true,
            (In::String, _, '"') => place = In::Json,
            (In::Line, _, '\n' | '\r') => place = In::Json,
            (In::Block, '*', '/') => (place, used) = (In::Json, true),
            (In::Json, '/', '/') => (place, used) = (In::Line, true),
            (In::Json, '/', '*') => (place, used) = (In::Block, true),
            (In::Json, _, '"') => place = In::String,
            (In::Json, _, '[' | '{') => depth += 1,
            (In::Json, _, ']' | '}') => depth = depth.saturating_sub(1),
            _ => (),
        }
        let is_odd = match place {
            In::String => c < ' ',
            In::Json => c < ' ' && !"\t\r\n".contains(c) || !c.is_ascii() && c.is_whitespace(),
            In::Line | In::Block => false,
        };
        if is_odd {
            let problem = format!("not JSON: the character `{}`", c.escape_default());
            return Err((range, problem, "write it as an escape such as `\\n`, or leave it out"));
        }
        if DEPTH_MAX < depth {
            let problem = format!("nested more than {DEPTH_MAX} deep");
            return Err((range, problem, "no more than 7 levels are ever needed"));
        }
        before = if used { ' ' } else { c };
    }
    Ok(())
}

impl<'a> Node<'a> {
    /// The root of a file.
    pub(super) const fn root(value: &'a Value<'a>) -> Self {
        Self { value, pointer: String::new() }
    }

    fn child(&self, key: &str, value: &'a Value<'a>) -> Self {
        let key = key.replace('~', "~0").replace('/', "~1");
        Self { value, pointer: format!("{}/{key}", self.pointer) }
    }

    /// Where the value stands in the file, in bytes.
    pub(super) fn range(&self) -> Range<usize> {
        let range = self.value.range();
        range.start..range.end
    }

    /// The text, if the value is a string.
    pub(super) fn as_str(&self) -> Option<&'a str> {
        self.value.as_string_lit().map(|it| it.value.as_ref())
    }

    /// The digits of a number, as they stand in the file.
    pub(super) fn number_text(&self) -> Option<&'a str> {
        self.value.as_number_lit().map(|it| it.value)
    }

    /// Whether the value is an object.
    pub(super) fn is_object(&self) -> bool {
        self.value.as_object().is_some()
    }

    /// The field of this name, if the value is an object that has it.
    pub(super) fn field(&self, name: &str) -> Option<Self> {
        let value = &self.value.as_object()?.get(name)?.value;
        Some(self.child(name, value))
    }

    /// Whether the value is an object with such a field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value.as_object().is_some_and(|it| it.get(name).is_some())
    }
}

impl<'a> Fields<'a> {
    /// The field, if it is there; it may be taken again.
    pub(super) fn peek(&self, name: &str) -> Option<Node<'a>> {
        self.fields.get(name).cloned()
    }

    /// The field, if it is there.
    pub(super) fn optional(&mut self, name: &str) -> Option<Node<'a>> {
        self.fields.remove(name)
    }

    /// The field, or a fault.
    pub(super) fn required(&mut self, reader: &mut Reader<'a>, name: &str) -> Option<Node<'a>> {
        let field = self.fields.remove(name);
        if field.is_none() {
            reader.missing(&self.of, name);
        }
        field
    }

    /// The object that these are the fields of.
    pub(super) const fn node(&self) -> &Node<'a> {
        &self.of
    }
}

impl<'a> Reader<'a> {
    /// A reader of a file whose syntax has been read.
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, faults: Vec::new() }
    }

    /// All that was found to be wrong, in order of the places.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        self.faults.sort_by_key(|it| (it.range.start, it.range.end));
        self.faults
    }

    /// How much was found to be wrong so far.
    pub(super) const fn n_faults(&self) -> usize {
        self.faults.len()
    }

    /// Whether so much is wrong that nobody would read more.
    pub(super) const fn is_hopeless(&self) -> bool {
        FAULTS_MAX <= self.faults.len()
    }

    /// Whether anything was found to be wrong.
    pub(super) const fn has_faults(&self) -> bool {
        !self.faults.is_empty()
    }

    /// Notes a fault; what is read twice has its faults once.
    fn note(&mut self, fault: Fault) {
        if self.is_hopeless() {
            return; // Nobody would read more.
        }
        let is_known = |it: &Fault| it.pointer == fault.pointer && it.problem == fault.problem;
        if !self.faults.iter().any(is_known) {
            self.faults.push(fault);
        }
    }

    /// Notes that something is wrong at a value.
    pub(super) fn fault(
        &mut self,
        at: &Node<'a>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let mut range = at.range();
        if at.is_object() {
            range.end = range.start + 1; // Point at the brace, not at all that it holds.
        }
        self.note(Fault {
            pointer: at.pointer.clone(),
            range,
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    /// Notes that an object lacks a field.
    pub(super) fn missing(&mut self, at: &Node<'a>, name: &str) {
        self.fault(at, format!("`{name}` is missing"), format!("add `\"{name}\": …`"));
    }

    /// Notes that a value is not of the type that is wanted; `wanted` completes "expected …".
    pub(super) fn wrong_type(&mut self, at: &Node<'a>, wanted: &str, remedy: &str) {
        let found = match at.value {
            Value::StringLit(_) | Value::NumberLit(_) | Value::BooleanLit(_) => {
                format!("`{}`", self.shown(at))
            }
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::NullKeyword(_) => "null".to_owned(),
        };
        self.fault(at, format!("expected {wanted}, found {found}"), remedy);
    }

    /// A value as a message may show it.
    pub(super) fn shown(&self, at: &Node<'a>) -> String {
        match at.as_str() {
            Some(text) => excerpt(text),
            None => excerpt(&self.text[at.range()]),
        }
    }

    /// The fields of an object; those not `known` are faults, and so are those given twice.
    pub(super) fn fields(&mut self, at: Node<'a>, known: &[&'static str]) -> Option<Fields<'a>> {
        let mut fields = BTreeMap::new();
        for (name, node) in self.properties(&at, &sketch(known), Some(known))? {
            fields.insert(name, node);
        }
        Some(Fields { of: at, fields })
    }

    /// The fields of an object whose keys are names that the author chose.
    pub(super) fn entries(&mut self, at: &Node<'a>) -> Option<Vec<(&'a str, Node<'a>)>> {
        self.properties(at, "\"name\": …", None)
    }

    fn properties(
        &mut self,
        at: &Node<'a>,
        wanted: &str,
        known: Option<&[&'static str]>,
    ) -> Option<Vec<(&'a str, Node<'a>)>> {
        let Some(object) = at.value.as_object() else {
            self.wrong_type(at, "an object", &format!("write {{ {wanted} }}"));
            return None;
        };
        let mut properties: Vec<(&str, Node<'_>)> = Vec::new();
        let mut seen = BTreeSet::new();
        for property in &object.properties {
            let name = match &property.name {
                ObjectPropName::String(it) => it.value.as_ref(),
                ObjectPropName::Word(it) => it.value,
            };
            let node = at.child(name, &property.value);
            let key = property.name.range();
            let mut fault = |problem: String, remedy: String| {
                let (pointer, range) = (node.pointer.clone(), key.start..key.end);
                self.note(Fault { pointer, range, problem, remedy });
            };
            if known.is_some_and(|it| !it.contains(&name)) {
                let remedy = suggest(name, known.unwrap_or_default().iter().copied());
                fault(format!("unknown field `{}`", excerpt(name)), remedy);
            } else if seen.insert(name) {
                properties.push((name, node));
            } else {
                let problem = format!("field `{}` is given twice", excerpt(name));
                fault(problem, "keep one of them".to_owned());
            }
        }
        Some(properties)
    }

    /// The one field of an object that says which kind of thing it is.
    pub(super) fn variant(
        &mut self,
        at: Node<'a>,
        kinds: &[&'static str],
    ) -> Option<(&'static str, Node<'a>)> {
        let n_faults = self.faults.len();
        let mut fields = self.fields(at, kinds)?;
        let present: Vec<_> = kinds
            .iter()
            .filter_map(|kind| fields.optional(kind).map(|node| (*kind, node)))
            .collect();
        match <[_; 1]>::try_from(present) {
            Ok([one]) => Some(one),
            Err(present) => {
                if self.faults.len() == n_faults {
                    let n = present.len();
                    self.fault(
                        fields.node(),
                        format!("expected one of these fields, found {n}"),
                        format!("write exactly one of {}", sketch(kinds)),
                    );
                }
                None
            }
        }
    }

    /// The elements of a list.
    pub(super) fn list(&mut self, at: &Node<'a>, of: &str) -> Option<Vec<Node<'a>>> {
        let Some(array) = at.value.as_array() else {
            self.wrong_type(at, &format!("a list of {of}"), "write [ … ]");
            return None;
        };
        let elements = array.elements.iter().enumerate();
        Some(elements.map(|(index, value)| at.child(&index.to_string(), value)).collect())
    }

    /// A string.
    pub(super) fn text(&mut self, at: &Node<'a>) -> Option<&'a str> {
        let text = at.as_str();
        if text.is_none() {
            self.wrong_type(at, "a string", "write it in double quotes");
        }
        text
    }

    /// `true` or `false`, and what they stand for.
    pub(super) fn boolean<T>(&mut self, at: &Node<'a>, (yes, no): (T, T)) -> Option<T> {
        match at.value.as_boolean_lit() {
            Some(it) => Some(if it.value { yes } else { no }),
            None => {
                self.wrong_type(at, "true or false", "write it without quotes");
                None
            }
        }
    }

    /// A whole number in a range.
    pub(super) fn integer(&mut self, at: &Node<'a>, legal: RangeInclusive<u64>) -> Option<u64> {
        let number = at.value.as_number_lit().and_then(|it| it.value.parse().ok());
        match number {
            Some(number) if legal.contains(&number) => Some(number),
            _ => {
                let (least, most) = legal.into_inner();
                let (wanted, remedy) = if least == most {
                    (format!("the number {least}"), format!("it must be {least}"))
                } else {
                    let wanted = format!("a whole number from {least} to {most}");
                    (wanted, format!("write a number such as {least}"))
                };
                self.wrong_type(at, &wanted, &remedy);
                None
            }
        }
    }

    /// A duration: text with a unit.
    pub(super) fn span(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        const REMEDY: &str = "write a number with a unit, such as \"90s\", \"20min\" or \"1.5s\"";
        let Some(text) = at.as_str() else {
            self.wrong_type(at, "a duration", REMEDY);
            return None;
        };
        match SimSpan::from_str(text) {
            Ok(span) => Some(span),
            Err(error) => {
                self.fault(at, format!("`{}` is not a duration: {error}", self.shown(at)), REMEDY);
                None
            }
        }
    }

    /// A duration that is longer than nothing.
    pub(super) fn positive_span(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let span = self.span(at)?;
        if span.is_zero() {
            self.fault(at, "the duration is zero", "write one longer than nothing");
            return None;
        }
        Some(span)
    }

    /// A probability: text, or a number taken digit by digit.
    pub(super) fn probability(&mut self, at: &Node<'a>) -> Option<Probability> {
        let text = at.as_str().or_else(|| at.number_text());
        let probability = text.and_then(|it| it.parse().ok());
        if probability.is_none() {
            let remedy = "write \"1%\" or \"0.01\", with at most 12 decimals";
            self.wrong_type(at, "a probability from 0 to 1", remedy);
        }
        probability
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        at: &Node<'a>,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(at)?;
        let meaning = words.iter().find(|(word, _)| *word == text).map(|(_, it)| *it);
        if meaning.is_none() {
            let remedy = suggest(text, words.iter().map(|(word, _)| *word));
            self.fault(at, format!("unknown word `{}`", self.shown(at)), remedy);
        }
        meaning
    }
}

fn sketch(fields: &[&str]) -> String {
    fields.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}
