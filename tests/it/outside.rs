//! Files that a scenario names, and names that would do a terminal harm.

use serde_json::{Value, json};

use crate::{
    cli::{Place, VISIT, assert_has, said},
    support::{client, event, login, scenario},
};

/// A, whose link follows a trace in this file.
fn replaying(file: &str) -> String {
    let replay = json!({ "clients": ["A"], "file": file, "on": "home" });
    let script = [login("0s", "A"), event("10s", &json!({ "replayTrace": replay }))];
    let mut story = scenario(&json!("zego-doc"), &[client("A", &json!({}))], &script);
    story["expect"] = json!([{ "client": "A", "never": "any", "from": "1min" }]);
    story.to_string()
}

/// Members who come as this file says.
fn arriving(file: &str) -> String {
    let mut story: Value = serde_json::from_str(&replaying("t.csv")).unwrap();
    let crowd = json!({ "name": "v", "count": 2, "room": "r", "arrive": { "file": file } });
    story["clients"] =
        json!([client("A", &json!({})), crate::support::with(json!({ "link": "home" }), &crowd)]);
    story["script"] = json!([login("0s", "A")]);
    story.to_string()
}

/// A link with delays as this file says.
fn spread(file: &str) -> String {
    let mut story: Value = serde_json::from_str(&replaying("t.csv")).unwrap();
    story["links"]["home"] =
        json!({ "delay": "50ms", "jitter": "5ms", "distribution": { "file": file } });
    story["script"] = json!([login("0s", "A")]);
    story.to_string()
}

const TRACE: &str = "time,delay,loss,rate\n0s,30ms,,\n";
const ARRIVALS: &str = "1s\n2s\n";
const TABLE: &str = "-8192 0 8192\n";

#[test]
fn a_scenario_names_files_below_its_folder_only() {
    let place = Place::new("below");
    for (file, text) in [("t.csv", TRACE), ("a.txt", ARRIVALS), ("d.txt", TABLE)] {
        place.write(file, text);
        place.write(&format!("home/deep/{file}"), text);
    }
    let absolute = |path: &str| place.at(path).to_str().unwrap().to_owned();
    let stories: [fn(&str) -> String; 3] = [replaying, arriving, spread];
    for (story, file) in stories.into_iter().zip(["t.csv", "a.txt", "d.txt"]) {
        for inside in [
            format!("deep/{file}"),
            format!("./deep/../deep/{file}"),
            absolute(&format!("home/deep/{file}")),
        ] {
            place.write("home/story.json", &story(&inside));
            place.roomsim("validate home/story.json", 0);
            place.roomsim_in("home", "validate story.json", 0);
        }
        for outside in
            [format!("../{file}"), format!("deep/../../{file}"), absolute(file), "/nowhere".into()]
        {
            place.write("home/story.json", &story(&outside));
            for command in ["run", "check", "validate", "export --to netem"] {
                let err = place.roomsim(&format!("{command} home/story.json"), 2).err;
                let err = err.replace("\n  │ ", " ").replace("- ", "-");
                assert_has(&err, "is not below the folder|--allow-outside");
            }
            if outside != "/nowhere" {
                for command in ["run", "check", "validate", "export --to netem"] {
                    place.roomsim(&format!("{command} home/story.json --allow-outside"), 0);
                }
            }
        }
    }
    place.write("home/story.json", &replaying("/nowhere"));
    let err = place.roomsim("validate home/story.json --allow-outside", 2).err;
    assert_has(&err, "No such file");
}

#[cfg(unix)]
#[test]
fn neither_links_nor_pipes_nor_folders_lead_out() {
    use std::{os::unix::fs::symlink, process::Command};
    let place = Place::new("lead-out");
    place.write("t.csv", TRACE);
    place.write("home/in.csv", TRACE);
    symlink("../t.csv", place.at("home/out.csv")).unwrap();
    symlink("..", place.at("home/up")).unwrap();
    symlink("in.csv", place.at("home/same.csv")).unwrap();
    assert!(Command::new("mkfifo").arg(place.at("home/pipe")).status().unwrap().success());
    for (file, code, told) in [
        ("same.csv", 0, ""),
        ("out.csv", 2, "--allow-outside"),
        ("up/t.csv", 2, "--allow-outside"),
        ("up/missing.csv", 2, "`up/missing.csv` cannot be read"),
        ("pipe", 2, "it is no file"),
        (".", 2, "it is no file"),
        ("/dev/zero", 2, "--allow-outside"),
    ] {
        place.write("home/story.json", &replaying(file));
        let err = place.roomsim("validate home/story.json", code).err;
        let err = err.replace("\n  │ ", " ").replace("- ", "-");
        assert_has(&err, told);
    }
    // Nor is a device read where files may lie anywhere.
    let err = place.roomsim("validate home/story.json --allow-outside", 2).err;
    assert_has(&err, "it is no file");
}

/// A scenario from a stranger must not show who runs it, or their CI, what is in other files.
#[test]
fn nothing_is_shown_of_a_file_that_is_something_else() {
    let place = Place::new("secret");
    place.write("secret.txt", "root:hunter2\nadmin:hunter2,3s\n");
    for story in [replaying, arriving, spread] {
        place.write("story.json", &story("secret.txt"));
        let said = place.roomsim("check story.json --junit x.xml", 2);
        for text in [said.out, said.err, place.read("x.xml")] {
            assert!(!text.contains("hunter2") && !text.contains("root"), "{text}");
        }
    }
}

/// Names with what a terminal would obey, and with what turns text about.
#[cfg(unix)]
#[test]
fn names_from_outside_are_escaped_wherever_they_are_shown() {
    let place = Place::new("harm");
    let harm = "x\u{1b}[2J\u{202e}\n.json";
    place.write(harm, &VISIT.replace("T0+120ms", "T0+5s"));
    let faulty = format!("faulty-{harm}");
    place.write(&faulty, &VISIT.replace("1min", "1mni"));
    let missing = format!("missing-{harm}");
    let trace = format!("clients:{harm}");
    let cases: [(&str, &[&str], i32); 12] = [
        ("validate", &[harm], 0),
        ("check", &[harm], 1),
        ("check --seeds 1..2", &[harm], 1),
        ("check --junit x.xml", &[&faulty, &missing], 2),
        ("run", &[harm, "--out", harm], 3),
        ("run", &[harm, "--out", &missing], 1),
        ("run --bin 1us", &[harm], 2),
        ("run", &[harm, "visit.json"], 2),
        ("run", &[harm, "--trace", &trace], 2),
        ("run visit.json", &["--by", harm], 2),
        ("run visit.json", &["--bin", harm], 2),
        (harm, &[], 2),
    ];
    for (words, args, code) in cases {
        let mut command = if words == harm { place.command("") } else { place.command(words) };
        if words == harm {
            command.arg(harm);
        }
        let said = said(command.args(args), code);
        let xml = if words.contains("junit") { place.read("x.xml") } else { String::new() };
        for text in [&said.out, &said.err, &xml] {
            let is_harm = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
            assert!(!text.contains(is_harm), "{words} {args:?}: {text:?}");
        }
        let shown = format!("{}{}{xml}", said.out, said.err);
        let is_escaped = shown.contains("\\u{1b}[2J") || shown.contains("\\x1b[2J");
        assert!(is_escaped || words == "check", "{words} {args:?}: {shown}");
    }
}

/// What is shown of such a name is what a shell takes for it.
#[cfg(unix)]
#[test]
fn a_shell_repeats_a_scenario_of_any_name() {
    let place = Place::new("retype");
    let harm = "it's\u{1b}[2J\\.json";
    place.write(harm, &VISIT.replace("T0+120ms", "T0+5s"));
    let out = said(place.command("check --seeds 1..1").arg(harm), 1).out;
    let replay = out.lines().find_map(|it| it.trim().strip_prefix("roomsim ")).unwrap();
    let typed = format!("'{}' {replay}", env!("CARGO_BIN_EXE_roomsim"));
    let mut bash = std::process::Command::new("bash");
    said(bash.args(["-c", &typed]).current_dir(place.at(".")), 1);
}
