//! The remediation plugin `workload`: the actions that put workloads right.
