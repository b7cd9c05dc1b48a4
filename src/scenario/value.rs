//! The values of parameters that are more than a duration or a word: how a file writes each, and
//! the same words for it again.

use serde_json::{Value, json};

use crate::{
    protocol::{
        code::ErrorCode,
        gate::Rate,
        retry::{Budget, Exponential, Jitter, LateAnswer, Schedule, Share, Wait, WaitFrom},
        rules::{Adapt, Anchor, Detect, Memory, NotifyGate, Phase, TokenExpiry},
    },
    scenario::read::{Node, Reader},
    time::SimSpan,
};

/// The shortest time that a clock of the protocol may tick: finer ones only burn time.
pub(super) const PERIOD_MIN: SimSpan = SimSpan::from_millis(1);
/// The most waits that a retry schedule may list.
const WAITS_MAX: usize = 1000;

pub(super) const ANCHORS: [(&str, Anchor); 3] = [
    ("outage", Anchor::Outage),
    ("last_message", Anchor::LastMessage),
    ("last_heartbeat", Anchor::LastHeartbeat),
];
pub(super) const ADAPTS: [(&str, Adapt); 2] =
    [("round_trip", Adapt::RoundTrip), ("never", Adapt::Never)];
pub(super) const WAITS_FROM: [(&str, WaitFrom); 2] =
    [("end", WaitFrom::End), ("start", WaitFrom::Start)];
pub(super) const LATE_ANSWERS: [(&str, LateAnswer); 2] =
    [("ignored", LateAnswer::Ignored), ("accepted", LateAnswer::Accepted)];
pub(super) const EXPIRIES: [(&str, TokenExpiry); 2] =
    [("keep", TokenExpiry::Keep), ("kick", TokenExpiry::Kick)];
pub(super) const MEMORIES: [(&str, Memory); 2] = [("on", Memory::On), ("off", Memory::Off)];
pub(super) const GATES: [(&str, NotifyGate); 2] =
    [("both", NotifyGate::Both), ("receiver", NotifyGate::Receiver)];
const DETECTS: [(&str, Detect); 1] = [("at_outage", Detect::AtOutage)];

/// The word for a value.
pub(super) fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, it)| it == value);
    found.map(|(word, _)| *word).expect("every value has a word")
}

/// A time that recurs.
pub(super) fn period<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<SimSpan> {
    let span = reader.span(at)?;
    if span < PERIOD_MIN {
        let problem = format!("{span} is too short");
        reader.fault(at, problem, format!("write at least {PERIOD_MIN}"));
        return None;
    }
    Some(span)
}

/// A recurring time, or `none`.
#[expect(clippy::option_option, reason = "a fault and `none` are two things")]
pub(super) fn period_or_none<'a>(
    reader: &mut Reader<'a>,
    at: &Node<'a>,
) -> Option<Option<SimSpan>> {
    if at.as_str() == Some("none") { Some(None) } else { period(reader, at).map(Some) }
}

/// `200/s`: so many a second, and as many at once.
pub(super) fn rate<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Rate> {
    let n = at.as_str().and_then(|it| it.strip_suffix("/s")).and_then(|it| it.parse().ok());
    let n = n.filter(|it| (1..=1_000_000).contains(it));
    if n.is_none() {
        let problem = format!("`{}` is not a rate", reader.shown(at));
        reader.fault(at, problem, "write it as \"200/s\", from 1 to 1000000 a second");
    }
    n.map(Rate::per_second)
}

pub(super) fn rate_shown(rate: Rate) -> Value {
    json!(format!("{}/s", rate.burst))
}

/// A rate, or `none` for any number.
#[expect(clippy::option_option, reason = "a fault and `none` are two things")]
pub(super) fn rate_or_none<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Option<Rate>> {
    if at.as_str() == Some("none") { Some(None) } else { rate(reader, at).map(Some) }
}

/// How many, from `least` on.
pub(super) fn number<'a>(reader: &mut Reader<'a>, at: &Node<'a>, least: u64) -> Option<u32> {
    let n = reader.integer(at, least..=u64::from(u32::MAX))?;
    u32::try_from(n).ok()
}

/// The code that comes with Reconnecting: that of the native SDKs, or of the web's.
pub(super) fn reconnecting_code<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<ErrorCode> {
    let codes = [ErrorCode::TEMPORARILY_BROKEN, ErrorCode::NETWORK_DISCONNECTED];
    let n = reader.integer(at, 0..=u64::from(u32::MAX))?;
    let code = codes.into_iter().find(|it| u64::from(it.number()) == n);
    if code.is_none() {
        let problem = format!("Reconnecting never comes with `{n}`");
        reader.fault(at, problem, format!("write {} or {}", codes[0], codes[1]));
    }
    code
}

pub(super) fn phase<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Phase> {
    match at.as_str() {
        Some("random") => Some(Phase::Random),
        Some("login") => Some(Phase::Login),
        Some(text) if !text.starts_with(|it: char| it.is_ascii_digit()) => {
            let problem = format!("unknown phase `{}`", reader.shown(at));
            let remedy = "write \"random\", \"login\" or a duration such as \"2s\"";
            reader.fault(at, problem, remedy);
            None
        }
        _ => reader.span(at).map(Phase::After),
    }
}

pub(super) fn phase_shown(phase: Phase) -> Value {
    match phase {
        Phase::Random => json!("random"),
        Phase::Login => json!("login"),
        Phase::After(span) => json!(span.to_string()),
    }
}

pub(super) fn detect<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Detect> {
    if !at.is_object() {
        return reader.word(at, &DETECTS);
    }
    let mut fields = reader.fields(at.clone(), &["probe_after", "broken_after"])?;
    let probe = fields.required(reader, "probe_after");
    let probe_after = probe.and_then(|it| period(reader, &it));
    let broken = fields.required(reader, "broken_after");
    let broken_after = broken.and_then(|it| period(reader, &it));
    Some(Detect::BySilence { probe_after: probe_after?, broken_after: broken_after? })
}

pub(super) fn detect_shown(detect: Detect) -> Value {
    match detect {
        Detect::AtOutage => json!(word(&DETECTS, &detect)),
        Detect::BySilence { probe_after, broken_after } => json!({
            "probe_after": probe_after.to_string(),
            "broken_after": broken_after.to_string(),
        }),
    }
}

pub(super) fn budget<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Budget> {
    if at.is_object() {
        let mut fields = reader.fields(at.clone(), &["attempts"])?;
        let attempts = fields.required(reader, "attempts")?;
        let attempts = reader.integer(&attempts, 1..=u64::from(u32::MAX))?;
        return u32::try_from(attempts).ok().map(Budget::Attempts);
    }
    period(reader, at).map(Budget::Time)
}

pub(super) fn budget_shown(budget: Budget) -> Value {
    match budget {
        Budget::Time(span) => json!(span.to_string()),
        Budget::Attempts(n) => json!({ "attempts": n }),
    }
}

pub(super) fn fixed<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Schedule> {
    wait(reader, at).map(Schedule::Fixed)
}

pub(super) fn fixed_shown(schedule: &Schedule) -> Option<Value> {
    match schedule {
        Schedule::Fixed(wait) => Some(wait_shown(wait)),
        Schedule::List(_) | Schedule::Exponential(_) => None,
    }
}

pub(super) fn list<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Schedule> {
    let nodes = reader.list(at, "waits")?;
    if nodes.is_empty() || WAITS_MAX < nodes.len() {
        let problem = format!("a list of {} waits", nodes.len());
        reader.fault(at, problem, format!("write 1 to {WAITS_MAX}"));
        return None;
    }
    let waits: Vec<_> = nodes.iter().map(|it| wait(reader, it)).collect();
    waits.into_iter().collect::<Option<_>>().map(Schedule::List)
}

pub(super) fn list_shown(schedule: &Schedule) -> Option<Value> {
    match schedule {
        Schedule::List(waits) => Some(waits.iter().map(wait_shown).collect()),
        Schedule::Fixed(_) | Schedule::Exponential(_) => None,
    }
}

fn wait_shown(wait: &Wait) -> Value {
    match wait {
        Wait::Exactly(span) => json!(span.to_string()),
        Wait::Seconds { from, to } => json!(format!("{from}s..{to}s")),
        Wait::Uniform { from, to } => json!({ "uniform": format!("{from}..{to}") }),
        Wait::Around { wait, share } => {
            json!({ "wait": wait.to_string(), "jitter": share_shown(*share) })
        }
    }
}

/// `4s`; `1s..3s` for a drawn number of whole seconds; `{ "uniform": "1s..3s" }` for a drawn number
/// of microseconds; `{ "wait": "4s", "jitter": "25%" }` for 3 s to 5 s.
fn wait<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Wait> {
    if at.is_object() {
        return drawn_wait(reader, at);
    }
    let Some((from, to)) = at.as_str().and_then(|it| it.split_once("..")) else {
        return reader.span(at).map(Wait::Exactly);
    };
    let secs = |text: &str| {
        let micros = text.parse::<SimSpan>().ok()?.as_micros();
        let whole = micros.is_multiple_of(1_000_000);
        u32::try_from(micros / 1_000_000).ok().filter(|_| whole)
    };
    match (secs(from), secs(to)) {
        (Some(from), Some(to)) if from <= to && to < u32::MAX => Some(Wait::Seconds { from, to }),
        _ => {
            let problem = format!("`{}` is not a range of whole seconds", reader.shown(at));
            let remedy = "write it as \"1s..3s\", or as { \"uniform\": \"1.5s..3s\" }";
            reader.fault(at, problem, remedy);
            None
        }
    }
}

/// A wait that is written as an object.
fn drawn_wait<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Wait> {
    if at.has("uniform") {
        let mut fields = reader.fields(at.clone(), &["uniform"])?;
        let range = fields.required(reader, "uniform")?;
        return uniform(reader, &range);
    }
    let mut fields = reader.fields(at.clone(), &["wait", "jitter"])?;
    let wait = fields.required(reader, "wait").and_then(|it| reader.span(&it));
    let share = fields.required(reader, "jitter").and_then(|it| share(reader, &it));
    Some(Wait::Around { wait: wait?, share: share? })
}

/// `1s..3s`, any time of the range.
fn uniform<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Wait> {
    let ends = at.as_str().and_then(|it| it.split_once(".."));
    let span = |text: &str| text.parse::<SimSpan>().ok();
    let ends = ends.and_then(|(from, to)| Some((span(from)?, span(to)?)));
    match ends {
        Some((from, to)) if from <= to => Some(Wait::Uniform { from, to }),
        Some(_) | None => {
            let problem = format!("`{}` is not a range of times", reader.shown(at));
            reader.fault(at, problem, "write it as \"1s..3s\", the shorter one first");
            None
        }
    }
}

/// `25%`: up to so much of a wait, one way or the other.
fn share<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Share> {
    let share = at.as_str().and_then(|it| it.strip_suffix('%')).and_then(|it| {
        let (whole, tenths) = it.split_once('.').unwrap_or((it, "0"));
        let are_digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
        let is_number = are_digits(whole) && are_digits(tenths) && tenths.len() == 1;
        let milli = format!("{whole}{tenths}").parse().ok().filter(|_| is_number)?;
        Share::from_milli(milli).filter(|_| !whole.is_empty())
    });
    if share.is_none() {
        let problem = format!("`{}` is not a share of a wait", reader.shown(at));
        reader.fault(at, problem, "write it as \"25%\", at most 100%, with at most one decimal");
    }
    share
}

fn share_shown(share: Share) -> String {
    let (whole, tenths) = (share.milli() / 10, share.milli() % 10);
    if tenths == 0 { format!("{whole}%") } else { format!("{whole}.{tenths}%") }
}

pub(super) fn exponential<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<Schedule> {
    let mut fields = reader.fields(at.clone(), &["base", "factor", "cap", "jitter"])?;
    let base = fields.required(reader, "base").and_then(|it| period(reader, &it));
    let cap = fields.required(reader, "cap").and_then(|it| period(reader, &it));
    let factor = match fields.optional("factor") {
        None => Some(2000),
        Some(it) => factor(reader, &it),
    };
    let jitter = match fields.optional("jitter") {
        None => Some(Jitter::None),
        Some(it) if it.as_str().is_some_and(|it| it.ends_with('%')) => {
            share(reader, &it).map(Jitter::Share)
        }
        Some(it) => reader.word(&it, &Jitter::NAMED),
    };
    let (base, factor_milli, cap, jitter) = (base?, factor?, cap?, jitter?);
    Some(Schedule::Exponential(Exponential { base, factor_milli, cap, jitter }))
}

pub(super) fn exponential_shown(schedule: &Schedule) -> Option<Value> {
    match schedule {
        Schedule::Exponential(Exponential { base, factor_milli, cap, jitter }) => Some(json!({
            "base": base.to_string(),
            "factor": f64::from(*factor_milli) / 1000.0,
            "cap": cap.to_string(),
            "jitter": match jitter {
                Jitter::Share(share) => share_shown(*share),
                Jitter::None | Jitter::Full | Jitter::Equal | Jitter::Add | Jitter::Scale => {
                    word(&Jitter::NAMED, jitter).to_owned()
                }
            },
        })),
        Schedule::Fixed(_) | Schedule::List(_) => None,
    }
}

/// A factor from 1 to 1000 with at most three decimals, in thousandths.
fn factor<'a>(reader: &mut Reader<'a>, at: &Node<'a>) -> Option<u32> {
    let text = at.number_text().unwrap_or_default();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let thousandths = format!("{whole}{fraction:0<3}").parse::<u32>().ok();
    let factor = thousandths
        .filter(|it| fraction.len() <= 3 && whole.len() <= 4 && (1000..=1_000_000).contains(it));
    if factor.is_none() {
        let wanted = "a factor from 1 to 1000 with at most three decimals";
        reader.wrong_type(at, wanted, "write a number such as 2 or 1.5");
    }
    factor
}
