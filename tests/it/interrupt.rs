//! Ctrl-C and signals like it: runs end soon, say what is complete, and leave nothing half done.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    thread,
};

use crate::cli::{Place, assert_has};

/// One cell that would take hours.
pub(crate) const LONG: &str = r#"{
  "version": 1, "name": "long", "duration": "10d", "profile": "zego",
  "links": { "home": { "delay": "50ms", "jitter": "10ms", "loss": "2%" } },
  "clients": [ { "name": "viewer", "count": 5000, "link": "home" } ],
  "script": [ { "at": "0s", "client": "viewer",
    "do": { "loginRoom": { "room": "main", "isUserStatusNotify": false } } } ] }"#;

pub(crate) fn start(place: &Place, words: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roomsim"));
    command.args(words.split(' ')).current_dir(place.at(".")).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let killed = Command::new("kill").args([&format!("-{name}"), &*id]).status().unwrap();
    assert!(killed.success());
}

/// The names of what is in a folder, hidden or not.
pub(crate) fn names_in(place: &Place, folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(place.at(folder)) else { return Vec::new() };
    entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
}

/// A run of [`LONG`] that has begun.
pub(crate) fn start_long(place: &Place, words: &str) -> Child {
    place.write("long.json", LONG);
    let child = start(place, words);
    // The folder, and the file beside it that is locked.
    while names_in(place, "results").iter().filter(|it| it.starts_with(".long.tmp-")).count() < 2 {
        thread::yield_now();
    }
    child
}

#[test]
fn a_run_that_is_interrupted_writes_nothing() {
    let place = Place::new("interrupt-run");
    place.write("long.json", LONG);
    let child = start(&place, "run visit.json long.json --exact-events");
    // The first run is complete, and the second is under way.
    while !place.at("results/visit/run.json").exists()
        || fs::read_dir(place.at("results")).unwrap().count() < 2
    {
        thread::yield_now();
    }
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    assert_eq!(output.status.code(), Some(130), "{out}\n{err}");
    assert_has(&err, "interrupted: 1 of 2 runs complete|long with seed 1|0 of 1 cell,");
    assert_has(&out, "written to results/visit");
    let left: Vec<_> = fs::read_dir(place.at("results")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_check_that_is_interrupted_tells_of_the_runs_before() {
    let place = Place::new("interrupt-check");
    let mut child = start(&place, "check visit.json --json --seeds 1..5000000 --junit x.xml");
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    signal(&child, "INT");
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{err}");
    let n = 1 + rest.lines().count();
    assert_has(&err, &format!("interrupted: {n} of 5000000 runs complete"));
    assert!(rest.ends_with('\n') && rest.lines().all(|it| it.ends_with('}')));
    assert!(!place.at("x.xml").exists());
}

/// As shells have it: 128 and the number of the signal.
#[test]
fn other_signals_that_end_a_run_clean_up_like_ctrl_c() {
    for (name, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let place = Place::new(&format!("signal-{code}"));
        let child = start_long(&place, "run long.json --exact-events");
        signal(&child, name);
        // From `timeout` and from shells some come twice.
        if name != "INT" {
            signal(&child, name);
        }
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}: {err}");
        assert_has(&err, "interrupted: 0 of 1 run complete");
        assert_eq!(names_in(&place, "results"), [""; 0], "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_nohup_began_goes_on_without_its_terminal() {
    let place = Place::new("nohup");
    place.write("long.json", LONG);
    let roomsim = env!("CARGO_BIN_EXE_roomsim");
    let mut sh = Command::new("sh");
    sh.args(["-c", &format!("trap '' HUP; exec '{roomsim}' run long.json --exact-events")]);
    sh.current_dir(place.at(".")).stdin(Stdio::null()).stderr(Stdio::piped());
    let child = sh.stdout(Stdio::piped()).spawn().unwrap();
    while names_in(&place, "results").len() < 2 {
        thread::yield_now();
    }
    signal(&child, "HUP");
    signal(&child, "TERM");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(143));
}
