//! From results to what people and machines read.  Makes text; where it goes is not its business.

pub mod explain;
pub mod export;
pub mod json;
pub mod metrics;
pub mod profile;
pub mod text;
