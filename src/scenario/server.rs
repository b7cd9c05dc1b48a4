//! What the server bears: its nodes, their workers, and how long these work on what.

use std::collections::BTreeMap;

use crate::{
    id::{Id as _, RoomId},
    link::delay::{Delay, Spread, exponential},
    protocol::{gate::Rate, message::Kind, station::Capacity},
    scenario::{
        parse::{DURATION_MAX, Draft},
        read::{Fields, Node},
        value,
    },
    time::SimSpan,
};

/// The most nodes of a server.
const NODES_MAX: u64 = 10_000;
/// The most workers of a node.
const WORKERS_MAX: u64 = 100_000;

/// What clients say, and two words for several of it: by these names a time of work is given.
const WORK: [&str; 11] = [
    "login",
    "logout",
    "heartbeat",
    "ask_roster",
    "ack_roster",
    "ack_kick",
    "probe",
    "errands",
    "ask_count",
    "roster",
    "other",
];

/// A server whose nodes bear so much and no more.
#[derive(Clone, Debug)]
pub struct ServerSpec {
    n_nodes: u32,
    /// What each node bears.
    pub capacity: Capacity,
    /// How long a worker works on each kind of message; those without are no work.
    work: [Option<Work>; Kind::ALL.len()],
    /// What becomes of a message for which there is no place.
    pub full: Full,
    /// How long a worker works on each notice that the node sends, if that is work.
    pub fan_out: Option<SimSpan>,
    /// How many logins a node takes up, if not all.
    pub login_gate: Option<Rate>,
    /// The nodes of those rooms that are placed, by number from 1 on.
    places: BTreeMap<RoomId, u32>,
}

/// How clients notice that their connections to the server are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// The connections are reset, which clients are told one way later.
    AtOnce,
    /// Nobody tells them.
    BySilence,
}

/// How long some work takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Always as long.
    Fixed(SimSpan),
    /// Exponentially distributed, with this mean.
    Exponential(SimSpan),
    /// By a table.
    Table(Delay),
}

/// What becomes of a message for which there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// It is lost.
    Drop,
    /// A login is refused for now; all else is lost.
    Refuse,
}

impl Work {
    /// How long it takes, with the draw that is made if it is needed.
    pub fn of(&self, draw: impl FnOnce() -> u32) -> SimSpan {
        let span = match self {
            Self::Fixed(span) => *span,
            Self::Exponential(mean) => exponential(*mean, draw()),
            Self::Table(delay) => delay.of(draw()),
        };
        // What is longer than any run is as good as that.
        span.min(DURATION_MAX)
    }
}

impl ServerSpec {
    /// How many nodes there are.
    pub const fn n_nodes(&self) -> u32 {
        self.n_nodes
    }

    /// The work that a message of this kind is, if it is any.
    pub const fn work(&self, kind: Kind) -> Option<&Work> {
        self.work[kind as usize].as_ref()
    }

    /// The number of the node of a room, from 1 on: rooms go round the nodes, unless placed.
    pub fn node_of(&self, room: RoomId) -> u32 {
        let place = self.places.get(&room).copied();
        place.unwrap_or_else(|| {
            let place = room.index() % self.n_nodes as usize;
            u32::try_from(place).expect("below the number of nodes") + 1
        })
    }
}

impl<'a> Draft<'a> {
    /// What the server bears.
    pub(super) fn server(&mut self, at: Node<'a>) -> Option<ServerSpec> {
        let known =
            ["nodes", "place", "workers", "service", "queue", "full", "fan_out", "login_gate"];
        let mut fields = self.reader.fields(at, &known)?;
        let nodes = fields.optional("nodes").map(|it| self.number(&it, 1..=NODES_MAX));
        let n_nodes = nodes.unwrap_or(Some(1));
        let places = fields.optional("place").map(|it| self.places(&it, n_nodes));
        let workers = fields.required(&mut self.reader, "workers");
        let workers = workers.and_then(|it| self.number(&it, 1..=WORKERS_MAX));
        let service = fields.optional("service").map(|it| self.service(it));
        let queue = fields.optional("queue").map(|it| self.number(&it, 0..=u64::from(u32::MAX)));
        let words = [("drop", Full::Drop), ("refuse", Full::Refuse)];
        let full = fields.optional("full").map(|it| self.reader.word(&it, &words));
        let fan_out = fields.optional("fan_out").map(|it| self.span_of_work(&it));
        let gate = fields.optional("login_gate").map(|it| value::rate(&mut self.reader, &it));
        Some(ServerSpec {
            n_nodes: n_nodes?,
            capacity: Capacity { workers: workers?, queue: queue.unwrap_or(Some(u32::MAX))? },
            work: service.unwrap_or(Some([const { None }; Kind::ALL.len()]))?,
            full: full.unwrap_or(Some(Full::Drop))?,
            fan_out: match fan_out {
                None => None,
                Some(span) => Some(span?),
            },
            login_gate: match gate {
                None => None,
                Some(rate) => Some(rate?),
            },
            places: places.unwrap_or_default(),
        })
    }

    /// Which rooms are on which nodes.
    fn places(&mut self, at: &Node<'a>, n_nodes: Option<u32>) -> BTreeMap<RoomId, u32> {
        let mut places = BTreeMap::new();
        for (name, node) in self.reader.entries(at).unwrap_or_default() {
            let room = self.room_named(&node, name);
            let place = n_nodes.and_then(|it| self.number(&node, 1..=u64::from(it)));
            if let (Some(room), Some(place)) = (room, place) {
                places.insert(room, place);
            }
        }
        places
    }

    /// How long each kind of message is worked on: what is named by itself goes before what is
    /// named with others.
    fn service(&mut self, at: Node<'a>) -> Option<[Option<Work>; Kind::ALL.len()]> {
        let mut fields = self.reader.fields(at, &WORK)?;
        let n_faults = self.reader.n_faults();
        let mut given: BTreeMap<&str, Work> = BTreeMap::new();
        for name in WORK {
            if let Some(work) = fields.optional(name).and_then(|it| self.work(it)) {
                given.insert(name, work);
            }
        }
        let of = |kind: Kind| {
            let names = match kind {
                Kind::AskRoster | Kind::AckRoster => [kind.name(), "roster", "other"],
                Kind::Login
                | Kind::Logout
                | Kind::Heartbeat
                | Kind::AckKick
                | Kind::Probe
                | Kind::Errands
                | Kind::AskCount => [kind.name(), "other", "other"],
                // The server's own.
                Kind::LoginAccepted
                | Kind::LoginRejected
                | Kind::LogoutAccepted
                | Kind::HeartbeatAck
                | Kind::SessionGone
                | Kind::Roster
                | Kind::Kicked
                | Kind::ErrandsDone
                | Kind::Count
                | Kind::Reset => return None,
            };
            names.iter().find_map(|it| given.get(it)).cloned()
        };
        (n_faults == self.reader.n_faults()).then(|| Kind::ALL.map(of))
    }

    fn work(&mut self, at: Node<'a>) -> Option<Work> {
        const KINDS: [&str; 4] = ["fixed", "exponential", "table", "file"];
        let known = [&KINDS[..], &["scale"]].concat();
        let mut fields = self.reader.fields(at, &known)?;
        let given = KINDS.map(|it| fields.optional(it).map(|node| (it, node)));
        let given: Vec<_> = given.into_iter().flatten().collect();
        let n_given = given.len();
        let Ok([(kind, node)]) = <[_; 1]>::try_from(given) else {
            let problem = format!("expected one of these fields, found {n_given}");
            let remedy = "write exactly one of `fixed`, `exponential`, `table`, `file`";
            self.reader.fault(fields.node(), problem, remedy);
            return None;
        };
        match kind {
            "fixed" | "exponential" => {
                if let Some(scale) = fields.optional("scale") {
                    let problem = format!("`{kind}` has no scale");
                    self.reader.fault(&scale, problem, "leave it out, or write a `table`");
                }
                let span = self.span_of_work(&node)?;
                Some(if kind == "fixed" { Work::Fixed(span) } else { Work::Exponential(span) })
            }
            "table" => {
                let spread = self.table(&node);
                self.scaled(&mut fields, spread)
            }
            _ => {
                let spread = self.table_file(&node);
                self.scaled(&mut fields, spread)
            }
        }
    }

    fn scaled(&mut self, fields: &mut Fields<'a>, spread: Option<Spread>) -> Option<Work> {
        let scale = fields.required(&mut self.reader, "scale");
        let jitter = scale.and_then(|it| self.span_of_work(&it))?;
        Some(Work::Table(Delay { mean: SimSpan::ZERO, jitter, spread: spread? }))
    }

    /// The same limit as for a delay.
    fn span_of_work(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let span = self.reader.span(at)?;
        if WORK_MAX < span {
            let problem = format!("a worker would work for {span} on a message");
            self.reader.fault(at, problem, format!("at most {WORK_MAX} is simulated"));
            return None;
        }
        Some(span)
    }
}

/// The longest work on a message, as a mean.
const WORK_MAX: SimSpan = SimSpan::from_secs(600);
