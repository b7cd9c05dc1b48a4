//! Whose callbacks a trace keeps.

use std::{collections::BinaryHeap, fmt::Write as _, sync::Arc};

use crate::{
    id::{ClientId, Id},
    scenario::{EntryOf, Scenario},
};

/// Up to so many clients, all are traced unless somebody says otherwise.
pub const TRACE_ALL_MAX: usize = 10_000;

/// Whose callbacks are wanted, besides those that expectations need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of a small scenario; of a large one those of clients that the file names one by one.
    Usual,
    /// Everybody's.
    All,
    /// Nobody's.
    None,
    /// Those of so many clients, chosen by the seed and by their names.
    Sample(usize),
    /// Those of these clients.
    Clients(Vec<ClientId>),
}

/// Whose callbacks are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Traced {
    /// Everybody's.
    #[default]
    All,
    /// Some clients'.
    Some(Few),
}

/// Some of the clients of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few {
    /// How they were chosen.
    how: String,
    /// In order.
    clients: Arc<[ClientId]>,
    /// A bit for each client of the scenario.
    bits: Arc<[u64]>,
}

impl Traced {
    /// Whose callbacks are kept in a run of a scenario with a seed.
    pub fn of(scenario: &Scenario, seed: u64, wanted: &Wanted) -> Self {
        let mut how = String::new();
        let mut clients = match wanted {
            Wanted::All => return Self::All,
            Wanted::Usual if scenario.n_clients() <= TRACE_ALL_MAX => return Self::All,
            Wanted::Usual => {
                how.push_str("named");
                let single = scenario.entries().iter().filter(|it| it.of == EntryOf::Client);
                single.flat_map(|it| it.clients.iter()).collect()
            }
            Wanted::None => {
                how.push_str("none");
                Vec::new()
            }
            Wanted::Sample(n) => {
                let _ = write!(how, "sample:{n}");
                sample(scenario, seed, *n)
            }
            Wanted::Clients(clients) => {
                how.push_str("clients");
                clients.clone()
            }
        };
        // No verdict without their rows.
        clients.extend(scenario.expectations().iter().flat_map(|it| it.clients.iter()));
        clients.sort_unstable();
        clients.dedup();
        if clients.len() == scenario.n_clients() {
            return Self::All;
        }
        let mut bits = vec![0_u64; scenario.n_clients().div_ceil(64)];
        for client in &clients {
            bits[client.index() / 64] |= 1 << (client.index() % 64);
        }
        Self::Some(Few { how, clients: clients.into(), bits: bits.into() })
    }

    /// Whether a client's callbacks are kept.
    pub fn has(&self, client: ClientId) -> bool {
        match self {
            Self::All => true,
            Self::Some(few) => few.bits[client.index() / 64] >> (client.index() % 64) & 1 == 1,
        }
    }

    /// How the clients were chosen, as `--trace` has it; of the usual choice in a large scenario:
    /// `named`.
    pub fn how(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Some(few) => &few.how,
        }
    }

    /// How many clients that is.
    pub fn n(&self, scenario: &Scenario) -> usize {
        match self {
            Self::All => scenario.n_clients(),
            Self::Some(few) => few.clients.len(),
        }
    }

    /// The clients whose callbacks are kept, in order.
    pub fn clients(&self, scenario: &Scenario) -> Vec<ClientId> {
        match self {
            Self::All => scenario.client_ids().collect(),
            Self::Some(few) => few.clients.to_vec(),
        }
    }
}

/// Those with the smallest hashes of seed and name: so whoever else takes part does not decide
/// which of two clients comes first.
fn sample(scenario: &Scenario, seed: u64, n: usize) -> Vec<ClientId> {
    let mut smallest = BinaryHeap::new();
    for client in scenario.client_ids() {
        smallest.push((hash(seed, &scenario.client_name(client)), client));
        if n < smallest.len() {
            smallest.pop();
        }
    }
    smallest.into_iter().map(|it| it.1).collect()
}

/// FNV-1a and the finaliser of splitmix64.
fn hash(seed: u64, name: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for byte in seed.to_le_bytes().into_iter().chain(name.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
