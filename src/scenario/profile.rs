//! The profile of a scenario: a named set of parameters, and the scenario's own changes to it.

use crate::{
    protocol::{
        retry::{Budget, Exponential, Jitter, Schedule, Wait},
        rules::{Anchor, Detect, Heartbeat, Memory, NotifyGate, Phase, Rules},
    },
    scenario::{
        fault::suggest,
        parse::Draft,
        read::{Fields, Node},
    },
    time::SimSpan,
};

/// The shortest time that a clock of the protocol may tick: finer ones only burn time.
const PERIOD_MIN: SimSpan = SimSpan::from_millis(1);
/// The most waits that a retry schedule may list.
const WAITS_MAX: usize = 1000;

impl<'a> Draft<'a> {
    /// The name of the base profile and the resulting parameters.
    pub(super) fn profile(&mut self, at: Node<'a>) -> Option<(&'static str, Rules)> {
        if !at.is_object() {
            return self.base(&at);
        }
        let known = [
            "base",
            "heartbeat",
            "lease",
            "detect",
            "retry",
            "login_processing",
            "fan_out",
            "resend",
            "logout_timeout",
            "kick_memory",
            "notify_gate",
        ];
        let mut fields = self.reader.fields(at, &known)?;
        let n_faults = self.reader.n_faults();
        let base = fields.required(&mut self.reader, "base").and_then(|it| self.base(&it));
        // Without a base, the rest is still read for its faults.
        let (name, mut rules) = base.clone().unwrap_or_else(|| ("", Rules::zego_doc()));
        if let Some(it) = fields.optional("heartbeat") {
            self.heartbeat(it, &mut rules);
        }
        if let Some(it) = fields.optional("lease") {
            self.lease(it, &mut rules);
        }
        if let Some(it) = fields.optional("detect") {
            self.detect(it, &mut rules);
        }
        if let Some(it) = fields.optional("retry") {
            self.retry(it, &mut rules);
        }
        if let Some(it) = fields.optional("resend") {
            self.resend(it, &mut rules);
        }
        let spans = [
            ("login_processing", &mut rules.login_processing),
            ("fan_out", &mut rules.fan_out),
            ("logout_timeout", &mut rules.logout_timeout),
        ];
        for (field, value) in spans {
            if let Some(span) = fields.optional(field).and_then(|it| self.reader.span(&it)) {
                *value = span;
            }
        }
        let words = [("on", Memory::On), ("off", Memory::Off)];
        if let Some(it) =
            fields.optional("kick_memory").and_then(|it| self.reader.word(&it, &words))
        {
            rules.kick_memory = it;
        }
        let words = [("both", NotifyGate::Both), ("receiver", NotifyGate::Receiver)];
        if let Some(it) =
            fields.optional("notify_gate").and_then(|it| self.reader.word(&it, &words))
        {
            rules.notify_gate = it;
        }
        if self.reader.n_faults() == n_faults {
            self.check_liveness(&fields, &rules);
        }
        base.map(|_| (name, rules))
    }

    fn base(&mut self, at: &Node<'a>) -> Option<(&'static str, Rules)> {
        let name = self.reader.text(at)?;
        let profiles = Rules::profiles();
        let names = profiles.each_ref().map(|(it, _)| *it);
        let found = profiles.into_iter().find(|(it, _)| *it == name);
        if found.is_none() {
            let remedy = suggest(name, names);
            let problem = format!("no profile is named `{}`", self.reader.shown(at));
            self.reader.fault(at, problem, remedy);
        }
        found
    }

    /// Whoever counts silence must be sent something.
    fn check_liveness(&mut self, fields: &Fields<'a>, rules: &Rules) {
        if rules.heartbeat.is_some() {
            return;
        }
        let remedy = "give `heartbeat` an interval, such as { \"every\": \"5s\" }";
        if rules.lease.anchor == Anchor::LastMessage {
            let problem = "a lease from the last message needs heartbeats";
            self.reader.fault(fields.node(), problem, remedy);
        }
        if matches!(rules.detect, Detect::BySilence { .. }) {
            let problem = "detection by silence needs heartbeats";
            self.reader.fault(fields.node(), problem, remedy);
        }
    }

    /// A time that recurs.
    fn period(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let span = self.reader.span(at)?;
        if span < PERIOD_MIN {
            let problem = format!("{span} is too short");
            self.reader.fault(at, problem, format!("write at least {PERIOD_MIN}"));
            return None;
        }
        Some(span)
    }

    fn heartbeat(&mut self, at: Node<'a>, rules: &mut Rules) -> Option<()> {
        if at.as_str() == Some("none") {
            rules.heartbeat = None;
            return Some(());
        }
        let mut fields = self.reader.fields(at, &["every", "phase"])?;
        let every = match (fields.optional("every"), rules.heartbeat) {
            (Some(it), _) => self.period(&it),
            (None, Some(base)) => Some(base.every),
            (None, None) => fields.required(&mut self.reader, "every").and(None),
        };
        let base_phase = rules.heartbeat.map_or(Phase::Random, |it| it.phase);
        let phase = match fields.optional("phase") {
            None => Some(base_phase),
            Some(it) => match it.as_str() {
                Some("random") => Some(Phase::Random),
                Some("login") => Some(Phase::Login),
                Some(text) if !text.starts_with(|it: char| it.is_ascii_digit()) => {
                    let problem = format!("unknown phase `{}`", self.reader.shown(&it));
                    let remedy = "write \"random\", \"login\" or a duration such as \"2s\"";
                    self.reader.fault(&it, problem, remedy);
                    None
                }
                _ => self.reader.span(&it).map(Phase::After),
            },
        };
        rules.heartbeat = Some(Heartbeat { every: every?, phase: phase? });
        Some(())
    }

    fn lease(&mut self, at: Node<'a>, rules: &mut Rules) -> Option<()> {
        let mut fields = self.reader.fields(at, &["after", "anchor"])?;
        if let Some(after) = fields.optional("after").and_then(|it| self.period(&it)) {
            rules.lease.after = after;
        }
        let words = [
            ("outage", Anchor::Outage),
            ("last_message", Anchor::LastMessage),
            ("last_heartbeat", Anchor::LastHeartbeat),
        ];
        let anchor = fields.optional("anchor").and_then(|it| self.reader.word(&it, &words));
        rules.lease.anchor = anchor.unwrap_or(rules.lease.anchor);
        Some(())
    }

    fn detect(&mut self, at: Node<'a>, rules: &mut Rules) -> Option<()> {
        if !at.is_object() {
            rules.detect = self.reader.word(&at, &[("at_outage", Detect::AtOutage)])?;
            return Some(());
        }
        let mut fields = self.reader.fields(at, &["probe_after", "broken_after"])?;
        let probe = fields.required(&mut self.reader, "probe_after");
        let probe_after = probe.and_then(|it| self.period(&it));
        let broken = fields.required(&mut self.reader, "broken_after");
        let broken_after = broken.and_then(|it| self.period(&it));
        let (probe_after, broken_after) = (probe_after?, broken_after?);
        rules.detect = Detect::BySilence { probe_after, broken_after };
        Some(())
    }

    fn resend(&mut self, at: Node<'a>, rules: &mut Rules) -> Option<()> {
        let mut fields = self.reader.fields(at, &["first", "cap"])?;
        if let Some(first) = fields.optional("first").and_then(|it| self.period(&it)) {
            rules.resend.first = first;
        }
        if let Some(cap) = fields.optional("cap").and_then(|it| self.period(&it)) {
            rules.resend.cap = cap;
        }
        Some(())
    }

    fn retry(&mut self, at: Node<'a>, rules: &mut Rules) -> Option<()> {
        let known = ["fixed", "list", "exponential", "attempt_timeout", "budget"];
        let mut fields = self.reader.fields(at, &known)?;
        if let Some(span) = fields.optional("attempt_timeout").and_then(|it| self.period(&it)) {
            rules.retry.attempt_timeout = span;
        }
        if let Some(budget) = fields.optional("budget").and_then(|it| self.budget(it)) {
            rules.retry.budget = budget;
        }
        let fixed = fields.optional("fixed");
        let list = fields.optional("list");
        let exponential = fields.optional("exponential");
        let n_given = [&fixed, &list, &exponential].into_iter().flatten().count();
        if 1 < n_given {
            let problem = format!("{n_given} schedules of waits");
            let remedy = "write one of `fixed`, `list`, `exponential`";
            self.reader.fault(fields.node(), problem, remedy);
        }
        let schedule = fixed
            .and_then(|it| self.reader.span(&it).map(Schedule::Fixed))
            .or_else(|| list.and_then(|it| self.waits(&it)))
            .or_else(|| exponential.and_then(|it| self.exponential(it)));
        if let Some(schedule) = schedule {
            rules.retry.schedule = schedule;
        }
        Some(())
    }

    fn budget(&mut self, at: Node<'a>) -> Option<Budget> {
        if at.is_object() {
            let mut fields = self.reader.fields(at, &["attempts"])?;
            let attempts = fields.required(&mut self.reader, "attempts")?;
            let attempts = self.reader.integer(&attempts, 1..=u64::from(u32::MAX))?;
            return u32::try_from(attempts).ok().map(Budget::Attempts);
        }
        self.period(&at).map(Budget::Time)
    }

    fn waits(&mut self, at: &Node<'a>) -> Option<Schedule> {
        let nodes = self.reader.list(at, "waits")?;
        if nodes.is_empty() || WAITS_MAX < nodes.len() {
            let problem = format!("a list of {} waits", nodes.len());
            self.reader.fault(at, problem, format!("write 1 to {WAITS_MAX}"));
            return None;
        }
        let waits: Vec<_> = nodes.iter().map(|it| self.wait(it)).collect();
        waits.into_iter().collect::<Option<_>>().map(Schedule::List)
    }

    /// `4s`, or `1s..3s` for a drawn number of whole seconds.
    fn wait(&mut self, at: &Node<'a>) -> Option<Wait> {
        let Some((from, to)) = at.as_str().and_then(|it| it.split_once("..")) else {
            return self.reader.span(at).map(Wait::Exactly);
        };
        let secs = |text: &str| {
            let micros = text.parse::<SimSpan>().ok()?.as_micros();
            let whole = micros.is_multiple_of(1_000_000);
            u32::try_from(micros / 1_000_000).ok().filter(|_| whole)
        };
        match (secs(from), secs(to)) {
            (Some(from), Some(to)) if from <= to && to < u32::MAX => {
                Some(Wait::Seconds { from, to })
            }
            _ => {
                let problem =
                    format!("`{}` is not a range of whole seconds", self.reader.shown(at));
                self.reader.fault(at, problem, "write it as \"1s..3s\"");
                None
            }
        }
    }

    fn exponential(&mut self, at: Node<'a>) -> Option<Schedule> {
        let mut fields = self.reader.fields(at, &["base", "factor", "cap", "jitter"])?;
        let base = fields.required(&mut self.reader, "base").and_then(|it| self.period(&it));
        let cap = fields.required(&mut self.reader, "cap").and_then(|it| self.period(&it));
        let factor = match fields.optional("factor") {
            None => Some(2000),
            Some(it) => self.factor(&it),
        };
        let jitter = match fields.optional("jitter") {
            None => Some(Jitter::None),
            Some(it) => self.reader.word(&it, &Jitter::ALL),
        };
        let (base, factor_milli, cap, jitter) = (base?, factor?, cap?, jitter?);
        Some(Schedule::Exponential(Exponential { base, factor_milli, cap, jitter }))
    }

    /// A factor from 1 to 1000 with at most three decimals, in thousandths.
    fn factor(&mut self, at: &Node<'a>) -> Option<u32> {
        let text = at.number_text().unwrap_or_default();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let thousandths = format!("{whole}{fraction:0<3}").parse::<u32>().ok();
        let factor = thousandths.filter(|it| {
            fraction.len() <= 3 && whole.len() <= 4 && (1000..=1_000_000).contains(it)
        });
        if factor.is_none() {
            let wanted = "a factor from 1 to 1000 with at most three decimals";
            self.reader.wrong_type(at, wanted, "write a number such as 2 or 1.5");
        }
        factor
    }
}
