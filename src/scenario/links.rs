//! Kinds of links: their conditions in each direction, in the words of tc-netem.

use crate::{
    link::{
        LinkModel, Order, PathModel, Reorder,
        delay::{Delay, Spread, Table},
        loss::{FourState, GilbertElliott, Loss},
        network::NetworkMode,
        queue::Bottleneck,
    },
    scenario::{
        LinkSpec,
        fault::{excerpt, suggest},
        name::{NameOf, fault_of},
        parse::Draft,
        presets,
        read::{Fields, Node},
    },
    time::SimSpan,
    units::{BitRate, Probability},
};

/// The longest delay of a link.
const DELAY_MAX: SimSpan = SimSpan::from_secs(600);
/// The most quantiles of a table, and the most bytes of overhead.
const TABLE_MAX: usize = 65_536;
const OVERHEAD_MAX: u64 = 65_536;
/// Messages that a bottleneck holds unless it is said: netem's own.
const LIMIT: u32 = 1000;

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
        let mut fields = self.reader.fields(at, &known)?;
        let base = match fields.optional("preset") {
            None => (LinkModel::same(&PathModel::ideal()), None),
            Some(it) => self.preset(&it)?,
        };
        let (mut model, base_network) = base;
        for (path, name) in [(&mut model.up, "up"), (&mut model.down, "down")] {
            let both = self.path(&fields, path);
            *path = match fields.peek(name) {
                None => both,
                Some(node) => {
                    let fields = self.reader.fields(node, &PATH_FIELDS)?;
                    self.path(&fields, &both)
                }
            };
        }
        for name in [&PATH_FIELDS[..], &["up", "down"]].concat() {
            fields.optional(name);
        }
        let network = fields.optional("network");
        let network = network.map(|it| self.reader.word(&it, &NetworkMode::ALL));
        let shared_at = fields.optional("shared");
        let shared = shared_at
            .as_ref()
            .is_some_and(|it| self.reader.boolean(it, (true, false)) == Some(true));
        if let Some(it) = shared_at.filter(|_| shared)
            && model.up.bottleneck.or(model.down.bottleneck).is_none()
        {
            let problem = "there is no `rate`, so nothing is shared";
            self.reader.fault(&it, problem, "add `rate`, such as \"2mbit\", or leave it out");
        }
        let network = network.unwrap_or(base_network);
        Some(LinkSpec { name: name.to_owned(), model, network, shared })
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
        let path = self.path(&fields, &PathModel::ideal());
        if !matches!(path.loss, Loss::Random(_)) {
            let problem = "attempts of callbacks fail each by itself";
            self.reader.fault(fields.node(), problem, "write the `loss` as a probability");
        }
        Some(path)
    }

    fn path(&mut self, fields: &Fields<'a>, base: &PathModel) -> PathModel {
        let n_faults = self.reader.n_faults();
        let delay = self.delay_of(fields, &base.delay);
        let orders = [("any", Order::Any), ("fifo", Order::Fifo)];
        let order = fields.peek("order").and_then(|it| self.reader.word(&it, &orders));
        let loss = fields.peek("loss").and_then(|it| self.loss(it));
        let duplicate = fields.peek("duplicate").and_then(|it| self.reader.probability(&it));
        let reorder = fields.peek("reorder").and_then(|it| self.reorder(it));
        let bottleneck = self.bottleneck(fields, base.bottleneck);
        let path = PathModel {
            delay: delay.unwrap_or_else(|| base.delay.clone()),
            order: order.unwrap_or(base.order),
            loss: loss.unwrap_or(base.loss),
            duplicate: duplicate.unwrap_or(base.duplicate),
            reorder: reorder.or(base.reorder),
            bottleneck,
        };
        if n_faults == self.reader.n_faults() && path.reorder.is_some() && path.order == Order::Fifo
        {
            let problem = "messages that are reordered and may not overtake each other";
            let at = fields.peek("order").or_else(|| fields.peek("reorder"));
            let at = at.unwrap_or_else(|| fields.node().clone());
            self.reader.fault(&at, problem, "leave out `reorder`, or write \"order\": \"any\"");
        }
        path
    }

    fn delay_of(&mut self, fields: &Fields<'a>, base: &Delay) -> Option<Delay> {
        let delay_at = fields.peek("delay");
        let mean = delay_at.as_ref().map(|it| self.span_of_delay(it));
        let jitter_at = fields.peek("jitter");
        let jitter = jitter_at.as_ref().map(|it| self.span_of_delay(it));
        let spread = fields.peek("distribution").map(|it| self.spread(&it));
        let delay = Delay {
            mean: mean.unwrap_or(Some(base.mean))?,
            jitter: jitter.unwrap_or(Some(base.jitter))?,
            spread: spread.unwrap_or_else(|| Some(base.spread.clone()))?,
        };
        if delay.spread == Spread::Uniform && delay.mean < delay.jitter {
            let at = jitter_at.unwrap_or_else(|| fields.node().clone());
            let problem =
                format!("the jitter {} is more than the delay {}", delay.jitter, delay.mean);
            self.reader.fault(&at, problem, "a message cannot arrive before it is sent");
            return None;
        }
        Some(delay)
    }

    fn span_of_delay(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let span = self.reader.span(at)?;
        if DELAY_MAX < span {
            let problem = format!("a message would be under way for {span}");
            self.reader.fault(at, problem, format!("at most {DELAY_MAX} is simulated"));
            return None;
        }
        Some(span)
    }

    /// The name of a distribution, or `{ "table": [ … ] }`.
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
        let mut fields = self.reader.fields(at.clone(), &["table"])?;
        let list = fields.required(&mut self.reader, "table")?;
        let nodes = self.reader.list(&list, "quantiles")?;
        if nodes.is_empty() || TABLE_MAX < nodes.len() {
            let problem = format!("a table of {} quantiles", nodes.len());
            self.reader.fault(&list, problem, format!("write 1 to {TABLE_MAX}"));
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
    fn loss(&mut self, at: Node<'a>) -> Option<Loss> {
        if !at.is_object() {
            return self.reader.probability(&at).map(Loss::Random);
        }
        if let Some(correlation) = at.field("correlation") {
            let problem = "netem's loss correlation does not do what it says: \
                           `loss 1% 25%` lost 3 of 2,000,000 messages";
            let remedy = "write a burst model: { \"gemodel\": { \"p\": \"1%\", \"r\": \"25%\" } }";
            self.reader.fault(&correlation, problem, remedy);
            return None;
        }
        let (kind, node) = self.reader.variant(at, &["random", "gemodel", "state"])?;
        match kind {
            "random" => self.reader.probability(&node).map(Loss::Random),
            "gemodel" => {
                let mut fields = self.reader.fields(node, &["p", "r", "1-h", "1-k"])?;
                let to_bad = fields.required(&mut self.reader, "p");
                let to_bad = to_bad.and_then(|it| self.reader.probability(&it))?;
                // What is left out is as in tc: r = 1-p, 1-h = 1, 1-k = 0.
                let mut share = |name, otherwise| self.share(&mut fields, name, otherwise);
                let to_good = share("r", to_bad.complement())?;
                let bad_loss = share("1-h", Probability::ONE)?;
                let good_loss = share("1-k", Probability::ZERO)?;
                let model = GilbertElliott { to_bad, to_good, bad_loss, good_loss };
                Some(Loss::GilbertElliott(model))
            }
            _ => {
                let known = ["p13", "p31", "p32", "p23", "p14"];
                let mut fields = self.reader.fields(node, &known)?;
                let p13 = fields.required(&mut self.reader, "p13");
                let p13 = p13.and_then(|it| self.reader.probability(&it))?;
                // As in tc: p31 = 1-p13, p32 = 0, p23 = 1, p14 = 0.
                let mut share = |name, otherwise| self.share(&mut fields, name, otherwise);
                let p31 = share("p31", p13.complement())?;
                let p32 = share("p32", Probability::ZERO)?;
                let p23 = share("p23", Probability::ONE)?;
                let p14 = share("p14", Probability::ZERO)?;
                Some(Loss::FourState(FourState { p13, p31, p32, p23, p14 }))
            }
        }
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
    fn reorder(&mut self, at: Node<'a>) -> Option<Reorder> {
        if !at.is_object() {
            return self.reader.probability(&at).map(|share| Reorder { share, gap: 1 });
        }
        let mut fields = self.reader.fields(at, &["share", "gap"])?;
        let share = fields.required(&mut self.reader, "share");
        let share = share.and_then(|it| self.reader.probability(&it));
        let gap = match fields.optional("gap") {
            None => Some(1),
            Some(it) => self.reader.integer(&it, 1..=u64::from(u32::MAX)),
        };
        Some(Reorder { share: share?, gap: u32::try_from(gap?).ok()? })
    }

    fn bottleneck(&mut self, fields: &Fields<'a>, base: Option<Bottleneck>) -> Option<Bottleneck> {
        let (rate_at, overhead, limit) =
            (fields.peek("rate"), fields.peek("overhead"), fields.peek("limit"));
        let rate = rate_at.map(|it| self.rate(&it));
        if rate.is_none() && base.is_none() {
            for it in [overhead, limit].into_iter().flatten() {
                let problem = "there is no `rate` that messages would wait for";
                self.reader.fault(&it, problem, "add `rate`, such as \"64kbit\"");
            }
            return None;
        }
        let number = |draft: &mut Self, at: Option<Node<'a>>, max, otherwise| match at {
            None => Some(otherwise),
            Some(it) => draft.reader.integer(&it, 0..=max).and_then(|it| u32::try_from(it).ok()),
        };
        let overhead = number(self, overhead, OVERHEAD_MAX, base.map_or(0, |it| it.overhead))?;
        let limit = number(self, limit, u64::from(u32::MAX), base.map_or(LIMIT, |it| it.limit))?;
        let rate = rate.unwrap_or_else(|| base.map(|it| it.rate))?;
        Some(Bottleneck { rate, overhead, limit })
    }

    fn rate(&mut self, at: &Node<'a>) -> Option<BitRate> {
        let rate = at.as_str().and_then(|it| it.parse().ok());
        if rate.is_none() {
            let wanted = "a rate from 1bit to 1000gbit";
            self.reader.wrong_type(at, wanted, "write it as \"64kbit\" or \"1.5mbit\"");
        }
        rate
    }
}
