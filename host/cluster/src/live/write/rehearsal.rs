//! The dry run: the server says what it would make of a change, and from that
//! come the difference, the way back, and the digests that tell later whether
//! the object is still the same.

use serde_json::Value;
use sickbay_core::{
    change::{FieldChange, Mark, Rehearsal},
    error::{CallError, ErrorKind},
    object::ObjectRef,
    remediation::Change,
};

use super::{
    LiveWriter,
    admission::{check_change, check_kind, credential},
    content::{content, digest, redacted, tidy, uid},
    delivery::refusal_of,
    difference::{Differences, Shown, differences, shown},
    inverse::{Known, inverse, needs_revision},
    reader::find,
    request::Made,
    rollout,
    sender::{Answer, Way},
};
use crate::live::{
    exchange::{Again, Fate},
    list::not_kubernetes,
};

/// Times that an object may change between reading it and writing it.
pub(super) const MOST_CONFLICTS: u32 = 5;

impl LiveWriter {
    pub(super) async fn rehearsed(&self, change: &Change, mark: &Mark) -> Result<Rehearsal, CallError> {
        check_change(change)?;
        let object = change.object().ok_or_else(|| {
            CallError::new(
                ErrorKind::InvalidInput,
                "no-object",
                "the change does not say which object it is for",
            )
        })?;
        check_kind(self.cluster.resource_of(&object).await?.0)?;
        let (mut tried, mut conflicts) = (0, 0);
        loop {
            let live = find(&self.cluster, &object).await?;
            match (change, &live) {
                (Change::Create { .. }, Some(_)) => {
                    return Err(CallError::new(
                        ErrorKind::Conflict,
                        "already-exists",
                        format!("there is a `{object}` already"),
                    ));
                }
                (Change::Create { .. }, None) | (_, Some(_)) => {}
                (_, None) => {
                    return Err(CallError::new(
                        ErrorKind::NotFound,
                        "not-found",
                        format!("there is no `{object}`"),
                    ));
                }
            }
            let made = self.request(change, &object, live.as_ref(), mark).await?;
            let failure = match self.sender.send(&made.outgoing, Way::DryRun).await {
                Ok(answer) => return self.assemble(change, object, live, made, answer).await,
                Err(failure) => failure,
            };
            // A dry run changes nothing, so that it may be lost and sent again.
            if failure.refusal.status == 409 && conflicts < MOST_CONFLICTS {
                conflicts += 1;
                continue;
            }
            let may_help = failure.again == Again::MayHelp && failure.fate != Fate::NotSent;
            if !may_help || tried >= self.cluster.transport.limits.retries {
                return Err(refusal_of(*failure.refusal));
            }
            let Some(wait) = self.sender.exchange.pause(&failure.refusal.error, tried) else {
                return Err(refusal_of(*failure.refusal));
            };
            tried += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn assemble(
        &self,
        change: &Change,
        object: ObjectRef,
        live: Option<Value>,
        made: Made,
        answer: Answer,
    ) -> Result<Rehearsal, CallError> {
        let goes = matches!(change, Change::Delete { .. } | Change::Evict { .. });
        let before = live.as_ref().map(content);
        let after = match answer.object {
            _ if goes => None,
            Some(object) => Some(content(&object)),
            None => return Err(not_kubernetes(&object.to_string())),
        };
        let prior = before.as_ref().map(|before| tidy(redacted(before)));
        let whole = |before: Option<Value>, after: Option<Value>| {
            vec![FieldChange { pointer: String::new(), path: object.to_string(), before, after }]
        };
        let nothing = Value::Null;
        let (found, seen) = match (&before, &after) {
            (Some(before), Some(after)) => {
                let found = differences(before, after);
                let seen = shown(&found.fields, before, after);
                (found, seen)
            }
            (_, None) => {
                (Differences::default(), Shown { fields: whole(prior.clone(), None), ..Shown::default() })
            }
            (None, Some(after)) => (
                Differences::default(),
                Shown { fields: whole(None, Some(tidy(redacted(after)))), ..Shown::default() },
            ),
        };
        // What comes from the cluster's own revisions was there before.
        if seen.blank_after && !matches!(change, Change::RolloutUndo { .. }) {
            return Err(credential());
        }
        let mut body = made.body;
        let mut revision = None;
        if let Some(live) = &live
            && rollout::is_kept(&object)
            && needs_revision(change, &found, &seen)
        {
            let revisions = rollout::revisions(&self.cluster, &object, live).await?;
            revision = rollout::current(&revisions, live);
            body = body.or_else(|| after.as_ref().and_then(rollout::template).map(|after| digest(&after)));
        }
        let known = Known {
            object: &object,
            before: before.as_ref().unwrap_or(&nothing),
            after: after.as_ref().unwrap_or(&nothing),
            differences: &found,
            shown: &seen,
            revision,
        };
        Ok(Rehearsal {
            change: change.clone(),
            uid: live.as_ref().and_then(uid).map(str::to_owned),
            before: before.as_ref().map(digest),
            after: after.as_ref().map(digest),
            body,
            prior,
            inverse: inverse(change, &known),
            diff: seen.fields,
            warnings: answer.warnings,
            object,
        })
    }
}
