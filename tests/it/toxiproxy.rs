//! Links and outages for a lab: the toxics of Toxiproxy, against what its documentation says.

use roomsim::report::export::Target;
use serde_json::{Value, json};

use crate::export::{STRANGE, exported, outage};

pub(crate) fn toxics(links: &Value, clients: &[(&str, &str)], script: &[Value]) -> Value {
    let text = exported(Target::Toxiproxy, links, clients, script);
    assert!(text.ends_with("}\n"), "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn toxics_have_the_types_and_attributes_of_toxiproxy() {
    let links = json!({
        "home": { "delay": "50ms" },
        "narrow": { "delay": "60ms", "jitter": "20ms", "rate": "64kbit", "down": { "rate": "8mbit" } },
        "ideal": {},
    });
    let outage = outage("10s", &json!({ "for": "20s", "direction": "down" }));
    let value = toxics(&links, &[("A", "home"), ("B", "narrow"), ("C", "ideal")], &[outage]);
    let toxic = |kind: &str, stream: &str, attributes: Value| {
        let name = format!("{kind}_{stream}");
        json!({ "name": name, "type": kind, "stream": stream, "attributes": attributes })
    };
    let latency = |stream: &str, latency: u32, jitter: u32| {
        toxic("latency", stream, json!({ "latency": latency, "jitter": jitter }))
    };
    let home = json!([latency("upstream", 50, 0), latency("downstream", 50, 0)]);
    // In kilobytes a second.
    let narrow = json!([
        latency("upstream", 60, 20),
        toxic("bandwidth", "upstream", json!({ "rate": 8 })),
        latency("downstream", 60, 20),
        toxic("bandwidth", "downstream", json!({ "rate": 1000 })),
    ]);
    // No data gets through, and the connection is not closed.
    let cut = json!([
        latency("upstream", 50, 0),
        toxic("timeout", "downstream", json!({ "timeout": 0 }))
    ]);
    let expected = json!({
        "scenario": "lab",
        "duration_s": 100.0,
        "proxies": [{ "name": "A" }, { "name": "B" }, { "name": "C" }],
        "timeline": [
            { "at_s": 0.0, "proxy": "A", "toxics": home },
            { "at_s": 0.0, "proxy": "B", "toxics": narrow },
            { "at_s": 0.0, "proxy": "C", "toxics": [] },
            { "at_s": 10.0, "proxy": "A", "toxics": cut },
            { "at_s": 30.0, "proxy": "A", "toxics": home },
        ],
        "not_expressed": ["a bottleneck that drops what finds no place"],
    });
    assert_eq!(value, expected);
}

#[test]
fn what_toxiproxy_cannot_express_is_said_once() {
    let cases = [
        (json!({ "loss": "1%" }), "loss of messages"),
        (json!({ "duplicate": "1%" }), "copies and reordering"),
        (json!({ "reorder": "1%" }), "copies and reordering"),
        (json!({ "jitter": "9ms", "distribution": "normal" }), "its jitter is uniform"),
        (json!({ "jitter": "9ms", "order": "fifo" }), "without overtaking"),
        (json!({ "rate": "8kbit" }), "no place"),
    ];
    for (mut fields, piece) in cases {
        fields["delay"] = json!("50ms");
        let value = toxics(&json!({ "x": fields }), &[("A", "x"), ("B", "x")], &[]);
        let said = value["not_expressed"].as_array().unwrap();
        assert!(said.len() == 1 && said[0].as_str().unwrap().contains(piece), "{piece}: {said:?}");
    }
}

#[test]
fn names_of_clients_cannot_break_out_of_json() {
    let clients = STRANGE.map(|it| (it, "x"));
    let value = toxics(&json!({ "x": {} }), &clients, &[]);
    let names: Vec<&str> = value["proxies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, STRANGE);
}

#[test]
fn what_toxiproxy_rounds_is_said() {
    let links = json!({ "x": {
        "delay": "1500us", "jitter": "900us", "rate": "12kbit", "overhead": 28,
        "loss": { "gemodel": { "p": "1%" } },
    } });
    let value = toxics(&links, &[("A", "x")], &[]);
    let toxics = &value["timeline"][0]["toxics"];
    assert_eq!(toxics[0]["attributes"], json!({ "latency": 2, "jitter": 1 }));
    // 1.5 kB/s.
    assert_eq!(toxics[1]["attributes"], json!({ "rate": 2 }));
    let told = value["not_expressed"].to_string();
    for piece in ["parts of a millisecond", "parts of a kilobyte", "besides their own bytes"] {
        assert!(told.contains(piece), "{piece}: {told}");
    }
    assert!(!told.contains("burst models"), "{told}");
}
