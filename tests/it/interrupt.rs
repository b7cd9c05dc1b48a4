//! Ctrl-C: runs end soon, say what is complete, and leave nothing half done.
#![cfg(unix)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    thread,
};

use crate::cli::{Place, assert_has};

/// One cell that would take hours.
const LONG: &str = r#"{
  "version": 1, "name": "long", "duration": "10d", "profile": "zego",
  "links": { "home": { "delay": "50ms", "jitter": "10ms", "loss": "2%" } },
  "clients": [ { "name": "viewer", "count": 5000, "link": "home" } ],
  "script": [ { "at": "0s", "client": "viewer",
    "do": { "loginRoom": { "room": "main", "isUserStatusNotify": false } } } ] }"#;

fn start(place: &Place, words: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roomsim"));
    command.args(words.split(' ')).current_dir(place.at(".")).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
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
    interrupt(&child);
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
    interrupt(&child);
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
