//! The resources that Kubernetes itself has, with the groups they are in.

/// The group comes first that is used today.
const RESOURCES: [(&str, &[&str]); 31] = [
    ("pods", &["", "metrics.k8s.io"]),
    ("services", &[""]),
    ("configmaps", &[""]),
    ("secrets", &[""]),
    ("nodes", &["", "metrics.k8s.io"]),
    ("namespaces", &[""]),
    ("endpoints", &[""]),
    ("events", &["", "events.k8s.io"]),
    ("serviceaccounts", &[""]),
    ("persistentvolumes", &[""]),
    ("persistentvolumeclaims", &[""]),
    ("replicationcontrollers", &[""]),
    ("resourcequotas", &[""]),
    ("limitranges", &[""]),
    ("deployments", &["apps", "extensions"]),
    ("replicasets", &["apps", "extensions"]),
    ("statefulsets", &["apps"]),
    ("daemonsets", &["apps", "extensions"]),
    ("jobs", &["batch"]),
    ("cronjobs", &["batch"]),
    ("ingresses", &["networking.k8s.io", "extensions"]),
    ("networkpolicies", &["networking.k8s.io", "extensions"]),
    ("ingressclasses", &["networking.k8s.io"]),
    ("horizontalpodautoscalers", &["autoscaling"]),
    ("poddisruptionbudgets", &["policy"]),
    ("roles", &["rbac.authorization.k8s.io"]),
    ("rolebindings", &["rbac.authorization.k8s.io"]),
    ("storageclasses", &["storage.k8s.io"]),
    ("leases", &["coordination.k8s.io"]),
    ("customresourcedefinitions", &["apiextensions.k8s.io"]),
    ("endpointslices", &["discovery.k8s.io"]),
];

/// Groups in which nobody else may put a resource of their own.
const OURS: [&str; 12] = [
    "",
    "apps",
    "batch",
    "extensions",
    "autoscaling",
    "policy",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "coordination.k8s.io",
    "apiextensions.k8s.io",
    "events.k8s.io",
];

/// The groups of the resource; a subresource is in that of its resource.
pub(super) fn groups(resource: &str) -> Option<&'static [&'static str]> {
    let plain = resource.split('/').next().unwrap_or(resource);
    RESOURCES.iter().find(|(name, _)| *name == plain).map(|(_, groups)| *groups)
}

pub(super) fn ours(group: &str) -> bool {
    OURS.contains(&group)
}

/// The resource that a word in a name stands for: `pod`, `pods`.
pub(super) fn by_word(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    RESOURCES.iter().map(|(name, _)| *name).find(|name| *name == word || singular(name) == word)
}

fn singular(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let stem = name.strip_suffix("sses").map(|stem| format!("{stem}ss"));
    stem.unwrap_or_else(|| name.strip_suffix('s').unwrap_or(name).to_owned())
}

/// What opens the door to more: nothing proposes to grant that.
pub(super) fn sensitive(resource: &str, verb: &str) -> bool {
    let open = [
        "secrets",
        "roles",
        "rolebindings",
        "clusterroles",
        "clusterrolebindings",
        "serviceaccounts",
        "nodes",
        "certificatesigningrequests",
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
    ];
    let plain = resource.split('/').next().unwrap_or(resource);
    open.contains(&plain)
        || resource.contains('/')
        || resource.contains('*')
        || !matches!(verb, "get" | "list" | "watch")
}
