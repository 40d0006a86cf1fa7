//! What may be locked and decided, checked once at the door of every back.
//! Names come from clusters and arguments, so they are bounded.

use serde::Deserialize as _;
use sickbay_core::{
    approval::{ApprovalDecision, StoredDecision},
    digest::Digest,
};

use crate::{StoreError, decode::MAX_DEPTH, journal::MAX_RUN_ID, shape};

/// The most locks that one call takes.
pub(crate) const MAX_NAMES: usize = 1000;
/// The longest name of a lock, in bytes.
pub(crate) const MAX_NAME: usize = 1024;
/// The longest name of a holder, in bytes: a run, and which process drives it.
pub(crate) const MAX_HOLDER: usize = 2 * MAX_RUN_ID;
/// The most JSON that one decision takes, in bytes.
pub(crate) const MAX_DECISION: usize = 1 << 20;
/// The most plans of one run that decisions are kept for.
pub(crate) const MAX_DECISIONS: usize = 100;

/// Some locks that somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct LockRequest {
    pub(crate) names: Vec<String>,
    pub(crate) holder: String,
    pub(crate) now_ms: i64,
    pub(crate) until_ms: i64,
}

impl LockRequest {
    pub(crate) fn new(
        names: &[String],
        holder: &str,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Self, StoreError> {
        check_holder(holder)?;
        let refused = |why: String| Err(StoreError::InvalidLock { why });
        if names.len() > MAX_NAMES {
            return refused(format!("{} names are more than {MAX_NAMES}", names.len()));
        }
        if let Some(name) = names.iter().find(|name| !fits(name, MAX_NAME)) {
            return refused(format!("`{}` can not be the name of a lock", shown(name)));
        }
        if until_ms <= now_ms {
            return refused("its time is up before it begins".to_owned());
        }
        Ok(Self { names: names.to_vec(), holder: holder.to_owned(), now_ms, until_ms })
    }
}

pub(crate) fn check_holder(holder: &str) -> Result<(), StoreError> {
    if fits(holder, MAX_HOLDER) {
        return Ok(());
    }
    Err(StoreError::InvalidLock { why: format!("`{}` can not hold a lock", shown(holder)) })
}

/// The decision as the JSON text that is kept.
pub(crate) fn decision_text(decision: &StoredDecision) -> Result<String, StoreError> {
    let refused = |why: String| StoreError::InvalidDecision { run: shown(&decision.run), why };
    let text = serde_json::to_string(&decision.decision).map_err(|error| refused(error.to_string()))?;
    if text.len() > MAX_DECISION {
        return Err(refused(format!("it takes {} bytes, more than {MAX_DECISION}", text.len())));
    }
    let depth = shape::of(&text).depth;
    if depth > MAX_DEPTH {
        return Err(refused(format!("it nests {depth} levels deep, more than {MAX_DEPTH}")));
    }
    Ok(text)
}

/// What stands in a file may have been written by anybody.
pub(crate) fn read_decision(
    run: &str,
    digest: &Digest,
    at_ms: i64,
    text: &str,
) -> Result<StoredDecision, StoreError> {
    let refused = |why: String| StoreError::InvalidDecision { run: shown(run), why };
    if shape::of(text).depth > MAX_DEPTH {
        return Err(refused(format!("it nests more than {MAX_DEPTH} levels deep")));
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    parser.disable_recursion_limit();
    let decision = ApprovalDecision::deserialize(&mut parser).map_err(|error| refused(error.to_string()))?;
    Ok(StoredDecision { run: run.to_owned(), digest: digest.clone(), decision, at_ms })
}

/// No run waits for that many decisions.
pub(crate) fn too_many(run: &str) -> StoreError {
    let why = format!("there are {MAX_DECISIONS} decisions on other plans of it already");
    StoreError::InvalidDecision { run: run.to_owned(), why }
}

fn fits(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control)
}

fn shown(text: &str) -> String {
    text.escape_default().take(80).collect()
}
