//! The kinds that are looked at, each with the fields that it takes to judge
//! it, and those that are shown of the few that are not well. ConfigMaps are
//! read one by one where a sick workload refers to them. Secrets are not read.

use crate::judge::{self, Judge};

/// One kind to list.
pub struct Table {
    /// As in manifests.
    pub kind: &'static str,
    /// As the cluster is asked for it.
    pub query: &'static str,
    /// What is read of every object.
    pub fields: &'static [&'static str],
    pub judge: Judge,
}

/// In the order in which they are read: a pod's owner comes after the pod, so
/// that the owners of sick pods are kept.
pub const KINDS: &[Table] = &[
    Table {
        kind: "Pod",
        query: "v1/Pod",
        fields: &[
            "/metadata/labels",
            "/metadata/creationTimestamp",
            "/metadata/deletionTimestamp",
            "/metadata/ownerReferences",
            "/spec/nodeName",
            "/status/phase",
            "/status/reason",
            "/status/message",
            "/status/conditions",
            "/status/containerStatuses/*/name",
            "/status/containerStatuses/*/ready",
            "/status/containerStatuses/*/restartCount",
            "/status/containerStatuses/*/state",
            "/status/containerStatuses/*/lastState",
            "/status/initContainerStatuses/*/name",
            "/status/initContainerStatuses/*/ready",
            "/status/initContainerStatuses/*/restartCount",
            "/status/initContainerStatuses/*/state",
            "/status/initContainerStatuses/*/lastState",
        ],
        judge: judge::pod,
    },
    Table {
        kind: "ReplicaSet",
        query: "apps/v1/ReplicaSet",
        fields: &["/metadata/ownerReferences", "/spec/replicas", "/status"],
        judge: judge::replica_failure,
    },
    Table {
        kind: "Deployment",
        query: "apps/v1/Deployment",
        fields: &["/spec/replicas", "/spec/paused", "/status"],
        judge: judge::replicated,
    },
    Table {
        kind: "StatefulSet",
        query: "apps/v1/StatefulSet",
        fields: &["/spec/replicas", "/spec/serviceName", "/status"],
        judge: judge::replicated,
    },
    Table { kind: "DaemonSet", query: "apps/v1/DaemonSet", fields: &["/status"], judge: judge::daemon_set },
    Table {
        kind: "Job",
        query: "batch/v1/Job",
        fields: &["/metadata/ownerReferences", "/spec/suspend", "/spec/backoffLimit", "/status"],
        judge: judge::job,
    },
    Table {
        kind: "CronJob",
        query: "batch/v1/CronJob",
        fields: &["/spec/schedule", "/spec/suspend", "/status"],
        judge: judge::cron_job,
    },
    Table {
        kind: "EndpointSlice",
        query: "discovery.k8s.io/v1/EndpointSlice",
        fields: &["/metadata/labels/kubernetes.io~1service-name", "/endpoints/*/conditions", "/ports"],
        judge: judge::well,
    },
    Table {
        kind: "Endpoints",
        query: "v1/Endpoints",
        fields: &[
            "/subsets/*/addresses/*/targetRef/name",
            "/subsets/*/notReadyAddresses/*/targetRef/name",
            "/subsets/*/ports",
        ],
        judge: judge::well,
    },
    Table {
        kind: "Service",
        query: "v1/Service",
        fields: &["/spec/type", "/spec/selector", "/spec/ports", "/spec/externalName", "/spec/clusterIP"],
        judge: judge::well,
    },
    Table {
        kind: "Ingress",
        query: "networking.k8s.io/v1/Ingress",
        fields: &["/spec/ingressClassName", "/spec/defaultBackend", "/spec/rules", "/spec/tls"],
        judge: judge::well,
    },
    Table {
        kind: "NetworkPolicy",
        query: "networking.k8s.io/v1/NetworkPolicy",
        fields: &["/spec"],
        judge: judge::context,
    },
    Table {
        kind: "PersistentVolumeClaim",
        query: "v1/PersistentVolumeClaim",
        fields: &[
            "/spec/storageClassName",
            "/spec/accessModes",
            "/spec/volumeName",
            "/spec/resources",
            "/status/phase",
            "/status/conditions",
        ],
        judge: judge::claim,
    },
    Table {
        kind: "StorageClass",
        query: "storage.k8s.io/v1/StorageClass",
        fields: &["/provisioner", "/volumeBindingMode"],
        judge: judge::context,
    },
    Table {
        kind: "HorizontalPodAutoscaler",
        query: "autoscaling/v2/HorizontalPodAutoscaler",
        fields: &["/spec/scaleTargetRef", "/spec/minReplicas", "/spec/maxReplicas", "/status"],
        judge: judge::autoscaler,
    },
    Table {
        kind: "PodDisruptionBudget",
        query: "policy/v1/PodDisruptionBudget",
        fields: &["/spec", "/status"],
        judge: judge::budget,
    },
    Table {
        kind: "ResourceQuota",
        query: "v1/ResourceQuota",
        fields: &["/status/hard", "/status/used"],
        judge: judge::quota,
    },
    Table {
        kind: "Node",
        query: "v1/Node",
        fields: &[
            "/metadata/labels",
            "/spec/taints",
            "/spec/unschedulable",
            "/status/conditions",
            "/status/allocatable",
        ],
        judge: judge::node,
    },
];

/// Read beside the tables.
pub const EVENT: &str = "v1/Event";
pub const CONFIG_MAP: &str = "v1/ConfigMap";

/// What is read of a container; behind `/containers/*` or `/initContainers/*`.
const CONTAINER: &[&str] = &[
    "name",
    "image",
    "command",
    "args",
    "env",
    "envFrom",
    "ports",
    "resources",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "volumeMounts",
];

/// What is read of a pod's spec besides.
const POD_SPEC: &[&str] = &[
    "nodeSelector",
    "tolerations",
    "affinity",
    "serviceAccountName",
    "imagePullSecrets",
    "volumes",
    "restartPolicy",
    "nodeName",
];

/// The parts of a pod's spec that are worth showing, under a pointer.
fn pod_spec(at: &str) -> Vec<String> {
    let containers = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| CONTAINER.iter().map(move |part| format!("{at}/{list}/*/{part}")));
    containers.chain(POD_SPEC.iter().map(|part| format!("{at}/{part}"))).collect()
}

/// Where the pod's spec stands in a kind.
#[must_use]
pub fn template(kind: &str) -> &'static str {
    match kind {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    }
}

/// What is read of one workload, or one pod without one, that is not well.
#[must_use]
pub fn detail(kind: &str) -> Vec<String> {
    let own: &[&str] = match kind {
        "Pod" => &["/metadata/labels"],
        "Job" => &[
            "/spec/backoffLimit",
            "/spec/suspend",
            "/spec/completions",
            "/spec/parallelism",
            "/spec/activeDeadlineSeconds",
            "/status",
        ],
        "CronJob" => &["/spec/schedule", "/spec/suspend", "/spec/concurrencyPolicy", "/status"],
        "ReplicaSet" => &[
            "/metadata/annotations/deployment.kubernetes.io~1revision",
            "/metadata/ownerReferences",
            "/metadata/creationTimestamp",
            "/spec/replicas",
            "/status/replicas",
            "/status/readyReplicas",
            "/status/conditions",
        ],
        _ => &[
            "/metadata/annotations/deployment.kubernetes.io~1revision",
            "/spec/replicas",
            "/spec/paused",
            "/spec/strategy",
            "/spec/updateStrategy",
            "/spec/serviceName",
            "/spec/selector",
            "/spec/template/metadata/labels",
            "/status",
        ],
    };
    own.iter().map(|field| (*field).to_owned()).chain(pod_spec(template(kind))).collect()
}

/// Whether objects of the kind make pods.
#[must_use]
pub fn is_workload(kind: &str) -> bool {
    ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"].contains(&kind)
}

/// Everything that is read, as `apps/v1/Deployment`; for the role that the
/// strategy needs.
#[must_use]
pub fn reads() -> Vec<String> {
    let listed = KINDS.iter().map(|table| table.query);
    listed.chain([EVENT, CONFIG_MAP, "v1/Pod/log"]).map(str::to_owned).collect()
}
