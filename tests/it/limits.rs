//! Limits: of notices, of logins a second, of ids, and the number of users that is told.

use roomsim::protocol::message::Kind;
use serde_json::{Value, json};

use crate::support::{
    after, call, client, link_down, login, login_with, logout, publish, run, scenario, silent,
    story, story_in, with,
};

/// The first two of a room are told of each other.
fn two() -> Value {
    json!({ "base": "zego-doc", "notice_limit": 2 })
}

// spec: R53
#[test]
fn who_comes_after_the_first_is_told_of_nobody_and_nobody_of_it() {
    let script = [login("0s", "A"), login("10s", "B"), login("20s", "C"), logout("30s", "C")];
    let names = ["A", "B", "C"];
    let ran = story_in(&two(), &names, &script);
    assert_eq!(after(&ran.lines_of("A"), 1), ["10.220000 A ADD B"]);
    assert_eq!(after(&ran.lines_of("B"), 11), Vec::<&str>::new());
    assert_eq!(
        ran.lines_of("C"),
        ["20.000000 C Logining 0", "20.120000 C Logined 0", "30.000000 C Logout 0"]
    );
    // C is the third: one more, and it takes part; 0 means that all do.
    for limit in [3, 0] {
        let profile = json!({ "base": "zego-doc", "notice_limit": limit });
        let ran = story_in(&profile, &names, &script);
        assert_eq!(
            after(&ran.lines_of("B"), 11),
            ["20.220000 B ADD C", "30.200000 B DELETE C"],
            "{limit}"
        );
        assert_eq!(ran.lines_of("C")[2], "20.220000 C ADD A;B", "{limit}");
    }
}

// spec: R53
#[test]
fn the_first_are_told_of_each_other_as_ever() {
    let script = [
        login("0s", "A"),
        login("10s", "B"),
        login("20s", "C"),
        link_down("60s", "B", "3min"),
        logout("500s", "A"),
    ];
    let ran = story_in(&two(), &["A", "B", "C"], &script);
    assert_eq!(ran.told("A", "DELETE"), ["150.150000 A DELETE B"]);
    assert_eq!(ran.told("C", "ADD").len() + ran.told("C", "DELETE").len(), 0);
    // B's session ended; C and A are there when it is back at 240.12 s, so it is none of the
    // first now.
    assert_eq!(ran.told("A", "ADD"), ["10.220000 A ADD B"]);
    assert_eq!(ran.told("B", "500."), Vec::<String>::new());
}

/// Nobody moves up; who comes when fewer are there is one of the first.
// spec: R53
#[test]
fn a_place_among_the_first_is_kept_for_as_long_as_the_session() {
    let script = [
        login("0s", "A"),
        login("10s", "B"),
        login("20s", "C"),
        logout("30s", "B"),
        login("40s", "D"), // A and C are there: not fewer than two
        link_down("60s", "A", "30s"),
        link_down("60s", "C", "30s"), // and neither changes by a short absence
        logout("100s", "C"),
        logout("110s", "D"),
        login("120s", "E"), // A alone is there
    ];
    let ran = story_in(&two(), &["A", "B", "C", "D", "E"], &script);
    let notices: Vec<String> = ran
        .lines()
        .into_iter()
        .filter(|it| it.contains(" ADD ") || it.contains(" DELETE "))
        .collect();
    assert_eq!(
        notices,
        [
            "10.220000 A ADD B",
            "10.220000 B ADD A",
            "30.200000 A DELETE B",
            "120.220000 A ADD E",
            "120.220000 E ADD A"
        ]
    );
}

/// A is told of B, and away until its lease of 90 s has ended: C has the second place as it comes
/// back.  It is told once that there is nothing, and does not acknowledge it.
// spec: R53
#[test]
fn who_has_lost_its_place_is_told_nothing_once() {
    let script = [
        login("0s", "A"),
        login("10s", "B"),
        publish("15s", "B", "s"),
        link_down("20s", "A", "100s"),
        login("115s", "C"),
    ];
    let ran = story_in(&two(), &["A", "B", "C"], &script);
    assert_eq!(after(&ran.lines_of("A"), 30), ["120.120000 A Reconnected 0"]);
    // The lists of A, B, C and of A again; that B came, of its stream (both), that A went, that C
    // came.
    assert_eq!(ran.counters.of(Kind::Roster).sent, 4 + 5);
    assert_eq!(ran.counters.of(Kind::AckRoster).sent, 3 + 5);
}

/// A is told of B, loses its place to C while it is away, and hears nothing of B, who goes then.  Away
/// once more it gets its place back, and hears what has become of B since, and that C is there.
// spec: R53
#[test]
fn who_gets_its_place_back_is_told_what_has_become_of_those_it_knew() {
    let script = [
        login("0s", "A"),
        login("10s", "B"),
        link_down("20s", "A", "100s"),
        login("115s", "C"),
        logout("130s", "B"),
        link_down("140s", "A", "100s"),
    ];
    let ran = story_in(&two(), &["A", "B", "C"], &script);
    assert_eq!(
        after(&ran.lines_of("A"), 30),
        [
            "120.120000 A Reconnected 0",
            "140.000000 A Reconnecting 1002051",
            "240.120000 A Reconnected 0",
            "240.220000 A ADD C",
            "240.220000 A DELETE B"
        ]
    );
}

/// C is told of nobody, as the third.  While it is away A goes, so it comes back as one of the first
/// two: it is told of B, who is there, and not of A, of whom it never heard.
// spec: R53
#[test]
fn who_gets_a_place_is_told_of_all_who_are_there() {
    let script = [
        login("0s", "A"),
        login("10s", "B"),
        login("20s", "C"),
        publish("25s", "B", "s"),
        link_down("30s", "C", "100s"),
        logout("40s", "A"),
    ];
    let ran = story_in(&two(), &["A", "B", "C"], &script);
    // The stream is told once: 50 ms to the server, 100 ms until it is told, 50 ms to C.
    assert_eq!(
        after(&ran.lines_of("C"), 25),
        [
            "25.200000 C ADD stream s",
            "30.000000 C Reconnecting 1002051",
            "130.120000 C Reconnected 0",
            "130.220000 C ADD B"
        ]
    );
}

/// The place is the user's, by whatever client.
// spec: R31, R53
#[test]
fn a_place_among_the_first_goes_over_to_another_device() {
    let names = ["A", "B", "C"].map(|it| client(it, &json!({})));
    let mut clients = names.to_vec();
    clients.push(client("tablet", &json!({ "user": "A" })));
    let script = [
        login("0s", "A"),
        login("10s", "B"),
        login("20s", "C"),
        login("40s", "tablet"),
        logout("60s", "B"),
        logout("80s", "tablet"),
        login("90s", "B"), // C alone is there
    ];
    let ran = run(&scenario(&two(), &clients, &script).to_string(), None);
    assert_eq!(
        ran.lines_of("tablet")[2..],
        ["40.220000 tablet ADD B", "60.200000 tablet DELETE B", "80.000000 tablet Logout 0"]
    );
    assert_eq!(ran.told("C", "ADD").len() + ran.told("C", "DELETE").len(), 0);
}

/// 499 silent users and A are the first 500, B is the 501st.
// spec: R53
#[test]
fn the_first_are_500() {
    for (n_silent, is_told) in [(498, true), (499, false)] {
        let clients = [
            client("crowd", &json!({ "count": n_silent })),
            client("A", &json!({})),
            client("B", &json!({})),
        ];
        let quiet = json!({ "isUserStatusNotify": false });
        // Not more than the room bears a second.
        let mut script: Vec<Value> = (1..=n_silent)
            .map(|i| login_with(&format!("{}ms", i * 10), &format!("crowd-{i}"), &quiet))
            .collect();
        script.extend([login("10s", "A"), login("20s", "B")]);
        let ran = run(&scenario(&json!("zego-doc"), &clients, &script).to_string(), None);
        assert_eq!(ran.told("A", "ADD B").len(), usize::from(is_told));
        assert_eq!(ran.told("B", "ADD A").len(), usize::from(is_told));
    }
}

// spec: R49, R53
#[test]
fn streams_are_told_to_everybody() {
    let script = [
        login("0s", "A"),
        login("10s", "B"),
        login("20s", "C"),
        publish("30s", "A", "x"),
        publish("40s", "C", "y"),
    ];
    let ran = story_in(&two(), &["A", "B", "C"], &script);
    assert_eq!(ran.told("C", "stream"), ["30.200000 C ADD stream x"]);
    assert_eq!(ran.told("A", "stream"), ["40.200000 A ADD stream y"]);
}

fn counting() -> Value {
    json!({ "base": "zego-doc", "online_count": "30s", "notice_limit": 2 })
}

// spec: R54
#[test]
fn the_number_of_users_is_told_every_30_s() {
    let quiet = json!({ "isUserStatusNotify": false });
    let script = [
        login("10s", "A"),
        login_with("40.04s", "B", &quiet),
        login("80s", "C"),
        logout("85s", "B"),
        logout("120s", "A"),
    ];
    let ran = story_in(&counting(), &["A", "B", "C"], &script);
    // In at 10.12 s, A asks at 40.12 s, and hears 100 ms later; B is accepted at 40.11 s, before
    // that arrives at 40.17 s.  All count, also those of whom nobody is told.
    assert_eq!(
        ran.told("A", "online"),
        [
            "40.220000 A 2 users online",
            "70.220000 A 2 users online",
            "100.220000 A 2 users online" // A and C
        ]
    );
    // And nobody asks who has logged out.
    assert_eq!(ran.told("B", "online"), ["70.260000 B 2 users online"]);
    // A has left when C asks at 140.12 s.
    assert_eq!(
        ran.told("C", "online")[..2],
        ["110.220000 C 2 users online", "140.220000 C 1 users online"]
    );
}

// spec: R54
#[test]
fn a_number_that_is_lost_is_not_repeated() {
    let profile = json!({
        "base": "zego", "online_count": "30s", "heartbeat": { "phase": "login" },
    });
    let script = [login("10s", "A"), silent("70s", "A", "200ms")];
    let ran = story_in(&profile, &["A"], &script);
    assert_eq!(
        ran.told("A", "online")[..2],
        ["40.220000 A 1 users online", "100.220000 A 1 users online"]
    );
}

fn rate(rate: &str) -> Value {
    json!({ "base": "zego-doc", "login_rate": rate, "retry": { "fixed": "1s" } })
}

/// One of 201 that log in at once is refused and tries again, told nothing of it.
// spec: R59
#[test]
fn a_room_bears_200_logins_at_once() {
    let quiet = json!({ "isUserStatusNotify": false });
    for (n_users, n_late) in [(200, 0), (201, 1), (230, 30)] {
        let clients = [client("u", &json!({ "count": n_users })), client("other", &json!({}))];
        let script = [
            login_with("10s", "u", &quiet),
            call("10s", "other", &json!({ "loginRoom": { "room": "s" } })),
        ];
        let ran = run(&scenario(&rate("200/s"), &clients, &script).to_string(), None);
        let logined: Vec<String> =
            ran.lines().into_iter().filter(|it| it.ends_with(" Logined 0")).collect();
        assert_eq!(logined.len(), n_users + 1, "{n_users} users");
        let at_once = logined.iter().filter(|it| it.starts_with("10.120000 ")).count();
        assert_eq!(at_once, n_users + 1 - n_late, "{n_users} users");
        // Refused at 10.1 s, tried again 1 s later: 120 ms.  What arrives at one instant is
        // taken in order of the clients, so it is the last ones that are late.
        let late: Vec<String> = (n_users - n_late + 1..=n_users)
            .map(|i| format!("11.220000 u-{i} Logined 0"))
            .collect();
        let tried_again = logined.iter().filter(|it| it.starts_with("11."));
        assert_eq!(tried_again.cloned().collect::<Vec<_>>(), late, "{n_users} users");
        assert_eq!(ran.lines().iter().filter(|it| it.contains("Failed")).count(), 0);
    }
}

/// A room of two logins a second, two at once: one more after half a second.
// spec: R59
#[test]
fn what_a_room_bears_comes_back_evenly() {
    for (at, is_in) in [("10.499999s", false), ("10.5s", true), ("10.500001s", true)] {
        let script = [login("10s", "A"), login("10s", "B"), login(at, "C")];
        let ran = story_in(&rate("2/s"), &["A", "B", "C"], &script);
        let line = ran.told("C", "Logined")[0].clone();
        assert_eq!(line.starts_with("10.62"), is_in, "{at}: {line}");
        assert_eq!(!line.starts_with("10."), !is_in, "{at}: {line}");
    }
    // Not more than two are saved up.
    let script = ["A", "B", "C"].map(|it| login("100s", it));
    let ran = story_in(&rate("2/s"), &["A", "B", "C"], &script);
    let at_once = ran.lines().iter().filter(|it| it.starts_with("100.120000 ")).count();
    assert_eq!(at_once, 2);
    // Without a limit all come in.
    let ran = story_in(&rate("none"), &["A", "B", "C"], &script);
    let at_once = ran.lines().iter().filter(|it| it.starts_with("100.120000 ")).count();
    assert_eq!(at_once, 3);
}

// spec: R59
#[test]
fn relogins_count_too() {
    let script = [
        login("0s", "A"),
        login("10s", "B"),
        link_down("60s", "A", "30s"),
        link_down("60s", "B", "30s"),
    ];
    let ran = story_in(&rate("1/s"), &["A", "B"], &script);
    let back: Vec<String> =
        ran.lines().into_iter().filter(|it| it.contains("Reconnected")).collect();
    // B's is refused at 90.1 s, and tried again 1 s later.
    assert_eq!(back, ["90.120000 A Reconnected 0", "91.220000 B Reconnected 0"]);
}

/// On a link of 600 ms each way a login is repeated before its answer can be there.
// spec: R59
#[test]
fn a_repetition_of_a_login_does_not_count() {
    let clients = ["A", "B"].map(|it| client(it, &json!({})));
    // A's arrives at 10.6 s, its repetition at 11.6 s, B's at 11.7 s.
    let script = [login("10s", "A"), login("11.1s", "B")];
    let mut story = scenario(&rate("1/s"), &clients, &script);
    story["links"]["home"]["delay"] = json!("600ms");
    let ran = run(&story.to_string(), None);
    assert_eq!(ran.told("B", "Logined"), ["12.320000 B Logined 0"]);
}

/// What `loginRoom` of this user, by this name, for this room, returns at 10 s; nothing when it
/// leads on.
fn refused(user: &str, user_name: Option<&str>, room: &str) -> Option<String> {
    let mut fields = json!({ "user": user });
    if let Some(name) = user_name {
        fields = with(fields, &json!({ "userName": name }));
    }
    let clients = [client("A", &fields)];
    let script = [call("10s", "A", &json!({ "loginRoom": { "room": room } }))];
    let ran = run(&scenario(&json!("zego-doc"), &clients, &script).to_string(), None);
    let lines = ran.lines();
    if lines[0] == "10.000000 A Logining 0" {
        assert_eq!(lines[1], "10.120000 A Logined 0");
        return None;
    }
    assert_eq!(lines.len(), 1, "{lines:?}");
    Some(lines[0].strip_prefix("10.000000 A loginRoom Failed ").unwrap().to_owned())
}

// spec: R60
#[test]
fn ids_and_names_have_lengths() {
    let text = |length| "u".repeat(length);
    for (length, code) in [(0, Some("1002005")), (1, None), (63, None), (64, Some("1002007"))] {
        assert_eq!(refused(&text(length), None, "r").as_deref(), code, "user of {length}");
    }
    for (length, code) in [(0, Some("1002008")), (1, None), (255, None), (256, Some("1002010"))] {
        let name = text(length);
        assert_eq!(refused("u", Some(&name), "r").as_deref(), code, "name of {length}");
    }
    assert_eq!(refused("u", Some("a\u{7}b"), "r").as_deref(), Some("1002009"));
    assert_eq!(refused("u", Some("a b \u{e9}"), "r"), None);
    for (length, code) in [(0, Some("1002011")), (1, None), (127, None), (128, Some("1002013"))] {
        assert_eq!(refused("u", None, &text(length)).as_deref(), code, "room of {length}");
    }
}

// spec: R60
#[test]
fn ids_have_letters_digits_and_some_signs() {
    // Of the printable characters, a scenario's names have neither `;` nor `"`.
    for c in (' '..='~').filter(|it| !";\"".contains(*it)) {
        let is_good = c.is_ascii_alphanumeric() || "~!@#$%^&*()_+=-`;',.<>\\".contains(c);
        let id = format!("i{c}d");
        let expected = |code: &str| (!is_good).then(|| code.to_owned());
        assert_eq!(refused(&id, None, "r"), expected("1002006"), "user {id}");
        assert_eq!(refused("u", None, &id), expected("1002012"), "room {id}");
    }
}

/// Only a call that comes in changes anything.
// spec: R60
#[test]
fn a_refused_login_changes_nothing() {
    let ran = story(
        &["A", "B"],
        &[
            login("0s", "B"),
            call("10s", "A", &json!({ "loginRoom": { "room": "" } })),
            login("10s", "A"),
        ],
    );
    assert_eq!(
        ran.lines_of("A"),
        [
            "10.000000 A loginRoom Failed 1002011",
            "10.000000 A Logining 0",
            "10.120000 A Logined 0",
            "10.220000 A ADD B"
        ]
    );
}
