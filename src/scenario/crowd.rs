//! Populations as a file tells of them: who they are, where, and when they come and go.

use std::ops::Bound;

use crate::{
    id::{LinkId, RoomId},
    protocol::call::{Login, Token, Via},
    rng::Stem,
    scenario::{
        Clients, Entry, EntryOf,
        name::{self, NameOf},
        parse::{CLIENTS_MAX, DURATION_MAX, Draft},
        population::{Arrival, Coming, Leave, Population, Spell},
        read::{Fields, Node},
        rooms::{RowError, Size, number_of},
        value,
    },
    time::{Clock, SimSpan, SimTime},
    units::Probability,
};

/// What only an entry with `rooms` or `room` may say.
pub(super) const OF_POPULATIONS: [&str; 6] =
    ["arrive", "stay", "away", "leave", "isUserStatusNotify", "maxMemberCount"];

/// So often members of populations log in, about, at the most.
const LOGINS_MAX: u64 = 100_000_000;

/// How long members stay and are away, and how they leave.
struct Churn {
    stay: Option<Spell>,
    away: Option<Spell>,
    leave: Leave,
}

impl<'a> Draft<'a> {
    /// An entry with `rooms` or `room`.
    pub(super) fn population(&mut self, at: Node<'a>) -> Option<()> {
        let own = ["name", "count", "link", "rooms", "room", "region", "clock"];
        let refused = ["roomMode", "user", "userName"];
        let known = [&own[..], &OF_POPULATIONS, &refused].concat();
        let mut fields = self.reader.fields(at, &known)?;
        let name_at = fields.required(&mut self.reader, "name");
        let count_at = fields.required(&mut self.reader, "count");
        let count = count_at.as_ref().and_then(|it| self.reader.integer(it, 1..=CLIENTS_MAX));
        let links = fields.required(&mut self.reader, "link").and_then(|it| self.shares(&it));
        self.refuse_devices(&mut fields);
        let region = self.region(&mut fields);
        let clock = fields.optional("clock").map(|it| self.clock(&it));
        let name = name_at.as_ref().and_then(|it| self.name(it, NameOf::Client));
        let rooms = self.rooms_of(&mut fields, name);
        let n_listed = count.and_then(|it| usize::try_from(it).ok());
        let arrival = self.arrival(fields.optional("arrive"), n_listed);
        let churn = self.churn(&mut fields);
        let login = self.login_config(&mut fields);
        let (name_at, name) = (name_at?, name?);
        // Its name is known even with a fault, so that using it is not a second fault.
        let count = n_listed.unwrap_or(1);
        self.check_count(count as u64, count_at.as_ref().unwrap_or_else(|| fields.node()))?;
        self.check_members(&name_at, name, count)?;
        let n_before = self.clients.len() + self.n_members;
        let members = Clients { first: n_before, count };
        let (of, clients) = (EntryOf::Population, members);
        self.entries.push(Entry { name: name.to_owned(), of, clients });
        self.names.clients.insert(name, members);
        if let Some((at, region)) = region {
            self.names.regions.entry(region).or_insert((at, Vec::new())).1.push(members);
        }
        self.n_members += count;
        let (first_room, n_rooms) = rooms?;
        let (notify, max_members) = login?;
        let (token, via) = (Token::NONE, Via::LoginRoom);
        let Churn { stay, away, leave } = churn?;
        let population = Population {
            name: name.to_owned(),
            stem: Stem::of(name),
            members,
            first_room,
            n_rooms,
            links: links?,
            clock: clock.map_or(Some(Clock::EXACT), |it| it)?,
            login: Login { room: first_room, notify, max_members, token, via },
            arrival: arrival?,
            stay,
            away,
            leave,
        };
        let duration = self.end.since(SimTime::ZERO);
        let n_logins = population.n_logins(duration).saturating_mul(count as u64);
        self.n_logins = self.n_logins.saturating_add(n_logins);
        if LOGINS_MAX < self.n_logins {
            let problem = format!("members would log in about {} times", self.n_logins);
            let remedy = format!("at most {LOGINS_MAX} are simulated: let them stay longer");
            self.reader.fault(fields.node(), problem, remedy);
        }
        self.populations.push(population);
        Some(())
    }

    /// What makes members differ from each other is not for populations.
    fn refuse_devices(&mut self, fields: &mut Fields<'a>) {
        if let Some(at) = fields.optional("roomMode")
            && self.reader.text(&at).is_some_and(|it| it != "single")
        {
            let problem = "each member of a population is in one room";
            self.reader.fault(&at, problem, "leave it out, or write a group without `rooms`");
        }
        for name in ["user", "userName"] {
            if let Some(at) = fields.optional(name) {
                let problem = "a population has no common user";
                let remedy = "leave it out: each member is a user of its own, with its own name";
                self.reader.fault(&at, problem, remedy);
            }
        }
    }

    /// The names of members must be nobody else's, and such that the SDK takes them.
    fn check_members(&mut self, at: &Node<'a>, name: &str, count: usize) -> Option<()> {
        let last = format!("{name}-{count}");
        if NameOf::Client.bytes_max() < last.len() {
            let problem = format!("the name of its member `{last}` has {} bytes", last.len());
            let remedy = format!("at most {} are allowed", NameOf::Client.bytes_max());
            self.reader.fault(at, problem, remedy);
            return None;
        }
        if name::user_id_fault(&last, self.lengths).is_some() {
            let problem = format!("the SDK takes no user of the name `{last}`");
            let remedy = "use a shorter name of letters, digits and `-`, `_` or `.`";
            self.reader.fault(at, problem, remedy);
        }
        let prefix = format!("{name}-");
        let is_member = |it: &&str| number_of(it, name).is_some_and(|it| it <= count);
        let with_prefix = |it: &&str| it.starts_with(&prefix);
        let clients = self.names.clients.range(&*prefix..).map(|it| *it.0);
        let client = clients.take_while(with_prefix).find(is_member);
        let client = client.or_else(|| self.clients_named(name).map(|_| name));
        let from = (Bound::Included(&*prefix), Bound::Unbounded);
        let users = self.names.users.range::<str, _>(from).map(|it| &**it.0);
        let user = users.take_while(with_prefix).find(is_member);
        let (what, taken) = match (client, user) {
            (Some(client), _) => ("client", client.to_owned()),
            (None, Some(user)) => ("user", user.to_owned()),
            (None, None) => return Some(()),
        };
        let problem = format!("there is a {what} `{taken}` already");
        self.reader.fault(at, problem, "give every client a name of its own");
        None
    }

    /// `rooms`: a number or a name and a number; or `room`: one name.
    fn rooms_of(&mut self, fields: &mut Fields<'a>, own: Option<&str>) -> Option<(RoomId, usize)> {
        let (rooms, room) = (fields.optional("rooms"), fields.optional("room"));
        let (at, name, size) = match (rooms, room) {
            (Some(rooms), Some(room)) => {
                self.reader.fault(&room, "both `rooms` and `room`", "write one of them");
                self.numbered(&rooms, own);
                return None;
            }
            (Some(rooms), None) => {
                let (name, size) = self.numbered(&rooms, own)?;
                (rooms, name, size)
            }
            (None, room) => {
                let room = room.expect("a population says where it is");
                let name = self.name(&room, NameOf::Room)?.to_owned();
                (room, name, Size::One)
            }
        };
        let longest = match size {
            Size::One => name.clone(),
            Size::Numbered(count) => format!("{name}-{count}"),
        };
        if name::room_id_fault(&longest, self.lengths).is_some() {
            let problem = format!("the SDK takes no room of the name `{longest}`");
            let remedy = "use a shorter name of letters, digits and `-`, `_` or `.`";
            self.reader.fault(&at, problem, remedy);
            return None;
        }
        match self.rooms.row(&name, size) {
            Ok(first) => Some((first, size.count())),
            Err(RowError::OtherSize(n)) => {
                let problem = format!("another population has {n} rooms of the name `{name}`");
                let remedy = "write the same number, or another name";
                self.reader.fault(&at, problem, remedy);
                None
            }
            Err(RowError::Taken(room)) => {
                let problem = format!("the room `{room}` is another population's");
                self.reader.fault(&at, problem, "give the rooms another name");
                None
            }
        }
    }

    fn numbered(&mut self, at: &Node<'a>, own: Option<&str>) -> Option<(String, Size)> {
        let size = |it: u64| usize::try_from(it).ok().map(Size::Numbered);
        if !at.is_object() {
            let count = self.reader.integer(at, 1..=CLIENTS_MAX)?;
            return Some((format!("{}-room", own?), size(count)?));
        }
        let mut fields = self.reader.fields(at.clone(), &["name", "count"])?;
        let name = fields.required(&mut self.reader, "name");
        let name = name.and_then(|it| self.name(&it, NameOf::Room));
        let count = fields.required(&mut self.reader, "count");
        let count = count.and_then(|it| self.reader.integer(&it, 1..=CLIENTS_MAX));
        Some((name?.to_owned(), size(count?)?))
    }

    /// A kind of link, or several with their shares.
    fn shares(&mut self, at: &Node<'a>) -> Option<Vec<(Probability, LinkId)>> {
        if !at.is_object() {
            return Some(vec![(Probability::ONE, self.link_named(at)?)]);
        }
        let (mut shares, mut links) = (Vec::new(), Vec::new());
        let mut sum = Probability::ZERO;
        for (name, node) in self.reader.entries(at)? {
            let link = self.names.links.get(name).copied();
            if link.is_none() && self.names.has_links {
                self.no_link(name, &node);
            }
            let share = self.reader.probability(&node)?;
            shares.push(share);
            sum = sum.or(share);
            links.push((sum, link?));
        }
        if !Probability::are_whole(&shares) {
            let problem = "the shares of links do not make up 100%";
            self.reader.fault(at, problem, "let them, such as \"70%\" and \"30%\"");
            return None;
        }
        Some(links)
    }

    fn arrival(&mut self, at: Option<Node<'a>>, count: Option<usize>) -> Option<Arrival> {
        let at_once = Arrival { from: SimTime::ZERO, how: Coming::AtOnce };
        let Some(at) = at else { return Some(at_once) };
        if !at.is_object() {
            self.reader.word(&at, &[("at_once", ())])?;
            return Some(at_once);
        }
        let mut fields = self.reader.fields(at, &["from", "uniform", "poisson", "file"])?;
        let from = fields.optional("from").map(|it| self.instant_of(&it));
        let from = from.unwrap_or(Some(SimTime::ZERO));
        let ways = ["uniform", "poisson", "file"].map(|it| (it, fields.optional(it)));
        let mut ways = ways.into_iter().filter_map(|(kind, at)| Some((kind, at?)));
        let (first, second) = (ways.next(), ways.next());
        if let Some((_, at)) = second {
            let problem = "clients come in one way";
            self.reader.fault(&at, problem, "write one of `uniform`, `poisson` and `file`");
        }
        let how = match first {
            None => Some(Coming::AtOnce),
            Some(("uniform", at)) => self.limited(&at).map(Coming::Within),
            Some(("poisson", at)) => value::rate(&mut self.reader, &at).map(|rate| {
                let micros = count.unwrap_or(1) as u64 * 1_000_000 / u64::from(rate.burst);
                Coming::Within(SimSpan::from_micros(micros))
            }),
            Some((_, at)) => self.listed(&at, count).map(Coming::Listed),
        };
        Some(Arrival { from: from?, how: how? })
    }

    /// A time that is longer than nothing, and not than any run.
    fn limited(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let span = self.reader.positive_span(at)?;
        if DURATION_MAX < span {
            let problem = format!("`{}` is longer than any run", self.reader.shown(at));
            self.reader.fault(at, problem, format!("write at most {DURATION_MAX}"));
            return None;
        }
        Some(span)
    }

    /// The times of a file, one a line: that of the first member first.
    fn listed(&mut self, at: &Node<'a>, count: Option<usize>) -> Option<Vec<SimSpan>> {
        let text = self.file(at)?;
        let n_faults = self.reader.n_faults();
        let mut all = Vec::new();
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        for (number, line) in lines.filter(|it| !it.1.is_empty()).take(count.unwrap_or(0)) {
            match line.parse::<SimSpan>() {
                Ok(span) => all.push(span.min(DURATION_MAX)),
                Err(error) => {
                    // What stands in it may be none of the reader's business.
                    let problem = format!("line {number} of the file is no duration: {error}");
                    self.reader.fault(at, problem, "write one duration a line, such as `1.5s`");
                }
            }
            if self.reader.is_hopeless() {
                return None;
            }
        }
        let is_sound = n_faults == self.reader.n_faults();
        let n = all.len();
        if let Some(count) = count.filter(|it| is_sound && n < *it) {
            let problem = format!("the file has {n} times for {count} clients");
            self.reader.fault(at, problem, "let it have a line for each client");
            return None;
        }
        is_sound.then_some(all)
    }

    fn churn(&mut self, fields: &mut Fields<'a>) -> Option<Churn> {
        let stay_at = fields.optional("stay");
        let (away_at, leave_at) = (fields.optional("away"), fields.optional("leave"));
        if stay_at.is_none() {
            for at in [&away_at, &leave_at].into_iter().flatten() {
                let problem = "who stays to the end does not leave";
                self.reader.fault(at, problem, "add `stay`: how long they stay");
            }
        }
        let stay = stay_at.map(|it| self.spell(it));
        let away = away_at.map(|it| self.spell(it));
        let words = [("logout", Leave::Logout), ("kill", Leave::Kill)];
        let leave = leave_at.map_or(Some(Leave::Logout), |it| self.reader.word(&it, &words));
        let whole = |it: Option<Option<Spell>>| it.map_or(Some(None), |it| it.map(Some));
        Some(Churn { stay: whole(stay)?, away: whole(away)?, leave: leave? })
    }

    /// `{ "fixed": D }`, `{ "uniform": D }` or `{ "exponential": D }`.
    fn spell(&mut self, at: Node<'a>) -> Option<Spell> {
        let (kind, node) = self.reader.variant(at, &["fixed", "uniform", "exponential"])?;
        let span = self.limited(&node)?;
        Some(match kind {
            "fixed" => Spell::Fixed(span),
            "uniform" => Spell::Uniform(span),
            _ => Spell::Exponential(span),
        })
    }
}
