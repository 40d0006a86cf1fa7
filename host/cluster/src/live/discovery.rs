//! Which kinds a server serves, and in which versions. Old servers lack what
//! new ones have (`policy/v1`, CronJobs in `batch/v1`), so every path is made
//! from what the server says, never from what we assume.
//!
//! Both ways of asking are understood: one document for all groups (since
//! Kubernetes 1.26), and one per group and version. A group that does not
//! answer, as an aggregated API without its server, is left out and named.

use serde::Deserialize;
use sickbay_core::cluster::{Coverage, KindInfo};

use crate::kinds::{KindName, by_name, current_group, join};

/// One kind in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) short_names: Vec<String>,
    pub(super) namespaced: bool,
    pub(super) listed: bool,
    pub(super) got: bool,
}

impl Resource {
    #[cfg(test)]
    pub(super) fn named(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        Self {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: kind.to_lowercase(),
            short_names: Vec::new(),
            namespaced: true,
            listed: true,
            got: true,
        }
    }

    pub(super) fn api_version(&self) -> String {
        join(&self.group, &self.version)
    }

    /// `deployments.apps`, as kubectl writes it.
    pub(super) fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    fn answers_to(&self, name: &str) -> bool {
        !name.is_empty() && self.has_name(name)
    }

    fn has_name(&self, name: &str) -> bool {
        self.kind.eq_ignore_ascii_case(name)
            || self.plural.eq_ignore_ascii_case(name)
            || self.singular.eq_ignore_ascii_case(name)
            || self.short_names.iter().any(|short| short.eq_ignore_ascii_case(name))
    }
}

/// All that a server serves, best first: the core group, then the others in the
/// server's order, each group's versions in its order of preference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Served {
    resources: Vec<Resource>,
    /// Groups, or groups with version, that did not answer.
    pub(super) silent: Vec<String>,
}

/// Second views of what another group serves: asked for by their group alone.
const SECOND_VIEWS: [&str; 3] = ["extensions", EVENTS_GROUP, "metrics.k8s.io"];
const EVENTS_GROUP: &str = "events.k8s.io";

impl Served {
    pub(super) fn add(&mut self, found: Vec<Resource>) {
        self.resources.extend(found);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.resources.extend(other.resources);
        self.silent.extend(other.silent);
    }

    /// Under any name that kubectl takes. A version that is not served gives way
    /// to the one that is, and a group that a kind has left to the one where it
    /// lives today: they are views of the same objects.
    pub(super) fn find(&self, wanted: &str) -> Option<&Resource> {
        let name = KindName::parse(wanted);
        match name.group {
            None => self.best(|resource| resource.answers_to(name.name)),
            Some(group) => self.find_in(group, name.version, name.name),
        }
    }

    /// By the words of a manifest.
    pub(super) fn find_in(&self, group: &str, version: Option<&str>, name: &str) -> Option<&Resource> {
        // The same events, which all come in the core group's shape.
        let (group, version) = if group == EVENTS_GROUP { ("", None) } else { (group, version) };
        let of = |group: &str| {
            let fits = |resource: &&Resource| resource.group == group && resource.answers_to(name);
            let all = || self.resources.iter().filter(fits);
            let wanted = version.unwrap_or_default();
            all()
                .find(|resource| resource.version == wanted)
                // `v2beta2` is nearer to `v2` than `v1` is.
                .or_else(|| all().find(|resource| !wanted.is_empty() && resource.version.starts_with(wanted)))
                .or_else(|| all().next())
        };
        of(group).or_else(|| of(current_group(group, by_name(name).map_or(name, |builtin| builtin.kind))))
    }

    fn best(&self, fits: impl Fn(&Resource) -> bool) -> Option<&Resource> {
        let second = |resource: &Resource| SECOND_VIEWS.contains(&resource.group.as_str());
        self.resources
            .iter()
            .find(|resource| !second(resource) && fits(resource))
            .or_else(|| self.resources.iter().find(|resource| second(resource) && fits(resource)))
    }

    /// A silent group that a kind may belong to, where its name says a group.
    pub(super) fn silent_group_of(&self, wanted: &str) -> Option<&str> {
        let group = KindName::parse(wanted).group?;
        self.silent.iter().map(String::as_str).find(|silent| silent.split('/').next() == Some(group))
    }

    /// Each kind once, in its best version, where it can be listed.
    pub(super) fn kinds(&self) -> Vec<KindInfo> {
        let mut seen = std::collections::HashSet::new();
        self.resources
            .iter()
            .filter(|resource| {
                resource.listed
                    && resource.group != EVENTS_GROUP
                    && seen.insert((&resource.group, &resource.plural))
            })
            .map(|resource| KindInfo {
                api_version: resource.api_version(),
                kind: resource.kind.clone(),
                plural: resource.plural.clone(),
                namespaced: resource.namespaced,
                coverage: Coverage::Complete,
            })
            .collect()
    }
}

/// Accepts both ways of telling the groups; the newest first.
pub(super) const ACCEPT_GROUPS: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
     application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// What `/api` or `/apis` answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// Everything at once.
    Whole(Served),
    /// The versions to ask for one by one: `v1`, or `apps/v1`, best first.
    Versions(Vec<String>),
}

#[derive(Deserialize)]
struct AnyGroups {
    /// Anything that says no kind is not from a Kubernetes API server.
    kind: String,
    #[serde(default)]
    items: Vec<AggregatedGroup>,
    #[serde(default)]
    groups: Vec<OldGroup>,
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct AggregatedGroup {
    #[serde(default)]
    metadata: Name,
    #[serde(default)]
    versions: Vec<AggregatedVersion>,
}

#[derive(Default, Deserialize)]
struct Name {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedVersion {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldGroup {
    #[serde(default)]
    preferred_version: Option<OldVersion>,
    #[serde(default)]
    versions: Vec<OldVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldVersion {
    group_version: String,
}

/// Reads the answer to `/api` or `/apis`.
pub(super) fn read_groups(body: &[u8]) -> Result<Groups, serde_json::Error> {
    let any: AnyGroups = serde_json::from_slice(body)?;
    if any.kind == "APIGroupDiscoveryList" {
        return Ok(Groups::Whole(whole(any.items)));
    }
    let mut versions = any.versions;
    for group in any.groups {
        let preferred = group.preferred_version.map(|version| version.group_version);
        versions.extend(preferred.clone());
        versions.extend(
            group
                .versions
                .into_iter()
                .map(|version| version.group_version)
                .filter(|version| Some(version) != preferred.as_ref()),
        );
    }
    Ok(Groups::Versions(versions))
}

fn whole(groups: Vec<AggregatedGroup>) -> Served {
    let mut served = Served::default();
    for group in groups {
        for version in group.versions {
            if version.freshness == "Stale" && version.resources.is_empty() {
                served.silent.push(format!("{}/{}", group.metadata.name, version.version));
            }
            served.resources.extend(version.resources.into_iter().map(|found| Resource {
                group: group.metadata.name.clone(),
                version: version.version.clone(),
                kind: found.response_kind.map(|kind| kind.kind).unwrap_or_default(),
                namespaced: found.scope == "Namespaced",
                listed: found.verbs.iter().any(|verb| verb == "list"),
                got: found.verbs.iter().any(|verb| verb == "get"),
                plural: found.resource,
                singular: found.singular_resource,
                short_names: found.short_names,
            }));
        }
    }
    served
}

#[derive(Deserialize)]
struct ResourceList {
    resources: Vec<OldResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OldResource {
    name: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
}

/// Reads the answer to `/api/v1` or `/apis/GROUP/VERSION`.
pub(super) fn read_resources(group_version: &str, body: &[u8]) -> Result<Vec<Resource>, serde_json::Error> {
    let list: ResourceList = serde_json::from_slice(body)?;
    let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
    Ok(list
        .resources
        .into_iter()
        // `pods/log` is a part of a resource, not one that can be listed.
        .filter(|resource| !resource.name.contains('/'))
        .map(|resource| Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            listed: resource.verbs.iter().any(|verb| verb == "list"),
            got: resource.verbs.iter().any(|verb| verb == "get"),
            kind: resource.kind,
            plural: resource.name,
            singular: resource.singular_name,
            short_names: resource.short_names,
            namespaced: resource.namespaced,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn old_server() -> Served {
        let mut served = Served::default();
        served.add(vec![
            Resource { short_names: vec!["po".into()], ..Resource::named("", "v1", "Pod", "pods") },
            Resource::named("", "v1", "Event", "events"),
            Resource::named("extensions", "v1beta1", "Ingress", "ingresses"),
            Resource::named("apps", "v1", "Deployment", "deployments"),
            Resource::named("events.k8s.io", "v1", "Event", "events"),
            Resource::named("batch", "v1", "Job", "jobs"),
            Resource::named("batch", "v1beta1", "CronJob", "cronjobs"),
            Resource::named("networking.k8s.io", "v1", "Ingress", "ingresses"),
            Resource::named("networking.k8s.io", "v1beta1", "Ingress", "ingresses"),
            Resource::named("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            Resource::named("autoscaling", "v2beta2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
            Resource::named("metrics.k8s.io", "v1beta1", "PodMetrics", "pods"),
            Resource { listed: false, ..Resource::named("authorization.k8s.io", "v1", "Review", "reviews") },
        ]);
        served
    }

    #[test]
    fn kinds_are_found_under_every_name() {
        let served = old_server();
        for (wanted, expect) in [
            ("Pod", "v1 Pod"),
            ("pod", "v1 Pod"),
            ("pods", "v1 Pod"),
            ("po", "v1 Pod"),
            ("v1/Pod", "v1 Pod"),
            ("pods.metrics.k8s.io", "metrics.k8s.io/v1beta1 PodMetrics"),
            ("PodMetrics", "metrics.k8s.io/v1beta1 PodMetrics"),
            ("Event", "v1 Event"),
            ("events.k8s.io/v1/Event", "v1 Event"),
            ("deployments.apps", "apps/v1 Deployment"),
            ("Deployment.v1.apps", "apps/v1 Deployment"),
            ("apps/v1/Deployment", "apps/v1 Deployment"),
            ("extensions/v1beta1/Deployment", "apps/v1 Deployment"),
            ("deployments.v2.apps", "apps/v1 Deployment"),
            ("CronJob", "batch/v1beta1 CronJob"),
            ("batch/v1/CronJob", "batch/v1beta1 CronJob"),
            ("HorizontalPodAutoscaler", "autoscaling/v1 HorizontalPodAutoscaler"),
            ("autoscaling/v2/HorizontalPodAutoscaler", "autoscaling/v2beta2 HorizontalPodAutoscaler"),
            ("autoscaling/v3/HorizontalPodAutoscaler", "autoscaling/v1 HorizontalPodAutoscaler"),
            ("Ingress", "networking.k8s.io/v1 Ingress"),
            ("ingresses.extensions", "extensions/v1beta1 Ingress"),
            ("networking.k8s.io/v1beta1/Ingress", "networking.k8s.io/v1beta1 Ingress"),
        ] {
            let found = served.find(wanted).map(|r| format!("{} {}", r.api_version(), r.kind));
            assert_eq!(found.as_deref(), Some(expect), "{wanted}");
        }
        for absent in ["", "/", "Widget", "v1/Deployment", "a/b/c/d"] {
            assert_eq!(served.find(absent), None, "{absent}");
        }
    }

    #[test]
    fn each_kind_is_told_once_in_its_best_version() {
        let kinds: Vec<_> = old_server()
            .kinds()
            .into_iter()
            .map(|kind| format!("{} {}", kind.api_version, kind.kind))
            .collect();
        assert!(kinds.contains(&"networking.k8s.io/v1 Ingress".to_owned()));
        assert!(!kinds.contains(&"networking.k8s.io/v1beta1 Ingress".to_owned()));
        assert!(!kinds.iter().any(|kind| kind.ends_with("Review")));
    }

    #[test]
    fn the_old_and_the_new_answer_are_read() {
        let old = br#"{"kind":"APIGroupList","groups":[{"name":"batch","versions":[{"groupVersion":"batch/v1beta1"},
            {"groupVersion":"batch/v1"}],"preferredVersion":{"groupVersion":"batch/v1"}}]}"#;
        assert_eq!(
            read_groups(old).unwrap(),
            Groups::Versions(vec!["batch/v1".into(), "batch/v1beta1".into()])
        );
        assert_eq!(
            read_groups(br#"{"kind":"APIVersions","versions":["v1"]}"#).unwrap(),
            Groups::Versions(vec!["v1".into()])
        );
        let new = br#"{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[
            {"metadata":{"name":"apps"},"versions":[{"version":"v1","freshness":"Current","resources":[
              {"resource":"deployments","responseKind":{"group":"apps","version":"v1","kind":"Deployment"},
               "scope":"Namespaced","singularResource":"deployment","verbs":["get","list"],"shortNames":["deploy"],
               "subresources":[{"subresource":"status","responseKind":null,"verbs":["get"]}]}]}]},
            {"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}]}"#;
        let Groups::Whole(served) = read_groups(new).unwrap() else { panic!("the new form was not seen") };
        assert_eq!(served.find("deploy").map(Resource::api_version).as_deref(), Some("apps/v1"));
        assert_eq!(served.silent, ["metrics.k8s.io/v1beta1"]);
        assert_eq!(served.silent_group_of("pods.metrics.k8s.io"), Some("metrics.k8s.io/v1beta1"));
        assert_eq!(
            served.silent_group_of("metrics.k8s.io/v1beta1/PodMetrics"),
            Some("metrics.k8s.io/v1beta1")
        );
        assert_eq!(served.silent_group_of("pods"), None);
    }

    #[test]
    fn parts_of_resources_are_not_resources() {
        let body = br#"{"resources":[{"name":"pods","kind":"Pod","namespaced":true,"verbs":["list"]},
            {"name":"pods/log","kind":"Pod","namespaced":true,"verbs":["get"]}]}"#;
        assert_eq!(read_resources("v1", body).unwrap().len(), 1);
        assert!(read_resources("v1", b"404 page not found").is_err());
    }
}
