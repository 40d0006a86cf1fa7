//! Two looks at a cluster that lives see different things where something
//! changed between them. That says nothing against who looked.

use std::{collections::BTreeSet, panic::AssertUnwindSafe, path::Path};

use futures::FutureExt as _;

use crate::kubectl::kubectl;

/// How often a cluster may change while it is looked at.
const ATTEMPTS: usize = 10;

/// Runs a check that compares several looks. One that fails while pods,
/// or anything that has to do with them, changed, is run again.
pub(crate) async fn undisturbed(path: &Path, check: impl AsyncFn()) {
    for attempt in 1.. {
        let before = state(path);
        let Err(failure) = AssertUnwindSafe(check()).catch_unwind().await else { return };
        if attempt == ATTEMPTS || state(path) == before {
            std::panic::resume_unwind(failure);
        }
        eprintln!("the cluster changed meanwhile: that says nothing, once more");
    }
}

/// What is there, and in which version. What is renewed all the time, and no
/// check compares from one look to the next, is left out.
fn state(path: &Path) -> BTreeSet<String> {
    let names = kubectl(path, &["api-resources", "--verbs=list", "-o", "name"]).unwrap();
    let kinds: Vec<&str> = names
        .lines()
        .filter(|name| {
            !name.starts_with("events")
                && !name.starts_with("leases.")
                && !matches!(*name, "componentstatuses" | "nodes")
        })
        .collect();
    let columns = "-o=custom-columns=:.kind,:.metadata.namespace,:.metadata.name,:.metadata.resourceVersion";
    let text = kubectl(path, &["get", &kinds.join(","), "-A", "--no-headers", columns]).unwrap();
    text.lines().map(str::to_owned).collect()
}
