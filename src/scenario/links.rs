//! Kinds of links: their conditions in each direction, in the words of tc-netem.

use std::ops::RangeInclusive;

use crate::{
    link::{
        LinkModel, Order, PathModel, Reorder,
        delay::{Delay, Spread, Table},
        loss::{FourState, GilbertElliott, Loss},
        network::NetworkMode,
        queue::{Bottleneck, LIMIT},
        spells::{MEAN_MAX, Scope, TimedGilbertElliott, Times},
    },
    scenario::{
        LinkSpec,
        fault::{closest, excerpt, suggest},
        files::TABLE_MAX,
        name::{NameOf, fault_of},
        parse::Draft,
        presets,
        read::{Fields, Node},
    },
    time::SimSpan,
    units::{BitRate, Probability},
};

/// The longest delay of a link.
pub(super) const DELAY_MAX: SimSpan = SimSpan::from_secs(600);
/// The most bytes of overhead.
const OVERHEAD_MAX: u64 = 65_536;

/// The fields of one direction.
const PATH_FIELDS: [&str; 10] = [
    "delay",
    "jitter",
    "distribution",
    "order",
    "loss",
    "duplicate",
    "reorder",
    "rate",
    "overhead",
    "limit",
];

/// A value as it is written: where, and what, unless it has a fault.
#[derive(Clone, Debug)]
struct Given<'a, T> {
    at: Node<'a>,
    value: Option<T>,
}

/// What is written of a path.
#[derive(Clone, Debug)]
struct GivenPath<'a> {
    delay: Option<Given<'a, SimSpan>>,
    jitter: Option<Given<'a, SimSpan>>,
    spread: Option<Given<'a, Spread>>,
    order: Option<Given<'a, Order>>,
    loss: Option<Given<'a, Loss>>,
    duplicate: Option<Given<'a, Probability>>,
    reorder: Option<Given<'a, Reorder>>,
    rate: Option<Given<'a, BitRate>>,
    overhead: Option<Given<'a, u32>>,
    limit: Option<Given<'a, u32>>,
}

impl GivenPath<'_> {
    /// This, and where it says nothing the other.
    fn or(self, other: Self) -> Self {
        Self {
            delay: self.delay.or(other.delay),
            jitter: self.jitter.or(other.jitter),
            spread: self.spread.or(other.spread),
            order: self.order.or(other.order),
            loss: self.loss.or(other.loss),
            duplicate: self.duplicate.or(other.duplicate),
            reorder: self.reorder.or(other.reorder),
            rate: self.rate.or(other.rate),
            overhead: self.overhead.or(other.overhead),
            limit: self.limit.or(other.limit),
        }
    }

    /// This, as one direction says it of itself: its good and bad spells are its own.
    fn of_direction(mut self) -> Self {
        if let Some(Given { value: Some(Loss::Timed(model)), .. }) = &mut self.loss {
            model.times.scope = Scope::Direction;
        }
        self
    }

    /// Whether nothing of what may not go together has a fault of its own.
    fn is_sound(&self) -> bool {
        fn is_sound<T>(it: Option<&Given<'_, T>>) -> bool {
            it.is_none_or(|it| it.value.is_some())
        }
        is_sound(self.delay.as_ref())
            && is_sound(self.jitter.as_ref())
            && is_sound(self.spread.as_ref())
            && is_sound(self.order.as_ref())
            && is_sound(self.reorder.as_ref())
    }
}

fn or_base<T>(given: Option<Given<'_, T>>, base: T) -> T {
    given.and_then(|it| it.value).unwrap_or(base)
}

fn place<'a, T>(given: Option<&Given<'a, T>>) -> Option<Node<'a>> {
    given.map(|it| it.at.clone())
}

/// Of two values that do not go together the direction's own, else the second.
fn nearest(places: [Option<Node<'_>>; 2]) -> Option<Node<'_>> {
    places.into_iter().flatten().max_by_key(|it| it.pointer.matches('/').count())
}

impl<'a> Draft<'a> {
    pub(super) fn links(&mut self, at: &Node<'a>) {
        // The keys are the author's own names, so all of them are known.
        let Some(entries) = self.reader.entries(at) else { return };
        for (name, node) in entries {
            if let Some((problem, remedy)) = fault_of(name, NameOf::Link) {
                self.reader.fault(&node, problem, remedy);
            }
            // A link with a fault still has a name, so that using it is not a second fault.
            let spec = self.link(name, node).unwrap_or_else(|| LinkSpec {
                name: name.to_owned(),
                model: LinkModel::same(&PathModel::ideal()),
                network: None,
                shared: false,
            });
            let link = self.links.push(spec);
            self.names.links.insert(name, link);
        }
    }

    fn link(&mut self, name: &str, at: Node<'a>) -> Option<LinkSpec> {
        let known = [&PATH_FIELDS[..], &["preset", "up", "down", "network", "shared"]].concat();
        if let Some(preset) = at.as_str().and_then(presets::meant) {
            let remedy = format!("`{preset}` is a preset: write {{ \"preset\": \"{preset}\" }}");
            self.reader.wrong_type(&at, "an object", &remedy);
            return None;
        }
        let mut fields = self.reader.fields(at, &known)?;
        let preset = fields.optional("preset").and_then(|it| self.preset(&it));
        let ideal = || (LinkModel::same(&PathModel::ideal()), None);
        let (mut model, base_network) = preset.unwrap_or_else(ideal);
        let both = self.given(&fields);
        let mut has_rate = both.rate.is_some();
        for name in PATH_FIELDS {
            fields.optional(name);
        }
        for (path, name) in [(&mut model.up, "up"), (&mut model.down, "down")] {
            let own = fields.optional(name).and_then(|it| self.reader.fields(it, &PATH_FIELDS));
            let given = match own {
                None => both.clone(),
                Some(own) => self.given(&own).of_direction().or(both.clone()),
            };
            has_rate |= given.rate.is_some();
            *path = self.path(given, path);
        }
        let network = fields.optional("network");
        let network = network.map(|it| self.reader.word(&it, &NetworkMode::ALL));
        let shared_at = fields.optional("shared");
        let shared = shared_at
            .as_ref()
            .is_some_and(|it| self.reader.boolean(it, (true, false)) == Some(true));
        if let Some(it) = shared_at.filter(|_| shared && !has_rate)
            && [&model.up, &model.down].iter().all(|it| it.rate().is_none())
        {
            let problem = "there is no `rate`, so nothing is shared";
            self.reader.fault(&it, problem, "add `rate`, such as \"2mbit\", or leave it out");
        }
        let network = network.unwrap_or(base_network);
        Some(LinkSpec { name: name.to_owned(), model, network, shared })
    }

    /// Notes that there is no link of a name; if it is a preset's, how a link is made of that.
    pub(super) fn no_link(&mut self, name: &str, at: &Node<'a>) {
        let problem = format!("no link is named `{}`", excerpt(name));
        let known = self.names.links.keys().copied();
        let near = closest(name, known.clone()).map(|_| suggest(name, known.clone()));
        let preset = presets::meant(name).map(|it| {
            format!("`{it}` is a preset: add `\"{it}\": {{ \"preset\": \"{it}\" }}` to `links`")
        });
        let remedy = match (near, preset) {
            (None, None) => suggest(name, known),
            (near, preset) => near.into_iter().chain(preset).collect::<Vec<_>>().join(" "),
        };
        self.reader.fault(at, problem, remedy);
    }

    fn preset(&mut self, at: &Node<'a>) -> Option<(LinkModel, Option<NetworkMode>)> {
        let name = self.reader.text(at)?;
        let preset = presets::named(name);
        if preset.is_none() {
            let remedy = suggest(name, presets::names());
            let problem = format!("no preset is named `{}`", self.reader.shown(at));
            self.reader.fault(at, problem, remedy);
        }
        preset
    }

    /// The way of the server's callbacks to the developer's backend (spec: R64).
    pub(super) fn backend(&mut self, at: Node<'a>) -> Option<PathModel> {
        let fields = self.reader.fields(at, &["delay", "jitter", "distribution", "loss"])?;
        let given = self.given(&fields);
        let path = self.path(given, &PathModel::ideal());
        if !matches!(path.loss, Loss::Random(_)) {
            let problem = "attempts of callbacks fail each by itself";
            self.reader.fault(fields.node(), problem, "write the `loss` as a probability");
        }
        Some(path)
    }

    /// What an object says of a path, each value by itself.
    fn given(&mut self, fields: &Fields<'a>) -> GivenPath<'a> {
        let orders = [("any", Order::Any), ("fifo", Order::Fifo)];
        GivenPath {
            delay: self.value(fields, "delay", Self::span_of_delay),
            jitter: self.value(fields, "jitter", Self::span_of_delay),
            spread: self.value(fields, "distribution", Self::spread),
            order: self.value(fields, "order", |it, at| it.reader.word(at, &orders)),
            loss: self.value(fields, "loss", Self::loss),
            duplicate: self.value(fields, "duplicate", |it, at| it.reader.probability(at)),
            reorder: self.value(fields, "reorder", Self::reorder),
            rate: self.value(fields, "rate", Self::rate),
            overhead: self.value(fields, "overhead", |it, at| it.number(at, 0..=OVERHEAD_MAX)),
            limit: self.value(fields, "limit", |it, at| it.number(at, 1..=u64::from(u32::MAX))),
        }
    }

    fn value<T>(
        &mut self,
        fields: &Fields<'a>,
        name: &str,
        read: impl Fn(&mut Self, &Node<'a>) -> Option<T>,
    ) -> Option<Given<'a, T>> {
        let at = fields.peek(name)?;
        let value = read(self, &at);
        Some(Given { at, value })
    }

    /// The path that is meant, and what does not go together on it.
    fn path(&mut self, given: GivenPath<'a>, base: &PathModel) -> PathModel {
        let is_sound = given.is_sound();
        let bottleneck = self.bottleneck(&given, base.bottleneck);
        let delay_at = nearest([place(given.delay.as_ref()), place(given.jitter.as_ref())]);
        let order_at = nearest([place(given.reorder.as_ref()), place(given.order.as_ref())]);
        let delay = Delay {
            mean: or_base(given.delay, base.delay.mean),
            jitter: or_base(given.jitter, base.delay.jitter),
            spread: or_base(given.spread, base.delay.spread.clone()),
        };
        let path = PathModel {
            order: or_base(given.order, base.order),
            loss: or_base(given.loss, base.loss),
            duplicate: or_base(given.duplicate, base.duplicate),
            reorder: given.reorder.and_then(|it| it.value).or(base.reorder),
            delay,
            bottleneck,
        };
        let Delay { mean, jitter, spread } = &path.delay;
        if let Some(at) = delay_at.filter(|_| is_sound)
            && *spread == Spread::Uniform
            && mean < jitter
        {
            let problem = format!("the jitter {jitter} is more than the delay {mean}");
            self.reader.fault(&at, problem, "a message cannot arrive before it is sent");
        }
        if let Some(at) = order_at.filter(|_| is_sound)
            && path.reorder.is_some()
            && path.order == Order::Fifo
        {
            let problem = "messages that are reordered and may not overtake each other";
            self.reader.fault(&at, problem, "leave out `reorder`, or write \"order\": \"any\"");
        }
        path
    }

    pub(super) fn span_of_delay(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let span = self.reader.span(at)?;
        if DELAY_MAX < span {
            let problem = format!("a message would be under way for {span}");
            self.reader.fault(at, problem, format!("at most {DELAY_MAX} is simulated"));
            return None;
        }
        Some(span)
    }

    /// The name of a distribution, `{ "table": [ … ] }` or `{ "file": … }`.
    fn spread(&mut self, at: &Node<'a>) -> Option<Spread> {
        if !at.is_object() {
            let name = self.reader.text(at)?;
            if name == "uniform" {
                return Some(Spread::Uniform);
            }
            let table = Table::named(name);
            if table.is_none() {
                let names: Vec<&str> = ["uniform"].into_iter().chain(Table::names()).collect();
                let problem = format!("no distribution is named `{}`", excerpt(name));
                self.reader.fault(at, problem, suggest(name, names.iter().copied()));
            }
            return table.map(Spread::Table);
        }
        let (kind, list) = self.reader.variant(at.clone(), &["table", "file"])?;
        if kind == "file" {
            return self.table_file(&list);
        }
        self.table(&list)
    }

    /// A table of quantiles, written in the scenario.
    pub(super) fn table(&mut self, list: &Node<'a>) -> Option<Spread> {
        let nodes = self.reader.list(list, "quantiles")?;
        if nodes.is_empty() || TABLE_MAX < nodes.len() {
            let problem = format!("a table of {} quantiles", nodes.len());
            self.reader.fault(list, problem, format!("write 1 to {TABLE_MAX}"));
            return None;
        }
        let quantiles: Vec<_> = nodes.iter().map(|it| self.quantile(it)).collect();
        quantiles.into_iter().collect::<Option<_>>().map(Table::of).map(Spread::Table)
    }

    fn quantile(&mut self, at: &Node<'a>) -> Option<i32> {
        let number = at.number_text().and_then(|it| it.parse::<i32>().ok());
        if number.is_none() {
            let remedy = "write a whole number, in units of 1/8192 of the jitter";
            self.reader.wrong_type(at, "a quantile", remedy);
        }
        number
    }

    /// A share, or a burst model.
    fn loss(&mut self, at: &Node<'a>) -> Option<Loss> {
        if !at.is_object() {
            return self.reader.probability(at).map(Loss::Random);
        }
        if let Some(correlation) = at.field("correlation") {
            let problem = "netem's loss correlation does not do what it says: \
                           `loss 1% 25%` lost 3 of 2,000,000 messages";
            let remedy = "write a burst model: { \"gemodel\": { \"p\": \"1%\", \"r\": \"25%\" } }";
            self.reader.fault(&correlation, problem, remedy);
            return None;
        }
        let kinds = ["random", "gemodel", "state", "timed_gilbert_elliott"];
        let (kind, node) = self.reader.variant(at.clone(), &kinds)?;
        match kind {
            "random" => self.reader.probability(&node).map(Loss::Random),
            "gemodel" => self.gemodel(node).map(Loss::GilbertElliott),
            "state" => self.four_states(node).map(Loss::FourState),
            _ => self.timed_gilbert_elliott(node).map(Loss::Timed),
        }
    }

    fn gemodel(&mut self, at: Node<'a>) -> Option<GilbertElliott> {
        let mut fields = self.reader.fields(at, &["p", "r", "1-h", "1-k"])?;
        let to_bad = fields.required(&mut self.reader, "p");
        let to_bad = to_bad.and_then(|it| self.reader.probability(&it));
        // What is left out is as in tc: r = 1-p, 1-h = 1, 1-k = 0.
        let mut share = |name, otherwise| self.share(&mut fields, name, otherwise);
        let to_good = share("r", to_bad.map_or(Probability::ONE, Probability::complement));
        let bad_loss = share("1-h", Probability::ONE);
        let good_loss = share("1-k", Probability::ZERO);
        Some(GilbertElliott {
            to_bad: to_bad?,
            to_good: to_good?,
            bad_loss: bad_loss?,
            good_loss: good_loss?,
        })
    }

    fn four_states(&mut self, at: Node<'a>) -> Option<FourState> {
        let mut fields = self.reader.fields(at, &["p13", "p31", "p32", "p23", "p14"])?;
        let p13 = fields.required(&mut self.reader, "p13");
        let p13 = p13.and_then(|it| self.reader.probability(&it));
        // As in tc: p31 = 1-p13, p32 = 0, p23 = 1, p14 = 0.
        let mut share = |name, otherwise| self.share(&mut fields, name, otherwise);
        let p31 = share("p31", p13.map_or(Probability::ONE, Probability::complement));
        let p32 = share("p32", Probability::ZERO);
        let p23 = share("p23", Probability::ONE);
        let p14 = share("p14", Probability::ZERO);
        Some(FourState { p13: p13?, p31: p31?, p32: p32?, p23: p23?, p14: p14? })
    }

    /// A model whose states last for time.
    fn timed_gilbert_elliott(&mut self, at: Node<'a>) -> Option<TimedGilbertElliott> {
        let known = ["good", "bad", "loss_good", "loss_bad"];
        let mut fields = self.reader.fields(at, &known)?;
        let good = fields.required(&mut self.reader, "good");
        let bad = fields.required(&mut self.reader, "bad");
        let [good, bad] = [good, bad].map(|it| it.and_then(|it| self.mean_of_spells(&it)));
        let good_loss = self.share(&mut fields, "loss_good", Probability::ZERO);
        let bad_loss = self.share(&mut fields, "loss_bad", Probability::ONE);
        Some(TimedGilbertElliott {
            times: Times { good: good?, bad: bad?, scope: Scope::Link },
            good_loss: good_loss?,
            bad_loss: bad_loss?,
        })
    }

    fn mean_of_spells(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let span = self.reader.positive_span(at)?;
        if MEAN_MAX < span {
            let problem = format!("spells of {span} on average are longer than any run");
            self.reader.fault(at, problem, format!("write at most {MEAN_MAX}"));
            return None;
        }
        Some(span)
    }

    fn share(
        &mut self,
        fields: &mut Fields<'a>,
        name: &str,
        otherwise: Probability,
    ) -> Option<Probability> {
        match fields.optional(name) {
            None => Some(otherwise),
            Some(it) => self.reader.probability(&it),
        }
    }

    /// A share, or a share and a gap.
    fn reorder(&mut self, at: &Node<'a>) -> Option<Reorder> {
        if !at.is_object() {
            return self.reader.probability(at).map(|share| Reorder { share, gap: 1 });
        }
        let mut fields = self.reader.fields(at.clone(), &["share", "gap"])?;
        let share = fields.required(&mut self.reader, "share");
        let share = share.and_then(|it| self.reader.probability(&it));
        let gap = match fields.optional("gap") {
            None => Some(1),
            Some(it) => self.reader.integer(&it, 1..=u64::from(u32::MAX)),
        };
        Some(Reorder { share: share?, gap: u32::try_from(gap?).ok()? })
    }

    fn bottleneck(
        &mut self,
        given: &GivenPath<'a>,
        base: Option<Bottleneck>,
    ) -> Option<Bottleneck> {
        let GivenPath { rate, overhead, limit, .. } = given;
        let rate_at_last = base.and_then(|it| it.rate);
        if let Some(it) = overhead
            && rate.is_none()
            && rate_at_last.is_none()
        {
            let problem = "there is no `rate` that messages would wait for";
            self.reader.fault(&it.at, problem, "add `rate`, such as \"64kbit\"");
            return None;
        }
        if rate.is_none() && limit.is_none() && base.is_none() {
            return None;
        }
        let base = base.unwrap_or(Bottleneck { rate: None, overhead: 0, limit: LIMIT });
        Some(Bottleneck {
            rate: rate.as_ref().and_then(|it| it.value).or(base.rate),
            overhead: or_base(overhead.clone(), base.overhead),
            limit: or_base(limit.clone(), base.limit),
        })
    }

    pub(super) fn number(&mut self, at: &Node<'a>, range: RangeInclusive<u64>) -> Option<u32> {
        self.reader.integer(at, range).and_then(|it| u32::try_from(it).ok())
    }

    fn rate(&mut self, at: &Node<'a>) -> Option<BitRate> {
        let rate = at.as_str().and_then(|it| it.parse().ok());
        if rate.is_none() {
            let wanted = "a rate from 0bit, where everything waits, to 1000gbit";
            self.reader.wrong_type(at, wanted, "write it as \"64kbit\" or \"1.5mbit\"");
        }
        rate
    }
}
