//! The `rules` strategy: what is wrong with a cluster, found by rules alone.
//!
//! ```text
//! Cluster (trait) -> Snapshot (everything listed once, compact)
//!                 -> Context  (snapshot + budgeted details) -> rules -> Drafts
//!                 -> graph    (merge, link cause to effect, order) -> Diagnosis
//! ```
//!
//! Pure Rust over the trait [`cluster::Cluster`]; the glue to the component
//! model is `guest.rs` alone. Nothing here panics on any JSON, reads a clock,
//! or takes a text from the cluster for anything but data.
//!
//! # How a rule is written
//!
//! A rule is a function `fn check(&Context<'_>, &mut Findings)` in a file of
//! `rules/`, listed in `rules.rs`. `rules/cron_job.rs` is a complete example
//! with its tests.
//!
//! - **Read** objects by `context.snapshot.all("Service")` and
//!   `.find("Service", namespace, name)`: each is a [`seen::Seen`] with `text`,
//!   `integer`, `flag`, `list`, `entries` and `at` by JSON Pointer, none of
//!   which ever fails. Only the fields named in `snapshot/kinds.rs` are there:
//!   add what you need. Pods are in `context.snapshot.pods` (compact: labels,
//!   owner, node, phase, ready), warnings in `context.events(&reference)`, pod
//!   templates in `context.templates(namespace)`.
//! - **Say that something does not exist** by
//!   `context.snapshot.existence(kind, namespace, name)`: `Absent` is certain,
//!   `NotRecorded` only says that the recording lacks it (confidence 0.5 to 0.6,
//!   a warning at most unless something is seen broken by it), `Unknown` says
//!   nothing: keep silent unless `context.manifests_only`, where reasoning over
//!   manifests is all there is. `Existence::phrase` words it.
//! - **Report** by [`findings::Draft::new`]`(severity, &seen, "Reason",
//!   "/pointer")`: the pointer into the object at hand is the first evidence,
//!   `.see(&other, "/pointer")` adds more, and the host verifies each.
//!   `.about(reference)` moves the finding to the object that a person should
//!   change. Critical: users notice now; warning: in part, or soon; info: a
//!   note that never makes a cluster sick. Anything older than the object's
//!   present health is a note. Judge ages against `context.now`.
//! - **Link** by `.because(reference)` ("a problem of that object explains
//!   this") and `.explains(reference)`; links to objects without a finding
//!   vanish. A Service without endpoints says `.because(workload)`.
//! - **Propose** by `.action(actions::action(…))`, shapes in `actions.rs`;
//!   without a known value, `actions::escalate(&object, "what is needed")`.
//! - **Word** it in one to three sentences, names in backticks; text from the
//!   cluster only through [`text::clean`] and [`text::names`].
//! - **Test** with `fake::FakeCluster` and `fake::reasons(check, &cluster)`.

pub mod actions;
pub mod cluster;
pub mod context;
pub mod diagnosis;
#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
pub mod findings;
pub mod graph;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod history;
pub mod json;
pub mod labels;
pub mod log;
pub mod quantity;
pub mod reasons;
pub mod rules;
pub mod seen;
pub mod shell;
pub mod snapshot;
pub mod text;
pub mod time;
mod verdict;

use cluster::Cluster;
use context::Context;
use diagnosis::{Diagnosis, Request};
use findings::Findings;
use snapshot::Snapshot;

/// Looks at the cluster and says what is wrong.
///
/// # Errors
/// Where not even the first question is answered; the text is for a person.
pub fn diagnose(cluster: &dyn Cluster, request: &Request) -> Result<Diagnosis, String> {
    let snapshot = Snapshot::gather(cluster, &request.namespaces)?;
    let context = Context::new(cluster, &snapshot, request);
    let mut findings = Findings::default();
    for (_, rule) in rules::RULES {
        rule(&context, &mut findings);
    }
    let (drafts, left_out) = findings.into_parts();
    let findings = graph::link(drafts, request.question.as_deref());
    Ok(verdict::diagnosis(&snapshot, findings, left_out))
}
