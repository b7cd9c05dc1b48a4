//! The hub on NeXosim: models with ports, driven by an executor of asynchronous tasks.
//!
//! A message is scheduled by its sender for the time when it arrives, as in the model `Delay` of its
//! documentation, and then goes through a port to the other model.  One thread.

use std::time::Duration;

use nexosim::{
    model::{Context, Model, schedulable},
    ports::{Output, QuerySource},
    simulation::{EventKey, Mailbox, SimInit, SimulationError},
    time::MonotonicTime,
};
use serde::{Deserialize, Serialize};

use crate::hub::{DEADLINE_US, EVERY_US, LEASE_US, Lazy, Links, Size, Tally, Timers, Wake};

const EVERY: Duration = Duration::from_micros(EVERY_US);
const LEASE: Duration = Duration::from_micros(LEASE_US);
const DEADLINE: Duration = Duration::from_micros(DEADLINE_US);

/// The deadlines of one side.
enum Kept {
    Lazy(Vec<Lazy<MonotonicTime>>),
    Anew(Vec<Option<EventKey>>),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Lazy(Vec::new())
    }
}

impl Kept {
    fn new(size: Size, timers: Timers) -> Self {
        match timers {
            Timers::Lazy => Self::Lazy(vec![Lazy::default(); size.clients as usize]),
            Timers::Anew => Self::Anew(vec![None; size.clients as usize]),
        }
    }

    /// The event of a deadline has come.
    fn wake(&mut self, client: u32, now: MonotonicTime) -> Wake<MonotonicTime> {
        match self {
            Self::Lazy(all) => all[client as usize].wake(now),
            Self::Anew(all) => {
                all[client as usize] = None;
                Wake::Over
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Clients {
    heartbeat: Output<u32>,
    tally: Tally,
    n_clients: u32,
    #[serde(skip)]
    kept: Kept,
    #[serde(skip)]
    links: Links,
}

#[Model]
impl Clients {
    #[nexosim(init)]
    async fn init(&mut self, cx: &Context<Self>) {
        let mut phases = Links::new(3);
        for client in 0..self.n_clients {
            let phase = Duration::from_micros(phases.phase());
            cx.schedule_event(phase, schedulable!(Self::beat), client).expect("it is to come");
        }
    }

    #[nexosim(schedulable)]
    fn beat(&mut self, client: u32, cx: &Context<Self>) {
        cx.schedule_event(EVERY, schedulable!(Self::beat), client).expect("it is to come");
        self.tally.heartbeats += 1;
        match self.links.send() {
            Some(delay_us) => cx
                .schedule_event(Duration::from_micros(delay_us), schedulable!(Self::arrive), client)
                .expect("it is to come"),
            None => self.tally.lost += 1,
        }
    }

    #[nexosim(schedulable)]
    async fn arrive(&mut self, client: u32) {
        self.heartbeat.send(client).await;
    }

    fn ack(&mut self, client: u32, cx: &Context<Self>) {
        self.tally.heard += 1;
        match &mut self.kept {
            Kept::Lazy(all) => {
                if all[client as usize].set(cx.time() + DEADLINE) {
                    cx.schedule_event(DEADLINE, schedulable!(Self::deadline), client)
                        .expect("it is to come");
                }
            }
            Kept::Anew(all) => {
                let key = cx
                    .schedule_keyed_event(DEADLINE, schedulable!(Self::deadline), client)
                    .expect("it is to come");
                if let Some(old) = all[client as usize].replace(key) {
                    old.cancel();
                }
            }
        }
    }

    #[nexosim(schedulable)]
    fn deadline(&mut self, client: u32, cx: &Context<Self>) {
        match self.kept.wake(client, cx.time()) {
            Wake::Over => self.tally.client_timeouts += 1,
            Wake::Again(due) => {
                cx.schedule_event(due, schedulable!(Self::deadline), client).expect("it is to come")
            }
        }
    }

    async fn tally(&mut self) -> Tally {
        self.tally
    }
}

#[derive(Serialize, Deserialize)]
struct Server {
    ack: Output<u32>,
    tally: Tally,
    #[serde(skip)]
    kept: Kept,
    #[serde(skip)]
    links: Links,
}

#[Model]
impl Server {
    fn heartbeat(&mut self, client: u32, cx: &Context<Self>) {
        self.tally.acks += 1;
        match self.links.send() {
            Some(delay_us) => cx
                .schedule_event(Duration::from_micros(delay_us), schedulable!(Self::arrive), client)
                .expect("it is to come"),
            None => self.tally.lost += 1,
        }
        match &mut self.kept {
            Kept::Lazy(all) => {
                if all[client as usize].set(cx.time() + LEASE) {
                    cx.schedule_event(LEASE, schedulable!(Self::lease), client)
                        .expect("it is to come");
                }
            }
            Kept::Anew(all) => {
                let key = cx
                    .schedule_keyed_event(LEASE, schedulable!(Self::lease), client)
                    .expect("it is to come");
                if let Some(old) = all[client as usize].replace(key) {
                    old.cancel();
                }
            }
        }
    }

    #[nexosim(schedulable)]
    async fn arrive(&mut self, client: u32) {
        self.ack.send(client).await;
    }

    #[nexosim(schedulable)]
    fn lease(&mut self, client: u32, cx: &Context<Self>) {
        match self.kept.wake(client, cx.time()) {
            Wake::Over => self.tally.server_timeouts += 1,
            Wake::Again(due) => {
                cx.schedule_event(due, schedulable!(Self::lease), client).expect("it is to come")
            }
        }
    }

    async fn tally(&mut self) -> Tally {
        self.tally
    }
}

/// Runs the hub.
pub fn run(size: Size, timers: Timers) -> Tally {
    try_run(size, timers).expect("the models are connected and never block")
}

fn try_run(size: Size, timers: Timers) -> Result<Tally, SimulationError> {
    let mut clients = Clients {
        heartbeat: Output::default(),
        tally: Tally::default(),
        n_clients: size.clients,
        kept: Kept::new(size, timers),
        links: Links::new(1),
    };
    let mut server = Server {
        ack: Output::default(),
        tally: Tally::default(),
        kept: Kept::new(size, timers),
        links: Links::new(2),
    };
    let (at_clients, at_server) = (Mailbox::new(), Mailbox::new());
    clients.heartbeat.connect(Server::heartbeat, &at_server);
    server.ack.connect(Clients::ack, &at_clients);

    let mut bench = SimInit::with_num_threads(1);
    let of_clients = QuerySource::new().connect(Clients::tally, &at_clients).register(&mut bench);
    let of_server = QuerySource::new().connect(Server::tally, &at_server).register(&mut bench);
    let start = MonotonicTime::EPOCH;
    let mut simulation = bench
        .add_model(clients, at_clients, "clients")
        .add_model(server, at_server, "server")
        .init(start)?;
    simulation.step_until(start + Duration::from_secs(size.seconds))?;
    let of_clients = simulation.process_query(&of_clients, ())?;
    let of_server = simulation.process_query(&of_server, ())?;
    Ok(of_clients.and(&of_server))
}
