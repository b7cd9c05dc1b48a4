//! Profiles for a terminal and for machines: every value, and what it rests on.
//!
//! No line is wider than 80 columns.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::{
    report::text::{Ink, clipped, wrapped},
    scenario::{
        parameter,
        profile::{Grade, Profile},
    },
};

/// How many values rest on what: `7 of the document, 3 read in code, 4 our choice`.
pub fn grades(profile: &Profile) -> String {
    let mut counts = [0_usize; Grade::ALL.len()];
    for (_, _, evidence) in profile.values() {
        counts[evidence.grade as usize] += 1;
    }
    let words = ["of the document", "read in code", "our choice", "of the scenario"];
    let counted = counts.iter().zip(words).filter(|(n, _)| **n != 0);
    counted.map(|(n, words)| format!("{n} {words}")).collect::<Vec<_>>().join(", ")
}

/// The profiles by name: what each is, and what it is based on.
pub fn list(profiles: &[&Profile], ink: Ink) -> String {
    let mut text = ink.faint("profile      base         description") + "\n";
    for profile in profiles {
        let base = profile.base().unwrap_or("-");
        let mut head = format!("{:<12} {:<12}", clipped(profile.name(), 12), clipped(base, 12));
        for line in wrapped(profile.description(), 54) {
            let _ = writeln!(text, "{head} {line}");
            head = " ".repeat(25);
        }
    }
    text
}

/// All values of a profile, each with its grade and where to read of it.
pub fn show(profile: &Profile, ink: Ink) -> String {
    let base = profile.base().map(|it| format!("  (based on {it})")).unwrap_or_default();
    let mut text = format!("{}{base}\n", profile.name());
    for line in wrapped(profile.description(), 78) {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "  values: {}\n", grades(profile));
    let head = format!("  {:<22} {:<9} value and source", "parameter", "grade");
    let _ = writeln!(text, "{}", ink.faint(&head));
    for (path, value, evidence) in profile.values() {
        let mut head = format!("  {:<22} {:<9}", clipped(path, 22), evidence.grade.name());
        for line in wrapped(&in_words(&value), 45) {
            let _ = writeln!(text, "{head} {line}");
            head = " ".repeat(34);
        }
        for line in wrapped(&evidence.source, 45) {
            let _ = writeln!(text, "{head} {}", ink.faint(&line));
        }
    }
    text
}

/// A value without the marks of JSON.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let words = |(name, it): (&String, &Value)| format!("{name} {}", in_words(it));
            fields.iter().map(words).collect::<Vec<_>>().join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A profile as a profile file that sets all values itself.
pub fn to_json(profile: &Profile) -> Value {
    let evidence = profile.values().map(|(path, _, it)| {
        (path.to_owned(), json!({ "grade": it.grade.name(), "source": it.source }))
    });
    let evidence: Map<_, _> = evidence.collect();
    let mut file = json!({
        "version": 1,
        "name": profile.name(),
        "description": profile.description(),
    });
    if let Some(base) = profile.base() {
        file["base"] = json!(base);
    }
    file["parameters"] = parameter::object(profile.rules());
    file["evidence"] = Value::Object(evidence);
    file
}
