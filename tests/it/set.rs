//! Values that are set in a scenario from outside.

use roomsim::scenario::{
    Scenario,
    fault::Fault,
    settings::{Edited, Origin, Setting},
};
use serde_json::{Value, json};

use crate::{
    cli::{Place, VISIT, assert_has},
    support::{call, client, gallery, gallery_names, login, parse, scenario},
};

fn settings(texts: &[&str]) -> Vec<Setting> {
    texts.iter().map(|it| it.parse().unwrap()).collect()
}

/// A text with settings that all fit.
fn edited(text: &str, texts: &[&str]) -> Edited {
    let (edited, misfits) = Edited::new(text, &settings(texts));
    assert_eq!(misfits, []);
    edited
}

/// All that a scenario says.
fn told(text: &str) -> String {
    format!("{:?}", parse(text).unwrap())
}

/// A, ten viewers, and an outage with a mark.
fn base() -> Value {
    let viewers = json!({ "name": "viewer", "count": 10, "link": "home", "rooms": 2 });
    let outage = json!({ "outage": { "clients": ["viewer"], "kind": "silent", "for": "1min" } });
    let script = [login("0s", "A"), json!({ "at": "60s", "do": outage, "mark": "T3" })];
    scenario(&json!("zego"), &[client("A", &json!({})), viewers], &script)
}

/// Settings, and the fields that are to be written for them by hand.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, Value)]);

#[test]
fn a_setting_is_as_if_it_had_been_written_so() {
    let cases: [Case<'_>; 10] = [
        (&["/clients/viewer/count=500"], &[("/clients/1/count", json!(500))]),
        (&["/clients/1/count=500"], &[("/clients/1/count", json!(500))]),
        (&["/script/T3/do/outage/for=2min"], &[("/script/1/do/outage/for", json!("2min"))]),
        (&["/script/T3/at=\"61s\""], &[("/script/1/at", json!("61s"))]),
        (&["/profile=zego-web"], &[("/profile", json!("zego-web"))]),
        (
            &["/profile/retry={ \"fixed\": \"1s\" }"],
            &[("/profile", json!({ "base": "zego", "retry": { "fixed": "1s" } }))],
        ),
        (
            &["/profile/heartbeat/every=7s", "/profile/heartbeat/phase=login", "/seed=7"],
            &[
                (
                    "/profile",
                    json!({ "base": "zego", "heartbeat": { "every": "7s", "phase": "login" } }),
                ),
                ("/seed", json!(7)),
            ],
        ),
        (&["/links/home/loss=1%"], &[("/links/home/loss", json!("1%"))]),
        (&["/links/home/up/delay=9ms"], &[("/links/home/up", json!({ "delay": "9ms" }))]),
        (&["/clients/A/clock=100ppm"], &[("/clients/0/clock", json!("100ppm"))]),
    ];
    for (texts, by_hand) in cases {
        let mut written = base();
        for (pointer, value) in by_hand {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            written.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        let text = serde_json::to_string_pretty(&base()).unwrap();
        let [one, other] =
            [edited(&text, texts).text().to_owned(), written.to_string()].map(|it| told(&it));
        assert_eq!(one, other, "{texts:?}");
    }
}

/// Comments, trailing commas and marks of the gallery stay what they were.
#[test]
fn what_is_set_to_what_it_is_changes_nothing() {
    for name in gallery_names() {
        let text = gallery(&name);
        let same = edited(&text, &[&format!("/name={name}"), "/version=1"]);
        assert_eq!(told(same.text()), told(&text), "{name}");
    }
}

/// The faults of a text with settings, and where they are.
fn faults(text: &str, texts: &[&str]) -> Vec<(Origin, Fault)> {
    let edited = edited(text, texts);
    let faults = Scenario::parse(edited.text()).unwrap_err();
    faults.into_iter().map(|it| (edited.origin(&it.range), it)).collect()
}

#[test]
fn a_fault_is_told_where_its_author_can_mend_it() {
    let text = serde_json::to_string_pretty(&base()).unwrap();
    let wrong = text.replace("\"silent\"", "\"silence\"").replace("\"50ms\"", "\"50 hours\"");
    let before = Scenario::parse(&wrong).unwrap_err();
    assert_eq!(before.len(), 2);
    // Longer, shorter, absent before.
    for good in
        ["/clients/viewer/count=100000", "/name=n", "/seed=12345", "/profile/token_warning=9s"]
    {
        let after = faults(&wrong, &[good]);
        let files = after.iter().map(|(origin, it)| (origin.clone(), it.problem.clone()));
        let expected = before.iter().map(|it| (Origin::File(it.range.clone()), it.problem.clone()));
        assert_eq!(files.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{good}");
    }
    for (bad, pointer) in [
        ("/clients/viewer/count=many", "/clients/1/count"),
        ("/clients/viewer/cuont=5", "/clients/1/cuont"),
        ("/profile/retry/fixt=1s", "/profile/retry/fixt"),
        ("/links/home/loss/p=1", "/links/home/loss/p"),
    ] {
        let told = faults(&text, &["/seed=2", bad]);
        assert!(!told.is_empty() && told.iter().all(|it| it.0 == Origin::Setting(1)), "{told:?}");
        assert!(told.iter().any(|it| it.1.pointer == pointer), "{told:?}");
    }
    // What is right in one place may be wrong in another: the step that names the clients.
    let told = faults(&text, &["/clients/viewer/name=watcher"]);
    assert!(told.iter().all(|it| matches!(it.0, Origin::File(_))), "{told:?}");
}

#[test]
fn a_pointer_that_leads_nowhere_is_refused() {
    let mut story = base();
    let twins = [call("1s", "A", &json!({ "logoutRoom": {} })), login("2s", "A")];
    story["script"]
        .as_array_mut()
        .unwrap()
        .extend(twins.map(|it| crate::support::with(it, &json!({ "mark": "twin" }))));
    story["clients"][0]["name"] = json!("1");
    let text = story.to_string();
    for (bad, problem, remedy) in [
        (
            "/clients/viewr/count=5",
            "no element of the 2 there has the name or index `viewr`",
            "did you mean `viewer`?",
        ),
        (
            "/clients/7/count=5",
            "no element of the 2 there has the name or index `7`",
            "count from 0",
        ),
        ("/clients/1/count=5", "`1` is the index of one element and the name", "another name"),
        ("/script/twin/at=5s", "several elements are named `twin`", "index"),
        ("/duration/seconds=5", "nothing lies in `/duration`", "end the pointer there"),
    ] {
        let (edited, misfits) = Edited::new(&text, &settings(&[bad]));
        assert_eq!(edited.text(), text, "{bad}");
        let [(0, fault)] = &misfits[..] else { panic!("{misfits:?}") };
        assert!(fault.problem.contains(problem) && fault.remedy.contains(remedy), "{fault:?}");
    }
    // All at once; a place and what lies in it are the same place.
    let (_, misfits) = Edited::new(
        &text,
        &settings(&[
            "/seed=1",
            "/nowhere/0=1",
            "/duration/x=1",
            "/seed=2",
            "/profile=zego",
            "/profile/debounce=1s",
        ]),
    );
    let told: Vec<usize> = misfits.iter().map(|it| it.0).collect();
    assert_eq!(told, [2, 3, 5], "{misfits:?}");
    for bad in ["", "/", "count=5", "/clients/0/count", "clients/0=1", "=1"] {
        assert!(bad.parse::<Setting>().is_err(), "{bad}");
    }
}

/// `~1` is a slash and `~0` a tilde, in names of links.
#[test]
fn pointers_have_the_escapes_of_rfc_6901() {
    let text = r#"{ "links": { "a/b": 1, "m~n": 2, "~1": 3 } }"#;
    let edited = edited(text, &["/links/a~1b=4", "/links/m~0n=5", "/links/~01=6"]);
    assert_eq!(edited.text(), r#"{ "links": { "a/b": 4, "m~n": 5, "~1": 6 } }"#);
}

#[test]
fn the_command_line_sets_values_and_tells_what_it_set() {
    let place = Place::new("set");
    place.write("visit.json", VISIT);
    place.roomsim("run visit.json --set /seed=77 --set /links/home/delay=60ms --out out", 0);
    let manifest: Value = serde_json::from_str(&place.read("out/run.json")).unwrap();
    assert_eq!(manifest["set"], json!({ "/seed": 77, "/links/home/delay": "60ms" }));
    assert_eq!(manifest["seed"], 77);
    place.roomsim("run visit.json --out plain", 0);
    let manifest: Value = serde_json::from_str(&place.read("plain/run.json")).unwrap();
    assert_eq!(manifest.get("set"), None);
    // Both faults at once, each with its option as its place.
    let said =
        place.roomsim("check visit.json --set /clients/nobody/link=x --set /duration=soon", 2);
    assert_has(
        &said.err,
        "--set:1:1: no element of the 2 there has|`nobody`|--set:1:11: /duration: |soon",
    );
    place.roomsim("validate visit.json --set /duration=soon", 2);
    place.roomsim("run visit.json --set duration=1min", 2);
}
