//! What happens to links, networks and the server: outages, changes of conditions, recorded
//! traces, restarts, crashes, resets.

use crate::{
    id::{ClientId, LinkId},
    link::{
        Cut, LinkModel, PathModel,
        delay::{Delay, Spread},
        loss::{GilbertElliott, Loss},
        queue::Bottleneck,
    },
    protocol::code::ErrorCode,
    scenario::{
        Action, Distribution, LinkSpec, Noticed, Outage, OutageKind, OutageProcess, ServerEvent,
        ServerMemory,
        files::{Recorded, times},
        parse::Draft,
        read::{Fields, Node},
        script::{Deed, end_of},
        whom::Whom,
    },
    time::{SimSpan, SimTime},
    units::{BitRate, between},
};

/// What happens to links and to the server.
pub(super) const CHANGES: [&str; 9] = [
    "outage",
    "randomOutages",
    "changeLink",
    "changeNetwork",
    "replayTrace",
    "crashNode",
    "resetConnections",
    "restartServer",
    "slowServer",
];

/// So often an outage comes again, and so many steps a ramp has, at the most.
const TIMES_MAX: u64 = 1_000_000;
const STEPS_MAX: u64 = 1000;
/// So many outages that come again, steps of ramps and lines of traces a scenario has at the most,
/// each client's by itself.
const CHANGES_MAX: u64 = 4_000_000;
/// So many random outages a scenario has, about, at the most.
const OUTAGES_MAX: u64 = 1 << 24;
/// Steps of a ramp unless it is said.
const STEPS: u64 = 10;

/// Kinds of outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// On the link.
    Of(OutageKind),
    Refuse,
}

/// The words for outages of links.
const ON_LINKS: [(&str, OutageKind); 3] = [
    ("link_down", OutageKind::LinkDown),
    ("silent", OutageKind::Silent),
    ("stall", OutageKind::Stall),
];

impl<'a> Draft<'a> {
    pub(super) fn change(
        &mut self,
        kind: &str,
        at: Node<'a>,
        begins: Option<SimTime>,
    ) -> Option<Deed> {
        match kind {
            "outage" => self.outage(at, begins),
            "randomOutages" => self.random_outages(at, begins),
            "changeLink" => self.change_link(at, begins),
            "changeNetwork" => self.change_network(at),
            "replayTrace" => self.replay_trace(at, begins),
            "crashNode" => self.crash_node(at),
            "resetConnections" => self.reset_connections(at),
            "restartServer" => self.restart_server(at, begins),
            _ => self.slow_server(at, begins),
        }
    }

    fn directions(&mut self, at: Option<&Node<'a>>) -> Option<Cut> {
        let directions = [("up", Cut::Up), ("down", Cut::Down), ("both", Cut::Both)];
        match at {
            None => Some(Cut::Both),
            Some(it) => self.reader.word(it, &directions),
        }
    }

    fn check_both(&mut self, at: Option<&Node<'a>>, cut: Option<Cut>, kind: Option<Kind>) {
        if let Some(at) = at
            && kind == Some(Kind::Of(OutageKind::LinkDown))
            && cut.is_some_and(|it| it != Cut::Both)
        {
            let problem = "a link that is down is down in both directions";
            self.reader.fault(at, problem, "write \"kind\": \"silent\", or leave it out");
        }
    }

    /// Outages that come and go by chance, each client's by its own draws.
    fn random_outages(&mut self, at: Node<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let known =
            ["clients", "share", "kind", "direction", "every", "lasts", "distribution", "for"];
        let mut fields = self.reader.fields(at, &known)?;
        let clients = self.whom_of(&mut fields);
        let kind = fields.required(&mut self.reader, "kind");
        let kind = kind.and_then(|it| self.reader.word(&it, &ON_LINKS));
        let direction = fields.optional("direction");
        let cut = self.directions(direction.as_ref());
        self.check_both(direction.as_ref(), cut, kind.map(Kind::Of));
        let every = fields.required(&mut self.reader, "every");
        let every = every.and_then(|it| self.period(&it));
        let lasts = fields.required(&mut self.reader, "lasts");
        let lasts = lasts.and_then(|it| self.period(&it));
        let distributions = [
            ("exponential", Distribution::Exponential),
            ("uniform", Distribution::Uniform),
            ("fixed", Distribution::Fixed),
        ];
        let lengths = match fields.optional("distribution") {
            None => Some(Distribution::Exponential),
            Some(it) => self.reader.word(&it, &distributions),
        };
        let span = fields.optional("for").map(|it| self.reader.positive_span(&it));
        let until = match span {
            None => self.end,
            Some(span) => begins? + span?,
        };
        let outage = Outage { cut: cut?, kind: kind? };
        let (every, lasts, clients) = (every?, lasts?, clients?);
        let one = every.as_micros().saturating_add(lasts.as_micros());
        let until = until.min(self.end);
        let takes = begins.map_or(0, |it| until.as_micros().saturating_sub(it.as_micros()));
        let n = (takes / one).saturating_mul(clients.n_clients());
        self.n_random_outages = self.n_random_outages.saturating_add(n);
        if OUTAGES_MAX < self.n_random_outages {
            let n = self.n_random_outages;
            let problem = format!("with these it would be about {n} random outages");
            self.reader.fault(fields.node(), problem, "let them be rarer, or fewer clients'");
            return None;
        }
        let process = OutageProcess { outage, every, lasts, lengths: lengths?, until };
        let actions = clients.iter().map(|it| Action::RandomOutages(*it, process)).collect();
        Some(Deed { clients, actions, until: None, later: Vec::new() })
    }

    fn period(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        crate::scenario::value::period(&mut self.reader, at)
    }

    /// Another kind of link, at once or by a ramp.
    fn change_link(&mut self, at: Node<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let known = ["clients", "share", "to", "direction", "from", "over", "steps"];
        let mut fields = self.reader.fields(at, &known)?;
        let clients = self.whom_of(&mut fields);
        let to = fields.required(&mut self.reader, "to").and_then(|it| self.link_named(&it));
        let direction = fields.optional("direction");
        let cut = self.directions(direction.as_ref());
        let ramp = self.ramp(&mut fields);
        let (clients, to, cut, ramp) = (clients?, to?, cut?, ramp?);
        let each = |link: LinkId| clients.iter().map(move |it| Action::ChangeLink(*it, link, cut));
        let Some((from, over, steps)) = ramp else {
            let actions = each(to).collect();
            return Some(Deed { clients, actions, until: None, later: Vec::new() });
        };
        let begins = begins?;
        self.count(fields.node(), steps, clients.len())?;
        let mut later = Vec::new();
        for step in 1..=steps {
            let link = if step == steps { to } else { self.on_the_way((from, to), step, steps) };
            let at = begins + SimSpan::from_micros(between(0, over.as_micros(), step, steps));
            later.extend(each(link).map(|it| (at, it)));
        }
        let actions = each(from).collect();
        Some(Deed { clients, actions, until: None, later })
    }

    /// Counts what a step makes of itself: so many times something for so many clients.
    fn count(&mut self, at: &Node<'a>, times: u64, n_clients: usize) -> Option<()> {
        let n = times.saturating_mul(n_clients as u64);
        self.n_changes = self.n_changes.saturating_add(n);
        if CHANGES_MAX < self.n_changes {
            let problem = format!("with these it would be {} outages and changes", self.n_changes);
            let remedy = format!("at most {CHANGES_MAX} are read: let them be fewer");
            self.reader.fault(at, problem, remedy);
            return None;
        }
        Some(())
    }

    /// Where a ramp begins, how long it takes, and in how many steps.
    #[expect(clippy::option_option, reason = "a fault and no ramp are two things")]
    fn ramp(&mut self, fields: &mut Fields<'a>) -> Option<Option<(LinkId, SimSpan, u64)>> {
        let (from_at, over_at) = (fields.optional("from"), fields.optional("over"));
        let steps_at = fields.optional("steps");
        let (Some(from_at), Some(over_at)) = (&from_at, &over_at) else {
            if let Some(it) = &steps_at {
                self.reader.integer(it, 1..=STEPS_MAX);
            }
            let Some(it) = from_at.or(over_at).or(steps_at) else { return Some(None) };
            let problem = "a ramp has a `from` and an `over`";
            self.reader.fault(&it, problem, "write both: the link it begins with, and how long");
            return None;
        };
        let from = self.link_of_ones_own(from_at);
        let over = self.reader.positive_span(over_at);
        let steps = match steps_at {
            None => Some(STEPS),
            Some(it) => self.reader.integer(&it, 1..=STEPS_MAX),
        };
        Some(Some((from?, over?, steps?)))
    }

    /// The link at one step on the way from one to another.
    fn on_the_way(&mut self, (from, to): (LinkId, LinkId), step: u64, steps: u64) -> LinkId {
        let (one, other) = (&self.links[from], &self.links[to]);
        let path = |one: &PathModel, other: &PathModel| path_between(one, other, step, steps);
        let model = LinkModel {
            up: path(&one.model.up, &other.model.up),
            down: path(&one.model.down, &other.model.down),
        };
        let name = format!("{} to {}, {step} of {steps}", one.name, other.name);
        let network = one.network;
        self.links.push(LinkSpec { name, model, network, shared: false })
    }

    fn change_network(&mut self, at: Node<'a>) -> Option<Deed> {
        let mut fields = self.reader.fields(at, &["clients", "share", "to"])?;
        let clients = self.whom_of(&mut fields);
        let to = fields.required(&mut self.reader, "to").and_then(|it| self.link_named(&it));
        let (clients, to) = (clients?, to?);
        let actions = clients.iter().map(|it| Action::ChangeNetwork(*it, to)).collect();
        Some(Deed { clients, actions, until: None, later: Vec::new() })
    }

    /// The links follow what was recorded of one; what was not is as on the link named.
    fn replay_trace(&mut self, at: Node<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let mut fields =
            self.reader.fields(at, &["clients", "share", "file", "on", "direction"])?;
        let clients = self.whom_of(&mut fields);
        let file_at = fields.required(&mut self.reader, "file");
        let trace = file_at.as_ref().and_then(|it| self.trace_file(it));
        let on = fields.required(&mut self.reader, "on").and_then(|it| self.link_of_ones_own(&it));
        let direction = fields.optional("direction");
        let cut = self.directions(direction.as_ref());
        let (clients, trace, on, cut, begins) = (clients?, trace?, on?, cut?, begins?);
        let first_at = begins + trace.first().expect("a trace is not empty").at;
        if self.end < first_at {
            let problem = format!("the file begins at {first_at} s, after the end of the run");
            self.too_late(&file_at?, problem);
            return None;
        }
        self.count(fields.node(), trace.len() as u64, clients.len())?;
        let mut later = Vec::new();
        for (at, recorded) in times(&trace, begins, self.end) {
            let LinkSpec { name, model, network, .. } = self.links[on].clone();
            let name = format!("{name}, as recorded at {}", recorded.at);
            let up = path_recorded(&model.up, recorded);
            let down = path_recorded(&model.down, recorded);
            let model = LinkModel { up, down };
            let link = self.links.push(LinkSpec { name, model, network, shared: false });
            later.extend(clients.iter().map(|it| (at, Action::ChangeLink(*it, link, cut))));
        }
        Some(Deed { clients, actions: Vec::new(), until: None, later })
    }

    /// A link that nobody shares, whose conditions can be changed one by one.
    fn link_of_ones_own(&mut self, at: &Node<'a>) -> Option<LinkId> {
        let link = self.link_named(at)?;
        if self.links[link].shared {
            let problem = "on a link that changes bit by bit nobody shares a bottleneck";
            self.reader.fault(at, problem, "name a link that is not `shared`");
        }
        Some(link)
    }

    fn crash_node(&mut self, at: Node<'a>) -> Option<Deed> {
        let mut fields = self.reader.fields(at, &["clients", "share", "noticed"])?;
        let clients = self.whom_of(&mut fields);
        let noticed = self.noticed(&mut fields);
        let (clients, noticed) = (clients?, noticed?);
        let actions = clients.iter().map(|it| Action::NodeCrash(*it, noticed)).collect();
        Some(Deed { clients, actions, until: None, later: Vec::new() })
    }

    fn reset_connections(&mut self, at: Node<'a>) -> Option<Deed> {
        let mut fields = self.reader.fields(at, &["clients", "share"])?;
        let clients = self.whom_of(&mut fields)?;
        let actions = clients.iter().map(|it| Action::ConnectionReset(*it)).collect();
        Some(Deed { clients, actions, until: None, later: Vec::new() })
    }

    /// How clients notice that what they were connected to is gone.
    fn noticed(&mut self, fields: &mut Fields<'a>) -> Option<Noticed> {
        let words = [("at_once", Noticed::AtOnce), ("by_silence", Noticed::BySilence)];
        match fields.optional("noticed") {
            None => Some(Noticed::BySilence),
            Some(it) => self.reader.word(&it, &words),
        }
    }

    /// The server is down for a time, and remembers its sessions or not.
    fn restart_server(&mut self, at: Node<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let mut fields = self.reader.fields(at, &["for", "memory", "noticed"])?;
        let span = fields.required(&mut self.reader, "for");
        let span = span.and_then(|it| self.reader.positive_span(&it));
        let words = [("kept", ServerMemory::Kept), ("lost", ServerMemory::Lost)];
        let memory = fields.required(&mut self.reader, "memory");
        let memory = memory.and_then(|it| self.reader.word(&it, &words));
        let noticed = self.noticed(&mut fields);
        let back = begins? + span?;
        let actions = vec![Action::Server(ServerEvent::Stop(noticed?))];
        let later = vec![(back, Action::Server(ServerEvent::Start(memory?)))];
        Some(Deed { clients: Whom::default(), actions, until: None, later })
    }

    /// The server takes longer over logins for a time.
    fn slow_server(&mut self, at: Node<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let mut fields = self.reader.fields(at, &["login_processing", "for"])?;
        let processing = fields.required(&mut self.reader, "login_processing");
        let processing = processing.and_then(|it| self.reader.span(&it));
        let span = fields.optional("for").map(|it| self.reader.positive_span(&it));
        let processing = processing?;
        let actions = vec![Action::Server(ServerEvent::SlowBegins(processing))];
        let ends = Action::Server(ServerEvent::SlowEnds(processing));
        let later = match span {
            None => Vec::new(),
            Some(span) => vec![(begins? + span?, ends)],
        };
        Some(Deed { clients: Whom::default(), actions, until: None, later })
    }

    fn outage(&mut self, at: Node<'a>, begins: Option<SimTime>) -> Option<Deed> {
        let known = ["clients", "share", "kind", "direction", "errorCode", "for", "times", "every"];
        let mut fields = self.reader.fields(at, &known)?;
        let clients = self.whom_of(&mut fields);
        let kind = fields.required(&mut self.reader, "kind");
        let [one, two, three] = ON_LINKS.map(|(word, kind)| (word, Kind::Of(kind)));
        let kinds = [one, two, three, ("refuse", Kind::Refuse)];
        let kind = kind.and_then(|it| self.reader.word(&it, &kinds));
        let direction = fields.optional("direction");
        let cut = self.directions(direction.as_ref());
        self.check_both(direction.as_ref(), cut, kind);
        if let (Some(direction), Some(Kind::Refuse)) = (&direction, kind) {
            let problem = "a refusal has no direction";
            self.reader.fault(direction, problem, "leave it out");
        }
        let code = self.rejection(&mut fields, kind);
        // Without, to the end of the run.
        let span = fields.optional("for").map(|it| self.reader.positive_span(&it));
        let (Some(kind), Some(cut), Some(code), Some(clients), Some(span)) =
            (kind, cut, code, clients, span.map_or(Some(None), |it| it.map(Some)))
        else {
            self.flaps(&mut fields, begins, span.flatten(), &[]);
            return None;
        };
        let until = span.and_then(|it| begins.map(|begins| begins + it));
        let action = |client: &ClientId| match kind {
            Kind::Refuse => Action::RefusalBegins(*client, code),
            Kind::Of(kind) => Action::OutageBegins(*client, Outage { cut, kind }),
        };
        let actions: Vec<Action> = clients.iter().map(action).collect();
        let later = self.flaps(&mut fields, begins, span, &actions)?;
        Some(Deed { clients, actions, until, later })
    }

    /// The same outage again and again: `times` in all, `every` so long.
    fn flaps(
        &mut self,
        fields: &mut Fields<'a>,
        begins: Option<SimTime>,
        span: Option<SimSpan>,
        actions: &[Action],
    ) -> Option<Vec<(SimTime, Action)>> {
        let (times_at, every_at) = (fields.optional("times"), fields.optional("every"));
        let (Some(times_at), Some(every_at)) = (&times_at, &every_at) else {
            if let Some(it) = times_at.or(every_at) {
                let problem = "`times` and `every` go together";
                self.reader.fault(&it, problem, "write both: how often, and how far apart");
                return None;
            }
            return Some(Vec::new());
        };
        let times = self.reader.integer(times_at, 1..=TIMES_MAX);
        let every = self.reader.positive_span(every_at)?;
        let Some(span) = span.filter(|it| *it <= every) else {
            let problem = format!("an outage that comes again every {every} is over before that");
            self.reader.fault(every_at, problem, "give it a `for` of at most `every`");
            return None;
        };
        let (times, begins) = (times?, begins?);
        self.count(times_at, times, actions.len())?;
        let again = |n: u64| {
            let at = begins + every.times(n);
            let ends = move |it: &Action| Some((at + span, end_of(*it)?));
            let begin = actions.iter().map(move |it| (at, *it));
            begin.chain(actions.iter().filter_map(ends))
        };
        Some((1..times).flat_map(again).collect())
    }

    /// The code with which logins are refused (spec: R45).
    fn rejection(&mut self, fields: &mut Fields<'a>, kind: Option<Kind>) -> Option<ErrorCode> {
        let Some(node) = fields.optional("errorCode") else { return Some(ErrorCode::INNER_ERROR) };
        if kind.is_some_and(|it| it != Kind::Refuse) {
            self.reader.fault(&node, "only a refusal has a code", "leave it out");
            return None;
        }
        let number = self.reader.integer(&node, 0..=u64::from(u32::MAX))?;
        let code = u32::try_from(number).ok().and_then(ErrorCode::rejection);
        if code.is_none() {
            let codes = ErrorCode::REJECTIONS.map(|it| it.to_string()).join(", ");
            let problem = format!("no login is refused with `{number}`");
            self.reader.fault(&node, problem, format!("write one of {codes}"));
        }
        code
    }
}

/// A path with what was recorded in place of what it has.
fn path_recorded(path: &PathModel, recorded: Recorded) -> PathModel {
    let mut path = path.clone();
    path.delay.mean = recorded.delay.unwrap_or(path.delay.mean);
    if path.delay.spread == Spread::Uniform {
        path.delay.jitter = path.delay.jitter.min(path.delay.mean);
    }
    path.loss = recorded.loss.map_or(path.loss, Loss::Random);
    if let Some(rate) = recorded.rate {
        let bottleneck = path.bottleneck.unwrap_or_else(|| Bottleneck::of(rate));
        path.bottleneck = Some(Bottleneck { rate: Some(rate), ..bottleneck });
    }
    path
}

/// The conditions at one step on the way: what is a number lies between, the rest is as at the end.
fn path_between(one: &PathModel, other: &PathModel, step: u64, steps: u64) -> PathModel {
    let span = |one: SimSpan, other: SimSpan| {
        SimSpan::from_micros(between(one.as_micros(), other.as_micros(), step, steps))
    };
    let spread = other.delay.spread.clone();
    let mean = span(one.delay.mean, other.delay.mean);
    let jitter = span(one.delay.jitter, other.delay.jitter);
    // From a table, which may stray below nothing, to the uniform distribution, which may not.
    let jitter = if spread == Spread::Uniform { jitter.min(mean) } else { jitter };
    let delay = Delay { mean, jitter, spread };
    let loss = match (one.loss, other.loss) {
        (Loss::Random(one), Loss::Random(other)) => Loss::Random(one.between(other, step, steps)),
        (Loss::GilbertElliott(one), Loss::GilbertElliott(other)) => {
            Loss::GilbertElliott(GilbertElliott {
                to_bad: one.to_bad.between(other.to_bad, step, steps),
                to_good: one.to_good.between(other.to_good, step, steps),
                bad_loss: one.bad_loss.between(other.bad_loss, step, steps),
                good_loss: one.good_loss.between(other.good_loss, step, steps),
            })
        }
        (Loss::Timed(one), Loss::Timed(other)) => Loss::Timed(one.between(other, step, steps)),
        (_, other) => other,
    };
    let bottleneck = other.bottleneck.map(|it| match (one.rate(), it.rate) {
        (Some(before), Some(after)) => {
            let bits = between(before.bits(), after.bits(), step, steps);
            Bottleneck { rate: Some(BitRate::from_bits(bits)), ..it }
        }
        (None, _) | (_, None) => it,
    });
    let duplicate = one.duplicate.between(other.duplicate, step, steps);
    PathModel { delay, loss, duplicate, bottleneck, ..other.clone() }
}
