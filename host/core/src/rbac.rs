//! Least-privilege roles (under way).

mod kinds;

pub use kinds::{Builtin, Scope, builtin_kind};
