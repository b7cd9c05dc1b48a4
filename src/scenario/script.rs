//! The script of a scenario: calls and outages, client by client, in the order they happen.

use crate::{
    id::{ClientId, RoomId},
    link::Cut,
    protocol::call::Call,
    scenario::{
        Action, Mark, MarkOf, Outage, Step,
        parse::Draft,
        read::{Fields, Node},
    },
    time::SimTime,
};

/// The most steps of a script, a step of a group counted once for each client.
const STEPS_MAX: usize = 1 << 24;

/// What a step does, and to whom.
struct Deed {
    clients: Vec<ClientId>,
    action: Action,
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
        }
        entries.sort_by_key(|it: &Entry| (it.step.at, it.class, it.index, it.step.client));
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
        for client in deed.clients {
            let step = Step { at: begins, client, action: deed.action };
            entries.push(Entry { step, class: class(deed.action), index });
            if let (Some(until), Action::OutageBegins(outage)) = (deed.until, deed.action) {
                let action = Action::OutageEnds(outage);
                let step = Step { at: until, client, action };
                entries.push(Entry { step, class: class(action), index });
            }
        }
        Some(())
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
        let kinds = ["loginRoom", "logoutRoom", "switchRoom", "outage"];
        let deed = fields.required(&mut self.reader, "do");
        let Some((kind, node)) = deed.and_then(|it| self.reader.variant(it, &kinds)) else {
            client.and_then(|it| self.who(&it));
            return None;
        };
        if kind == "outage" {
            if let Some(client) = client {
                let remedy = "name the clients in `clients` of the outage";
                self.reader.fault(&client, "an outage is not a client's call", remedy);
            }
            return self.outage(node, begins);
        }
        let clients = match client {
            Some(client) => self.who(&client),
            None => {
                let problem = format!("whose call of `{kind}` it is is missing");
                self.reader.fault(fields.node(), problem, "add `\"client\": …`");
                None
            }
        };
        let call = self.call(kind, node);
        Some(Deed { clients: clients?, action: Action::Call(call?), until: None })
    }

    fn call(&mut self, kind: &str, at: Node<'a>) -> Option<Call> {
        let known: &[&str] = if kind == "switchRoom" { &["from", "to"] } else { &["room"] };
        let mut fields = self.reader.fields(at, known)?;
        match kind {
            "loginRoom" => self.room_of(&mut fields, "room").map(Call::LoginRoom),
            "switchRoom" => {
                let from = self.room_of(&mut fields, "from");
                let to = self.room_of(&mut fields, "to");
                Some(Call::SwitchRoom(from?, to?))
            }
            _ => match fields.optional("room") {
                None => Some(Call::LogoutRoom(None)),
                Some(room) => self.room_called(&room).map(|it| Call::LogoutRoom(Some(it))),
            },
        }
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
        Some(Deed { clients: clients?, action: Action::OutageBegins(outage), until })
    }

    /// The clients named in a list, each once.
    fn all_of(&mut self, at: &Node<'a>) -> Option<Vec<ClientId>> {
        let nodes = self.reader.list(at, "clients")?;
        if nodes.is_empty() {
            self.reader.fault(at, "the outage is nobody's", "name at least one client");
        }
        let mut all: Vec<ClientId> = Vec::new();
        for node in &nodes {
            all.extend(self.who(node).unwrap_or_default());
        }
        all.sort_unstable();
        all.dedup();
        (!all.is_empty()).then_some(all)
    }
}

/// The order within one instant; see [`Action`].
const fn class(action: Action) -> u8 {
    match action {
        Action::OutageBegins(_) => 0,
        Action::OutageEnds(_) => 1,
        Action::Call(_) => 2,
    }
}
