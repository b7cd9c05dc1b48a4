//! The command line as its users see it: files, output, exit codes.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, io,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{gallery, gallery_files, gallery_names};

/// A visits the room of B; all expectations hold, also with some jitter.
pub(crate) const VISIT: &str = r#"{
  "version": 1, "name": "visit", "duration": "1min", "profile": "zego-doc",
  "links": { "home": { "delay": "50ms" } },
  "clients": [ { "name": "A", "link": "home" }, { "name": "B", "link": "home" } ],
  "script": [
    { "at": "0s", "client": "B", "do": { "loginRoom": { "room": "main" } } },
    { "at": "10s", "client": "A", "do": { "loginRoom": { "room": "main" } }, "mark": "T0" },
  ],
  "expect": [
    { "mark": "T1", "client": "A", "at": "T0+120ms", "within": "500ms",
      "callback": { "onRoomStateChanged": { "reason": "Logined", "errorCode": 0 } } },
    { "mark": "T2", "client": "B", "at": "T0+220ms", "within": "500ms",
      "callback": { "onRoomUserUpdate": { "update": "ADD", "users": ["A"] } } },
    { "client": "B", "never": { "onRoomUserUpdate": { "update": "DELETE" } }, "from": "T2" } ] }"#;

/// Its trace: 50 ms each way and 20 ms at the server make T1 = T0 + 120 ms; B hears of A 100 ms later,
/// and A has asked who is there and heard within one round trip.
const VISIT_TRACE: &str = "\
time_s,client,user,room,callback,value,error_code,subjects,detail,mark
0.000000,B,B,main,onRoomStateChanged,Logining,0,,Connecting,
0.120000,B,B,main,onRoomStateChanged,Logined,0,,Connected,
10.000000,A,A,main,onRoomStateChanged,Logining,0,,Connecting,T0
10.120000,A,A,main,onRoomStateChanged,Logined,0,,Connected,T1
10.220000,A,A,main,onRoomUserUpdate,ADD,,B,,
10.220000,B,B,main,onRoomUserUpdate,ADD,,A,,T2
";

/// [`VISIT`] over links of which some seeds make A late and others do not.
fn shaky() -> String {
    let jitter = VISIT.replace("\"50ms\"", "\"50ms\", \"jitter\": \"20ms\", \"loss\": \"1%\"");
    jitter.replace("\"T0+120ms\", \"within\": \"500ms\"", "\"T0+120ms\", \"within\": \"10ms\"")
}

/// A scenario with five faults, and what is to be said of each.
const FAULTY: &str = r#"{
  "version": 1, "name": "faulty", "duration": "10",
  "profile": "zego-dco", "links": { "home": {} },
  "clients": [ { "name": "A;", "link": "home" }, { "name": "B", "link": "hoem" } ],
  "script": [ { "at": "5s", "client": "B", "do": { "loginRoom": { "room": 7 } } } ],
}"#;
const FAULTS: [[&str; 4]; 5] = [
    ["2:47", "/duration", "`10`", "\"90s\""],
    ["3:14", "/profile", "`zego-dco`", "`zego-doc`"],
    ["4:26", "/clients/0/name", "`;`", "printable ASCII"],
    ["4:73", "/clients/1/link", "`hoem`", "`home`"],
    ["5:75", "/script/0/do/loginRoom/room", "`7`", "double quotes"],
];

/// A folder of a test's own, in which its commands run; gone when the test is over.
pub(crate) struct Place(PathBuf);

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    /// A fresh folder with the file `visit.json`.
    pub(crate) fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("roomsim-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let place = Self(path);
        place.write("visit.json", VISIT);
        place
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// All that is below a folder, hidden or not: files with what is in them, and empty folders.
    fn files(&self, folder: &str) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.at(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = format!("{folder}/{name}");
            if self.at(&path).is_file() {
                files.insert(name, self.read(&path));
                continue;
            }
            let inner = self.files(&path);
            if inner.is_empty() {
                files.insert(format!("{name}/"), String::new());
            }
            files.extend(inner.into_iter().map(|(inner, it)| (format!("{name}/{inner}"), it)));
        }
        files
    }

    /// Roomsim with these words for arguments.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roomsim"));
        command.args(words.split_whitespace()).current_dir(&self.0).stdin(Stdio::null());
        command.env_remove("CLICOLOR_FORCE");
        command
    }

    /// Runs roomsim with these words, which must end with this exit code.
    pub(crate) fn roomsim(&self, words: &str, code: i32) -> Said {
        said(&mut self.command(words), code)
    }

    /// The same in a folder of the place.
    pub(crate) fn roomsim_in(&self, folder: &str, words: &str, code: i32) -> Said {
        said(self.command(words).current_dir(self.at(folder)), code)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ignored = fs::remove_dir_all(&self.0);
    }
}

/// Runs a command, which must end with this exit code.
pub(crate) fn said(command: &mut Command, code: i32) -> Said {
    let output = command.output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{out}\n{err}");
    Said { out, err }
}

/// Asserts that all pieces, separated by `|`, are in the text.
pub(crate) fn assert_has(text: &str, pieces: &str) {
    pieces.split('|').for_each(|it| assert!(text.contains(it), "`{it}` is not in:\n{text}"));
}

/// Asserts that an output is for any terminal, and for none.
pub(crate) fn assert_plain(out: &str) {
    for line in out.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
        assert!(!line.contains(char::is_control), "not plain: {line:?}");
    }
}

/// The files of a run of A and B, seven.
const FILES: &str =
    "callbacks.csv marks.csv metrics.csv run.json summary.json users/A.csv users/B.csv";
/// The commands that `check --seeds` gives to repeat what failed.
fn replays(out: &str) -> Vec<&str> {
    out.lines().filter_map(|it| it.trim().strip_prefix("roomsim ")).collect()
}

#[test]
fn run_prints_the_timeline_and_writes_the_traces() {
    let place = Place::new("run");
    let said = place.roomsim("run visit.json", 0);
    assert_has(&said.out, "T1|10.120000|Logined 0|T2|ADD A|3 expectations held|results/visit");
    assert!(said.err.is_empty(), "{said:?}");
    let files = place.files("results/visit");
    assert!(files.keys().eq(FILES.split(' ')), "{:?}", files.keys());
    assert_eq!(files["callbacks.csv"], VISIT_TRACE);
    let of_a = |it: &&str| it.starts_with("time_s") || it.contains("0000,A,");
    assert!(files["users/A.csv"].lines().eq(VISIT_TRACE.lines().filter(of_a)));
    let marks = "mark,time_s,client,callback,expected_s,difference_s\nT0,10.000000,A,|\
        |T1,10.120000,A,|,10.120000,0.000000\n|T2,10.220000,B,|,10.220000,0.000000\n";
    assert_has(&files["marks.csv"], marks);
    assert_has(&files["run.json"], "\"scenario\": \"visit\"|\"seed\": 1,|\"digest\"");
    assert_eq!(place.files(".").len(), 7 + 1, "nothing else is left");
}

#[test]
fn results_go_where_they_are_told_and_never_fall_together() {
    let place = Place::new("out");
    place.write("other.json", &VISIT.replace("\"visit\"", "\"other\""));
    place.roomsim("run visit.json --out deep/er", 0);
    place.roomsim("run visit.json other.json --out both", 0);
    place.roomsim("run visit.json --out seeds --seeds 3..5", 0);
    place.roomsim("run visit.json other.json --seeds 1..2", 0);
    let folders = "deep/er both/visit both/other seeds/seed-3 seeds/seed-4 seeds/seed-5
        results/visit/seed-1 results/visit/seed-2 results/other/seed-1 results/other/seed-2";
    for folder in folders.split_whitespace() {
        let files = place.files(folder);
        assert!(files.keys().eq(FILES.split(' ')), "{folder}: {:?}", files.keys());
        let seed = folder.split_once("seed-").map_or("1", |it| it.1);
        assert_has(&files["run.json"], &format!("\"seed\": {seed},"));
    }
    assert_eq!(place.files(".").len(), 10 * 7 + 2, "nothing else is left");
    place.write("again.json", VISIT);
    let Said { out, err } = place.roomsim("run visit.json again.json --out again", 2);
    assert_has(&err, "visit.json|again.json|`visit`");
    assert!(out.is_empty() && !place.at("again").exists());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let place = Place::new("bytes");
    place.write("shaky.json", &shaky().replace("10ms", "1s"));
    let first = place.roomsim("run shaky.json --seed 7 --out same", 0);
    let files = place.files("same");
    let again = place.roomsim("run shaky.json --seed 7 --out same", 0);
    assert_eq!((files, first.out), (place.files("same"), again.out));
    place.roomsim("run shaky.json --seed 8 --out other", 0);
    assert_ne!(place.read("same/callbacks.csv"), place.read("other/callbacks.csv"));
}

#[test]
fn new_results_take_the_place_of_old_ones_and_of_nothing_else() {
    let place = Place::new("replace");
    place.roomsim("run visit.json --out new", 0);
    place.roomsim("run visit.json --out new --seed 9", 0);
    assert_has(&place.read("new/run.json"), "\"seed\": 9,");
    fs::create_dir(place.at("empty")).unwrap();
    place.roomsim("run visit.json --out empty", 0);
    assert!(place.files("empty").keys().eq(FILES.split(' ')));
    place.write("diary/monday.txt", "dear diary");
    place.write("diary/users/A.csv", "mine");
    let before = place.files(".");
    assert_has(&place.roomsim("run visit.json --out diary", 3).err, "`diary`");
    place.roomsim("run visit.json --out visit.json", 3);
    assert_eq!(place.files("."), before, "nothing is lost and nothing is left");
}

#[test]
fn what_roomsim_did_not_write_is_never_lost() {
    let place = Place::new("notes");
    place.roomsim("run visit.json", 0);
    place.roomsim("run visit.json --seeds 1..2", 0);
    place.write("results/visit/notes.txt", "what I found");
    place.write("app/run.json", "{ \"name\": \"my app\" }");
    place.write("app/main.js", "precious");
    drop(place.command("run visit.json").output().unwrap()); // It may refuse.
    drop(place.command("run visit.json --out app").output().unwrap());
    let files = place.files(".");
    for file in ["app/main.js", "results/visit/notes.txt", "results/visit/seed-2/run.json"] {
        assert!(files.contains_key(file), "{file} is not in {:?}", files.keys());
    }
}

#[cfg(unix)]
#[test]
fn a_symlink_is_never_replaced() {
    let place = Place::new("link");
    place.roomsim("run visit.json --out real", 0);
    std::os::unix::fs::symlink("real", place.at("link")).unwrap();
    let before = place.files(".");
    for out in ["link", "link/"] {
        let said = place.roomsim(&format!("run visit.json --seed 9 --out {out}"), 3);
        assert_has(&said.err, &format!("`{out}`"));
    }
    assert!(place.at("link").is_symlink());
    assert_eq!(place.files("."), before);
}

#[test]
fn names_of_clients_never_become_paths() {
    let place = Place::new("paths");
    let strange = ["a/b", "/etc/x", "CON", "x@y", "A", "a", "a\\\\b"];
    let clients = strange.map(|it| format!("{{ \"name\": \"{it}\", \"link\": \"home\" }}"));
    let plain = r#"{ "name": "A", "link": "home" }"#;
    place.write("strange.json", &VISIT.replace(plain, &clients.join(", ")));
    place.roomsim("run strange.json --out out", 0);
    // Some file systems do not tell `A` from `a`, and keep `CON` for a device.
    let users = place.files("out/users").into_keys().map(|it| it.to_lowercase());
    let users: BTreeSet<String> = users.collect();
    assert_eq!(users.len(), strange.len() + 1, "{users:?}");
    assert!(users.iter().all(|it| !it.contains(['/', '\\', '@']) && it != "con.csv"), "{users:?}");
}

#[test]
fn check_says_of_every_expectation_whether_it_held() {
    let place = Place::new("check");
    let said = place.roomsim("check visit.json", 0);
    assert_eq!(said.out.matches("\n  ok ").count(), 3, "{}", said.out);
    assert!(said.err.is_empty() && !place.at("results").exists(), "{said:?}");
    let late = VISIT.replace("\"T0+120ms\", \"within\": \"500ms\"", "\"T0+125ms\"");
    place.write("late.json", &late);
    let said = place.roomsim("check late.json visit.json", 1);
    assert!(said.out.lines().any(|it| it.contains("FAIL T1") && it.contains("Logined")));
    assert_has(&said.out, "expected|10.125000|got|10.120000|difference|-0.005000|/expect/0");
    assert_has(&said.out, "1 of 3|2 scenarios: 1 failed");
    place.roomsim("run late.json", 1);
    place.write("never.json", &VISIT.replace("\"DELETE\" } }, \"from\": \"T2\"", "\"ADD\" } }"));
    let said = place.roomsim("check never.json", 1);
    let got = said.out.lines().find(|it| it.trim_start().starts_with("got")).unwrap();
    assert_has(&said.out, "never ADD");
    assert_has(got, "ADD A|10.220000");
}

#[cfg(unix)]
#[test]
fn every_seed_that_fails_is_listed_with_the_command_that_repeats_it() {
    let place = Place::new("seeds");
    place.write("my shaky file.json", &shaky());
    let check = |words: &str, code| said(place.command(words).arg("my shaky file.json"), code);
    let out = check("check --seeds 1..20", 1).out;
    let replays = replays(&out);
    assert!((1..20).contains(&replays.len()), "some fail and some do not: {out}");
    assert_has(&out, &format!("{} of 20 seeds", replays.len()));
    for seed in 1..=20 {
        let end = format!(" --seed {seed}");
        let Some(replay) = replays.iter().find(|it| it.ends_with(&end)) else {
            check(&format!("check {end}"), 0);
            continue;
        };
        let typed = format!("'{}' {replay}", env!("CARGO_BIN_EXE_roomsim"));
        said(Command::new("sh").args(["-c", &typed]).current_dir(&place.0), 1);
    }
    assert_has(&place.roomsim("check visit.json --seeds 1..20", 0).out, "20 seeds held");
}

fn pick(of: &Value, fields: &str) -> Value {
    fields.split(' ').map(|it| of[it].clone()).collect()
}

#[test]
fn json_lines_hold_all_that_the_text_tells() {
    let place = Place::new("json");
    place.write("shaky.json", &shaky());
    for words in ["check shaky.json --json --seeds 1..20", "run shaky.json --json --seeds 1..20"] {
        let out = place.roomsim(words, 1).out;
        let lines: Vec<Value> = out.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        assert_eq!(lines.len(), 20);
        for (line, seed) in lines.iter().zip(1..) {
            let expectations = line["expectations"].as_array().unwrap();
            let [t1, _, never] = &expectations[..] else { panic!("{line}") };
            let held = expectations.iter().all(|it| it["held"] == true);
            assert_eq!(line["digest"].as_str().unwrap().len(), 64);
            let run = pick(line, "scenario profile seed held");
            assert_eq!(run, json!(["visit", "zego-doc", seed, held]));
            let wanted = pick(t1, "mark client kind from_s to_s");
            assert_eq!(wanted, json!(["T1", "A", "at", 10.11, 10.13]));
            let got = pick(&t1["got"], "client callback value error_code");
            assert_eq!(got, json!(["A", "onRoomStateChanged", "Logined", 0]));
            assert!(t1["got"]["time_s"].is_f64() && t1["got"]["difference_s"].is_f64());
            assert_eq!(pick(never, "kind got"), json!(["never", null]));
        }
    }
}

#[test]
fn validate_tells_what_is_in_a_file_or_what_is_wrong_with_it() {
    let place = Place::new("validate");
    let said = place.roomsim("validate visit.json", 0);
    assert_has(&said.out, "visit.json|2 clients|2 steps|3 expectations");
    assert!(said.err.is_empty() && !place.at("results").exists());
    place.write("faulty.json", FAULTY);
    place.write("duration.json", &VISIT.replace("1min", "1mni"));
    for command in ["validate", "check", "run"] {
        let said = place.roomsim(&format!("{command} visit.json faulty.json duration.json"), 2);
        let err = said.err.replace("\n  │ ", " ").replace("\n        ", " ");
        for [line_and_column, pointer, value, remedy] in FAULTS {
            let heading = format!("faulty.json:{line_and_column}: {pointer}: ");
            let (_, fault) = err.split_once(&heading).unwrap_or_else(|| panic!("{heading}: {err}"));
            assert_has(fault.split("× ").next().unwrap(), &format!("{value}|{remedy}"));
        }
        assert_has(&err, "5 faults|duration.json:2:46: /duration|1 fault\n");
        assert!(said.out.is_empty() && !place.at("results").exists(), "{said:?}");
    }
}

#[test]
fn a_dash_reads_the_standard_input() {
    let place = Place::new("stdin");
    let fed = |words: &str, text: &str, code| {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        drop(writer);
        said(place.command(words).stdin(reader), code)
    };
    assert_has(&fed("check -", VISIT, 0).out, "3 expectations held");
    fed("run -", VISIT, 0);
    assert_eq!(place.read("results/visit/callbacks.csv"), VISIT_TRACE);
    assert_has(&fed("validate -", FAULTY, 2).err, "<stdin>:2:47");
    assert_has(&fed("validate -", "", 2).err, "the scenario is empty");
    let failed = fed("check - --seeds 1..2", &VISIT.replace("T0+120ms", "T0+5s"), 1);
    assert_eq!(replays(&failed.out), ["check - --seed 1", "check - --seed 2"]);
}

#[test]
fn what_is_not_understood_is_a_usage_error_and_help_is_a_result() {
    let place = Place::new("usage");
    let lines = "|walk visit.json|run|check|validate|run visit.json --fast|run visit.json --seed x
        |run visit.json --seed -1|run visit.json --out|run visit.json --seed 18446744073709551616
        |check visit.json --seeds 5..3|check visit.json --seeds 5|check visit.json --out x
        |check visit.json --seed 1 --seeds 1..2|profiles|profiles show x|check visit.json --seeds 0..99999999999";
    for words in lines.split('|') {
        let said = place.roomsim(words, 2);
        assert!(said.out.is_empty() && said.err.contains("--help"), "{said:?}");
    }
    assert_eq!(place.files(".").len(), 1);
    for words in ["--help", "help", "run --help", "check --help", "profiles show --help"] {
        let said = place.roomsim(words, 0);
        assert_has(&said.out, "Usage: roomsim");
        assert!(said.err.is_empty(), "{said:?}");
        assert_plain(&said.out);
    }
    let version = concat!("roomsim ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(place.roomsim("--version", 0).out, version);
}

#[test]
fn what_cannot_be_read_or_written_is_told_with_its_path() {
    let place = Place::new("io");
    for words in ["run missing.json", "check visit.json missing.json", "validate missing.json"] {
        let said = place.roomsim(words, 3);
        assert!(said.out.is_empty() && said.err.contains("`missing.json`"), "{said:?}");
    }
    assert_has(&place.roomsim("check .", 3).err, "`.`");
    let linux = if cfg!(target_os = "linux") { "/proc/x" } else { "." };
    for out in ["visit.json/x", "visit.json/x/y", "visit.json", ".", linux] {
        let said = place.roomsim(&format!("run visit.json --out {out}"), 3);
        assert_has(&said.err, &format!("`{out}`"));
    }
    assert_eq!(place.files(".").len(), 1, "no litter");
}

#[test]
fn a_closed_standard_output_ends_quietly() {
    let place = Place::new("closed");
    place.write("late.json", &VISIT.replace("T0+120ms", "T0+5s"));
    for (words, code) in [
        ("run visit.json --seeds 1..40", 0),
        ("check visit.json", 0),
        ("help", 0),
        ("validate visit.json", 0),
        ("profiles check", 0),
        ("export --to netem visit.json", 0),
        // The verdicts are what a check is for, whoever reads them.
        ("check late.json", 1),
        ("check late.json visit.json --seeds 1..2", 1),
        ("check visit.json late.json --json --seeds 1..200", 1),
        ("check late.json --json --seeds 1..200 --junit x.xml", 1),
        ("run late.json --out late", 1),
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let said = said(place.command(words).stdout(writer), code);
        assert!(said.err.is_empty(), "{words}: {said:?}");
    }
    assert_eq!(place.files("results/visit").len(), 40 * 7, "all runs are written");
    assert_has(&place.read("x.xml"), "tests=\"200\"");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_told() {
    let place = Place::new("full");
    for words in ["run visit.json", "check visit.json", "profiles list"] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let said = said(place.command(words).stdout(full), 3);
        assert_has(&said.err, "standard output");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
    }
}

#[test]
fn output_is_plain_and_at_most_80_columns_wide_also_with_long_names() {
    let place = Place::new("gallery");
    gallery_files(|name, text| place.write(name, text));
    for name in gallery_names() {
        place.write(&format!("{name}.json"), &gallery(&name));
        for command in ["run", "check"] {
            assert_plain(&place.roomsim(&format!("{command} {name}.json"), 0).out);
        }
    }
    let long = |name: &str, n| format!("\"{}\"", name.repeat(n));
    let text = VISIT.replace("\"A\"", &long("A", 63)).replace("\"main\"", &long("main", 31));
    let text = text.replace("\"visit\"", &long("v", 64)).replace("T2", "T2345678");
    let text = text.replace("\"10s\"", "\"9d\"").replace("\"1min\"", "\"10d\"");
    for (within, code) in [("500ms", 0), ("0s", 1)] {
        place.write("long.json", &text.replace("500ms", within).replace("220ms", "221ms"));
        assert_plain(&place.roomsim("check long.json", code).out);
        assert_plain(&place.roomsim("run long.json --out x", code).out);
    }
}
