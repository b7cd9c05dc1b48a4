//! Common random numbers: what changes in a scenario moves no draw of anything else, so that two
//! runs differ by what was changed and by nothing else.

use std::collections::BTreeSet;

use roomsim::{
    id::{ClientId, Id},
    protocol::message::Kind,
    time::{SimSpan, SimTime},
};
use serde_json::{Value, json};

use super::sim::{Log, crowd, patient, watch_fully};

const DELAY: SimSpan = SimSpan::from_millis(50);

/// Messages of one kind: when, and whose.
type Messages = BTreeSet<(SimTime, ClientId)>;

fn of_kind(messages: &[(SimTime, ClientId, Kind)], kind: Kind) -> Messages {
    messages.iter().filter(|it| it.2 == kind).map(|it| (it.0, it.1)).collect()
}

fn seconds(secs: f64) -> SimTime {
    SimTime::ZERO + format!("{:.0}us", secs * 1e6).parse().unwrap()
}

/// Twenty clients who wait for nothing, with a heartbeat every 5 s for an hour.  They log in over a
/// link that loses nothing, so all runs have the same heartbeats; then their link changes to the
/// ones named, each at its second.
fn run(links: &[(&str, Value)], changes: &[(f64, &str)]) -> Log {
    let change = |(at, to): &(f64, &str)| {
        let change = json!({ "changeLink": { "clients": ["g0"], "to": to } });
        json!({ "at": format!("{at}s"), "do": change })
    };
    let steps: Vec<Value> = changes.iter().map(change).collect();
    let link = json!({ "delay": "50ms" });
    let mut scenario = crowd((1, 20), &link, &patient(5.0, "login", 90.0), &steps);
    scenario["duration"] = json!("1h");
    for (name, link) in links {
        scenario["links"][name] = link.clone();
    }
    watch_fully(&scenario, 7)
}

#[test]
fn more_loss_loses_a_superset() {
    let lost = |direction: &str, loss: &str, kind| {
        let link = json!({ "delay": "50ms", direction: { "loss": loss } });
        of_kind(&run(&[("lossy", link)], &[(1.0, "lossy")]).lost, kind)
    };
    for (direction, kind) in [("up", Kind::Heartbeat), ("down", Kind::HeartbeatAck)] {
        let (few, many) = (lost(direction, "1%", kind), lost(direction, "2%", kind));
        assert!(100 < few.len() && few.len() + 100 < many.len(), "{} {}", few.len(), many.len());
        assert!(few.is_subset(&many), "{kind:?}: {:?}", few.difference(&many));
    }
}

/// An answer that is lost at 1 % is lost at 2 %, unless there is nothing to answer.
#[test]
fn more_loss_in_both_directions_loses_a_superset() {
    let lost = |loss: &str| {
        let log = run(&[("lossy", json!({ "delay": "50ms", "loss": loss }))], &[(1.0, "lossy")]);
        let answers = of_kind(&log.lost, Kind::HeartbeatAck);
        (of_kind(&log.lost, Kind::Heartbeat), answers)
    };
    let ((few, few_answers), (many, many_answers)) = (lost("1%"), lost("2%"));
    assert!(100 < few_answers.len() && few_answers.len() + 100 < many_answers.len());
    assert!(few.is_subset(&many));
    // What is answered now was sent 50 ms before.
    let unanswered: Messages = many.iter().map(|it| (it.0 + DELAY, it.1)).collect();
    let missing = &many_answers | &unanswered;
    assert!(few_answers.is_subset(&missing), "{:?}", few_answers.difference(&missing));
}

/// The messages before an instant of one run, and those from then on of another.
fn joined(before: &Messages, at: SimTime, after: &Messages) -> Messages {
    let before = before.iter().filter(|it| it.0 < at);
    before.chain(after.iter().filter(|it| at <= it.0)).copied().collect()
}

#[test]
fn conditions_that_change_go_on_with_the_same_draws() {
    let path =
        |loss: &str, jitter: &str| json!({ "delay": "50ms", "loss": loss, "jitter": jitter });
    let link = |loss, jitter| json!({ "delay": "50ms", "up": path(loss, jitter) });
    let links = [
        ("first", link("1%", "10ms")),
        ("lossier", link("2%", "10ms")),
        ("wilder", link("2%", "30ms")),
    ];
    let run = |changes: &[(f64, &str)]| {
        let log = run(&links, changes);
        (of_kind(&log.lost, Kind::Heartbeat), of_kind(&log.delivered, Kind::Heartbeat))
    };
    // Heartbeats are sent 0.1 s after every fifth second, so none is under way at the changes.
    let (one, other) = (1202.5, 2402.5);
    let changed = run(&[(1.0, "first"), (one, "lossier"), (other, "wilder")]);
    let [first, lossier, wilder] = ["first", "lossier", "wilder"].map(|link| run(&[(1.0, link)]));
    let expected = |of: fn(&(Messages, Messages)) -> &Messages| {
        let tail = joined(of(&lossier), seconds(other), of(&wilder));
        joined(of(&first), seconds(one), &tail)
    };
    assert_eq!(changed.0, expected(|it| &it.0), "lost");
    assert_eq!(changed.1, expected(|it| &it.1), "arrived");
    // It is not by chance that they are the same: none of the runs is like another.
    assert_ne!(first.0, lossier.0);
    assert_ne!(lossier.1, wilder.1);
}

#[test]
fn a_burst_goes_on_when_the_link_changes() {
    let link = |r: &str| json!({ "delay": "50ms", "up": { "loss": { "gemodel": { "p": "10%", "r": r } } } });
    let links = [("one", link("20%")), ("same", link("20%")), ("shorter", link("90%"))];
    let at = 1802.5;
    let lost = |changes: &[(f64, &str)]| of_kind(&run(&links, changes).lost, Kind::Heartbeat);
    let unchanged = lost(&[(1.0, "one")]);
    assert_eq!(lost(&[(1.0, "one"), (at, "same")]), unchanged);
    // The state of each client's chain is that in which the first heartbeat after the change finds
    // it, whatever the model is then.
    let around = |lost: &Messages, from: f64| -> BTreeSet<ClientId> {
        let in_time =
            |it: &&(SimTime, ClientId)| (seconds(from)..seconds(from + 5.0)).contains(&it.0);
        lost.iter().filter(in_time).map(|it| it.1).collect()
    };
    let changed = lost(&[(1.0, "one"), (at, "shorter")]);
    assert_eq!(around(&changed, at), around(&unchanged, at));
    assert!(around(&changed, at).len() > 2, "too few bursts were under way");
    assert!(!around(&changed, at).is_subset(&around(&changed, at + 5.0)));
}

/// What is lost in a bad spell is lost in it at a higher loss, too, and in a longer one.
#[test]
fn a_worse_spell_loses_a_superset() {
    let lost = |bad: &str, good_loss: &str, bad_loss: &str| {
        let model =
            json!({ "good": "20s", "bad": bad, "loss_good": good_loss, "loss_bad": bad_loss });
        let link = json!({ "delay": "50ms", "up": { "loss": { "timed_gilbert_elliott": model } } });
        of_kind(&run(&[("lossy", link)], &[(1.0, "lossy")]).lost, Kind::Heartbeat)
    };
    let few = lost("1.2s", "1%", "60%");
    for more in [lost("1.2s", "1%", "90%"), lost("1.2s", "2%", "60%"), lost("1.9s", "1%", "60%")] {
        assert!(100 < few.len() && few.len() + 50 < more.len(), "{} {}", few.len(), more.len());
        assert!(few.is_subset(&more), "{:?}", few.difference(&more));
    }
}

/// All that is sent over a link meets one spell, and moves none: with streams, messages and infos
/// the same heartbeats are lost as without.
#[test]
fn what_is_sent_moves_no_spell() {
    let lost = |steps: &[Value]| {
        let model = json!({ "good": "20s", "bad": "2s" });
        let link = json!({ "delay": "50ms", "loss": { "timed_gilbert_elliott": model } });
        let steps = [
            &[json!({
                "at": "1s", "do": { "changeLink": { "clients": ["g0"], "to": "lossy" } },
            })][..],
            steps,
        ]
        .concat();
        let link_of_logins = json!({ "delay": "50ms" });
        let mut scenario = crowd((1, 20), &link_of_logins, &patient(5.0, "login", 90.0), &steps);
        scenario["duration"] = json!("1h");
        scenario["links"]["lossy"] = link;
        of_kind(&watch_fully(&scenario, 7).lost, Kind::Heartbeat)
    };
    let message = json!({ "sendBroadcastMessage": { "room": "g0", "message": "hi" } });
    let says = |it: u64| json!({ "at": format!("{}s", 30 * it), "client": "g0-1", "do": message });
    let quiet = lost(&[]);
    assert!(100 < quiet.len());
    assert_eq!(lost(&(1..100).map(says).collect::<Vec<Value>>()), quiet);
}

/// A client in two rooms has one link: its heartbeats of both rooms, which are sent at the same
/// instants, meet the same spells.
#[test]
fn all_rooms_of_a_client_meet_one_spell() {
    let model = json!({ "good": "20s", "bad": "3s" });
    let login =
        |room| json!({ "at": "0s", "client": "A", "do": { "loginRoom": { "room": room } } });
    let change = json!({ "changeLink": { "clients": ["A"], "to": "lossy" } });
    let scenario = json!({
        "version": 1, "name": "rooms", "duration": "2h",
        "profile": patient(5.0, "login", 90.0),
        "links": {
            "x": { "delay": "50ms" },
            "lossy": { "delay": "50ms", "loss": { "timed_gilbert_elliott": model } },
        },
        "clients": [{ "name": "A", "link": "x", "roomMode": "multi" }],
        "script": [login("r"), login("s"), { "at": "1s", "do": change }],
    });
    let lost = watch_fully(&scenario, 7).lost;
    let heartbeats: Vec<SimTime> =
        lost.iter().filter(|it| it.2 == Kind::Heartbeat).map(|it| it.0).collect();
    assert!(100 < heartbeats.len(), "{}", heartbeats.len());
    assert!(heartbeats.chunks(2).all(|it| it.len() == 2 && it[0] == it[1]), "{heartbeats:?}");
}

#[test]
fn a_client_added_to_a_group_changes_nothing_for_the_others() {
    let run = |count: usize| {
        let link = json!({ "delay": "50ms", "jitter": "40ms", "loss": "10%", "duplicate": "5%" });
        let outage = json!({ "clients": ["g0"], "kind": "silent", "for": "100s" });
        let steps = [json!({ "at": "60s", "do": { "outage": outage } })];
        let log = watch_fully(&crowd((1, count), &link, &json!("zego"), &steps), 7);
        let of = |messages: &[(SimTime, ClientId, Kind)], client: ClientId| {
            let of_client = messages.iter().filter(|it| it.1 == client);
            of_client.map(|it| (it.0, it.2)).collect::<Vec<_>>()
        };
        let clients = (0..5).map(ClientId::from_index);
        clients
            .map(|it| (log.told[&it].clone(), of(&log.lost, it), of(&log.delivered, it)))
            .collect::<Vec<_>>()
    };
    let (five, six) = (run(5), run(6));
    assert_eq!(five, six);
    assert!(five.iter().all(|(told, lost, _)| 4 <= told.len() && !lost.is_empty()));
}
