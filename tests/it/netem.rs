//! What a script for tc-netem brings along, and what it says that netem cannot do.

use std::process::Command;

use serde_json::json;

use crate::{
    cli::Place,
    export::{missing, netem, outage},
    support::event,
    toxiproxy::toxics,
};

/// The quantiles of a table that a script brings along.
fn shipped(text: &str, name: &str) -> Vec<i32> {
    let begins = format!("cat >\"$TC_LIB_DIR/{name}.dist\" <<'END'\n");
    let (_, rest) = text.split_once(&begins).unwrap_or_else(|| panic!("{name}: {text}"));
    let (table, _) = rest.split_once("\nEND\n").unwrap();
    table.split_whitespace().map(|it| it.parse().unwrap()).collect()
}

/// tc's own tables of these names are other distributions, so a script brings ours, as far as
/// netem's sixteen bits can hold them, and says what they cannot.
#[test]
fn a_script_brings_its_tables_along() {
    for (name, has_tail) in [("normal", false), ("pareto", true), ("paretonormal", true)] {
        let links = json!({ "x": { "delay": "100ms", "jitter": "20ms", "distribution": name } });
        let text = netem(&links, &[("A", "x")], &[]);
        let table = roomsim::link::delay::Table::named(name).unwrap();
        let held: Vec<i32> = table.quantiles().iter().map(|it| *it.min(&32_767)).collect();
        assert_eq!(shipped(&text, &format!("roomsim-{name}")), held);
        let told = missing(&text);
        assert_eq!(told.len(), usize::from(has_tail), "{told:?}");
        assert!(told.iter().all(|it| it.starts_with(&format!("the tail of roomsim-{name} "))));
        assert!(text.contains("export TC_LIB_DIR\n"), "{text}");
        // Both directions need it, and one file is enough.
        assert_eq!(text.matches(".dist\"").count(), 1);
    }
    let custom = json!({ "x": {
        "delay": "100ms", "jitter": "20ms", "distribution": { "table": [8192, -8192, 0] },
        "down": { "distribution": { "table": [1, 2] } },
    } });
    let text = netem(&custom, &[("A", "x")], &[]);
    assert_eq!(shipped(&text, "roomsim-table-1"), [8192, -8192, 0]);
    assert_eq!(shipped(&text, "roomsim-table-2"), [1, 2]);
    assert_eq!(missing(&text), Vec::<&str>::new());
    // Of 32768 quantiles netem takes every second.
    let table: Vec<i32> = (0..32_768).map(|it| it - 16_384).collect();
    let long = json!({ "x": {
        "delay": "100ms", "jitter": "20ms", "distribution": { "table": table },
    } });
    let text = netem(&long, &[("A", "x")], &[]);
    let held: Vec<i32> = table.iter().copied().step_by(2).collect();
    assert_eq!(shipped(&text, "roomsim-table-1"), held);
    assert!(missing(&text)[0].starts_with("all of the 32768 quantiles"), "{:?}", missing(&text));
}

/// The shell writes the tables where tc looks for them, and takes them away in the end.
#[cfg(unix)]
#[test]
fn the_shell_finds_the_tables() {
    let links = json!({ "x": {
        "delay": "9ms", "jitter": "2ms", "distribution": { "table": [-8192, 8192] },
    } });
    let text = netem(&links, &[("A", "x")], &[]);
    let told = "tc() { cat \"$TC_LIB_DIR/roomsim-table-1.dist\"; }\nsleep() { :; }\n";
    let place = Place::new("export-tables");
    place.write("lab.sh", &format!("{told}{text}"));
    let mut command = Command::new("sh");
    command.arg("lab.sh").current_dir(place.at(".")).env("TMPDIR", place.at("."));
    let output = command.env("UP_1", "a").env("DOWN_1", "b").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "-8192 8192\n-8192 8192\n");
    let files = std::fs::read_dir(place.at(".")).unwrap().count();
    assert_eq!(files, 2, "only the script and the file that is always there");
}

/// What netem does otherwise with a link is said, each for its own reason.
#[test]
fn what_netem_does_otherwise_is_said() {
    let gap = json!({ "share": "5%", "gap": 3 });
    let cases = [
        (json!({ "jitter": "9ms", "rate": "1mbit" }), &["a delay that varies before a rate"][..]),
        (json!({ "rate": "1mbit" }), &[]),
        (json!({ "loss": "10%", "duplicate": "10%" }), &[]),
        (json!({ "reorder": "5%", "duplicate": "10%" }), &[]),
        (json!({ "reorder": gap }), &["gaps of each kind"]),
        (json!({ "reorder": gap, "duplicate": "1%" }), &["gaps of each kind", "copies that leave"]),
        (
            json!({ "loss": { "gemodel": { "p": "1%" } }, "duplicate": "1%" }),
            &["burst models of each kind", "copies that leave"],
        ),
    ];
    for (mut fields, expected) in cases {
        fields["delay"] = json!("50ms");
        let text = netem(&json!({ "x": fields }), &[("A", "x")], &[]);
        let told = missing(&text);
        let is_told = told.iter().zip(expected).all(|(it, begins)| it.starts_with(begins));
        assert!(told.len() == expected.len() && is_told, "{fields}: {told:?}");
    }
    // Downwards what is lost is that which would arrive; upwards, and where nothing takes time, it
    // is that which is sent.
    for (delay, direction, n) in [("50ms", "down", 1), ("50ms", "up", 0), ("0s", "down", 0)] {
        let cut = outage("10s", &json!({ "for": "5s", "direction": direction }));
        let text = netem(&json!({ "x": { "delay": delay } }), &[("A", "x")], &[cut]);
        assert_eq!(missing(&text).len(), n, "{delay} {direction}");
    }
    // What begins anew forgets what is under way.
    let links = json!({ "x": { "rate": "1mbit" }, "y": {} });
    let change = event("10s", &json!({ "changeLink": { "clients": ["A"], "to": "y" } }));
    let text = netem(&links, &[("A", "x")], &[change]);
    assert!(missing(&text)[0].starts_with("messages under way when a rate"), "{text}");
}

/// netem's rate of 0 is none, so a link that stands still is told as what it cannot do, and left.
#[test]
fn what_stands_still_is_no_rate_of_0() {
    let links = json!({
        "home": { "delay": "50ms" }, "still": { "delay": "50ms", "rate": "0bit" },
    });
    let change =
        |at: &str, to: &str| event(at, &json!({ "changeLink": { "clients": ["A"], "to": to } }));
    let stall = json!({ "kind": "stall", "for": "5s", "direction": "up" });
    let script = [change("10s", "still"), change("20s", "home"), outage("30s", &stall)];
    let text = netem(&links, &[("A", "home")], &script);
    let (_, commands) = text.split_once("}\n").unwrap();
    let expected = "\
netem \"$UP_1\" delay 50000us
netem \"$DOWN_1\" delay 50000us
sleep 10.000000
# $UP_1 stands still
# $DOWN_1 stands still
sleep 10.000000
netem \"$UP_1\" delay 50000us
netem \"$DOWN_1\" delay 50000us
sleep 10.000000
# $UP_1 stands still
netem \"$DOWN_1\" delay 50000us
sleep 5.000000
netem \"$UP_1\" delay 50000us
netem \"$DOWN_1\" delay 50000us
sleep 65.000000
";
    assert_eq!(commands, expected);
    let told = missing(&text);
    assert!(told.len() == 1 && told[0].starts_with("a link that stands still"), "{told:?}");
    let value = toxics(&links, &[("A", "home")], &script[2..]);
    // Longer than the 100 s of the run, until it is taken away.
    let held = json!({
        "name": "latency_upstream", "type": "latency", "stream": "upstream",
        "attributes": { "latency": 100_000, "jitter": 0 },
    });
    assert_eq!(value["timeline"][1]["toxics"][0], held);
    let told = value["not_expressed"].to_string();
    assert!(told.contains("the delay of what was held"), "{told}");
}
