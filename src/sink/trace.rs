//! The trace: every callback of a run, in canonical order.

use std::{borrow::Cow, fmt::Write as _, ops::Deref, slice, sync::OnceLock};

use sha2::{Digest as _, Sha256};

use crate::{
    id::{ClientId, Id, RoomId, TextId, UserId},
    link::network::NetworkMode,
    observe::{Callback, Observer, Seat, Stream, Subject},
    protocol::{
        call::CallKind,
        code::{ErrorCode, LegacyState, Status, Update},
    },
    scenario::{Label, Pattern, Scenario},
    sink::{
        line::{push_label, push_number, push_time},
        names::few,
        traced::Traced,
    },
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
    UserUpdate(Update, Users),
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

/// Some users; the most callbacks by far are about one, which takes no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Users {
    /// One.
    One(UserId),
    /// None, or more.
    Many(Box<[UserId]>),
}

impl From<&[UserId]> for Users {
    fn from(users: &[UserId]) -> Self {
        match users {
            [user] => Self::One(*user),
            _ => Self::Many(users.into()),
        }
    }
}

impl Deref for Users {
    type Target = [UserId];

    fn deref(&self) -> &[UserId] {
        match self {
            Self::One(user) => slice::from_ref(user),
            Self::Many(users) => users,
        }
    }
}

/// Collects the callbacks of those who are traced.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    traced: Traced,
    rows: Vec<Row>,
}

/// The callbacks of a run, of those who are traced: by time, then client, then the order in which the client was told.
#[derive(Clone, Debug)]
pub struct Trace {
    traced: Traced,
    rows: Vec<Row>,
    /// The indices of the rows, client by client, once somebody asks.
    by_client: OnceLock<Vec<u32>>,
    n_clients: usize,
    /// When the run ended.
    end: SimTime,
}

impl Observer for Recorder {
    fn callback(&mut self, at: SimTime, seat: Seat, room: Option<RoomId>, what: Callback<'_>) {
        if !self.traced.has(seat.client) {
            return;
        }
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
        self.rows.push(Row { at, client: seat.client, room, what });
    }
}

impl Recorder {
    /// A recorder of those who are traced.
    pub const fn of(traced: Traced) -> Self {
        Self { traced, rows: Vec::new() }
    }

    /// Takes what another recorder of the same clients has of other cells.
    pub fn join(&mut self, other: Self) {
        self.rows.extend(other.rows);
    }

    /// The trace of a run that has ended.
    pub fn finish(self, scenario: &Scenario) -> Trace {
        let Self { traced, mut rows } = self;
        // A client's own rows come in order, so cells may come in any order; the rows of each are
        // in order already, which the sort makes use of.
        rows.sort_by_key(|it| (it.at, it.client));
        let n_clients = scenario.n_clients();
        Trace { traced, rows, by_client: OnceLock::new(), n_clients, end: scenario.end() }
    }
}

/// The index of a row, as it is kept.
fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a trace has less than 2^32 rows")
}

/// The indices of rows, client by client.
fn by_client(rows: &[Row], n_clients: usize) -> Vec<u32> {
    if rows.len() < n_clients {
        let mut indices: Vec<u32> = (0..number(rows.len())).collect();
        indices.sort_by_key(|it| rows[*it as usize].client);
        return indices;
    }
    // Where the next row of each client goes.
    let mut places = vec![0_u32; n_clients + 1];
    for row in rows {
        places[row.client.index() + 1] += 1;
    }
    for client in 0..n_clients {
        places[client + 1] += places[client];
    }
    let mut indices = vec![0; rows.len()];
    for (index, row) in rows.iter().enumerate() {
        let place = &mut places[row.client.index()];
        indices[*place as usize] = number(index);
        *place += 1;
    }
    indices
}

impl Trace {
    /// All rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whose rows these are.
    pub const fn traced(&self) -> &Traced {
        &self.traced
    }

    /// When the run ended.
    pub const fn end(&self) -> SimTime {
        self.end
    }

    /// The rows of one client, with their indices.
    pub fn of(&self, client: ClientId) -> impl DoubleEndedIterator<Item = (usize, &Row)> {
        let of = |index: &u32| self.rows[*index as usize].client;
        let indices = self.by_client.get_or_init(|| by_client(&self.rows, self.n_clients));
        let first = indices.partition_point(|it| of(it) < client);
        let n = indices[first..].partition_point(|it| of(it) == client);
        let rows = indices[first..first + n].iter();
        rows.map(|it| (*it as usize, &self.rows[*it as usize]))
    }

    /// What the digest is called: that of a part must not be taken for that of all.
    pub const fn digest_name(&self) -> &'static str {
        match self.traced {
            Traced::All => "digest",
            Traced::Some(_) => "digest_of_traced",
        }
    }

    /// The SHA-256 of all rows as text: the same run, the same digest.
    pub fn digest(&self, scenario: &Scenario) -> String {
        let mut hash = Sha256::new();
        let mut text = Vec::new();
        for row in &self.rows {
            push_line(&mut text, scenario, row);
            if BLOCK <= text.len() {
                hash.update(&text);
                text.clear();
            }
        }
        hash.update(&text);
        hex(&hash.finalize())
    }
}

/// So many bytes of text are hashed at once.
const BLOCK: usize = 1 << 14;

/// A row as its digest has it.
fn push_line(to: &mut Vec<u8>, scenario: &Scenario, row: &Row) {
    push_time(to, row.at);
    let cell = |to: &mut Vec<u8>, label: Label<'_>| {
        to.push(b'\t');
        push_label(to, label);
    };
    cell(to, scenario.client_label(row.client));
    cell(to, row.room_label(scenario));
    cell(to, row.what.callback().into());
    cell(to, (&*row.what.value(scenario)).into());
    cell(to, "".into());
    if let Some(code) = row.what.code() {
        push_number(to, code.number().into());
    }
    cell(to, "".into());
    for (index, name) in row.what.names(scenario).enumerate() {
        if index != 0 {
            to.push(b';');
        }
        push_label(to, name);
    }
    // The older callback's state follows from the reason.
    let is_implied = matches!(row.what, What::StateChanged(_));
    let detail = if is_implied { Cow::Borrowed("") } else { row.what.detail(scenario) };
    if !detail.is_empty() {
        cell(to, (&*detail).into());
    }
    to.push(b'\n');
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

    /// The names of the users or streams that it is about.
    pub fn names<'a>(&'a self, scenario: &'a Scenario) -> impl Iterator<Item = Label<'a>> + Clone {
        let (users, streams): (&[UserId], &[Stream]) = match self {
            Self::UserUpdate(_, users) => (users, &[]),
            Self::StreamUpdate(_, streams) => (&[], streams),
            Self::ExtraInfo(user, ..) | Self::Broadcast(user, _) => (slice::from_ref(user), &[]),
            Self::StateChanged(_)
            | Self::OnlineCount(_)
            | Self::TokenWillExpire(_)
            | Self::NetworkMode(_)
            | Self::CallResult(..) => (&[], &[]),
        };
        let published = match self {
            Self::CallResult(_, _, Subject::Stream(stream)) => Some(*stream),
            Self::CallResult(_, _, Subject::None | Subject::Text(_))
            | Self::UserUpdate(..)
            | Self::StreamUpdate(..)
            | Self::ExtraInfo(..)
            | Self::Broadcast(..)
            | Self::StateChanged(_)
            | Self::OnlineCount(_)
            | Self::TokenWillExpire(_)
            | Self::NetworkMode(_) => None,
        };
        let streams = streams.iter().map(|it| it.stream).chain(published);
        let users = users.iter().map(|it| scenario.user_label(*it));
        users.chain(streams.map(|it| Label::from(&*scenario.streams()[it])))
    }

    /// The same, separated by `;`.
    pub fn subjects(&self, scenario: &Scenario) -> String {
        self.names(scenario).map(Cow::from).collect::<Vec<_>>().join(";")
    }

    /// The callback in a few words: `Reconnecting 1002051`, `DELETE A`.
    pub fn summary(&self, scenario: &Scenario) -> String {
        self.brief(scenario, usize::MAX)
    }

    /// The same, with so many names at most: `ADD A;B;+98`.
    pub fn brief(&self, scenario: &Scenario, n_max: usize) -> String {
        let value = self.value(scenario);
        let subjects = few(self.names(scenario).map(Cow::from), n_max);
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
        self.room_label(scenario).into()
    }

    /// The same, unwritten; empty if the callback is about none.
    pub fn room_label<'a>(&self, scenario: &'a Scenario) -> Label<'a> {
        self.room.map_or(Label { stem: "", number: None }, |it| scenario.room_label(it))
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
