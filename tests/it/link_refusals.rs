//! What is refused of links, of clocks and regions, and of what happens to links and the server.
//!
//! Each case changes one piece of a scenario without faults and expects its faults, told well and
//! each once, although the conditions of a link are read for both of its directions.

use roomsim::scenario::Scenario;
use serde_json::{Value, json};

fn base() -> Value {
    json!({
        "version": 1, "name": "base", "duration": "10min", "profile": "zego",
        "links": { "x": { "delay": "50ms" }, "street": { "delay": "80ms" } },
        "clients": [
            { "name": "A", "link": "street" },
            { "name": "B", "link": "street", "region": "cafe" },
            { "name": "viewer", "count": 2, "link": "street", "region": "cafe" },
        ],
        "script": [{ "at": "0s", "client": "A", "do": { "loginRoom": { "room": "r" } } }],
    })
}

/// The faults of a scenario, each as `pointer: problem (remedy)`.
fn faults_of(scenario: &Value) -> Vec<String> {
    let faults = Scenario::parse(&scenario.to_string()).err().unwrap_or_default();
    faults.iter().map(|it| format!("{}: {} ({})", it.pointer, it.problem, it.remedy)).collect()
}

/// Asserts that there are these faults, in this order, each given by its place and a piece of what
/// is said; of the place only what comes after a common beginning.
fn assert_faults(scenario: &Value, beginning: &str, expected: &[[&str; 2]]) {
    let faults = faults_of(scenario);
    let is_told = |(fault, [place, piece]): (&String, &[&str; 2])| {
        fault.starts_with(&format!("{beginning}{place}: ")) && fault.contains(piece)
    };
    let all_told = faults.iter().zip(expected).all(is_told);
    assert!(all_told && faults.len() == expected.len(), "{expected:#?} {faults:#?} {scenario}");
}

fn link(fields: &Value) -> Value {
    let mut scenario = base();
    scenario["links"]["x"] = fields.clone();
    scenario
}

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
        json!({ "rate": "1bit", "overhead": 65536, "limit": 0 }),
        json!({ "rate": "1000gbit" }),
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
fn delays_are_refused_with_place_value_and_remedy() {
    let cases = [
        (json!({ "delay": 50 }), "/delay", "expected a duration, found `50` (write a number with"),
        (json!({ "delay": "x" }), "/delay", "`x` is not a duration"),
        (json!({ "delay": "11min" }), "/delay", "under way for 11min (at most 10min"),
        (
            json!({ "jitter": "11min", "distribution": "normal" }),
            "/jitter",
            "under way for 11min (at most 10min",
        ),
        (
            json!({ "delay": "10ms", "jitter": "11ms" }),
            "/jitter",
            "the jitter 11ms is more than the delay 10ms (a message cannot arrive before",
        ),
        (
            json!({ "delay": "10ms", "jitter": "11ms", "distribution": "uniform" }),
            "/jitter",
            "the jitter 11ms is more than the delay 10ms",
        ),
        (
            json!({ "distribution": "nomral" }),
            "/distribution",
            "no distribution is named `nomral` (did you mean `normal`?)",
        ),
        (
            json!({ "distribution": "zipf" }),
            "/distribution",
            "(known: `uniform`, `normal`, `pareto`, `paretonormal`)",
        ),
        (json!({ "distribution": 3 }), "/distribution", "expected a string, found `3`"),
        (
            json!({ "distribution": { "table": [] } }),
            "/distribution/table",
            "a table of 0 quantiles (write 1 to 65536)",
        ),
        (
            json!({ "distribution": { "table": vec![0; 65_537] } }),
            "/distribution/table",
            "a table of 65537 quantiles (write 1 to 65536)",
        ),
        (
            json!({ "distribution": { "table": [1, 1.5] } }),
            "/distribution/table/1",
            "expected a quantile, found `1.5` (write a whole number, in units of 1/8192",
        ),
        (json!({ "distribution": { "table": ["2"] } }), "/distribution/table/0", "found `2`"),
        (json!({ "order": "fif" }), "/order", "unknown word `fif` (did you mean `fifo`?)"),
    ];
    for (fields, place, piece) in cases {
        assert_faults(&link(&fields), "/links/x", &[[place, piece]]);
    }
}

#[test]
fn losses_are_refused_with_place_value_and_remedy() {
    let one_of = "(write exactly one of `random`, `gemodel`, `state`)";
    let both = json!({ "gemodel": { "p": "1%" }, "state": { "p13": "1%" } });
    let range = "expected a probability from 0 to 1, found";
    let cases = [
        (json!("1.5"), vec![["", range]]),
        (json!(-1), vec![["", range]]),
        (json!("1e-2"), vec![["", "(write \"1%\" or \"0.01\", with at most 12 decimals)"]]),
        (json!({}), vec![["", one_of]]),
        (both, vec![["", "expected one of these fields, found 2"]]),
        (json!({ "random": "101%" }), vec![["/random", "found `101%`"]]),
        (json!({ "gemodel": {} }), vec![["/gemodel", "`p` is missing"]]),
        (json!({ "gemodel": { "p": "101%" } }), vec![["/gemodel/p", "found `101%`"]]),
        (json!({ "gemodel": { "p": 0, "1-h": -1 } }), vec![["/gemodel/1-h", "found `-1`"]]),
        (json!({ "gemodel": { "p": 0, "1-k": "x" } }), vec![["/gemodel/1-k", "found `x`"]]),
        (
            json!({ "gemodel": { "p": "1%", "q": "1%" } }),
            vec![["/gemodel/q", "unknown field `q` (did you mean `p`?)"]],
        ),
        (json!({ "state": { "p31": "1%" } }), vec![["/state", "`p13` is missing"]]),
        (
            json!({ "state": { "p13": "1%", "p41": "1%" } }),
            vec![["/state/p41", "unknown field `p41` (did you mean `p31`?)"]],
        ),
        (json!({ "gemodel": "1%" }), vec![["/gemodel", "expected an object, found `1%`"]]),
    ];
    for (loss, expected) in cases {
        assert_faults(&link(&json!({ "loss": loss })), "/links/x/loss", &expected);
    }
    // Such a slip is two faults: what is there, and what is not.
    let scenario = link(&json!({ "loss": { "gmodel": { "p": "1%" } } }));
    let told = [["", one_of], ["/gmodel", "(did you mean `gemodel`?)"]];
    assert_faults(&scenario, "/links/x/loss", &told);
}

/// Measured, it does not do what it says; a burst model says what is meant.
#[test]
fn a_correlation_is_refused_with_a_burst_model_for_a_remedy() {
    for loss in [json!({ "random": "1%", "correlation": "25%" }), json!({ "correlation": "25%" })] {
        let scenario = link(&json!({ "loss": loss }));
        let piece = "(write a burst model: { \"gemodel\": { \"p\": \"1%\", \"r\": \"25%\" } })";
        assert_faults(&scenario, "/links/x/loss", &[["/correlation", piece]]);
    }
    let scenario = link(&json!({ "delay": "50ms", "correlation": "25%" }));
    assert_faults(&scenario, "/links/x", &[["/correlation", "unknown field `correlation`"]]);
}

#[test]
fn copies_reordering_and_bottlenecks_are_refused_with_place_value_and_remedy() {
    let rate = "expected a rate from 1bit to 1000gbit, found";
    let as_text = "(write it as \"64kbit\" or \"1.5mbit\")";
    let no_rate =
        "there is no `rate` that messages would wait for (add `rate`, such as \"64kbit\")";
    let fifo = "reordered and may not overtake each other (leave out `reorder`, or write \"order\"";
    let whole = "expected a whole number from 1 to 4294967295, found";
    let cases = [
        (json!({ "duplicate": "200%" }), vec![["/duplicate", "found `200%`"]]),
        (json!({ "reorder": { "gap": 5 } }), vec![["/reorder", "`share` is missing"]]),
        (json!({ "reorder": { "share": 0, "gap": 0 } }), vec![["/reorder/gap", whole]]),
        (json!({ "reorder": { "share": 0, "gap": "5" } }), vec![["/reorder/gap", whole]]),
        (
            json!({ "reorder": { "share": 0, "gap": 4_294_967_296_u64 } }),
            vec![["/reorder/gap", "`4294967296`"]],
        ),
        (
            json!({ "reorder": { "share": 0, "gpa": 5 } }),
            vec![["/reorder/gpa", "did you mean `gap`?"]],
        ),
        (json!({ "reorder": "1%", "order": "fifo" }), vec![["/order", fifo]]),
        (json!({ "rate": "0kbit" }), vec![["/rate", rate]]),
        (json!({ "rate": "64" }), vec![["/rate", as_text]]),
        (json!({ "rate": 64 }), vec![["/rate", "found `64`"]]),
        (json!({ "rate": "64kbps" }), vec![["/rate", as_text]]),
        (json!({ "rate": "1001gbit" }), vec![["/rate", rate]]),
        (json!({ "overhead": 28 }), vec![["/overhead", no_rate]]),
        (json!({ "limit": 5 }), vec![["/limit", no_rate]]),
        (json!({ "limit": 5, "overhead": 28 }), vec![["/limit", no_rate], ["/overhead", no_rate]]),
        (json!({ "rate": "64kbit", "overhead": -1 }), vec![["/overhead", "from 0 to 65536"]]),
        (json!({ "rate": "64kbit", "overhead": 65_537 }), vec![["/overhead", "found `65537`"]]),
        (json!({ "rate": "64kbit", "limit": "5" }), vec![["/limit", "found `5`"]]),
        // A faulty rate is a rate: there is no second fault.
        (json!({ "rate": "x", "overhead": 28, "limit": 5 }), vec![["/rate", "found `x`"]]),
    ];
    for (fields, mut expected) in cases {
        // Faults come in the order of their places; that of an object's keys is by their names.
        expected.sort_unstable();
        assert_faults(&link(&fields), "/links/x", &expected);
    }
}

#[test]
fn presets_are_refused_with_place_value_and_remedy() {
    let cases = [
        (
            json!({ "preset": "wfii" }),
            "/preset",
            "no preset is named `wfii` (did you mean `wifi`?)",
        ),
        (
            json!({ "preset": "moon" }),
            "/preset",
            "(known: `wifi`, `lte`, `satellite`, `congested`, `tunnel`)",
        ),
        (json!({ "preset": 1 }), "/preset", "expected a string, found `1`"),
        // wifi has no bottleneck, and 10 ms of delay.
        (json!({ "preset": "wifi", "limit": 7 }), "/limit", "there is no `rate`"),
        (json!({ "preset": "wifi", "up": { "limit": 7 } }), "/up/limit", "there is no `rate`"),
        (
            json!({ "preset": "wifi", "distribution": "uniform", "jitter": "11ms" }),
            "/jitter",
            "the jitter 11ms is more than the delay 10ms",
        ),
        (json!({ "preset": "lte", "up": { "preset": "wifi" } }), "/up/preset", "unknown field"),
        (json!({ "preset": "lte", "loss": { "p": 1 } }), "/loss/p", "unknown field `p`"),
    ];
    for (fields, place, piece) in cases {
        let faults = faults_of(&link(&fields));
        let is_told =
            |it: &&String| it.starts_with(&format!("/links/x{place}: ")) && it.contains(piece);
        assert_eq!(faults.iter().filter(is_told).count(), 1, "{piece}: {faults:#?}");
    }
}

#[test]
fn one_direction_is_refused_with_its_place() {
    let jitter = "is more than the delay";
    let cases = [
        // What both directions share is one fault, what one overrides is at its place.
        (json!({ "delay": "x", "up": {}, "down": {} }), vec![["/delay", "`x` is not a duration"]]),
        (json!({ "delay": "50ms", "up": { "jitter": "51ms" } }), vec![["/up/jitter", jitter]]),
        (
            json!({ "delay": "50ms", "jitter": "20ms", "down": { "delay": "10ms" } }),
            vec![["/down", "the jitter 20ms is more than the delay 10ms"]],
        ),
        (
            json!({ "loss": "2", "up": { "loss": "3" } }),
            vec![["/loss", "found `2`"], ["/up/loss", "found `3`"]],
        ),
        (json!({ "up": { "dealy": "1ms" } }), vec![["/up/dealy", "did you mean `delay`?"]]),
        (json!({ "up": { "network": "WiFi" } }), vec![["/up/network", "unknown field `network`"]]),
        (json!({ "down": "fast" }), vec![["/down", "expected an object, found `fast`"]]),
        (json!({ "up": { "limit": 5 } }), vec![["/up/limit", "there is no `rate`"]]),
        (
            json!({ "reorder": "1%", "up": { "order": "fifo" } }),
            vec![["/up/order", "may not overtake each other"]],
        ),
        (
            json!({ "order": "fifo", "down": { "reorder": "1%" } }),
            vec![["/down/reorder", "may not overtake each other"]],
        ),
    ];
    for (fields, expected) in cases {
        assert_faults(&link(&fields), "/links/x", &expected);
    }
}

#[test]
fn all_that_is_wrong_with_a_link_is_told_at_once_and_once() {
    let fields = json!({
        "delay": "x", "distribution": { "table": ["a", "b"] }, "down": { "duplicate": "y" },
        "jitter": "z", "loss": "2", "network": "wifi", "order": "fif", "rate": "r",
        "reorder": { "gap": 0, "share": "3" }, "up": { "loss": "4" },
    });
    assert_faults(
        &link(&fields),
        "/links/x",
        &[
            ["/delay", "`x`"],
            ["/distribution/table/0", "`a`"],
            ["/distribution/table/1", "`b`"],
            ["/down/duplicate", "`y`"],
            ["/jitter", "`z`"],
            ["/loss", "`2`"],
            ["/network", "did you mean `WiFi`?"],
            ["/order", "`fif`"],
            ["/rate", "`r`"],
            ["/reorder/gap", "`0`"],
            ["/reorder/share", "`3`"],
            ["/up/loss", "`4`"],
        ],
    );
}

#[test]
fn callbacks_to_the_backend_fail_each_by_itself() {
    let mut scenario = base();
    scenario["backend"] = json!({ "loss": { "gemodel": { "p": "1%" } } });
    let piece = "each by itself (write the `loss` as a probability)";
    assert_faults(&scenario, "/backend", &[["", piece]]);
    scenario["backend"] = json!({ "rate": "64kbit" });
    assert_faults(&scenario, "/backend", &[["/rate", "unknown field `rate`"]]);
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
        &[["/1", "no client is named `bar`"], ["/2", "no client is named `viewer-3`"]],
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
    assert_faults(&unknown, place, &[["/clients/0", "no client is named `Z`"], ["/to", piece]]);
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
        (
            json!({ "clients": ["viewer"], "times": 500_001, "every": "5s" }),
            "/times",
            "these would be 1000002 outages (at most 1000000 come in one step)",
        ),
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
        (json!({ "kind": "refuse" }), "/kind", "(known: `link_down`, `silent`)"),
        (json!({ "times": 3 }), "/times", "unknown field `times`"),
    ];
    for (fields, place, piece) in cases {
        assert_faults(&chance(&fields), "/script/1/do/randomOutages", &[[place, piece]]);
    }
    // 864,000 s of 2 ms are 432,000,000.
    let mut many = chance(&json!({ "every": "1ms", "lasts": "1ms" }));
    many["duration"] = json!("10d");
    let piece = "these would be about 432000000 outages (let them be rarer, or fewer clients')";
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
