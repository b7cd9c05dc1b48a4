//! Presets: networks that work break a connection once in hours, each as often as a closed form says.
#![expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]

use std::{collections::BTreeMap, fs, path::Path};

use roomsim::{
    id::{ClientId, Id, RoomId},
    link::{LinkModel, PathModel, loss::Loss},
    observe::{Callback, Observer, Seat},
    protocol::code::Reason,
    scenario::Scenario,
    sim,
    time::SimTime,
};
use serde_json::json;

/// From one heartbeat to the next under the profile `zego`, in seconds.
const HEARTBEAT: f64 = 5.0;

type Matrix = [[f64; 2]; 2];

fn product(one: Matrix, other: Matrix) -> Matrix {
    one.map(|row| [0, 1].map(|j| row[0] * other[0][j] + row[1] * other[1][j]))
}

/// A way's share of bad time, the rate at which the past is forgotten, and what gets through in the
/// good and the bad state: of a way that loses by chance, the same in both.
fn figures(path: &PathModel) -> (f64, f64, [f64; 2]) {
    match path.loss {
        Loss::Random(share) => (0.0, 1.0, [1.0 - share.to_f64(); 2]),
        Loss::Timed(model) => {
            let [good, bad] =
                [model.times.good, model.times.bad].map(|it| it.as_micros() as f64 / 1e6);
            let passes = [model.good_loss, model.bad_loss].map(|it| 1.0 - it.to_f64());
            (bad / (good + bad), 1.0 / good + 1.0 / bad, passes)
        }
        Loss::GilbertElliott(_) | Loss::FourState(_) => panic!("no preset counts messages"),
    }
}

/// How often an hour the connection breaks of a client that does nothing (A2): from login to login,
/// at a random time within an interval the first round, and then one every interval until two in a
/// row have failed, the last of them half the time before the connection counts as broken.
///
/// With P(t) the moves of the state in a time t and G what gets through in each state, a round that
/// is answered moves it by R = G P(d) G P(h-d), one that fails by F = P(h) - R.  The rounds to come
/// are x = 1 + R x + F (1 + R x) = (I - R - F R)^-1 (1 + F 1), from each state.
fn breaks_an_hour(model: &LinkModel) -> f64 {
    assert_eq!(model.up.loss, model.down.loss);
    let (bad, forgets, passes) = figures(&model.up);
    let delay = model.up.delay.mean.as_micros() as f64 / 1e6;
    let moves = |left: f64| {
        let gone = 1.0 - left;
        [[1.0 - bad * gone, bad * gone], [(1.0 - bad) * gone, 1.0 - (1.0 - bad) * gone]]
    };
    let within = |secs: f64| moves((-forgets * secs).exp());
    let through = [[passes[0], 0.0], [0.0, passes[1]]];
    let way = |secs| product(through, within(secs));
    let answered = product(way(delay), way(HEARTBEAT - delay));
    let all = within(HEARTBEAT);
    let failed = [0, 1].map(|i| [0, 1].map(|j| all[i][j] - answered[i][j]));
    let both = product(failed, answered);
    let left =
        [0, 1].map(|i| [0, 1].map(|j| f64::from(u8::from(i == j)) - answered[i][j] - both[i][j]));
    let right = failed.map(|row| 1.0 + row[0] + row[1]);
    let determinant = left[0][0] * left[1][1] - left[0][1] * left[1][0];
    let rounds = [
        (right[0] * left[1][1] - left[0][1] * right[1]) / determinant,
        (left[0][0] * right[1] - right[0] * left[1][0]) / determinant,
    ];
    // A login and its acceptance have got through, and an even part of an interval has passed.
    let login = product(way(delay), way(delay));
    let ends_in = [0, 1].map(|j| (1.0 - bad) * login[0][j] + bad * login[1][j]);
    let spread = (1.0 - (-forgets * HEARTBEAT).exp()) / (forgets * HEARTBEAT);
    let start = product([ends_in.map(|it| it / (ends_in[0] + ends_in[1])); 2], moves(spread))[0];
    let mean = start[0] * rounds[0] + start[1] * rounds[1];
    3600.0 / (HEARTBEAT / 2.0 + HEARTBEAT * mean)
}

/// How often each client's connection broke, and how long it was away in all.
#[derive(Default)]
struct Breaks {
    n: BTreeMap<ClientId, u32>,
    away_since: BTreeMap<ClientId, SimTime>,
    away: f64,
}

impl Observer for Breaks {
    fn callback(&mut self, at: SimTime, seat: Seat, _: Option<RoomId>, what: Callback<'_>) {
        let Callback::StateChanged(status) = what else { return };
        match status.reason {
            Reason::Reconnecting => {
                *self.n.entry(seat.client).or_default() += 1;
                self.away_since.insert(seat.client, at);
            }
            Reason::Reconnected => {
                let since = self.away_since.remove(&seat.client).expect("it was away");
                self.away += at.since(since).as_micros() as f64 / 3.6e9;
            }
            Reason::Logining | Reason::Logined => (),
            Reason::LoginFailed
            | Reason::ReconnectFailed
            | Reason::KickOut
            | Reason::Logout
            | Reason::LogoutFailed => panic!("{status:?} at {at}"),
        }
    }
}

/// Clients on a preset who log in and do nothing, ten in a room.
fn idlers(preset: &str, n_clients: usize, hours: u32) -> Scenario {
    let story = json!({
        "version": 1, "name": "idlers", "seed": 5, "duration": format!("{hours}h"),
        "profile": "zego", "links": { "x": { "preset": preset } },
        "clients": [{
            "name": "g", "count": n_clients, "link": "x", "rooms": n_clients / 10,
            "isUserStatusNotify": false,
        }],
        "script": [],
    });
    Scenario::parse(&story.to_string()).unwrap()
}

/// The column of docs/scenario.md.
fn documented(preset: &str) -> f64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario.md");
    let text = fs::read_to_string(path).unwrap();
    let row = text.lines().find(|it| it.starts_with(&format!("| `{preset}` | "))).unwrap();
    row.trim_end_matches(" |").rsplit("| ").next().unwrap().parse().unwrap()
}

/// Runs so many clients for so many hours, and holds how often they break to the closed form, that
/// to the documentation, and both to what is bearable: at most so often an hour.
fn check(preset: &str, (n_clients, hours): (usize, u32), bearable: f64) {
    let scenario = idlers(preset, n_clients, hours);
    let (_, link) = scenario.links().iter().next().unwrap();
    let expected = breaks_an_hour(&link.model);
    assert!(expected <= bearable, "{preset}: {expected} an hour");
    assert!((documented(preset) / expected - 1.0).abs() < 0.05, "{preset}: {expected} an hour");

    let mut breaks = Breaks::default();
    sim::run(&scenario, 5, &mut breaks);
    let each = |it: usize| f64::from(*breaks.n.get(&ClientId::from_index(it)).unwrap_or(&0));
    let n = n_clients as f64;
    let mean = (0..n_clients).map(each).sum::<f64>() / n;
    let variance = (0..n_clients).map(|it| (each(it) - mean).powi(2)).sum::<f64>() / n;
    let online = f64::from(hours) - breaks.away / n;
    let sigma = (variance.max(mean) / n).sqrt() / online;
    let seen = mean / online;
    assert!(
        (seen - expected).abs() < 5.0 * sigma,
        "{preset}: {seen} an hour, expected {expected}, sigma {sigma}"
    );
}

#[test]
fn wifi_breaks_as_often_as_its_spells_say() {
    check("wifi", (500, 6), 0.2);
}

#[test]
fn lte_breaks_as_often_as_its_spells_say() {
    check("lte", (500, 6), 0.2);
}

#[test]
fn satellite_breaks_as_often_as_its_losses_say() {
    check("satellite", (500, 3), 0.2);
}

#[test]
fn a_congested_link_breaks_as_often_as_its_spells_say() {
    check("congested", (200, 3), 1.0);
}

#[test]
fn a_tunnel_breaks_as_often_as_its_spells_say() {
    check("tunnel", (200, 1), 90.0);
}
