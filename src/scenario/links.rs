//! Kinds of links: their conditions in each direction.

use crate::{
    link::{LinkModel, NetworkMode, PathModel},
    scenario::{
        fault::suggest,
        name::{NameOf, fault_of},
        parse::Draft,
        read::{Fields, Node},
    },
    time::SimSpan,
};

/// The longest delay of a link.
const DELAY_MAX: SimSpan = SimSpan::from_secs(600);

/// A kind of link: its conditions, and what the device says that it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkKind {
    pub(super) model: LinkModel,
    pub(super) network: Option<NetworkMode>,
}

impl LinkKind {
    /// A link that stands for one with a fault.
    pub(super) const fn ideal() -> Self {
        Self { model: LinkModel::same(PathModel::ideal()), network: None }
    }
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
            let kind = self.link(node).unwrap_or_else(LinkKind::ideal);
            self.names.links.insert(name, kind);
        }
    }

    fn link(&mut self, at: Node<'a>) -> Option<LinkKind> {
        let known = ["delay", "jitter", "loss", "up", "down", "network"];
        let mut fields = self.reader.fields(at, &known)?;
        let both = self.path(&mut fields, PathModel::ideal());
        let mut directions = [Some(both); 2];
        for (direction, name) in directions.iter_mut().zip(["up", "down"]) {
            if let Some(node) = fields.optional(name) {
                let fields = self.reader.fields(node, &["delay", "jitter", "loss"]);
                *direction = fields.map(|mut it| self.path(&mut it, both));
            }
        }
        let [up, down] = directions;
        let network = fields.optional("network");
        let network = network.map(|it| self.reader.word(&it, &NetworkMode::ALL));
        Some(LinkKind { model: LinkModel { up: up?, down: down? }, network: network.flatten() })
    }

    /// The way of the server's callbacks to the developer's backend (spec: R64).
    pub(super) fn backend(&mut self, at: Node<'a>) -> Option<PathModel> {
        let mut fields = self.reader.fields(at, &["delay", "jitter", "loss"])?;
        Some(self.path(&mut fields, PathModel::ideal()))
    }

    fn path(&mut self, fields: &mut Fields<'a>, base: PathModel) -> PathModel {
        let delay_at = fields.optional("delay");
        let delay = delay_at.as_ref().and_then(|it| self.delay(it));
        let jitter_at = fields.optional("jitter");
        let jitter = jitter_at.as_ref().and_then(|it| self.delay(it));
        let loss = fields.optional("loss").and_then(|it| self.reader.probability(&it));
        let path = PathModel {
            delay: delay.unwrap_or(base.delay),
            jitter: jitter.unwrap_or(base.jitter),
            loss: loss.unwrap_or(base.loss),
        };
        let is_read = delay_at.is_some() == delay.is_some();
        if is_read && path.delay < path.jitter {
            let at = jitter_at.as_ref().unwrap_or_else(|| fields.node());
            let problem =
                format!("the jitter {} is more than the delay {}", path.jitter, path.delay);
            self.reader.fault(at, problem, "a message cannot arrive before it is sent");
            return base;
        }
        path
    }

    fn delay(&mut self, at: &Node<'a>) -> Option<SimSpan> {
        let span = self.reader.span(at)?;
        if DELAY_MAX < span {
            let problem = format!("a message would be under way for {span}");
            self.reader.fault(at, problem, format!("at most {DELAY_MAX} is simulated"));
            return None;
        }
        Some(span)
    }

    pub(super) fn link_named(&mut self, at: &Node<'a>) -> Option<LinkKind> {
        let name = self.reader.text(at)?;
        let link = self.names.links.get(name).copied();
        if link.is_none() && self.names.has_links {
            let remedy = suggest(name, self.names.links.keys().copied());
            self.reader.fault(at, format!("no link is named `{}`", self.reader.shown(at)), remedy);
        }
        link
    }
}
