//! What is told to people and programs of many, of none, and in numbers.

use serde_json::{Value, json};

use crate::{
    cli::{Place, VISIT, assert_has},
    support::{scenario, with},
};

/// 150 viewers come to the room of B, and 5000 others with long names to another.
fn crowd() -> Value {
    let long = "m".repeat(57);
    let group = |name: &str, n: u32| json!({ "name": name, "count": n, "link": "home" });
    let clients =
        [json!({ "name": "B", "link": "home" }), group("viewer", 150), group(&long, 5000)];
    let login = |at: &str, who: &str, room: &str, notify: bool, mark: &str| {
        let deed = json!({ "loginRoom": { "room": room, "isUserStatusNotify": notify } });
        json!({ "at": at, "client": who, "do": deed, "mark": mark })
    };
    let script = [
        login("0s", "viewer", "r", true, "T0"),
        login("1s", &long, "other", false, "T1"),
        login("5s", "B", "r", true, "T2"),
    ];
    let mut story = scenario(&json!("zego-doc"), &clients, &script);
    story["duration"] = json!("20s");
    let added = json!({ "onRoomUserUpdate": { "update": "ADD" } });
    let members: Vec<String> = (1..=150).map(|it| format!("viewer-{it}")).collect();
    let all = json!({ "onRoomUserUpdate": { "update": "ADD", "users": members } });
    story["expect"] = json!([
        { "mark": "T3", "client": "B", "callback": added, "at": "T2", "within": "1s" },
        { "client": "B", "never": all },
    ]);
    story
}

#[test]
fn of_many_a_few_are_named_and_the_rest_counted() {
    let place = Place::new("many");
    place.write("crowd.json", &crowd().to_string());
    let said = place.roomsim("run crowd.json", 1);
    let marks = place.read("results/story/marks.csv");
    let cell = |mark: &str, column: usize| {
        let line = marks.lines().find(|it| it.starts_with(&format!("{mark},"))).unwrap();
        line.split(',').nth(column).unwrap().to_owned()
    };
    // The first hundred, and how many more.
    let named = |n: u32| (1..=n).map(|it| format!("viewer-{it}")).collect::<Vec<_>>().join(";");
    assert_eq!(cell("T0", 2), format!("{};+50", named(100)));
    assert_eq!(cell("T3", 3), format!("onRoomUserUpdate ADD {};+50", named(100)));
    assert!(cell("T1", 2).ends_with("-100;+4900"), "{}", cell("T1", 2));
    assert!(marks.lines().flat_map(|it| it.split(',')).all(|it| it.len() < 32_767));
    // Neither do people read all names; who has to have them finds them in the exact record.
    for (words, path) in [("check crowd.json", ""), ("check crowd.json --junit x.xml", "x.xml")] {
        let out = place.roomsim(words, 1).out;
        let text = if path.is_empty() { out } else { place.read(path) };
        assert_has(&text, "+140");
        assert!(!text.contains("viewer-11;"), "{text}");
    }
    assert!(!said.out.contains("viewer-11;"), "{}", said.out);
    assert_has(&place.read("results/story/callbacks.csv"), &named(150));
    let line = place.roomsim("check crowd.json --json", 1).out;
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told["expectations"][1]["got"]["subjects"], named(150));
}

/// Up to a hundred all are named.
#[test]
fn a_hundred_are_all_named() {
    let place = Place::new("hundred");
    let mut crowd = crowd();
    crowd["clients"][1]["count"] = json!(100);
    crowd["expect"] = json!([]);
    place.write("crowd.json", &crowd.to_string());
    place.roomsim("run crowd.json", 0);
    assert_has(&place.read("results/story/marks.csv"), ";viewer-100,");
}

#[test]
fn a_trace_that_keeps_nobody_is_no_run_without_callbacks() {
    let place = Place::new("nobody");
    let mut crowd = crowd();
    crowd["expect"] = json!([]);
    place.write("crowd.json", &crowd.to_string());
    let told = place.roomsim("run crowd.json --trace none", 0).out;
    assert_has(&told, "the trace keeps nobody's callbacks");
    assert!(!told.contains("no callbacks"), "{told}");
    let script = crowd["script"].as_array_mut().unwrap();
    script.remove(2);
    place.write("crowd.json", &crowd.to_string());
    let told = place.roomsim("run crowd.json --trace clients:B", 0).out;
    assert_has(&told, "no callbacks of the 1 client traced in 20.000000 s");
    crowd["script"] = json!([]);
    place.write("crowd.json", &crowd.to_string());
    for trace in ["none", "all"] {
        let told = place.roomsim(&format!("run crowd.json --trace {trace}"), 0).out;
        assert_has(&told, "  no callbacks in 20.000000 s");
    }
}

/// B hears of A at 10.22 s; the run is a minute long.
#[test]
fn numbers_in_json_are_numbers_and_an_absence_has_no_difference() {
    let place = Place::new("numbers");
    let fields = json!({ "client": "B", "callback": { "onRoomUserUpdate": { "update": "ADD" } } });
    let mut story: Value = {
        let plain = VISIT.replace("\"T0\" },\n  ],", "\"T0\" }\n  ],");
        serde_json::from_str(&plain).unwrap()
    };
    story["expect"] = json!([
        with(fields.clone(), &json!({ "at": "10.2s", "within": "20ms" })),
        with(fields, &json!({ "from": "10.5s", "to": "11s" })),
        { "client": "B", "never": { "onRoomUserUpdate": { "update": "ADD" } } },
    ]);
    place.write("numbers.json", &story.to_string());
    let told = place.roomsim("check numbers.json --json", 1).out;
    let told: Value = serde_json::from_str(&told).unwrap();
    let held: Vec<&Value> = (0..3).map(|it| &told["expectations"][it]["held"]).collect();
    assert_eq!(held, [true, false, false]);
    let times = |index: usize| {
        let expectation = &told["expectations"][index];
        let got = &expectation["got"];
        json!([expectation["from_s"], expectation["to_s"], got["time_s"], got["difference_s"]])
    };
    assert_eq!(times(0), json!([10.18, 10.22, 10.22, 0.02]));
    assert_eq!(times(1), json!([10.5, 11.0, 10.22, -0.28]));
    assert_eq!(times(2), json!([0.0, 60.0, 10.22, null]));
    let text = place.roomsim("check numbers.json", 1).out;
    assert_eq!(text.matches("difference").count(), 1, "only that of the second: {text}");
    place.roomsim("run numbers.json", 1);
    let manifest: Value = serde_json::from_str(&place.read("results/visit/run.json")).unwrap();
    assert_eq!(manifest["duration_s"], json!(60.0));
}
