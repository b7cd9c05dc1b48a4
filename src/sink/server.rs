//! What the developer's backend is told by the server, and when: `server.csv`.

use std::io;

use crate::{
    observe::{Delivery, Observer},
    protocol::backend::{Relogin, ServerEvent},
    scenario::Scenario,
    sink::csv::{finish, writer},
};

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

/// Collects the server's callbacks.
#[derive(Clone, Debug, Default)]
pub struct ServerRecorder {
    deliveries: Vec<Delivery>,
}

impl Observer for ServerRecorder {
    fn server_callback(&mut self, delivery: Delivery) {
        self.deliveries.push(delivery);
    }
}

impl ServerRecorder {
    /// Takes what another recorder has of other cells.
    pub fn join(&mut self, other: Self) {
        self.deliveries.extend(other.deliveries);
    }

    /// All callbacks in the order in which they arrive; those that do not come last.
    pub fn finish(mut self) -> Vec<Delivery> {
        self.deliveries.sort_by_key(|it| {
            let room = it.callback.room;
            (it.arrives_at.is_none(), it.arrives_at, it.made_at, room, it.number)
        });
        self.deliveries
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
        delivery.callback.event().to_owned(),
        scenario.room_name(delivery.callback.room).into_owned(),
        delivery.callback.room_session.to_string(),
        delivery.callback.user().map(|it| scenario.user_name(it).into_owned()).unwrap_or_default(),
        text(session),
        stream,
        text(relogin),
        text(delivery.callback.reason().map(u32::from)),
        text(seq),
        delivery.made_at.to_string(),
        delivery.attempts.to_string(),
    ]
}
