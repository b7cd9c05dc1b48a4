//! What runs leave that are killed, and folders that cannot be renamed.
#![cfg(unix)]

use std::{fs, process::Child};

use crate::{
    cli::Place,
    interrupt::{names_in, signal, start_long},
};

/// One that has no time to clean up.
fn kill(mut child: Child) {
    signal(&child, "KILL");
    assert_eq!(child.wait().unwrap().code(), None);
}

#[test]
fn a_later_run_removes_what_a_killed_one_left() {
    let place = Place::new("killed");
    kill(start_long(&place, "run long.json --exact-events"));
    assert_eq!(names_in(&place, "results").len(), 2, "a folder and a file beside it");
    // Also one of another scenario.
    place.roomsim("run visit.json", 0);
    assert_eq!(names_in(&place, "results"), ["visit"]);
}

#[test]
fn what_a_live_run_has_stays() {
    let place = Place::new("alive");
    let child = start_long(&place, "run long.json --exact-events");
    let before = names_in(&place, "results");
    place.roomsim("run visit.json", 0);
    for name in &before {
        assert!(names_in(&place, "results").contains(name), "{name}");
    }
    kill(child);
}

/// As versions did that had no locks; and what only looks so is nobody's business.
#[test]
fn what_has_no_lock_is_removed_only_if_it_is_certainly_left() {
    let place = Place::new("lockless");
    let (gone, alive) = (i32::MAX, std::process::id());
    let left = [format!(".visit.tmp-{gone}-0"), format!(".other.tmp-{gone}-7")];
    let not_left = [
        format!(".visit.tmp-{alive}-0"),
        format!(".visit.tmp-{gone}-1"),
        format!("visit.tmp-{gone}-0"),
        ".visit.tmp-x-0".to_owned(),
    ];
    for name in left.iter().chain(&not_left) {
        place.write(&format!("results/{name}/callbacks.csv"), "time_s\n");
    }
    place.write(&format!("results/.visit.tmp-{gone}-1/diary.txt"), "dear diary");
    place.write(&format!("results/.visit.tmp-{gone}-2"), "a file");
    place.roomsim("run visit.json", 0);
    let names = names_in(&place, "results");
    assert!(left.iter().all(|it| !names.contains(it)), "{names:?}");
    assert!(not_left.iter().all(|it| names.contains(it)), "{names:?}");
    assert!(names.contains(&format!(".visit.tmp-{gone}-2")), "{names:?}");
}

/// Killed between two renames, a run leaves the older results beside their place.
#[test]
fn older_results_are_put_back() {
    let place = Place::new("put-back");
    place.roomsim("run visit.json --seed 9", 0);
    place.write("results/visit/notes.txt", "what I found");
    let old = format!("results/.visit.tmp-{}-0.old-0", i32::MAX);
    fs::rename(place.at("results/visit"), place.at(&old)).unwrap();
    place.write("other.json", &crate::cli::VISIT.replace("\"visit\"", "\"other\""));
    place.roomsim("run other.json", 0);
    let mut names = names_in(&place, "results");
    names.sort();
    assert_eq!(names, ["other", "visit"]);
    assert!(place.read("results/visit/run.json").contains("\"seed\": 9,"));
    // Where there are newer ones, only what no run writes is kept of the older.
    fs::rename(place.at("results/visit"), place.at(&old)).unwrap();
    place.roomsim("run visit.json --out newer", 0);
    fs::rename(place.at("newer"), place.at("results/visit")).unwrap();
    place.roomsim("run other.json", 0);
    assert!(place.read("results/visit/run.json").contains("\"seed\": 1,"));
    assert_eq!(place.read("results/visit/notes.txt"), "what I found");
    assert!(!place.at(&old).exists());
}

/// The working directory is one that has no name to be renamed to.
#[test]
fn a_folder_that_keeps_its_place_is_written_into() {
    let place = Place::new("in-place");
    for seed in ["9", "1"] {
        let words = format!("run ../visit.json --seed {seed} --out .");
        fs::create_dir_all(place.at("empty")).unwrap();
        place.roomsim_in("empty", &words, 0);
        let mut names = names_in(&place, "empty");
        names.sort();
        let files = ["callbacks.csv", "marks.csv", "metrics.csv", "run.json", "summary.json"];
        assert_eq!(names, [&files[..], &["users"]].concat());
        assert!(place.read("empty/run.json").contains(&format!("\"seed\": {seed},")));
        // What else is there stays.
        place.write("empty/users/mine.txt", "mine");
    }
    place.write("full/diary.txt", "dear diary");
    let said = place.roomsim_in("full", "run ../visit.json --out .", 3);
    assert!(said.err.contains("such as `./results`"), "{said:?}");
    assert_eq!(names_in(&place, "full"), ["diary.txt"]);
}
