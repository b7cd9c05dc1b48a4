//! What is refused of links.
//!
//! Each case changes one piece of a scenario without faults and expects its faults, told well and
//! each once, although the conditions of a link are read for both of its directions.

use roomsim::scenario::Scenario;
use serde_json::{Value, json};

pub(crate) fn base() -> Value {
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
pub(crate) fn assert_faults(scenario: &Value, beginning: &str, expected: &[[&str; 2]]) {
    let faults = faults_of(scenario);
    let is_told = |(fault, [place, piece]): (&String, &[&str; 2])| {
        fault.starts_with(&format!("{beginning}{place}: ")) && fault.contains(piece)
    };
    let all_told = faults.iter().zip(expected).all(is_told);
    assert!(all_told && faults.len() == expected.len(), "{expected:#?} {faults:#?} {scenario}");
}

pub(crate) fn link(fields: &Value) -> Value {
    let mut scenario = base();
    scenario["links"]["x"] = fields.clone();
    scenario
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
    let one_of = "(write exactly one of `random`, `gemodel`, `state`, `timed_gilbert_elliott`)";
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
        (
            json!({ "timed_gilbert_elliott": { "good": "0s", "bad": "11d", "loss_bad": "2" } }),
            vec![
                ["/timed_gilbert_elliott/good", "the duration is zero"],
                ["/timed_gilbert_elliott/bad", "longer than any run (write at most 240h"],
                ["/timed_gilbert_elliott/loss_bad", "found `2`"],
            ],
        ),
        (
            json!({ "timed_gilbert_elliott": { "p": "1%" } }),
            vec![
                ["/timed_gilbert_elliott", "`good` is missing"],
                ["/timed_gilbert_elliott", "`bad` is missing"],
                ["/timed_gilbert_elliott/p", "unknown field `p`"],
            ],
        ),
        (json!({ "timed_gilbert_elliott": "1%" }), vec![["/timed_gilbert_elliott", "an object"]]),
        (
            json!({ "timed_gilbert_eliott": {} }),
            vec![["/timed_gilbert_eliott", "(did you mean `timed_gilbert_elliott`?)"]],
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
    let scenario = link(&json!({ "loss": { "gmodel": { "p": "1%" } } }));
    assert_faults(&scenario, "/links/x/loss", &[["/gmodel", "(did you mean `gemodel`?)"]]);
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
    let rate = "expected a rate from 0bit, where everything waits, to 1000gbit, found";
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
        (json!({ "rate": "-1kbit" }), vec![["/rate", rate]]),
        (json!({ "rate": "0.1bit" }), vec![["/rate", rate]]),
        (json!({ "rate": "64" }), vec![["/rate", as_text]]),
        (json!({ "rate": 64 }), vec![["/rate", "found `64`"]]),
        (json!({ "rate": "64kbps" }), vec![["/rate", as_text]]),
        (json!({ "rate": "1001gbit" }), vec![["/rate", rate]]),
        (json!({ "overhead": 28 }), vec![["/overhead", no_rate]]),
        (json!({ "limit": 5, "overhead": 28 }), vec![["/overhead", no_rate]]),
        (json!({ "limit": 0 }), vec![["/limit", "found `0`"]]),
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
        (json!({ "preset": "wifi", "overhead": 7 }), "/overhead", "there is no `rate`"),
        (
            json!({ "preset": "wifi", "up": { "overhead": 7 } }),
            "/up/overhead",
            "there is no `rate`",
        ),
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
            vec![["/down/delay", "the jitter 20ms is more than the delay 10ms"]],
        ),
        (
            json!({ "loss": "2", "up": { "loss": "3" } }),
            vec![["/loss", "found `2`"], ["/up/loss", "found `3`"]],
        ),
        (json!({ "up": { "dealy": "1ms" } }), vec![["/up/dealy", "did you mean `delay`?"]]),
        (json!({ "up": { "network": "WiFi" } }), vec![["/up/network", "unknown field `network`"]]),
        (json!({ "down": "fast" }), vec![["/down", "expected an object, found `fast`"]]),
        (json!({ "up": { "overhead": 5 } }), vec![["/up/overhead", "there is no `rate`"]]),
        (json!({ "up": { "limit": 0 } }), vec![["/up/limit", "found `0`"]]),
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

/// Both directions have what both share, and only what is meant in the end has to go together.
#[test]
fn what_both_directions_override_need_not_go_together() {
    let links = [
        json!({ "jitter": "20ms", "up": { "delay": "30ms" }, "down": { "delay": "40ms" } }),
        json!({ "overhead": 28, "up": { "rate": "1mbit" }, "down": { "rate": "2mbit" } }),
        json!({ "reorder": "1%", "delay": "9ms", "order": "fifo", "up": { "order": "any" },
            "down": { "order": "any" } }),
    ];
    for fields in links {
        assert_faults(&link(&fields), "", &[]);
    }
}

#[test]
fn a_fault_hides_no_other() {
    let fields = json!({ "preset": "wfii", "delay": "x", "loss": "200%", "network": "foo" });
    let told = [["/preset", "wfii"], ["/delay", "x"], ["/loss", "200%"], ["/network", "foo"]];
    assert_faults(&link(&fields), "/links/x", &told);
    let fields = json!({ "up": 7, "network": "foo" });
    assert_faults(&link(&fields), "/links/x", &[["/up", "found `7`"], ["/network", "foo"]]);
    let fields = json!({ "loss": { "gemodel": { "r": "x", "1-k": "y" } } });
    let told = [["", "`p`"], ["/r", "found `x`"], ["/1-k", "found `y`"]];
    assert_faults(&link(&fields), "/links/x/loss/gemodel", &told);
}

#[test]
fn a_long_list_of_faults_is_told_once() {
    let table = vec!["a"; 100];
    let faults = faults_of(&link(&json!({ "distribution": { "table": table } })));
    assert_eq!(faults.len(), 100);
}

#[test]
fn what_is_shared_is_a_bottleneck() {
    let piece = [["/shared", "there is no `rate`, so nothing is shared"]];
    assert_faults(&link(&json!({ "shared": true })), "/links/x", &piece);
    assert_faults(&link(&json!({ "shared": true, "limit": 9 })), "/links/x", &piece);
    let bad = json!({ "delay": "1ms", "rate": "-1kbit", "shared": true });
    assert_faults(&link(&bad), "/links/x", &[["/rate", "`-1kbit`"]]);
    assert_faults(&link(&json!({ "shared": 1 })), "/links/x", &[["/shared", "found `1`"]]);
    for fields in [
        json!({ "shared": false }),
        json!({ "shared": true, "rate": "1mbit" }),
        json!({ "shared": true, "down": { "rate": "1mbit" } }),
        json!({ "shared": true, "preset": "congested" }),
    ] {
        assert_faults(&link(&fields), "", &[]);
    }
}

/// Wherever a link is named: who writes the name of a preset has not made a link of it yet.
#[test]
fn who_takes_a_preset_for_a_link_is_told_how_to_make_one() {
    let mut scenario = base();
    let remedy = "(`lte` is a preset: add `\"lte\": { \"preset\": \"lte\" }` to `links`)";
    let told = format!("no link is named `lte` {remedy}");
    scenario["links"]["home"] = json!("satellite");
    scenario["clients"][0]["link"] = json!("lte");
    let population = json!({ "name": "p", "count": 2, "room": "r", "link": "lte" });
    let shared =
        json!({ "name": "q", "count": 2, "room": "r", "link": { "x": "50%", "lte": "50%" } });
    scenario["clients"].as_array_mut().unwrap().extend([population, shared]);
    let on_a = |kind: &str, fields: Value| {
        let deed = crate::support::with(json!({ "clients": ["B"] }), &fields);
        json!({ "at": "1s", "do": { kind: deed } })
    };
    scenario["script"].as_array_mut().unwrap().extend([
        on_a("changeLink", json!({ "to": "lte" })),
        on_a("changeLink", json!({ "to": "x", "from": "lte", "over": "5s", "steps": 5 })),
        on_a("changeNetwork", json!({ "to": "lte" })),
    ]);
    let at = |place: &'static str| [place, &*told];
    let of_links = "(`satellite` is a preset: write { \"preset\": \"satellite\" })";
    assert_faults(
        &scenario,
        "/",
        &[
            ["links/home", of_links],
            at("clients/0/link"),
            at("clients/3/link"),
            at("clients/4/link/lte"),
            at("script/1/do/changeLink/to"),
            at("script/2/do/changeLink/from"),
            at("script/3/do/changeNetwork/to"),
        ],
    );
}

#[test]
fn a_preset_that_is_nearly_written_is_understood_and_a_link_goes_first() {
    for (links, name, remedy) in [
        (json!({ "home": {} }), "LTE", "(`lte` is a preset: add"),
        (json!({ "home": {} }), "sattelite", "(`satellite` is a preset: add"),
        (json!({ "home": {} }), "zzz", "(known: `home`, `street`)"),
        (json!({ "lte2": {} }), "lte", "(did you mean `lte2`? `lte` is a preset: add"),
        (json!({ "home": {} }), "hoem", "(did you mean `home`?)"),
    ] {
        let mut scenario = base();
        scenario["links"] = links;
        scenario["links"]["street"] = json!({});
        scenario["clients"][0]["link"] = json!(name);
        let faults = faults_of(&scenario);
        assert!(faults.len() == 1 && faults[0].contains(remedy), "{name}: {faults:?}");
    }
}
