//! The script of a scenario: calls and outages, client by client, in the order they happen.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::{ClientId, RoomId},
    protocol::{call::AppEvent, member::Ouster, server::Order},
    scenario::{
        Action, Broad, Clients, Mark, MarkOf, ServerEvent, Share, Step,
        calls::CALLS,
        changes::CHANGES,
        fault::suggest,
        parse::Draft,
        read::{Fields, Node},
        whom::Whom,
    },
    time::SimTime,
};

/// The most steps of a script, a step of a group counted once for each client.
const STEPS_MAX: usize = 1 << 24;

/// The most steps of members of populations, and of clients of whom a share has them.
const BROAD_MAX: u64 = 100_000_000;

/// The steps of a file, in the order in which they happen.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) broad: Vec<Broad>,
}

/// What a step does.
pub(super) struct Deed {
    /// The clients whom it concerns.
    pub(super) clients: Whom,
    /// What happens at its instant.
    pub(super) actions: Vec<Action>,
    /// When that ends, if it is something that lasts.
    pub(super) until: Option<SimTime>,
    /// What happens later, up to the end of the run.
    pub(super) later: Vec<(SimTime, Action)>,
}

/// A step with all that decides its turn within an instant.
struct Entry {
    step: Step,
    class: u8,
    index: usize,
    /// Who has it, if it is not only the client that it names.
    range: Option<(Clients, Option<Share>)>,
}

impl<'a> Draft<'a> {
    /// The steps, in the order in which they happen.
    pub(super) fn script(&mut self, at: &Node<'a>) -> Option<Script> {
        let nodes = self.reader.list(at, "steps")?;
        let mut entries = Vec::new();
        for (index, node) in nodes.iter().cloned().enumerate() {
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
        self.check_apps(&nodes, &entries);
        let mut script = Script::default();
        let mut n_broad = 0_u64;
        for Entry { step, range, index, .. } in entries {
            let before = script.steps.len();
            match range {
                None => script.steps.push(step),
                Some((clients, share)) => {
                    n_broad = n_broad.saturating_add(clients.count as u64);
                    if BROAD_MAX < n_broad {
                        let problem = format!("members would have {n_broad} steps so far");
                        let remedy = format!("at most {BROAD_MAX} are made: let them be fewer");
                        self.reader.fault(&nodes[index], problem, remedy);
                        return None;
                    }
                    script.broad.push(Broad { step, clients, share, before });
                }
            }
        }
        Some(script)
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
                deed.as_ref().map_or_else(Vec::new, |it| it.clients.known()),
            );
            self.new_mark(&mark, Mark { name: String::new(), of });
        }
        let (begins, deed) = (begins?, deed?);
        let clients = deed.clients;
        let mut add = |at, action: Action| {
            let range = action.client().and_then(|it| clients.range_of(it));
            let (step, class) = (Step { at, action }, action.class());
            entries.push(Entry { step, class, index, range });
        };
        for (at, action) in deed.later.into_iter().filter(|(at, _)| *at <= self.end) {
            add(at, action);
        }
        for action in deed.actions {
            add(begins, action);
            if let (Some(until), Some(end)) = (deed.until, end_of(action)) {
                add(until, end);
            }
        }
        Some(())
    }

    /// A room that the backend names must be one that somebody enters.
    fn check_rooms(&mut self) {
        for (node, room) in std::mem::take(&mut self.backend_rooms) {
            if !self.entered.contains(&room) && !self.rooms.is_counted(room) {
                let names = self.entered_rooms();
                let remedy =
                    suggest(node.as_str().unwrap_or_default(), names.iter().map(|it| &**it));
                let problem = format!("nobody enters the room `{}`", self.reader.shown(&node));
                self.reader.fault(&node, problem, remedy);
            }
        }
    }

    /// Whoever calls must be running: who is dead or stands still cannot.
    fn check_apps(&mut self, nodes: &[Node<'a>], entries: &[Entry]) {
        let mut halted: BTreeMap<ClientId, AppEvent> = BTreeMap::new();
        // Members of populations leave out what they cannot do.
        for Entry { step, index, .. } in entries.iter().filter(|it| it.range.is_none()) {
            let (client, event) = match step.action {
                Action::Call(client, _) | Action::Refused(client, ..) => (client, None),
                Action::App(client, event) => (client, Some(event)),
                Action::OutageBegins(..)
                | Action::OutageEnds(..)
                | Action::RefusalBegins(..)
                | Action::RefusalEnds(..)
                | Action::ChangeLink(..)
                | Action::ChangeNetwork(..)
                | Action::NodeCrash(..)
                | Action::ConnectionReset(_)
                | Action::RandomOutages(..)
                | Action::Server(_)
                | Action::Order(_) => continue,
            };
            let is_fault = match event {
                Some(AppEvent::Kill) => halted.insert(client, AppEvent::Kill).is_some_and(is_dead),
                Some(AppEvent::Start) => !halted.remove(&client).is_some_and(is_dead),
                Some(AppEvent::Suspend) => halted.insert(client, AppEvent::Suspend).is_some(),
                Some(AppEvent::Resume) => {
                    let is_suspended = halted.get(&client) == Some(&AppEvent::Suspend);
                    is_suspended.then(|| halted.remove(&client));
                    false
                }
                Some(AppEvent::DestroyEngine | AppEvent::CreateEngine) | None => {
                    halted.contains_key(&client)
                }
            };
            if is_fault {
                let name = &self.clients[client].name;
                let problem = match (event, halted.get(&client)) {
                    (Some(AppEvent::Start), _) => format!("the app of {name} is running then"),
                    (_, Some(AppEvent::Suspend)) => format!("the app of {name} stands still then"),
                    _ => format!("the app of {name} is not running then"),
                };
                let remedy = "move the step, or `killApp`, `startApp` or `suspendApp`";
                self.reader.fault(&nodes[*index], problem, remedy);
            }
        }
    }

    /// An instant of the run, given as the time since its start.
    pub(super) fn instant_of(&mut self, at: &Node<'a>) -> Option<SimTime> {
        let instant = SimTime::ZERO + self.reader.span(at)?;
        if self.end < instant {
            let problem = format!("`{}` is after the end of the run", self.reader.shown(at));
            self.too_late(at, problem);
            return None;
        }
        Some(instant)
    }

    /// What is asked for would come after the end of the run.
    pub(super) fn too_late(&mut self, at: &Node<'a>, problem: String) {
        let end = self.end;
        let remedy = format!("the run ends at {end} s: make `duration` longer, or step earlier");
        self.reader.fault(at, problem, remedy);
    }

    fn deed(&mut self, fields: &mut Fields<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let client = fields.optional("client");
        let others = ["kickoutUser", "sessionException", "forbidUser", "closeRoom"];
        let deed = fields.required(&mut self.reader, "do");
        let kinds = [&CALLS[..], &CHANGES[..], &others[..]].concat();
        let Some((kind, node)) = deed.and_then(|it| self.reader.variant(it, &kinds)) else {
            client.and_then(|it| self.who(&it));
            return None;
        };
        if !CALLS.contains(&kind) {
            if let Some(client) = client {
                let problem = format!("`{kind}` is not a call of a client");
                self.reader.fault(&client, problem, "leave `client` out here");
            }
            return match kind {
                _ if CHANGES.contains(&kind) => self.change(kind, node, begins),
                "closeRoom" => self.close_room(node),
                _ => self.against_users(kind, node),
            };
        }
        let clients = match client {
            Some(client) => {
                let who = self.who(&client);
                who.map(|it| Whom::of(vec![it], None, self.clients.len()))
            }
            None => {
                let problem = format!("`client` is missing: whose call of `{kind}` is it?");
                self.reader.fault(fields.node(), problem, "add `\"client\": …`");
                None
            }
        };
        let (actions, until) = self.calls(kind, node, begins, clients.as_ref().map(Whom::each))?;
        Some(Deed { clients: clients?, actions, until, later: Vec::new() })
    }

    /// Users are put out of a room, or forbidden to log in.
    fn against_users(&mut self, kind: &str, at: Node<'a>) -> Option<Deed> {
        let ouster = match kind {
            "kickoutUser" => Some(Ouster::Backend),
            "sessionException" => Some(Ouster::Fault),
            _ => None,
        };
        let known: &[&str] = if ouster.is_some() { &["room", "users"] } else { &["users"] };
        let mut fields = self.reader.fields(at, known)?;
        let room = ouster.map(|_| self.backend_room(&mut fields));
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
        let clients = Whom::named(self.clients.ids().filter(is_meant).collect());
        let order = |user| match (room, ouster) {
            (Some(room), Some(by)) => Some(Order::Oust(room?, user, by)),
            _ => Some(Order::Forbid(user)),
        };
        let orders = users.into_iter().map(order);
        let actions = orders.map(|it| it.map(Action::Order)).collect::<Option<_>>()?;
        Some(Deed { clients, actions, until: None, later: Vec::new() })
    }

    fn close_room(&mut self, at: Node<'a>) -> Option<Deed> {
        let mut fields = self.reader.fields(at, &["room"])?;
        let room = self.backend_room(&mut fields)?;
        let actions = vec![Action::Order(Order::CloseRoom(room))];
        Some(Deed { clients: Whom::default(), actions, until: None, later: Vec::new() })
    }

    fn backend_room(&mut self, fields: &mut Fields<'a>) -> Option<RoomId> {
        let node = fields.required(&mut self.reader, "room")?;
        let room = self.room_called(&node)?;
        self.backend_rooms.push((node, room));
        Some(room)
    }
}

fn is_dead(event: AppEvent) -> bool {
    event == AppEvent::Kill
}

/// What ends when the time of an action is over, if something does.
pub(super) const fn end_of(action: Action) -> Option<Action> {
    match action {
        Action::OutageBegins(client, outage) => Some(Action::OutageEnds(client, outage)),
        Action::RefusalBegins(client, code) => Some(Action::RefusalEnds(client, code)),
        Action::App(client, AppEvent::Suspend) => Some(Action::App(client, AppEvent::Resume)),
        Action::OutageEnds(..)
        | Action::RefusalEnds(..)
        | Action::ChangeLink(..)
        | Action::ChangeNetwork(..)
        | Action::NodeCrash(..)
        | Action::ConnectionReset(_)
        | Action::RandomOutages(..)
        | Action::Server(_)
        | Action::Call(..)
        | Action::Refused(..)
        | Action::App(..)
        | Action::Order(_) => None,
    }
}

impl Action {
    /// The turn of an action within an instant.
    pub const fn class(self) -> u8 {
        match self {
            Self::OutageBegins(..)
            | Self::RefusalBegins(..)
            | Self::NodeCrash(..)
            | Self::ConnectionReset(_)
            | Self::Server(ServerEvent::Stop(_)) => 0,
            Self::OutageEnds(..)
            | Self::RefusalEnds(..)
            | Self::ChangeLink(..)
            | Self::ChangeNetwork(..)
            | Self::RandomOutages(..)
            | Self::Server(_)
            | Self::App(_, AppEvent::Resume) => 1,
            Self::Call(..) | Self::Refused(..) | Self::App(..) | Self::Order(_) => 2,
        }
    }
}
