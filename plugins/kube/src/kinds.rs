//! Names of kinds: what kubectl's users type, and which kind is meant by it.
//!
//! Kinds whose group and version every cluster has are known here, so that the
//! common question costs no other one. For the rest the cluster is asked what
//! it serves: old servers lack some, and custom resources are anybody's.

use sickbay_plugin::{
    cluster::KindInfo,
    text::{did_you_mean, line},
    tool::ObjectRef,
};

use crate::{look::Look, output::Stop};

/// A kind as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub api_version: String,
    pub kind: String,
    pub namespaced: bool,
}

impl Kind {
    /// `apps/v1/Deployment`.
    pub(crate) fn full(&self) -> String {
        format!("{}/{}", self.api_version, self.kind)
    }

    pub(crate) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    pub(crate) fn object(&self, namespace: Option<&str>, name: &str) -> ObjectRef {
        ObjectRef {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            namespace: namespace.filter(|_| self.namespaced).map(str::to_owned),
            name: name.to_owned(),
        }
    }
}

/// Group and version, kind, plural, whether in a namespace: kinds that every server of the last years has in this version.
const STABLE: &[(&str, &str, &str, bool)] = &[
    ("v1", "Pod", "pods", true),
    ("v1", "Service", "services", true),
    ("v1", "Node", "nodes", false),
    ("v1", "Namespace", "namespaces", false),
    ("v1", "ConfigMap", "configmaps", true),
    ("v1", "Secret", "secrets", true),
    ("v1", "Event", "events", true),
    ("v1", "ServiceAccount", "serviceaccounts", true),
    ("v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("v1", "PersistentVolume", "persistentvolumes", false),
    ("v1", "Endpoints", "endpoints", true),
    ("v1", "ResourceQuota", "resourcequotas", true),
    ("v1", "LimitRange", "limitranges", true),
    ("v1", "ReplicationController", "replicationcontrollers", true),
    ("apps/v1", "Deployment", "deployments", true),
    ("apps/v1", "ReplicaSet", "replicasets", true),
    ("apps/v1", "StatefulSet", "statefulsets", true),
    ("apps/v1", "DaemonSet", "daemonsets", true),
    ("apps/v1", "ControllerRevision", "controllerrevisions", true),
    ("batch/v1", "Job", "jobs", true),
    ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", true),
    ("storage.k8s.io/v1", "StorageClass", "storageclasses", false),
    ("rbac.authorization.k8s.io/v1", "Role", "roles", true),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings", true),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", false),
];

/// kubectl's short names.
const SHORT: &[(&str, &str)] = &[
    ("po", "Pod"),
    ("svc", "Service"),
    ("no", "Node"),
    ("ns", "Namespace"),
    ("cm", "ConfigMap"),
    ("ev", "Event"),
    ("sa", "ServiceAccount"),
    ("pvc", "PersistentVolumeClaim"),
    ("pv", "PersistentVolume"),
    ("ep", "Endpoints"),
    ("quota", "ResourceQuota"),
    ("limits", "LimitRange"),
    ("rc", "ReplicationController"),
    ("deploy", "Deployment"),
    ("rs", "ReplicaSet"),
    ("sts", "StatefulSet"),
    ("ds", "DaemonSet"),
    ("netpol", "NetworkPolicy"),
    ("sc", "StorageClass"),
    ("cj", "CronJob"),
    ("hpa", "HorizontalPodAutoscaler"),
    ("pdb", "PodDisruptionBudget"),
    ("ing", "Ingress"),
    ("crd", "CustomResourceDefinition"),
    ("crds", "CustomResourceDefinition"),
    ("csr", "CertificateSigningRequest"),
    ("pc", "PriorityClass"),
    ("vpa", "VerticalPodAutoscaler"),
    ("vs", "VolumeSnapshot"),
    ("gtw", "Gateway"),
];

/// A stable kind by its name in manifests. Only for kinds of the list above.
pub(crate) fn stable(kind: &str) -> Kind {
    let found = STABLE.iter().find(|(_, name, _, _)| *name == kind);
    let (api_version, namespaced) =
        found.map_or(("v1", true), |(version, _, _, namespaced)| (*version, *namespaced));
    Kind { api_version: api_version.to_owned(), kind: kind.to_owned(), namespaced }
}

/// What a user's text names: `Pod`, `pods`, `po`, `deployments.apps`, `deployments.v1.apps`, `apps/v1/Deployment`.
struct Named<'t> {
    group: Option<&'t str>,
    version: Option<&'t str>,
    name: &'t str,
}

impl<'t> Named<'t> {
    fn parse(text: &'t str) -> Self {
        if let Some((api_version, name)) = text.rsplit_once('/') {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            return Self { group: Some(group), version: Some(version), name };
        }
        let Some((name, rest)) = text.split_once('.') else {
            return Self { group: None, version: None, name: text };
        };
        let is_version = |text: &str| {
            text.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        };
        match rest.split_once('.') {
            Some((version, group)) if is_version(version) => {
                Self { group: Some(group), version: Some(version), name }
            }
            _ => Self { group: Some(rest), version: None, name },
        }
    }

    /// Whether the kind is meant. `pod` for `Pod` is its singular.
    fn means(&self, api_version: &str, kind: &str, plural: &str) -> bool {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let short =
            SHORT.iter().find(|(short, _)| short.eq_ignore_ascii_case(self.name)).map(|(_, kind)| *kind);
        let named = self.name.eq_ignore_ascii_case(kind)
            || self.name.eq_ignore_ascii_case(plural)
            || short == Some(kind);
        named
            && self.group.is_none_or(|wanted| wanted == group)
            && self.version.is_none_or(|wanted| wanted == version)
    }
}

/// The kind that a text names, or what the cluster has instead.
pub(crate) fn resolve(look: &Look<'_>, text: &str) -> Result<Kind, Stop> {
    let text = text.trim();
    let named = Named::parse(text);
    if let Some((api_version, kind, _, namespaced)) =
        STABLE.iter().find(|(version, kind, plural, _)| named.means(version, kind, plural))
    {
        return Ok(Kind {
            api_version: (*api_version).to_owned(),
            kind: (*kind).to_owned(),
            namespaced: *namespaced,
        });
    }
    let kinds = look.cluster().kinds()?;
    let mut found: Vec<&KindInfo> =
        kinds.iter().filter(|known| named.means(&known.api_version, &known.kind, &known.plural)).collect();
    // The kinds of Kubernetes' own groups go first: few of them have a dot that is not `.k8s.io`.
    found.sort_by_key(|known| {
        let group = known.api_version.split_once('/').map_or("", |(group, _)| group);
        (
            group.contains('.') && !group.ends_with(".k8s.io"),
            known.kind != named.name,
            known.api_version.clone(),
        )
    });
    match found.first() {
        Some(known) => Ok(Kind {
            api_version: known.api_version.clone(),
            kind: known.kind.clone(),
            namespaced: known.namespaced,
        }),
        None => Err(Stop::Told(unknown(look, named.name, text, &kinds))),
    }
}

fn unknown(look: &Look<'_>, name: &str, text: &str, kinds: &[KindInfo]) -> String {
    let shown = line(text, 80);
    let mut message = if look.is_recorded() {
        format!(
            "nothing of a kind `{shown}` was recorded of this cluster, which does not say whether there is such a kind or any of it"
        )
    } else {
        format!("this cluster serves no kind `{shown}`")
    };
    let names = kinds.iter().flat_map(|known| [known.kind.as_str(), known.plural.as_str()]);
    let stable = STABLE.iter().flat_map(|(_, kind, plural, _)| [*kind, *plural]);
    if let Some(near) = did_you_mean(name, names.chain(stable)) {
        message += &format!("; did you mean `{}`?", line(near, 80));
    }
    if !kinds.is_empty() {
        let mut known: Vec<String> = kinds.iter().map(|known| line(&known.kind, 80)).collect();
        known.sort();
        known.dedup();
        let more = known.len().saturating_sub(40);
        known.truncate(40);
        let more = if more > 0 { format!(" and {more} more: ask `api_resources`") } else { String::new() };
        message += &format!("\nkinds that are known: {}{more}", known.join(", "));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeCluster;
    use serde_json::json;

    #[test]
    fn kinds_in_every_form_that_users_type() {
        let cluster = FakeCluster::new()
            .with(json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a", "namespace": "b"}}))
            .with(json!({"apiVersion": "example.com/v2", "kind": "Widget", "metadata": {"name": "a"}}));
        let look = Look::at(&cluster).unwrap();
        for (text, expect) in [
            ("Pod", "v1/Pod"),
            ("pods", "v1/Pod"),
            ("po", "v1/Pod"),
            ("POD", "v1/Pod"),
            ("v1/Pod", "v1/Pod"),
            ("deploy", "apps/v1/Deployment"),
            ("deployments.apps", "apps/v1/Deployment"),
            ("deployments.v1.apps", "apps/v1/Deployment"),
            ("apps/v1/Deployment", "apps/v1/Deployment"),
            ("cj", "batch/v1/CronJob"),
            ("widget", "example.com/v2/Widget"),
            ("widgets.example.com", "example.com/v2/Widget"),
        ] {
            let kind = resolve(&look, text).unwrap_or_else(|_| panic!("{text}"));
            assert_eq!(kind.full(), expect, "{text}");
        }
        let Err(Stop::Told(message)) = resolve(&look, "widgt") else { panic!() };
        assert_eq!(
            message,
            "nothing of a kind `widgt` was recorded of this cluster, which does not say whether there is such a kind or \
             any of it; did you mean `Widget`?\nkinds that are known: CronJob, Widget"
        );
    }
}
