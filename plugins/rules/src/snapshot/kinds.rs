//! The kinds that are listed as a whole, each with the fields that rules read.
//! A rule that needs another kind or field adds it here. Pods and events have
//! files of their own.

/// One kind to list.
#[derive(Debug)]
pub struct Table {
    /// As in manifests; the name that rules look it up by.
    pub kind: &'static str,
    /// As the cluster is asked for it.
    pub query: &'static str,
    pub fields: &'static [&'static str],
}

/// The parts of the metadata that nearly every rule wants.
macro_rules! fields {
    ($($more:literal),* $(,)?) => {
        &[
            "/metadata/labels",
            "/metadata/creationTimestamp",
            "/metadata/deletionTimestamp",
            "/metadata/ownerReferences",
            $($more),*
        ]
    };
}

pub const KINDS: &[Table] = &[
    Table { kind: "Namespace", query: "v1/Namespace", fields: fields!["/status", "/spec/finalizers"] },
    Table {
        kind: "Node",
        query: "v1/Node",
        fields: fields![
            "/spec/taints",
            "/spec/unschedulable",
            "/status/conditions",
            "/status/allocatable",
            "/status/capacity",
            "/status/nodeInfo/kubeletVersion"
        ],
    },
    Table {
        kind: "Deployment",
        query: "apps/v1/Deployment",
        fields: fields![
            "/metadata/generation",
            "/metadata/annotations/deployment.kubernetes.io~1revision",
            "/metadata/annotations/kubernetes.io~1change-cause",
            "/spec",
            "/status"
        ],
    },
    Table {
        kind: "ReplicaSet",
        query: "apps/v1/ReplicaSet",
        fields: fields![
            "/metadata/annotations/deployment.kubernetes.io~1revision",
            "/spec/replicas",
            "/spec/selector",
            "/status"
        ],
    },
    Table {
        kind: "StatefulSet",
        query: "apps/v1/StatefulSet",
        fields: fields!["/metadata/generation", "/spec", "/status"],
    },
    Table {
        kind: "DaemonSet",
        query: "apps/v1/DaemonSet",
        fields: fields!["/metadata/generation", "/spec", "/status"],
    },
    Table { kind: "Job", query: "batch/v1/Job", fields: fields!["/spec", "/status"] },
    Table { kind: "CronJob", query: "batch/v1/CronJob", fields: fields!["/spec", "/status"] },
    Table {
        kind: "Service",
        query: "v1/Service",
        fields: fields!["/metadata/annotations/sickbay.dev~1partial", "/spec", "/status/loadBalancer"],
    },
    Table { kind: "Endpoints", query: "v1/Endpoints", fields: fields!["/subsets"] },
    Table {
        kind: "EndpointSlice",
        query: "discovery.k8s.io/v1/EndpointSlice",
        fields: fields!["/addressType", "/endpoints", "/ports"],
    },
    Table {
        kind: "Ingress",
        query: "networking.k8s.io/v1/Ingress",
        fields: fields!["/metadata/annotations/kubernetes.io~1ingress.class", "/spec", "/status"],
    },
    Table {
        kind: "IngressClass",
        query: "networking.k8s.io/v1/IngressClass",
        fields: fields!["/metadata/annotations/ingressclass.kubernetes.io~1is-default-class", "/spec"],
    },
    Table { kind: "NetworkPolicy", query: "networking.k8s.io/v1/NetworkPolicy", fields: fields!["/spec"] },
    Table {
        kind: "PersistentVolumeClaim",
        query: "v1/PersistentVolumeClaim",
        fields: fields![
            "/metadata/annotations/volume.kubernetes.io~1storage-provisioner",
            "/spec",
            "/status"
        ],
    },
    Table { kind: "PersistentVolume", query: "v1/PersistentVolume", fields: fields!["/spec", "/status"] },
    Table {
        kind: "StorageClass",
        query: "storage.k8s.io/v1/StorageClass",
        fields: fields![
            "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
            "/metadata/annotations/storageclass.beta.kubernetes.io~1is-default-class",
            "/provisioner",
            "/volumeBindingMode",
            "/allowVolumeExpansion",
            "/reclaimPolicy"
        ],
    },
    Table {
        kind: "HorizontalPodAutoscaler",
        query: "autoscaling/v2/HorizontalPodAutoscaler",
        fields: fields!["/spec", "/status"],
    },
    Table {
        kind: "PodDisruptionBudget",
        query: "policy/v1/PodDisruptionBudget",
        fields: fields!["/spec", "/status"],
    },
    Table { kind: "ResourceQuota", query: "v1/ResourceQuota", fields: fields!["/spec", "/status"] },
    Table { kind: "LimitRange", query: "v1/LimitRange", fields: fields!["/spec"] },
    Table {
        kind: "ServiceAccount",
        query: "v1/ServiceAccount",
        fields: fields!["/imagePullSecrets", "/automountServiceAccountToken"],
    },
    // Values of Secrets never come; those of ConfigMaps are asked for one by
    // one where a rule needs them. The keys are not projected away, since a
    // missing key is a common cause.
    Table { kind: "Secret", query: "v1/Secret", fields: fields!["/type", "/data"] },
    Table { kind: "ConfigMap", query: "v1/ConfigMap", fields: fields!["/data", "/binaryData", "/immutable"] },
    Table { kind: "Role", query: "rbac.authorization.k8s.io/v1/Role", fields: fields!["/rules"] },
    Table {
        kind: "ClusterRole",
        query: "rbac.authorization.k8s.io/v1/ClusterRole",
        fields: fields!["/rules", "/aggregationRule"],
    },
    Table {
        kind: "RoleBinding",
        query: "rbac.authorization.k8s.io/v1/RoleBinding",
        fields: fields!["/roleRef", "/subjects"],
    },
    Table {
        kind: "ClusterRoleBinding",
        query: "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
        fields: fields!["/roleRef", "/subjects"],
    },
    Table {
        kind: "ValidatingWebhookConfiguration",
        query: "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration",
        fields: fields!["/webhooks"],
    },
    Table {
        kind: "MutatingWebhookConfiguration",
        query: "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration",
        fields: fields!["/webhooks"],
    },
    Table {
        kind: "APIService",
        query: "apiregistration.k8s.io/v1/APIService",
        fields: fields!["/spec/service", "/status"],
    },
    Table {
        kind: "GatewayClass",
        query: "gateway.networking.k8s.io/v1/GatewayClass",
        fields: fields!["/spec", "/status"],
    },
    Table {
        kind: "Gateway",
        query: "gateway.networking.k8s.io/v1/Gateway",
        fields: fields!["/spec", "/status"],
    },
    Table {
        kind: "HTTPRoute",
        query: "gateway.networking.k8s.io/v1/HTTPRoute",
        fields: fields!["/spec", "/status"],
    },
    Table {
        kind: "ReferenceGrant",
        query: "gateway.networking.k8s.io/v1beta1/ReferenceGrant",
        fields: fields!["/spec"],
    },
    Table {
        kind: "Certificate",
        query: "cert-manager.io/v1/Certificate",
        fields: fields!["/spec", "/status"],
    },
    Table { kind: "Issuer", query: "cert-manager.io/v1/Issuer", fields: fields!["/spec", "/status"] },
    Table {
        kind: "ClusterIssuer",
        query: "cert-manager.io/v1/ClusterIssuer",
        fields: fields!["/spec", "/status"],
    },
];
