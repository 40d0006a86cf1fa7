//! The one way out: every HTTP request that leaves, whoever asked for it.
//!
//! ```text
//! Outgoing ─ rule ─ headers ─ credential ─ connect ──────────── response ─ Incoming
//!             │                   │           │                    │
//!     scheme, host, port,   only for its   resolve once, judge   redirects from the top,
//!     method, path          audience       each address, go to   caps, times, and the
//!                                          what was judged       credential blanked out
//! ```
//!
//! Denied is the default: what no [`Rule`] names is refused before its name is
//! even resolved. This crate is the only one that names `reqwest`. It knows
//! neither plugins, nor the journal, nor profiles; those say by [`Allowed`]
//! and [`Credential`] what a request may do.

mod address;
mod budget;
mod client;
mod connect;
mod credential;
mod deadline;
mod error;
pub mod guest;
mod headers;
mod origin;
mod path;
mod redirect;
mod resolve;
mod response;
mod rule;
mod scrub;
mod tls;

pub use address::AddressClass;
pub use budget::Budget;
pub use client::{Egress, EgressSettings, Outgoing};
pub use credential::Credential;
pub use error::{Denial, EgressError, Phase};
pub use origin::Origin;
pub use resolve::{Resolve, ScriptedResolver, SystemResolver};
pub use response::Incoming;
pub use rule::{Allowed, Rule};
