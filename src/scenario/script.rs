//! The script of a scenario: calls and outages, client by client, in the order they happen.

use std::collections::BTreeSet;

use crate::{
    id::{ClientId, RoomId},
    link::Cut,
    protocol::call::{Call, Login, Notify, Token},
    scenario::{
        Action, Clients, Mark, MarkOf, Outage, Step,
        fault::suggest,
        parse::Draft,
        read::{Fields, Node},
    },
    time::SimTime,
};

/// The most steps of a script, a step of a group counted once for each client.
const STEPS_MAX: usize = 1 << 24;

/// What a step does.
struct Deed {
    /// The clients whom it concerns.
    clients: Vec<ClientId>,
    actions: Vec<Action>,
    /// When the outage ends, if it is one.
    until: Option<SimTime>,
}

/// A step with all that decides its turn within an instant.
struct Entry {
    step: Step,
    class: u8,
    index: usize,
}

impl<'a> Draft<'a> {
    /// The steps, in the order in which they happen.
    pub(super) fn script(&mut self, at: &Node<'a>) -> Option<Vec<Step>> {
        let nodes = self.reader.list(at, "steps")?;
        let mut entries = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            if STEPS_MAX < entries.len() {
                let problem = format!("the script has more than {STEPS_MAX} steps so far");
                self.reader.fault(&node, problem, "let fewer clients take part");
                return None;
            }
            self.step(node, index, &mut entries);
            if self.reader.is_hopeless() {
                return None;
            }
        }
        self.check_rooms();
        // Stable: the actions of one step keep the order of its clients.
        entries.sort_by_key(|it: &Entry| (it.step.at, it.class, it.index));
        Some(entries.into_iter().map(|it| it.step).collect())
    }

    fn step(&mut self, at: Node<'a>, index: usize, entries: &mut Vec<Entry>) -> Option<()> {
        let mut fields = self.reader.fields(at, &["at", "client", "do", "mark"])?;
        let begins = fields.required(&mut self.reader, "at").and_then(|it| self.instant_of(&it));
        let deed = self.deed(&mut fields, begins);
        let mark = fields.optional("mark");
        // A mark is known even where its step has a fault, so that using it is not a second one.
        if let Some(mark) = mark {
            let of = MarkOf::Step(
                begins.unwrap_or(SimTime::ZERO),
                deed.as_ref().map_or_else(Vec::new, |it| it.clients.clone()),
            );
            self.new_mark(&mark, Mark { name: String::new(), of });
        }
        let (begins, deed) = (begins?, deed?);
        for action in deed.actions {
            let mut add = |at, action| {
                entries.push(Entry { step: Step { at, action }, class: class(action), index });
            };
            add(begins, action);
            if let (Some(until), Action::OutageBegins(client, outage)) = (deed.until, action) {
                add(until, Action::OutageEnds(client, outage));
            }
        }
        Some(())
    }

    /// A room that the backend names must be one that somebody enters.
    fn check_rooms(&mut self) {
        for (node, room) in std::mem::take(&mut self.backend_rooms) {
            if !self.entered.contains(&room) {
                let names = self.entered_rooms();
                let remedy =
                    suggest(node.as_str().unwrap_or_default(), names.iter().map(|it| &**it));
                let problem = format!("nobody enters the room `{}`", self.reader.shown(&node));
                self.reader.fault(&node, problem, remedy);
            }
        }
    }

    /// An instant of the run, given as the time since its start.
    fn instant_of(&mut self, at: &Node<'a>) -> Option<SimTime> {
        let instant = SimTime::ZERO + self.reader.span(at)?;
        if self.end < instant {
            let end = self.end;
            let problem = format!("`{}` is after the end of the run", self.reader.shown(at));
            let remedy =
                format!("the run ends at {end} s: make `duration` longer, or step earlier");
            self.reader.fault(at, problem, remedy);
            return None;
        }
        Some(instant)
    }

    fn deed(&mut self, fields: &mut Fields<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let client = fields.optional("client");
        let calls = ["loginRoom", "logoutRoom", "switchRoom"];
        let others = ["outage", "kickoutUser", "forbidUser", "closeRoom"];
        let deed = fields.required(&mut self.reader, "do");
        let kinds = [&calls[..], &others[..]].concat();
        let Some((kind, node)) = deed.and_then(|it| self.reader.variant(it, &kinds)) else {
            client.and_then(|it| self.who(&it));
            return None;
        };
        if !calls.contains(&kind) {
            if let Some(client) = client {
                let problem = format!("`{kind}` is not a call of a client");
                self.reader.fault(&client, problem, "leave `client` out here");
            }
            return match kind {
                "outage" => self.outage(node, begins),
                "kickoutUser" | "forbidUser" => self.against_users(kind, node),
                _ => self.close_room(node),
            };
        }
        let clients = match client {
            Some(client) => self.who(&client).map(|it| it.iter().collect::<Vec<_>>()),
            None => {
                let problem = format!("`client` is missing: whose call of `{kind}` is it?");
                self.reader.fault(fields.node(), problem, "add `\"client\": …`");
                None
            }
        };
        let call = self.call(kind, node, begins);
        let (clients, call) = (clients?, call?);
        let actions = clients.iter().map(|it| Action::Call(*it, call)).collect();
        Some(Deed { clients, actions, until: None })
    }

    /// The backend kicks users out of a room, or forbids them to log in.
    fn against_users(&mut self, kind: &str, at: Node<'a>) -> Option<Deed> {
        let is_kick = kind == "kickoutUser";
        let known: &[&str] = if is_kick { &["room", "users"] } else { &["users"] };
        let mut fields = self.reader.fields(at, known)?;
        let room = if is_kick { Some(self.backend_room(&mut fields)) } else { None };
        let list = fields.required(&mut self.reader, "users")?;
        let nodes = self.reader.list(&list, "users")?;
        if nodes.is_empty() {
            self.reader.fault(&list, "nobody is meant", "name at least one user");
        }
        let mut users = BTreeSet::new();
        for node in &nodes {
            users.extend(self.users_named(node).unwrap_or_default());
        }
        let is_meant = |it: &ClientId| users.contains(&self.clients[*it].user);
        let clients = self.clients.ids().filter(is_meant).collect();
        let actions = match room {
            Some(room) => {
                let room = room?;
                users.iter().map(|it| Action::Kick(room, *it)).collect()
            }
            None => users.iter().map(|it| Action::Forbid(*it)).collect(),
        };
        Some(Deed { clients, actions, until: None })
    }

    fn close_room(&mut self, at: Node<'a>) -> Option<Deed> {
        let mut fields = self.reader.fields(at, &["room"])?;
        let room = self.backend_room(&mut fields)?;
        Some(Deed { clients: Vec::new(), actions: vec![Action::CloseRoom(room)], until: None })
    }

    fn call(&mut self, kind: &str, at: Node<'a>, begins: Option<SimTime>) -> Option<Call> {
        let config = ["token", "isUserStatusNotify", "maxMemberCount"];
        let rooms: &[&str] = if kind == "switchRoom" { &["from", "to"] } else { &["room"] };
        let is_login = kind != "logoutRoom";
        let known = [rooms, if is_login { &config } else { &[] }].concat();
        let mut fields = self.reader.fields(at, &known)?;
        match kind {
            "loginRoom" => self.login(&mut fields, "room", begins).map(Call::LoginRoom),
            "switchRoom" => {
                let from = self.room_of(&mut fields, "from");
                let to = self.login(&mut fields, "to", begins);
                Some(Call::SwitchRoom(from?, to?))
            }
            _ => match fields.optional("room") {
                None => Some(Call::LogoutRoom(None)),
                Some(room) => self.room_called(&room).map(|it| Call::LogoutRoom(Some(it))),
            },
        }
    }

    /// The room of a login and its configuration.
    fn login(
        &mut self,
        fields: &mut Fields<'a>,
        room: &str,
        begins: Option<SimTime>,
    ) -> Option<Login> {
        let room = self.room_of(fields, room);
        self.entered.extend(room);
        let token = match fields.optional("token") {
            None => Some(Token::None),
            Some(it) if it.as_str() == Some("wrong") => Some(Token::Wrong),
            Some(it)
                if it.as_str().is_some_and(|it| !it.starts_with(|c: char| c.is_ascii_digit())) =>
            {
                let problem = format!("unknown token `{}`", self.reader.shown(&it));
                let remedy = "write \"wrong\", or how long it is valid, such as \"10min\"";
                self.reader.fault(&it, problem, remedy);
                None
            }
            Some(it) => {
                let valid_for = self.reader.span(&it);
                valid_for.and_then(|span| begins.map(|at| Token::Until(at + span)))
            }
        };
        let notify = match fields.optional("isUserStatusNotify") {
            None => Some(Notify::On),
            Some(it) => self.reader.boolean(&it, (Notify::On, Notify::Off)),
        };
        let max_members = match fields.optional("maxMemberCount") {
            None => Some(0),
            Some(it) => self.reader.integer(&it, 0..=u64::from(u32::MAX)),
        };
        let max_members = max_members.and_then(|it| u32::try_from(it).ok());
        let (room, notify) = (room?, notify?);
        Some(Login { room, notify, max_members: max_members?, token: token? })
    }

    fn backend_room(&mut self, fields: &mut Fields<'a>) -> Option<RoomId> {
        let node = fields.required(&mut self.reader, "room")?;
        let room = self.room_called(&node)?;
        self.backend_rooms.push((node, room));
        Some(room)
    }

    fn room_of(&mut self, fields: &mut Fields<'a>, name: &str) -> Option<RoomId> {
        let room = fields.required(&mut self.reader, name)?;
        self.room_called(&room)
    }

    fn outage(&mut self, at: Node<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let mut fields = self.reader.fields(at, &["clients", "kind", "direction", "for"])?;
        let clients = fields.required(&mut self.reader, "clients").and_then(|it| self.all_of(&it));
        let kind = fields.required(&mut self.reader, "kind");
        let kinds = [("link_down", true), ("silent", false)];
        let announced = kind.and_then(|it| self.reader.word(&it, &kinds));
        let direction = fields.optional("direction");
        let directions = [("up", Cut::Up), ("down", Cut::Down), ("both", Cut::Both)];
        let cut = match &direction {
            None => Some(Cut::Both),
            Some(it) => self.reader.word(it, &directions),
        };
        if let (Some(direction), Some(true)) = (&direction, announced)
            && cut.is_some_and(|it| it != Cut::Both)
        {
            let problem = "a link that is down is down in both directions";
            self.reader.fault(direction, problem, "write \"kind\": \"silent\", or leave it out");
        }
        let span = match fields.optional("for") {
            None => None, // To the end of the run.
            Some(it) => Some(self.reader.positive_span(&it)?),
        };
        let until = span.and_then(|it| begins.map(|begins| begins + it));
        let outage = Outage { cut: cut?, announced: announced? };
        let clients = clients?;
        let actions = clients.iter().map(|it| Action::OutageBegins(*it, outage)).collect();
        Some(Deed { clients, actions, until })
    }

    /// The clients named in a list, each once.
    fn all_of(&mut self, at: &Node<'a>) -> Option<Vec<ClientId>> {
        let nodes = self.reader.list(at, "clients")?;
        if nodes.is_empty() {
            self.reader.fault(at, "the outage is nobody's", "name at least one client");
        }
        let mut all: BTreeSet<ClientId> = BTreeSet::new();
        for node in &nodes {
            all.extend(self.who(node).into_iter().flat_map(Clients::iter));
        }
        (!all.is_empty()).then(|| all.into_iter().collect())
    }
}

/// The order within one instant; see [`Action`].
const fn class(action: Action) -> u8 {
    match action {
        Action::OutageBegins(..) => 0,
        Action::OutageEnds(..) => 1,
        Action::Call(..) | Action::Kick(..) | Action::Forbid(_) | Action::CloseRoom(_) => 2,
    }
}
