//! The trace: every callback of a run, in canonical order.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::{
    id::{ClientId, Id, RoomId, UserId},
    observe::{Callback, Observer},
    protocol::code::{ErrorCode, LegacyState, Reason, Update},
    scenario::{Pattern, Scenario},
    time::SimTime,
};

/// One callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// When the app was told.
    pub at: SimTime,
    /// Which client's app.
    pub client: ClientId,
    /// About which room.
    pub room: RoomId,
    /// What it was told.
    pub what: What,
}

/// What an app was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `onRoomStateChanged`.
    StateChanged(Reason, ErrorCode),
    /// `onRoomUserUpdate`.
    UserUpdate(Update, Box<[UserId]>),
    /// `loginRoom` returned an error and changed nothing.
    LoginRoomFailed(ErrorCode),
}

/// Collects all callbacks.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    rows: Vec<Row>,
}

/// All callbacks of a run: by time, then client, then the order in which the client was told.
#[derive(Clone, Debug)]
pub struct Trace {
    rows: Vec<Row>,
    /// The rows of each client, in order.
    by_client: Vec<Vec<usize>>,
    /// When the run ended.
    end: SimTime,
}

impl Observer for Recorder {
    fn callback(&mut self, at: SimTime, client: ClientId, room: RoomId, what: Callback<'_>) {
        let what = match what {
            Callback::StateChanged(reason, code) => What::StateChanged(reason, code),
            Callback::UserUpdate(update, users) => What::UserUpdate(update, users.into()),
            Callback::LoginRoomFailed(code) => What::LoginRoomFailed(code),
        };
        self.rows.push(Row { at, client, room, what });
    }
}

impl Recorder {
    /// Takes what another recorder has of other cells.
    pub fn join(&mut self, other: Self) {
        self.rows.extend(other.rows);
    }

    /// The trace of a run that has ended.
    pub fn finish(mut self, scenario: &Scenario) -> Trace {
        // Stable, and a client's own rows come in order: so cells may come in any order.
        self.rows.sort_by_key(|it| (it.at, it.client));
        let mut by_client = vec![Vec::new(); scenario.clients().len()];
        for (index, row) in self.rows.iter().enumerate() {
            by_client[row.client.index()].push(index);
        }
        Trace { rows: self.rows, by_client, end: scenario.end() }
    }
}

impl Trace {
    /// All rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// When the run ended.
    pub const fn end(&self) -> SimTime {
        self.end
    }

    /// The rows of one client, with their indices.
    pub fn of(&self, client: ClientId) -> impl DoubleEndedIterator<Item = (usize, &Row)> {
        self.by_client[client.index()].iter().map(|it| (*it, &self.rows[*it]))
    }

    /// The SHA-256 of all rows as text: the same run, the same digest.
    pub fn digest(&self, scenario: &Scenario) -> String {
        let mut hash = Sha256::new();
        let mut line = String::new();
        for row in &self.rows {
            line.clear();
            let (client, room) =
                (&scenario.clients()[row.client].name, &scenario.rooms()[row.room]);
            let (callback, value) = (row.what.callback(), row.what.value());
            let code = row.what.code().map_or(String::new(), |it| it.to_string());
            let subjects = row.what.subjects(scenario);
            let time = row.at;
            writeln!(line, "{time}\t{client}\t{room}\t{callback}\t{value}\t{code}\t{subjects}")
                .expect("text can be written to a string");
            hash.update(line.as_bytes());
        }
        hex(&hash.finalize())
    }
}

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text can be written to a string");
        text
    })
}

impl What {
    /// The SDK's name of the callback, or of the call.
    pub const fn callback(&self) -> &'static str {
        match self {
            Self::StateChanged(..) => "onRoomStateChanged",
            Self::UserUpdate(..) => "onRoomUserUpdate",
            Self::LoginRoomFailed(_) => "loginRoom",
        }
    }

    /// The reason, or ADD or DELETE.
    pub const fn value(&self) -> &'static str {
        match self {
            Self::StateChanged(reason, _) => reason.name(),
            Self::UserUpdate(update, _) => update.name(),
            Self::LoginRoomFailed(_) => "Failed",
        }
    }

    /// What else the callback tells: the state of the older `onRoomStateUpdate`.
    pub fn detail(&self) -> &'static str {
        match self {
            Self::StateChanged(reason, _) => reason.legacy().map_or("", LegacyState::name),
            Self::UserUpdate(..) | Self::LoginRoomFailed(_) => "",
        }
    }

    /// The error code, where the callback has one.
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::StateChanged(_, code) | Self::LoginRoomFailed(code) => Some(*code),
            Self::UserUpdate(..) => None,
        }
    }

    /// The names of the users it is about, separated by `;`.
    pub fn subjects(&self, scenario: &Scenario) -> String {
        match self {
            Self::UserUpdate(_, users) => {
                let names: Vec<&str> = users.iter().map(|it| &*scenario.users()[*it]).collect();
                names.join(";")
            }
            Self::StateChanged(..) | Self::LoginRoomFailed(_) => String::new(),
        }
    }

    /// The value with the code or the users: `Reconnecting 1002051`, `DELETE A`.
    pub fn summary(&self, scenario: &Scenario) -> String {
        match self {
            Self::StateChanged(reason, code) => format!("{} {code}", reason.name()),
            Self::UserUpdate(update, _) => format!("{} {}", update.name(), self.subjects(scenario)),
            Self::LoginRoomFailed(code) => format!("loginRoom Failed {code}"),
        }
    }
}

impl Row {
    /// Whether an expectation's pattern means this callback.
    pub fn matches(&self, pattern: &Pattern) -> bool {
        let in_room = |room: &Option<RoomId>| room.is_none_or(|it| it == self.room);
        match (pattern, &self.what) {
            (Pattern::Any, _) => true,
            (Pattern::StateChanged { reason, code, room }, What::StateChanged(is, with)) => {
                reason.is_none_or(|it| it == *is)
                    && code.is_none_or(|it| it == with.number())
                    && in_room(room)
            }
            (Pattern::UserUpdate { update, users, room }, What::UserUpdate(is, of)) => {
                update.is_none_or(|it| it == *is)
                    && users.iter().all(|it| of.contains(it))
                    && in_room(room)
            }
            (Pattern::LoginRoomFailed { code }, What::LoginRoomFailed(with)) => {
                code.is_none_or(|it| it == with.number())
            }
            (
                Pattern::StateChanged { .. }
                | Pattern::UserUpdate { .. }
                | Pattern::LoginRoomFailed { .. },
                What::StateChanged(..) | What::UserUpdate(..) | What::LoginRoomFailed(_),
            ) => false,
        }
    }
}
