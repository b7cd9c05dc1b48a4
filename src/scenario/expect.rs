//! What a scenario expects: callbacks at named instants, and their absence.

use crate::{
    id::{RoomId, StreamId},
    protocol::{
        call::CallKind,
        code::{Reason, Update},
    },
    scenario::{
        Clients, Expectation, Instant, Mark, MarkIndex, MarkOf, Pattern, When,
        fault::{excerpt, suggest},
        parse::{DURATION_MAX, Draft},
        read::{Fields, Node},
        who::EACH_MAX,
    },
    time::SimSpan,
};

/// The most users that one callback is looked through for.
const USERS_MAX: usize = 10_000;

/// All expectations of a file, and the order in which they can be judged.
#[derive(Debug, Default)]
pub(super) struct Expectations {
    pub(super) all: Vec<Expectation>,
    pub(super) order: Vec<usize>,
}

/// An expectation of which only the mark has been read.
struct Raw<'a> {
    fields: Fields<'a>,
    mark: Option<MarkIndex>,
}

/// Callbacks that tell a word or a number: their names and fields, that of the value first.
const TOLD: [(&str, &[&str]); 5] = [
    ("onRoomOnlineUserCountUpdate", &["count", "room"]),
    ("onRoomTokenWillExpire", &["remainTimeInSecond", "room"]),
    ("onRoomExtraInfoUpdate", &["value", "user", "room"]),
    ("onIMRecvBroadcastMessage", &["message", "user", "room"]),
    ("onNetworkModeChanged", &["mode"]),
];

impl<'a> Draft<'a> {
    /// The expectations.  Marks are read first, so that an instant may name a later one.
    pub(super) fn expectations(&mut self, at: &Node<'a>) -> Expectations {
        let nodes = self.reader.list(at, "expectations").unwrap_or_default();
        let known = ["mark", "client", "callback", "at", "within", "never", "from", "to"];
        let mut raws = Vec::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let Some(mut fields) = self.reader.fields(node, &known) else { continue };
            let mark = fields.optional("mark").and_then(|it| {
                let of = MarkOf::Expectation(index);
                self.new_mark(&it, Mark { name: String::new(), of })
            });
            raws.push(Raw { fields, mark });
        }
        let mut expectations = Vec::new();
        for raw in raws {
            let node = raw.fields.node().clone();
            if let Some(expectation) = self.expectation(raw) {
                expectations.push((node, expectation));
            }
            if self.reader.is_hopeless() {
                break;
            }
        }
        if self.reader.has_faults() {
            return Expectations::default(); // Some are missing, so no mark can be relied on.
        }
        let order = self.order(&expectations);
        Expectations { all: expectations.into_iter().map(|(_, it)| it).collect(), order }
    }

    fn expectation(&mut self, Raw { mut fields, mark }: Raw<'a>) -> Option<Expectation> {
        let pointer = fields.node().pointer.clone();
        let client = fields.required(&mut self.reader, "client");
        let clients = client.as_ref().and_then(|it| self.each_of(it));
        let who = client.as_ref().and_then(Node::as_str);
        let (pattern, when) = match (fields.optional("callback"), fields.optional("never")) {
            (Some(callback), None) => {
                let pattern = self.pattern(callback);
                (pattern, self.when_seen(&mut fields))
            }
            (None, Some(never)) => {
                let pattern = self.pattern(never);
                (pattern, self.when_never(&mut fields, mark))
            }
            (callback, _) => {
                let n = if callback.is_some() { "both" } else { "neither" };
                let problem = format!("{n} of `callback` and `never`");
                let remedy = "write one of them: what is to come, or what is not";
                self.reader.fault(fields.node(), problem, remedy);
                return None;
            }
        };
        let (pattern, when) = (pattern?, when?);
        Some(Expectation { pointer, mark, clients: clients?, who: who?.to_owned(), pattern, when })
    }

    /// The clients that a value names, of a population not too many.
    fn each_of(&mut self, at: &Node<'a>) -> Option<Clients> {
        let clients = self.who(at)?;
        if EACH_MAX < clients.count() && self.clients.len() <= clients.first {
            let problem = format!("each of {} clients is looked at by itself", clients.count());
            let remedy = format!(
                "name one of them, such as `{0}-1`, or a population of at most {EACH_MAX}",
                self.reader.shown(at)
            );
            self.reader.fault(at, problem, remedy);
            return None;
        }
        Some(clients)
    }

    fn when_seen(&mut self, fields: &mut Fields<'a>) -> Option<When> {
        let (at, within) = (fields.optional("at"), fields.optional("within"));
        if let Some(at) = at {
            for name in ["from", "to"] {
                if let Some(it) = fields.optional(name) {
                    let problem = format!("`{name}` beside `at`");
                    self.reader.fault(&it, problem, "write `at` and `within`, or `from` and `to`");
                }
            }
            let within = match within {
                None => Some(SimSpan::ZERO),
                Some(it) => self.reader.span(&it).filter(|span| {
                    let fits = *span <= DURATION_MAX;
                    if !fits {
                        let problem =
                            format!("`{}` is longer than any run", self.reader.shown(&it));
                        self.reader.fault(&it, problem, format!("write at most {DURATION_MAX}"));
                    }
                    fits
                }),
            };
            return Some(When::At(self.instant(&at)?, within?));
        }
        if let Some(within) = within {
            self.reader.fault(&within, "`within` without `at`", "add `at`: give or take of what?");
        }
        let (from, to) = self.window(fields);
        Some(When::Between(from?, to?))
    }

    fn when_never(&mut self, fields: &mut Fields<'a>, mark: Option<MarkIndex>) -> Option<When> {
        if mark.is_some() {
            let problem = "what never happens has no instant";
            self.reader.fault(fields.node(), problem, "leave `mark` out");
        }
        for name in ["at", "within"] {
            if let Some(it) = fields.optional(name) {
                let problem = format!("`{name}` beside `never`");
                self.reader.fault(&it, problem, "write `from` and `to`, or neither");
            }
        }
        let (from, to) = self.window(fields);
        Some(When::Never(from?, to?))
    }

    /// From `from`, or the start of the run, to `to`, or its end.
    fn window(&mut self, fields: &mut Fields<'a>) -> (Option<Instant>, Option<Instant>) {
        let (from_at, to_at) = (fields.optional("from"), fields.optional("to"));
        let from = match &from_at {
            None => Some(Instant { mark: None, offset: 0 }),
            Some(it) => self.instant(it),
        };
        let to = match &to_at {
            None => {
                let end = i64::try_from(self.end.as_micros()).expect("10 days fit");
                Some(Instant { mark: None, offset: end })
            }
            Some(it) => self.instant(it),
        };
        if let (Some(from), Some(to)) = (from, to)
            && from.mark == to.mark
            && to.offset < from.offset
        {
            let at = from_at.as_ref().or(to_at.as_ref()).unwrap_or_else(|| fields.node());
            self.reader.fault(at, "`from` is after `to`", "exchange them");
        }
        (from, to)
    }

    /// `60s`, `T3`, `T3+90s`, `T5'-1ms`.
    fn instant(&mut self, at: &Node<'a>) -> Option<Instant> {
        let text = self.reader.text(at)?;
        let (base, offset) = match text.find(['+', '-']) {
            Some(sign) => (text[..sign].trim(), Some((text.as_bytes()[sign], &text[sign + 1..]))),
            None => (text.trim(), None),
        };
        let micros = |text: &str| {
            let span: Option<SimSpan> = text.parse().ok();
            let span = span.filter(|it| *it <= DURATION_MAX)?;
            i64::try_from(span.as_micros()).ok()
        };
        let offset = match offset {
            None => Some(0),
            Some((b'-', span)) => micros(span).map(|it| -it),
            Some((_, span)) => micros(span),
        };
        let since_start = base.starts_with(|it: char| it.is_ascii_digit());
        let (mark, start) = if since_start {
            (None, micros(base))
        } else {
            let mark = self.mark_named(base);
            if mark.is_none() && !base.is_empty() && offset.is_some() {
                let remedy = self.suggest_mark(base);
                let problem = format!("no instant is named `{}`", excerpt(base));
                self.reader.fault(at, problem, remedy);
                return None;
            }
            (mark, mark.map(|_| 0))
        };
        let sum = start.zip(offset).and_then(|(start, offset)| start.checked_add(offset));
        let end = i64::try_from(self.end.as_micros()).expect("10 days fit");
        match sum {
            Some(sum) if mark.is_none() && end < sum => {
                let problem = format!("`{}` is after the end of the run", self.reader.shown(at));
                self.reader.fault(
                    at,
                    problem,
                    "make `duration` longer, or name an earlier instant",
                );
                None
            }
            Some(offset) => Some(Instant { mark, offset }),
            None => {
                let problem = format!("`{}` is not an instant", self.reader.shown(at));
                let remedy =
                    "write \"60s\" since the start, or a mark such as \"T3\" or \"T3+90s\"";
                self.reader.fault(at, problem, remedy);
                None
            }
        }
    }

    fn pattern(&mut self, at: Node<'a>) -> Option<Pattern> {
        if at.as_str() == Some("any") {
            return Some(Pattern::Any);
        }
        if !at.is_object() {
            let remedy = "write \"any\", or { \"onRoomStateChanged\": { … } }";
            self.reader.wrong_type(&at, "a callback", remedy);
            return None;
        }
        let lists = ["onRoomStateChanged", "onRoomUserUpdate", "onRoomStreamUpdate"];
        let told = TOLD.map(|(name, _)| name);
        let calls = CallKind::ALL.map(CallKind::name);
        let kinds = [&lists[..], &told[..], &calls[..]].concat();
        let (kind, node) = self.reader.variant(at, &kinds)?;
        match kind {
            "onRoomStateChanged" => self.state_changed(node),
            "onRoomUserUpdate" => self.user_update(node),
            "onRoomStreamUpdate" => self.stream_update(node),
            _ => self.told(kind, node),
        }
    }

    fn stream_update(&mut self, at: Node<'a>) -> Option<Pattern> {
        let known = ["update", "streams", "stream_delete_reason", "room"];
        let mut fields = self.reader.fields(at, &known)?;
        let update = self.update(&mut fields);
        let mut streams = Vec::new();
        if let Some(list) = fields.optional("streams") {
            for node in self.reader.list(&list, "streams")? {
                streams.extend(self.stream_known(&node));
            }
        }
        let reason = match fields.optional("stream_delete_reason") {
            None => Some(None),
            Some(it) => self.reader.integer(&it, 1..=6).map(|it| u8::try_from(it).ok()),
        };
        let room = self.room(&mut fields);
        let (update, reason, room) = (update?, reason?, room?);
        Some(Pattern::StreamUpdate { update, streams, reason, room })
    }

    fn stream_known(&mut self, at: &Node<'a>) -> Option<StreamId> {
        let name = self.reader.text(at)?;
        let stream = self.names.streams.get(name).copied();
        if stream.is_none() {
            let remedy = suggest(name, self.names.streams.keys().map(String::as_str));
            let problem = format!("nobody publishes the stream `{}`", self.reader.shown(at));
            self.reader.fault(at, problem, remedy);
        }
        stream
    }

    /// A callback that tells a word or a number, or a call's result.
    fn told(&mut self, callback: &'static str, at: Node<'a>) -> Option<Pattern> {
        let (value_name, fields_of) = match TOLD.iter().find(|(name, _)| *name == callback) {
            Some((_, fields)) => (Some(fields[0]), *fields),
            None => (None, &["errorCode", "room"][..]),
        };
        let mut fields = self.reader.fields(at, fields_of)?;
        let value = value_name.and_then(|it| fields.optional(it));
        let value = match value {
            None => Some(None),
            Some(it) => match it.number_text() {
                Some(number) => Some(Some(number.to_owned())),
                None => self.reader.text(&it).map(|it| Some(it.to_owned())),
            },
        };
        let user = match fields.optional("user") {
            None => Some(None),
            Some(it) => self.users_named(&it).map(|users| users.first().copied()),
        };
        let code = self.code(&mut fields);
        let room = self.room(&mut fields);
        let (value, user, code, room) = (value?, user?, code?, room?);
        Some(Pattern::Told { callback, value, user, code, room })
    }

    fn state_changed(&mut self, at: Node<'a>) -> Option<Pattern> {
        let mut fields = self.reader.fields(at, &["reason", "errorCode", "room"])?;
        let reasons = Reason::ALL.map(|it| (it.name(), it));
        let reason = match fields.optional("reason") {
            None => Some(None),
            Some(it) => self.reader.word(&it, &reasons).map(Some),
        };
        let code = self.code(&mut fields);
        let room = self.room(&mut fields);
        Some(Pattern::StateChanged { reason: reason?, code: code?, room: room? })
    }

    fn user_update(&mut self, at: Node<'a>) -> Option<Pattern> {
        let mut fields = self.reader.fields(at, &["update", "users", "room"])?;
        let update = self.update(&mut fields);
        let mut users = Vec::new();
        if let Some(list) = fields.optional("users") {
            for node in self.reader.list(&list, "users")? {
                users.extend(self.users_named(&node).unwrap_or_default());
            }
        }
        if USERS_MAX < users.len() {
            let problem = format!("a callback that names {} users", users.len());
            let remedy = format!("at most {USERS_MAX} are looked for in one callback");
            self.reader.fault(fields.node(), problem, remedy);
        }
        let room = self.room(&mut fields);
        Some(Pattern::UserUpdate { update: update?, users, room: room? })
    }

    #[expect(clippy::option_option, reason = "a fault and an open part are two things")]
    fn update(&mut self, fields: &mut Fields<'a>) -> Option<Option<Update>> {
        let updates = [Update::Add, Update::Delete].map(|it| (it.name(), it));
        match fields.optional("update") {
            None => Some(None),
            Some(it) => self.reader.word(&it, &updates).map(Some),
        }
    }

    /// `errorCode`: nothing means a fault, `Some(None)` that it is left open.
    #[expect(clippy::option_option, reason = "a fault and an open part are two things")]
    fn code(&mut self, fields: &mut Fields<'a>) -> Option<Option<u32>> {
        let Some(node) = fields.optional("errorCode") else { return Some(None) };
        let code = self.reader.integer(&node, 0..=u64::from(u32::MAX))?;
        u32::try_from(code).ok().map(Some)
    }

    #[expect(clippy::option_option, reason = "a fault and an open part are two things")]
    fn room(&mut self, fields: &mut Fields<'a>) -> Option<Option<RoomId>> {
        match fields.optional("room") {
            None => Some(None),
            Some(it) => self.room_known(&it).map(Some),
        }
    }

    /// The order in which expectations can be judged: each after those whose marks it names.
    ///
    /// Instants that hang on each other in a ring are never known, which is a fault.
    fn order(&mut self, expectations: &[(Node<'a>, Expectation)]) -> Vec<usize> {
        let mut n_unknown = vec![0; expectations.len()];
        let mut waiting = vec![Vec::new(); expectations.len()];
        for (index, (_, expectation)) in expectations.iter().enumerate() {
            for mark in expectation.when.marks() {
                if let MarkOf::Expectation(of) = self.marks[mark].of {
                    n_unknown[index] += 1;
                    waiting[of].push(index);
                }
            }
        }
        let mut order: Vec<usize> =
            (0..expectations.len()).filter(|it| n_unknown[*it] == 0).collect();
        let mut n_done = 0;
        while let Some(known) = order.get(n_done).copied() {
            n_done += 1;
            for index in &waiting[known] {
                n_unknown[*index] -= 1;
                if n_unknown[*index] == 0 {
                    order.push(*index);
                }
            }
        }
        if let Some(stuck) = n_unknown.iter().position(|it| *it != 0) {
            let problem = "the instants here hang on each other in a ring";
            let remedy = "let one of them hang on a mark of the script";
            self.reader.fault(&expectations[stuck].0, problem, remedy);
        }
        order
    }
}
