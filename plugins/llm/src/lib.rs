//! The `llm` strategy: a model reads one bounded snapshot of the cluster, and
//! what it says is checked before anybody hears it.
//!
//! ```text
//! World (trait) -> Survey   (everything listed once, judged, the well counted)
//!               -> Parts    (details, events and logs of what is not well)
//!               -> Snapshot (the worst first, within `snapshot-bytes`)
//!               -> one question, at most one repair -> Answer (read strictly)
//!               -> check    (objects, citations, origins, repetitions) -> Diagnosis
//! ```
//!
//! Pure Rust over the trait [`world::World`]; the glue to the component model
//! is `guest.rs` alone. Nothing here panics on any cluster or any answer, reads
//! a clock, or takes a text of either for anything but data.
//!
//! # What is sent to the model, and what is not
//!
//! Sent, within `snapshot-bytes` (24 KiB by default, about 8,000 tokens):
//!
//! - names, conditions and states of what is not well, counts of what is;
//! - of those: warning events, the telling lines of one container's log per
//!   workload, templates (images, commands, environment, probes, resources,
//!   volumes), revisions, selectors and endpoints, labels of nodes;
//! - the keys of ConfigMaps that they refer to;
//! - findings of the strategies before, and the person's question.
//!
//! Not sent: Secrets, which are not even read; the values of ConfigMaps;
//! annotations, but for a Deployment's revision; objects that are well; whole
//! logs. Values of Secrets and strings shaped like credentials were blanked out
//! by the host before the plugin saw them. A variable's value that is not
//! shaped like a credential is sent as the template has it.
//!
//! # What the model can not do
//!
//! - Be told what to do by the cluster: its texts stand as JSON strings between
//!   two marks that they can not hold, under a system message that says what
//!   they are. A model that obeys them anyway gets nothing through that the
//!   following does not let through.
//! - Name an object that was not shown, or cite what is not there: the finding,
//!   or the citation, is left out. Without a citation that holds, a finding is
//!   at most half sure, and the host calls it a hypothesis.
//! - Propose an action beyond the catalogue, or put a text into an object that
//!   no spec has: see [`origin`].
//! - Say at length, or twice, what was said before it.
//!
//! What was left out is told in the diagnosis's `skipped`. Where nothing is
//! unhealthy, nothing unknown, nothing was found earlier and nobody asked, the
//! model is not called at all.
//!
//! # The section of the profile
//!
//! ```toml
//! [diagnosis.llm]
//! model = ""                 # another model of the profile's provider
//! snapshot-bytes = 24576     # 4096 to 262144
//! max-output-tokens = 4096   # 256 to 32768
//! max-findings = 10          # 1 to 50
//! temperature = 0.0          # 0 to 2
//! min-confidence = 0.2       # 0 to 1
//! extra-instructions = ""    # the operator's own words to the model
//! actions = ["rollout-undo", "restart", "escalate"]   # default: all of `workload` that a model may propose
//! ```
//!
//! An entry of `actions` may be a table for an action of another plugin:
//! `{plugin, action, description, kinds, required, optional}`.

pub mod answer;
pub mod ask;
pub mod catalogue;
pub mod check;
pub mod config;
pub mod events;
pub mod facts;
pub mod gather;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod json;
pub mod judge;
pub mod kinds;
pub mod origin;
pub mod part;
pub mod prompt;
pub mod reasons;
pub mod seen;
pub mod snapshot;
pub mod survey;
pub mod text;
mod verdict;
pub mod world;

use config::Config;
use sickbay_plugin::{
    diagnosis::{Diagnosis, DiagnosisRequest, Severity, StrategyInfo},
    types::{Error, ErrorKind},
};
use snapshot::Snapshot;
use survey::Survey;
use world::World;

/// What the strategy is.
#[must_use]
pub fn describe() -> StrategyInfo {
    StrategyInfo {
        description:
            "Has the profile's model read one bounded snapshot of the cluster, and checks what it says"
                .to_owned(),
        needs_model: true,
        reasons: reasons::COMMON.iter().map(|reason| (*reason).to_owned()).collect(),
        reads: kinds::reads(),
    }
}

/// Looks, asks, and checks the answer.
///
/// # Errors
/// Where the profile's section is wrong, where the cluster answers nothing,
/// where the model can not be asked, and where neither of its answers can be
/// used: a diagnosis without findings would look like a healthy cluster.
pub fn diagnose(world: &dyn World, request: &DiagnosisRequest) -> Result<Diagnosis, Error> {
    let config = Config::parse(&request.config)?;
    let survey = Survey::take(world, request)?;
    let found_earlier = request.earlier.iter().any(|finding| finding.severity != Severity::Info);
    let was_asked = request.question.as_deref().is_some_and(|question| !question.trim().is_empty());
    let has_anything = survey.objects() > 0 || survey.events.total > 0;
    if !has_anything || !(was_asked || found_earlier || survey.gives_reason_to_ask()) {
        return Ok(verdict::unasked(&survey));
    }
    let parts = gather::gather(world, &survey);
    let question = request.question.as_deref();
    let write = |bytes: usize| {
        let snapshot = Snapshot::write(&survey, &parts, request, bytes);
        let user = prompt::user(question, &snapshot);
        (snapshot, user)
    };
    let (mut snapshot, user) = write(config.snapshot_bytes);
    let mut outcome = ask::ask(world, &config, user);
    if matches!(&outcome, Err(error) if error.kind == ErrorKind::ContextLength) {
        let user;
        (snapshot, user) = write(config.snapshot_bytes / 2);
        outcome = ask::ask(world, &config, user);
    }
    let outcome = outcome?;
    let checked = check::check(&outcome.answer, &snapshot.facts, &request.earlier, &config);
    Ok(verdict::diagnosis(&survey, &snapshot, &outcome, checked))
}
