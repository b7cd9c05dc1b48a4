//! Whole traces as files: `callbacks.csv` of the situations, byte for byte.
//!
//! They were reviewed against the timelines of `timelines.rs`.

use std::{fs, path::Path};

use roomsim::{
    report::text::{self, Ink, Results},
    sink::csv,
};

use crate::support::{Ran, gallery, gallery_names, run};

fn callbacks(ran: &Ran) -> String {
    let mut bytes = Vec::new();
    csv::write_callbacks(&ran.scenario, &ran.trace, &ran.judged(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Set `UPDATE_GOLDEN=1` to write the files anew; review what changes.
#[test]
fn the_traces_of_the_situations_are_those_on_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for name in gallery_names().into_iter().filter(|it| it.starts_with("situation-")) {
        let path = folder.join(&name).with_extension("csv");
        let csv = callbacks(&run(&gallery(&name), None));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &csv).unwrap();
        }
        let golden =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(csv, golden, "{name}");
    }
}

#[test]
fn every_scenario_of_the_gallery_holds_with_its_own_seed() {
    for name in gallery_names() {
        let ran = run(&gallery(&name), None);
        let judged = ran.judged();
        assert!(!judged.verdicts.is_empty(), "{name} expects nothing");
        for (expectation, verdict) in ran.scenario.expectations().iter().zip(&judged.verdicts) {
            assert!(verdict.held, "{name} {}", expectation.pointer);
        }
    }
}

// spec: R40
#[test]
fn the_detail_column_tells_the_older_callback() {
    let csv = callbacks(&run(&gallery("situation-3"), None));
    let details = csv.lines().filter(|it| it.contains(",A,A,") && it.contains("StateChanged"));
    let details: Vec<&str> = details.map(|it| it.split(',').nth(8).unwrap()).collect();
    assert_eq!(details, ["Connecting", "Connected", "Connecting", "Disconnected"]);
}

#[test]
fn marks_csv_tells_expected_and_difference() {
    let ran = run(&gallery("situation-2"), None);
    let mut bytes = Vec::new();
    csv::write_marks(&ran.scenario, &ran.trace, &ran.judged(), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("mark,time_s,client,callback,expected_s,difference_s\n"));
    // T1 = 10 s + 120 ms, as expected; T6' = T5' + 100 ms.
    let t1 = "T1,10.120000,A,onRoomStateChanged Logined 0,10.120000,0.000000\n";
    let t6 = "T6',240.220000,B,onRoomUserUpdate ADD A,240.220000,0.000000\n";
    assert!(text.contains(t1) && text.contains(t6), "{text}");
}

/// The part of the README between two lines.
fn readme_part(from: &str, to: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).unwrap();
    let start = text.find(from).unwrap() + from.len();
    let end = text[start..].find(to).unwrap();
    text[start..start + end].to_owned()
}

#[test]
fn the_timeline_in_the_readme_is_the_one_printed() {
    let ran = run(&gallery("situation-2"), None);
    let judged = ran.judged();
    let Ran { scenario, trace, fingerprint, .. } = &ran;
    let results = Results { scenario, seed: 1, trace, judged: &judged, fingerprint };
    let printed = text::timeline(results, Ink::Plain) + &text::summary(results, Ink::Plain);
    let shown = readme_part("run scenarios/situation-2.json\n", "  written to");
    assert_eq!(shown, printed);
    let shown = readme_part("  fingerprint ", "\n");
    assert_eq!(shown, ran.fingerprint.to_string());
}

#[test]
fn the_scenario_in_the_readme_holds() {
    let ran = run(&readme_part("```jsonc\n", "```"), None);
    assert!(ran.judged().held(), "{}", ran.lines().join("\n"));
}
