//! Those who watch a run, and what they make of it: trace, counters, metrics, verdicts, files.
//!
//! A sink never calls the run.  Writers make bytes for any `io::Write`; who opens files is none of
//! their business.

mod by_place;
pub mod counters;
pub mod csv;
pub mod fingerprint;
pub mod judge;
pub mod latency;
mod line;
pub mod manifest;
pub mod metrics;
pub mod names;
pub mod number;
pub mod server;
pub mod trace;
pub mod traced;
