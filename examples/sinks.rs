//! What those who watch a run cost: `cargo run --release --example sinks`.
//!
//! Nanoseconds for each thing told to metrics and to a fingerprint, and for each row of
//! `callbacks.csv`, from collecting it to the last byte; of the processor's time, where it is told.
#![expect(clippy::disallowed_types, reason = "the clock on the wall is what is asked for")]
#![expect(clippy::print_stdout, reason = "its results are for a terminal")]

use std::{
    fs,
    hint::black_box,
    io,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use roomsim::{
    id::{ClientId, Id, RoomId, UserId},
    observe::{Callback, Observer, Seat},
    protocol::{code::Update, message::Kind},
    scenario::Scenario,
    sink::{
        csv::write_callbacks,
        fingerprint::Fingerprint,
        judge::Judgement,
        metrics::{Layout, Metrics},
        trace::Recorder,
    },
    time::SimTime,
};

static BEGAN_AT: LazyLock<Instant> = LazyLock::new(Instant::now);

const N_ROOMS: usize = 100;
const N_MEMBERS: usize = 100;
/// How often each member of each room is told of another.
const N_TOLD: usize = 200;

fn main() {
    LazyLock::force(&BEGAN_AT);
    let text = format!(
        r#"{{ "version": 1, "name": "sinks", "duration": "20min", "profile": "zego",
            "links": {{ "home": {{}} }}, "script": [
              {{ "at": "0s", "client": "viewer", "do": {{ "loginRoom": {{ "room": "main",
                 "isUserStatusNotify": false }} }} }} ],
            "clients": [ {{ "name": "viewer", "count": {}, "link": "home" }} ] }}"#,
        N_ROOMS * N_MEMBERS
    );
    let scenario = Scenario::parse(&text).expect("the scenario has no faults");
    let layout = Arc::new(Layout::usual(&scenario));
    callbacks("nobody", ());
    callbacks("metrics", Metrics::new(&layout));
    callbacks("fingerprint", Fingerprint::default());
    heartbeats("nobody", ());
    heartbeats("metrics", Metrics::new(&layout));
    let recorder = callbacks("recorder", Recorder::default());
    let n_rows = N_ROOMS * N_MEMBERS * N_TOLD;
    let before = spent();
    let trace = recorder.finish(&scenario);
    told("sorting", "row", n_rows, before);
    let judged = Judgement::of(&scenario, &trace);
    let before = spent();
    write_callbacks(&scenario, &trace, &judged, io::sink()).expect("a sink takes all");
    told("writing", "row", n_rows, before);
    let before = spent();
    black_box(trace.digest(&scenario));
    told("digest", "row", n_rows, before);
}

/// The time of the processor that was spent so far, or on the wall where that cannot be had.
fn spent() -> Duration {
    let stat = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|it| it.parse().ok());
    nanos.map_or_else(|| BEGAN_AT.elapsed(), Duration::from_nanos)
}

fn told(what: &str, of: &str, n: usize, before: Duration) {
    let nanos = spent().saturating_sub(before).as_nanos() / n as u128;
    println!("{what:<12} {nanos:>5} ns for each {of} of {n}");
}

/// Room by room, every member is told of another now and then.
fn callbacks<O: Observer>(name: &str, mut observer: O) -> O {
    let before = spent();
    for room in 0..N_ROOMS {
        observer.begins(room);
        for index in 0..N_TOLD {
            let at = SimTime::from_micros(index as u64 * 5_000_000 + room as u64 * 1000);
            let users = [UserId::from_index(room * N_MEMBERS + index % N_MEMBERS)];
            for member in 0..N_MEMBERS {
                let client = ClientId::from_index(room * N_MEMBERS + member);
                let what = Callback::UserUpdate(Update::Add, &users);
                let seat = Seat { client, place: member };
                observer.callback(black_box(at), seat, Some(RoomId::from_index(0)), what);
            }
        }
        observer.ended(0);
    }
    told(name, "callback", N_ROOMS * N_MEMBERS * N_TOLD, before);
    black_box(observer)
}

/// Room by room, every member sends a heartbeat now and then.
fn heartbeats<O: Observer>(name: &str, mut observer: O) {
    let before = spent();
    for room in 0..N_ROOMS {
        observer.begins(room);
        for index in 0..N_TOLD {
            for member in 0..N_MEMBERS {
                let client = ClientId::from_index(room * N_MEMBERS + member);
                let at = SimTime::from_micros(index as u64 * 5_000_000 + member as u64 * 50_000);
                observer.sent(black_box(at), client, Kind::Heartbeat);
                observer.delivered(black_box(at), client, Kind::Heartbeat);
            }
        }
        observer.ended(0);
    }
    told(name, "heartbeat", N_ROOMS * N_MEMBERS * N_TOLD, before);
    black_box(observer);
}
