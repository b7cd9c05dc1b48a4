//! The JUnit file of `check --junit`.

use crate::{
    cli::{Place, VISIT, assert_has},
    support::gallery,
};

/// The elements of this kind, each as far as the next begins.
fn elements<'a>(xml: &'a str, kind: &str) -> Vec<&'a str> {
    xml.split(&format!("<{kind} ")).skip(1).collect()
}

#[test]
fn a_junit_file_tells_every_verdict_and_why_one_failed() {
    let place = Place::new("junit");
    // T5'' = T3 + 20 min; one second more is wrong.
    place.write("wrong.json", &gallery("situation-3").replace("T3+20min", "T3+1201s"));
    place.roomsim("check wrong.json --junit verdicts.xml", 1);
    let xml = place.read("verdicts.xml");
    assert!(xml.contains("failures=\"1\""), "{xml}");
    assert!(xml.contains("T5&apos;&apos; A ReconnectFailed 1002053"), "{xml}");
    assert!(xml.contains("difference -1.000000 s, too early"), "{xml}");
}

/// A run of a minute with three expectations: 20 s each.
#[test]
fn cases_have_a_class_and_the_time_that_was_simulated() {
    let place = Place::new("junit-time");
    place.roomsim("check visit.json --junit x.xml", 0);
    let xml = place.read("x.xml");
    let cases = elements(&xml, "testcase");
    assert_eq!(cases.len(), 3, "{xml}");
    for case in cases {
        assert_has(case, "classname=\"visit\" time=\"20.000\"");
    }
    assert_has(elements(&xml, "testsuite")[0], "name=\"visit\"|time=\"60.000\"");
    place.roomsim("check visit.json --seeds 1..3 --junit x.xml", 0);
    let xml = place.read("x.xml");
    let cases = elements(&xml, "testcase");
    for (case, seed) in cases.iter().zip(1..=3) {
        assert_has(case, &format!("name=\"seed {seed}\" classname=\"visit\" time=\"60.000\""));
    }
    assert_has(elements(&xml, "testsuite")[0], "tests=\"3\"|time=\"180.000\"");
    assert_has(elements(&xml, "testsuites")[0], "time=\"180.000\"");
}

/// T1 is at 10.12 s, whatever the seed.
#[test]
fn every_seed_that_fails_tells_what_was_expected_and_what_came() {
    let place = Place::new("junit-seeds");
    let late = VISIT.replace("\"T0+120ms\", \"within\": \"500ms\"", "\"T0+125ms\"");
    place.write("late.json", &late.replace("\"DELETE\" } }, \"from\": \"T2\"", "\"ADD\" } }"));
    for json in ["", " --json"] {
        place.roomsim(&format!("check late.json --seeds 4..5 --junit x.xml{json}"), 1);
        let xml = place.read("x.xml");
        let failures = elements(&xml, "failure");
        assert_eq!(failures.len(), 2, "{xml}");
        for (failure, seed) in failures.iter().zip(4..=5) {
            let (message, details) = failure.split_once('>').unwrap();
            let found = "expected Logined 0 at 10.125000 s; got Logined 0 at 10.120000 s; \
                         difference -0.005000 s, too early; where /expect/0; and 1 expectation more";
            assert_has(message, found);
            let replay = format!("to repeat: roomsim check late.json --seed {seed}");
            assert_has(details, &format!("expected   Logined 0 at|never ADD|{replay}"));
            // An absence is not early or late.
            assert_eq!(details.matches("difference").count(), 1, "{details}");
        }
    }
}

#[test]
fn what_cannot_be_run_is_an_error_and_the_others_are_run() {
    let place = Place::new("junit-refused");
    place.write("faulty.json", &VISIT.replace("1min", "1mni").replace("zego-doc", "zego-dco"));
    place.write("late.json", &VISIT.replace("T0+120ms", "T0+5s").replace("visit", "late"));
    let words = "check late.json faulty.json missing.json visit.json --junit x.xml";
    let said = place.roomsim(words, 2);
    assert_has(&said.err, "faulty.json: 2 faults|`missing.json`");
    assert_has(&said.out, "3 expectations held|4 scenarios: 1 failed, 2 could not be run");
    let xml = place.read("x.xml");
    assert_has(&xml, "tests=\"8\"|failures=\"1\" errors=\"2\"");
    let suites = elements(&xml, "testsuite");
    let names = ["late", "faulty.json", "missing.json", "visit"];
    for (suite, name) in suites.iter().zip(names) {
        assert_has(suite, &format!("name=\"{name}\"|classname=\"{name}\""));
    }
    assert_has(suites[1], "<error message=\"the scenario has 2 faults\"|/duration: `1mni`|help: ");
    assert_has(suites[1], "zego-doc`?|errors=\"1\"");
    assert_has(suites[2], "cannot read `missing.json`");
    // Also if there is nothing else, and then as the first of them has it.
    place.roomsim("check missing.json faulty.json --junit y.xml", 3);
    assert_has(&place.read("y.xml"), "tests=\"2\"|errors=\"2\"");
    // Without such a file nothing is run that is not asked for as a whole.
    assert!(place.roomsim("check visit.json faulty.json", 2).out.is_empty());
}
