//! Outages that come and go by chance, seen by what the devices say of their networks.

use serde_json::{Value, json};

use crate::support::{Ran, event, run, with};

/// Clients that ride through tunnels for 10 days: every 5 minutes on average, for 20 s on average.
fn riders(names: &[&str], seed: u64) -> Ran {
    riders_by(names, seed, &json!({}))
}

/// The same with other fields.
fn riders_by(names: &[&str], seed: u64, fields: &Value) -> Ran {
    let client = |it: &&str| json!({ "name": it, "link": "phone" });
    let chance = json!({
        "clients": names, "kind": "link_down", "every": "5min", "lasts": "20s",
    });
    let chance = with(chance, fields);
    let story = json!({
        "version": 1, "name": "riders", "duration": "10d", "profile": "zego-doc",
        "links": { "phone": { "network": "4G" } },
        "clients": names.iter().map(client).collect::<Vec<Value>>(),
        "script": [event("0s", &json!({ "randomOutages": chance }))],
    });
    run(&story.to_string(), Some(seed))
}

/// When the outages of a client begin and end, in microseconds, in turn.
fn turns(ran: &Ran, client: &str) -> Vec<u64> {
    let instant = |line: &String| {
        let digits: String =
            line[..line.find(' ').unwrap()].chars().filter(|it| *it != '.').collect();
        digits.parse().unwrap()
    };
    let lines = ran.told(client, "network");
    for (index, line) in lines.iter().enumerate() {
        let word = if index.is_multiple_of(2) { "Offline" } else { "4G" };
        assert!(line.ends_with(word), "{line} is number {index}");
    }
    lines.iter().map(instant).collect()
}

#[test]
fn a_seed_decides_all_outages() {
    let names = ["A", "B"];
    let lines = riders(&names, 1).lines();
    assert_eq!(riders(&names, 1).lines(), lines);
    assert_ne!(riders(&names, 2).lines(), lines);
}

#[test]
fn nobody_changes_the_outages_of_another() {
    let few = riders(&["A", "B"], 1);
    let many = riders(&["C", "B", "A", "D"], 1);
    for name in ["A", "B"] {
        assert_eq!(few.lines_of(name), many.lines_of(name));
    }
    assert_ne!(turns(&few, "A"), turns(&few, "B"));
    assert_ne!(turns(&many, "C"), turns(&many, "D"));
}

/// They begin and end by turns, each later than the one before.
#[test]
fn an_outage_never_overlaps_itself() {
    let ran = riders(&["A", "B", "C"], 3);
    for name in ["A", "B", "C"] {
        let turns = turns(&ran, name);
        assert!(1000 < turns.len() && turns.windows(2).all(|it| it[0] < it[1]));
    }
}

/// A turn takes 320 s on average, with a variance of 300² + 20² = 90,400 s².  Of T = 864,000 s, N
/// is about T / 320 = 2700 with a variance of about T x 90,400 / 320³ = 2384; for ten clients
/// 27,000 with a deviation of the root of 23,840, 154: 5 sigma are 772.  The mean of 27,000 lengths
/// of a deviation of 20 s has one of 20 s / 164.3 = 0.122 s: 5 sigma are 0.61 s.  That of the times
/// without has 300 s / 164.3 = 1.83 s: 5 sigma are 9.2 s.
#[test]
fn outages_are_as_many_and_as_long_as_they_are_said_to_be() {
    let names = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];
    let ran = riders(&names, 1);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for name in names {
        let turns = turns(&ran, name);
        without.push(turns[0]);
        for (index, it) in turns.windows(2).enumerate() {
            let spans = if index.is_multiple_of(2) { &mut with } else { &mut without };
            spans.push(it[1] - it[0]);
        }
    }
    assert!(with.len().abs_diff(27_000) < 772, "{} outages", with.len());
    let mean = |spans: &[u64]| spans.iter().sum::<u64>() / spans.len() as u64;
    assert!(mean(&with).abs_diff(20_000_000) < 610_000, "{} us with", mean(&with));
    assert!(mean(&without).abs_diff(300_000_000) < 9_200_000, "{} us without", mean(&without));
    // Exponential: a share of 1/e = 36.8 % is longer than the mean; its deviation is the root of
    // 0.368 x 0.632 / 27,000, 0.29 %: 5 sigma are 1.5 %, here of a thousand.
    let longer = with.iter().filter(|it| 20_000_000 < **it).count() * 1000 / with.len();
    assert!(longer.abs_diff(368) <= 15, "{longer} of a thousand");
}

#[test]
fn chance_ends_when_it_is_said_to() {
    let chance = json!({
        "clients": ["A"], "kind": "link_down", "every": "10s", "lasts": "1s", "for": "10min",
    });
    let mut story = json!({
        "version": 1, "name": "riders", "duration": "1h", "profile": "zego-doc",
        "links": { "phone": { "network": "4G" } },
        "clients": [{ "name": "A", "link": "phone" }],
        "script": [event("10min", &json!({ "randomOutages": chance }))],
    });
    let ended = turns(&run(&story.to_string(), None), "A");
    let begins: Vec<u64> = ended.iter().copied().step_by(2).collect();
    assert!(begins.iter().all(|it| (600_000_000..1_200_000_000).contains(it)), "{begins:?}");
    // Without an end it goes on, and what came before is the same.
    story["script"][0]["do"]["randomOutages"].as_object_mut().unwrap().remove("for");
    let endless = turns(&run(&story.to_string(), None), "A");
    assert!(endless.starts_with(&ended) && ended.len() < endless.len());
}

/// Fixed lengths are the mean; even ones reach from nothing to twice the mean, 40 s, with a mean of
/// 20 s give or take 5 sigma, where sigma is 40 s / sqrt(12) = 11.547 s over the root of how many
/// there are.  The times between are the same, for they have the same draws.
#[test]
fn lengths_are_distributed_as_they_are_said_to_be() {
    let of = |distribution: &str| {
        let ran = riders_by(&["A"], 1, &json!({ "distribution": distribution }));
        let turns = turns(&ran, "A");
        let (lengths, _) = turns.as_chunks::<2>();
        let between: Vec<u64> = turns[1..].chunks_exact(2).map(|it| it[1] - it[0]).collect();
        (lengths.iter().map(|it| it[1] - it[0]).collect::<Vec<u64>>(), between)
    };
    let (fixed, between) = of("fixed");
    assert!(1000 < fixed.len() && fixed.iter().all(|it| *it == 20_000_000));
    let (even, between_even) = of("uniform");
    assert_eq!(between_even[..1000], between[..1000]);
    assert!(even.iter().all(|it| (1..=40_000_000).contains(it)));
    let n = even.len() as u64;
    let mean = even.iter().sum::<u64>() / n;
    assert!(mean.abs_diff(20_000_000) < 5 * 11_547_000 / n.isqrt(), "{mean}");
    assert!(even.iter().any(|it| *it < 1_000_000) && even.iter().any(|it| 39_000_000 < *it));
}
