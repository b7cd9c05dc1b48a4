//! The hub on SimCore: a binary heap of boxed events, times as floats, events that are cancelled by
//! a set of their numbers.

use std::{cell::RefCell, rc::Rc};

use serde::Serialize;
use simcore::{Event, EventHandler, EventId, Id, Simulation, SimulationContext, cast};

use crate::hub::{DEADLINE_US, EVERY_US, LEASE_US, Lazy, Links, Size, Tally, Timers, Wake};

const EVERY: f64 = EVERY_US as f64 / 1e6;
const LEASE: f64 = LEASE_US as f64 / 1e6;
const DEADLINE: f64 = DEADLINE_US as f64 / 1e6;
/// A sum of floats that means an instant may miss it by less than this.
const NEAR: f64 = 1e-9;

#[derive(Clone, Serialize)]
struct Beat {
    client: u32,
}

#[derive(Clone, Serialize)]
struct Ack {
    client: u32,
}

#[derive(Clone, Serialize)]
struct Deadline {
    client: u32,
}

#[derive(Clone, Serialize)]
struct Heartbeat {
    client: u32,
}

#[derive(Clone, Serialize)]
struct Lease {
    client: u32,
}

/// The deadlines of one side.
enum Kept {
    Lazy(Vec<Lazy<f64>>),
    Anew(Vec<Option<EventId>>),
}

struct Side {
    ctx: SimulationContext,
    kept: Kept,
    links: Links,
    tally: Tally,
}

impl Side {
    fn new(ctx: SimulationContext, size: Size, timers: Timers, seed: u64) -> Self {
        let kept = match timers {
            Timers::Lazy => Kept::Lazy(vec![Lazy::default(); size.clients as usize]),
            Timers::Anew => Kept::Anew(vec![None; size.clients as usize]),
        };
        Self { ctx, kept, links: Links::new(seed), tally: Tally::default() }
    }

    fn send(&mut self) -> Option<f64> {
        let delay = self.links.send();
        self.tally.lost += u64::from(delay.is_none());
        delay.map(|us| us as f64 / 1e6)
    }

    /// Moves a deadline, of which this is the event.
    fn set<T: simcore::EventData>(&mut self, client: u32, after: f64, event: T) {
        match &mut self.kept {
            Kept::Lazy(all) => {
                if all[client as usize].set(self.ctx.time() + after) {
                    self.ctx.emit_self(event, after);
                }
            }
            Kept::Anew(all) => {
                let id = self.ctx.emit_self(event, after);
                if let Some(old) = all[client as usize].replace(id) {
                    self.ctx.cancel_event(old);
                }
            }
        }
    }

    /// The event of a deadline has come: whether the time is over.
    fn wake<T: simcore::EventData>(&mut self, client: u32, event: T) -> u64 {
        match &mut self.kept {
            Kept::Lazy(all) => match all[client as usize].wake(self.ctx.time() + NEAR) {
                Wake::Over => 1,
                Wake::Again(due) => {
                    self.ctx.emit_self(event, due - self.ctx.time());
                    0
                }
            },
            Kept::Anew(all) => {
                all[client as usize] = None;
                1
            }
        }
    }
}

struct Clients {
    server: Id,
    side: Side,
}

impl EventHandler for Clients {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Beat { client } => {
                self.side.ctx.emit_self(Beat { client }, EVERY);
                self.side.tally.heartbeats += 1;
                if let Some(delay) = self.side.send() {
                    self.side.ctx.emit(Heartbeat { client }, self.server, delay);
                }
            }
            Ack { client } => {
                self.side.tally.heard += 1;
                self.side.set(client, DEADLINE, Deadline { client });
            }
            Deadline { client } => {
                self.side.tally.client_timeouts += self.side.wake(client, Deadline { client });
            }
        })
    }
}

struct Server {
    side: Side,
}

impl EventHandler for Server {
    fn on(&mut self, event: Event) {
        cast!(match event.data {
            Heartbeat { client } => {
                self.side.tally.acks += 1;
                if let Some(delay) = self.side.send() {
                    self.side.ctx.emit(Ack { client }, event.src, delay);
                }
                self.side.set(client, LEASE, Lease { client });
            }
            Lease { client } => {
                self.side.tally.server_timeouts += self.side.wake(client, Lease { client });
            }
        })
    }
}

/// Runs the hub.
pub fn run(size: Size, timers: Timers) -> Tally {
    let mut simulation = Simulation::new(1);
    let server = Side::new(simulation.create_context("server"), size, timers, 2);
    let server = Rc::new(RefCell::new(Server { side: server }));
    let server_id = simulation.add_handler("server", server.clone());
    let clients = Side::new(simulation.create_context("clients"), size, timers, 1);
    let mut phases = Links::new(3);
    for client in 0..size.clients {
        clients.ctx.emit_self(Beat { client }, phases.phase() as f64 / 1e6);
    }
    let clients = Rc::new(RefCell::new(Clients { server: server_id, side: clients }));
    simulation.add_handler("clients", clients.clone());
    simulation.step_until_time(size.seconds as f64);
    clients.borrow().side.tally.and(&server.borrow().side.tally)
}
