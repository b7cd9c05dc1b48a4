//! House rules that neither the compiler nor clippy can see.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// One layer and the layers it may import.
type Layer = (&'static str, &'static [&'static str]);

/// The layers, lowest first.  A layer lists only what stands above it here, so no ring can form.
const LAYERS: &[Layer] = &[
    ("time", &[]),
    ("id", &[]),
    ("units", &["time"]),
    ("rng", &[]),
    ("engine", &["time"]),
    ("protocol", &["time", "id"]),
    ("link", &["time", "units", "rng"]),
    ("observe", &["time", "id", "protocol", "link"]),
    ("scenario", &["time", "id", "units", "rng", "protocol", "link"]),
    ("sim", &["time", "id", "rng", "engine", "protocol", "link", "observe", "scenario"]),
    ("sink", &["time", "id", "protocol", "link", "observe", "scenario"]),
    ("report", &["time", "id", "protocol", "link", "scenario", "sink"]),
];

/// The longest file, without its tests.
const LINES_MAX: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn layers_list_only_lower_layers() {
    for (i, (name, allowed)) in LAYERS.iter().enumerate() {
        for lower in *allowed {
            assert!(LAYERS[..i].iter().any(|(it, _)| it == lower), "{name} lists {lower}");
        }
    }
}

#[test]
fn layers_import_only_what_they_list() {
    let src = root().join("src");
    let mut faults = Vec::new();
    for file in rust_files(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        let layer = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if ["lib", "main", "cli"].contains(&layer) {
            continue; // They stand above all layers.
        }
        let (_, allowed) = LAYERS
            .iter()
            .find(|(name, _)| *name == layer)
            .unwrap_or_else(|| panic!("{} is in no layer", inside.display()));
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("super::super"), "{}: write crate::", inside.display());
        for used in imports(&text) {
            if used != layer && !allowed.contains(&&*used) {
                faults.push(format!("{}: {layer} may not use {used}", inside.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn imports_are_found() {
    let text = "use crate::{\n    a::{B, C},\n    d,\n};\nuse crate::e;\nfn f(_: crate::g::H) {}";
    assert_eq!(imports(text), ["a", "d", "e", "g"]);
}

#[test]
fn only_the_command_line_touches_the_world_outside() {
    let words = ["std::fs", "std::env", "std::process", "std::net", "println!", "clap", "miette"];
    let src = root().join("src");
    for file in rust_files(&src) {
        let inside = file.strip_prefix(&src).unwrap();
        if inside.starts_with("cli") || inside == Path::new("main.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        for word in words {
            assert!(!text.contains(word), "{} uses {word}", inside.display());
        }
    }
}

#[test]
fn files_are_short() {
    for file in rust_files(&root().join("src")).into_iter().chain(rust_files(&root().join("tests")))
    {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().take_while(|it| *it != "#[cfg(test)]").count();
        assert!(code <= LINES_MAX, "{} has {code} lines", file.display());
    }
}

#[test]
fn every_rule_is_implemented_and_asserted() {
    let rules = fs::read_to_string(root().join("docs/spec.md")).unwrap();
    let rules: BTreeSet<String> = rules
        .lines()
        .filter_map(|it| it.strip_prefix("- **R")?.split_once("**"))
        .map(|(number, _)| format!("R{number}"))
        .collect();
    assert!(30 < rules.len(), "only {} rules were found", rules.len());
    for folder in ["src", "tests"] {
        let mut cited = BTreeSet::new();
        for file in rust_files(&root().join(folder)) {
            cited.extend(citations(&fs::read_to_string(&file).unwrap()));
        }
        let missing: Vec<_> = rules.difference(&cited).collect();
        assert!(missing.is_empty(), "{folder} cites no {missing:?}");
        let unknown: Vec<_> = cited.difference(&rules).collect();
        assert!(unknown.is_empty(), "{folder} cites unknown {unknown:?}");
    }
}

#[test]
fn every_scenario_tells_its_story() {
    for entry in fs::read_dir(root().join("scenarios")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue; // What scenarios name.
        }
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(text.contains("\"description\""), "{name} has no description");
        assert!(text.contains("\"expect\""), "{name} expects nothing");
        assert!(text.contains(&format!("\"name\": \"{name}\"")), "{name} has another name inside");
    }
}

#[test]
fn nothing_is_left_half_done() {
    let marks = ["to".to_owned() + "do!", "FIX".to_owned() + "ME", "dbg".to_owned() + "!("];
    for folder in ["src", "tests"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            for mark in &marks {
                assert!(!text.contains(mark), "{} has {mark}", file.display());
            }
        }
    }
}

/// The rules that follow the word `spec` and a colon.
fn citations(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split("spec: ").skip(1) {
        for word in part.split(", ") {
            let end = word.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(word.len());
            let rule = &word[..end];
            let is_rule = rule.len() > 1
                && rule.starts_with('R')
                && rule[1..].bytes().all(|it| it.is_ascii_digit());
            if !is_rule {
                break;
            }
            found.push(rule.to_owned());
            if end < word.len() {
                break; // The list ended with this rule.
            }
        }
    }
    found
}

/// The modules that follow `crate::`, also those in a braced list over several lines.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in text.split("crate::").skip(1) {
        let Some(list) = part.strip_prefix('{') else {
            found.extend(first_word(part));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if 0 < depth => depth -= 1,
                ',' | '}' if depth == 0 => {
                    found.extend(first_word(&list[start..i]));
                    start = i + 1;
                    if c == '}' {
                        break;
                    }
                }
                _ => (),
            }
        }
    }
    found
}

fn first_word(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (0 < end).then(|| text[..end].to_owned())
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}
