//! What holds for every scenario: random scripts of calls and outages over random links.
//!
//! The checks read traces only, never the simulator's state.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use proptest::prelude::*;
use roomsim::{
    id::{ClientId, RoomId, StreamId, UserId},
    protocol::{
        call::AppEvent,
        code::{ErrorCode, Reason, Status, Update},
        retry::Budget,
        table::{self, Entry},
    },
    scenario::{Action, RoomMode, Step},
    sink::trace::{Row, What},
    time::{SimSpan, SimTime},
};
use serde_json::{Value, json};

use crate::support::{Ran, run};

/// All that an app can be told of its room status.
static TABLE: LazyLock<BTreeSet<Entry>> = LazyLock::new(|| table::entries().into_iter().collect());

/// When the script of a random scenario is over, in seconds.
const SCRIPT_END: u64 = 600;

fn client_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["A", "B", "C", "D"])
}

fn at() -> impl Strategy<Value = String> {
    (0..SCRIPT_END * 1000).prop_map(|ms| format!("{}us", ms * 1000))
}

fn room_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["r", "s", "t"])
}

/// How a login is configured.
fn way_in() -> impl Strategy<Value = Value> {
    let token = prop::sample::select(vec!["wrong", "30s", "5min"]);
    prop_oneof![
        4 => room_name().prop_map(|room| json!({ "loginRoom": { "room": room } })),
        1 => (room_name(), token).prop_map(
            |(room, token)| json!({ "loginRoom": { "room": room, "token": token } })
        ),
        1 => (room_name(), 1..3_u32).prop_map(
            |(room, max)| json!({ "loginRoom": { "room": room, "maxMemberCount": max } })
        ),
        1 => (room_name(), room_name())
            .prop_map(|(from, to)| json!({ "switchRoom": { "from": from, "to": to } })),
    ]
}

fn call() -> impl Strategy<Value = Value> {
    let stream = prop::sample::select(vec!["x", "y", "of-{client}"]);
    prop_oneof![
        7 => way_in(),
        2 => prop::option::of(room_name()).prop_map(|room| match room {
            Some(room) => json!({ "logoutRoom": { "room": room } }),
            None => json!({ "logoutRoom": {} }),
        }),
        3 => (room_name(), stream.clone()).prop_map(
            |(room, stream)| json!({ "startPublishingStream": { "stream": stream, "room": room } })
        ),
        1 => stream.prop_map(|stream| json!({ "stopPublishingStream": { "stream": stream } })),
        2 => room_name().prop_map(
            |room| json!({ "sendBroadcastMessage": { "room": room, "message": "hello" } })
        ),
        1 => (room_name(), prop::sample::select(vec!["k", "l"])).prop_map(|(room, key)| {
            json!({ "setRoomExtraInfo": { "room": room, "key": key, "value": "v" } })
        }),
        1 => prop::sample::select(vec!["wrong", "1min"])
            .prop_map(|token| json!({ "renewToken": { "token": token } })),
        1 => prop::sample::select(vec!["createEngine", "destroyEngine"])
            .prop_map(|event| json!({ event: {} })),
    ]
}

fn step() -> impl Strategy<Value = Value> {
    let call = (at(), client_name(), call())
        .prop_map(|(at, client, deed)| json!({ "at": at, "client": client, "do": deed }));
    let backend =
        (at(), 0..6_u8, prop::sample::select(vec!["A", "B"])).prop_map(|(at, kind, user)| {
            let deed = match kind {
                0 => json!({ "closeRoom": { "room": "r" } }),
                1 => json!({ "forbidUser": { "users": [user] } }),
                2 => json!({ "sessionException": { "room": "r", "users": [user] } }),
                _ => json!({ "kickoutUser": { "room": "r", "users": [user] } }),
            };
            json!({ "at": at, "do": deed })
        });
    let direction = prop::sample::select(vec!["up", "down", "both"]);
    let code = prop::sample::select(vec![1_002_034, 1_002_072, 1_002_078, 1_002_099]);
    let span = prop_oneof![1..2000_u64, 1..200_000_u64].prop_map(|ms| format!("{ms}ms"));
    let outage = (at(), client_name(), 0..5_u8, direction, code, span).prop_map(
        |(at, client, kind, direction, code, span)| {
            let mut outage = json!({ "clients": [client], "kind": "link_down", "for": span });
            match kind {
                0 | 1 => {
                    outage["kind"] = json!("silent");
                    outage["direction"] = json!(direction);
                }
                2 => {
                    outage["kind"] = json!("refuse");
                    outage["errorCode"] = json!(code);
                }
                _ => (),
            }
            json!({ "at": at, "do": { "outage": outage } })
        },
    );
    let span = prop_oneof![1..2000_u64, 1..120_000_u64].prop_map(|ms| format!("{ms}ms"));
    let memory = prop::sample::select(vec!["kept", "lost"]);
    let server = (at(), span, memory, 0..3_u8).prop_map(|(at, span, memory, kind)| {
        let deed = match kind {
            0 => json!({ "slowServer": { "login_processing": "2s", "for": span } }),
            _ => json!({ "restartServer": { "for": span, "memory": memory } }),
        };
        json!({ "at": at, "do": deed })
    });
    let link = (at(), client_name(), 0..3_u8).prop_map(|(at, client, kind)| {
        let deed = match kind {
            0 => json!({ "changeNetwork": { "clients": [client], "to": "y" } }),
            1 => json!({ "crashNode": { "clients": [client] } }),
            _ => json!({ "changeLink": { "clients": [client], "to": "y" } }),
        };
        json!({ "at": at, "do": deed })
    });
    prop_oneof![8 => call, 6 => outage, 1 => backend, 1 => server, 1 => link]
}

/// A time in which a client's app is dead or stands still: whose, from when, how long.
fn halt() -> impl Strategy<Value = (&'static str, u64, u64, bool)> {
    let span = prop_oneof![1..30_000_u64, 1..200_000_u64];
    (client_name(), 1..SCRIPT_END * 1000, span, any::<bool>())
}

fn micros(step: &Value) -> u64 {
    let at = step["at"].as_str().unwrap();
    at.strip_suffix("us").unwrap().parse().unwrap()
}

/// Halts the app of a client, and takes out the calls that it cannot make then.
fn with_halt(script: &mut Vec<Value>, (client, at_ms, span_ms, is_kill): (&str, u64, u64, bool)) {
    // Between two calls, which fall on whole milliseconds.
    let from = at_ms * 1000 + 1;
    let to = from + span_ms * 1000;
    let is_possible = |it: &Value| it["client"] != client || !(from..=to).contains(&micros(it));
    script.retain(is_possible);
    let step =
        |at: u64, deed: Value| json!({ "at": format!("{at}us"), "client": client, "do": deed });
    if is_kill {
        script.push(step(from, json!({ "killApp": {} })));
        script.push(step(to, json!({ "startApp": {} })));
    } else {
        script.push(step(from, json!({ "suspendApp": { "for": format!("{span_ms}ms") } })));
    }
}

fn profile() -> impl Strategy<Value = Value> {
    let base = prop::sample::select(vec!["zego-doc", "zego", "zego-100s", "zego-web"]);
    let budget = prop::sample::select(vec![json!("20min"), json!("45s"), json!({ "attempts": 3 })]);
    let lease = prop::sample::select(vec!["90s", "20s", "100s"]);
    let waits = prop::sample::select(vec![
        json!({}),
        json!({ "fixed": "1s" }),
        json!({ "exponential": { "base": "100ms", "cap": "20s", "jitter": "full" } }),
    ]);
    let memory = prop::sample::select(vec!["on", "off"]);
    let expiry = prop::sample::select(vec!["keep", "kick"]);
    let count = prop::sample::select(vec!["none", "30s"]);
    let rate = prop::sample::select(vec!["200/s", "1/s"]);
    (base, budget, lease, waits, (memory, expiry, count, rate)).prop_map(
        |(base, budget, lease, mut retry, (memory, expiry, count, rate))| {
            retry["budget"] = budget;
            // A lease must outlast two heartbeats, or everybody comes and goes for ever.
            let lease = if base == "zego-web" { "100s" } else { lease };
            json!({
                "base": base, "retry": retry, "lease": { "after": lease }, "kick_memory": memory,
                "token_expiry": expiry, "online_count": count, "login_rate": rate,
            })
        },
    )
}

pub(crate) fn scenario() -> impl Strategy<Value = Value> {
    let loss = prop::sample::select(vec!["0", "1%", "10%", "40%"]);
    let jitter = prop::sample::select(vec!["0ms", "40ms"]);
    let script = prop::collection::vec(step(), 1..25);
    let halts = prop::collection::vec(halt(), 0..3);
    // D is a second device of A's user, or a user of its own.
    let user_of_d = prop::sample::select(vec!["A", "D"]);
    let link = prop::sample::select(vec![
        json!({}),
        json!({ "loss": { "gemodel": { "p": "0.5%", "r": "50%" } } }),
        json!({ "duplicate": "10%" }),
        json!({ "duplicate": "10%", "order": "fifo" }),
        json!({ "reorder": "20%" }),
        json!({ "rate": "64kbit", "limit": 20, "distribution": "pareto", "shared": true }),
    ]);
    let modes =
        prop::sample::select(vec![("single", "single"), ("multi", "single"), ("multi", "multi")]);
    (loss, jitter, profile(), (script, halts), (user_of_d, modes, link), any::<u32>()).prop_map(
        |(loss, jitter, profile, (mut script, halts), (user_of_d, modes, link), seed)| {
            // With a heartbeat every 30 s, three losses in a row end a lease to the very end.
            let is_web = profile["base"] == "zego-web";
            let loss = if is_web && loss != "0" { "1%" } else { loss };
            let mut link = link;
            link["delay"] = json!("50ms");
            link["jitter"] = json!(jitter);
            link["network"] = json!("4G");
            if link.get("loss").is_none() {
                link["loss"] = json!(loss);
            }
            // What the backend does to a room that nobody enters would be a fault.
            let first = json!({ "loginRoom": { "room": "r" } });
            script.push(json!({ "at": "0us", "client": "A", "do": first }));
            let mut halted = BTreeSet::new();
            for halt in halts {
                if halted.insert(halt.0) {
                    with_halt(&mut script, halt);
                }
            }
            json!({
                "version": 1, "name": "random", "seed": seed, "duration": "1h",
                "profile": profile,
                "links": { "x": link, "y": { "delay": "20ms", "network": "WiFi" } },
                "clients": [
                    { "name": "A", "link": "x", "roomMode": modes.0 },
                    { "name": "B", "link": "x" },
                    { "name": "C", "link": "x", "roomMode": modes.1 },
                    { "name": "D", "link": "x", "user": user_of_d },
                ],
                "script": script,
            })
        },
    )
}

/// How long before the end a client must have been where it is.
const SETTLED_FOR: SimSpan = SimSpan::from_secs(300);

/// What an app knows of its login to one room, from its callbacks alone.
#[derive(Clone, Debug, Default)]
struct Seen {
    last: Option<(Reason, SimTime)>,
    members: BTreeSet<UserId>,
    streams: BTreeMap<StreamId, UserId>,
}

impl Seen {
    fn is_in(&self) -> bool {
        matches!(self.last, Some((Reason::Logined | Reason::Reconnected, _)))
    }
}

type All = BTreeMap<(ClientId, RoomId), Seen>;

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
fn read(ran: &Ran) -> All {
    let mut all = All::new();
    let mut last_at = SimTime::ZERO;
    let kill = |it: &Step| {
        let Action::App(client, AppEvent::Kill) = it.action else { return None };
        Some((it.at, client))
    };
    let killed = ran.scenario.script().iter().filter_map(kill);
    let mut killed = killed.peekable();
    for row in ran.trace.rows() {
        assert!(last_at <= row.at, "time fell: {row:?}");
        last_at = row.at;
        while let Some((_, client)) = killed.next_if(|(at, _)| *at <= row.at) {
            // Who is killed forgets everything, and tells nobody.
            all.retain(|(of, _), _| *of != client);
        }
        let Some(room) = row.room else {
            let is_of_no_room = matches!(
                row.what,
                What::NetworkMode(_)
                    | What::CallResult(..)
                    | What::StateChanged(Status { code: ErrorCode::NO_ENGINE, .. })
            );
            assert!(is_of_no_room, "{row:?}");
            continue;
        };
        if let What::StateChanged(Status { reason: Reason::Logining, .. }) = row.what {
            let others = all.iter().filter(|((of, _), _)| *of == row.client);
            let n_rooms = others.filter(|(_, it)| is_active(it)).count();
            let is_multi = ran.scenario.mode_of(row.client) == RoomMode::Multi;
            // spec: R33, R48
            assert!(n_rooms < if is_multi { 5 } else { 1 }, "in {n_rooms} rooms: {row:?}");
        }
        read_row(ran, all.entry((row.client, room)).or_default(), row);
    }
    // What is killed last is still forgotten.
    let forgotten: Vec<ClientId> = killed.map(|it| it.1).collect();
    all.retain(|(of, _), _| !forgotten.contains(of));
    all
}

/// Whether a login is under way, or has succeeded and not ended.
fn is_active(seen: &Seen) -> bool {
    use Reason::{Logined, Logining, Reconnected, Reconnecting};
    matches!(seen.last, Some((Logining | Logined | Reconnecting | Reconnected, _)))
}

fn read_row(ran: &Ran, seen: &mut Seen, row: &Row) {
    let own = ran.scenario.user_of(row.client);
    let reason = seen.last.map(|it| it.0);
    if let What::StateChanged(Status { reason, code, event }) = row.what {
        let entry = Entry { reason, event, code };
        assert!(TABLE.contains(&entry), "not in the table: {row:?}");
    }
    match &row.what {
        What::StateChanged(Status { reason: Reason::LogoutFailed, .. }) | What::CallResult(..) => {}
        What::StateChanged(Status { reason, code, .. }) => {
            let before = seen.last.map(|it| it.0);
            assert!(may_follow(before, *reason), "{reason:?} after {before:?}: {row:?}");
            if *reason == Reason::Logining {
                *seen = Seen::default();
            }
            let rules = ran.scenario.rules();
            if let (1_002_053, Reason::ReconnectFailed, Budget::Time(budget), Some((_, since))) =
                (code.number(), reason, rules.retry.budget, seen.last)
                && rules.debounce.is_zero()
            {
                // spec: R16, R25; who stood still then gives up when it goes on.
                let stood_still = |it: &Step| {
                    it.action == Action::App(row.client, AppEvent::Suspend) && it.at <= row.at
                };
                let at = since + budget;
                let is_late = ran.scenario.script().iter().any(stood_still) && at < row.at;
                assert!(row.at == at || is_late, "given up at another time: {row:?}");
            }
            seen.last = Some((*reason, row.at));
        }
        What::UserUpdate(update, users) => {
            // spec: R26, R29
            assert!(is_told(ran, seen), "told while {reason:?}: {row:?}");
            for user in users.iter() {
                // spec: R27
                assert_ne!(*user, own, "told of itself: {row:?}");
                let is_news = match update {
                    Update::Add => seen.members.insert(*user),
                    Update::Delete => seen.members.remove(user),
                };
                assert!(is_news, "{update:?} of {user:?} twice: {row:?}");
            }
        }
        What::StreamUpdate(update, streams) => {
            // spec: R49
            assert!(is_told(ran, seen), "told while {reason:?}: {row:?}");
            for it in streams {
                assert_ne!(it.user, own, "told of its own stream: {row:?}");
                let before = match update {
                    Update::Add => seen.streams.insert(it.stream, it.user),
                    Update::Delete => seen.streams.remove(&it.stream),
                };
                let is_news = before.is_none() == (*update == Update::Add);
                assert!(is_news, "{update:?} of {it:?} twice: {row:?}");
            }
        }
        What::OnlineCount(_)
        | What::Broadcast(..)
        | What::ExtraInfo(..)
        | What::TokenWillExpire(_) => {
            assert!(is_told(ran, seen), "told while {reason:?}: {row:?}");
        }
        What::NetworkMode(_) => panic!("the network is not a room's: {row:?}"),
    }
}

/// Whether an app can be told of what happens in its room: it is there, as far as it knows.
fn is_told(ran: &Ran, seen: &Seen) -> bool {
    // Where Reconnecting is held back, the app may not know yet that it is not.
    let _ = ran;
    seen.is_in()
}

/// Long after the last step, all who are in a room see exactly all others who are, and the same
/// streams of third parties.
///
/// On a bad link a client may come and go to the very end; only those who have not for longer than
/// the longest lease and some repetitions are looked at.
fn views_agree(ran: &Ran, all: &All) {
    let user = |client: &ClientId| ran.scenario.user_of(*client);
    let is_settled = |it: &Seen| match it.last {
        None => true,
        Some((_, since)) => SETTLED_FOR <= ran.scenario.end().since(since),
    };
    let unsettled: BTreeSet<UserId> =
        all.iter().filter(|(_, it)| !is_settled(it)).map(|((client, _), _)| user(client)).collect();
    let settled =
        |users: &BTreeSet<UserId>| users.difference(&unsettled).copied().collect::<Vec<_>>();
    for ((client, room), seen) in all.iter().filter(|(_, it)| it.is_in() && is_settled(it)) {
        let here = || all.iter().filter(|((_, of), it)| it.is_in() && of == room);
        let mut expected: BTreeSet<UserId> = here().map(|((other, _), _)| user(other)).collect();
        expected.remove(&user(client));
        assert_eq!(
            settled(&seen.members),
            settled(&expected),
            "{client:?} sees others in {room:?} than are there:\n{}",
            ran.lines().join("\n")
        );
        for ((other, _), of_other) in here().filter(|(_, it)| is_settled(it)) {
            let third = |it: &Seen| -> BTreeMap<StreamId, UserId> {
                let not = |of: &UserId| {
                    *of != user(client) && *of != user(other) && !unsettled.contains(of)
                };
                it.streams.iter().filter(|(_, of)| not(of)).map(|(it, of)| (*it, *of)).collect()
            };
            assert_eq!(
                third(seen),
                third(of_other),
                "{client:?} and {other:?} see other streams in {room:?}:\n{}",
                ran.lines().join("\n")
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

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
        clients.insert(0, json!({ "name": "E", "link": "y" }));
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
            step["at"] = json!(format!("{}us", micros(step) + later_ms * 1000));
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
