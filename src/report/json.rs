//! Results for machines: one JSON object for each run.

use serde_json::{Value, json};

use crate::{
    protocol::code::ErrorCode,
    report::{explain::pattern_text, text::Results},
    scenario::When,
    sink::number::{seconds, seconds_of},
};

/// What came of a run, as one JSON value.  Times are exact seconds.
pub fn verdicts(results: Results<'_>) -> Value {
    let Results { scenario, seed, trace, judged, fingerprint } = results;
    let expectations = scenario.expectations().iter().zip(&judged.verdicts);
    let expectations = expectations.map(|(expectation, verdict)| {
        let kind = match expectation.when {
            When::At(..) => "at",
            When::Between(..) => "between",
            When::Never(..) => "never",
        };
        let got = verdict.got.map(|got| {
            let row = &trace.rows()[got.row];
            // What was not to come at all came neither too early nor too late.
            let is_absence = matches!(expectation.when, When::Never(..));
            let difference = (!is_absence).then(|| seconds(got.difference));
            json!({
                "time_s": seconds_of(row.at.as_micros()),
                "client": scenario.client_name(row.client),
                "callback": row.what.callback(),
                "value": row.what.value(scenario),
                "error_code": row.what.code().map(ErrorCode::number),
                "subjects": row.what.subjects(scenario),
                "difference_s": difference,
                "matches": got.matches,
            })
        });
        json!({
            "held": verdict.held,
            "mark": expectation.mark.map(|it| &scenario.marks()[it].name),
            "client": expectation.who,
            "kind": kind,
            "callback": pattern_text(scenario, &expectation.pattern),
            "from_s": verdict.window.map(|(from, _)| seconds(from)),
            "to_s": verdict.window.map(|(_, to)| seconds(to)),
            "clients_failed": verdict.n_failed,
            "got": got,
            "pointer": expectation.pointer,
        })
    });
    json!({
        "scenario": scenario.name(),
        "profile": scenario.profile().name(),
        "seed": seed,
        "held": judged.held(),
        trace.digest_name(): trace.digest(scenario),
        "fingerprint": fingerprint.to_string(),
        "expectations": expectations.collect::<Vec<_>>(),
    })
}
