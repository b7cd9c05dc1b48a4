//! All integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod apps;
mod change_refusals;
mod changes;
mod cli;
mod determinism;
mod export;
mod golden;
mod hostile;
mod judging;
mod junit;
mod limits;
mod link_refusals;
mod messages;
mod nodes;
mod oracles;
mod passing_over;
mod profiles;
mod properties;
mod races;
mod random_outages;
mod reasons;
mod reconnecting;
mod refusals;
mod rejections;
mod repeating;
mod rooms;
mod server_callbacks;
mod streams;
mod support;
mod tidy;
mod timelines;
mod tokens;
mod toxiproxy;
mod traces;
mod transitions;
