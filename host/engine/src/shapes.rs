//! What crosses the boundary, as plain values that serialise. Shapes that the
//! journal or the report know too live in `sickbay-core`; these are the rest.
//! The WIT interface of each name explains the fields.

pub use sickbay_core::{model, provider, tool};

pub mod remediation;
pub mod strategy;
