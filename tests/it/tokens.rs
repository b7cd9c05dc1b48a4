//! Tokens: the warning, what an expired one forbids, and its replacement.  A is in 120 ms after
//! its call; a link takes 50 ms, and the server's word is with the others 150 ms later.

use serde_json::{Value, json};

use crate::support::{
    Ran, after, call, client, link_down, login, login_with, publish, run, scenario, silent, story,
    story_in, unpublish,
};

/// A call of `renewToken` by A.
fn renew(at: &str, token: &str) -> Value {
    call(at, "A", &json!({ "renewToken": { "token": token } }))
}

/// B is in the room, A comes at 10 s with this token.
fn with_token(profile: &Value, token: &str, script: &[Value]) -> Ran {
    let mut all = vec![login("0s", "B"), login_with("10s", "A", &json!({ "token": token }))];
    all.extend_from_slice(script);
    story_in(profile, &["A", "B"], &all)
}

fn doc() -> Value {
    json!("zego-doc")
}

/// Members are put out when their tokens expire.
fn strict() -> Value {
    json!({ "base": "zego-doc", "token_expiry": "kick" })
}

// spec: R51
#[test]
fn the_warning_comes_30_s_before_the_token_expires() {
    // It expires at 10 + 600 s.
    let ran = with_token(&doc(), "10min", &[]);
    assert_eq!(ran.told("A", "token"), ["580.000000 A token expires in 30 s"]);
    let short = json!({ "base": "zego-doc", "token_warning": "90s" });
    let ran = with_token(&short, "10min", &[]);
    assert_eq!(ran.told("A", "token"), ["520.000000 A token expires in 90 s"]);
}

/// A is in at 10.12 s.
// spec: R51
#[test]
fn the_warning_comes_at_once_if_the_token_expires_sooner() {
    for (token, expected) in [
        ("30120.001ms", "10.120001 A token expires in 30 s"),
        ("30120ms", "10.120000 A token expires in 30 s"),
        // A second and a bit less are left, so much that only whole seconds can be told.
        ("21120ms", "10.120000 A token expires in 21 s"),
        ("1120ms", "10.120000 A token expires in 1 s"),
    ] {
        let ran = with_token(&doc(), token, &[]);
        assert_eq!(ran.told("A", "token"), [expected], "{token}");
    }
    for token in ["30119.999ms", "20s", "500ms", "121ms"] {
        let ran = with_token(&doc(), token, &[]);
        let told = ran.told("A", "token");
        assert_eq!(told.len(), 1, "{token}");
        assert!(told[0].starts_with("10.120000 "), "{token}: {told:?}");
    }
}

// spec: R51
#[test]
fn a_warning_is_told_after_the_login() {
    let ran = with_token(&doc(), "20s", &[]);
    assert_eq!(ran.lines_of("A")[1], "10.120000 A Logined 0");
    assert!(ran.lines_of("A")[2].contains("token"));
}

// spec: R51, R65
#[test]
fn a_new_token_moves_the_warning() {
    // The first would expire at 610 s; the second, of 100 s, expires at 700 s.
    let ran = with_token(&doc(), "10min", &[renew("100s", "10min")]);
    assert_eq!(ran.told("A", "token"), ["670.000000 A token expires in 30 s"]);
    // Renewed after the warning, there is one for each.
    let ran = with_token(&doc(), "10min", &[renew("590s", "5min")]);
    assert_eq!(
        ran.told("A", "token"),
        ["580.000000 A token expires in 30 s", "860.000000 A token expires in 30 s"]
    );
    // A new one may expire sooner, too: at 120 s, 20 s after the call.
    let ran = with_token(&doc(), "10min", &[renew("100s", "20s")]);
    assert_eq!(ran.told("A", "token"), ["100.000000 A token expires in 20 s"]);
}

// spec: R51
#[test]
fn without_a_time_a_token_does_not_expire() {
    let ran = story(&["A"], &[login("10s", "A")]);
    assert_eq!(ran.told("A", "token"), Vec::<String>::new());
}

// spec: R52
#[test]
fn who_is_in_when_its_token_expires_stays_and_goes_on_publishing() {
    let script = [publish("20s", "A", "x"), login("200s", "C")];
    let mut all = vec![login("0s", "B"), login_with("10s", "A", &json!({ "token": "1min" }))];
    all.extend_from_slice(&script);
    let ran = story(&["A", "B", "C"], &all);
    assert_eq!(after(&ran.lines_of("B"), 21), ["200.220000 B ADD C"]);
    let mut seen = ran.lines_of("C")[2..].to_vec();
    seen.sort_unstable();
    assert_eq!(seen, ["200.220000 C ADD A;B", "200.220000 C ADD stream x"]);
}

/// The token expires at 70 s.  What arrives at that instant is in time.
// spec: R52
#[test]
fn who_is_in_when_its_token_expires_may_not_publish_anew() {
    for (at, is_in_time) in [
        ("69.949999s", true),
        ("69.95s", true),
        ("69.950001s", false),
        ("70.000001s", false),
        ("100s", false),
    ] {
        let ran = with_token(&doc(), "1min", &[publish(at, "A", "x")]);
        let refused = ran.told("A", "startPublishingStream Failed 1003072 (x)");
        assert_eq!(refused.len(), usize::from(!is_in_time), "{at}");
        assert_eq!(ran.told("B", "ADD stream x").len(), usize::from(is_in_time), "{at}");
        assert_eq!(ran.told("A", "KickOut"), Vec::<String>::new());
    }
}

// spec: R52
#[test]
fn a_stream_that_was_stopped_may_not_be_published_again_after_the_token_expired() {
    let script = [publish("20s", "A", "x"), unpublish("80s", "A", "x"), publish("90s", "A", "x")];
    let ran = with_token(&doc(), "1min", &script);
    assert_eq!(ran.told("A", "Failed").len(), 1);
    assert_eq!(
        ran.told("B", "stream"),
        ["20.200000 B ADD stream x", "80.200000 B DELETE stream x (reason 1)"]
    );
}

// spec: R52, R65
#[test]
fn with_a_new_token_it_may_publish_again() {
    // Told together at 80 s, in the order of the calls.
    let script = [renew("80s", "10min"), publish("80s", "A", "x")];
    let ran = with_token(&doc(), "1min", &script);
    assert_eq!(ran.told("A", "Failed"), Vec::<String>::new());
    assert_eq!(ran.told("B", "stream"), ["80.200000 B ADD stream x"]);
}

// spec: R52
#[test]
fn an_app_can_choose_that_it_is_put_out() {
    let ran = with_token(&strict(), "1min", &[publish("20s", "A", "x"), login("80s", "A")]);
    // At the server at 70 s; 50 ms to A, 150 ms to B.
    assert_eq!(ran.told("A", "KickOut"), ["70.050000 A KickOut 1002056"]);
    let heard = ran.lines_of("B");
    let heard = after(&heard, 21);
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(heard[0].starts_with("70.150000 B DELETE stream x"));
    assert_eq!(heard[1..], ["70.150000 B DELETE A", "80.220000 B ADD A"]);
}

/// The token expires at 70 s; what arrives at that instant is in time.
// spec: R52, R65
#[test]
fn a_new_token_at_the_very_end_of_the_old_one_is_in_time() {
    for (at, expected) in [
        // 600 s after the call, and 50 ms to A.
        ("69.949999s", "669.999999 A KickOut 1002056"),
        ("69.95s", "670.000000 A KickOut 1002056"),
        ("69.950001s", "70.050000 A KickOut 1002056"),
    ] {
        let ran = with_token(&strict(), "1min", &[renew(at, "10min")]);
        assert_eq!(ran.told("A", "KickOut"), [expected], "{at}");
    }
}

/// The connection breaks with the new token on its way; the relogin brings it.
// spec: R52, R65
#[test]
fn a_new_token_is_not_lost_with_the_connection() {
    // 600 s after the call, and 50 ms to A.
    for (at, expected) in
        [("60s", "660.050000 A KickOut 1002056"), ("62s", "662.050000 A KickOut 1002056")]
    {
        let ran = with_token(&strict(), "1min", &[link_down("60s", "A", "5s"), renew(at, "10min")]);
        assert_eq!(ran.told("A", "KickOut"), [expected], "{at}");
    }
}

// spec: R65
#[test]
fn a_token_is_not_replaced_for_a_room_that_the_client_is_not_in() {
    let renew_in = |at: &str, room: &str| {
        call(at, "A", &json!({ "renewToken": { "token": "10min", "room": room } }))
    };
    let script = [
        renew_in("5s", "r"),
        login_with("10s", "A", &json!({ "token": "2min" })),
        renew_in("20s", "s"),
        renew_in("30s", "r"),
        call("40s", "A", &json!({ "logoutRoom": {} })),
        renew_in("50s", "r"),
    ];
    let clients = [client("A", &json!({ "roomMode": "multi" }))];
    let story = scenario(&json!("zego-doc"), &clients, &script);
    let ran = run(&story.to_string(), None);
    assert_eq!(
        ran.told("A", "renewToken"),
        [
            "5.000000 A renewToken Failed 1002002",
            "20.000000 A renewToken Failed 1002002",
            "50.000000 A renewToken Failed 1002002"
        ]
    );
}

// spec: R43, R65
#[test]
fn a_relogin_takes_the_token_that_is_there_then() {
    let away = |script: &[Value]| {
        let mut all = vec![link_down("60s", "A", "30s")];
        all.extend_from_slice(script);
        with_token(&doc(), "1min", &all)
    };
    // The first expires at 70 s.
    let lines = away(&[]).lines_of("A");
    assert_eq!(lines.last().unwrap(), "90.100000 A ReconnectFailed 1002033");
    // Renewed before the outage, or during it.
    for at in ["50s", "60s", "80s", "89.999s"] {
        let lines = away(&[renew(at, "10min")]).told("A", "Reconnect");
        assert_eq!(lines[1..], ["90.120000 A Reconnected 0"], "{at}");
    }
    // Renewed by one that is wrong, or is over when the relogin arrives at 90.05 s.
    for (token, expected) in [
        ("wrong", "90.100000 A ReconnectFailed 1002033"),
        ("40.049999s", "90.100000 A ReconnectFailed 1002033"),
        ("40.05s", "90.120000 A Reconnected 0"),
    ] {
        let lines = away(&[renew("50s", token)]).told("A", "Reconnect");
        assert_eq!(lines[1..], [expected], "{token}");
    }
}

// spec: R43
#[test]
fn a_login_is_tried_with_the_token_of_its_call() {
    // The network is there at 60 s; the attempt arrives 50 ms later.
    for (token, expected) in
        [("50.05s", "60.120000 A Logined 0"), ("50.049999s", "60.100000 A LoginFailed 1002033")]
    {
        let script =
            [link_down("0s", "A", "1min"), login_with("10s", "A", &json!({ "token": token }))];
        let ran = story(&["A"], &script);
        assert_eq!(ran.lines_of("A")[1], expected, "{token}");
    }
}

/// Whose token expires while it is away is put out then, where that is chosen.
// spec: R52
#[test]
fn who_is_put_out_while_it_is_away_hears_so_when_it_is_back() {
    let ran = with_token(&strict(), "1min", &[link_down("60s", "A", "30s")]);
    assert_eq!(after(&ran.lines_of("B"), 11), ["70.150000 B DELETE A"]);
    // The token is looked at before what has become of the session (A66).
    assert_eq!(ran.lines_of("A").last().unwrap(), "90.100000 A ReconnectFailed 1002033");
}

/// The token expires at 130 s; the network is gone from 60 s to 160 s, or nothing gets through.
// spec: R51; A68
#[test]
fn the_warning_comes_at_its_time_while_the_client_is_away() {
    let gone = [link_down("60s", "A", "100s")];
    let cut = [silent("60s", "A", "100s")];
    for profile in ["zego-doc", "zego", "zego-100s", "zego-web"] {
        for outage in [&gone, &cut] {
            let ran = with_token(&json!(profile), "2min", outage);
            let warned = ran.told("A", "token");
            assert_eq!(warned, ["100.000000 A token expires in 30 s"], "{profile}");
        }
    }
    // The app hears of it also while it does not know yet that the connection is broken.
    let ran = with_token(&json!("zego-web"), "84s", &[link_down("60s", "A", "100s")]);
    let lines = ran.lines_of("A");
    let last = after(&lines, 60);
    assert_eq!(
        last[..2],
        ["64.000000 A token expires in 30 s", "68.000000 A Reconnecting 1000017"]
    );
}

/// Renewed while away, it is warned of the end of the new one, at 290 s; the first, of 130 s, had
/// its warning at 100 s unless it was replaced before.
// spec: R51, R65; A68
#[test]
fn a_token_that_is_renewed_while_away_moves_the_warning() {
    let renewed = |at: &str, token: &str| {
        let ran =
            with_token(&json!("zego"), "2min", &[link_down("60s", "A", "5min"), renew(at, token)]);
        ran.told("A", "token")
    };
    let last = "290.000000 A token expires in 30 s";
    assert_eq!(renewed("99.999999s", "220.000001s"), [last]);
    assert_eq!(renewed("100s", "220s"), [last]);
    assert_eq!(renewed("110s", "210s"), ["100.000000 A token expires in 30 s", last]);
}

/// Before a first login has succeeded nobody is warned; then at once.  The network is there from
/// 50 s on, the token expires at 70 s.
// spec: R51; A68
#[test]
fn a_first_login_is_warned_when_it_has_succeeded() {
    let token = json!({ "token": "1min" });
    let script = [link_down("0s", "A", "50s"), login_with("10s", "A", &token)];
    let ran = story(&["A"], &script);
    assert_eq!(ran.told("A", "token"), ["50.120000 A token expires in 19 s"]);
}

/// The time for retrying is over at the very instant of the warning: the app hears both.
// spec: R8, R51
#[test]
fn a_warning_at_the_instant_of_giving_up_is_told_first() {
    let profile = json!({ "base": "zego", "retry": { "budget": "40s" } });
    let ran = with_token(&profile, "2min", &[link_down("60s", "A", "100s")]);
    let lines = ran.lines_of("A");
    let told = ["100.000000 A token expires in 30 s", "100.000000 A ReconnectFailed 1002053"];
    assert_eq!(after(&lines, 100), told);
}
