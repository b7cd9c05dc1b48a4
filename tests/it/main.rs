//! All integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod cli;
mod determinism;
mod golden;
mod hostile;
mod judging;
mod junit;
mod oracles;
mod profiles;
mod properties;
mod races;
mod reasons;
mod refusals;
mod support;
mod tidy;
mod timelines;
mod transitions;
