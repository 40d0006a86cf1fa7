//! What a URL means.

use crate::kinds::{self, Kind};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Version,
    Health,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/apps`
    Group(String),
    /// `/api/v1`, `/apis/apps/v1`: group and version.
    Resources(String, String),
    OpenApiV2,
    /// All documents, or the one of a group and version.
    OpenApiV3(Option<String>),
    /// A question that is answered and not kept: group and plural.
    Review(String, String),
    Resource(ResourcePath),
    /// A group or version that is served has no such resource.
    NoResource,
    /// Nothing at all.
    Unknown,
    Root,
}

/// A collection, an object or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) kind: &'static Kind,
    /// None for all namespaces and for cluster-wide kinds.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

/// Groups that only answer questions, with what they answer.
pub(crate) const REVIEWS: &[(&str, &str, &str)] = &[
    ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    ("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview"),
    ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
];

pub(crate) fn route(path: &str) -> Route {
    let words: Vec<String> = path.split('/').filter(|word| !word.is_empty()).map(decode).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Route::Root,
        ["version"] => Route::Version,
        ["healthz" | "readyz" | "livez", ..] => Route::Health,
        ["api"] => Route::CoreVersions,
        ["apis"] => Route::Groups,
        ["openapi", "v2"] => Route::OpenApiV2,
        ["openapi", "v3"] => Route::OpenApiV3(None),
        ["openapi", "v3", rest @ ..] => Route::OpenApiV3(Some(rest.join("/"))),
        ["api", version, rest @ ..] => within("", version, rest),
        ["apis", group] if is_group(group) => Route::Group((*group).to_owned()),
        ["apis", group, version, rest @ ..] => within(group, version, rest),
        _ => Route::Unknown,
    }
}

fn is_group(group: &str) -> bool {
    kinds::KINDS.iter().any(|kind| kind.group == group && !group.is_empty())
        || REVIEWS.iter().any(|(one, ..)| *one == group)
}

fn is_served(group: &str, version: &str) -> bool {
    kinds::KINDS.iter().any(|kind| kind.group == group && kind.version == version)
        || (version == "v1" && REVIEWS.iter().any(|(one, ..)| *one == group))
}

fn within(group: &str, version: &str, rest: &[&str]) -> Route {
    if !is_served(group, version) {
        return Route::Unknown;
    }
    if let [plural] = rest
        && let Some((group, plural, _)) =
            REVIEWS.iter().find(|(one, other, _)| *one == group && other == plural)
    {
        return Route::Review((*group).to_owned(), (*plural).to_owned());
    }
    let find = |plural: &str| kinds::by_path(group, version, plural);
    let owned = |text: &&str| (*text).to_owned();
    let (namespace, plural, rest) = match rest {
        [] => return Route::Resources(group.to_owned(), version.to_owned()),
        // A binding is a pod's subresource and has this older address too.
        ["namespaces", namespace, "bindings"] if group.is_empty() => {
            let Some(kind) = find("pods") else { return Route::NoResource };
            return Route::Resource(ResourcePath {
                kind,
                namespace: Some((*namespace).to_owned()),
                name: None,
                subresource: Some("binding".to_owned()),
            });
        }
        ["namespaces", name, "status" | "finalize"] => {
            let Some(kind) = find("namespaces") else { return Route::NoResource };
            return Route::Resource(ResourcePath {
                kind,
                namespace: None,
                name: Some((*name).to_owned()),
                subresource: rest.last().map(owned),
            });
        }
        ["namespaces", namespace, plural, rest @ ..] => (Some((*namespace).to_owned()), *plural, rest),
        [plural, rest @ ..] => (None, *plural, rest),
    };
    let Some(kind) = find(plural) else { return Route::NoResource };
    let (name, subresource) = match rest {
        [] => (None, None),
        [name] => (Some(owned(name)), None),
        [name, sub] => (Some(owned(name)), Some(owned(sub))),
        _ => return Route::NoResource,
    };
    // A name needs its namespace, and a cluster-wide kind is in none.
    let fits = if kind.namespaced() { name.is_none() || namespace.is_some() } else { namespace.is_none() };
    if !fits {
        return Route::NoResource;
    }
    Route::Resource(ResourcePath { kind, namespace, name, subresource })
}

/// Undoes percent signs; what is no UTF-8 then is replaced.
pub(crate) fn decode(text: impl AsRef<str>) -> String {
    let bytes = text.as_ref().as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The words of a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key.replace('+', " ")), decode(value.replace('+', " ")))
        });
        Self(pairs.collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(one, _)| one == key).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self, key: &str) -> &str {
        self.get(key).unwrap_or("")
    }

    /// Present and not denied: `watch`, `watch=1`, `watch=true`.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !matches!(value, "0" | "false" | "False"))
    }

    pub(crate) fn number(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(|value| value.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expect: &str) {
        let found = match route(path) {
            Route::Resource(at) => format!(
                "{} {} {} {}",
                at.kind.id,
                at.namespace.as_deref().unwrap_or("-"),
                at.name.as_deref().unwrap_or("-"),
                at.subresource.as_deref().unwrap_or("-")
            ),
            other => format!("{other:?}"),
        };
        assert_eq!(found, expect, "{path}");
    }

    #[test]
    fn routes() {
        check("/version", "Version");
        check("/readyz/ping", "Health");
        check("/api/v1", "Resources(\"\", \"v1\")");
        check("/apis/apps", "Group(\"apps\")");
        check("/apis/apps/v1/", "Resources(\"apps\", \"v1\")");
        check("/apis/apps/v2", "Unknown");
        check("/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", "Unknown");
        check("/apis/apps/v1/namespaces/shop/nopes", "NoResource");
        check("/api/v1/namespaces", "v1/Namespace - - -");
        check("/api/v1/namespaces/shop", "v1/Namespace - shop -");
        check("/api/v1/namespaces/shop/status", "v1/Namespace - shop status");
        check("/api/v1/namespaces/shop/pods", "v1/Pod shop - -");
        check("/api/v1/pods", "v1/Pod - - -");
        check("/api/v1/pods/lost", "NoResource");
        check("/api/v1/namespaces/shop/nodes", "NoResource");
        check("/api/v1/namespaces/shop/pods/a%2Db/log", "v1/Pod shop a-b log");
        check(
            "/apis/autoscaling/v1/horizontalpodautoscalers",
            "autoscaling/v1/HorizontalPodAutoscaler - - -",
        );
        check(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            "Review(\"authorization.k8s.io\", \"selfsubjectaccessreviews\")",
        );
        check("/favicon.ico", "Unknown");
    }

    #[test]
    fn queries() {
        let query = Query::parse("labelSelector=a%3Db%2Cc&watch=1&limit=5&dry+run=x&bad=%zz&flag");
        assert_eq!(query.get("labelSelector"), Some("a=b,c"));
        assert!(query.is_set("watch") && query.is_set("flag") && !query.is_set("gone"));
        assert_eq!(query.number("limit"), Some(5));
        assert_eq!(query.get("dry run"), Some("x"));
        assert_eq!(query.get("bad"), Some("%zz"));
    }
}
