//! The kinds that actions read and change, as `apps/v1/Deployment`. Old
//! versions stand beside new ones, for servers that know no other.

use sickbay_plugin::remediation::ObjectRef;

pub(crate) const DEPLOYMENT: &str = "apps/v1/Deployment";
pub(crate) const STATEFUL_SET: &str = "apps/v1/StatefulSet";
pub(crate) const DAEMON_SET: &str = "apps/v1/DaemonSet";
pub(crate) const REPLICA_SET: &str = "apps/v1/ReplicaSet";
pub(crate) const CONTROLLER_REVISION: &str = "apps/v1/ControllerRevision";
pub(crate) const CRON_JOB: &str = "batch/v1/CronJob";
pub(crate) const CRON_JOB_BETA: &str = "batch/v1beta1/CronJob";
pub(crate) const JOB: &str = "batch/v1/Job";
pub(crate) const POD: &str = "v1/Pod";
pub(crate) const SERVICE: &str = "v1/Service";
pub(crate) const ENDPOINTS: &str = "v1/Endpoints";
pub(crate) const ENDPOINT_SLICE: &str = "discovery.k8s.io/v1/EndpointSlice";
pub(crate) const CONFIG_MAP: &str = "v1/ConfigMap";
pub(crate) const CLAIM: &str = "v1/PersistentVolumeClaim";
pub(crate) const NODE: &str = "v1/Node";
pub(crate) const ROLE: &str = "rbac.authorization.k8s.io/v1/Role";
pub(crate) const CLUSTER_ROLE: &str = "rbac.authorization.k8s.io/v1/ClusterRole";
pub(crate) const BUDGET: &str = "policy/v1/PodDisruptionBudget";
pub(crate) const BUDGET_BETA: &str = "policy/v1beta1/PodDisruptionBudget";
pub(crate) const SCALER: &str = "autoscaling/v2/HorizontalPodAutoscaler";
pub(crate) const SCALER_1: &str = "autoscaling/v1/HorizontalPodAutoscaler";
pub(crate) const SCALER_BETA: &str = "autoscaling/v2beta2/HorizontalPodAutoscaler";
pub(crate) const SCALER_ALPHA: &str = "autoscaling/v2beta1/HorizontalPodAutoscaler";

/// Workloads whose pods follow their template.
pub(crate) const ROLLED: &[&str] = &[DEPLOYMENT, STATEFUL_SET, DAEMON_SET];
/// Workloads with a pod template that can be changed.
pub(crate) const TEMPLATED: &[&str] = &[DEPLOYMENT, STATEFUL_SET, DAEMON_SET, CRON_JOB, CRON_JOB_BETA];
/// Workloads that own others, read in order to name the owner.
pub(crate) const OWNERS: &[&str] =
    &[POD, REPLICA_SET, JOB, DEPLOYMENT, STATEFUL_SET, DAEMON_SET, CRON_JOB, CRON_JOB_BETA];

/// `apps/v1/Deployment`.
pub(crate) fn of(object: &ObjectRef) -> String {
    format!("{}/{}", object.api_version, object.kind)
}

/// The last part: `Deployment`.
pub(crate) fn word(kind: &str) -> &str {
    kind.rsplit('/').next().unwrap_or(kind)
}

/// The first part: `apps/v1`.
pub(crate) fn version(kind: &str) -> &str {
    kind.rsplit_once('/').map_or("", |(version, _)| version)
}

/// Whether objects of the kind belong to no namespace.
pub(crate) fn is_of_the_cluster(kind: &str) -> bool {
    [NODE, CLUSTER_ROLE].contains(&kind)
}
