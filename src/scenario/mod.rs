//! A scenario: who takes part, under which rules, what happens, and what is expected of it.
//!
//! A [`Scenario`] can only be had from [`Scenario::parse`] or [`Scenario::parse_with`], so there is
//! none that is wrong.
//! It knows nothing of how it is run.

mod broad;
mod calls;
mod cast;
mod changes;
mod crowd;
mod expect;
pub mod fault;
mod files;
mod links;
mod name;
mod outage;
pub mod parameter;
mod parse;
mod population;
mod presets;
pub mod profile;
mod read;
mod rooms;
mod script;
pub mod server;
pub mod settings;
mod value;
mod who;
mod whom;

pub use broad::{Broad, Share};
pub use cast::{Gear, Label};
pub use files::ReadFile;
pub use outage::{Distribution, Outage, OutageKind, OutageProcess};
pub use parse::{CLIENTS_MAX, DURATION_MAX, FILE_MAX, text_of};
pub use population::Population;
pub use server::Noticed;
pub use who::{Entry, EntryOf};

use crate::{
    id::{ClientId, Id, IdVec, LinkId, RoomId, StreamId, TextId, UserId},
    link::{Cut, LinkModel, PathModel, network::NetworkMode},
    protocol::{
        call::{AppEvent, Call, CallKind},
        code::{ErrorCode, Reason, Update},
        rules::Rules,
        server::Order,
    },
    scenario::{profile::Profile, rooms::Rooms, server::ServerSpec},
    time::{Clock, SimSpan, SimTime},
};

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name, which is also that of its results' folder.
    name: String,
    /// The seed of its draws, unless a run is given another.
    seed: u64,
    /// When the run ends.
    end: SimTime,
    /// The profile that it names, with its own changes.
    profile: Profile,
    /// The kinds of links: those of the file, then those on the way from one to another.
    links: IdVec<LinkId, LinkSpec>,
    /// The clients that the file names, in order.
    clients: IdVec<ClientId, ClientSpec>,
    /// The entries of the file that clients come from, those of populations last.
    entries: Vec<Entry>,
    /// The names of their users.
    users: IdVec<UserId, String>,
    /// The clients that come after them, alike in each population.
    populations: Vec<Population>,
    /// The rooms.
    rooms: Rooms,
    /// The streams' names.
    streams: IdVec<StreamId, String>,
    /// The texts of messages and extra infos.
    texts: IdVec<TextId, String>,
    /// The way of the server's callbacks to the developer's backend, if there is one.
    backend: Option<PathModel>,
    /// What the server bears, if there is an end to it.
    server: Option<ServerSpec>,
    /// What happens, in the order in which it happens.
    script: Vec<Step>,
    /// What happens to many clients alike, in the order in which it happens.
    broad: Vec<Broad>,
    /// The named instants.
    marks: Vec<Mark>,
    /// What is expected, in order of the file.
    expectations: Vec<Expectation>,
    /// The order in which they can be judged: each after those whose marks it names.
    order: Vec<usize>,
}

/// A kind of link.
#[derive(Clone, Debug)]
pub struct LinkSpec {
    /// Its name.
    pub name: String,
    /// Its conditions.
    pub model: LinkModel,
    /// By what a device reaches the network over it, if its app listens to that.
    pub network: Option<NetworkMode>,
    /// Whether all clients on it pass the same bottlenecks.
    pub shared: bool,
}

/// A device that takes part.
#[derive(Clone, Debug)]
pub struct ClientSpec {
    /// Its name.
    pub name: String,
    /// Whose device it is.
    pub user: UserId,
    /// The kind of its link at the start.
    pub link: LinkId,
    /// Why the SDK does not take its user's name, if it does not.
    pub bad_name: Option<ErrorCode>,
    /// How its clock runs.
    pub clock: Clock,
    /// Whether it may be in several rooms.
    pub mode: RoomMode,
    /// The streams that it ever publishes.
    pub streams: Vec<StreamId>,
}

/// Whether a client may be in several rooms at once (`setRoomMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomMode {
    /// In one.
    Single,
    /// In several, each with a login of its own (spec: R47).
    Multi,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: SimTime,
    /// What.
    pub action: Action,
}

/// What the script does.
///
/// At one instant outages and refusals begin first, then others end and apps go on, then calls are
/// made: so outages that follow on each other leave no gap, and a call made when the link is cut
/// finds it cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A client's outage begins.
    OutageBegins(ClientId, Outage),
    /// A client's outage ends.
    OutageEnds(ClientId, Outage),
    /// A client's link becomes one of another kind, in some directions.
    ChangeLink(ClientId, LinkId, Cut),
    /// A client's device reaches the network over a link of another kind, by another address.
    ChangeNetwork(ClientId, LinkId),
    /// The node of the server that a client is connected to crashes.
    NodeCrash(ClientId, Noticed),
    /// A client's connections to the server are reset.
    ConnectionReset(ClientId),
    /// A client has outages by chance from now on.
    RandomOutages(ClientId, OutageProcess),
    /// Something happens to the server itself.
    Server(ServerEvent),
    /// The server begins to refuse a client's logins.
    RefusalBegins(ClientId, ErrorCode),
    /// The server lets a client log in again.
    RefusalEnds(ClientId, ErrorCode),
    /// Something happens to a client's app.
    App(ClientId, AppEvent),
    /// A client's app calls the SDK.
    Call(ClientId, Call),
    /// A client's app calls the SDK, which refuses what it is called with.
    Refused(ClientId, Refusal),
    /// The developer's backend gives the server an order.
    Order(Order),
}

/// A call that the SDK refuses by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The call.
    pub call: CallKind,
    /// The room that it names.
    pub room: Option<RoomId>,
    /// The text that it is about.
    pub text: Option<TextId>,
    /// The code with which it is refused.
    pub code: ErrorCode,
}

/// Something that happens to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// It stops: it neither hears nor sends.
    Stop(Noticed),
    /// It starts again.
    Start(ServerMemory),
    /// Its work on a login takes this long from now on.
    SlowBegins(SimSpan),
    /// It takes no longer this long, but as long as before.
    SlowEnds(SimSpan),
}

/// Whether a server that starts again knows what it knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMemory {
    /// It does; leases begin anew.
    Kept,
    /// It does not: nobody is in any room.
    Lost,
}

/// A named instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its name, such as `T4'`.
    pub name: String,
    /// What it is the instant of.
    pub of: MarkOf,
}

/// What a mark is the instant of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkOf {
    /// A step of the script, which concerns these clients.
    Step(SimTime, Vec<ClientId>),
    /// The callback that meets the expectation with this index.
    Expectation(usize),
}

/// The index of a mark.
pub type MarkIndex = usize;

/// Something that is expected of a run.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Where it stands in the file.
    pub pointer: String,
    /// The name of the instant at which it is met.
    pub mark: Option<MarkIndex>,
    /// Who is meant: each of these clients by itself.
    pub clients: Clients,
    /// How the file names them.
    pub who: String,
    /// The callback that is meant.
    pub pattern: Pattern,
    /// When it is expected, or not.
    pub when: When,
}

/// One client, or those of a group or a population: they stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clients {
    first: usize,
    count: usize,
}

impl Clients {
    /// The first of them.
    pub fn first(self) -> ClientId {
        ClientId::from_index(self.first)
    }

    /// How many there are; at least one.
    pub const fn count(self) -> usize {
        self.count
    }

    /// Their ids: from the first to before the second.
    pub const fn bounds(self) -> (usize, usize) {
        (self.first, self.first + self.count)
    }

    /// The clients, in order.
    pub fn iter(self) -> impl Iterator<Item = ClientId> {
        (self.first..self.first + self.count).map(ClientId::from_index)
    }
}

/// When a callback is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// One comes at this instant, give or take.
    At(Instant, SimSpan),
    /// One comes in this time, both ends included.
    Between(Instant, Instant),
    /// None comes in this time, both ends included.
    Never(Instant, Instant),
}

impl When {
    /// The marks on which it hangs.
    pub fn marks(&self) -> impl Iterator<Item = MarkIndex> + use<> {
        let instants = match self {
            Self::At(at, _) => [Some(*at), None],
            Self::Between(from, to) | Self::Never(from, to) => [Some(*from), Some(*to)],
        };
        instants.into_iter().flatten().filter_map(|it| it.mark)
    }
}

/// An instant as a scenario names it: a mark, or the start of the run, and an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instant {
    /// The mark; the start of the run without one.
    pub mark: Option<MarkIndex>,
    /// What is added, in microseconds.
    pub offset: i64,
}

/// Which callbacks are meant.  A part that is left open matches all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Any callback at all.
    Any,
    /// `onRoomStateChanged`.
    StateChanged {
        /// With this reason.
        reason: Option<Reason>,
        /// With this code.
        code: Option<u32>,
        /// Of this room.
        room: Option<RoomId>,
    },
    /// `onRoomUserUpdate`.
    UserUpdate {
        /// Of this kind.
        update: Option<Update>,
        /// That names all of these users.
        users: Vec<UserId>,
        /// Of this room.
        room: Option<RoomId>,
    },
    /// `onRoomStreamUpdate`.
    StreamUpdate {
        /// Of this kind.
        update: Option<Update>,
        /// That names all of these streams.
        streams: Vec<StreamId>,
        /// With this delete reason.
        reason: Option<u8>,
        /// Of this room.
        room: Option<RoomId>,
    },
    /// A callback that tells a word or a number, or a call's result.
    Told {
        /// The SDK's name of the callback or the call.
        callback: &'static str,
        /// Telling this.
        value: Option<String>,
        /// By this user.
        user: Option<UserId>,
        /// With this code.
        code: Option<u32>,
        /// Of this room.
        room: Option<RoomId>,
    },
}

impl Scenario {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The seed of its draws, unless a run is given another.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// When the run ends.
    pub const fn end(&self) -> SimTime {
        self.end
    }

    /// The profile that it names, with its own changes.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The parameters, with the scenario's own changes.
    pub const fn rules(&self) -> &Rules {
        self.profile.rules()
    }

    /// The kinds of links.
    pub const fn links(&self) -> &IdVec<LinkId, LinkSpec> {
        &self.links
    }

    /// The streams' names.
    pub const fn streams(&self) -> &IdVec<StreamId, String> {
        &self.streams
    }

    /// The texts of messages and extra infos.
    pub const fn texts(&self) -> &IdVec<TextId, String> {
        &self.texts
    }

    /// The way of the server's callbacks to the developer's backend, if there is one.
    pub const fn backend(&self) -> Option<&PathModel> {
        self.backend.as_ref()
    }

    /// What the server bears, if there is an end to it.
    pub const fn server(&self) -> Option<&ServerSpec> {
        self.server.as_ref()
    }

    /// What happens to many clients alike, in the order in which it happens.
    pub fn broad(&self) -> &[Broad] {
        &self.broad
    }

    /// What happens to clients that are named, and to rooms and the server, in the order in which
    /// it happens.
    pub fn script(&self) -> &[Step] {
        &self.script
    }

    /// The named instants.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// What is expected, in order of the file.
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// The indices of the expectations in an order in which each comes after those whose marks
    /// it names.
    pub fn judging_order(&self) -> &[usize] {
        &self.order
    }
}

impl Pattern {
    /// A pattern of the same kind of callback that leaves all else open.
    #[must_use]
    pub fn loosened(&self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::StateChanged { .. } => {
                Self::StateChanged { reason: None, code: None, room: None }
            }
            Self::UserUpdate { .. } => {
                Self::UserUpdate { update: None, users: Vec::new(), room: None }
            }
            Self::StreamUpdate { .. } => {
                let (update, streams, reason, room) = (None, Vec::new(), None, None);
                Self::StreamUpdate { update, streams, reason, room }
            }
            Self::Told { callback, .. } => {
                Self::Told { callback, value: None, user: None, code: None, room: None }
            }
        }
    }
}
