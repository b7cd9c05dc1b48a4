//! What is refused of clocks, of regions, and of what happens to links and to the server.

use serde_json::{Value, json};

use crate::link_refusals::{assert_faults, base, link};

fn step(deed: &Value) -> Value {
    let mut scenario = base();
    scenario["script"].as_array_mut().unwrap().push(json!({ "at": "1min", "do": deed }));
    scenario
}

/// A step of this kind with some fields more than clients A have.
fn step_of(kind: &str, needed: &Value, fields: &Value) -> Value {
    let mut deed = needed.clone();
    deed.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    step(&json!({ kind: deed }))
}

fn outage(fields: &Value) -> Value {
    step_of("outage", &json!({ "clients": ["A"], "kind": "silent", "for": "5s" }), fields)
}

fn ramp(fields: &Value) -> Value {
    step_of("changeLink", &json!({ "clients": ["A"], "to": "street" }), fields)
}

fn chance(fields: &Value) -> Value {
    let needed = json!({ "clients": ["A"], "kind": "silent", "every": "1min", "lasts": "5s" });
    step_of("randomOutages", &needed, fields)
}

#[test]
fn what_stands_at_the_limits_is_taken() {
    let links = [
        json!({}),
        json!({ "delay": "10min" }),
        json!({ "delay": "10ms", "jitter": "10ms" }),
        // Only evenly spread delays are held to stay above nothing.
        json!({ "delay": "10ms", "jitter": "11ms", "distribution": "normal" }),
        json!({ "delay": "10ms", "jitter": "11ms", "distribution": { "table": [-8192, 8192] } }),
        json!({ "distribution": { "table": [0] } }),
        json!({ "loss": { "random": "1%" } }),
        json!({ "loss": { "gemodel": { "p": 0 } } }),
        json!({ "loss": { "state": { "p13": "100%", "p14": "100%" } } }),
        json!({ "reorder": { "share": "1%", "gap": 1 }, "order": "any" }),
        json!({ "order": "fifo", "duplicate": "100%" }),
        json!({ "rate": "1bit", "overhead": 65536, "limit": 1 }),
        json!({ "rate": "1000gbit" }),
        json!({ "rate": "0bit" }),
        json!({ "limit": 1 }),
        // What one direction lacks it has from both.
        json!({ "rate": "64kbit", "up": { "limit": 5 }, "down": { "overhead": 28 } }),
        json!({ "preset": "lte", "limit": 7, "order": "fifo", "network": "5G" }),
        json!({ "preset": "satellite", "jitter": "300ms", "down": { "loss": "0" } }),
    ];
    for fields in links {
        assert_faults(&link(&fields), "", &[]);
    }
    let ramp_of = |steps: u32| ramp(&json!({ "from": "x", "over": "1us", "steps": steps }));
    let steps = [
        outage(&json!({ "clients": ["cafe", "B", "viewer", "viewer-1"] })),
        outage(&json!({ "times": 1_000_000, "every": "5s" })),
        outage(&json!({ "kind": "stall", "direction": "up" })),
        chance(&json!({ "kind": "stall", "direction": "down" })),
        ramp_of(1),
        ramp_of(1000),
        chance(&json!({ "every": "1ms", "lasts": "1ms", "direction": "down", "for": "1us" })),
        step(&json!({ "slowServer": { "login_processing": "0s" } })),
        step(&json!({ "restartServer": { "for": "1us", "memory": "lost" } })),
    ];
    for scenario in steps {
        assert_faults(&scenario, "", &[]);
    }
    for clock in ["100000ppm", "-100000ppm", "0ppm"] {
        let mut scenario = base();
        scenario["clients"][1]["clock"] = json!(clock);
        assert_faults(&scenario, "", &[]);
    }
}

#[test]
fn clocks_and_regions_are_refused_with_place_value_and_remedy() {
    let remedy = "(write it as \"200ppm\" or \"-50ppm\")";
    for clock in ["fast", "200001ppm", "100001ppm", "-100001ppm", "1.5ppm", "ppm", "200"] {
        let mut scenario = base();
        scenario["clients"][1]["clock"] = json!(clock);
        let piece = format!("from -100000ppm to 100000ppm, found `{clock}` {remedy}");
        assert_faults(&scenario, "/clients/1", &[["/clock", &piece]]);
    }
    let cases = [
        (json!(""), "the name is empty"),
        (json!("=1+1"), "begins with `=`"),
        (json!("a;b"), "the character `;`"),
        (json!(5), "expected a string, found `5`"),
    ];
    for (region, piece) in cases {
        let mut scenario = base();
        scenario["clients"][0]["region"] = region;
        assert_faults(&scenario, "/clients/0", &[["/region", piece]]);
    }
    let clients = json!({ "clients": ["cafe", "bar", "viewer-3"] });
    assert_faults(
        &outage(&clients),
        "/script/1/do/outage/clients",
        &[
            ["/1", "no client or region is named `bar`"],
            ["/2", "no client or region is named `viewer-3`"],
        ],
    );
    // A region is no client that could call.
    let login = json!({ "at": "1s", "client": "cafe", "do": { "loginRoom": { "room": "r" } } });
    let mut scenario = base();
    scenario["script"][0] = login;
    assert_faults(&scenario, "/script/0", &[["/client", "no client is named `cafe`"]]);
}

#[test]
fn changes_of_links_are_refused_with_place_value_and_remedy() {
    let both = "a ramp has a `from` and an `over` (write both: the link it begins with, and how";
    let cases = [
        (json!({ "from": "x" }), "/from", both),
        (json!({ "over": "10s" }), "/over", both),
        (json!({ "steps": 5 }), "/steps", both),
        (json!({ "from": "x", "over": "10s", "steps": 0 }), "/steps", "from 1 to 1000, found `0`"),
        (json!({ "from": "x", "over": "10s", "steps": 1001 }), "/steps", "found `1001`"),
        (json!({ "from": "x", "over": "0s" }), "/over", "the duration is zero"),
        (json!({ "from": "steet", "over": "1s" }), "/from", "(did you mean `street`?)"),
        (json!({ "to": "sreet" }), "/to", "no link is named `sreet` (did you mean `street`?)"),
        (json!({ "direction": "bth" }), "/direction", "(did you mean `both`?)"),
        (json!({ "kind": "silent" }), "/kind", "unknown field `kind`"),
    ];
    for (fields, place, piece) in cases {
        assert_faults(&ramp(&fields), "/script/1/do/changeLink", &[[place, piece]]);
    }
    let network = |fields: Value| step(&json!({ "changeNetwork": fields }));
    let place = "/script/1/do/changeNetwork";
    let unknown = network(json!({ "clients": ["Z"], "to": "steet" }));
    let piece = "no link is named `steet` (did you mean `street`?)";
    assert_faults(
        &unknown,
        place,
        &[["/clients/0", "no client or region is named `Z`"], ["/to", piece]],
    );
    assert_faults(&network(json!({ "clients": ["A"] })), place, &[["", "`to` is missing"]]);
    let ramp = network(json!({ "clients": ["A"], "from": "x", "to": "x" }));
    assert_faults(&ramp, place, &[["/from", "unknown field `from`"]]);
}

#[test]
fn outages_are_refused_with_place_value_and_remedy() {
    let together = "`times` and `every` go together (write both: how often, and how far apart)";
    let over = "that comes again every 4s is over before that (give it a `for` of at most `every`)";
    let cases = [
        (json!({ "times": 3 }), "/times", together),
        (json!({ "every": "20s" }), "/every", together),
        (json!({ "times": 3, "every": "4s" }), "/every", over),
        (json!({ "times": 3, "every": "0s" }), "/every", "the duration is zero"),
        (json!({ "times": 0, "every": "5s" }), "/times", "from 1 to 1000000, found `0`"),
        (json!({ "times": 1_000_001, "every": "5s" }), "/times", "found `1000001`"),
        (json!({ "clients": [] }), "/clients", "(name at least one client)"),
        (json!({ "clients": "cafe" }), "/clients", "expected a list of clients, found `cafe`"),
    ];
    for (fields, place, piece) in cases {
        assert_faults(&outage(&fields), "/script/1/do/outage", &[[place, piece]]);
    }
    let endless = json!({ "clients": ["A"], "kind": "silent", "times": 3, "every": "4s" });
    let endless = step(&json!({ "outage": endless }));
    assert_faults(&endless, "/script/1/do/outage", &[["/every", over]]);
    let cases = [
        (json!({ "every": "0s" }), "/every", "0s is too short (write at least 1ms)"),
        (json!({ "lasts": "999us" }), "/lasts", "999us is too short (write at least 1ms)"),
        (json!({ "for": "0s" }), "/for", "the duration is zero"),
        (json!({ "kind": "refuse" }), "/kind", "(known: `link_down`, `silent`, `stall`)"),
        (json!({ "times": 3 }), "/times", "unknown field `times`"),
    ];
    for (fields, place, piece) in cases {
        assert_faults(&chance(&fields), "/script/1/do/randomOutages", &[[place, piece]]);
    }
    // 864,000 s of 2 ms are 432,000,000.
    let mut many = chance(&json!({ "every": "1ms", "lasts": "1ms" }));
    many["duration"] = json!("10d");
    let piece = "with these it would be about 431970000 random outages (let them be rarer, or fewer clients')";
    assert_faults(&many, "/script/1/do/randomOutages", &[["", piece]]);
}

#[test]
fn what_happens_to_the_server_is_refused_with_place_value_and_remedy() {
    let missing = vec![["", "`for` is missing"], ["", "`memory` is missing"]];
    let restarts = [
        (json!({ "for": "5s" }), vec![["", "`memory` is missing (add `\"memory\": …`)"]]),
        (json!({ "memory": "kept" }), vec![["", "`for` is missing"]]),
        (json!({}), missing),
        (json!({ "for": "0s", "memory": "kept" }), vec![["/for", "the duration is zero"]]),
        (json!({ "for": "5s", "memory": "keep" }), vec![["/memory", "known: `kept`, `lost`"]]),
        (
            json!({ "clients": [], "for": "5s", "memory": "lost" }),
            vec![["/clients", "unknown field `clients`"]],
        ),
    ];
    for (fields, expected) in restarts {
        let scenario = step(&json!({ "restartServer": fields }));
        assert_faults(&scenario, "/script/1/do/restartServer", &expected);
    }
    let slow = [
        (json!({ "for": "5s" }), ["", "`login_processing` is missing"]),
        (json!({ "login_processing": "fast" }), ["/login_processing", "`fast` is not a duration"]),
        (json!({ "login_processing": "1s", "for": "0s" }), ["/for", "the duration is zero"]),
    ];
    for (fields, expected) in slow {
        let scenario = step(&json!({ "slowServer": fields }));
        assert_faults(&scenario, "/script/1/do/slowServer", &[expected]);
    }
    let mut scenario = step(&json!({ "restartServer": { "for": "5s", "memory": "kept" } }));
    scenario["script"][1]["client"] = json!("A");
    let piece = "`restartServer` is not a call of a client (leave `client` out here)";
    assert_faults(&scenario, "/script/1", &[["/client", piece]]);
}

#[test]
fn random_outages_that_go_down_go_down_in_both_directions() {
    let piece = [["/direction", "a link that is down is down in both directions"]];
    let scenario = chance(&json!({ "kind": "link_down", "direction": "up" }));
    assert_faults(&scenario, "/script/1/do/randomOutages", &piece);
}

/// 10 days of 2 ms are too many; one second of them is not, and many steps are counted together.
#[test]
fn random_outages_are_limited_all_together_and_by_the_time_that_they_have() {
    let of = |span: &str, n: usize| {
        let rare = json!({ "every": "1ms", "lasts": "1ms", "for": span });
        let mut scenario = chance(&rare);
        scenario["duration"] = json!("10d");
        let script = scenario["script"].as_array_mut().unwrap();
        let step = script[1].clone();
        script.extend(vec![step; n - 1]);
        scenario
    };
    assert_faults(&of("1s", 1), "", &[]);
    // 2^24 are 33554.432 s of them.
    assert_faults(&of("33554s", 1), "", &[]);
    let piece = "with these it would be about 33554000 random outages";
    let at = [["/script/2/do/randomOutages", piece]];
    assert_faults(&of("33554s", 2), "", &at);
}

#[test]
fn a_region_is_named_like_no_client_and_suggested_where_it_may_be_named() {
    for name in ["A", "viewer", "viewer-2"] {
        let mut scenario = base();
        scenario["clients"][1]["region"] = json!(name);
        let piece = format!("a client is named `{name}`, too");
        assert_faults(&scenario, "/clients/1", &[["/region", &piece]]);
    }
    let piece = [["/0", "(did you mean `cafe`?)"]];
    assert_faults(&outage(&json!({ "clients": ["caffe"] })), "/script/1/do/outage/clients", &piece);
}

#[test]
fn a_client_with_a_fault_is_a_client() {
    let mut scenario = base();
    scenario["clients"][0]["clock"] = json!("fast");
    scenario["clients"][0]["roomMode"] = json!("both");
    let told = [["/clock", "found `fast`"], ["/roomMode", "both"]];
    assert_faults(&scenario, "/clients/0", &told);
}

#[test]
fn all_that_is_wrong_with_an_outage_is_told_at_once() {
    let told = [["/for", "`x` is not"], ["/times", "found `0`"], ["/every", "`y` is not"]];
    let fields = json!({ "for": "x", "times": 0, "every": "y" });
    assert_faults(&outage(&fields), "/script/1/do/outage", &told);
}

#[test]
fn a_ramp_begins_with_a_link_of_ones_own() {
    let mut scenario = ramp(&json!({ "from": "x", "over": "10s" }));
    scenario["links"]["x"] = json!({ "rate": "1mbit", "shared": true });
    let piece = [["/from", "on a link that changes bit by bit nobody shares a bottleneck"]];
    assert_faults(&scenario, "/script/1/do/changeLink", &piece);
}

#[test]
fn a_crash_of_a_node_is_somebodys() {
    assert_faults(&step(&json!({ "crashNode": { "clients": ["cafe", "A"] } })), "", &[]);
    let told = [["/clients/0", "no client or region is named"], ["/for", "unknown field `for`"]];
    let scenario = step(&json!({ "crashNode": { "clients": ["Z"], "for": "1s" } }));
    assert_faults(&scenario, "/script/1/do/crashNode", &told);
}

/// All that comes again, all steps of ramps and all lines of traces are counted together: 4 clients
/// with 1,000,000 outages each are taken, and not one step more.
#[test]
fn what_steps_make_of_themselves_is_limited_all_together() {
    let all = json!({ "clients": ["A", "cafe"], "times": 1_000_000, "every": "5s" });
    let mut scenario = outage(&all);
    let begin = json!({ "clients": ["A"], "from": "x", "to": "street", "over": "1s", "steps": 1 });
    let step = json!({ "at": "2min", "do": { "changeLink": begin } });
    scenario["script"].as_array_mut().unwrap().push(step);
    let piece = "with these it would be 4000001 outages and changes";
    assert_faults(&scenario, "/script/2/do", &[["/changeLink", piece]]);
}
