//! Scenario texts from strangers: each is refused with place, value and remedy, or read as meant.

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, any, prop_assert, proptest},
    sample::Index,
    test_runner::RngSeed,
};
use roomsim::scenario::{FILE_MAX, Scenario, fault::Fault, text_of};
use serde_json::Value;

use crate::support::{gallery, gallery_names};

/// A scenario without faults that uses every field; tests change one piece of it.
const BASE: &str = r#"{
  "version": 1, "name": "base", "description": "all fields", "seed": 1, "duration": "10min",
  "profile": {
    "base": "zego", "heartbeat": { "every": "5s", "phase": "random" },
    "lease": { "after": "90s", "anchor": "last_message" }, "fan_out": "100ms",
    "detect": { "probe_after": "5s", "broken_after": "10s" }, "login_processing": "20ms",
    "retry": { "attempt_timeout": "10s", "budget": { "attempts": 20 },
      "exponential": { "base": "1s", "factor": 2, "cap": "32s", "jitter": "full" } },
    "resend": { "first": "1s", "cap": "60s" }, "logout_timeout": "6s"
  },
  "links": {
    "home": { "delay": "50ms", "jitter": "5ms", "loss": "1%", "up": { "delay": "60ms" } }, "x": {}
  },
  "clients": [
    { "name": "A", "link": "home" }, { "name": "B", "link": "home" },
    { "name": "viewer", "count": 3, "link": "home" }, { "name": "C", "user": "guest", "link": "home" }
  ],
  "script": [
    { "at": "0s", "client": "A", "do": { "loginRoom": { "room": "main" } }, "mark": "T0" },
    { "at": "1s", "client": "B", "do": { "loginRoom": { "room": "other" } }, "mark": "idle" },
    { "at": "60s", "mark": "T3", "do": { "outage": {
      "clients": ["A"], "kind": "silent", "direction": "up", "for": "30s" } } },
    { "at": "5min", "client": "A", "do": { "switchRoom": { "from": "main", "to": "other" } } },
    { "at": "6min", "do": { "kickoutUser": { "room": "other", "users": ["B"] } } }
  ],
  "expect": [
    { "mark": "T1", "client": "A", "at": "T0+120ms", "within": "5ms", "callback": {
      "onRoomStateChanged": { "reason": "Logined", "errorCode": 0, "room": "main" } } },
    { "client": "B", "from": "T3", "to": "T3+30s", "never": {
      "onRoomUserUpdate": { "update": "ADD", "users": ["A"], "room": "main" } } },
    { "client": "B", "callback": { "loginRoom": { "errorCode": 1002001 } }, "from": "T0" }
  ]
}"#;

/// `places | values | piece of the problem | piece of the remedy`, in sections; `{}` stands for the
/// value, `place -> other` for a fault at the other place, and `""` for the whole file.
const TABLE: &str = r#"
# names
/clients/3/name ~ /name | "" | empty | at least one character
/clients/3/name ~ /clients/2/name | "a\u0000" ~ "\u001b[2J" ~ "a\nb" ~ "\ta" | `\ | printable
/clients/3/user ~ /script/1/do/loginRoom/room | "\u202eA" ~ "A\u200b" ~ "A\u0007" ~ "\u0410" ~ "e\u0301" | `\u{ | ASCII
/clients/3/name ~ /clients/3/user ~ /script/4/do/kickoutUser/room | "a;b" ~ ";" | `;` | without `;`
/clients/3/name ~ /script/1/do/loginRoom/room | "=HYPERLINK(1)" ~ "+1" ~ "-1" ~ "@a" | begins with ` | a letter
/clients/3/name ~ /name | "." ~ ".." ~ ".hidden" | begins with `.` | a letter or a digit
/clients/3/name ~ /script/1/do/loginRoom/room | " a" ~ "a " | space | leave the spaces out
/script/1/mark ~ /name | "T 1" | ` ` | letters, digits
/script/1/mark ~ /name | "T\u001b" ~ "T\u0410" | `\u{ | letters, digits
/script/1/mark | "T-1" ~ "T+1" ~ "T;" | the character | letters, digits
/script/1/mark | "4T" | begins with a digit | begin with a letter
/script/1/mark | "T1234567890123456" | 17 bytes | at most
/name | "../../etc/x" ~ "/etc/x" ~ "a/b" | `/` | letters, digits
/name | "a\\b" | `\\` | letters, digits
/links -> /links/..~1x | {"home": {}, "../x": {}} | `/` | letters, digits
# twice
/seed -> /seed | 1, "seed": 2 | field `seed` is given twice | keep one
/links/x -> /links/x | {}, "x": {} | field `x` is given twice | keep one
/links/home/up/loss -> /links/home/up/loss | 0, "loss": 0 | given twice | keep one
/clients/3/name | "A" ~ "viewer" ~ "viewer-3" | a client `{}` already | name of its own
/clients/2/name | "A" | a client `A` already | name of its own
/script/1/mark | "T0" | the mark `T0` is set twice | name of its own
/expect/0/mark | "T3" | the mark `T3` is set twice | name of its own
# types
/name | 7 | expected a string, found `7` | double quotes
/description | ["a"] | expected a string, found a list | double quotes
/expect | {} | expected a list of expectations, found an object | [ … ]
/clients/3 | "D" | expected an object, found `D` | `name`, `user`, `userName`, `count`, `link`
/expect/0/callback | "Logined" | expected a callback, found `Logined` | onRoomStateChanged
# numbers
/version | 2 ~ "1" | expected the number 1, found | it must be 1
/seed | 1e400 ~ -1 ~ -0 ~ 1.0 ~ 18446744073709551616 ~ "7" ~ true | found `{}` | number
/clients/2/count | 0 ~ -1 ~ 1.5 ~ 1000001 ~ 1000000000000000000 ~ 1e12 | found `{}` | number
/profile/retry/budget/attempts | 0 ~ -1 ~ 4294967296 | found `{}` | a number
/expect/0/callback/onRoomStateChanged/errorCode | -1 ~ 4294967296 | found `{}` | a number
/profile/retry/exponential/factor | 0.5 ~ 1000.001 ~ -2 ~ 1e1 ~ "2" | found `{}` | 2 or 1.5
/profile/retry/exponential/factor | 1.0001 | at most three decimals | 2 or 1.5
/links/home/loss | 1.5 ~ -0.1 ~ 1e-3 ~ "101%" ~ "NaN" ~ "-1%" | found `{}` | "1%"
/links/home/loss | "0.0000000000001" | a probability from 0 to 1 | at most 12 decimals
# durations
/duration ~ /script/0/at ~ /profile/fan_out ~ /expect/0/within | "600" | no unit | "90s"
/duration ~ /links/home/up/delay | 600 ~ 1e9 | expected a duration, found `{}` | "90s"
/duration ~ /script/2/do/outage/for | "" ~ "1.2.3s" | `{}` is not a duration | "90s"
/duration ~ /script/0/at ~ /script/2/do/outage/for | "-5s" ~ "٣s" | with a digit | "90s"
/links/home/up/delay ~ /profile/fan_out ~ /expect/0/within | "-5ms" | with a digit | "90s"
/duration ~ /script/2/do/outage/for | "0s" ~ "0min" | zero | longer than nothing
/duration ~ /script/0/at | "0.5us" ~ "0.0000001s" | whole microseconds | "90s"
/duration ~ /script/0/at | "1e3s" ~ "10 parsecs" | not one of us, ms, s, min, h, d | "90s"
/duration | "11d" | would last | at most
/duration ~ /script/0/at | "99999999999999999999s" | beyond the simulator's clock | "90s"
/links/home/up/delay | "11min" | 11min | at most 10min
/links/home/jitter | "51ms" | {} is more than the delay 50ms | before it is sent
/links/home/up/jitter | "61ms" | {} is more than the delay 60ms | before it is sent
/script/0/at | "600.000001s" ~ "11min" | `{}` is after the end of the run | longer
/profile/heartbeat/every ~ /profile/lease/after ~ /profile/resend/cap | "0s" ~ "999us" | too short | at least 1ms
/profile/resend/first ~ /profile/retry/budget ~ /profile/retry/attempt_timeout | "0s" | too short | at least 1ms
/expect/0/at ~ /expect/1/to | "" ~ "-1s" ~ "T0+1" ~ "T0++1s" | not an instant | "T3+90s"
# beyond
/clients/2 -> /clients/2/name | {"name": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "count": 10, "link": "home"} | 64 bytes | at most
/expect/0/at | "9000000000000s+9000000000000s" | 9000000000000s | "T3+90s"
/expect/0/within | "9300000000000s" | 9300000000000s | at most
/expect/2/from ~ /expect/0/at | "11min" | after the end of the run | longer
# unknown
/script/0/client | "Zed" | no client is named `Zed` | known: `A`, `B`, `C`, `viewer`
/script/0/client ~ /expect/0/client | "viewr" ~ "veiwer" | no client is named `{}` | did you mean `viewer`?
/script/0/client | "viewer-4" ~ "viewer-0" ~ "viewer-01" | is named `{}` | `viewer`
/script/2/do/outage/clients/0 | "Zed" | no client is named `Zed` | known: `A`
/clients/3/link | "hoem" | no link is named `hoem` | did you mean `home`?
/profile/base | "zego-dco" | no profile is named `zego-dco` | did you mean `zego-doc`?
/expect/0/callback/onRoomStateChanged/room | "mian" | room `mian` | did you mean `main`?
/expect/1/never/onRoomUserUpdate/users/0 ~ /script/4/do/kickoutUser/users/0 | "gest" | user is named `gest` | `guest`?
/expect/1/never/onRoomUserUpdate/update | "REMOVE" | word `REMOVE` | known: `ADD`, `DELETE`
/expect/0/callback/onRoomStateChanged/reason | "Logind" | `Logind` | did you mean `Logined`?
/script/2/do/outage/kind | "link-down" | word `link-down` | did you mean `link_down`?
/script/2/do/outage/direction | "sideways" | word `sideways` | known: `up`, `down`, `both`
/profile/heartbeat/phase | "sometimes" | `sometimes` | random
/expect/0/at | "Tango+1s" | no instant is named `Tango` | `T0`, `T1`, `T3`, `idle`
# syntax
/seed -> "" | NaN ~ Infinity ~ -Infinity ~ 0x10 ~ +1 ~ .5 ~ 1. ~ 01 ~ 1 2 ~ 1; ~ , ~ 1,, | not JSON | JSON with comments
/seed -> "" | 'x' ~ one ~ nul ~ "x ~ "\x41" ~ /* ~ "\ud800" ~ "\udc00\ud800" | not JSON | comments and trailing commas
# contradictions
/expect/0/never -> /expect/0 | "any" | both of `callback` and `never` | one of them
/expect/0/callback -> /expect/0 | gone | neither of `callback` and `never` | one of them
/expect/0/from ~ /expect/0/to | "T0" | beside `at` | `at` and `within`
/expect/2/within | "5ms" | `within` without `at` | add `at`
/expect/1/mark -> /expect/1 | "T9" | never happens | leave `mark` out
/expect/1/at ~ /expect/1/within | "5ms" | beside `never` | `from` and `to`
/expect/1/from | "T3+31s" | `from` is after `to` | exchange
/script/2/client ~ /script/4/client | "A" | client | `client
/script/2/do/outage/kind -> /script/2/do/outage/direction | "link_down" | both | "silent"
/script/2/do/outage/clients ~ /script/4/do/kickoutUser/users | [] | nobody | at least one
/script/0/do/logoutRoom -> /script/0/do | {} | found 2 | exactly one of `loginRoom`
/script/0/do ~ /expect/0/callback | {} | found 0 | exactly one of
/clients/2/user | "guest" | no common user | leave `user` out
/profile/retry/fixed -> /profile/retry | "1s" | 2 schedules | one of `fixed`, `list`
/profile/retry -> /profile/retry/list | {"list": []} | 0 waits | 1 to 1000
/profile/retry -> /profile/retry/list/0 | {"list": ["3s..1s"]} ~ {"list": ["1s..1.5s"]} | whole seconds | "1s..3s"
/profile/retry -> /profile/retry/list/1 | {"list": ["1s", "4"]} | no unit | "90s"
"#;

/// The base scenario with this text as the value at a place, also of a field that was not there;
/// with `gone` without that field.
fn with(place: &str, value: &str) -> String {
    let (parent, key) = place.rsplit_once('/').unwrap();
    let mut root: Value = serde_json::from_str(BASE).unwrap();
    let parent = root.pointer_mut(parent).unwrap();
    match key.parse::<usize>() {
        Ok(index) => parent[index] = Value::from("<value>"),
        Err(_) if value == "gone" => drop(parent.as_object_mut().unwrap().remove(key).unwrap()),
        Err(_) => parent[key] = Value::from("<value>"),
    }
    root.to_string().replace("\"<value>\"", value)
}

/// The JSON pointers of all values of the base scenario.
fn places() -> Vec<String> {
    let mut places = Vec::new();
    let mut waiting = vec![(String::new(), serde_json::from_str(BASE).unwrap())];
    while let Some((at, value)) = waiting.pop() {
        if let Value::Object(map) = &value {
            waiting.extend(map.iter().map(|(key, it)| (format!("{at}/{key}"), it.clone())));
        }
        for (key, it) in value.as_array().into_iter().flatten().enumerate() {
            waiting.push((format!("{at}/{key}"), it.clone()));
        }
        places.push(at);
    }
    places.split_off(1)
}

/// All that is wrong with a file; every fault is one that can be shown to a user.
fn faults_of(bytes: impl AsRef<[u8]>) -> Vec<Fault> {
    let bytes = bytes.as_ref();
    let Err(faults) = text_of(bytes).map_err(|it| vec![it]).and_then(Scenario::parse) else {
        return Vec::new();
    };
    assert!(!faults.is_empty(), "refused without a reason");
    for fault in &faults {
        let range = &fault.range;
        assert!(range.start <= range.end && range.end <= bytes.len(), "outside: {fault:?}");
        assert!(!fault.problem.is_empty() && !fault.remedy.is_empty(), "{fault:?}");
        let shown = format!("{fault} {}", fault.remedy);
        let harm = |it: char| it.is_control() || "\u{200b}\u{2028}\u{202e}\u{2066}".contains(it);
        assert!(!shown.contains(harm), "not for a terminal: {shown:?}");
    }
    faults
}

/// Checks a table, or the section of [`TABLE`] with this name: the base scenario with one of the
/// values at one of the places has one fault, there or where `->` points.
fn check(table: &str) {
    let section = TABLE.split_once(&format!("# {table}\n"));
    let table = section.map_or(table, |(_, rows)| rows.split("# ").next().unwrap());
    let mut wrong = Vec::new();
    for row in table.lines() {
        let columns: Vec<&str> = row.split(" | ").collect();
        let [places, values, problem, remedy] = columns[..] else { panic!("{row}") };
        let of_place = |place| values.split(" ~ ").map(move |it| (place, it));
        for (place, value) in places.split(" ~ ").flat_map(of_place) {
            let (at, pointer) = place.split_once(" -> ").unwrap_or((place, place));
            let text = with(at, value);
            let faults = faults_of(&text);
            let is_it = |it: &Fault| {
                let marked = &text[it.range.clone()];
                it.pointer == pointer.trim_matches('"')
                    && it.problem.contains(&problem.replace("{}", value.trim_matches('"')))
                    && it.remedy.contains(remedy)
                    && (at != place || marked == value || marked == "{" && value.starts_with('{'))
            };
            if faults.len() != 1 || !is_it(&faults[0]) {
                wrong.push(format!("{place} {value} gave {faults:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_base_of_these_tests_has_no_faults() {
    assert_eq!(faults_of(BASE), []);
}

#[test]
fn names_that_could_do_harm_are_refused() {
    check("names");
    let room = "/script/1/do/loginRoom/room";
    for (place, most) in [("/clients/3/name", 63), ("/clients/3/user", 255), (room, 255)] {
        let name = |n: usize| format!("\"{}\"", "x".repeat(n));
        assert_eq!(faults_of(with(place, &name(most))), []);
        let n = most + 1;
        check(&format!("{place} | {} | {n} bytes | at most {most}", name(n)));
    }
    for name in ["a", "a/b", "/etc/x", r"a\\b", "CON", "x@y.example", "A B", "'", "%41", "b-1"] {
        assert_eq!(faults_of(with("/clients/3/name", &format!("\"{name}\""))), [], "{name}");
    }
}

#[test]
fn what_is_given_twice_is_refused() {
    check("twice");
    let member_first = with("/clients/0/name", "\"viewer-2\"").replace("t\":\"A\"", "t\":\"B\"");
    assert_eq!(faults_of(member_first)[0].pointer, "/clients/2/name");
    assert_eq!(faults_of(with("/clients/3/user", "\"A\"")), [], "a user may have two devices");
}

#[test]
fn a_misspelt_field_is_named_wherever_it_is() {
    let slips = "/ duratoin duration | /links/home/ dealy delay | /links/home/up/ los loss
        | /clients/0/ lnik link | /script/0/ amrk mark | /script/0/do/ logoutRom logoutRoom
        | /script/0/do/loginRoom/ rom room | /script/2/do/outage/ fo for | /expect/0/ witin within
        | /expect/0/callback/ loginRom loginRoom | /expect/1/never/onRoomUserUpdate/ usres users
        | /expect/0/callback/onRoomStateChanged/ erorCode errorCode | /profile/ fanout fan_out
        | /profile/heartbeat/ evry every | /profile/lease/ anchr anchor
        | /profile/detect/ probe_afer probe_after | /profile/retry/ budgt budget
        | /profile/retry/exponential/ facter factor | /profile/retry/budget/ atempts attempts
        | /profile/resend/ frist first | /script/3/do/switchRoom/ form from
        | /script/4/do/kickoutUser/ usres users";
    for slip in slips.split('|') {
        let words: Vec<&str> = slip.split_whitespace().collect();
        let [object, slip, meant] = words[..] else { panic!("{slip}") };
        let at = format!("{object}{slip}");
        check(&format!("{at} -> {at} | 1 | unknown field `{slip}` | did you mean `{meant}`?"));
    }
    check("/colour -> /colour | 1 | unknown field `colour` | known: `$schema`, `version`, `name`");
}

#[test]
fn a_missing_field_is_named_wherever_it_is_missing() {
    let places = "/version /name /duration /profile /links /clients /script /clients/0/name
        /clients/0/link /script/0/at /script/0/do /script/0/do/loginRoom/room /expect/0/client
        /script/2/do/outage/clients /script/2/do/outage/kind /profile/base
        /profile/detect/probe_after /profile/detect/broken_after /profile/retry/exponential/base
        /profile/retry/exponential/cap /profile/retry/budget/attempts /script/3/do/switchRoom/from
        /script/3/do/switchRoom/to /script/4/do/kickoutUser/room /script/4/do/kickoutUser/users";
    for place in places.split_whitespace() {
        let (parent, field) = place.rsplit_once('/').unwrap();
        let faults = faults_of(with(place, "gone"));
        let problem = format!("`{field}` is missing");
        let named = faults.iter().find(|it| it.pointer == parent && it.problem == problem);
        assert!(named.is_some_and(|it| it.remedy.contains("add")), "{place}: {faults:#?}");
    }
    check("/script/0/client -> /script/0 | gone | missing | add `\"client\"");
}

#[test]
fn a_wrong_value_is_refused_wherever_it_is_and_never_a_bug_of_ours() {
    let values = r#"true | -1 | 0 | 1e400 | 18446744073709551616 | "" | "\u001b[2J\u202e;" | "A" | []
        | "viewer" | "T1" | "T3-99999d" | "-5s" | "0s" | "9999999d" | "99999999999999999999s" | {}
        | "1s..3s" | [[[]]] | ["viewer", "A"] | {"name": 1} | {"fixed": "0s"} | "any" | "none"
        | {"exponential": {"base": "1ms", "cap": "9d", "factor": 1000}}"#;
    for place in places() {
        let faults = faults_of(with(&place, "null"));
        let is_it = |it: &Fault| it.pointer == place && it.problem.starts_with("expected");
        assert!(faults.iter().any(|it| is_it(it) && it.problem.contains("null")), "{faults:#?}");
        values.split(" | ").for_each(|it| drop(faults_of(with(&place, it.trim()))));
    }
    check("types");
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    check("numbers");
    assert_eq!(faults_of(with("/seed", "18446744073709551615")), []);
}

#[test]
fn durations_that_say_too_little_or_too_much_are_refused() {
    check("durations");
}

#[test]
fn what_is_beyond_a_limit_is_refused() {
    check("beyond");
}

#[test]
fn who_and_what_is_not_there_is_named() {
    check("unknown");
}

#[test]
fn a_number_beyond_a_machine_word_is_no_member_of_a_group() {
    let name = "viewer-18446744073709551615";
    check(&format!("/script/0/client | \"{name}\" | no client is named `{name}` | `viewer`"));
}

#[test]
fn what_contradicts_itself_is_refused() {
    check("contradictions");
    let silent = faults_of(with("/profile/heartbeat", "\"none\""));
    let problems: Vec<&str> = silent.iter().map(|it| &*it.problem).collect();
    let lease = "a lease from the last message needs heartbeats";
    assert_eq!(problems, [lease, "detection by silence needs heartbeats"]);
    assert!(silent.iter().all(|it| it.remedy.contains("\"every\"")), "{silent:#?}");
    let ring =
        with("/expect/0/at", "\"T2\"").replace("\"from\":\"T0\"", "\"mark\":\"T2\",\"at\":\"T1\"");
    for text in [ring, with("/expect/0/at", "\"T1+1s\"")] {
        let faults = faults_of(text);
        assert!(faults.len() == 1 && faults[0].problem.contains("in a ring"), "{faults:#?}");
    }
}

#[test]
fn one_mistake_is_one_fault() {
    let viewer = with("/script/0/client", "\"viewer\"");
    let silent =
        r#"{"base": "zego-doc", "heartbeat": {"every": 5}, "lease": {"anchor": "last_message"}}"#;
    let nameless = r#"{"base": "zegoo", "lease": {"anchor": "last_message"}}"#;
    let mut wrong = Vec::new();
    for (text, pointer) in [
        (viewer.replace("\"count\":3", "\"count\":0"), "/clients/2/count"),
        (with("/profile", silent), "/profile/heartbeat/every"),
        (with("/profile", nameless), "/profile/base"),
        (with("/links/home/delay", "\"50\""), "/links/home/delay"),
        (with("/links", "gone"), ""),
    ] {
        let faults = faults_of(text);
        wrong.extend(faults.into_iter().filter(|it| it.pointer != pointer));
    }
    assert_eq!(wrong, []);
}

#[test]
fn what_is_not_json_is_refused() {
    check("syntax");
    let extra = [" x", "]", "{}", "\0"].map(|it| format!("{BASE}{it}"));
    for text in extra.into_iter().chain([BASE.replacen(',', "", 1)]) {
        assert!(faults_of(&text)[0].problem.starts_with("not JSON"), "{text}");
    }
    for root in ["[]", "\"x\"", "1", "null", "true"] {
        let faults = faults_of(root);
        assert!(faults.len() == 1 && faults[0].problem.starts_with("expected an object"), "{root}");
    }
    for value in ["\"a\nb\"", "\"a\u{1b}b\"", "\"a\tb\"", "\u{a0}\"a\"", "\u{c}\"a\""] {
        assert_eq!(faults_of(with("/description", value)).len(), 1, "{value:?}");
    }
}

#[test]
fn comments_trailing_commas_and_a_byte_order_mark_are_read() {
    let commas = BASE.replace("\"x\": {}", "\"x\": {},").replace("[\"A\"]", "[\"A\",]");
    let comments = commas.replace("\"links\"", "// it's \"\n/* so\n \" is */ \"links\"");
    assert_eq!(faults_of(comments), []);
    assert_eq!(faults_of(format!("\u{feff}{BASE}")), []);
    assert_eq!(faults_of(with("/description", &format!("\"{}\"", "[".repeat(99)))), []);
    let drawing = format!("// {}\n{BASE}", "[".repeat(99));
    assert_eq!(faults_of(drawing), [], "brackets in a comment nest nothing");
}

#[test]
fn files_that_hold_no_text_are_refused() {
    for text in ["", " \n", "// nothing\n", "\u{feff}"] {
        let faults = faults_of(text);
        assert!(faults.len() == 1 && faults[0].problem == "the scenario is empty", "{faults:#?}");
    }
    let faults = faults_of(b"{\"name\": \"\xff\"}");
    assert_eq!((faults[0].range.start, &*faults[0].problem), (10, "not UTF-8 at byte 10"));
    assert!(faults_of(vec![b' '; FILE_MAX + 1])[0].remedy.contains("at most 67108864"));
}

#[test]
fn nesting_without_end_does_not_overflow_the_stack() {
    for open in ["[", "{\"a\":"].map(|it| it.repeat(100_000)) {
        for before in ["", "{ /* \" */ \"a\": ", "{\"x\":"] {
            let faults = faults_of(format!("{before}{open}"));
            assert!(faults.len() == 1 && faults[0].problem.contains("nest"), "{faults:#?}");
        }
    }
}

#[test]
fn more_than_can_be_simulated_is_refused() {
    let group = r#"{"name": "v", "count": 1000000, "link": "home"}"#;
    let one = |name: &str| format!(r#"{{"name": "{name}", "link": "home"}}"#);
    let faults = faults_of(with("/clients", &format!("[{group}, {}, {}]", one("A"), one("B"))));
    assert!(faults.iter().any(|it| it.pointer.starts_with("/clients/1")), "{faults:#?}");
    let crowd = with("/clients/2/count", "900000").replace("10min", "10d").replace("5s", "1ms");
    let fault = &faults_of(crowd)[0];
    assert!(fault.problem.contains("heartbeats") && fault.remedy.contains("shorten"), "{fault}");
}

#[test]
fn all_faults_are_told_at_once_in_order_of_place() {
    let text = r#"{
      "expect": [ { "client": "Z", "never": "any" } ],
      "version": 1, "name": "a/b", "duration": "10", "profile": "zego-doc", "seed": -1,
      "script": [ { "at": "1s", "client": "A", "do": { "loginRoom": { "room": ";" } }, "x": 1 } ],
      "clients": [ { "name": "A", "link": "hoem" } ], "links": { "home": { "delay": 50 } } }"#;
    let pointers: Vec<String> = faults_of(text).into_iter().map(|it| it.pointer).collect();
    let wanted = "/expect/0/client /name /duration /seed /script/0/do/loginRoom/room /script/0/x
        /clients/0/link /links/home/delay";
    assert_eq!(pointers, wanted.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn nothing_of_a_file_reaches_a_terminal_as_it_stands() {
    let values = [r#""\u001b[2J\u0007\u202e""#, "[\n\t1]", r#"{"\u001b[31m": {}}"#, "\"\u{202e}\""];
    let places = ["/clients/3/link", "/seed", "/links", "/\u{202e}"];
    for (place, value) in places.iter().flat_map(|place| values.map(|it| (place, it))) {
        assert!(!faults_of(with(place, value)).is_empty(), "{place}");
    }
}

/// A piece of a scenario, good or bad.
fn piece(which: Index) -> &'static str {
    let pieces = r#"{ } [ ] , : " \ // /* */ - 1e400 99999999 "T1" "1s" +9999999d "any" null "never":
        \u001b é \u202e"#;
    let pieces: Vec<&str> = pieces.split_whitespace().collect();
    pieces[which.index(pieces.len())]
}

/// Changes some bytes: takes them out, doubles them, or puts a piece in their place.
fn mutate(mut text: Vec<u8>, (place, other, n): (Index, Index, usize)) -> Vec<u8> {
    let start = place.index(text.len() + 1);
    let end = (start + n % 32).min(text.len());
    let taken: Vec<u8> = text[start..end].to_vec();
    match n % 4 {
        0 => drop(text.drain(start..end)),
        1 => drop(text.splice(start..start, taken)),
        2 => drop(text.splice(start..end, piece(other).bytes())),
        _ => drop(text.splice(start..start, piece(other).bytes())),
    }
    text
}

proptest! {
    // The same cases in every run: a test that fails only sometimes helps nobody.
    #![proptest_config(ProptestConfig {
        cases: 2000, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Default::default()
    })]

    #[test]
    fn no_bytes_are_a_bug_of_ours(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(!faults_of(&bytes).is_empty());
    }

    #[test]
    fn no_slip_of_the_finger_is_a_bug_of_ours(
        which in any::<Index>(),
        edits in vec((any::<Index>(), any::<Index>(), any::<usize>()), 1..6),
    ) {
        let names = gallery_names();
        let which = names.get(which.index(names.len() + 1));
        let text = which.map_or_else(|| BASE.to_owned(), |it| gallery(it));
        drop(faults_of(edits.into_iter().fold(text.into_bytes(), mutate)));
    }
}
