//! The transition tables: every state with every input, as reviewed snapshots.
//!
//! A changed arrow is a visible change of a file in `snapshots/`, and of the diagram in
//! ARCHITECTURE.md, which comes from the same walk.

use std::{
    collections::BTreeSet,
    fmt::{Debug, Write as _},
    fs,
    path::Path,
};

use roomsim::{
    id::{Epoch, Id as _, RoomId, TextId},
    protocol::{
        beats::Beats,
        call::{Ask, Login, Notify, Slot, Streams, Token},
        client::{self, Attempt, Client, Farewell, Luck, Online, Roster, Stage, Wishes},
        code::{ErrorCode, Event},
        gate::Gate,
        journal::Reach,
        member::{self, Departed, Feed, Gone, Member, Ousted, Ouster, Present},
        message::{ClientBody, ClientMsg, Errands, Known, List, Refused, ServerBody, ServerMsg},
        repeat::{Repeat, RoundTrip},
        rules::Rules,
    },
    time::{SimSpan, SimTime},
};

use crate::support::rules_of;

pub(crate) const NOW: SimTime = SimTime::from_micros(100_000_000);

fn at(secs: u64) -> SimTime {
    SimTime::from_micros(secs * 1_000_000)
}

fn room(index: usize) -> RoomId {
    RoomId::from_index(index)
}

/// An earlier connection of the login under test, its own, and a later login.
pub(crate) fn epochs() -> [Epoch; 3] {
    let own = Epoch::NONE.next_login().next_connection();
    [Epoch::NONE.next_login(), own, own.next_login()]
}

pub(crate) fn client_states() -> Vec<(&'static str, client::State)> {
    use client::State::{LoggedOut, Logining, Reconnecting};
    let [_, own, _] = epochs();
    let repeat = Repeat { at: at(101), wait: SimSpan::from_secs(1), count: 0 };
    let farewell = Farewell { epoch: own, repeat, until: at(106) };
    let trying = Stage::Trying { repeat, fails_at: at(110) };
    let waiting = Stage::Waiting { start_at: at(104) };
    let attempt = |stage| Attempt { number: 0, failed: 0, stage };
    let (login, give_up_at) = (Login::to(room(0)), at(1300));
    let expiring = Login { token: Token::until(at(132)), ..login };
    let online = |roster, errands| {
        let login = expiring;
        let beats = Beats { beat_at: at(103), probe_at: at(104), broken_at: at(109) };
        let (count_at, known, since) = (at(105), 4, at(4));
        client::State::Online(Online { login, beats, count_at, errands, since, known, roster })
    };
    let asked = Roster::Asked(repeat);
    let (known, broken_by) = (4, Event::LinkLost);
    let reconnecting = |login, stage, tell_at| {
        let attempt = attempt(stage);
        Reconnecting { login, attempt, give_up_at, known, tell_at, broken_by }
    };
    let never = SimTime::NEVER;
    vec![
        ("LoggedOut", LoggedOut(None)),
        ("LoggedOut/Farewell", LoggedOut(Some(farewell))),
        ("Logining/Trying", Logining { login, attempt: attempt(trying), give_up_at }),
        ("Logining/Waiting", Logining { login, attempt: attempt(waiting), give_up_at }),
        ("Online/Asked", online(asked, Repeat::NEVER)),
        ("Online/AskedAnew", online(Roster::AskedAnew(repeat), Repeat::NEVER)),
        ("Online/Known", online(Roster::Known, Repeat::NEVER)),
        ("Online/Wishing", online(Roster::Known, repeat)),
        ("Reconnecting/Trying", reconnecting(login, trying, never)),
        ("Reconnecting/Waiting", reconnecting(login, waiting, never)),
        ("Reconnecting/Untold", reconnecting(login, trying, at(108))),
        ("Reconnecting/Expiring", reconnecting(expiring, waiting, never)),
    ]
}

/// What the app wants, as far as its state says that it wants anything.
fn wishes(state: &str) -> Wishes {
    let is_wishing = state == "Online/Wishing";
    let is_expiring = is_wishing || state == "Reconnecting/Expiring";
    Wishes {
        version: 3,
        done: if is_wishing { 2 } else { 3 },
        streams: if is_wishing { Streams::NONE.with(Slot::from_index(0)) } else { Streams::NONE },
        asked: 2,
        answered: if is_wishing { 1 } else { 2 },
        warn_at: if is_expiring { at(102) } else { SimTime::NEVER },
        messages: Gate::default(),
    }
}

/// The state of a client that has this name.
pub(crate) fn client_state(name: &str) -> client::State {
    client_states().into_iter().find(|it| it.0 == name).unwrap().1
}

/// A member in its room that has asked for no list.
pub(crate) fn unasked() -> Present {
    let closed = member_states().into_iter().find(|it| it.0 == "Present/Closed").unwrap().1;
    let member::State::Present(present) = closed else { panic!("{closed:?}") };
    present
}

/// A client in one of the states.
pub(crate) fn client_in(name: &str, state: client::State) -> Client {
    let ([_, epoch, _], rtt) = (epochs(), RoundTrip::UNKNOWN);
    Client { epoch, wishes: wishes(name), rtt, known_users: 4, state }
}

/// A login is accepted, for a session that began at this second.
pub(crate) fn accepted(since: u64, list: List) -> ServerBody {
    ServerBody::LoginAccepted { since: at(since), list }
}

/// What a client knows of its room, in a session that began at this second.
pub(crate) fn known(to: u32, since: u64) -> Known {
    Known { to, since: at(since) }
}

fn server_bodies() -> [ServerBody; 21] {
    let (stream, none) = (Streams::NONE.with(Slot::from_index(0)), Streams::NONE);
    let users = Notify::On;
    let done = |taken, barred| ServerBody::ErrandsDone {
        version: 3,
        answered: 2,
        refused: Refused { taken, barred },
    };
    [
        accepted(4, List::Unasked),
        accepted(4, List::Empty),
        accepted(3, List::Unasked),
        accepted(5, List::Unasked),
        accepted(5, List::Empty),
        ServerBody::LoginRejected(ErrorCode::LOGGED_IN_ELSEWHERE),
        ServerBody::LoginRejected(ErrorCode::KICKED_BY_BACKEND),
        ServerBody::LoginRejected(ErrorCode::ROOM_TOO_FREQUENT),
        ServerBody::LoginRejected(ErrorCode::ROOM_FULL),
        ServerBody::LogoutAccepted,
        ServerBody::HeartbeatAck,
        ServerBody::SessionGone,
        ServerBody::Roster { from: 3, to: 4, users },
        ServerBody::Roster { from: 4, to: 6, users },
        ServerBody::Roster { from: 4, to: 4, users },
        ServerBody::Kicked(ErrorCode::KICKED_OUT),
        done(none, none),
        done(stream, none),
        done(none, stream),
        ServerBody::Count(7),
        ServerBody::Reset,
    ]
}

/// What is told by reference, for as long as the tests run.
fn kept<T>(message: T) -> &'static T {
    Box::leak(Box::new(message))
}

fn client_inputs() -> Vec<(String, client::Input<'static>)> {
    use client::Input::{
        Call, EngineDestroyed, Killed, LinkBack, LinkLost, NetworkChanged, OutageSeen, Receive,
        SwitchAway,
    };
    use roomsim::protocol::call::Call::{
        Ask as AskRoom, LoginRoom, LogoutRoom, RenewToken, StartPublishing, StopPublishing,
        SwitchRoom,
    };
    let text = |index| TextId::from_index(index);
    let [old, own, _] = epochs();
    let calls = [
        Call(LoginRoom(Login::to(room(0)))),
        Call(LogoutRoom(None)),
        Call(LogoutRoom(Some(room(0)))),
        Call(LogoutRoom(Some(room(1)))),
        Call(SwitchRoom(room(0), Login::to(room(1)))),
        Call(SwitchRoom(room(1), Login::to(room(0)))),
        Call(RenewToken(None, Token::until(at(160)))),
        Call(StartPublishing(None, Slot::from_index(1))),
        Call(StopPublishing(Slot::from_index(0))),
        Call(AskRoom(room(0), Ask::Broadcast(text(0)))),
        Call(AskRoom(room(0), Ask::ExtraInfo(text(1), text(2)))),
        Call(AskRoom(room(1), Ask::Broadcast(text(0)))),
        LinkLost,
        OutageSeen,
        LinkBack,
        NetworkChanged,
        SwitchAway(room(0)),
        Killed,
        EngineDestroyed,
    ];
    let mut inputs: Vec<_> = calls.into_iter().map(|it| (format!("{it:?}"), it)).collect();
    for (name, epoch) in [("", own), ("old ", old)] {
        let received = server_bodies()
            .map(|body| (format!("{name}{body:?}"), Receive(kept(ServerMsg { epoch, body }))));
        inputs.extend(received);
    }
    inputs
}

/// One line of a table: what changed, and the effects.
fn line<S: PartialEq + Debug, E: Debug>(
    (state, input): (&str, &str),
    (before, after): (S, S),
    effects: impl Iterator<Item = E>,
) -> String {
    let effects: Vec<String> = effects.map(|it| format!("{it:?}")).collect();
    let becomes = if before == after { "stays".to_owned() } else { format!("{after:?}") };
    let mut text = format!("{state} + {input}\n    {becomes}\n");
    for effect in effects {
        writeln!(text, "    ! {effect}").unwrap();
    }
    text
}

fn client_step(
    (name, state): (&str, client::State),
    now: SimTime,
    input: client::Input<'_>,
) -> ClientStep {
    let before = client_in(name, state);
    let rules = Rules { online_count: Some(SimSpan::from_secs(30)), ..rules_of("zego").clone() };
    // Half of all numbers are below this one.
    let luck = Luck { phase: 1 << 31, wait: 1 << 31 };
    let context = client::Context { rules: &rules, now, luck };
    let mut after = before;
    let effects = after.step(&context, input);
    ClientStep { before, after, effects: effects.iter().copied().collect() }
}

struct ClientStep {
    before: Client,
    after: Client,
    effects: Vec<client::Effect>,
}

/// Every state with every input, and woken at each of its deadlines and a little before.
fn client_walk(mut visit: impl FnMut(&str, &str, ClientStep)) {
    for (name, state) in client_states() {
        for (input_name, input) in client_inputs() {
            visit(name, &input_name, client_step((name, state), NOW, input));
        }
        for secs in [100, 101, 102, 103, 104, 105, 106, 108, 109, 110, 1300] {
            let step = client_step((name, state), at(secs), client::Input::Wake);
            visit(name, &format!("Wake at {secs} s"), step);
        }
    }
}

#[test]
fn the_client_does_as_the_reviewed_table_says() {
    let mut table = String::new();
    client_walk(|state, input, ClientStep { before, after, effects }| {
        // What is wanted is told where it changes.
        let wishes = (before.wishes != after.wishes).then_some(after.wishes);
        let shown = |it: Client, wishes| (it.epoch, it.state, wishes);
        table +=
            &line((state, input), (shown(before, None), shown(after, wishes)), effects.into_iter());
    });
    insta::assert_snapshot!("client", table);
}

pub(crate) fn member_context(rules: &Rules, now: SimTime) -> member::Context<'_> {
    member::Context {
        rules,
        now,
        noted: Reach { to_all: 6, to_quiet: 5 },
        n_users: 3,
        place: Notify::On,
        door: None,
        refusal: None,
        signal: None,
    }
}

pub(crate) fn member_states() -> Vec<(&'static str, member::State)> {
    use member::State::{Absent, Joining};
    let present_until = |greet_at, expel_at, feed| {
        let (room, lease_ends_at, hears, version) = (room(0), at(180), Notify::On, 2);
        let since = at(4);
        member::State::Present(Present {
            room,
            since,
            lease_ends_at,
            greet_at,
            anew: (greet_at != SimTime::NEVER).then_some(Departed::Streams),
            expel_at,
            hears,
            version,
            feed,
        })
    };
    let present = |greet_at, feed| present_until(greet_at, SimTime::NEVER, feed);
    let ousted = |by, repeat, until| member::State::Ousted(Ousted { by, repeat, until });
    let repeat = Repeat { at: at(101), wait: SimSpan::from_secs(1), count: 0 };
    let told = Feed::Open { acked: 4, sent: 4, repeat: Repeat::NEVER };
    let telling = Feed::Open { acked: 3, sent: 5, repeat };
    let never = SimTime::NEVER;
    vec![
        ("Absent/Silent", Absent(Gone::Silent)),
        ("Absent/LoggedOut", Absent(Gone::LoggedOut)),
        ("Joining", Joining { login: Login::to(room(0)), admit_at: at(102) }),
        ("Present/Closed", present(never, Feed::Closed)),
        ("Present/Told", present(never, told)),
        ("Present/Telling", present(never, telling)),
        ("Present/Greeting", present(at(102), told)),
        ("Present/Expiring", present_until(never, at(160), told)),
        ("Ousted/Telling", ousted(Ouster::OtherClient, repeat, at(190))),
        ("Ousted/Confirmed", ousted(Ouster::OtherClient, Repeat::NEVER, never)),
        ("Ousted/Backend", ousted(Ouster::Backend, repeat, at(190))),
        ("Ousted/Fault", ousted(Ouster::Fault, repeat, at(190))),
    ]
}

fn member_inputs() -> Vec<(String, member::Input<'static>)> {
    use member::Input::{Oust, Published, Receive, SignalBack, SignalLost};
    let [old, own, new] = epochs();
    let errands = |version| Errands {
        version,
        token: Token::until(at(170)),
        streams: Streams::NONE,
        answered: 1,
        asked: 2,
    };
    let published = |to_all, to_quiet| Published(Reach { to_all, to_quiet });
    let bodies = [
        ClientBody::Login(Login::to(room(0))),
        ClientBody::Login(Login::to(room(1))),
        ClientBody::Logout,
        ClientBody::Heartbeat,
        ClientBody::AskRoster(known(2, 4)),
        ClientBody::AskRoster(known(2, 3)),
        ClientBody::AckRoster(known(4, 4)),
        ClientBody::AckRoster(known(4, 3)),
        ClientBody::AckKick,
        ClientBody::Probe,
        ClientBody::Errands(errands(3)),
        ClientBody::Errands(errands(1)),
        ClientBody::AskCount,
    ];
    let mut inputs = Vec::new();
    for (name, epoch) in [("", own), ("old ", old), ("new ", new)] {
        let received = bodies
            .map(|body| (format!("{name}{body:?}"), Receive(kept(ClientMsg { epoch, body }))));
        inputs.extend(received);
    }
    let others = [
        published(4, 4),
        published(6, 4),
        Oust(Ouster::Backend),
        Oust(Ouster::OtherClient),
        Oust(Ouster::TokenExpired),
        SignalBack(own),
        SignalBack(old),
        SignalLost,
    ];
    inputs.extend(others.map(|it| (format!("{it:?}"), it)));
    inputs
}

/// Every state with every input, under the rules of one profile.
fn member_table(rules: &Rules) -> String {
    let [_, epoch, _] = epochs();
    let mut table = String::new();
    for (name, state) in member_states() {
        let before = Member { epoch, rtt: RoundTrip::UNKNOWN, state };
        let mut add = |input_name: &str, now, input| {
            let context = member_context(rules, now);
            let mut after = before;
            let effects = after.step(&context, input);
            let rtt = (before.rtt != after.rtt).then_some(after.rtt);
            let shown = |it: Member, rtt| (it.epoch, it.state, rtt);
            let states = (shown(before, None), shown(after, rtt));
            table += &line((name, input_name), states, effects.iter().copied());
        };
        for (input_name, input) in member_inputs() {
            add(&input_name, NOW, input);
        }
        for secs in [100, 101, 102, 160, 180, 190] {
            add(&format!("Wake at {secs} s"), at(secs), member::Input::Wake);
        }
    }
    table
}

#[test]
fn the_member_does_as_the_reviewed_table_says() {
    insta::assert_snapshot!("member", member_table(rules_of("zego")));
}

#[test]
fn the_anchor_of_the_lease_changes_only_the_lease() {
    let [by_message, by_outage] = ["zego", "zego-doc"].map(|it| member_table(rules_of(it)));
    let mut n_differing = 0;
    for (one, other) in by_message.lines().zip(by_outage.lines()) {
        if one != other {
            // A message at 100 s moves the lease of 90 s from 180 s to 190 s, or not.
            let moved = one.replace("lease_ends_at: 190.000000", "lease_ends_at: 180.000000");
            assert!(one != moved, "{one}");
            assert!(other == moved || other.trim() == "stays", "{one}\n{other}");
            n_differing += 1;
        }
    }
    // Eight messages in five states: six kinds, two of them also of an earlier session; a login
    // counts under either anchor, and what is wanted by an older message than the last does not.
    assert_eq!(n_differing, 8 * 5);
}

/// The states of a client by the names that the status page uses.
fn status(state: &client::State) -> &'static str {
    match state {
        client::State::LoggedOut(_) => "Logout",
        client::State::Logining { .. } => "Logining",
        client::State::Online(_) => "Online",
        client::State::Reconnecting { .. } => "Reconnecting",
    }
}

/// The arrows between the client's states, each with the callback that it makes.
fn diagram() -> String {
    let mut arrows = BTreeSet::new();
    client_walk(|_, _, step| {
        let (from, to) = (status(&step.before.state), status(&step.after.state));
        for effect in step.effects {
            if let client::Effect::StateChanged(_, status) = effect {
                let (reason, code) = (status.reason.name(), status.code);
                arrows.insert(format!("    {from} --> {to}: {reason} {code}"));
            }
        }
    });
    let arrows: Vec<String> = arrows.into_iter().collect();
    format!("```mermaid\nstateDiagram-v2\n    [*] --> Logout\n{}\n```", arrows.join("\n"))
}

#[test]
fn the_diagram_in_architecture_is_the_walk() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let diagram = diagram();
    assert!(text.contains(&diagram), "put this into ARCHITECTURE.md:\n{diagram}");
}

/// Woken again and again, every state comes to rest or to a later deadline.
#[test]
fn waking_never_stands_still() {
    let rules = Rules { online_count: Some(SimSpan::from_secs(30)), ..rules_of("zego").clone() };
    for (name, state) in client_states() {
        let mut client = client_in(name, state);
        let mut last = SimTime::ZERO;
        for _ in 0..1000 {
            let now = client.deadline();
            if now == SimTime::NEVER {
                break;
            }
            assert!(last <= now, "{name}: the deadline fell from {last} to {now}");
            last = now;
            let context = client::Context { rules: &rules, now, luck: Luck::default() };
            let _ = client.step(&context, client::Input::Wake);
        }
        assert!(last.since(SimTime::ZERO) < SimSpan::from_secs(1310), "{name} never gives up");
    }
}

/// What the app wants is repeated by what is known of the new connection, not of the one before.
#[test]
fn a_connection_forgets_the_round_trips_of_the_one_before() {
    let mut rules = rules_of("zego").clone();
    rules.resend.first = SimSpan::from_millis(1);
    let slow = Repeat { at: at(2), wait: SimSpan::from_secs(1), count: 0 }; // Sent at 1 s.
    let rtt = RoundTrip::UNKNOWN.answered(&rules, slow, at(31));
    assert_eq!(rtt.timeout(&rules), rules.resend.cap.min(SimSpan::from_secs(90)));
    let (_, state) = client_states().remove(8);
    let client::State::Reconnecting { .. } = state else { panic!("{state:?} has a connection") };
    let [_, epoch, _] = epochs();
    let mut client = Client { rtt, ..client_in("Online/Wishing", state) };
    // The login was sent at 100 s.
    let now = NOW + SimSpan::from_millis(200);
    let accepted = ServerMsg { epoch, body: accepted(4, List::Unasked) };
    let context = client::Context { rules: &rules, now, luck: Luck::default() };
    let _ = client.step(&context, client::Input::Receive(&accepted));
    let client::State::Online(online) = client.state else { panic!("{client:?} is let in") };
    // 200 ms + 4 x 200 ms / 2, by RFC 6298.
    assert_eq!(online.errands.wait, SimSpan::from_millis(600));
    assert_eq!(online.errands.at, now + SimSpan::from_millis(600));
}
