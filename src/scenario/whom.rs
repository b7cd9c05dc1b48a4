//! Whom a step concerns.

use std::collections::BTreeMap;

use crate::{
    id::{ClientId, Id},
    scenario::{Clients, broad::Share},
};

/// Clients that a step concerns, each once and in order: some by themselves, others as ranges, of
/// which the first stands for all.
#[derive(Clone, Debug, Default)]
pub(super) struct Whom {
    each: Vec<ClientId>,
    ranges: BTreeMap<ClientId, Clients>,
    share: Option<Share>,
}

impl Whom {
    /// Those of a file of `n_named` clients before its populations.  Who is one of a population, or
    /// has a thing only perhaps, is one of a range.
    pub(super) fn of(mut all: Vec<Clients>, share: Option<Share>, n_named: usize) -> Self {
        all.sort_unstable_by_key(|it| it.first);
        let mut joined: Vec<Clients> = Vec::new();
        for Clients { first, count } in all {
            match joined.last_mut() {
                Some(last) if first <= last.first + last.count => {
                    last.count = last.count.max(first + count - last.first);
                }
                _ => joined.push(Clients { first, count }),
            }
        }
        let mut whom = Self { share, ..Self::default() };
        for Clients { first, count } in joined {
            let end = first + count;
            let broad = if share.is_some() { first } else { end.min(n_named).max(first) };
            whom.each.extend((first..broad).map(ClientId::from_index));
            if broad < end {
                let id = ClientId::from_index(broad);
                whom.each.push(id);
                whom.ranges.insert(id, Clients { first: broad, count: end - broad });
            }
        }
        whom
    }

    /// These clients, none of whom is one of a population.
    pub(super) fn named(each: Vec<ClientId>) -> Self {
        Self { each, ..Self::default() }
    }

    /// The clients, of a range the first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ClientId> {
        self.each.iter()
    }

    /// The same as a slice.
    pub(super) fn each(&self) -> &[ClientId] {
        &self.each
    }

    /// How many there are, of a range the first only.
    pub(super) const fn len(&self) -> usize {
        self.each.len()
    }

    /// How many clients there are in all.
    pub(super) fn n_clients(&self) -> u64 {
        let in_ranges: usize = self.ranges.values().map(|it| it.count).sum();
        (self.each.len() - self.ranges.len() + in_ranges) as u64
    }

    /// For whom the client stands, if it stands for others or may be left out.
    pub(super) fn range_of(&self, client: ClientId) -> Option<(Clients, Option<Share>)> {
        self.ranges.get(&client).map(|it| (*it, self.share))
    }

    /// The clients of whom it is known that they are concerned, one by one.
    pub(super) fn known(&self) -> Vec<ClientId> {
        let is_known = |it: &&ClientId| match self.ranges.get(it) {
            None => true,
            Some(range) => self.share.is_none() && range.count == 1,
        };
        self.each.iter().filter(is_known).copied().collect()
    }
}
