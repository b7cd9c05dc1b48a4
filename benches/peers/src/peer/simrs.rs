//! The hub on simrs: a binary heap of boxed events, components and state behind hash maps.

use std::time::Duration;

use simrs::{Component, ComponentId, Executor, Key, Scheduler, Simulation, State};

use crate::hub::{DEADLINE_US, EVERY_US, LEASE_US, Lazy, Links, Size, Tally, Timers, Wake};

const EVERY: Duration = Duration::from_micros(EVERY_US);
const LEASE: Duration = Duration::from_micros(LEASE_US);
const DEADLINE: Duration = Duration::from_micros(DEADLINE_US);

/// A deadline of a client, at either end.  simrs cannot cancel: what is kept anew leaves its old
/// events in the queue, and they are void.
#[derive(Clone, Copy, Default)]
struct Timer {
    lazy: Lazy<Duration>,
    due: Duration,
}

impl Timer {
    /// Moves it; if this is true, an event has to be scheduled.
    fn set(&mut self, timers: Timers, due: Duration) -> bool {
        match timers {
            Timers::Lazy => self.lazy.set(due),
            Timers::Anew => {
                self.due = due;
                true
            }
        }
    }

    /// What its event means; nothing, if it is void.
    fn wake(&mut self, timers: Timers, now: Duration) -> Option<Wake<Duration>> {
        match timers {
            Timers::Lazy => Some(self.lazy.wake(now)),
            Timers::Anew => (self.due == now).then_some(Wake::Over),
        }
    }
}

struct Side {
    timers: Vec<Timer>,
    links: Links,
    tally: Tally,
}

impl Side {
    fn new(size: Size, seed: u64) -> Self {
        let timers = vec![Timer::default(); size.clients as usize];
        Self { timers, links: Links::new(seed), tally: Tally::default() }
    }
}

#[derive(Debug)]
enum ToClients {
    Beat(u32),
    Ack(u32),
    Deadline(u32),
}

#[derive(Debug)]
enum ToServer {
    Heartbeat(u32, ComponentId<ToClients>),
    Lease(u32),
}

struct Clients {
    server: ComponentId<ToServer>,
    side: Key<Side>,
    timers: Timers,
}

impl Component for Clients {
    type Event = ToClients;

    fn process_event(
        &self,
        self_id: ComponentId<ToClients>,
        event: &ToClients,
        scheduler: &mut Scheduler,
        state: &mut State,
    ) {
        let side = state.get_mut(self.side).expect("it is never removed");
        match *event {
            ToClients::Beat(client) => {
                scheduler.schedule(EVERY, self_id, ToClients::Beat(client));
                side.tally.heartbeats += 1;
                match side.links.send() {
                    Some(delay_us) => scheduler.schedule(
                        Duration::from_micros(delay_us),
                        self.server,
                        ToServer::Heartbeat(client, self_id),
                    ),
                    None => side.tally.lost += 1,
                }
            }
            ToClients::Ack(client) => {
                side.tally.heard += 1;
                let due = scheduler.time() + DEADLINE;
                if side.timers[client as usize].set(self.timers, due) {
                    scheduler.schedule(DEADLINE, self_id, ToClients::Deadline(client));
                }
            }
            ToClients::Deadline(client) => {
                let now = scheduler.time();
                match side.timers[client as usize].wake(self.timers, now) {
                    Some(Wake::Over) => side.tally.client_timeouts += 1,
                    Some(Wake::Again(due)) => {
                        scheduler.schedule(due - now, self_id, ToClients::Deadline(client));
                    }
                    None => {}
                }
            }
        }
    }
}

struct Server {
    side: Key<Side>,
    timers: Timers,
}

impl Component for Server {
    type Event = ToServer;

    fn process_event(
        &self,
        self_id: ComponentId<ToServer>,
        event: &ToServer,
        scheduler: &mut Scheduler,
        state: &mut State,
    ) {
        let side = state.get_mut(self.side).expect("it is never removed");
        match *event {
            ToServer::Heartbeat(client, from) => {
                side.tally.acks += 1;
                match side.links.send() {
                    Some(delay_us) => scheduler.schedule(
                        Duration::from_micros(delay_us),
                        from,
                        ToClients::Ack(client),
                    ),
                    None => side.tally.lost += 1,
                }
                let due = scheduler.time() + LEASE;
                if side.timers[client as usize].set(self.timers, due) {
                    scheduler.schedule(LEASE, self_id, ToServer::Lease(client));
                }
            }
            ToServer::Lease(client) => {
                let now = scheduler.time();
                match side.timers[client as usize].wake(self.timers, now) {
                    Some(Wake::Over) => side.tally.server_timeouts += 1,
                    Some(Wake::Again(due)) => {
                        scheduler.schedule(due - now, self_id, ToServer::Lease(client));
                    }
                    None => {}
                }
            }
        }
    }
}

/// Runs the hub.
pub fn run(size: Size, timers: Timers) -> Tally {
    let mut simulation = Simulation::default();
    let [at_clients, at_server] = [1, 2].map(|seed| simulation.state.insert(Side::new(size, seed)));
    let server = simulation.add_component(Server { side: at_server, timers });
    let clients = simulation.add_component(Clients { server, side: at_clients, timers });
    let mut phases = Links::new(3);
    for client in 0..size.clients {
        let phase = Duration::from_micros(phases.phase());
        simulation.schedule(phase, clients, ToClients::Beat(client));
    }
    simulation.execute(Executor::timed(Duration::from_secs(size.seconds)));
    let [at_clients, at_server] = [at_clients, at_server]
        .map(|key| simulation.state.remove(key).expect("it was never removed").tally);
    at_clients.and(&at_server)
}
