//! Those who watch a run, and what they make of it: trace, counters, verdicts, files.
//!
//! A sink never calls the run.  Writers make bytes for any `io::Write`; who opens files is none of
//! their business.

pub mod counters;
pub mod csv;
pub mod judge;
pub mod manifest;
pub mod server;
pub mod trace;
