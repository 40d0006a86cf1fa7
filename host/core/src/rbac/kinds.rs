//! The kinds that Kubernetes ships: how a role names them, and where they live.

/// Whether objects of a kind belong to a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Namespace,
    Cluster,
}

/// One kind that Kubernetes ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    pub group: &'static str,
    pub kind: &'static str,
    /// The resource's name in URLs and roles.
    pub plural: &'static str,
    pub scope: Scope,
}

const fn namespaced(group: &'static str, kind: &'static str, plural: &'static str) -> Builtin {
    Builtin { group, kind, plural, scope: Scope::Namespace }
}

const fn cluster(group: &'static str, kind: &'static str, plural: &'static str) -> Builtin {
    Builtin { group, kind, plural, scope: Scope::Cluster }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

impl Builtin {
    /// Where two groups have a kind of the same name, the first one is meant by the name alone.
    pub const ALL: &'static [Self] = &[
        namespaced("", "Pod", "pods"),
        namespaced("", "Service", "services"),
        namespaced("", "Event", "events"),
        namespaced("", "ConfigMap", "configmaps"),
        namespaced("", "Secret", "secrets"),
        namespaced("", "ServiceAccount", "serviceaccounts"),
        namespaced("", "PersistentVolumeClaim", "persistentvolumeclaims"),
        namespaced("", "Endpoints", "endpoints"),
        namespaced("", "ResourceQuota", "resourcequotas"),
        namespaced("", "LimitRange", "limitranges"),
        namespaced("", "ReplicationController", "replicationcontrollers"),
        namespaced("", "PodTemplate", "podtemplates"),
        cluster("", "Node", "nodes"),
        cluster("", "Namespace", "namespaces"),
        cluster("", "PersistentVolume", "persistentvolumes"),
        cluster("", "ComponentStatus", "componentstatuses"),
        namespaced("apps", "Deployment", "deployments"),
        namespaced("apps", "ReplicaSet", "replicasets"),
        namespaced("apps", "StatefulSet", "statefulsets"),
        namespaced("apps", "DaemonSet", "daemonsets"),
        namespaced("apps", "ControllerRevision", "controllerrevisions"),
        namespaced("batch", "Job", "jobs"),
        namespaced("batch", "CronJob", "cronjobs"),
        namespaced("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        namespaced("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
        cluster("policy", "PodSecurityPolicy", "podsecuritypolicies"),
        namespaced(NETWORKING, "Ingress", "ingresses"),
        namespaced(NETWORKING, "NetworkPolicy", "networkpolicies"),
        cluster(NETWORKING, "IngressClass", "ingressclasses"),
        namespaced("discovery.k8s.io", "EndpointSlice", "endpointslices"),
        namespaced("coordination.k8s.io", "Lease", "leases"),
        cluster(STORAGE, "StorageClass", "storageclasses"),
        cluster(STORAGE, "VolumeAttachment", "volumeattachments"),
        cluster(STORAGE, "CSIDriver", "csidrivers"),
        cluster(STORAGE, "CSINode", "csinodes"),
        namespaced(STORAGE, "CSIStorageCapacity", "csistoragecapacities"),
        cluster("scheduling.k8s.io", "PriorityClass", "priorityclasses"),
        namespaced(RBAC, "Role", "roles"),
        namespaced(RBAC, "RoleBinding", "rolebindings"),
        cluster(RBAC, "ClusterRole", "clusterroles"),
        cluster(RBAC, "ClusterRoleBinding", "clusterrolebindings"),
        cluster("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions"),
        cluster("apiregistration.k8s.io", "APIService", "apiservices"),
        cluster(ADMISSION, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
        cluster(ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
        cluster(ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
        cluster(ADMISSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
        cluster("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests"),
        cluster("node.k8s.io", "RuntimeClass", "runtimeclasses"),
        cluster("flowcontrol.apiserver.k8s.io", "FlowSchema", "flowschemas"),
        cluster("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", "prioritylevelconfigurations"),
        namespaced("events.k8s.io", "Event", "events"),
        namespaced("metrics.k8s.io", "PodMetrics", "pods"),
        cluster("metrics.k8s.io", "NodeMetrics", "nodes"),
    ];
}

/// The kind of that name, in any group where none is given.
#[must_use]
pub fn builtin_kind(group: Option<&str>, kind: &str) -> Option<&'static Builtin> {
    Builtin::ALL
        .iter()
        .find(|builtin| builtin.kind == kind && group.is_none_or(|group| builtin.group == group))
}
