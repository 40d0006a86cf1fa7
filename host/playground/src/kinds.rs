//! The kinds that the playground serves, with what a client's discovery asks
//! about them. What is not in this table does not exist in the cluster.

/// One kind of object.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// As the trait `Objects` names it: `apps/v1/Deployment`, `v1/Pod`.
    pub id: &'static str,
    /// The kind under which its objects are kept; differs for an older or newer
    /// version of the same objects.
    pub stored: &'static str,
    pub group: &'static str,
    pub version: &'static str,
    pub name: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short: &'static [&'static str],
    pub scope: Scope,
    /// Whether `kubectl get all` shows it.
    pub in_all: bool,
    pub status: StatusPart,
    pub generation: Generation,
    pub scale: Scale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Namespace,
    Cluster,
}

/// Whether clients write the status by a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPart {
    Apart,
    None,
}

/// Whether `metadata.generation` counts the changes of the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    Counted,
    None,
}

/// Whether it has replicas that clients set by a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Has,
    None,
}

impl Kind {
    /// `apps/v1`, `v1`.
    #[must_use]
    pub fn api_version(&self) -> &'static str {
        self.id.rsplit_once('/').map_or("v1", |(version, _)| version)
    }

    #[must_use]
    pub fn namespaced(&self) -> bool {
        self.scope == Scope::Namespace
    }

    /// `deployments.apps`, `pods`: as messages name it.
    #[must_use]
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.to_owned() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Deployment.apps`, `Pod`: as messages about invalid objects name it.
    #[must_use]
    pub fn title(&self) -> String {
        if self.group.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.name, self.group) }
    }

    const fn stored_as(mut self, stored: &'static str) -> Self {
        self.stored = stored;
        self
    }

    const fn status(mut self) -> Self {
        self.status = StatusPart::Apart;
        self
    }

    const fn generation(mut self) -> Self {
        self.generation = Generation::Counted;
        self
    }

    const fn all(mut self) -> Self {
        self.in_all = true;
        self
    }

    const fn scale(mut self) -> Self {
        self.scale = Scale::Has;
        self
    }
}

/// The kind of that name, as `apps/v1/Deployment`.
#[must_use]
pub fn kind(id: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.id == id)
}

/// The kind of an object, by what it says.
#[must_use]
pub fn kind_of(api_version: &str, name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name && kind.api_version() == api_version)
}

/// The kind in a URL.
#[must_use]
pub fn by_path(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.plural == plural && kind.group == group && kind.version == version)
}

const fn namespaced(
    id: &'static str,
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
    singular: &'static str,
    short: &'static [&'static str],
) -> Kind {
    Kind {
        id,
        stored: id,
        group,
        version,
        name,
        plural,
        singular,
        short,
        scope: Scope::Namespace,
        in_all: false,
        status: StatusPart::None,
        generation: Generation::None,
        scale: Scale::None,
    }
}

const fn wide(
    id: &'static str,
    group: &'static str,
    version: &'static str,
    name: &'static str,
    plural: &'static str,
    singular: &'static str,
    short: &'static [&'static str],
) -> Kind {
    let mut kind = namespaced(id, group, version, name, plural, singular, short);
    kind.scope = Scope::Cluster;
    kind
}

/// All of them. The order is that of discovery.
pub const KINDS: &[Kind] = &[
    namespaced("v1/ConfigMap", "", "v1", "ConfigMap", "configmaps", "configmap", &["cm"]),
    namespaced("v1/Endpoints", "", "v1", "Endpoints", "endpoints", "endpoints", &["ep"]),
    namespaced("v1/Event", "", "v1", "Event", "events", "event", &["ev"]),
    namespaced("v1/LimitRange", "", "v1", "LimitRange", "limitranges", "limitrange", &["limits"]),
    wide("v1/Namespace", "", "v1", "Namespace", "namespaces", "namespace", &["ns"]).status(),
    wide("v1/Node", "", "v1", "Node", "nodes", "node", &["no"]).status(),
    namespaced(
        "v1/PersistentVolumeClaim",
        "",
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        "persistentvolumeclaim",
        &["pvc"],
    )
    .status(),
    wide(
        "v1/PersistentVolume",
        "",
        "v1",
        "PersistentVolume",
        "persistentvolumes",
        "persistentvolume",
        &["pv"],
    )
    .status(),
    namespaced("v1/Pod", "", "v1", "Pod", "pods", "pod", &["po"]).status().all(),
    namespaced("v1/PodTemplate", "", "v1", "PodTemplate", "podtemplates", "podtemplate", &[]),
    namespaced(
        "v1/ReplicationController",
        "",
        "v1",
        "ReplicationController",
        "replicationcontrollers",
        "replicationcontroller",
        &["rc"],
    )
    .status()
    .all()
    .generation()
    .scale(),
    namespaced("v1/ResourceQuota", "", "v1", "ResourceQuota", "resourcequotas", "resourcequota", &["quota"])
        .status(),
    namespaced("v1/Secret", "", "v1", "Secret", "secrets", "secret", &[]),
    namespaced("v1/ServiceAccount", "", "v1", "ServiceAccount", "serviceaccounts", "serviceaccount", &["sa"]),
    namespaced("v1/Service", "", "v1", "Service", "services", "service", &["svc"]).status().all(),
    namespaced(
        "apps/v1/ControllerRevision",
        "apps",
        "v1",
        "ControllerRevision",
        "controllerrevisions",
        "controllerrevision",
        &[],
    ),
    namespaced("apps/v1/DaemonSet", "apps", "v1", "DaemonSet", "daemonsets", "daemonset", &["ds"])
        .status()
        .all()
        .generation(),
    namespaced("apps/v1/Deployment", "apps", "v1", "Deployment", "deployments", "deployment", &["deploy"])
        .status()
        .all()
        .generation()
        .scale(),
    namespaced("apps/v1/ReplicaSet", "apps", "v1", "ReplicaSet", "replicasets", "replicaset", &["rs"])
        .status()
        .all()
        .generation()
        .scale(),
    namespaced("apps/v1/StatefulSet", "apps", "v1", "StatefulSet", "statefulsets", "statefulset", &["sts"])
        .status()
        .all()
        .generation()
        .scale(),
    namespaced("batch/v1/CronJob", "batch", "v1", "CronJob", "cronjobs", "cronjob", &["cj"])
        .status()
        .all()
        .generation(),
    namespaced("batch/v1/Job", "batch", "v1", "Job", "jobs", "job", &[]).status().all().generation(),
    namespaced(
        "autoscaling/v2/HorizontalPodAutoscaler",
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "horizontalpodautoscaler",
        &["hpa"],
    )
    .status()
    .all(),
    namespaced(
        "autoscaling/v1/HorizontalPodAutoscaler",
        "autoscaling",
        "v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "horizontalpodautoscaler",
        &["hpa"],
    )
    .status()
    .all()
    .stored_as("autoscaling/v2/HorizontalPodAutoscaler"),
    namespaced(
        "policy/v1/PodDisruptionBudget",
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "poddisruptionbudget",
        &["pdb"],
    )
    .status()
    .generation(),
    wide(
        "networking.k8s.io/v1/IngressClass",
        "networking.k8s.io",
        "v1",
        "IngressClass",
        "ingressclasses",
        "ingressclass",
        &[],
    )
    .generation(),
    namespaced(
        "networking.k8s.io/v1/Ingress",
        "networking.k8s.io",
        "v1",
        "Ingress",
        "ingresses",
        "ingress",
        &["ing"],
    )
    .status()
    .generation(),
    namespaced(
        "networking.k8s.io/v1/NetworkPolicy",
        "networking.k8s.io",
        "v1",
        "NetworkPolicy",
        "networkpolicies",
        "networkpolicy",
        &["netpol"],
    )
    .generation(),
    namespaced(
        "discovery.k8s.io/v1/EndpointSlice",
        "discovery.k8s.io",
        "v1",
        "EndpointSlice",
        "endpointslices",
        "endpointslice",
        &[],
    )
    .generation(),
    wide(
        "storage.k8s.io/v1/StorageClass",
        "storage.k8s.io",
        "v1",
        "StorageClass",
        "storageclasses",
        "storageclass",
        &["sc"],
    ),
    wide("storage.k8s.io/v1/CSIDriver", "storage.k8s.io", "v1", "CSIDriver", "csidrivers", "csidriver", &[]),
    wide("storage.k8s.io/v1/CSINode", "storage.k8s.io", "v1", "CSINode", "csinodes", "csinode", &[]),
    wide(
        "storage.k8s.io/v1/VolumeAttachment",
        "storage.k8s.io",
        "v1",
        "VolumeAttachment",
        "volumeattachments",
        "volumeattachment",
        &[],
    )
    .status(),
    wide(
        "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
        "rbac.authorization.k8s.io",
        "v1",
        "ClusterRoleBinding",
        "clusterrolebindings",
        "clusterrolebinding",
        &[],
    ),
    wide(
        "rbac.authorization.k8s.io/v1/ClusterRole",
        "rbac.authorization.k8s.io",
        "v1",
        "ClusterRole",
        "clusterroles",
        "clusterrole",
        &[],
    ),
    namespaced(
        "rbac.authorization.k8s.io/v1/RoleBinding",
        "rbac.authorization.k8s.io",
        "v1",
        "RoleBinding",
        "rolebindings",
        "rolebinding",
        &[],
    ),
    namespaced(
        "rbac.authorization.k8s.io/v1/Role",
        "rbac.authorization.k8s.io",
        "v1",
        "Role",
        "roles",
        "role",
        &[],
    ),
    namespaced("coordination.k8s.io/v1/Lease", "coordination.k8s.io", "v1", "Lease", "leases", "lease", &[]),
    namespaced("events.k8s.io/v1/Event", "events.k8s.io", "v1", "Event", "events", "event", &["ev"])
        .stored_as("v1/Event"),
    wide(
        "scheduling.k8s.io/v1/PriorityClass",
        "scheduling.k8s.io",
        "v1",
        "PriorityClass",
        "priorityclasses",
        "priorityclass",
        &["pc"],
    )
    .generation(),
];
