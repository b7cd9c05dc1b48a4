//! What holds for every scenario, as random ones show.
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
        call::{AppEvent, Call, Notify},
        code::{ErrorCode, Reason, Status, Update},
        retry::Budget,
        table::{self, Entry},
    },
    scenario::{Action, RoomMode, Step},
    sink::trace::{Row, What},
    time::{SimSpan, SimTime},
};
use serde_json::json;

use crate::{
    random::{micros, scenario},
    support::{Ran, run},
};

/// All that an app can be told of its room status.
static TABLE: LazyLock<BTreeSet<Entry>> = LazyLock::new(|| table::entries().into_iter().collect());

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
        What::OnlineCount(_) | What::Broadcast(..) | What::ExtraInfo(..) => {
            assert!(is_told(ran, seen), "told while {reason:?}: {row:?}");
        }
        // spec: R51
        What::TokenWillExpire(_) => {
            let is_there = is_told(ran, seen) || reason == Some(Reason::Reconnecting);
            assert!(is_there, "told while {reason:?}: {row:?}");
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

/// Whether a client logs in without `isUserStatusNotify`, whenever it does (spec: R41).
fn is_quiet(ran: &Ran, client: ClientId) -> bool {
    ran.scenario.script().iter().any(|it| {
        let Action::Call(of, Call::LoginRoom(login) | Call::SwitchRoom(_, login)) = it.action
        else {
            return false;
        };
        of == client && login.notify == Notify::Off
    })
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
        let mut expected: BTreeSet<UserId> = here()
            .map(|((other, _), _)| other)
            .filter(|it| !is_quiet(ran, *client) && !is_quiet(ran, **it))
            .map(user)
            .collect();
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
    fn no_callback_contradicts_another_where_some_are_told_of_nobody(
        scenario in scenario(),
        notice_limit in 1..4_u32,
    ) {
        let mut scenario = scenario;
        scenario["profile"]["notice_limit"] = json!(notice_limit);
        read(&run(&scenario.to_string(), None));
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
        // Times of calls and outages move; what is drawn depends on counts, not on times, except
        // for the spells of links.
        let mut scenario = scenario;
        if let Some(loss) = scenario["links"]["x"].get_mut("loss")
            && loss.get("timed_gilbert_elliott").is_some()
        {
            *loss = json!("1%");
        }
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
