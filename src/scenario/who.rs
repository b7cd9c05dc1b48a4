//! Who takes part: clients, groups and users, and the names that mean them.

use crate::{
    id::{ClientId, Id, LinkId, UserId},
    protocol::code::ErrorCode,
    scenario::{
        ClientSpec, Clients, RoomMode,
        broad::Share,
        crowd::OF_POPULATIONS,
        fault::suggest,
        name::{NameOf, user_name_fault},
        parse::{CLIENTS_MAX, Draft},
        read::{Fields, Node},
        rooms::number_of,
        whom::Whom,
    },
    time::Clock,
};

/// An entry of the file's `clients`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whom it stands for.
    pub of: EntryOf,
    /// The clients: one, or those of a group or a population.
    pub clients: Clients,
}

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryOf {
    /// One client.
    Client,
    /// A group.
    Group,
    /// A population.
    Population,
}

impl EntryOf {
    const fn of(count: Option<u64>) -> Self {
        if count.is_some() { Self::Group } else { Self::Client }
    }
}

/// The most members of a population of whom each is looked at by itself.
pub(super) const EACH_MAX: usize = 10_000;

/// What an entry says of its devices.
struct Device<'a> {
    mode: RoomMode,
    clock: Clock,
    bad_name: Option<ErrorCode>,
    region: Option<(Node<'a>, &'a str)>,
}

impl<'a> Draft<'a> {
    pub(super) fn clients(&mut self, at: &Node<'a>) {
        let Some(entries) = self.reader.list(at, "clients") else { return };
        if entries.is_empty() {
            self.reader.fault(
                at,
                "nobody takes part",
                "add a client, such as { \"name\": \"A\", … }",
            );
        }
        // Who is named comes first, then populations: so the ids of the former are few.
        let is_population = |it: &Node<'a>| it.has("rooms") || it.has("room");
        let (populations, named): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_population);
        for entry in named {
            self.client(entry);
            if self.reader.is_hopeless() {
                return;
            }
        }
        for entry in populations {
            self.population(entry);
            if self.reader.is_hopeless() {
                return;
            }
        }
        let regions = self.names.regions.iter().map(|(name, it)| (*name, it.0.clone()));
        for (name, at) in regions.collect::<Vec<_>>() {
            if self.clients_named(name).is_some() {
                let problem = format!("a client is named `{name}`, too");
                self.reader.fault(&at, problem, "give the region a name of its own");
            }
        }
    }

    fn client(&mut self, at: Node<'a>) -> Option<()> {
        let own = ["name", "user", "userName", "count", "link", "roomMode", "region", "clock"];
        let mut fields = self.reader.fields(at, &[&own[..], &OF_POPULATIONS].concat())?;
        for name in OF_POPULATIONS {
            if let Some(at) = fields.optional(name) {
                let problem = format!("`{name}` is for populations, which have rooms");
                self.reader.fault(&at, problem, "add `rooms` or `room`, or leave it out");
            }
        }
        let name_at = fields.required(&mut self.reader, "name");
        let link_at = fields.required(&mut self.reader, "link");
        let user_at = fields.optional("user");
        let user = user_at.as_ref().and_then(|it| self.name(it, NameOf::User));
        let device = self.device(&mut fields);
        let count_at = fields.optional("count");
        // A group whose size has a fault still has a name, so that using it is not a second fault.
        let count = count_at.as_ref().map(|it| self.reader.integer(it, 1..=CLIENTS_MAX));
        let count = count.map(Option::unwrap_or_default);
        let size_at = count_at.as_ref().unwrap_or_else(|| fields.node());
        self.check_count(count.unwrap_or(1), size_at)?;
        if let (Some(user_at), Some(_)) = (&user_at, &count_at) {
            let remedy = "leave `user` out: each client of a group is a user of its own";
            self.reader.fault(user_at, "a group has no common user", remedy);
        }
        let link = link_at.and_then(|it| self.link_named(&it));
        let name_at = name_at?;
        let name = self.name(&name_at, NameOf::Client)?;
        let link = link.unwrap_or_else(|| LinkId::from_index(0));
        let Device { mode, clock, bad_name, region } = device;
        let members = match count {
            None => vec![name.to_owned()],
            Some(count) => (1..=count).map(|it| format!("{name}-{it}")).collect(),
        };
        if let Some(long) = members.last().filter(|it| NameOf::Client.bytes_max() < it.len()) {
            let problem = format!("the name of its member `{long}` has {} bytes", long.len());
            let remedy = format!("at most {} are allowed", NameOf::Client.bytes_max());
            self.reader.fault(&name_at, problem, remedy);
        }
        let first = self.clients.len();
        let taken = members.iter().find(|it| self.clients_named(it).is_some());
        if let Some(taken) =
            taken.cloned().or_else(|| self.clients_named(name).map(|_| name.into()))
        {
            let problem = format!("there is a client `{taken}` already");
            self.reader.fault(&name_at, problem, "give every client a name of its own");
            return None;
        }
        let clients = Clients { first, count: members.len() };
        self.entries.push(Entry { name: name.to_owned(), of: EntryOf::of(count), clients });
        self.names.clients.insert(name, clients);
        for member in members {
            let user = self.user(user.unwrap_or(&member));
            self.clients.push(ClientSpec {
                name: member,
                user,
                link,
                mode,
                bad_name,
                clock,
                streams: Vec::new(),
            });
        }
        if let Some((at, region)) = region {
            let members = Clients { first, count: self.clients.len() - first };
            self.names.regions.entry(region).or_insert((at, Vec::new())).1.push(members);
        }
        Some(())
    }

    /// What distinguishes the devices of an entry from others.
    fn device(&mut self, fields: &mut Fields<'a>) -> Device<'a> {
        let modes = [("single", RoomMode::Single), ("multi", RoomMode::Multi)];
        let mode = fields.optional("roomMode");
        let mode = mode.and_then(|it| self.reader.word(&it, &modes));
        let user_name = fields.optional("userName");
        let user_name = user_name.map(|it| self.reader.text(&it));
        let bad_name = user_name.flatten().and_then(|it| user_name_fault(it, self.lengths));
        let region = self.region(fields);
        let clock = fields.optional("clock").and_then(|it| self.clock(&it));
        // A device with a fault is still there, so that naming it is not a second fault.
        Device {
            mode: mode.unwrap_or(RoomMode::Single),
            clock: clock.unwrap_or(Clock::EXACT),
            bad_name,
            region,
        }
    }

    /// The place that clients are in, where they can be hit together.
    pub(super) fn region(&mut self, fields: &mut Fields<'a>) -> Option<(Node<'a>, &'a str)> {
        let at = fields.optional("region")?;
        let name = self.name(&at, NameOf::Client)?;
        Some((at, name))
    }

    /// Refuses more clients than can take part, all groups and populations together.
    pub(super) fn check_count(&mut self, count: u64, at: &Node<'a>) -> Option<()> {
        let n = (self.clients.len() + self.n_members) as u64;
        if n + count <= CLIENTS_MAX {
            return Some(());
        }
        if n <= CLIENTS_MAX {
            let remedy = format!("at most {CLIENTS_MAX} can take part, all groups together");
            self.reader.fault(at, "too many clients", remedy);
        }
        None
    }

    /// `200ppm`: how much faster a device's clock runs than the server's.
    pub(super) fn clock(&mut self, at: &Node<'a>) -> Option<Clock> {
        let ppm = at.as_str().and_then(|it| it.strip_suffix("ppm")?.parse::<i32>().ok());
        let clock = ppm.filter(|it| (-100_000..=100_000).contains(it)).map(Clock::fast_by_ppm);
        if clock.is_none() {
            let wanted = "a deviation from -100000ppm to 100000ppm";
            self.reader.wrong_type(at, wanted, "write it as \"200ppm\" or \"-50ppm\"");
        }
        clock
    }

    /// The user of this name, who comes to be with the first mention.
    fn user(&mut self, name: &str) -> UserId {
        if let Some(user) = self.names.users.get(name) {
            return *user;
        }
        let user = self.users.push(name.to_owned());
        self.names.users.insert(name.to_owned(), user);
        user
    }

    /// The client of this name, or those of the group of this name.
    pub(super) fn clients_named(&self, name: &str) -> Option<Clients> {
        if let Some(clients) = self.names.clients.get(name) {
            return Some(*clients);
        }
        let (group, number) = name.rsplit_once('-')?;
        let Clients { first, count } = self.names.clients.get(group)?;
        if self.clients.len() <= *first {
            let number = number_of(name, group).filter(|it| it <= count)?;
            return Some(Clients { first: first + number - 1, count: 1 });
        }
        let client = number.parse::<usize>().ok()?.checked_sub(1)?.checked_add(*first)?;
        // "viewer-07" and the like are nobody's name.
        let is_it =
            client < self.clients.len() && self.clients[ClientId::from_index(client)].name == name;
        is_it.then_some(Clients { first: client, count: 1 })
    }

    /// The clients that a value names.
    pub(super) fn who(&mut self, at: &Node<'a>) -> Option<Clients> {
        self.named(at, "client", &[])
    }

    /// The clients that a value names where a region may be named, too, and is not.
    pub(super) fn who_or_where(&mut self, at: &Node<'a>) -> Option<Clients> {
        let regions: Vec<&str> = self.names.regions.keys().copied().collect();
        let what = if regions.is_empty() { "client" } else { "client or region" };
        self.named(at, what, &regions)
    }

    fn named(&mut self, at: &Node<'a>, what: &str, others: &[&str]) -> Option<Clients> {
        let name = self.reader.text(at)?;
        let clients = self.clients_named(name);
        if clients.is_none() {
            let known = self.names.clients.keys().chain(others).copied();
            let remedy = suggest(name, known);
            let problem = format!("no {what} is named `{}`", self.reader.shown(at));
            self.reader.fault(at, problem, remedy);
        }
        clients
    }

    /// The users that a value names: one, or those of a group.
    pub(super) fn users_named(&mut self, at: &Node<'a>) -> Option<Vec<UserId>> {
        let name = self.reader.text(at)?;
        if let Some(user) = self.names.users.get(name) {
            return Some(vec![*user]);
        }
        if let Some(clients) = self.clients_named(name) {
            if EACH_MAX < clients.count() && self.clients.len() <= clients.first {
                let problem = format!("{} are {} users", self.reader.shown(at), clients.count());
                let remedy = format!("at most {EACH_MAX} of a population are named at once");
                self.reader.fault(at, problem, remedy);
                return None;
            }
            return Some(clients.iter().map(|it| self.user_of(it)).collect());
        }
        let remedy = suggest(name, self.names.users.keys().map(String::as_str));
        let problem = format!("no user is named `{}`", self.reader.shown(at));
        self.reader.fault(at, problem, remedy);
        None
    }

    /// Whose device a client is.
    pub(super) fn user_of(&self, client: ClientId) -> UserId {
        match self.clients.get(client) {
            Some(spec) => spec.user,
            // Members of populations are users in the same order.
            None => {
                let number = client.index() - self.clients.len();
                UserId::from_index(self.users.len() + number)
            }
        }
    }

    /// The clients named in `clients`, each once, or a `share` of them.
    pub(super) fn whom_of(&mut self, fields: &mut Fields<'a>) -> Option<Whom> {
        let share = match fields.optional("share") {
            None => Some(None),
            Some(it) => self.reader.probability(&it).map(Some),
        };
        let at = fields.required(&mut self.reader, "clients")?;
        let nodes = self.reader.list(&at, "clients")?;
        if nodes.is_empty() {
            self.reader.fault(&at, "nobody is meant", "name at least one client");
        }
        let mut all: Vec<Clients> = Vec::new();
        for node in &nodes {
            match node.as_str().and_then(|it| self.names.regions.get(it)) {
                Some((_, region)) => all.extend(region),
                None => all.extend(self.who_or_where(node)),
            }
        }
        let share = share?.map(|part| {
            self.n_shares += 1;
            Share { part, number: self.n_shares - 1 }
        });
        (!all.is_empty()).then(|| Whom::of(all, share, self.clients.len()))
    }

    /// The kind of link that a value names.
    pub(super) fn link_named(&mut self, at: &Node<'a>) -> Option<LinkId> {
        let name = self.reader.text(at)?;
        let link = self.names.links.get(name).copied();
        if link.is_none() && self.names.has_links {
            self.no_link(name, at);
        }
        link
    }
}
