//! What is refused of a server, told well and all at once.

use serde_json::{Value, json};

use crate::link_refusals::{assert_faults, base};

fn server(fields: &Value) -> Value {
    let mut scenario = base();
    scenario["server"] = fields.clone();
    scenario
}

fn service(fields: &Value) -> Value {
    server(&json!({ "workers": 1, "service": fields }))
}

#[test]
fn servers_are_refused_with_place_value_and_remedy() {
    let cases = [
        (json!(3), "", "expected an object, found `3`"),
        (json!({}), "", "`workers` is missing (add `\"workers\": …`)"),
        (json!({ "worker": 1, "workers": 1 }), "/worker", "(did you mean `workers`?)"),
        (
            json!({ "workers": 0 }),
            "/workers",
            "expected a whole number from 1 to 100000, found `0`",
        ),
        (json!({ "workers": "4" }), "/workers", "found `4`"),
        (json!({ "workers": 1, "nodes": 0 }), "/nodes", "from 1 to 10000, found `0`"),
        (json!({ "workers": 1, "queue": -1 }), "/queue", "from 0 to 4294967295, found `-1`"),
        (
            json!({ "workers": 1, "full": "refused" }),
            "/full",
            "unknown word `refused` (did you mean `refuse`?)",
        ),
        (json!({ "workers": 1, "fan_out": 20 }), "/fan_out", "expected a duration, found `20`"),
        (
            json!({ "workers": 1, "fan_out": "11min" }),
            "/fan_out",
            "work for 11min on a message (at most 10min",
        ),
        (
            json!({ "workers": 1, "login_gate": "500" }),
            "/login_gate",
            "`500` is not a rate (write it as \"200/s\"",
        ),
        (
            json!({ "workers": 1, "place": { "q": 1 } }),
            "/place/q",
            "no call names the room `q` (did you mean `r`?)",
        ),
        (
            json!({ "workers": 1, "nodes": 2, "place": { "r": 3 } }),
            "/place/r",
            "expected a whole number from 1 to 2, found `3`",
        ),
        (
            json!({ "workers": 1, "place": { "r": 2 } }),
            "/place/r",
            "expected the number 1, found `2`",
        ),
    ];
    for (fields, place, piece) in cases {
        assert_faults(&server(&fields), "/server", &[[place, piece]]);
    }
}

#[test]
fn work_is_refused_with_place_value_and_remedy() {
    let one_of = "(write exactly one of `fixed`, `exponential`, `table`, `file`)";
    let cases = [
        (json!({ "logn": { "fixed": "1ms" } }), "/logn", "(did you mean `login`?)"),
        (json!({ "login": "2ms" }), "/login", "expected an object, found `2ms`"),
        (json!({ "login": {} }), "/login", one_of),
        (
            json!({ "login": { "fixed": "1ms", "exponential": "1ms" } }),
            "/login",
            "expected one of these fields, found 2",
        ),
        (json!({ "login": { "fixed": 2 } }), "/login/fixed", "expected a duration, found `2`"),
        (
            json!({ "login": { "exponential": "1h" } }),
            "/login/exponential",
            "work for 1h on a message (at most 10min",
        ),
        (
            json!({ "login": { "fixed": "1ms", "scale": "1ms" } }),
            "/login/scale",
            "`fixed` has no scale (leave it out, or write a `table`)",
        ),
        (json!({ "login": { "table": [1] } }), "/login", "`scale` is missing"),
        (
            json!({ "login": { "table": [], "scale": "1ms" } }),
            "/login/table",
            "a table of 0 quantiles (write 1 to 65536)",
        ),
        (
            json!({ "login": { "file": "x", "scale": "1ms" } }),
            "/login/file",
            "`x` cannot be read: no files are read here",
        ),
    ];
    for (fields, place, piece) in cases {
        assert_faults(&service(&fields), "/server/service", &[[place, piece]]);
    }
}

#[test]
fn all_faults_of_a_server_are_told_at_once() {
    let fields = json!({
        "nodes": 2, "workers": 0, "service": { "login": {}, "probe": { "fixed": "x" } },
        "full": "?", "place": { "r": 9 },
    });
    // In order of the file.
    let expected = [
        ["/workers", "from 1 to 100000"],
        ["/service/login", "found 0"],
        ["/service/probe/fixed", "`x` is not a duration"],
        ["/full", "unknown word `?`"],
        ["/place/r", "from 1 to 2"],
    ];
    assert_faults(&server(&fields), "/server", &expected);
}
