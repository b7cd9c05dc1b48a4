//! A deterministic discrete-event simulator of a real-time-communication room service.
//!
//! A simulated server and any number of clients exchange messages over lossy links in virtual
//! time.  A [`scenario`] scripts calls and outages; a run tells, callback by callback, what each
//! client's app would have seen, and whether that is what the scenario expects.
//!
//! The layers, lowest first; each uses only those above it in this list:
//!
//! - [`time`], [`id`], [`units`], [`rng`]: instants, ids, probabilities, keyed draws.
//! - [`engine`]: the order of events in one cell.  [`protocol`]: client and server as pure
//!   machines.  [`link`]: what becomes of a message.  None knows another.
//! - [`observe`]: what a run tells.  [`scenario`]: what is to be run.
//! - [`sim`]: the run.  [`sink`]: those who watch it.
//! - [`report`]: results as text.
//!
//! A run is a function of (scenario, seed, version): same three, same bytes.
//!
//! ```
//! use roomsim::{scenario::Scenario, sim, sink::{judge::Judgement, trace::Recorder}};
//!
//! let text = r#"{
//!   "version": 1, "name": "hello", "duration": "1s", "profile": "zego-doc",
//!   "links": { "home": { "delay": "50ms" } },
//!   "clients": [ { "name": "A", "link": "home" } ],
//!   "script": [ { "at": "0s", "client": "A", "do": { "loginRoom": { "room": "r" } } } ],
//!   "expect": [ {
//!     "client": "A", "at": "120ms",
//!     "callback": { "onRoomStateChanged": { "reason": "Logined", "errorCode": 0 } },
//!   } ]
//! }"#;
//! let scenario = Scenario::parse(text).expect("the scenario has no faults");
//! let mut recorder = Recorder::default();
//! sim::run(&scenario, scenario.seed(), &mut recorder);
//! let trace = recorder.finish(&scenario);
//! assert!(Judgement::of(&scenario, &trace).held());
//! ```

pub mod engine;
pub mod id;
pub mod link;
pub mod observe;
pub mod protocol;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod sim;
pub mod sink;
pub mod time;
pub mod units;
