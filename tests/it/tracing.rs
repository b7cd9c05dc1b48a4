//! Whose callbacks `run` keeps, and what it writes of the others.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::cli::{Place, assert_has, assert_plain};

/// Thirty viewers in ten rooms, and A, over links with loss; somebody is away for a while.
const CROWD: &str = r#"{
  "version": 1, "name": "crowd", "duration": "5min", "profile": "zego",
  "links": { "home": { "delay": "50ms", "jitter": "10ms", "loss": "2%" } },
  "clients": [ { "name": "A", "link": "home" }, { "name": "viewer", "count": 30, "link": "home" } ],
  "script": [
    { "at": "0s", "client": "viewer", "do": { "loginRoom": { "room": "main" } } },
    { "at": "5s", "client": "A", "do": { "loginRoom": { "room": "other" } } },
    { "at": "60s", "do": { "outage": { "clients": ["viewer"], "kind": "silent", "for": "2min" } } },
  ] }"#;

fn place(name: &str) -> Place {
    let place = Place::new(name);
    place.write("crowd.json", CROWD);
    place
}

fn json_of(place: &Place, path: &str) -> Value {
    serde_json::from_str(&place.read(path)).unwrap()
}

/// The clients that have a file of their own.
fn users(place: &Place, folder: &str) -> BTreeSet<String> {
    let files = fs::read_dir(place.at(&format!("{folder}/users"))).unwrap();
    let name = |it: fs::DirEntry| it.file_name().into_string().unwrap();
    files.map(|it| name(it.unwrap()).trim_end_matches(".csv").to_owned()).collect()
}

#[test]
fn a_trace_of_some_clients_has_their_rows_of_the_trace_of_all() {
    let place = place("sample");
    place.roomsim("run crowd.json --out all", 0);
    let all = place.read("all/callbacks.csv");
    let whole = json_of(&place, "all/run.json");
    assert_eq!(whole["traced"]["which"], "all");
    for (trace, n) in [("none", 0), ("sample:3", 3), ("clients:A,viewer-7", 2), ("sample:99", 31)] {
        for threads in [1, 2] {
            place
                .roomsim(&format!("run crowd.json --trace {trace} --threads {threads} --out x"), 0);
            let kept = users(&place, "x");
            assert_eq!(kept.len(), n, "{trace}");
            let is_kept = |line: &&str| {
                let client = line.split(',').nth(1).unwrap();
                client == "client" || kept.contains(client)
            };
            let expected: Vec<&str> = all.lines().filter(is_kept).collect();
            let rows = place.read("x/callbacks.csv");
            assert!(rows.lines().eq(expected.iter().copied()), "{trace}");
            let run = json_of(&place, "x/run.json");
            assert_eq!(run["fingerprint"], whole["fingerprint"], "{trace}");
            assert_eq!(run["callbacks"], whole["callbacks"], "{trace}");
            assert_eq!(run["traced"]["callbacks"], expected.len() - 1, "{trace}");
            // The digest of a part is not called that of all.
            let is_whole = n == 31;
            assert_eq!(run["digest"] == whole["digest"], is_whole, "{trace}");
            assert_eq!(run["digest_of_traced"].is_string(), !is_whole, "{trace}");
            for file in ["metrics.csv", "summary.json"] {
                let (all, some) = (format!("all/{file}"), format!("x/{file}"));
                assert_eq!(place.read(&all), place.read(&some), "{trace}");
            }
        }
    }
    place.roomsim("run crowd.json --trace sample:3 --out one", 0);
    place.roomsim("run crowd.json --trace sample:3 --seed 2 --out other", 0);
    assert_ne!(users(&place, "one"), users(&place, "other"), "the seed chooses");
}

#[test]
fn who_is_expected_to_be_told_something_is_always_traced() {
    let place = place("needed");
    place.roomsim("run visit.json --trace none", 0);
    assert_eq!(users(&place, "results/visit"), ["A", "B"].map(String::from).into());
    let expected = CROWD.replace(
        "] }",
        r#"], "expect": [ { "client": "viewer-9", "at": "120ms", "within": "5s",
            "callback": { "onRoomStateChanged": { "reason": "Logined" } } } ] }"#,
    );
    place.write("crowd.json", &expected);
    let said = place.roomsim("run crowd.json --trace none", 0);
    assert_has(&said.out, "1 expectation held|of them traced");
    assert_eq!(users(&place, "results/crowd"), ["viewer-9"].map(String::from).into());
}

#[test]
fn of_a_large_scenario_only_those_are_traced_whom_the_file_names_by_themselves() {
    let place = place("large");
    let large = CROWD.replace("\"count\": 30", "\"count\": 10000").replace("5min", "10s");
    let quiet = large.lines().filter(|it| !it.contains("\"client\": \"viewer\""));
    let quiet = quiet.filter(|it| !it.contains("outage")).collect::<String>();
    place.write("large.json", &quiet);
    place.roomsim("run large.json", 0);
    assert_eq!(users(&place, "results/crowd"), ["A"].map(String::from).into());
    assert_eq!(json_of(&place, "results/crowd/run.json")["traced"]["which"], "named");
    // One less, and all are.
    place.write("large.json", &quiet.replace("10000", "9999"));
    place.roomsim("run large.json", 0);
    assert_eq!(users(&place, "results/crowd").len(), 10_000);
}

#[test]
fn what_cannot_be_traced_or_measured_is_told_all_at_once() {
    let place = place("wishes");
    let said = place.roomsim("run crowd.json --trace clients:B,viewr,A --bin 1ms --out x", 2);
    // 5 min in 10,000 bins are 30 ms each.
    assert_has(&said.err, "crowd.json|`B`|`viewr`|did you mean `viewer`?|--bin|30ms");
    assert!(!place.at("x").exists());
    for words in ["--trace most", "--trace sample:x", "--bin fast", "--bin 0s", "--by node"] {
        place.roomsim(&format!("run crowd.json {words} --out x"), 2);
    }
    assert!(!place.at("x").exists());
}

#[test]
fn the_total_is_the_sum_of_the_scopes_and_the_table_shows_it() {
    let place = place("table");
    for by in ["entry", "cell"] {
        let said = place.roomsim(&format!("run crowd.json --bin 30s --by {by} --out {by}"), 0);
        assert_plain(&said.out);
        assert_has(&said.out, "at ends of bins, 30s|members|heartbeats_per_s|detection|2 scopes");
        let csv = place.read(&format!("{by}/metrics.csv"));
        let mut lines = csv.lines();
        assert_eq!(lines.next(), Some("time_s,scope,name,value"));
        let rows: Vec<Vec<&str>> = lines.map(|it| it.split(',').collect()).collect();
        // 10 bins, 3 scopes, 5 levels and 10 rates.
        assert_eq!(rows.len(), 10 * 3 * 15);
        let members = |scope: &str| -> Vec<u64> {
            let of = rows.iter().filter(|it| it[1] == scope && it[2] == "members");
            of.map(|it| it[3].parse().unwrap()).collect()
        };
        let (one, other) = match by {
            "entry" => ("client:A", "group:viewer"),
            _ => ("cell:1", "cell:2"),
        };
        let sum = members(one).into_iter().zip(members(other)).map(|(one, other)| one + other);
        assert_eq!(members("total"), sum.collect::<Vec<_>>());
        assert_eq!(members("total").len(), 10);
    }
    let summary = json_of(&place, "entry/summary.json");
    assert_eq!(summary["bin_s"], 30.0);
    assert_eq!(summary["scopes"]["group:viewer"]["levels"]["members"]["peak"], 30);
    // A scenario with few clients has its table for the asking.
    assert!(!place.roomsim("run visit.json", 0).out.contains("heartbeats_per_s"));
    assert!(place.roomsim("run visit.json --metrics", 0).out.contains("heartbeats_per_s"));
}

#[test]
fn seeds_side_by_side_are_told_as_one_after_the_other() {
    let place = place("seeds-at-once");
    let expected = CROWD.replace(
        "] }",
        r#"], "expect": [ { "client": "viewer-9", "at": "120ms", "within": "8ms",
            "callback": { "onRoomStateChanged": { "reason": "Logined" } } } ] }"#,
    );
    place.write("crowd.json", &expected);
    for words in ["", " --json", " --junit verdicts.xml"] {
        let check = |threads: u32| {
            let command = format!("check crowd.json --seeds 1..70 --threads {threads}{words}");
            let out = place.roomsim(&command, 1).out;
            let junit = place.at("verdicts.xml").exists().then(|| place.read("verdicts.xml"));
            (out, junit)
        };
        assert_eq!(check(1), check(4));
    }
}

/// Forty viewers in four rooms who are counted, and an observer in one of them who is named.
const COUNTED: &str = r#"{
  "version": 1, "name": "counted", "duration": "3min", "profile": "zego",
  "links": { "home": { "delay": "50ms", "jitter": "10ms", "loss": "2%" } },
  "clients": [
    { "name": "viewer", "count": 40, "link": "home", "rooms": { "name": "live", "count": 4 },
      "arrive": { "uniform": "10s" } },
    { "name": "observer", "link": "home" } ],
  "script": [ { "at": "20s", "client": "observer", "do": { "loginRoom": { "room": "live-2" } } } ]
}"#;

#[test]
fn members_of_populations_are_traced_and_counted_by_their_names() {
    let place = Place::new("counted");
    place.write("counted.json", COUNTED);
    place.roomsim("run counted.json --out all", 0);
    let whole = json_of(&place, "all/run.json");
    assert_eq!(users(&place, "all").len(), 41);
    for heartbeats in ["", " --exact-events"] {
        let told = "run counted.json --out x --trace clients:observer,viewer-17";
        place.roomsim(&format!("{told}{heartbeats}"), 0);
        assert_eq!(users(&place, "x"), ["observer", "viewer-17"].map(str::to_owned).into());
        let run = json_of(&place, "x/run.json");
        assert_eq!(run["fingerprint"], whole["fingerprint"]);
        for file in ["metrics.csv", "summary.json"] {
            assert_eq!(place.read(&format!("x/{file}")), place.read(&format!("all/{file}")));
        }
    }
    // All forty are told Logined in the end, and the observer is; nobody is in both scopes.
    let metrics = place.read("all/metrics.csv");
    let last = |scope: &str| {
        let of = |it: &&str| it.contains(&format!(",{scope},members,"));
        metrics.lines().rfind(of).unwrap().rsplit(',').next().unwrap().to_owned()
    };
    let scopes = ["client:observer", "population:viewer", "total"];
    assert_eq!(scopes.map(last), ["1", "40", "41"]);
    let all = "run counted.json --out y --trace clients:viewer";
    place.roomsim(all, 0);
    assert_eq!(users(&place, "y").len(), 40);
    for name in ["viewer-0", "viewer-07", "viewer-41", "observer-1"] {
        let told = place.roomsim(&format!("run counted.json --out z --trace clients:{name}"), 2);
        assert_has(&told.err, &format!("no client is named `{name}`"));
    }
}

/// Two rooms whose members are told the same at the same instants; one of them is expected to be.
const ROOMS: &str = r#"{
  "version": 1, "name": "rooms", "duration": "1min", "profile": "zego-doc",
  "links": { "home": { "delay": "50ms" } },
  "clients": [
    { "name": "g", "count": 5, "link": "home" }, { "name": "h", "count": 5, "link": "home" },
    { "name": "A", "link": "home" }, { "name": "B", "link": "home" } ],
  "script": [
    { "at": "0s", "client": "g", "do": { "loginRoom": { "room": "r" } } },
    { "at": "0s", "client": "h", "do": { "loginRoom": { "room": "s" } } },
    { "at": "10s", "client": "A", "do": { "loginRoom": { "room": "r" } } },
    { "at": "20s", "client": "B", "do": { "loginRoom": { "room": "r" } } },
    { "at": "30s", "client": "A", "do": { "logoutRoom": {} } } ],
  "expect": [
    { "mark": "T2", "client": "g-3", "at": "10.220s", "within": "1ms",
      "callback": { "onRoomUserUpdate": { "update": "ADD", "users": ["A"] } } } ] }"#;

#[test]
fn a_line_is_the_same_whatever_stands_before_it() {
    let place = Place::new("lines");
    place.write("rooms.json", ROOMS);
    place.roomsim("run rooms.json --out x", 0);
    let all = place.read("x/callbacks.csv");
    let told = |client: &str| {
        let mark = if client == "g-3" { "T2" } else { "" };
        format!("10.220000,{client},{client},r,onRoomUserUpdate,ADD,,A,,{mark}")
    };
    let expected = ["g-1", "g-2", "g-3", "g-4", "g-5"].map(told);
    let at_once: Vec<&str> = all.lines().filter(|it| it.contains("ADD,,A,")).collect();
    assert_eq!(at_once[..5], expected);
    // A client is seldom told the same twice, so its own file is written line by line.
    let mut n_lines = 0;
    for client in users(&place, "x") {
        let own = place.read(&format!("x/users/{client}.csv"));
        let is_own = |it: &&str| it.split(',').nth(1) == Some(&*client);
        assert!(own.lines().skip(1).eq(all.lines().filter(is_own)), "{client}");
        n_lines += own.lines().count() - 1;
    }
    assert_eq!(n_lines, all.lines().count() - 1);
}
