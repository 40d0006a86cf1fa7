//! Names of kinds: what kubectl's users type, and what an object says.
//!
//! Knows the kinds that Kubernetes ships. Everything else is told apart by
//! what was seen: a custom resource is known by the objects recorded of it or
//! by its definition.

/// One kind that Kubernetes ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Builtin {
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub short: &'static [&'static str],
    pub namespaced: bool,
}

impl Builtin {
    /// Group and version as in a manifest.
    #[must_use]
    pub fn api_version(&self) -> String {
        join(self.group, self.version)
    }
}

/// Group and version as in a manifest: `v1`, `apps/v1`.
#[must_use]
pub fn join(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// `apps/v1` as group and version; the core group is empty.
#[must_use]
pub fn split(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

const fn kind(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
    scope: Scope,
) -> Builtin {
    Builtin { group, version, kind, plural, short, namespaced: matches!(scope, Scope::Namespace) }
}

enum Scope {
    Namespace,
    Cluster,
}

use Scope::{Cluster, Namespace};

/// Where two groups have a kind of the same name, the first one here is meant.
pub const BUILTINS: &[Builtin] = &[
    kind("", "v1", "Pod", "pods", &["po"], Namespace),
    kind("", "v1", "Service", "services", &["svc"], Namespace),
    kind("", "v1", "Event", "events", &["ev"], Namespace),
    kind("", "v1", "Node", "nodes", &["no"], Cluster),
    kind("", "v1", "Namespace", "namespaces", &["ns"], Cluster),
    kind("", "v1", "ConfigMap", "configmaps", &["cm"], Namespace),
    kind("", "v1", "Secret", "secrets", &[], Namespace),
    kind("", "v1", "ServiceAccount", "serviceaccounts", &["sa"], Namespace),
    kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", &["pvc", "pvcs"], Namespace),
    kind("", "v1", "PersistentVolume", "persistentvolumes", &["pv", "pvs"], Cluster),
    kind("", "v1", "Endpoints", "endpoints", &["ep"], Namespace),
    kind("", "v1", "ResourceQuota", "resourcequotas", &["quota"], Namespace),
    kind("", "v1", "LimitRange", "limitranges", &["limits"], Namespace),
    kind("", "v1", "ReplicationController", "replicationcontrollers", &["rc"], Namespace),
    kind("", "v1", "PodTemplate", "podtemplates", &[], Namespace),
    kind("", "v1", "ComponentStatus", "componentstatuses", &["cs"], Cluster),
    kind("apps", "v1", "Deployment", "deployments", &["deploy"], Namespace),
    kind("apps", "v1", "ReplicaSet", "replicasets", &["rs"], Namespace),
    kind("apps", "v1", "StatefulSet", "statefulsets", &["sts"], Namespace),
    kind("apps", "v1", "DaemonSet", "daemonsets", &["ds"], Namespace),
    kind("apps", "v1", "ControllerRevision", "controllerrevisions", &[], Namespace),
    kind("batch", "v1", "Job", "jobs", &[], Namespace),
    kind("batch", "v1", "CronJob", "cronjobs", &["cj"], Namespace),
    kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", &["hpa"], Namespace),
    kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", &["pdb"], Namespace),
    kind("networking.k8s.io", "v1", "Ingress", "ingresses", &["ing"], Namespace),
    kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", &[], Cluster),
    kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", &["netpol"], Namespace),
    kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", &[], Namespace),
    kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", &["sc"], Cluster),
    kind("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", &[], Cluster),
    kind("storage.k8s.io", "v1", "CSIDriver", "csidrivers", &[], Cluster),
    kind("storage.k8s.io", "v1", "CSINode", "csinodes", &[], Cluster),
    kind("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", &[], Namespace),
    kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", &["pc"], Cluster),
    kind("rbac.authorization.k8s.io", "v1", "Role", "roles", &[], Namespace),
    kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", &[], Namespace),
    kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", &[], Cluster),
    kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", &[], Cluster),
    kind("coordination.k8s.io", "v1", "Lease", "leases", &[], Namespace),
    kind(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        &["crd", "crds"],
        Cluster,
    ),
    kind("apiregistration.k8s.io", "v1", "APIService", "apiservices", &[], Cluster),
    kind(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        &[],
        Cluster,
    ),
    kind(
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        &[],
        Cluster,
    ),
    kind(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies",
        &[],
        Cluster,
    ),
    kind(
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        &[],
        Cluster,
    ),
    kind(
        "certificates.k8s.io",
        "v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
        &["csr"],
        Cluster,
    ),
    kind("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", &[], Cluster),
    kind("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema", "flowschemas", &[], Cluster),
    kind(
        "flowcontrol.apiserver.k8s.io",
        "v1",
        "PriorityLevelConfiguration",
        "prioritylevelconfigurations",
        &[],
        Cluster,
    ),
    kind("events.k8s.io", "v1", "Event", "events", &[], Namespace),
    kind("metrics.k8s.io", "v1beta1", "PodMetrics", "pods", &[], Namespace),
    kind("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", &[], Cluster),
    kind("gateway.networking.k8s.io", "v1", "Gateway", "gateways", &["gtw"], Namespace),
    kind("gateway.networking.k8s.io", "v1", "GatewayClass", "gatewayclasses", &["gc"], Cluster),
    kind("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", &[], Namespace),
    kind("snapshot.storage.k8s.io", "v1", "VolumeSnapshot", "volumesnapshots", &["vs"], Namespace),
    kind("autoscaling.k8s.io", "v1", "VerticalPodAutoscaler", "verticalpodautoscalers", &["vpa"], Namespace),
];

/// The kind of that group and name, where Kubernetes ships it. Old groups that
/// were moved (`extensions`) count as the group of today.
#[must_use]
pub fn builtin(group: &str, kind: &str) -> Option<&'static Builtin> {
    let group = current_group(group, kind);
    BUILTINS.iter().find(|builtin| builtin.group == group && builtin.kind == kind)
}

/// The group where a kind lives today.
#[must_use]
pub fn current_group<'a>(group: &'a str, kind: &str) -> &'a str {
    match (group, kind) {
        ("extensions", "Ingress" | "NetworkPolicy") => "networking.k8s.io",
        ("extensions", _) => "apps",
        _ => group,
    }
}

/// A kind by its name alone, as an object gives it (`Pod`) or a user types it
/// (`pods`, `po`, `POD`).
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| builtin.kind == name).or_else(|| {
        BUILTINS.iter().find(|builtin| {
            builtin.kind.eq_ignore_ascii_case(name)
                || builtin.plural.eq_ignore_ascii_case(name)
                || builtin.short.iter().any(|short| short.eq_ignore_ascii_case(name))
        })
    })
}

/// What a query names, before it is known what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindName<'a> {
    /// None where the query does not say.
    pub group: Option<&'a str>,
    /// None where the query does not say.
    pub version: Option<&'a str>,
    /// A kind, a plural, a singular or a short name.
    pub name: &'a str,
}

impl<'a> KindName<'a> {
    /// Takes `Pod`, `pods`, `po`, `deployments.apps`, `deployments.v1.apps`,
    /// `v1/Pod` and `apps/v1/Deployment`.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let text = text.trim();
        if let Some((api_version, name)) = text.rsplit_once('/') {
            let (group, version) = split(api_version);
            return Self { group: Some(group), version: Some(version), name };
        }
        match text.split_once('.') {
            None => Self { group: None, version: None, name: text },
            Some((name, rest)) => match rest.split_once('.') {
                Some((version, group)) if is_version(version) => {
                    Self { group: Some(group), version: Some(version), name }
                }
                _ if is_version(rest) => Self { group: Some(""), version: Some(rest), name },
                _ => Self { group: Some(rest), version: None, name },
            },
        }
    }

    /// Whether an object of that group, kind and plural is meant.
    #[must_use]
    pub fn matches(&self, group: &str, kind: &str, plural: &str) -> bool {
        let named = self.name.eq_ignore_ascii_case(kind)
            || self.name.eq_ignore_ascii_case(plural)
            || builtin(group, kind).is_some_and(|builtin| {
                builtin.short.iter().any(|short| short.eq_ignore_ascii_case(self.name))
            });
        named && self.group.is_none_or(|wanted| current_group(wanted, kind) == group)
    }

    /// The kind that Kubernetes ships under the name.
    #[must_use]
    pub fn builtin(&self) -> Option<&'static Builtin> {
        match self.group {
            None => by_name(self.name),
            Some(_) => {
                BUILTINS.iter().find(|builtin| self.matches(builtin.group, builtin.kind, builtin.plural))
            }
        }
    }
}

/// `v1`, `v2beta1`.
fn is_version(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('v') else { return false };
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    digits.len() < rest.len()
        && (digits.is_empty() || digits.starts_with("alpha") || digits.starts_with("beta"))
}

/// The plural that a kind most likely has in URLs.
#[must_use]
pub fn plural(group: &str, kind: &str) -> String {
    if let Some(builtin) = builtin(group, kind) {
        return builtin.plural.to_owned();
    }
    let lower = kind.to_ascii_lowercase();
    if lower.ends_with("ss") || lower.ends_with('x') || lower.ends_with("ch") || lower.ends_with("sh") {
        return lower + "es";
    }
    if let Some(stem) = lower.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'i', 'o', 'u'])
    {
        return format!("{stem}ies");
    }
    if lower.ends_with('s') { lower } else { lower + "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &str, expect: &str) {
        let found = KindName::parse(input)
            .builtin()
            .map_or("none".to_owned(), |builtin| format!("{}/{}", builtin.api_version(), builtin.kind));
        assert_eq!(found, expect, "{input}");
    }

    #[test]
    fn names_that_users_type() {
        check("Pod", "v1/Pod");
        check("pods", "v1/Pod");
        check("po", "v1/Pod");
        check("POD", "v1/Pod");
        check("v1/Pod", "v1/Pod");
        check("deployments.apps", "apps/v1/Deployment");
        check("deployments.v1.apps", "apps/v1/Deployment");
        check("apps/v1/Deployment", "apps/v1/Deployment");
        check("extensions/v1beta1/Deployment", "apps/v1/Deployment");
        check("extensions/v1beta1/Ingress", "networking.k8s.io/v1/Ingress");
        check("ev", "v1/Event");
        check("events.events.k8s.io", "events.k8s.io/v1/Event");
        check("autoscaling/v1/HorizontalPodAutoscaler", "autoscaling/v2/HorizontalPodAutoscaler");
        check("netpol", "networking.k8s.io/v1/NetworkPolicy");
        check("nodes.config.openshift.io", "none");
        check("widgets", "none");
        check("", "none");
    }

    #[test]
    fn plurals() {
        for (kind, expect) in
            [("Widget", "widgets"), ("Policy", "policies"), ("Gateway", "gateways"), ("Mesh", "meshes")]
        {
            assert_eq!(plural("example.com", kind), expect);
        }
    }

    #[test]
    fn no_two_kinds_of_one_group_share_a_name() {
        for (at, one) in BUILTINS.iter().enumerate() {
            for other in &BUILTINS[at + 1..] {
                assert!(one.group != other.group || one.kind != other.kind, "{one:?}");
            }
        }
    }
}
