//! What the developer's backend is told by the server, and when: `server.csv`.
//!
//! A callback is tried at once, and again after 2, 4, 8, 16 and 32 s as long as the attempt fails;
//! then it is lost.  Each one by itself, so they arrive in any order (spec: R64).

use std::io;

use crate::{
    id::{IdVec, RoomId, UserId},
    link::PathModel,
    observe::Observer,
    protocol::backend::{Relogin, ServerCallback, ServerEvent},
    rng::{Draws, Entity, Purpose},
    scenario::Scenario,
    sink::csv::{finish, writer},
    time::{SimSpan, SimTime},
};

/// The waits before each attempt after the first.
pub const RETRIES_AFTER: [SimSpan; 5] = [
    SimSpan::from_secs(2),
    SimSpan::from_secs(4),
    SimSpan::from_secs(8),
    SimSpan::from_secs(16),
    SimSpan::from_secs(32),
];

/// The columns of `server.csv`.
pub const SERVER_COLUMNS: [&str; 12] = [
    "time_s",
    "event",
    "room",
    "room_session",
    "user",
    "session",
    "stream",
    "relogin",
    "reason",
    "user_update_seq",
    "made_s",
    "attempts",
];

/// Collects the server's callbacks, if the scenario has a backend.
#[derive(Clone, Debug)]
pub struct ServerRecorder {
    wanted: bool,
    made: Vec<(SimTime, ServerCallback)>,
}

/// A callback on its way to the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When it was made.
    pub made_at: SimTime,
    /// What it tells.
    pub callback: ServerCallback,
    /// How often it was tried.
    pub attempts: u32,
    /// When it arrived; nothing, if it was lost or is still under way at the end of the run.
    pub arrives_at: Option<SimTime>,
}

impl Observer for ServerRecorder {
    fn server_callback(&mut self, at: SimTime, callback: ServerCallback) {
        if self.wanted {
            self.made.push((at, callback));
        }
    }
}

impl ServerRecorder {
    /// A recorder for a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        Self { wanted: scenario.backend().is_some(), made: Vec::new() }
    }

    /// Takes what another recorder has of other cells.
    pub fn join(&mut self, other: Self) {
        self.made.extend(other.made);
    }

    /// What became of all callbacks, in the order in which they arrive; the others come last.
    pub fn finish(self, scenario: &Scenario, seed: u64) -> Vec<Delivery> {
        let Some(path) = scenario.backend() else { return Vec::new() };
        let draws = Draws::new(seed);
        let mut n_made = IdVec::filled(scenario.rooms().len(), || 0);
        let mut deliveries: Vec<(u64, Delivery)> = Vec::with_capacity(self.made.len());
        for (made_at, callback) in self.made {
            let number: &mut u64 = &mut n_made[callback.room];
            let room = Entity::named(&scenario.rooms()[callback.room]);
            let mut delivery = delivered(path, (&draws, room), *number, (made_at, callback));
            delivery.arrives_at = delivery.arrives_at.filter(|it| *it <= scenario.end());
            deliveries.push((*number, delivery));
            *number += 1;
        }
        // The callbacks of a room come from one cell, in order: so cells may come in any order.
        deliveries.sort_by_key(|(number, it)| {
            (it.arrives_at.is_none(), it.arrives_at, it.made_at, it.callback.room, *number)
        });
        deliveries.into_iter().map(|(_, it)| it).collect()
    }
}

/// What becomes of callback `number` of a room.
fn delivered(
    path: &PathModel,
    (draws, room): (&Draws, Entity),
    number: u64,
    (made_at, callback): (SimTime, ServerCallback),
) -> Delivery {
    let mut tried_at = made_at;
    let waits = RETRIES_AFTER.into_iter().map(Some).chain([None]);
    for (attempt, wait) in (0..).zip(waits) {
        // Eight draws for each callback leave room for six attempts.
        let draw = |purpose| draws.draw(purpose, room, number * 8 + attempt);
        let attempts = u32::try_from(attempt + 1).expect("there are six attempts");
        if !path.loss.hits(draw(Purpose::BackendLoss)) {
            let arrives_at = Some(tried_at + path.delay_of(draw(Purpose::BackendDelay)));
            return Delivery { made_at, callback, attempts, arrives_at };
        }
        match wait {
            Some(wait) => tried_at = tried_at + wait,
            None => return Delivery { made_at, callback, attempts, arrives_at: None },
        }
    }
    unreachable!("the last attempt has no wait after it")
}

impl Delivery {
    /// The name of the server callback.
    pub const fn event(&self) -> &'static str {
        match self.callback.what {
            ServerEvent::RoomCreate => "room_create",
            ServerEvent::RoomClose(_) => "room_close",
            ServerEvent::RoomLogin { .. } => "room_login",
            ServerEvent::RoomLogout { .. } => "room_logout",
            ServerEvent::StreamCreate(..) => "stream_create",
            ServerEvent::StreamClose(..) => "stream_close",
        }
    }

    /// Whom it is about, if about somebody.
    pub const fn user(&self) -> Option<UserId> {
        match self.callback.what {
            ServerEvent::RoomCreate | ServerEvent::RoomClose(_) => None,
            ServerEvent::RoomLogin { user, .. }
            | ServerEvent::RoomLogout { user, .. }
            | ServerEvent::StreamCreate(user, _)
            | ServerEvent::StreamClose(user, ..) => Some(user),
        }
    }

    /// The reason, close reason or type that it gives, if it gives one.
    pub const fn reason(&self) -> Option<u8> {
        match self.callback.what {
            ServerEvent::RoomClose(how) => Some(how.room_close_reason()),
            ServerEvent::RoomLogout { how, .. } => Some(how.room_logout_reason()),
            ServerEvent::StreamClose(_, _, how) => Some(how.stream_close_type()),
            ServerEvent::RoomCreate
            | ServerEvent::RoomLogin { .. }
            | ServerEvent::StreamCreate(..) => None,
        }
    }

    /// The room.
    pub const fn room(&self) -> RoomId {
        self.callback.room
    }
}

/// Writes the callbacks of the server, in the order in which the backend gets them.
pub fn write_server<W: io::Write>(
    scenario: &Scenario,
    deliveries: &[Delivery],
    to: W,
) -> io::Result<()> {
    let mut csv = writer(to);
    csv.write_record(SERVER_COLUMNS)?;
    for delivery in deliveries {
        csv.write_record(cells(scenario, delivery))?;
    }
    finish(csv)
}

fn cells(scenario: &Scenario, delivery: &Delivery) -> [String; SERVER_COLUMNS.len()] {
    let text = |it: Option<u32>| it.map(|it| it.to_string()).unwrap_or_default();
    let (session, seq, relogin) = match delivery.callback.what {
        ServerEvent::RoomLogin { session, seq, relogin, .. } => {
            (Some(session), Some(seq), Some(u32::from(relogin == Relogin::Yes)))
        }
        ServerEvent::RoomLogout { session, seq, .. } => (Some(session), Some(seq), None),
        ServerEvent::RoomCreate
        | ServerEvent::RoomClose(_)
        | ServerEvent::StreamCreate(..)
        | ServerEvent::StreamClose(..) => (None, None, None),
    };
    let stream = match delivery.callback.what {
        ServerEvent::StreamCreate(_, stream) | ServerEvent::StreamClose(_, stream, _) => {
            scenario.streams()[stream].clone()
        }
        ServerEvent::RoomCreate
        | ServerEvent::RoomClose(_)
        | ServerEvent::RoomLogin { .. }
        | ServerEvent::RoomLogout { .. } => String::new(),
    };
    [
        delivery.arrives_at.map(|it| it.to_string()).unwrap_or_default(),
        delivery.event().to_owned(),
        scenario.rooms()[delivery.room()].clone(),
        delivery.callback.room_session.to_string(),
        delivery.user().map(|it| scenario.users()[it].clone()).unwrap_or_default(),
        text(session),
        stream,
        text(relogin),
        text(delivery.reason().map(u32::from)),
        text(seq),
        delivery.made_at.to_string(),
        delivery.attempts.to_string(),
    ]
}
