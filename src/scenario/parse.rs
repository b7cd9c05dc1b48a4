//! From the text of a file to a [`Scenario`], or to all that is wrong with it.
//!
//! This file reads the frame and who takes part; rules, script and expectations have their own.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::{ClientId, Id, IdVec, LinkId, RoomId, StreamId, TextId, UserId},
    protocol::{
        call::{Call, Notify},
        rules::{Lengths, Rules},
    },
    scenario::{
        Action, ClientSpec, Clients, Entry, LinkSpec, Mark, MarkIndex, Population, Scenario,
        fault::{Fault, excerpt, suggest},
        files::{Files, ReadFile},
        name::{self, NameOf},
        parameter,
        read::{Node, Reader, syntax},
        rooms::Rooms,
        script::Script,
    },
    time::{SimSpan, SimTime},
};

/// The largest file that is read, in bytes.
pub const FILE_MAX: usize = 64 << 20;
/// The longest run: time must fit the engine's words with room for a deadline.
pub const DURATION_MAX: SimSpan = SimSpan::from_secs(10 * 86_400);
/// The most clients of a scenario, all groups together.
pub const CLIENTS_MAX: u64 = 1_000_000;
/// The most heartbeats, or attempts to log in, of a run: some hours of computing.
const TICKS_MAX: u128 = 100_000_000_000;
/// The most names in all callbacks of a run: 4 bytes each in memory, and more on disk.
const NAMES_MAX: u128 = 500_000_000;

/// What names mean, as far as they have been read.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub(super) links: BTreeMap<&'a str, LinkId>,
    /// Whether there are any: without, using them is not a second fault.
    pub(super) has_links: bool,
    /// Clients and groups.
    pub(super) clients: BTreeMap<&'a str, Clients>,
    pub(super) users: BTreeMap<String, UserId>,
    /// Regions, or access points: clients that are named together.
    pub(super) regions: BTreeMap<&'a str, (Node<'a>, Vec<Clients>)>,
    rooms: BTreeMap<&'a str, RoomId>,
    pub(super) streams: BTreeMap<String, StreamId>,
    pub(super) texts: BTreeMap<&'a str, TextId>,
    marks: BTreeMap<&'a str, MarkIndex>,
}

/// A scenario in the making.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) files: Files<'a>,
    pub(super) names: Names<'a>,
    pub(super) end: SimTime,
    pub(super) links: IdVec<LinkId, LinkSpec>,
    pub(super) clients: IdVec<ClientId, ClientSpec>,
    pub(super) entries: Vec<Entry>,
    pub(super) users: IdVec<UserId, String>,
    pub(super) populations: Vec<Population>,
    /// How many clients populations have so far, also those with a fault.
    pub(super) n_members: usize,
    /// How often they log in, about.
    pub(super) n_logins: u64,
    /// How many steps concern a share of clients.
    pub(super) n_shares: u64,
    pub(super) rooms: Rooms,
    pub(super) streams: IdVec<StreamId, String>,
    pub(super) texts: IdVec<TextId, String>,
    /// How long ids and texts may be for the SDK to take them.
    pub(super) lengths: Lengths,
    pub(super) marks: Vec<Mark>,
    /// How many random outages there will be, about.
    pub(super) n_random_outages: u64,
    /// How many outages and changes steps make of themselves.
    pub(super) n_changes: u64,
    /// The rooms that somebody logs in to.
    pub(super) entered: BTreeSet<RoomId>,
    /// The rooms that the backend names, and where.
    pub(super) backend_rooms: Vec<(Node<'a>, RoomId)>,
}

const FIELDS: [&str; 13] = [
    "$schema",
    "version",
    "name",
    "description",
    "seed",
    "duration",
    "profile",
    "links",
    "backend",
    "server",
    "clients",
    "script",
    "expect",
];

/// The text of a file, without a byte order mark.
pub fn text_of(bytes: &[u8]) -> Result<&str, Fault> {
    let fault = |problem: String, remedy: &str, byte: usize| Fault {
        pointer: String::new(),
        range: byte..byte,
        problem,
        remedy: remedy.to_owned(),
    };
    if FILE_MAX < bytes.len() {
        let problem = format!("the file has {} bytes", bytes.len());
        return Err(fault(problem, &format!("at most {FILE_MAX} are read"), 0));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let byte = error.valid_up_to();
            Err(fault(format!("not UTF-8 at byte {byte}"), "save the file as UTF-8", byte))
        }
    }
}

impl Scenario {
    /// Reads a scenario that names no files, or tells all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        Self::parse_with(text, &|_| Err("no files are read here".to_owned()))
    }

    /// Reads a scenario and the files that it names, or tells all that is wrong with it.
    pub fn parse_with(text: &str, files: &ReadFile<'_>) -> Result<Self, Vec<Fault>> {
        let root = syntax(text, "scenario").map_err(|fault| vec![fault])?;
        let mut draft = Draft {
            reader: Reader::new(text),
            files: Files::new(files),
            names: Names::default(),
            n_random_outages: 0,
            n_changes: 0,
            end: SimTime::ZERO + DURATION_MAX,
            links: IdVec::from_vec(Vec::new()),
            clients: IdVec::from_vec(Vec::new()),
            entries: Vec::new(),
            users: IdVec::from_vec(Vec::new()),
            populations: Vec::new(),
            n_members: 0,
            n_logins: 0,
            n_shares: 0,
            rooms: Rooms::default(),
            streams: IdVec::from_vec(Vec::new()),
            texts: IdVec::from_vec(Vec::new()),
            lengths: parameter::blank().lengths,
            marks: Vec::new(),
            entered: BTreeSet::new(),
            backend_rooms: Vec::new(),
        };
        let scenario = draft.scenario(Node::root(&root));
        if draft.reader.has_faults() {
            return Err(draft.reader.into_faults());
        }
        Ok(scenario.expect("a scenario without faults is whole"))
    }
}

impl<'a> Draft<'a> {
    fn scenario(&mut self, root: Node<'a>) -> Option<Scenario> {
        let mut fields = self.reader.fields(root, &FIELDS)?;
        if let Some(schema) = fields.optional("$schema") {
            self.reader.text(&schema);
        }
        if let Some(version) = fields.required(&mut self.reader, "version") {
            self.reader.integer(&version, 1..=1);
        }
        let name = fields.required(&mut self.reader, "name");
        let name = name.and_then(|it| self.name(&it, NameOf::Scenario));
        if let Some(description) = fields.optional("description") {
            self.reader.text(&description);
        }
        let seed = fields.optional("seed").map(|it| self.reader.integer(&it, 0..=u64::MAX));
        let duration = fields.required(&mut self.reader, "duration");
        let duration_read = duration.as_ref().and_then(|it| self.duration(it));
        let profile = fields.required(&mut self.reader, "profile");
        let profile = profile.and_then(|it| self.profile(it));
        if let Some(profile) = &profile {
            self.lengths = profile.rules().lengths;
        }
        let links = fields.required(&mut self.reader, "links");
        self.names.has_links = links.is_some();
        if let Some(links) = links {
            self.links(&links);
        }
        let backend = fields.optional("backend").and_then(|it| self.backend(it));
        if let Some(clients) = fields.required(&mut self.reader, "clients") {
            self.clients(&clients);
        }
        let script = fields.required(&mut self.reader, "script");
        let script_at = script.clone();
        let script = script.and_then(|it| self.script(&it)).unwrap_or_default();
        if let (Some(at), Some(profile)) = (script_at, &profile) {
            self.check_audience(&at, &script, profile.rules());
        }
        // The rooms that it places are known by now.
        let server = fields.optional("server").and_then(|it| self.server(it));
        if self.reader.is_hopeless() {
            return None;
        }
        let expect = fields.optional("expect");
        let expectations = expect.map(|it| self.expectations(&it)).unwrap_or_default();
        let profile = profile?;
        self.check_cost(duration.as_ref()?, duration_read?, profile.rules());
        Some(Scenario {
            name: name?.to_owned(),
            seed: seed.unwrap_or(Some(1))?,
            end: self.end,
            profile,
            links: std::mem::replace(&mut self.links, IdVec::from_vec(Vec::new())),
            clients: std::mem::replace(&mut self.clients, IdVec::from_vec(Vec::new())),
            entries: std::mem::take(&mut self.entries),
            users: std::mem::replace(&mut self.users, IdVec::from_vec(Vec::new())),
            populations: std::mem::take(&mut self.populations),
            rooms: std::mem::take(&mut self.rooms),
            streams: std::mem::replace(&mut self.streams, IdVec::from_vec(Vec::new())),
            texts: std::mem::replace(&mut self.texts, IdVec::from_vec(Vec::new())),
            backend,
            server,
            script: script.steps,
            broad: script.broad,
            marks: std::mem::take(&mut self.marks),
            expectations: expectations.all,
            order: expectations.order,
        })
    }

    fn duration(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let duration = self.reader.positive_span(at)?;
        if DURATION_MAX < duration {
            let problem = format!("the run would last {duration}");
            self.reader.fault(at, problem, format!("at most {DURATION_MAX} can be simulated"));
            return None;
        }
        self.end = SimTime::ZERO + duration;
        Some(duration)
    }

    /// Refuses a run that nobody would see the end of.
    fn check_cost(&mut self, at: &Node<'a>, duration: SimSpan, rules: &Rules) {
        let n_clients = self.clients.len() + self.n_members;
        let ticks = [
            ("heartbeats", rules.heartbeat.map(|it| it.every)),
            ("attempts to log in", Some(rules.retry.attempt_timeout)),
        ];
        for (what, every) in ticks {
            let Some(every) = every else { continue };
            let each = u128::from(duration.as_micros() / every.as_micros());
            let n = each * n_clients as u128;
            if TICKS_MAX < n {
                let problem = format!(
                    "{n_clients} clients could make {n} {what}, one every {every} for {duration}"
                );
                let remedy = format!("at most {TICKS_MAX} are simulated: shorten the run");
                self.reader.fault(at, problem, remedy);
            }
        }
    }

    /// Refuses rooms whose members would be told of more names than memory holds.
    ///
    /// Who comes when there are as many members as are told of each other tells nobody, and is told
    /// of nobody (spec: R53).
    fn check_audience(&mut self, at: &Node<'a>, script: &Script, rules: &Rules) {
        let mut n_logins = vec![0_u128; self.rooms.len()];
        let each = script.steps.iter().map(|it| (it.action, 1));
        let broad = script.broad.iter().map(|it| (it.step.action, it.clients.count()));
        for (action, n_clients) in each.chain(broad) {
            if let Action::Call(_, Call::LoginRoom(login) | Call::SwitchRoom(_, login)) = action
                && login.notify == Notify::On
            {
                n_logins[login.room.index()] += n_clients as u128;
            }
        }
        let duration = self.end.since(SimTime::ZERO);
        for population in self.populations.iter().filter(|it| it.login.notify == Notify::On) {
            let (first, n_rooms) = population.rooms();
            for place in 0..n_rooms {
                let n_members = population.members.count().saturating_sub(place).div_ceil(n_rooms);
                let n = u128::from(population.n_logins(duration)) * n_members as u128;
                n_logins[first.index() + place] += n;
            }
        }
        let told = |n: u128| match rules.notice_limit {
            0 => n,
            limit => n.min(u128::from(limit)),
        };
        let n_names: u128 = n_logins.into_iter().map(|it| it * told(it)).sum();
        if NAMES_MAX < n_names {
            let problem = format!("members would be told of each other {n_names} times");
            let remedy = format!(
                "at most {NAMES_MAX} are recorded: use more rooms, or set `isUserStatusNotify` to false"
            );
            self.reader.fault(at, problem, remedy);
        }
    }

    /// A name of the given kind.
    pub(super) fn name(&mut self, at: &Node<'a>, of: NameOf) -> Option<&'a str> {
        name::read(&mut self.reader, at, of)
    }

    /// The room that a call names, which comes to be with the first mention.
    pub(super) fn room_called(&mut self, at: &Node<'a>) -> Option<RoomId> {
        let name = self.name(at, NameOf::Room)?;
        let known = self.rooms.counted(name).or_else(|| self.names.rooms.get(name).copied());
        if known.is_some() {
            return known;
        }
        let room = self.rooms.push(name);
        self.names.rooms.insert(name, room);
        Some(room)
    }

    /// The names of the rooms that somebody logs in to.
    pub(super) fn entered_rooms(&self) -> Vec<String> {
        self.entered.iter().map(|it| self.rooms.name(*it).into_owned()).collect()
    }

    /// The room that an expectation names, which a call must have named before.
    pub(super) fn room_known(&mut self, at: &Node<'a>) -> Option<RoomId> {
        let name = self.reader.text(at)?;
        self.room_named(at, name)
    }

    /// The room of this name, which a call must have named before.
    pub(super) fn room_named(&mut self, at: &Node<'a>, name: &str) -> Option<RoomId> {
        let room = self.rooms.counted(name).or_else(|| self.names.rooms.get(name).copied());
        if room.is_none() {
            let remedy = suggest(name, self.names.rooms.keys().copied());
            let problem = format!("no call names the room `{}`", excerpt(name));
            self.reader.fault(at, problem, remedy);
        }
        room
    }

    /// A new mark.
    pub(super) fn new_mark(&mut self, at: &Node<'a>, mark: Mark) -> Option<MarkIndex> {
        let name = self.name(at, NameOf::Mark)?;
        if self.names.marks.contains_key(name) {
            let problem = format!("the mark `{name}` is set twice");
            self.reader.fault(at, problem, "give every instant a name of its own");
            return None;
        }
        self.marks.push(Mark { name: name.to_owned(), ..mark });
        self.names.marks.insert(name, self.marks.len() - 1);
        Some(self.marks.len() - 1)
    }

    /// The mark of this name, if there is one.
    pub(super) fn mark_named(&self, name: &str) -> Option<MarkIndex> {
        self.names.marks.get(name).copied()
    }

    /// What to write instead of the name of a mark that there is not.
    pub(super) fn suggest_mark(&self, name: &str) -> String {
        suggest(name, self.names.marks.keys().copied())
    }
}
