//! Whether what was deleted or evicted is gone, or was made again.

use sickbay_plugin::remediation::{Error, ObjectRef};

use super::{Finding, rollout};
use crate::{refusal::name, seen::Look, time};

/// The clocks of those who write the times may differ by so many seconds.
const SLACK: i64 = 5;

pub(super) fn deleted(look: &Look<'_>, object: &ObjectRef, applied: i64) -> Result<Finding, Error> {
    let described = name(object);
    let Some(seen) = look.find(object)? else {
        return Ok(Finding::healthy(format!("{described} is gone")));
    };
    let created = seen.text("/metadata/creationTimestamp").and_then(time::seconds);
    if created.is_some_and(|created| created + SLACK >= applied) && !seen.is_leaving() {
        return Ok(match object.kind.as_str() {
            "Pod" => rollout::pod(&seen),
            "PersistentVolumeClaim" if seen.text("/status/phase") != Some("Bound") => {
                Finding::progressing(format!("{described} was made again and waits for its volume"))
                    .see(&seen, "/status/phase")
            }
            _ => Finding::healthy(format!("{described} was made again"))
                .see(&seen, "/metadata/creationTimestamp"),
        });
    }
    if seen.is_leaving() {
        return Ok(Finding::progressing(format!("{described} is being deleted"))
            .see(&seen, "/metadata/deletionTimestamp"));
    }
    Ok(Finding::failed(format!("{described} is still there")).see(&seen, "/metadata/creationTimestamp"))
}
