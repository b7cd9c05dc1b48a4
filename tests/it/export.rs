//! Links and outages for a lab: the commands of tc-netem, against what its documentation says.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use roomsim::{
    report::export::{Target, export},
    scenario::Scenario,
};
use serde_json::{Value, json};

use crate::{
    cli::{Place, assert_has},
    support::{event, gallery, gallery_names},
    toxiproxy::toxics,
};

/// What a run of 100 s of clients on links of these names is exported to.
pub(crate) fn exported(
    target: Target,
    links: &Value,
    clients: &[(&str, &str)],
    script: &[Value],
) -> String {
    let client = |(name, link): &(&str, &str)| json!({ "name": name, "link": link });
    let story = json!({
        "version": 1, "name": "lab", "duration": "100s", "profile": "zego", "links": links,
        "clients": clients.iter().map(client).collect::<Vec<_>>(), "script": script,
    });
    export(&Scenario::parse(&story.to_string()).unwrap(), target)
}

pub(crate) fn netem(links: &Value, clients: &[(&str, &str)], script: &[Value]) -> String {
    exported(Target::Netem, links, clients, script)
}

/// The conditions of a link of these fields in each direction, as netem takes them.
fn conditions(fields: &Value) -> [String; 2] {
    let text = netem(&json!({ "x": fields }), &[("A", "x")], &[]);
    ["UP", "DOWN"].map(|way| {
        let command = format!("netem \"${way}_1\" ");
        let line = text.lines().find_map(|it| it.strip_prefix(&command));
        line.unwrap_or_else(|| panic!("{way}: {text}")).to_owned()
    })
}

/// What is said not to be expressed.
pub(crate) fn missing(text: &str) -> Vec<&str> {
    text.lines().filter_map(|it| it.strip_prefix("# NOT EXPRESSED: ")).collect()
}

pub(crate) fn outage(at: &str, fields: &Value) -> Value {
    let mut outage = json!({ "clients": ["A"], "kind": "silent" });
    outage.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    event(at, &json!({ "outage": outage }))
}

/// tc-netem(8): `delay TIME [ JITTER ] [ distribution … ]`, `loss random | state | gemodel`,
/// `duplicate PERCENT`, `reorder PERCENT gap DISTANCE`, `rate RATE PACKETOVERHEAD`, `limit packets`.
#[test]
fn conditions_are_in_the_words_of_netem() {
    let cases = [
        (json!({}), ""),
        (json!({ "delay": "1.5ms" }), "delay 1500us"),
        (json!({ "delay": "50ms", "jitter": "20ms" }), "delay 50000us 20000us"),
        (
            json!({ "delay": "50ms", "jitter": "20ms", "distribution": "pareto" }),
            "delay 50000us 20000us distribution roomsim-pareto",
        ),
        // tc takes no distribution without a jitter.
        (json!({ "delay": "50ms", "distribution": "normal" }), "delay 50000us"),
        (json!({ "loss": "0.3%" }), "loss random 0.3%"),
        (json!({ "loss": "100%" }), "loss random 100%"),
        // p, r, 1-h, 1-k; by default 1-p, 100 % and 0 %.
        (json!({ "loss": { "gemodel": { "p": "1%" } } }), "loss gemodel 1% 99% 100% 0%"),
        (
            json!({ "loss": { "gemodel": { "1-k": "0.1%", "1-h": "80%", "r": "25%", "p": "2%" } } }),
            "loss gemodel 2% 25% 80% 0.1%",
        ),
        // p13, p31, p32, p23, p14; by default 1-p13, 0 %, 100 % and 0 %.
        (json!({ "loss": { "state": { "p13": "5%" } } }), "loss state 5% 95% 0% 100% 0%"),
        (
            json!({ "loss": { "state": {
                "p13": "1%", "p14": "5%", "p23": "4%", "p31": "2%", "p32": "3%"
            } } }),
            "loss state 1% 2% 3% 4% 5%",
        ),
        (json!({ "duplicate": "1%" }), "duplicate 1%"),
        (json!({ "delay": "9ms", "reorder": "25%" }), "delay 9000us reorder 25% gap 1"),
        (
            json!({ "delay": "9ms", "reorder": { "share": "50%", "gap": 5 } }),
            "delay 9000us reorder 50% gap 5",
        ),
        (json!({ "rate": "1.5mbit" }), "rate 1500kbit 0 limit 1000"),
        (json!({ "rate": "64kbit", "overhead": 28, "limit": 50 }), "rate 64kbit 28 limit 50"),
    ];
    for (fields, expected) in cases {
        assert_eq!(conditions(&fields), [expected; 2], "{fields}");
    }
}

#[test]
fn each_direction_has_its_conditions() {
    let fields = json!({
        "delay": "60ms", "jitter": "20ms", "distribution": "paretonormal", "loss": "1%",
        "duplicate": "0.1%", "rate": "64kbit", "limit": 50,
        "up": { "reorder": "2%" },
        "down": { "rate": "10mbit", "loss": "0", "overhead": 4 },
    });
    let delay = "delay 60000us 20000us distribution roomsim-paretonormal";
    let up = "loss random 1% duplicate 0.1% reorder 2% gap 1 rate 64kbit 0 limit 50";
    let down = "duplicate 0.1% rate 10mbit 4 limit 50";
    assert_eq!(conditions(&fields), [format!("{delay} {up}"), format!("{delay} {down}")]);
    let lte = |rate: &str| {
        // Of 601 s one, in which all is lost.
        let loss = "loss random 0.166389%";
        format!(
            "delay 35000us 10000us distribution roomsim-normal {loss} rate {rate} 28 limit 1000"
        )
    };
    assert_eq!(conditions(&json!({ "preset": "lte" })), [lte("10mbit"), lte("40mbit")]);
}

/// A's way up is cut from 10 s to 40 s, by two outages that overlap; its way down from 20 s to 30 s.
#[test]
fn the_script_sleeps_between_changes_up_to_the_end() {
    let links = json!({ "home": { "delay": "50ms" }, "far": { "delay": "90ms" } });
    let script = [
        outage("10s", &json!({ "for": "20s", "direction": "both" })),
        outage("20.25s", &json!({ "for": "19.75s", "direction": "up" })),
    ];
    let text = netem(&links, &[("A", "home"), ("B", "far")], &script);
    let expected = "\
#!/bin/sh
# The links of the scenario lab for tc-netem: run it as root, with the interface of each
# client's direction in the environment (UP: from the client, DOWN: to it).
# UP_1, DOWN_1: A
# UP_2, DOWN_2: B
# NOT EXPRESSED: an outage on a way down that takes time: here it loses what is sent in it, in the \
scenario what would arrive in it
set -eu
netem() {
    interface=$1
    shift
    tc qdisc replace dev \"$interface\" root netem limit 1000000000 \"$@\"
}
netem \"$UP_1\" delay 50000us
netem \"$DOWN_1\" delay 50000us
netem \"$UP_2\" delay 90000us
netem \"$DOWN_2\" delay 90000us
sleep 10.000000
netem \"$UP_1\" loss random 100%
netem \"$DOWN_1\" loss random 100%
sleep 10.250000
netem \"$UP_1\" loss random 100%
netem \"$DOWN_1\" loss random 100%
sleep 9.750000
netem \"$UP_1\" loss random 100%
netem \"$DOWN_1\" delay 50000us
sleep 10.000000
netem \"$UP_1\" delay 50000us
netem \"$DOWN_1\" delay 50000us
sleep 60.000000
";
    assert_eq!(text, expected);
}

/// The slept microseconds of a script.
fn slept(text: &str) -> u64 {
    let sleeps = text.lines().filter_map(|it| it.strip_prefix("sleep "));
    sleeps.map(|it| it.replace('.', "").parse::<u64>().unwrap()).sum()
}

#[test]
fn a_ramp_is_its_steps_and_an_outage_goes_on_through_it() {
    let links = json!({ "near": { "delay": "20ms" }, "far": { "delay": "60ms", "loss": "4%" } });
    let ramp = json!({
        "clients": ["A"], "from": "near", "to": "far", "over": "20s", "steps": 4, "direction": "up",
    });
    let ramp = event("10s", &json!({ "changeLink": ramp }));
    let script = [ramp, outage("15s", &json!({ "for": "10s" }))];
    let text = netem(&links, &[("A", "near")], &script);
    let commands: Vec<&str> = text
        .lines()
        .filter(|it| it.starts_with("netem \"$UP_1\" ") || it.starts_with("sleep"))
        .map(|it| it.trim_start_matches("netem \"$UP_1\" "))
        .collect();
    assert_eq!(
        commands,
        [
            "delay 20000us", // At the start.
            "sleep 10.000000",
            "delay 20000us", // The ramp begins.
            "sleep 5.000000",
            "loss random 100%", // At 15 s an outage begins, and the ramp's first step comes.
            "loss random 100%",
            "sleep 5.000000",
            "loss random 100%", // 40 ms
            "sleep 5.000000",
            "loss random 100%", // At 25 s, 50 ms
            "delay 50000us loss random 3%",
            "sleep 5.000000",
            "delay 60000us loss random 4%",
            "sleep 70.000000",
        ]
    );
    assert!(!text.contains("$DOWN_1\" delay 60000us"), "{text}");
    assert_eq!(slept(&text), 100_000_000);
}

#[test]
fn a_change_during_an_outage_shows_when_it_is_over() {
    let links = json!({ "home": { "delay": "50ms" }, "street": { "delay": "80ms" } });
    let change = event("20s", &json!({ "changeNetwork": { "clients": ["A"], "to": "street" } }));
    let script = [outage("10s", &json!({ "for": "20s" })), change];
    let text = netem(&links, &[("A", "home")], &script);
    let last = "sleep 10.000000\nnetem \"$UP_1\" delay 80000us\nnetem \"$DOWN_1\" delay 80000us\n\
        sleep 70.000000\n";
    assert!(text.ends_with(last), "{text}");
    assert_eq!(text.matches("80000us").count(), 2);
    // An outage without an end is one to the end.
    let text = netem(&links, &[("A", "home")], &[outage("10s", &json!({}))]);
    let last =
        "netem \"$UP_1\" loss random 100%\nnetem \"$DOWN_1\" loss random 100%\nsleep 90.000000\n";
    assert!(text.ends_with(last), "{text}");
}

#[test]
fn what_netem_cannot_express_is_said_once() {
    let links = json!({
        "home": { "delay": "50ms" },
        "fifo": { "delay": "50ms", "jitter": "9ms", "order": "fifo" },
        "burst": { "loss": { "gemodel": { "p": "1%" } } },
        "spells": { "loss": { "timed_gilbert_elliott": { "good": "9s", "bad": "1s" } } },
        "table": { "delay": "50ms", "jitter": "9ms", "distribution": { "table": [-1, 40000] } },
        "gap": { "delay": "50ms", "reorder": { "share": "5%", "gap": 3 } },
        "queue": { "delay": "50ms", "jitter": "9ms", "rate": "1mbit" },
        "still": { "delay": "50ms", "rate": "0bit" },
    });
    let clients = [("A", "home"), ("B", "home")];
    assert_eq!(missing(&netem(&links, &clients, &[])), Vec::<&str>::new());
    let said = |script: &[Value]| {
        let text = netem(&links, &clients, script);
        let missing = missing(&text);
        let others = missing.iter().filter(|it| !it.starts_with("an outage on a way down"));
        others.map(|it| (*it).to_owned()).collect::<Vec<_>>()
    };
    let chance = json!({ "clients": ["A"], "kind": "silent", "every": "9s", "lasts": "1s" });
    let cases = [
        (json!({ "randomOutages": chance }), "random outages"),
        (json!({ "restartServer": { "for": "5s", "memory": "kept" } }), "server"),
        (json!({ "slowServer": { "login_processing": "5s" } }), "server"),
        (json!({ "outage": { "clients": ["A"], "kind": "refuse", "for": "5s" } }), "server"),
        (json!({ "outage": { "clients": ["A"], "kind": "link_down", "for": "5s" } }), "announces"),
        (json!({ "changeNetwork": { "clients": ["A"], "to": "home" } }), "another address"),
        (json!({ "changeLink": { "clients": ["A"], "to": "fifo" } }), "without overtaking"),
        (json!({ "changeLink": { "clients": ["A"], "to": "burst" } }), "burst models"),
        (json!({ "changeLink": { "clients": ["A"], "to": "spells" } }), "last for time"),
        (json!({ "changeLink": { "clients": ["A"], "to": "table" } }), "tail of roomsim-table-1"),
        (json!({ "changeLink": { "clients": ["A"], "to": "gap" } }), "gaps of each kind"),
        (json!({ "changeLink": { "clients": ["A"], "to": "queue" } }), "varies before a rate"),
        (json!({ "changeLink": { "clients": ["A"], "to": "still" } }), "stands still"),
        (json!({ "outage": { "clients": ["A"], "kind": "stall", "for": "5s" } }), "stands still"),
    ];
    for (deed, piece) in &cases {
        // Twice, for two clients or at two instants, is said once.
        let said = said(&[event("1s", deed), event("20s", deed)]);
        assert!(said.len() == 1 && said[0].contains(piece), "{piece}: {said:?}");
    }
    let all = (1..).zip(&cases).map(|(n, (deed, _))| event(&format!("{}s", 7 * n), deed));
    let all: Vec<Value> = all.collect();
    // That of the server three times and that of standing still twice; and a table that ends.
    assert_eq!(said(&all).len(), 12);
    let text = netem(&links, &[("A", "fifo"), ("B", "burst"), ("C", "table")], &[]);
    assert_eq!(missing(&text).len(), 3);
}

/// Names that would do harm in a script that took them for more than names.
pub(crate) const STRANGE: [&str; 7] = [
    "$(touch harm)",
    "`touch harm`",
    "it's'|touch harm",
    "x&&touch harm #",
    "ends with \\",
    "*/ ${UP_1} <harm >harm",
    "A\\n'",
];

/// The script as the shell runs it, with a tc that tells with what it was called.
#[cfg(unix)]
#[test]
fn names_of_clients_cannot_break_out_of_a_script() {
    let clients = STRANGE.map(|it| (it, "home"));
    let links = json!({ "home": { "delay": "50ms" }, "x": {} });
    let to_ideal = |it: &str| json!({ "changeLink": { "clients": [it], "to": "x" } });
    let script = STRANGE.map(|it| event("10s", &to_ideal(it)));
    let text = netem(&links, &clients, &script);
    for (index, name) in STRANGE.iter().enumerate() {
        let line = format!("# UP_{0}, DOWN_{0}: {name}", index + 1);
        assert_eq!(text.lines().filter(|it| *it == line).count(), 1, "{text}");
        assert_eq!(text.matches(name).count(), 1, "{text}");
    }
    let told = "tc() { echo \"tc $*\"; }\nsleep() { echo \"sleep $*\"; }\n";
    let place = Place::new("export-sh");
    let mut command = Command::new("sh");
    place.write("lab.sh", &format!("{told}{text}"));
    command.arg("lab.sh").current_dir(place.at("."));
    for index in 1..=STRANGE.len() {
        command.env(format!("UP_{index}"), format!("up{index}"));
        command.env(format!("DOWN_{index}"), format!("down {index}"));
    }
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let out = String::from_utf8(output.stdout).unwrap();
    let delay = |it: usize| {
        let tc = "tc qdisc replace dev";
        format!(
            "{tc} up{it} root netem limit 1000000000 delay 50000us\n\
             {tc} down {it} root netem limit 1000000000 delay 50000us\n"
        )
    };
    let before: String = (1..=STRANGE.len()).map(delay).collect();
    let after = before.replace(" delay 50000us", "");
    assert_eq!(out, format!("{before}sleep 10.000000\n{after}sleep 90.000000\n"));
    let files = std::fs::read_dir(place.at(".")).unwrap().count();
    assert_eq!(files, 2, "only the script and the file that is always there");
}

/// Every script sleeps as long as its scenario lasts, and names no interface that it does not say.
#[test]
fn every_scenario_of_the_gallery_is_exported() {
    for name in gallery_names() {
        let scenario = crate::support::parse(&gallery(&name)).unwrap();
        let text = export(&scenario, Target::Netem);
        let end = scenario.end().to_string().replace('.', "").parse::<u64>().unwrap();
        assert_eq!(slept(&text), end, "{name}");
        let n_clients = scenario.named_clients().iter().count();
        assert_eq!(text.matches("\n# UP_").count(), n_clients, "{name}");
        let last = format!("netem \"$DOWN_{n_clients}\"");
        assert_eq!(text.contains(&last), n_clients != 0, "{name}");
        let has_others = !scenario.populations().is_empty();
        assert_eq!(text.contains("# NOT EXPRESSED: members of"), has_others, "{name}");
        let value: Value = serde_json::from_str(&export(&scenario, Target::Toxiproxy)).unwrap();
        assert_eq!(value["proxies"].as_array().unwrap().len(), n_clients, "{name}");
    }
}

/// Runs `roomsim export` with these words and this for its standard input.
fn fed(words: &str, text: &str, code: i32) -> [String; 2] {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roomsim"));
    command.arg("export").args(words.split_whitespace());
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Who does not read it closes it.
    let _ignored = stdin.write_all(text.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    assert_eq!(output.status.code(), Some(code), "{words}\n{out}\n{err}");
    [out, err]
}

#[test]
fn the_command_exports_a_file_or_the_standard_input() {
    let text = gallery("situation-2");
    let scenario = Scenario::parse(&text).unwrap();
    for (name, target) in [("netem", Target::Netem), ("toxiproxy", Target::Toxiproxy)] {
        let expected = [export(&scenario, target), String::new()];
        assert_eq!(fed(&format!("--to {name} -"), &text, 0), expected);
        let place = Place::new(&format!("export-{name}"));
        place.write("story.json", &text);
        let said = place.roomsim(&format!("export story.json --to {name}"), 0);
        assert_eq!([said.out, said.err], expected);
    }
}

#[test]
fn a_faulty_file_and_a_missing_target_are_told() {
    let faulty = gallery("situation-2").replace("\"50ms\"", "\"50sm\"");
    let [out, err] = fed("--to netem -", &faulty, 2);
    assert!(out.is_empty(), "{out}");
    assert_has(&err, "<stdin>|/links/home/delay|`50sm`|1 fault");
    for words in ["-", "--to -", "--to", "--to tc -", "--to netem", "--to netem - -"] {
        let [out, err] = fed(words, "", 2);
        assert!(out.is_empty() && err.contains("--help"), "{words}: {err}");
    }
    let [out, err] = fed("--to netem missing.json", "", 3);
    assert!(out.is_empty() && err.contains("`missing.json`"), "{err}");
}

/// tc(8) says so of each of these, and a script with `set -e` ends there.
#[test]
fn tc_is_told_nothing_that_it_refuses() {
    let cases = [
        (json!({ "reorder": "10%" }), "delay 1us reorder 10% gap 1"),
        (json!({ "reorder": { "share": 0, "gap": 5 }, "delay": "9ms" }), "delay 9000us"),
        (
            json!({ "jitter": "20ms", "distribution": "normal" }),
            "delay 1us 20000us distribution roomsim-normal",
        ),
    ];
    for (fields, words) in cases {
        assert_eq!(conditions(&fields), [words, words], "{fields}");
    }
    let links =
        json!({ "x": { "reorder": "10%" }, "y": { "jitter": "2ms", "distribution": "normal" } });
    let text = netem(&links, &[("A", "x"), ("B", "y")], &[]);
    let told = [
        "reordering without a delay: the delay is 1us",
        "a distribution without a delay: the delay is 1us",
    ];
    assert_eq!(missing(&text), told);
}

/// A change of netem's settings leaves a rate and a table as they were unless they are told again.
#[test]
fn a_rate_or_a_table_that_ends_is_taken_away() {
    let links = json!({
        "plain": { "delay": "9ms" },
        "narrow": { "delay": "9ms", "up": { "rate": "1mbit" } },
        "spread": { "delay": "9ms", "down": { "jitter": "2ms", "distribution": "normal" } },
    });
    let change =
        |at: &str, to: &str| event(at, &json!({ "changeLink": { "clients": ["A"], "to": to } }));
    let cut = outage("15s", &json!({ "for": "1s" }));
    let script = [
        change("10s", "narrow"),
        cut,
        change("20s", "plain"),
        change("30s", "spread"),
        change("40s", "plain"),
        change("50s", "plain"),
    ];
    let text = netem(&links, &[("A", "plain")], &script);
    let fresh: Vec<&str> = text.lines().filter(|it| it.starts_with("anew \"")).collect();
    assert_eq!(fresh, ["anew \"$UP_1\" delay 9000us", "anew \"$DOWN_1\" delay 9000us"]);
    assert!(text.contains("tc qdisc del dev"), "{text}");
}

#[test]
fn what_is_after_the_end_is_not_exported() {
    let cut = [outage("60s", &json!({ "for": "10h" }))];
    let links = json!({ "x": { "delay": "9ms" } });
    let text = netem(&links, &[("A", "x")], &cut);
    assert!(text.ends_with("sleep 40.000000\n"), "{text}");
    let timeline = &toxics(&links, &[("A", "x")], &cut)["timeline"];
    assert_eq!(timeline.as_array().unwrap().len(), 2, "{timeline}");
}
