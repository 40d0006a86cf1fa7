//! What follows `sickbay rbac`.

use clap::Args;

#[derive(Clone, Debug, Args)]
pub(crate) struct RbacArgs {
    /// Name of a profile, or a path to a trusted one
    pub profile: String,
    /// Only in this namespace; may be given more than once. In all where none is given
    #[arg(short, long = "namespace", value_name = "NAMESPACE")]
    pub namespaces: Vec<String>,
    /// The ServiceAccount that is made and gets the rights
    #[arg(long, value_name = "NAME", default_value = "sickbay")]
    pub service_account: String,
    /// The namespace of the ServiceAccount; the first of `-n`, or else `default`
    #[arg(long, value_name = "NAMESPACE")]
    pub service_account_namespace: Option<String>,
    /// Reading Secrets too. What Sickbay reads of them is their names and keys, never their values, but the right
    /// itself knows no such bounds
    #[arg(long)]
    pub with_secrets: bool,
    /// Set a key of the profile: `remediation.plugins=["workload"]`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}
