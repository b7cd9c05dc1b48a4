//! Profiles: named sets of parameters, each value with the evidence that it rests on.
//!
//! A profile is a file of the folder `profiles/`, compiled in.  A scenario names one, and may
//! change what it likes.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::Value;

use crate::{
    protocol::rules::{Anchor, Detect, Rules},
    scenario::{
        fault::{Fault, suggest},
        name::{self, NameOf},
        parameter::{self, Given, PARAMETERS, Parameter},
        parse::Draft,
        read::{Node, Reader, syntax},
    },
};

/// The files that are compiled in, each after its base.
const FILES: &[(&str, &str)] = &[
    ("zego-doc", include_str!("../../profiles/zego-doc.json")),
    ("zego", include_str!("../../profiles/zego.json")),
    ("zego-100s", include_str!("../../profiles/zego-100s.json")),
    ("zego-web", include_str!("../../profiles/zego-web.json")),
];

static BUILT_IN: LazyLock<Vec<BuiltIn>> = LazyLock::new(|| {
    let mut files: Vec<BuiltIn> = Vec::new();
    for (name, text) in FILES {
        let bases: Vec<&Profile> = files.iter().filter_map(BuiltIn::profile).collect();
        let read = read(text, &bases);
        files.push(BuiltIn { name, text, read });
    }
    files
});

/// A file that is compiled in.
#[derive(Debug)]
pub struct BuiltIn {
    /// The file's name, without its ending.
    pub name: &'static str,
    /// What is in it.
    pub text: &'static str,
    /// The profile, or what is wrong with the file.
    pub read: Result<Profile, Vec<Fault>>,
}

impl BuiltIn {
    /// The files that are compiled in.
    pub fn all() -> &'static [Self] {
        &BUILT_IN
    }

    fn profile(&self) -> Option<&Profile> {
        self.read.as_ref().ok()
    }
}

/// A named set of parameters, or a scenario's changes to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    name: String,
    base: Option<String>,
    description: String,
    rules: Rules,
    /// By the paths of all parameters that have a value.
    evidence: BTreeMap<&'static str, Evidence>,
}

/// Why a parameter has its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How good a reason that is.
    pub grade: Grade,
    /// Where to read of it.
    pub source: String,
}

/// What kind of reason there is for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// The document says so.
    Document,
    /// It was read in published code.
    Code,
    /// It is our choice.
    Choice,
    /// The scenario sets it.
    Scenario,
}

impl Grade {
    /// All grades and their names, the best first.
    pub const ALL: [(&'static str, Self); 4] = [
        ("document", Self::Document),
        ("code", Self::Code),
        ("choice", Self::Choice),
        ("scenario", Self::Scenario),
    ];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

impl Profile {
    /// All profiles that a scenario can name.
    pub fn all() -> impl Iterator<Item = &'static Self> + Clone {
        BUILT_IN.iter().filter_map(BuiltIn::profile)
    }

    /// The profile of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|it| it.name == name)
    }

    /// Reads a profile file, or tells all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        read(text, &Self::all().collect::<Vec<_>>())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the profile from which it takes what it does not set itself.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// What it is, in a sentence or two.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The parameters.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Every parameter that has a value: its path, the value as a file would set it, the evidence.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, Value, &Evidence)> {
        PARAMETERS.iter().filter_map(|it| {
            let value = it.value(&self.rules)?;
            Some((it.path(), value, &self.evidence[it.path()]))
        })
    }

    /// The paths of all parameters that have a value.
    fn paths(&self) -> impl Iterator<Item = &'static str> {
        PARAMETERS.iter().filter(|it| it.value(&self.rules).is_some()).map(Parameter::path)
    }

    /// Those of them that there is no evidence for.
    fn unproven(&self) -> Vec<&'static str> {
        self.paths().filter(|it| !self.evidence.contains_key(it)).collect()
    }

    /// Drops the evidence for what has no value any more.
    fn tidied(mut self) -> Self {
        let paths: Vec<_> = self.paths().collect();
        self.evidence.retain(|path, _| paths.contains(path));
        self
    }
}

/// Reads a profile file whose base is one of these.
fn read(text: &str, bases: &[&Profile]) -> Result<Profile, Vec<Fault>> {
    let root = syntax(text, "profile").map_err(|fault| vec![fault])?;
    let mut reader = Reader::new(text);
    let profile = file(&mut reader, Node::root(&root), bases);
    if reader.has_faults() {
        return Err(reader.into_faults());
    }
    Ok(profile.expect("a profile without faults is whole"))
}

fn file<'a>(reader: &mut Reader<'a>, root: Node<'a>, bases: &[&Profile]) -> Option<Profile> {
    let known = ["version", "name", "description", "base", "parameters", "evidence"];
    let mut fields = reader.fields(root, &known)?;
    if let Some(version) = fields.required(reader, "version") {
        reader.integer(&version, 1..=1);
    }
    let name = fields.required(reader, "name");
    let name = name.and_then(|it| name::read(reader, &it, NameOf::Profile));
    let description = fields.required(reader, "description");
    let description = description.and_then(|it| sentence(reader, &it));
    let parameters = fields.required(reader, "parameters");
    let evidence_at = fields.required(reader, "evidence");
    let n_faults = reader.n_faults();
    let base_at = fields.optional("base");
    let base = base_at.as_ref().and_then(|it| base_named(reader, it, bases));
    let mut rules = base.map_or_else(parameter::blank, |it| it.rules.clone());
    let at = parameters?;
    let mut inner = reader.fields(at.clone(), &parameter::fields())?;
    let given = parameter::read(reader, &mut inner, &mut rules);
    if reader.n_faults() == n_faults {
        check_liveness(reader, &at, &rules);
    }
    let own = evidence(reader, evidence_at?, &given)?;
    let profile = Profile {
        name: name.unwrap_or_default().to_owned(),
        base: base.map(|it| it.name.clone()),
        description: description.unwrap_or_default().to_owned(),
        rules,
        evidence: base.into_iter().flat_map(|it| it.evidence.clone()).chain(own).collect(),
    };
    if base.is_some() == base_at.is_some() {
        for path in profile.unproven().into_iter().filter(|it| !given.contains_key(it)) {
            let remedy = "set it, with its evidence: no base does";
            reader.fault(&at, format!("`{path}` is missing"), remedy);
        }
    }
    Some(profile.tidied())
}

/// The evidence for what a file sets: for all of it, and for nothing else.
fn evidence<'a>(
    reader: &mut Reader<'a>,
    at: Node<'a>,
    given: &Given<'a>,
) -> Option<BTreeMap<&'static str, Evidence>> {
    let mut paths: Vec<_> = PARAMETERS.iter().map(Parameter::path).collect();
    paths.dedup();
    let mut fields = reader.fields(at, &paths)?;
    let mut evidence = BTreeMap::new();
    for path in paths {
        match (fields.optional(path), given.get(path)) {
            (Some(it), set) => {
                if set.is_none() {
                    let remedy = "set it under `parameters`, or leave its evidence out";
                    reader.fault(&it, format!("`{path}` is not set in this file"), remedy);
                }
                evidence.extend(proof(reader, it).map(|it| (path, it)));
            }
            (None, Some(set)) => {
                let remedy =
                    format!("add `\"{path}\": {{ \"grade\": …, \"source\": … }}` to `evidence`");
                reader.fault(set, format!("`{path}` has no evidence"), remedy);
            }
            (None, None) => (),
        }
    }
    Some(evidence)
}

fn proof<'a>(reader: &mut Reader<'a>, at: Node<'a>) -> Option<Evidence> {
    let mut fields = reader.fields(at, &["grade", "source"])?;
    let grade = fields.required(reader, "grade");
    let grades = Grade::ALL.iter().copied().filter(|(_, it)| *it != Grade::Scenario);
    let grade = grade.and_then(|it| reader.word(&it, &grades.collect::<Vec<_>>()));
    let source = fields.required(reader, "source");
    let source = source.and_then(|it| sentence(reader, &it));
    Some(Evidence { grade: grade?, source: source?.to_owned() })
}

/// A text that says something.
fn sentence<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<&'a str> {
    let text = reader.text(at)?;
    if text.trim().is_empty() {
        reader.fault(at, "the text is empty", "write a sentence");
        return None;
    }
    Some(text)
}

fn base_named<'a, 'b>(
    reader: &mut Reader<'a>,
    at: &Node<'a>,
    bases: &[&'b Profile],
) -> Option<&'b Profile> {
    let name = reader.text(at)?;
    let base = bases.iter().find(|it| it.name == name).copied();
    if base.is_none() {
        let remedy = suggest(name, bases.iter().map(|it| it.name()));
        let problem = format!("no profile is named `{}`", reader.shown(at));
        reader.fault(at, problem, remedy);
    }
    base
}

/// Whoever counts silence must be sent something.
fn check_liveness<'a>(reader: &mut Reader<'a>, at: &Node<'a>, rules: &Rules) {
    if rules.heartbeat.is_some() {
        return;
    }
    let remedy = "give `heartbeat` an interval, such as { \"every\": \"5s\" }";
    if rules.lease.anchor != Anchor::Outage {
        reader.fault(at, "a lease from the last message needs heartbeats", remedy);
    }
    if matches!(rules.detect, Detect::BySilence { .. }) {
        reader.fault(at, "detection by silence needs heartbeats", remedy);
    }
}

impl<'a> Draft<'a> {
    /// The profile that a scenario names, with the scenario's own changes.
    pub(super) fn profile(&mut self, at: Node<'a>) -> Option<Profile> {
        let reader = &mut self.reader;
        let bases: Vec<&Profile> = Profile::all().collect();
        if !at.is_object() {
            return base_named(reader, &at, &bases).cloned();
        }
        let known = [&["base"], &*parameter::fields()].concat();
        let mut fields = reader.fields(at, &known)?;
        let n_faults = reader.n_faults();
        let base = fields.required(reader, "base");
        let base = base.and_then(|it| base_named(reader, &it, &bases));
        // Without a base, the rest is still read for its faults.
        let mut rules = base.map_or_else(parameter::blank, |it| it.rules.clone());
        let given = parameter::read(reader, &mut fields, &mut rules);
        if reader.n_faults() == n_faults {
            check_liveness(reader, fields.node(), &rules);
        }
        let mut profile = Profile { rules, ..base?.clone() };
        for path in given.into_keys().chain(profile.unproven()) {
            let source = "set by the scenario".to_owned();
            profile.evidence.insert(path, Evidence { grade: Grade::Scenario, source });
        }
        Some(profile.tidied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evidence for heartbeats that a profile turned off is not evidence for those of another.
    #[test]
    fn evidence_ends_with_the_value_that_it_was_for() {
        let file = |name: &str, base: &str, set: &str, paths: &[&str]| {
            let proof = |it: &&str| format!(r#""{it}": {{ "grade": "code", "source": "{name}" }}"#);
            let evidence = paths.iter().map(proof).collect::<Vec<_>>().join(", ");
            format!(
                r#"{{ "version": 1, "name": "{name}", "description": "a test", "base": "{base}",
                "parameters": {{ {set} }}, "evidence": {{ {evidence} }} }}"#
            )
        };
        let zego = Profile::named("zego").unwrap();
        let set = r#""heartbeat": "none", "detect": "at_outage", "lease": { "anchor": "outage" }"#;
        let off = file("off", "zego", set, &["heartbeat", "detect", "lease.anchor"]);
        let off = read(&off, &[zego]).unwrap();
        let on = file("on", "off", r#""heartbeat": { "every": "9s" }"#, &["heartbeat.every"]);
        let faults = read(&on, &[&off]).unwrap_err();
        let problems: Vec<&str> = faults.iter().map(|it| &*it.problem).collect();
        assert_eq!(problems, ["`heartbeat.phase` is missing"]);
    }
}
