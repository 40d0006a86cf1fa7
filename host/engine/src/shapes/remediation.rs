//! `remediation-actions`: the catalogue and its plans, which the host works on
//! long after the call.

pub use sickbay_core::remediation::*;
