//! `sickbay rbac`: the roles that a profile needs, and no more, as manifests
//! for an administrator to read and apply.

use std::process::ExitCode;

use sickbay_core::{
    rbac::{AccessRequest, SecretAccess, Subject, manifests, yaml},
    text::clean_line,
};
use sickbay_runtime::{Failure, profiles};

use super::{folders, sickbay};
use crate::{args::RbacArgs, environment::Environment, output::Output};

/// Where a ServiceAccount is made that no namespace was named for.
const DEFAULT_NAMESPACE: &str = "default";
/// Characters of a name in Kubernetes.
const LONGEST: usize = 63;

pub(super) async fn rbac(
    args: RbacArgs,
    environment: &Environment,
    output: &Output,
) -> Result<ExitCode, Failure> {
    for name in args.namespaces.iter().chain(&args.service_account_namespace).chain([&args.service_account]) {
        check_name(name)?;
    }
    let profile = profiles::load_trusted(&folders(environment)?, &args.profile, &args.set)?.profile;
    let needs = sickbay(environment)?.needs(&profile).await?;
    let namespaces =
        if args.namespaces.is_empty() { profile.cluster.namespaces.clone() } else { args.namespaces };
    let home = args.service_account_namespace.or_else(|| namespaces.first().cloned());
    let request = AccessRequest {
        name: format!("sickbay-{}", profile.name),
        subject: Subject::ServiceAccount {
            namespace: home.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            name: args.service_account,
        },
        reads: needs.reads,
        changes: needs.changes,
        namespaces,
        secrets: if args.with_secrets { SecretAccess::WhereAsked } else { SecretAccess::Never },
    };
    let access = manifests(&request);
    // A List is one document that kubectl takes as well.
    let shown = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": access.manifests});
    output.show(&shown, || yaml(&access.manifests))?;
    for note in &access.notes {
        output.note(&format!("{}: {}", output.error_paint.yellow("note"), clean_line(note, 500)));
    }
    Ok(ExitCode::SUCCESS)
}

/// As Kubernetes takes it: nothing else comes into a manifest.
fn check_name(name: &str) -> Result<(), Failure> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = !name.is_empty() && name.len() <= LONGEST && name.chars().all(good);
    if fits && !name.starts_with('-') && !name.ends_with('-') {
        return Ok(());
    }
    Err(Failure::usage(format!("`{}` is no name that Kubernetes takes", clean_line(name, 80)))
        .with_hint("names have lower-case letters, digits and hyphens"))
}
