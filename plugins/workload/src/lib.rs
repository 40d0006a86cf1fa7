//! The remediation plugin `workload`: the actions that put workloads right.
//!
//! ```text
//! parameters -> plan:   read the object, check, build the smallest patch -> ActionPlan
//! plan       -> verify: read each changed object again                   -> Verdict
//! ```
//!
//! Pure Rust over the trait [`cluster::Cluster`]; the glue to the component
//! model is `guest.rs` alone. Nothing here panics on any parameters or any
//! object, writes anything, or takes a text from the cluster for anything but
//! data.
//!
//! # How an action is written
//!
//! An action is an [`action::Action`] in a file of `actions/`, listed in
//! `actions.rs`: what it is, the JSON Schema of its parameters, which kinds it
//! reads and may change, and a function that makes the plan. `actions/budget.rs`
//! is a small example. How a change is checked afterwards is told by the
//! change itself: `checks.rs`.
//!
//! # Refusals
//!
//! An action that would do no good is refused with one of these codes:
//!
//! | code | when |
//! |---|---|
//! | `unknown-action`, `invalid-parameters` | the caller's parameters are wrong |
//! | `no-change` | everything is so already |
//! | `redacted` | a value is a mark that stands for a secret |
//! | `not-found`, `unknown-container` | there is no such object or part |
//! | `wrong-kind`, `owned` | another kind of object has to be changed: the message names it |
//! | `being-deleted`, `paused`, `immutable` | the object takes no such change now |
//! | `ambiguous` | the object names the same part twice |
//! | `revision-not-found` | the cluster keeps no such revision |
//! | `out-of-bounds`, `too-wide`, `not-looser` | the value is none that anybody should set unseen |
//! | `in-use`, `bound`, `no-controller` | something would be lost |
//! | `selects-nothing`, `autoscaled`, `controller-taint` | it would not help, or not last |

pub mod action;
pub mod actions;
mod checks;
pub mod cluster;
mod draft;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
#[cfg(target_arch = "wasm32")]
mod guest;
mod json;
mod kinds;
mod parameters;
pub mod patch;
mod refusal;
mod schema;
mod seen;
mod target;
mod time;
mod words;

pub use checks::verify;

use cluster::Cluster;
use parameters::Parameters;
use seen::Look;
use serde_json::Value;
pub use sickbay_plugin::remediation::{ActionPlan, ActionSpec, Error, Verdict};

/// The catalogue.
#[must_use]
pub fn actions() -> Vec<ActionSpec> {
    actions::ACTIONS.iter().map(|action| action.spec()).collect()
}

/// The changes that an action would make now.
///
/// # Errors
/// Where there is no such action, where the parameters are wrong, and where the
/// action would do no good; the codes are listed at the head of this crate.
pub fn plan(cluster: &dyn Cluster, action: &str, parameters: &Value) -> Result<ActionPlan, Error> {
    let Some(found) = actions::ACTIONS.iter().find(|candidate| candidate.name == action) else {
        let known = actions::ACTIONS.iter().map(|candidate| candidate.name);
        return Err(refusal::refused(
            "unknown-action",
            format!("there is no action `{}`{}", words::clean(action), words::did_you_mean(action, known)),
        ));
    };
    let parameters = Parameters::of(parameters)?;
    if parameters.hold_a_redacted_value() {
        return Err(refusal::refused(
            "redacted",
            "a parameter holds `[redacted]`, which stands for a value that nobody here has seen: a person has to set it",
        ));
    }
    (found.plan)(&Look::at(cluster), &parameters)
}
