//! Profiles: that the files are whole, that their numbers are the document's, and that every value
//! tells what it rests on.

use std::{collections::BTreeMap, fs, path::Path};

use roomsim::{
    protocol::{
        code::ErrorCode,
        gate::Rate,
        retry::{Budget, Exponential, Jitter, LateAnswer, Retry, Schedule, Share, Wait, WaitFrom},
        rules::{
            Adapt, Anchor, Detect, Heartbeat, Lease, Lengths, Memory, NotifyGate, Phase, Rates,
            Resend, Rules, TokenExpiry,
        },
    },
    report::profile,
    scenario::{
        Scenario,
        fault::line_and_column,
        parameter::{self, PARAMETERS, Parameter},
        profile::{BuiltIn, Grade, Profile},
    },
    sim,
    sink::manifest::Manifest,
    time::SimSpan,
};
use serde_json::{Value, json};

use crate::{
    cli::{Place, assert_has, assert_plain},
    support::{Ran, rules_of, run},
};

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn profile(name: &str) -> &'static Profile {
    Profile::named(name).unwrap_or_else(|| panic!("no profile {name}"))
}

/// A scenario without events that has this profile.
fn scenario_text(profile: &Value) -> String {
    let scenario = json!({
        "version": 1, "name": "idle", "duration": "1min", "profile": profile,
        "links": { "home": {} }, "clients": [{ "name": "A", "link": "home" }], "script": [],
    });
    scenario.to_string()
}

fn run_json(ran: &Ran) -> Value {
    let (judged, Ran { scenario, trace, counters, fingerprint, .. }) = (ran.judged(), ran);
    let manifest = Manifest {
        settings: &[],
        scenario,
        scenario_sha256: "",
        files: &BTreeMap::new(),
        seed: 1,
        trace,
        fingerprint,
        counters,
        judged: &judged,
        each_one: &sim::obstacles(scenario),
    };
    serde_json::from_slice(&manifest.to_json()).unwrap()
}

/// The grades of a run, by parameter.
fn graded(profile: &Value) -> BTreeMap<String, String> {
    let json = run_json(&run(&scenario_text(profile), None));
    serde_json::from_value(json["evidence"].clone()).unwrap()
}

/// How many of the grades are which, in words.
fn counted(grades: &BTreeMap<String, String>) -> String {
    let words = [
        ("document", "of the document"),
        ("code", "read in code"),
        ("choice", "our choice"),
        ("scenario", "of the scenario"),
    ];
    let count = |grade: &str| grades.values().filter(|it| *it == grade).count();
    let counts = words.map(|(grade, words)| (count(grade), words));
    let some = counts.iter().filter(|(n, _)| *n != 0);
    some.map(|(n, words)| format!("{n} {words}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_files_compiled_in_are_those_of_the_folder_and_have_no_fault() {
    let mut names: Vec<&str> = Vec::new();
    for BuiltIn { name, text, read } in BuiltIn::all() {
        assert_eq!(*text, file(&format!("profiles/{name}.json")));
        let profile = read.as_ref().unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
        assert_eq!(profile.name(), *name);
        assert_eq!(Profile::parse(text).as_ref(), Ok(profile));
        names.push(name);
    }
    let folder = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles")).unwrap();
    let mut files: Vec<String> =
        folder.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    let mut wanted: Vec<String> = names.iter().map(|it| format!("{it}.json")).collect();
    files.sort();
    wanted.sort();
    assert_eq!(files, wanted);
}

#[test]
fn the_numbers_of_the_document_are_in_the_profiles() {
    let [secs, millis] = [SimSpan::from_secs, SimSpan::from_millis];
    for name in ["zego-doc", "zego", "zego-100s"] {
        let rules = rules_of(name);
        // spec: R15
        let lease = if name == "zego-100s" { secs(100) } else { secs(90) };
        assert_eq!(rules.lease.after, lease, "{name}");
        // spec: R16
        assert_eq!(rules.retry.budget, Budget::Time(secs(20 * 60)), "{name}");
        // spec: R17
        let one_way = 50_000;
        let login = one_way + rules.login_processing.as_micros() + one_way;
        assert_eq!(login, 120_000, "{name}");
        // spec: R18, R23
        assert_eq!(rules.fan_out, millis(100), "{name}");
        for path in ["lease.after", "retry.budget", "login_processing", "fan_out"] {
            let mut values = profile(name).values();
            let (_, _, evidence) = values.find(|(it, ..)| *it == path).unwrap();
            assert_eq!(evidence.grade, Grade::Document, "{name} {path}");
        }
    }
    // spec: R19, R21
    let letter = rules_of("zego-doc");
    let told = (letter.heartbeat, letter.detect, letter.lease.anchor);
    assert_eq!(told, (None, Detect::AtOutage, Anchor::Outage));
}

#[test]
fn every_source_cites_what_is_on_its_page() {
    let [rules, assumptions] = ["docs/spec.md", "docs/assumptions.md"].map(file);
    for it in Profile::all() {
        for (path, _, evidence) in it.values() {
            let words = evidence.source.split(|it: char| !it.is_ascii_alphanumeric());
            let number = |word: &str| word.get(1..).is_some_and(|it| it.parse::<u32>().is_ok());
            let cited: Vec<&str> =
                words.filter(|it| it.starts_with(['A', 'R']) && number(it)).collect();
            for word in &cited {
                let known = rules.contains(&format!("- **{word}** "))
                    || assumptions.contains(&format!("| {word} |"));
                assert!(known, "{} {path} cites {word}", it.name());
            }
            // A rule for what the document says, an assumption for the rest.
            let needed = if evidence.grade == Grade::Document { 'R' } else { 'A' };
            let is_cited = cited.iter().any(|it| it.starts_with(needed));
            assert!(is_cited, "{} {path}: {}", it.name(), evidence.source);
        }
    }
}

/// Rules of which every value differs from that of every profile.  A new parameter must be set
/// here, too; [`every_parameter_is_read_shown_and_told`] says whether it is known everywhere.
fn strange_rules() -> [Rules; 2] {
    let secs = SimSpan::from_secs;
    let exponential =
        Exponential { base: secs(2), factor_milli: 1500, cap: secs(33), jitter: Jitter::Equal };
    let beating = Rules {
        heartbeat: Some(Heartbeat { every: secs(7), phase: Phase::After(secs(3)) }),
        lease: Lease { after: secs(71), anchor: Anchor::LastMessage },
        detect: Detect::BySilence { probe_after: secs(4), broken_after: secs(9) },
        retry: Retry {
            schedule: Schedule::Exponential(exponential),
            from: WaitFrom::Start,
            attempt_timeout: secs(11),
            late_answer: LateAnswer::Accepted,
            budget: Budget::Attempts(5),
        },
        login_processing: secs(12),
        fan_out: secs(13),
        resend: Resend { first: secs(14), cap: secs(15), adapt: Adapt::Never },
        logout_timeout: secs(16),
        kick_memory: Memory::Off,
        notify_gate: NotifyGate::Receiver,
        notice_limit: 17,
        login_rate: Some(Rate::per_second(18)),
        rooms_max: 19,
        token_expiry: TokenExpiry::Kick,
        token_warning: secs(20),
        online_count: Some(secs(21)),
        reconnecting_code: ErrorCode::NETWORK_DISCONNECTED,
        debounce: secs(22),
        rates: Rates {
            user_messages: Rate::one_in(secs(23)),
            room_messages: Rate::per_second(24),
            extra_infos: Rate::per_second(25),
        },
        lengths: Lengths {
            user_id: 26,
            user_name: 27,
            room_id: 28,
            message: 29,
            extra_key: 30,
            extra_value: 31,
        },
    };
    let waits = vec![
        Wait::Exactly(secs(6)),
        Wait::Seconds { from: 1, to: 4 },
        Wait::Uniform { from: SimSpan::from_millis(500), to: secs(5) },
        Wait::Around { wait: secs(8), share: Share::from_milli(255).unwrap() },
    ];
    let silent = Rules {
        heartbeat: None,
        lease: Lease { after: secs(71), anchor: Anchor::Outage },
        detect: Detect::AtOutage,
        retry: Retry { schedule: Schedule::List(waits), ..beating.retry.clone() },
        ..beating.clone()
    };
    [beating, silent]
}

#[test]
fn every_parameter_is_read_shown_and_told() {
    let docs = file("docs/scenario.md");
    for rules in strange_rules() {
        let shown = parameter::object(&rules);
        for base in ["zego-doc", "zego"] {
            let mut profile = shown.clone();
            profile["base"] = json!(base);
            let ran = run(&scenario_text(&profile), None);
            assert_eq!(ran.scenario.rules(), &rules, "what is shown is read as it was");
            assert_eq!(run_json(&ran)["parameters"], shown);
            let valued = PARAMETERS.iter().filter(|it| it.value(&rules).is_some());
            let paths: Vec<&str> = valued.map(Parameter::path).collect();
            let grades = run_json(&ran)["evidence"].clone();
            let grades = grades.as_object().unwrap();
            assert!(grades.keys().eq(&paths), "{grades:?}");
            assert!(grades.values().all(|it| it == "scenario"), "{grades:?}");
        }
    }
    for path in PARAMETERS.iter().map(Parameter::path) {
        let group = path.split('.').next().unwrap();
        let is_told =
            docs.contains(&format!("`{path}`")) || docs.contains(&format!("| `{group}` |"));
        assert!(is_told, "docs/scenario.md does not tell of `{path}`");
    }
}

#[test]
fn what_a_scenario_sets_is_graded_as_its_own() {
    let named = graded(&json!("zego"));
    assert_eq!(named["lease.after"], "document");
    assert_eq!(named["heartbeat.phase"], "code");
    assert_eq!(named["lease.anchor"], "choice");
    assert!(named.values().all(|it| it != "scenario"), "{named:?}");
    let changed = graded(&json!({
        "base": "zego", "heartbeat": { "every": "5s" }, "retry": { "fixed": "1s" },
    }));
    for (path, grade) in named {
        let is_own = ["heartbeat.every", "retry.schedule"].contains(&&*path);
        assert_eq!(changed[&path], if is_own { "scenario" } else { &*grade }, "{path}");
    }
    // Where there were none, the phase is not the base's either; and without any, there is none.
    let beating = graded(&json!({ "base": "zego-doc", "heartbeat": { "every": "5s" } }));
    assert_eq!(beating["heartbeat.phase"], "scenario");
    assert!(!beating.contains_key("heartbeat"));
    let silent = graded(&json!({
        "base": "zego", "heartbeat": "none", "detect": "at_outage", "lease": { "anchor": "outage" },
    }));
    assert_eq!(silent["heartbeat"], "scenario");
    assert!(!silent.contains_key("heartbeat.every"), "{silent:?}");
}

#[test]
fn the_profile_in_the_docs_is_the_one_on_file() {
    let docs = file("docs/scenario.md");
    let start = docs.find("{\n  \"version\": 1,\n  \"name\": \"zego-100s\"").unwrap();
    let text = docs[start..].split("```").next().unwrap();
    let read = Profile::parse(text).unwrap();
    let of_file = profile("zego-100s");
    assert_eq!((read.rules(), read.base()), (of_file.rules(), of_file.base()));
}

/// A profile file with five faults, and what is to be said of each.
const FAULTY: &str = r#"{
  "version": 1, "name": "my/own", "description": "five faults", "base": "zego",
  "parameters": { "fan_out": "1", "lease": { "after": "80s" }, "kick_memory": "off" },
  "evidence": {
    "fan_out": { "grade": "choice", "source": "a wish" },
    "lease.after": { "grade": "rumour", "source": "a wish" },
    "detect": { "grade": "choice", "source": "a wish" }
  }
}"#;
const FAULTS: [(usize, usize, &str, &str, &str); 5] = [
    (2, 25, "/name", "`/`", "letters, digits"),
    (3, 30, "/parameters/fan_out", "`1` is not a duration", "\"90s\""),
    (3, 79, "/parameters/kick_memory", "`kick_memory` has no evidence", "\"kick_memory\": {"),
    (6, 31, "/evidence/lease.after/grade", "`rumour`", "`document`, `code`, `choice`"),
    (7, 15, "/evidence/detect", "`detect` is not set", "leave its evidence out"),
];

#[test]
fn all_faults_of_a_profile_are_told_at_once_with_their_places() {
    let faults = Profile::parse(FAULTY).unwrap_err();
    assert_eq!(faults.len(), FAULTS.len(), "{faults:#?}");
    for (fault, (line, column, pointer, problem, remedy)) in faults.iter().zip(FAULTS) {
        assert_eq!(line_and_column(FAULTY, fault.range.start), (line, column), "{fault}");
        assert_eq!(fault.pointer, pointer);
        assert!(fault.problem.contains(problem), "{fault}");
        assert!(fault.remedy.contains(remedy), "{}", fault.remedy);
    }
}

/// The file of a profile with one piece of it replaced.
fn with(name: &str, piece: &str, by: &str) -> String {
    let text = file(&format!("profiles/{name}.json"));
    assert_eq!(text.matches(piece).count(), 1, "{piece}");
    text.replace(piece, by)
}

#[test]
fn one_mistake_in_a_profile_is_one_fault() {
    // profile | piece of its file | what is there instead | pointer of the fault | piece of its problem
    let table = r#"
zego-doc | "fan_out": "100ms", |  | /evidence/fan_out | `fan_out` is not set in this file
zego-doc | "fan_out": "100ms", | "fanout": "100ms", "fan_out": "100ms", | /parameters/fanout | unknown field
zego-doc | { "after": "90s", "anchor": "outage" } | 7 | /parameters/lease | expected an object
zego-doc | "budget": "20min" | "budget": "20min", "fixed": "1s" | /parameters/retry | 2 schedules at once
zego-doc | "at_outage" | { "probe_after": "5s", "broken_after": "9s" } | /parameters | needs heartbeats
zego-doc | "parameters": { | "base": "zego-dco", "parameters": { | /base | no profile is named `zego-dco`
zego | "base": "zego-doc" | "base": 7 | /base | expected a string
zego | "random" | "rnadom" | /parameters/heartbeat/phase | unknown phase `rnadom`
zego | , "phase": "random" |  | /evidence/heartbeat.phase | `heartbeat.phase` is not set in this file
zego-100s | "document" | "scenario" | /evidence/lease.after/grade | unknown word `scenario`
zego-100s | "version": 1 | "version": 2 | /version | found `2`
zego-100s | "name": "zego-100s", |  |  | `name` is missing
zego-100s | "As zego, with the 100 s of the newer pages." | " " | /description | the text is empty
zego-100s | "lease.after": { | "lease": {}, "lease.after": { | /evidence/lease | unknown field `lease`
"#;
    for row in table.trim().lines() {
        let columns: Vec<&str> = row.split(" | ").map(str::trim).collect();
        let [name, piece, by, pointer, problem] = columns[..] else { panic!("{row}") };
        let faults = Profile::parse(&with(name, piece, by)).err().unwrap_or_default();
        let is_it = faults.len() == 1
            && faults[0].pointer == pointer
            && faults[0].problem.contains(problem);
        assert!(is_it, "{row}\n{faults:#?}");
    }
    let phase = json!({ "base": "zego-doc", "heartbeat": { "phase": "login" } });
    let faults = Scenario::parse(&scenario_text(&phase)).unwrap_err();
    let faults: Vec<_> = faults.iter().map(|it| (&*it.pointer, &*it.problem)).collect();
    assert_eq!(faults, [("/profile/heartbeat", "`every` is missing")]);
    let empty = &Profile::parse("// nothing").unwrap_err()[0];
    assert_eq!(
        (&*empty.problem, empty.remedy.contains("`profiles/`")),
        ("the profile is empty", true)
    );
}

#[test]
fn a_profile_without_a_base_sets_every_parameter() {
    let mut file: Value = serde_json::from_str(
        r#"{
        "version": 1, "name": "x", "description": "nothing", "parameters": {}, "evidence": {}
    }"#,
    )
    .unwrap();
    let missing = |file: &Value| -> Vec<String> {
        let faults = Profile::parse(&file.to_string()).err().unwrap_or_default();
        faults.iter().map(|it| format!("{} {}", it.pointer, it.problem)).collect()
    };
    let wanted = profile("zego-doc").values();
    let wanted: Vec<_> =
        wanted.map(|(path, ..)| format!("/parameters `{path}` is missing")).collect();
    assert_eq!(missing(&file), wanted);
    let whole = profile::to_json(profile("zego"));
    file["parameters"] = whole["parameters"].clone();
    file["evidence"] = whole["evidence"].clone();
    assert_eq!(missing(&file), [""; 0]);
    let read = Profile::parse(&file.to_string()).unwrap();
    assert_eq!(read.rules(), rules_of("zego"));
    assert_eq!(read.base(), None);
}

#[test]
fn the_command_line_lists_shows_and_checks_profiles() {
    let place = Place::new("profiles");
    let names: Vec<&str> = Profile::all().map(Profile::name).collect();
    let list = place.roomsim("profiles list", 0).out;
    assert_plain(&list);
    assert_has(&list, &names.join("|"));
    for it in Profile::all() {
        let shown = place.roomsim(&format!("profiles show {}", it.name()), 0).out;
        assert_plain(&shown);
        assert_has(&shown, it.base().unwrap_or_default());
        for (path, value, evidence) in it.values() {
            let line = shown.lines().find(|it| it.trim_start().starts_with(&format!("{path} ")));
            let line = line.unwrap_or_else(|| panic!("{path} is not in:\n{shown}"));
            assert_has(line, evidence.grade.name());
            assert!(value.as_str().is_none_or(|it| line.ends_with(it)), "{line}");
            assert_has(&shown, evidence.source.split(' ').next_back().unwrap());
        }
        let json = place.roomsim(&format!("profiles show {} --json", it.name()), 0).out;
        assert_eq!(Profile::parse(&json).as_ref(), Ok(it), "what is shown is a profile file");
        place.write(&format!("{}.json", it.name()), &json);
    }
    assert_has(&place.roomsim("profiles show zegoo", 2).err, "zegoo|'zego'|--help");
    let checked = place.roomsim("profiles check", 0).out;
    assert_plain(&checked);
    assert_eq!(checked.lines().count(), names.len());
    for it in Profile::all() {
        let (name, n) = (it.name(), it.values().count());
        let line = format!("{n} values, {}", counted(&graded(&json!(name))));
        assert_has(&checked, &format!("{name}: {line}"));
        let said = place.roomsim(&format!("profiles check {name}.json"), 0);
        assert_eq!(said.out, format!("{name}.json: {line}\n"));
    }
    place.write("faulty.json", FAULTY);
    let said = place.roomsim("profiles check zego.json faulty.json", 2);
    for (line, column, pointer, ..) in FAULTS {
        assert_has(&said.err, &format!("faulty.json:{line}:{column}: {pointer}: "));
    }
    assert_has(&said.err, "5 faults");
    assert_eq!(said.out, "");
    assert_has(&place.roomsim("profiles check missing.json", 3).err, "`missing.json`");
}

#[test]
fn a_run_prints_how_many_values_rest_on_what() {
    let place = Place::new("values");
    for (profile, last) in [
        (json!("zego"), "our choice"),
        (json!({ "base": "zego", "lease": { "after": "95s" } }), ", 1 of the scenario"),
    ] {
        place.write("idle.json", &scenario_text(&profile));
        let out = place.roomsim("run idle.json", 0).out;
        let line = out.lines().nth(1).unwrap();
        assert_eq!(line, format!("  values: {}", counted(&graded(&profile))));
        assert!(line.ends_with(last), "{line}");
    }
}
