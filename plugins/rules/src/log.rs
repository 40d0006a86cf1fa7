//! What a log says: which lines are errors, how often each is there, and what
//! the one that matters means.

pub mod cause;
pub mod line;
pub mod name;
mod network;

pub use cause::{Cause, Kind, explain};
pub use line::{ErrorLine, errors};
