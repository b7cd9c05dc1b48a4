//! The trace: every callback of a run, in canonical order.

use std::{borrow::Cow, fmt::Write as _};

use sha2::{Digest as _, Sha256};

use crate::{
    id::{ClientId, Id, RoomId, TextId, UserId},
    link::network::NetworkMode,
    observe::{Callback, Observer, Stream, Subject},
    protocol::{
        call::CallKind,
        code::{ErrorCode, LegacyState, Status, Update},
    },
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
    /// About which room, if about one.
    pub room: Option<RoomId>,
    /// What it was told.
    pub what: What,
}

/// What an app was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// `onRoomStateChanged`.
    StateChanged(Status),
    /// `onRoomUserUpdate`.
    UserUpdate(Update, Box<[UserId]>),
    /// `onRoomStreamUpdate`.
    StreamUpdate(Update, Box<[Stream]>),
    /// `onRoomOnlineUserCountUpdate`.
    OnlineCount(u32),
    /// `onRoomTokenWillExpire`.
    TokenWillExpire(u32),
    /// `onRoomExtraInfoUpdate`: who set it, key and value.
    ExtraInfo(UserId, TextId, TextId),
    /// `onIMRecvBroadcastMessage`: who sent it, and the text.
    Broadcast(UserId, TextId),
    /// `onNetworkModeChanged`.
    NetworkMode(NetworkMode),
    /// A call has its result.
    CallResult(CallKind, ErrorCode, Subject),
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
    fn callback(
        &mut self,
        at: SimTime,
        client: ClientId,
        room: Option<RoomId>,
        what: Callback<'_>,
    ) {
        let what = match what {
            Callback::StateChanged(status) => What::StateChanged(status),
            Callback::UserUpdate(update, users) => What::UserUpdate(update, users.into()),
            Callback::StreamUpdate(update, streams) => What::StreamUpdate(update, streams.into()),
            Callback::OnlineCount(n) => What::OnlineCount(n),
            Callback::TokenWillExpire(secs) => What::TokenWillExpire(secs),
            Callback::ExtraInfo(user, key, value) => What::ExtraInfo(user, key, value),
            Callback::Broadcast(user, text) => What::Broadcast(user, text),
            Callback::NetworkMode(mode) => What::NetworkMode(mode),
            Callback::CallResult(call, code, subject) => What::CallResult(call, code, subject),
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
        let mut by_client = vec![Vec::new(); scenario.n_clients()];
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
            let (client, room) = (scenario.client_name(row.client), row.room_name(scenario));
            let (callback, value) = (row.what.callback(), row.what.value(scenario));
            let code = row.what.code().map_or(String::new(), |it| it.to_string());
            let subjects = row.what.subjects(scenario);
            let time = row.at;
            // The older callback's state follows from the reason.
            let is_implied = matches!(row.what, What::StateChanged(_));
            let detail = if is_implied { Cow::Borrowed("") } else { row.what.detail(scenario) };
            let tab = if detail.is_empty() { "" } else { "\t" };
            writeln!(
                line,
                "{time}\t{client}\t{room}\t{callback}\t{value}\t{code}\t{subjects}{tab}{detail}"
            )
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
            Self::StateChanged(_) => "onRoomStateChanged",
            Self::UserUpdate(..) => "onRoomUserUpdate",
            Self::StreamUpdate(..) => "onRoomStreamUpdate",
            Self::OnlineCount(_) => "onRoomOnlineUserCountUpdate",
            Self::TokenWillExpire(_) => "onRoomTokenWillExpire",
            Self::ExtraInfo(..) => "onRoomExtraInfoUpdate",
            Self::Broadcast(..) => "onIMRecvBroadcastMessage",
            Self::NetworkMode(_) => "onNetworkModeChanged",
            Self::CallResult(call, ..) => call.name(),
        }
    }

    /// The reason, ADD or DELETE, or the number or word that is told.
    pub fn value<'a>(&self, scenario: &'a Scenario) -> Cow<'a, str> {
        match self {
            Self::StateChanged(status) => status.reason.name().into(),
            Self::UserUpdate(update, _) | Self::StreamUpdate(update, _) => update.name().into(),
            Self::OnlineCount(n) => n.to_string().into(),
            Self::TokenWillExpire(secs) => secs.to_string().into(),
            Self::ExtraInfo(_, _, text) | Self::Broadcast(_, text) => {
                scenario.texts()[*text].as_str().into()
            }
            Self::NetworkMode(mode) => mode.name().into(),
            Self::CallResult(_, ErrorCode::OK, _) => "Succeeded".into(),
            Self::CallResult(..) => "Failed".into(),
        }
    }

    /// What else the callback tells: the state of the older `onRoomStateUpdate`, why a stream
    /// went, the key of an extra info.
    pub fn detail<'a>(&self, scenario: &'a Scenario) -> Cow<'a, str> {
        match self {
            Self::StateChanged(status) => {
                status.reason.legacy().map_or("", LegacyState::name).into()
            }
            Self::StreamUpdate(Update::Delete, streams) => {
                let reasons = streams.iter().map(|it| it.how.stream_delete_reason().to_string());
                format!("stream_delete_reason {}", reasons.collect::<Vec<_>>().join(";")).into()
            }
            Self::ExtraInfo(_, key, _) => scenario.texts()[*key].as_str().into(),
            Self::CallResult(_, _, Subject::Text(text)) => scenario.texts()[*text].as_str().into(),
            Self::UserUpdate(..)
            | Self::StreamUpdate(Update::Add, _)
            | Self::OnlineCount(_)
            | Self::TokenWillExpire(_)
            | Self::Broadcast(..)
            | Self::NetworkMode(_)
            | Self::CallResult(_, _, Subject::None | Subject::Stream(_)) => "".into(),
        }
    }

    /// The error code, where the callback has one.
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::StateChanged(status) => Some(status.code),
            Self::CallResult(_, code, _) => Some(*code),
            Self::UserUpdate(..)
            | Self::StreamUpdate(..)
            | Self::OnlineCount(_)
            | Self::TokenWillExpire(_)
            | Self::ExtraInfo(..)
            | Self::Broadcast(..)
            | Self::NetworkMode(_) => None,
        }
    }

    /// The user who did what is told, where that is one user.
    const fn by(&self) -> Option<UserId> {
        match self {
            Self::ExtraInfo(user, ..) | Self::Broadcast(user, _) => Some(*user),
            Self::StateChanged(_)
            | Self::UserUpdate(..)
            | Self::StreamUpdate(..)
            | Self::OnlineCount(_)
            | Self::TokenWillExpire(_)
            | Self::NetworkMode(_)
            | Self::CallResult(..) => None,
        }
    }

    /// The names of the users or streams that it is about, separated by `;`.
    pub fn subjects(&self, scenario: &Scenario) -> String {
        match self {
            Self::UserUpdate(_, users) => {
                let names: Vec<_> = users.iter().map(|it| scenario.user_name(*it)).collect();
                names.join(";")
            }
            Self::StreamUpdate(_, streams) => {
                let name = |it: &Stream| &*scenario.streams()[it.stream];
                let names: Vec<&str> = streams.iter().map(name).collect();
                names.join(";")
            }
            Self::ExtraInfo(user, ..) | Self::Broadcast(user, _) => {
                scenario.user_name(*user).into_owned()
            }
            Self::CallResult(_, _, Subject::Stream(stream)) => scenario.streams()[*stream].clone(),
            Self::StateChanged(_)
            | Self::OnlineCount(_)
            | Self::TokenWillExpire(_)
            | Self::NetworkMode(_)
            | Self::CallResult(_, _, Subject::None | Subject::Text(_)) => String::new(),
        }
    }

    /// The callback in a few words: `Reconnecting 1002051`, `DELETE A`.
    pub fn summary(&self, scenario: &Scenario) -> String {
        let (value, subjects) = (self.value(scenario), self.subjects(scenario));
        match self {
            Self::StateChanged(status) => format!("{value} {}", status.code),
            Self::UserUpdate(..) => format!("{value} {subjects}"),
            Self::StreamUpdate(Update::Add, _) => format!("{value} stream {subjects}"),
            Self::StreamUpdate(Update::Delete, streams) => {
                let reason = streams[0].how.stream_delete_reason();
                format!("{value} stream {subjects} (reason {reason})")
            }
            Self::OnlineCount(_) => format!("{value} users online"),
            Self::TokenWillExpire(_) => format!("token expires in {value} s"),
            Self::ExtraInfo(..) => {
                format!("extra info {}={value} by {subjects}", self.detail(scenario))
            }
            Self::Broadcast(..) => format!("message of {subjects}: {value}"),
            Self::NetworkMode(_) => format!("network {value}"),
            Self::CallResult(call, code, _) => {
                let subject = [" ", &*subjects, " ", &self.detail(scenario)].concat();
                let subject = subject.trim();
                let of = if subject.is_empty() { String::new() } else { format!(" ({subject})") };
                format!("{} {value} {code}{of}", call.name())
            }
        }
    }
}

impl Row {
    /// The name of the room, if the callback is about one.
    pub fn room_name<'a>(&self, scenario: &'a Scenario) -> Cow<'a, str> {
        self.room.map_or(Cow::Borrowed(""), |it| scenario.room_name(it))
    }

    /// Whether an expectation's pattern means this callback.
    pub fn matches(&self, scenario: &Scenario, pattern: &Pattern) -> bool {
        let in_room = |room: &Option<RoomId>| room.is_none() || *room == self.room;
        match pattern {
            Pattern::Any => true,
            Pattern::StateChanged { reason, code, room } => {
                let What::StateChanged(is) = &self.what else { return false };
                reason.is_none_or(|it| it == is.reason)
                    && code.is_none_or(|it| it == is.code.number())
                    && in_room(room)
            }
            Pattern::UserUpdate { update, users, room } => {
                let What::UserUpdate(is, of) = &self.what else { return false };
                update.is_none_or(|it| it == *is)
                    && users.iter().all(|it| of.contains(it))
                    && in_room(room)
            }
            Pattern::StreamUpdate { update, streams, reason, room } => {
                let What::StreamUpdate(is, of) = &self.what else { return false };
                let meant = |it: &&Stream| streams.is_empty() || streams.contains(&it.stream);
                let has_reason = |it: &Stream| {
                    let is_gone = *is == Update::Delete;
                    reason.is_none_or(|it_is| is_gone && it_is == it.how.stream_delete_reason())
                };
                update.is_none_or(|it| it == *is)
                    && streams.iter().all(|it| of.iter().any(|is| is.stream == *it))
                    && of.iter().filter(meant).all(has_reason)
                    && in_room(room)
            }
            Pattern::Told { callback, value, user, code, room } => {
                *callback == self.what.callback()
                    && value.as_ref().is_none_or(|it| *it == self.what.value(scenario))
                    && user.is_none_or(|it| self.what.by() == Some(it))
                    && code.is_none_or(|it| self.what.code().is_some_and(|is| is.number() == it))
                    && in_room(room)
            }
        }
    }
}
