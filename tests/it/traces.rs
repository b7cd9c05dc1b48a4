//! Recorded traces of links, and tables of delays in files.

use roomsim::scenario::Scenario;
use serde_json::{Value, json};

use crate::{
    cli::{Place, assert_has},
    support::{client, event, login, scenario, send},
};

fn replay(fields: &Value) -> Value {
    let mut deed = json!({ "clients": ["A"], "file": "t.csv", "on": "base" });
    deed.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event("10s", &json!({ "replayTrace": deed }))
}

/// A, whose link follows a trace from 10 s on, and B; A sends messages at these instants.
fn story(fields: &Value, sent_at: &[&str]) -> Value {
    let clients = ["A", "B"].map(|it| client(it, &json!({})));
    let script = [login("0s", "A"), login("0s", "B"), replay(fields)];
    let sends = sent_at.iter().map(|it| send(it, "A", "m"));
    let script: Vec<Value> = script.into_iter().chain(sends).collect();
    let mut story = scenario(&json!("zego-doc"), &clients, &script);
    story["links"]["base"] = json!({ "delay": "70ms" });
    story["links"]["shared"] = json!({ "rate": "1mbit", "shared": true });
    story
}

fn parse(scenario: &Value, file: &str) -> Result<Scenario, Vec<String>> {
    let read = |name: &str| match name {
        "t.csv" => Ok(file.to_owned()),
        _ => Err("it is not there".to_owned()),
    };
    let faults = |it: roomsim::scenario::fault::Fault| format!("{}: {}", it.pointer, it.problem);
    Scenario::parse_with(&scenario.to_string(), &read)
        .map_err(|all| all.into_iter().map(faults).collect())
}

/// When B got each message of A, sent at 12, 22 and 32 s: some time there, 100 ms at the server,
/// and 50 ms on.
fn told(fields: &Value, file: &str) -> Vec<String> {
    let scenario = parse(&story(fields, &["12s", "22s", "32s"]), file).unwrap();
    let ran = crate::support::run_parsed(scenario, None);
    let lines = ran.lines_of("B");
    lines.iter().filter(|it| it.contains("message of A")).map(|it| it[..9].to_owned()).collect()
}

#[test]
fn links_follow_what_was_recorded() {
    let file =
        "time,delay,loss,rate\n0s,30ms,,\n10s,200ms,0%,\n\n 20s , , 100% , \n22.5s,40ms,0%,\n";
    // The last is lost at 32 s, and its repetition at 33 s goes over the link of 40 ms.
    let with_resend = told(&json!({}), file);
    assert_eq!(with_resend[..2], ["12.180000", "22.350000"]);
    assert!(with_resend[2].starts_with("33."), "{with_resend:?}");
    // Down, nothing is changed of what goes up: 50 ms of the link at the start.
    let down = told(&json!({ "direction": "down" }), file);
    assert_eq!(down, ["12.200000", "22.200000", "32.200000"]);
}

/// An empty cell is as on the link named; what is recorded after the end never comes.
#[test]
fn what_was_not_recorded_is_as_on_the_link_named() {
    let file = "time,delay,loss,rate\n0s,,,\n10s,90ms,,\n20s,,,\n9h,1ms,,\n";
    assert_eq!(told(&json!({}), file), ["12.220000", "22.240000", "32.220000"]);
}

/// The run ends at 30 min, and the trace begins with its step at 10 s.
#[test]
fn a_trace_of_which_nothing_comes_is_a_fault() {
    let of = |first: &str| {
        let file = format!("time,delay,loss,rate\n{first},30ms,,\n9h,1ms,,\n");
        parse(&story(&json!({}), &[]), &file).map(|_| ())
    };
    assert_eq!(of("1790s"), Ok(()));
    let told = "/script/2/do/replayTrace/file: the file begins at 1800.000001 s, after the end of \
                the run";
    assert_eq!(of("1790.000001s"), Err(vec![told.to_owned()]));
}

#[test]
fn faults_of_a_file_are_told_at_its_name_with_their_lines() {
    let at = "/script/2/do/replayTrace/file";
    let cases: [(&str, &[&str]); 10] = [
        ("", &["line 1 of the file does not name its columns"]),
        ("time,delay,loss\n", &["line 1 of the file does not name its columns"]),
        ("time,delay,loss,rate\n", &["nothing is recorded in the file"]),
        ("time,delay,loss,rate\n1s,2ms,3%\n", &["line 2 of the file has 3 cells"]),
        (
            "time,delay,loss,rate\nx,y,2,z\n,1ms,,\n",
            &[
                "line 2 of the file: `x` is no time",
                "line 2 of the file: `y` is no delay",
                "line 2 of the file: `2` is no loss",
                "line 2 of the file: `z` is no rate",
                "line 3 of the file: `` is no time",
            ],
        ),
        (
            "time,delay,loss,rate\n2s,1ms,,\n2s,1ms,,\n",
            &["line 3 of the file is not after the one before"],
        ),
        (
            "time,delay,loss,rate\n11d,1ms,,\n1s,1h,,\n",
            &["line 2 of the file: `11d` is no time", "line 3 of the file: `1h` is no delay"],
        ),
        (
            "time,delay,loss,rate\n30s,20min,-1,-1kbit\n",
            &[
                "line 2 of the file: `-1` is no loss",
                "line 2 of the file: `-1kbit` is no rate",
                "line 2 of the file: `20min` is no delay",
            ],
        ),
        // Nothing of a file that is no trace is shown.
        ("root:$6$secret\n", &["line 1 of the file does not name its columns"]),
        // What a terminal would obey is shown, not done.
        ("time,delay,loss,rate\n\u{1b}[2J,,,\n", &["line 2 of the file: `\\u{1b}[2J` is no time"]),
    ];
    for (file, expected) in cases {
        let faults = parse(&story(&json!({}), &[]), file).unwrap_err();
        let expected: Vec<String> = expected.iter().map(|it| format!("{at}: {it}")).collect();
        assert_eq!(faults, expected, "{file}");
    }
}

#[test]
fn what_names_a_file_wrongly_is_told() {
    let of = |fields: &Value| parse(&story(fields, &[]), "time,delay,loss,rate\n0s,,,\n");
    let at = "/script/2/do/replayTrace";
    let told = format!("{at}/file: `u.csv` cannot be read: it is not there");
    assert_eq!(of(&json!({ "file": "u.csv" })).unwrap_err(), [told]);
    let told = format!("{at}/on: on a link that changes bit by bit nobody shares a bottleneck");
    assert_eq!(of(&json!({ "on": "shared" })).unwrap_err(), [told]);
    let text = story(&json!({}), &[]).to_string();
    let faults = Scenario::parse(&text).unwrap_err();
    assert_eq!(faults[0].problem, "`t.csv` cannot be read: no files are read here");
}

#[test]
fn a_table_may_be_a_file_of_tc() {
    let with = |file: &str| {
        let mut story = story(&json!({ "file": "t.csv" }), &[]);
        story["script"].as_array_mut().unwrap().pop();
        story["links"]["base"]["distribution"] = json!({ "file": "t.csv" });
        parse(&story, file)
    };
    assert!(with("# of tc\n-8192 0\n8192\n").is_ok());
    let told = "/links/base/distribution/file: the file is no table of tc-netem";
    for file in ["", "1 x"] {
        assert_eq!(with(file).unwrap_err(), [told], "{file}");
    }
}

/// A file is named from the folder of its scenario, and is part of what a run is made of.
#[test]
fn files_are_named_from_the_folder_of_the_scenario() {
    let place = Place::new("traces");
    let file = "time,delay,loss,rate\n0s,30ms,,\n";
    place.write("deep/t.csv", file);
    place.write("deep/story.json", &story(&json!({}), &["12s"]).to_string());
    place.roomsim("run deep/story.json", 0);
    let manifest: Value = serde_json::from_str(&place.read("results/story/run.json")).unwrap();
    let sha256 = roomsim::sink::trace::sha256(file.as_bytes());
    assert_eq!(manifest["files"], json!({ "t.csv": sha256 }));
    place.write("deep/story.json", &story(&json!({ "file": "u.csv" }), &[]).to_string());
    let said = place.roomsim("validate deep/story.json", 2);
    assert_has(&said.err, "`u.csv` cannot be");
}

/// Reading stops where nobody would read more.
#[test]
fn a_file_of_another_kind_has_a_thousand_faults_and_no_more() {
    let file = format!("time,delay,loss,rate\n{}", "1,2,3,4\n".repeat(200_000));
    let faults = parse(&story(&json!({}), &[]), &file).unwrap_err();
    assert_eq!(faults.len(), 1000);
}
