//! The hub on other simulators, each written as its documentation shows.
//!
//! All of them have one component for the server and one for all clients, and pass the number of
//! the client along: a component for each client would cost them a map, a mailbox or an allocation
//! more, and no rule of theirs asks for it.

pub mod nexosim;
pub mod simcore;
pub mod simrs;
