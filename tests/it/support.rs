//! What several tests need: running a scenario, and reading its trace.

use std::{fs, num::NonZeroUsize, path::Path};

use roomsim::{
    observe::Delivery,
    protocol::{
        backend::{Relogin, ServerEvent},
        rules::Rules,
    },
    scenario::{Scenario, profile::Profile},
    sim::{self, Heartbeats, How},
    sink::{
        counters::Counters,
        fingerprint::Fingerprint,
        judge::Judgement,
        server::ServerRecorder,
        trace::{Recorder, Row, Trace},
    },
};
use serde_json::{Value, json};

/// A scenario that has been run.
pub(crate) struct Ran {
    pub(crate) scenario: Scenario,
    pub(crate) trace: Trace,
    pub(crate) counters: Counters,
    pub(crate) fingerprint: Fingerprint,
    /// The server's callbacks to the backend, in the order in which they arrive.
    pub(crate) deliveries: Vec<Delivery>,
}

/// Runs the scenario of this text with its own seed, or another.
pub(crate) fn run(text: &str, seed: Option<u64>) -> Ran {
    let scenario = parse(text).unwrap_or_else(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}\n{text}", faults.join("\n"));
    });
    run_parsed(scenario, seed)
}

/// Runs a scenario with its own seed, or another.
pub(crate) fn run_parsed(scenario: Scenario, seed: Option<u64>) -> Ran {
    run_how(scenario, seed, Heartbeats::PassedOver)
}

type Sinks = (Recorder, ((Counters, Fingerprint), ServerRecorder));

/// Runs a scenario, with each heartbeat or without those that nobody minds.
pub(crate) fn run_how(scenario: Scenario, seed: Option<u64>, heartbeats: Heartbeats) -> Ran {
    let how = How { n_threads: NonZeroUsize::MIN, heartbeats };
    let seed = seed.unwrap_or_else(|| scenario.seed());
    let sinks = sim::run_on(&scenario, seed, how, Sinks::default).pop();
    let (recorder, ((counters, fingerprint), server)) = sinks.expect("there is one thread");
    let trace = recorder.finish(&scenario);
    Ran { scenario, trace, counters, fingerprint, deliveries: server.finish() }
}

/// The scenario of some clients on links of 50 ms each way, half an hour long.
pub(crate) fn scenario(profile: &Value, clients: &[Value], script: &[Value]) -> Value {
    json!({
        "version": 1, "name": "story", "duration": "30min", "profile": profile,
        "links": { "home": { "delay": "50ms" } },
        "clients": clients, "script": script,
    })
}

/// A run of clients of these names, each a user of its own, in the profile `zego-doc`.
pub(crate) fn story(names: &[&str], script: &[Value]) -> Ran {
    story_in(&json!("zego-doc"), names, script)
}

/// A run of clients of these names in another profile.
pub(crate) fn story_in(profile: &Value, names: &[&str], script: &[Value]) -> Ran {
    let clients: Vec<Value> = names.iter().map(|it| client(it, &json!({}))).collect();
    run(&scenario(profile, &clients, script).to_string(), None)
}

/// A client with these fields besides its name and link.
pub(crate) fn client(name: &str, fields: &Value) -> Value {
    with(json!({ "name": name, "link": "home" }), fields)
}

/// An object with some fields more.
pub(crate) fn with(mut object: Value, fields: &Value) -> Value {
    object.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    object
}

/// What a client's app does.
pub(crate) fn call(at: &str, client: &str, deed: &Value) -> Value {
    json!({ "at": at, "client": client, "do": deed })
}

/// What befalls clients, or the backend does.
pub(crate) fn event(at: &str, deed: &Value) -> Value {
    json!({ "at": at, "do": deed })
}

/// A login to room `r`.
pub(crate) fn login(at: &str, client: &str) -> Value {
    call(at, client, &json!({ "loginRoom": { "room": "r" } }))
}

/// A login to room `r` with some configuration.
pub(crate) fn login_with(at: &str, client: &str, config: &Value) -> Value {
    call(at, client, &json!({ "loginRoom": with(json!({ "room": "r" }), config) }))
}

pub(crate) fn logout(at: &str, client: &str) -> Value {
    call(at, client, &json!({ "logoutRoom": {} }))
}

pub(crate) fn publish(at: &str, client: &str, stream: &str) -> Value {
    call(at, client, &json!({ "startPublishingStream": { "stream": stream } }))
}

pub(crate) fn unpublish(at: &str, client: &str, stream: &str) -> Value {
    call(at, client, &json!({ "stopPublishingStream": { "stream": stream } }))
}

/// A message to room `r`.
pub(crate) fn send(at: &str, client: &str, message: &str) -> Value {
    call(at, client, &json!({ "sendBroadcastMessage": { "room": "r", "message": message } }))
}

/// The network of one client is lost and the device knows it.
pub(crate) fn link_down(at: &str, client: &str, span: &str) -> Value {
    event(at, &json!({ "outage": { "clients": [client], "kind": "link_down", "for": span } }))
}

/// The network of one client is lost and nobody knows.
pub(crate) fn silent(at: &str, client: &str, span: &str) -> Value {
    event(at, &json!({ "outage": { "clients": [client], "kind": "silent", "for": span } }))
}

/// The server is down for so long; its memory is `kept` or `lost`.
pub(crate) fn restart(at: &str, span: &str, memory: &str) -> Value {
    event(at, &json!({ "restartServer": { "for": span, "memory": memory } }))
}

/// The lines from this second on.
pub(crate) fn after(lines: &[String], secs: u64) -> Vec<&str> {
    let time = |line: &&str| line.split('.').next().unwrap().parse::<u64>().unwrap();
    lines.iter().map(String::as_str).filter(|it| secs <= time(it)).collect()
}

/// The parameters of a profile.
pub(crate) fn rules_of(profile: &str) -> &'static Rules {
    Profile::named(profile).unwrap().rules()
}

/// The text of a scenario of the gallery.
pub(crate) fn gallery(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    fs::read_to_string(path.with_extension("json")).unwrap()
}

/// Writes the files that scenarios of the gallery name.
pub(crate) fn gallery_files(write: impl Fn(&str, &str)) {
    write("traces/train.csv", include_str!("../../scenarios/traces/train.csv"));
    write("traces/tunnel.csv", include_str!("../../scenarios/traces/tunnel.csv"));
    write("traces/arrivals.txt", include_str!("../../scenarios/traces/arrivals.txt"));
}

/// A scenario that may name files of the gallery.
pub(crate) fn parse(text: &str) -> Result<Scenario, Vec<roomsim::scenario::fault::Fault>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    Scenario::parse_with(text, &|name| {
        fs::read_to_string(folder.join(name)).map_err(|it| it.to_string())
    })
}

/// A scenario of more clients is not run by tests that run the whole gallery: it would take
/// minutes.  `populations.rs` looks at what is in it.
const GALLERY_CLIENTS_MAX: usize = 10_000;

/// The names of the scenarios of the gallery, in order, but for those of very many clients.
pub(crate) fn gallery_names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let paths = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let paths = paths.filter(|it| it.extension().is_some_and(|it| it == "json"));
    let mut names: Vec<String> =
        paths.map(|it| it.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let n_clients = |it: &String| parse(&gallery(it)).unwrap().n_clients();
    names.retain(|it| n_clients(it) <= GALLERY_CLIENTS_MAX);
    names.sort();
    names
}

impl Ran {
    pub(crate) fn judged(&self) -> Judgement {
        Judgement::of(&self.scenario, &self.trace)
    }

    /// Every row as `time client summary`, one a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let row = |row: &Row| {
            let client = self.scenario.client_name(row.client);
            format!("{} {client} {}", row.at, row.what.summary(&self.scenario))
        };
        self.trace.rows().iter().map(row).collect()
    }

    /// The rows of one client, as [`Ran::lines`] gives them.
    pub(crate) fn lines_of(&self, client: &str) -> Vec<String> {
        let is_of = |line: &String| line.split(' ').nth(1) == Some(client);
        self.lines().into_iter().filter(is_of).collect()
    }

    /// The rows of one client that contain a text.
    pub(crate) fn told(&self, client: &str, text: &str) -> Vec<String> {
        self.lines_of(client).into_iter().filter(|it| it.contains(text)).collect()
    }

    /// The server's callbacks: `made event room user-or-stream`, and `relogin` or the reason.
    pub(crate) fn server_lines(&self) -> Vec<String> {
        let line = |it: &Delivery| {
            let (callback, scenario) = (it.callback, &self.scenario);
            let about = match callback.what {
                ServerEvent::RoomCreate => String::new(),
                ServerEvent::RoomClose(_) => String::new(),
                ServerEvent::RoomLogin { user, relogin, .. } => {
                    let again = if relogin == Relogin::Yes { " relogin" } else { "" };
                    format!(" {}{again}", scenario.user_name(user))
                }
                ServerEvent::RoomLogout { user, .. } => format!(" {}", scenario.user_name(user)),
                ServerEvent::StreamCreate(_, stream) | ServerEvent::StreamClose(_, stream, _) => {
                    format!(" {}", scenario.streams()[stream])
                }
            };
            let reason = callback.reason().map(|it| format!(" {it}")).unwrap_or_default();
            let room = scenario.room_name(callback.room);
            format!("{} {} {room}{about}{reason}", it.made_at, callback.event())
        };
        self.deliveries.iter().map(line).collect()
    }
}
