//! The parameters of the protocol: the name of each, how a file sets it, and how it is shown.
//!
//! [`PARAMETERS`] is the one place that lists them: scenarios, profile files, `run.json` and the
//! terminal follow it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    protocol::{
        code::ErrorCode,
        gate::Rate,
        retry::{Budget, LateAnswer, Retry, Schedule, Wait, WaitFrom},
        rules::{
            Adapt, Anchor, Detect, Heartbeat, Lease, Lengths, Memory, NotifyGate, Phase, Rates,
            Resend, Rules, TokenExpiry,
        },
    },
    scenario::{
        read::{Fields, Node, Reader},
        value::{
            self, ADAPTS, ANCHORS, EXPIRIES, GATES, LATE_ANSWERS, MEMORIES, PERIOD_MIN, WAITS_FROM,
        },
    },
    time::SimSpan,
};

/// Reads a value into the rules; gives nothing when there was none, or a fault was noted.
type Read = for<'a> fn(&mut Reader<'a>, &Node<'a>, &mut Rules) -> Option<()>;

/// The value as a file would set it; nothing if there is none under these rules.
type Show = fn(&Rules) -> Option<Value>;

/// One parameter; or one way to write it, if there are several that exclude each other.
#[derive(Debug)]
pub struct Parameter {
    /// Its name, by which evidence is given.
    path: &'static str,
    /// The field that sets it, a dot meaning an object inside.
    place: &'static str,
    read: Read,
    show: Show,
}

/// All parameters, those with a common object side by side.
///
/// A new field of [`Rules`] needs an entry here, a value in `blank`, and value and evidence in
/// the profiles without a base.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new("heartbeat", heartbeat, |rules| {
        rules.heartbeat.is_none().then(|| json!("none"))
    }),
    Parameter::new(
        "heartbeat.every",
        |reader, at, rules| {
            rules.heartbeat.as_mut()?.every = value::period(reader, at)?;
            Some(())
        },
        |rules| rules.heartbeat.map(|it| span(it.every)),
    ),
    Parameter::new(
        "heartbeat.phase",
        |reader, at, rules| {
            rules.heartbeat.as_mut()?.phase = value::phase(reader, at)?;
            Some(())
        },
        |rules| rules.heartbeat.map(|it| value::phase_shown(it.phase)),
    ),
    Parameter::new(
        "lease.after",
        |reader, at, rules| set(&mut rules.lease.after, value::period(reader, at)),
        |rules| Some(span(rules.lease.after)),
    ),
    Parameter::new(
        "lease.anchor",
        |reader, at, rules| set(&mut rules.lease.anchor, reader.word(at, &ANCHORS)),
        |rules| Some(json!(value::word(&ANCHORS, &rules.lease.anchor))),
    ),
    Parameter::new(
        "detect",
        |reader, at, rules| set(&mut rules.detect, value::detect(reader, at)),
        |rules| Some(value::detect_shown(rules.detect)),
    ),
    Parameter::way(
        ("retry.schedule", "retry.fixed"),
        |reader, at, rules| set(&mut rules.retry.schedule, value::fixed(reader, at)),
        |rules| value::fixed_shown(&rules.retry.schedule),
    ),
    Parameter::way(
        ("retry.schedule", "retry.list"),
        |reader, at, rules| set(&mut rules.retry.schedule, value::list(reader, at)),
        |rules| value::list_shown(&rules.retry.schedule),
    ),
    Parameter::way(
        ("retry.schedule", "retry.exponential"),
        |reader, at, rules| set(&mut rules.retry.schedule, value::exponential(reader, at)),
        |rules| value::exponential_shown(&rules.retry.schedule),
    ),
    Parameter::new(
        "retry.from",
        |reader, at, rules| set(&mut rules.retry.from, reader.word(at, &WAITS_FROM)),
        |rules| Some(json!(value::word(&WAITS_FROM, &rules.retry.from))),
    ),
    Parameter::new(
        "retry.attempt_timeout",
        |reader, at, rules| set(&mut rules.retry.attempt_timeout, value::period(reader, at)),
        |rules| Some(span(rules.retry.attempt_timeout)),
    ),
    Parameter::new(
        "retry.late_answer",
        |reader, at, rules| set(&mut rules.retry.late_answer, reader.word(at, &LATE_ANSWERS)),
        |rules| Some(json!(value::word(&LATE_ANSWERS, &rules.retry.late_answer))),
    ),
    Parameter::new(
        "retry.budget",
        |reader, at, rules| set(&mut rules.retry.budget, value::budget(reader, at)),
        |rules| Some(value::budget_shown(rules.retry.budget)),
    ),
    Parameter::new(
        "login_processing",
        |reader, at, rules| set(&mut rules.login_processing, reader.span(at)),
        |rules| Some(span(rules.login_processing)),
    ),
    Parameter::new(
        "fan_out",
        |reader, at, rules| set(&mut rules.fan_out, reader.span(at)),
        |rules| Some(span(rules.fan_out)),
    ),
    Parameter::new(
        "resend.first",
        |reader, at, rules| set(&mut rules.resend.first, value::period(reader, at)),
        |rules| Some(span(rules.resend.first)),
    ),
    Parameter::new(
        "resend.cap",
        |reader, at, rules| set(&mut rules.resend.cap, value::period(reader, at)),
        |rules| Some(span(rules.resend.cap)),
    ),
    Parameter::new(
        "resend.adapt",
        |reader, at, rules| set(&mut rules.resend.adapt, reader.word(at, &ADAPTS)),
        |rules| Some(json!(value::word(&ADAPTS, &rules.resend.adapt))),
    ),
    Parameter::new(
        "logout_timeout",
        |reader, at, rules| set(&mut rules.logout_timeout, reader.span(at)),
        |rules| Some(span(rules.logout_timeout)),
    ),
    Parameter::new(
        "kick_memory",
        |reader, at, rules| set(&mut rules.kick_memory, reader.word(at, &MEMORIES)),
        |rules| Some(json!(value::word(&MEMORIES, &rules.kick_memory))),
    ),
    Parameter::new(
        "notify_gate",
        |reader, at, rules| set(&mut rules.notify_gate, reader.word(at, &GATES)),
        |rules| Some(json!(value::word(&GATES, &rules.notify_gate))),
    ),
    Parameter::new(
        "notice_limit",
        |reader, at, rules| set(&mut rules.notice_limit, value::number(reader, at, 0)),
        |rules| Some(json!(rules.notice_limit)),
    ),
    Parameter::new(
        "login_rate",
        |reader, at, rules| set(&mut rules.login_rate, value::rate_or_none(reader, at)),
        |rules| Some(rules.login_rate.map_or_else(|| json!("none"), value::rate_shown)),
    ),
    Parameter::new(
        "rooms_max",
        |reader, at, rules| set(&mut rules.rooms_max, value::number(reader, at, 1)),
        |rules| Some(json!(rules.rooms_max)),
    ),
    Parameter::new(
        "token_expiry",
        |reader, at, rules| set(&mut rules.token_expiry, reader.word(at, &EXPIRIES)),
        |rules| Some(json!(value::word(&EXPIRIES, &rules.token_expiry))),
    ),
    Parameter::new(
        "token_warning",
        |reader, at, rules| set(&mut rules.token_warning, reader.span(at)),
        |rules| Some(span(rules.token_warning)),
    ),
    Parameter::new(
        "online_count",
        |reader, at, rules| set(&mut rules.online_count, value::period_or_none(reader, at)),
        |rules| Some(rules.online_count.map_or_else(|| json!("none"), span)),
    ),
    Parameter::new(
        "reconnecting_code",
        |reader, at, rules| set(&mut rules.reconnecting_code, value::reconnecting_code(reader, at)),
        |rules| Some(json!(rules.reconnecting_code.number())),
    ),
    Parameter::new(
        "debounce",
        |reader, at, rules| set(&mut rules.debounce, reader.span(at)),
        |rules| Some(span(rules.debounce)),
    ),
    Parameter::new(
        "rates.user_messages",
        |reader, at, rules| {
            let every = value::period(reader, at);
            set(&mut rules.rates.user_messages, every.map(Rate::one_in))
        },
        |rules| Some(span(rules.rates.user_messages.every)),
    ),
    Parameter::new(
        "rates.room_messages",
        |reader, at, rules| set(&mut rules.rates.room_messages, value::rate(reader, at)),
        |rules| Some(value::rate_shown(rules.rates.room_messages)),
    ),
    Parameter::new(
        "rates.extra_infos",
        |reader, at, rules| set(&mut rules.rates.extra_infos, value::rate(reader, at)),
        |rules| Some(value::rate_shown(rules.rates.extra_infos)),
    ),
    Parameter::new(
        "lengths.user_id",
        |reader, at, rules| set(&mut rules.lengths.user_id, value::number(reader, at, 1)),
        |rules| Some(json!(rules.lengths.user_id)),
    ),
    Parameter::new(
        "lengths.user_name",
        |reader, at, rules| set(&mut rules.lengths.user_name, value::number(reader, at, 1)),
        |rules| Some(json!(rules.lengths.user_name)),
    ),
    Parameter::new(
        "lengths.room_id",
        |reader, at, rules| set(&mut rules.lengths.room_id, value::number(reader, at, 1)),
        |rules| Some(json!(rules.lengths.room_id)),
    ),
    Parameter::new(
        "lengths.message",
        |reader, at, rules| set(&mut rules.lengths.message, value::number(reader, at, 1)),
        |rules| Some(json!(rules.lengths.message)),
    ),
    Parameter::new(
        "lengths.extra_key",
        |reader, at, rules| set(&mut rules.lengths.extra_key, value::number(reader, at, 1)),
        |rules| Some(json!(rules.lengths.extra_key)),
    ),
    Parameter::new(
        "lengths.extra_value",
        |reader, at, rules| set(&mut rules.lengths.extra_value, value::number(reader, at, 1)),
        |rules| Some(json!(rules.lengths.extra_value)),
    ),
];

/// What a profile without a base is written over: it sets every parameter, so nothing is left.
pub(super) const fn blank() -> Rules {
    Rules {
        heartbeat: None,
        lease: Lease { after: PERIOD_MIN, anchor: Anchor::Outage },
        detect: Detect::AtOutage,
        retry: Retry {
            schedule: Schedule::Fixed(Wait::Exactly(PERIOD_MIN)),
            from: WaitFrom::End,
            attempt_timeout: PERIOD_MIN,
            late_answer: LateAnswer::Ignored,
            budget: Budget::Time(PERIOD_MIN),
        },
        login_processing: SimSpan::ZERO,
        fan_out: SimSpan::ZERO,
        resend: Resend { first: PERIOD_MIN, cap: PERIOD_MIN, adapt: Adapt::Never },
        logout_timeout: SimSpan::ZERO,
        kick_memory: Memory::Off,
        notify_gate: NotifyGate::Receiver,
        notice_limit: 0,
        login_rate: None,
        rooms_max: 1,
        token_expiry: TokenExpiry::Keep,
        token_warning: SimSpan::ZERO,
        online_count: None,
        reconnecting_code: ErrorCode::TEMPORARILY_BROKEN,
        debounce: SimSpan::ZERO,
        rates: Rates {
            user_messages: Rate::one_in(PERIOD_MIN),
            room_messages: Rate::per_second(1),
            extra_infos: Rate::per_second(1),
        },
        lengths: Lengths {
            user_id: 1,
            user_name: 1,
            room_id: 1,
            message: 1,
            extra_key: 1,
            extra_value: 1,
        },
    }
}

fn set<T>(parameter: &mut T, value: Option<T>) -> Option<()> {
    *parameter = value?;
    Some(())
}

fn span(span: SimSpan) -> Value {
    json!(span.to_string())
}

/// No heartbeats; or, before its fields are read, that there are some.
fn heartbeat<'a>(reader: &mut Reader<'a>, at: &Node<'a>, rules: &mut Rules) -> Option<()> {
    if at.as_str() == Some("none") {
        rules.heartbeat = None;
        return Some(());
    }
    if at.is_object() && rules.heartbeat.is_none() {
        if !at.has("every") {
            reader.missing(at, "every");
        }
        rules.heartbeat = Some(Heartbeat { every: PERIOD_MIN, phase: Phase::Random });
    }
    None
}

impl Parameter {
    /// A parameter that is set by the field of its name.
    const fn new(path: &'static str, read: Read, show: Show) -> Self {
        Self::way((path, path), read, show)
    }

    /// One way to write a parameter: its name, and the field for this way.
    const fn way((path, place): (&'static str, &'static str), read: Read, show: Show) -> Self {
        Self { path, place, read, show }
    }

    /// Its name, by which evidence is given: `lease.after`.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Its value as a file would set it, if it has one under these rules.
    pub fn value(&self, rules: &Rules) -> Option<Value> {
        (self.show)(rules)
    }

    /// The field that it is set by, or that holds the object in which it is.
    fn group(&self) -> &'static str {
        self.place.split_once('.').map_or(self.place, |(group, _)| group)
    }

    /// The field of the object, if it is in one.
    fn field(&self) -> Option<&'static str> {
        self.place.split_once('.').map(|(_, field)| field)
    }
}

/// The fields that set parameters.
pub(super) fn fields() -> Vec<&'static str> {
    PARAMETERS.chunk_by(|it, next| it.group() == next.group()).map(|it| it[0].group()).collect()
}

/// The parameters that an object has set, and where.
pub(super) type Given<'a> = BTreeMap<&'static str, Node<'a>>;

/// Reads those of the fields that set parameters.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    fields: &mut Fields<'a>,
    rules: &mut Rules,
) -> Given<'a> {
    let mut given = Given::new();
    for group in PARAMETERS.chunk_by(|it, next| it.group() == next.group()) {
        let Some(node) = fields.optional(group[0].group()) else { continue };
        let (whole, parts) = match group {
            [whole, parts @ ..] if whole.field().is_none() => (Some(whole), parts),
            parts => (None, parts),
        };
        if let Some(whole) = whole {
            let is_read = (whole.read)(reader, &node, rules).is_some();
            if is_read || parts.is_empty() {
                given.insert(whole.path, node);
                continue;
            }
        }
        let known: Vec<_> = parts.iter().filter_map(Parameter::field).collect();
        let Some(mut inner) = reader.fields(node.clone(), &known) else {
            // All of it may be meant, so that what is missing is not a second fault.
            given.extend(group.iter().map(|it| (it.path, node.clone())));
            continue;
        };
        for ways in parts.chunk_by(|it, next| it.path == next.path) {
            given.extend(one_of(reader, &mut inner, ways, rules).map(|it| (ways[0].path, it)));
        }
    }
    given
}

/// Reads a parameter that is written in one of several ways; gives the place.
fn one_of<'a>(
    reader: &mut Reader<'a>,
    fields: &mut Fields<'a>,
    ways: &[Parameter],
    rules: &mut Rules,
) -> Option<Node<'a>> {
    let mut nodes = Vec::new();
    for way in ways {
        if let Some(node) = way.field().and_then(|it| fields.optional(it)) {
            (way.read)(reader, &node, rules);
            nodes.push(node);
        }
    }
    if 1 < nodes.len() {
        let name = ways[0].path.rsplit('.').next().unwrap_or_default();
        let known: Vec<_> =
            ways.iter().filter_map(Parameter::field).map(|it| format!("`{it}`")).collect();
        let problem = format!("{} {name}s at once", nodes.len());
        reader.fault(fields.node(), problem, format!("write one of {}", known.join(", ")));
    }
    nodes.into_iter().next()
}

/// All parameters that have a value under these rules, in the words of a file that sets them.
pub fn object(rules: &Rules) -> Value {
    let mut object = Map::new();
    for parameter in PARAMETERS {
        let Some(value) = parameter.value(rules) else { continue };
        match parameter.field() {
            None => drop(object.insert(parameter.group().to_owned(), value)),
            Some(field) => {
                let inner = object.entry(parameter.group()).or_insert_with(|| json!({}));
                inner[field] = value;
            }
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_together_stands_side_by_side() {
        let groups = fields();
        let mut sorted = groups.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), groups.len(), "{groups:?}");
        for group in PARAMETERS.chunk_by(|it, next| it.group() == next.group()) {
            let wholes = group.iter().skip(1).filter(|it| it.field().is_none());
            assert_eq!(wholes.count(), 0, "{}: the whole comes first, once", group[0].group());
        }
    }
}
