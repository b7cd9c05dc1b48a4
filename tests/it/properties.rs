//! What holds for every scenario: random scripts of calls and outages over random links.
//!
//! The checks read traces only, never the simulator's state.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use roomsim::{
    id::{ClientId, RoomId, UserId},
    protocol::{
        code::{Reason, Update},
        retry::Budget,
    },
    sink::trace::What,
    time::{SimSpan, SimTime},
};
use serde_json::{Value, json};

use crate::support::{Ran, run};

/// When the script of a random scenario is over, in seconds.
const SCRIPT_END: u64 = 600;

fn client_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["A", "B", "C", "D"])
}

fn step() -> impl Strategy<Value = Value> {
    let at = (0..SCRIPT_END * 1000).prop_map(|ms| format!("{ms}ms"));
    let room = prop::sample::select(vec!["r", "s"]);
    let deed = prop_oneof![
        4 => room.clone().prop_map(|room| json!({ "loginRoom": { "room": room } })),
        1 => (room.clone(), prop::sample::select(vec!["wrong", "30s", "5min"])).prop_map(
            |(room, token)| json!({ "loginRoom": { "room": room, "token": token } })
        ),
        1 => (room.clone(), 1..3_u32).prop_map(
            |(room, max)| json!({ "loginRoom": { "room": room, "maxMemberCount": max } })
        ),
        2 => prop::option::of(room.clone()).prop_map(|room| match room {
            Some(room) => json!({ "logoutRoom": { "room": room } }),
            None => json!({ "logoutRoom": {} }),
        }),
        1 => (room.clone(), room)
            .prop_map(|(from, to)| json!({ "switchRoom": { "from": from, "to": to } })),
    ];
    let call = (at.clone(), client_name(), deed)
        .prop_map(|(at, client, deed)| json!({ "at": at, "client": client, "do": deed }));
    let backend =
        (at.clone(), 0..5_u8, prop::sample::select(vec!["A", "B"])).prop_map(|(at, kind, user)| {
            let deed = match kind {
                0 => json!({ "closeRoom": { "room": "r" } }),
                1 => json!({ "forbidUser": { "users": [user] } }),
                _ => json!({ "kickoutUser": { "room": "r", "users": [user] } }),
            };
            json!({ "at": at, "do": deed })
        });
    let direction = prop::sample::select(vec!["up", "down", "both"]);
    let span = prop_oneof![1..2000_u64, 1..200_000_u64].prop_map(|ms| format!("{ms}ms"));
    let outage = (at, client_name(), prop::bool::ANY, direction, span).prop_map(
        |(at, client, is_silent, direction, span)| {
            let mut outage = json!({ "clients": [client], "kind": "link_down", "for": span });
            if is_silent {
                outage["kind"] = json!("silent");
                outage["direction"] = json!(direction);
            }
            json!({ "at": at, "do": { "outage": outage } })
        },
    );
    prop_oneof![4 => call, 4 => outage, 1 => backend]
}

fn profile() -> impl Strategy<Value = Value> {
    let base = prop::sample::select(vec!["zego-doc", "zego", "zego-100s"]);
    let budget = prop::sample::select(vec![json!("20min"), json!("45s"), json!({ "attempts": 3 })]);
    let lease = prop::sample::select(vec!["90s", "20s", "100s"]);
    let waits = prop::sample::select(vec![
        json!({}),
        json!({ "fixed": "1s" }),
        json!({ "exponential": { "base": "100ms", "cap": "20s", "jitter": "full" } }),
    ]);
    let memory = prop::sample::select(vec!["on", "off"]);
    (base, budget, lease, waits, memory).prop_map(|(base, budget, lease, mut retry, memory)| {
        retry["budget"] = budget;
        let lease = json!({ "after": lease });
        json!({ "base": base, "retry": retry, "lease": lease, "kick_memory": memory })
    })
}

fn scenario() -> impl Strategy<Value = Value> {
    let loss = prop::sample::select(vec!["0", "1%", "10%", "40%"]);
    let jitter = prop::sample::select(vec!["0ms", "40ms"]);
    let script = prop::collection::vec(step(), 1..25);
    // D is a second device of A's user, or a user of its own.
    let user_of_d = prop::sample::select(vec!["A", "D"]);
    (loss, jitter, profile(), script, user_of_d, any::<u32>()).prop_map(
        |(loss, jitter, profile, mut script, user_of_d, seed)| {
            // What the backend does to a room that nobody enters would be a fault.
            let first = json!({ "loginRoom": { "room": "r" } });
            script.push(json!({ "at": "0ms", "client": "A", "do": first }));
            json!({
                "version": 1, "name": "random", "seed": seed, "duration": "1h",
                "profile": profile,
                "links": { "x": { "delay": "50ms", "jitter": jitter, "loss": loss } },
                "clients": [
                    { "name": "A", "link": "x" },
                    { "name": "B", "link": "x" },
                    { "name": "C", "link": "x" },
                    { "name": "D", "link": "x", "user": user_of_d },
                ],
                "script": script,
            })
        },
    )
}

/// How long before the end a client must have been where it is.
const SETTLED_FOR: SimSpan = SimSpan::from_secs(300);

/// What an app knows of its own login, from its callbacks alone.
#[derive(Clone, Debug, Default)]
struct Seen {
    last: Option<(Reason, SimTime)>,
    room: Option<RoomId>,
    members: BTreeSet<UserId>,
}

/// Whether the SDK's state machine has an arrow from one reason to the next.
fn may_follow(before: Option<Reason>, after: Reason) -> bool {
    use Reason::{
        KickOut, LoginFailed, Logined, Logining, Logout, ReconnectFailed, Reconnected, Reconnecting,
    };
    match after {
        Logining => matches!(before, None | Some(LoginFailed | ReconnectFailed | KickOut | Logout)),
        Logined | LoginFailed => before == Some(Logining),
        Reconnecting => matches!(before, Some(Logined | Reconnected)),
        KickOut => matches!(before, Some(Logined | Reconnected | Reconnecting)),
        Reconnected | ReconnectFailed => before == Some(Reconnecting),
        Logout => matches!(before, Some(Logining | Logined | Reconnected | Reconnecting)),
        Reason::LogoutFailed => true,
    }
}

/// Reads a trace as the apps would; fails at the first callback that contradicts another.
fn read(ran: &Ran) -> BTreeMap<ClientId, Seen> {
    let mut all: BTreeMap<ClientId, Seen> = BTreeMap::new();
    let mut last_at = SimTime::ZERO;
    for row in ran.trace.rows() {
        assert!(last_at <= row.at, "time fell: {row:?}");
        last_at = row.at;
        let seen = all.entry(row.client).or_default();
        let own = ran.scenario.clients()[row.client].user;
        match &row.what {
            What::StateChanged(Reason::LogoutFailed, _) | What::LoginRoomFailed(_) => {
                seen.last = seen.last.or(Some((Reason::Logout, row.at)));
            }
            What::StateChanged(reason, code) => {
                let before = seen.last.map(|it| it.0);
                assert!(may_follow(before, *reason), "{reason:?} after {before:?}: {row:?}");
                if *reason == Reason::Logining {
                    *seen = Seen { room: Some(row.room), ..Seen::default() };
                }
                assert_eq!(seen.room, Some(row.room), "another room: {row:?}");
                if let (
                    1_002_053,
                    Reason::ReconnectFailed,
                    Budget::Time(budget),
                    Some((_, since)),
                ) = (code.number(), reason, ran.scenario.rules().retry.budget, seen.last)
                {
                    // spec: R16, R25
                    assert_eq!(row.at, since + budget, "given up at another time: {row:?}");
                }
                seen.last = Some((*reason, row.at));
            }
            What::UserUpdate(update, users) => {
                // spec: R26, R29
                let reason = seen.last.map(|it| it.0);
                let is_in = matches!(reason, Some(Reason::Logined | Reason::Reconnected));
                assert!(is_in && seen.room == Some(row.room), "told while {reason:?}: {row:?}");
                for user in users {
                    // spec: R27
                    assert_ne!(*user, own, "told of itself: {row:?}");
                    let is_news = match update {
                        Update::Add => seen.members.insert(*user),
                        Update::Delete => seen.members.remove(user),
                    };
                    assert!(is_news, "{update:?} of {user:?} twice: {row:?}");
                }
            }
        }
    }
    all
}

/// Long after the last step, all who are in a room see exactly all others who are.
///
/// On a bad link a client may come and go to the very end; only those who have not for longer than
/// the longest lease and some repetitions are looked at.
fn views_agree(ran: &Ran, all: &BTreeMap<ClientId, Seen>) {
    let user = |client: &ClientId| ran.scenario.clients()[*client].user;
    let is_settled = |it: &Seen| {
        let (_, since) = it.last.expect("who is in the trace has been told something");
        SETTLED_FOR <= ran.scenario.end().since(since)
    };
    let is_in = |it: &Seen| matches!(it.last, Some((Reason::Logined | Reason::Reconnected, _)));
    let unsettled: BTreeSet<UserId> =
        all.iter().filter(|(_, it)| !is_settled(it)).map(|(client, _)| user(client)).collect();
    let settled =
        |users: &BTreeSet<UserId>| users.difference(&unsettled).copied().collect::<Vec<_>>();
    for (client, seen) in all.iter().filter(|(_, it)| is_in(it) && is_settled(it)) {
        let here = all.iter().filter(|(_, it)| is_in(it) && it.room == seen.room);
        let mut expected: BTreeSet<UserId> = here.map(|(other, _)| user(other)).collect();
        expected.remove(&user(client));
        assert_eq!(
            settled(&seen.members),
            settled(&expected),
            "{client:?} sees others than are there:\n{}",
            ran.lines().join("\n")
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_callback_contradicts_another_and_all_views_agree_in_the_end(scenario in scenario()) {
        let ran = run(&scenario.to_string(), None);
        let seen = read(&ran);
        views_agree(&ran, &seen);
        // Nothing is lost without a cause.
        let total = ran.counters.total();
        let dropped: u64 = total.dropped.iter().sum();
        prop_assert_eq!(total.sent, total.delivered + dropped + ran.counters.in_flight());
    }

    #[test]
    fn nothing_depends_on_who_else_takes_part(scenario in scenario(), at_ms in 0..600_000_u64) {
        let alone = run(&scenario.to_string(), None);
        let mut more = scenario;
        let clients = more["clients"].as_array_mut().unwrap();
        clients.insert(0, json!({ "name": "E", "link": "x" }));
        let outage = json!({ "clients": ["E"], "kind": "link_down", "for": "2min" });
        let script = more["script"].as_array_mut().unwrap();
        let login = json!({ "loginRoom": { "room": "elsewhere" } });
        script.insert(0, json!({ "at": "0s", "client": "E", "do": login }));
        script.insert(1, json!({ "at": format!("{at_ms}ms"), "do": { "outage": outage } }));
        let together = run(&more.to_string(), None);
        for client in ["A", "B", "C", "D"] {
            prop_assert_eq!(alone.lines_of(client), together.lines_of(client));
        }
        prop_assert!(!together.lines_of("E").is_empty());
    }

    #[test]
    fn moving_everything_moves_the_trace(scenario in scenario(), later_ms in 1..1_000_000_u64) {
        // Times of calls and outages move; what is drawn depends on counts, not on times.
        let early = run(&scenario.to_string(), None);
        let mut late = scenario;
        late["duration"] = json!(format!("{}ms", 3_600_000 + later_ms));
        for step in late["script"].as_array_mut().unwrap() {
            let at: u64 = step["at"].as_str().unwrap().trim_end_matches("ms").parse().unwrap();
            step["at"] = json!(format!("{}ms", at + later_ms));
        }
        let late = run(&late.to_string(), None);
        let moved: Vec<_> = early.trace.rows().iter().map(|it| {
            let at = it.at.as_micros() + later_ms * 1000;
            (SimTime::from_micros(at), it.client, it.what.clone())
        }).collect();
        let rows = late.trace.rows().iter().map(|it| (it.at, it.client, it.what.clone()));
        prop_assert_eq!(moved, rows.collect::<Vec<_>>());
    }
}
