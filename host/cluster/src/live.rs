//! A live cluster through kube: [`LiveCluster`] reads, [`LiveWriter`] changes.
//!
//! It may know the network and the files of a kubeconfig, and nothing else of
//! the machine: arguments, environment and clock are the caller's. Every
//! request has bounds on its time and size, and a reader can send GETs alone;
//! every path is made from what the server says it serves; what comes back is
//! redacted before it leaves. No credential stands in an error, in a log or in
//! `Debug`.

mod connect;
mod discovery;
mod events;
mod exchange;
mod failure;
mod list;
mod logs;
mod path;
mod place;
mod proxy;
mod settings;
mod shape;
mod status;
mod token;
mod transport;
mod words;
mod write;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
};

use async_trait::async_trait;
use futures::future::join_all;
use serde::Deserialize;
use sickbay_core::{
    cluster::{ClusterInfo, KindInfo, ListQuery, Log, LogQuery, Page, Source},
    error::{CallError, ErrorKind},
    object::ObjectRef,
};
use tokio::sync::OnceCell;

use self::{
    discovery::{ACCEPT_GROUPS, Groups, Resource, Served, read_groups, read_resources},
    list::{Lister, not_kubernetes, unknown},
    path::RequestPath,
    shape::Shape,
    status::{Attempt, Refusal},
    transport::{Keep, Transport},
    words::{did_you_mean, plain},
};
pub use self::{
    settings::{Clock, InCluster, LiveLimits, LiveSettings, LiveTimeouts},
    write::{LiveWriter, connect_writer},
};
use crate::{Cluster, kinds::split, tree::Tree};

/// A connection to one API server. Can only read.
pub struct LiveCluster {
    transport: Transport,
    clock: Clock,
    fallback_namespaces: Vec<String>,
    served: OnceCell<Served>,
    version: OnceCell<Option<String>>,
    spent: AtomicU64,
}

/// Reads the kubeconfig, or the service account of the pod, and gets its
/// credentials ready. The API server is not asked yet: [`Cluster::info`] is
/// the call that tells whether it can be reached.
///
/// # Errors
/// Where there is no kubeconfig, no such context, or no credentials.
pub async fn connect(settings: LiveSettings) -> Result<LiveCluster, CallError> {
    let settings = Arc::new(settings);
    let connected = connect::client(&settings).await?;
    let mut fallback_namespaces = settings.fallback_namespaces.clone();
    if fallback_namespaces.is_empty() {
        fallback_namespaces.extend(connected.place.namespace.clone());
    }
    Ok(LiveCluster {
        transport: Transport::new(
            connected.client,
            connected.place,
            settings.timeouts.clone(),
            settings.limits.clone(),
        ),
        clock: Arc::clone(&settings.clock),
        fallback_namespaces,
        served: OnceCell::new(),
        version: OnceCell::new(),
        spent: AtomicU64::new(0),
    })
}

impl fmt::Debug for LiveCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveCluster").field("place", &self.transport.place).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

impl LiveCluster {
    /// Where it is, for people: ``context `prod` at https://10.0.0.1:6443``.
    #[must_use]
    pub fn place(&self) -> String {
        self.transport.place.to_string()
    }

    /// The context's own namespace, where the kubeconfig names one.
    #[must_use]
    pub fn context_namespace(&self) -> Option<&str> {
        self.transport.place.namespace.as_deref()
    }

    /// API groups that did not answer: `metrics.k8s.io/v1beta1`.
    ///
    /// # Errors
    /// Where the server does not tell what it serves.
    pub async fn silent_groups(&self) -> Result<Vec<String>, CallError> {
        Ok(self.served().await?.silent.clone())
    }

    /// Whether the namespaces exist, as a list of one that does not is empty and
    /// would look like good health. What may not be asked counts as there.
    ///
    /// # Errors
    /// `not-found` for the first that does not exist, with the nearest name.
    pub async fn check_namespaces(&self, names: &[String]) -> Result<(), CallError> {
        let resource = Self::core(self.served().await?, "namespaces")?;
        for name in names {
            let attempt = Attempt { verb: "get", resource: "namespaces", namespace: None, name: Some(name) };
            let path = RequestPath::collection(resource, None)?.then("namespace", name)?;
            match self.transport.get(&path, &attempt).await {
                Err(refusal) if refusal.status == 404 => return Err(self.no_namespace(resource, name).await),
                Err(refusal) if refusal.status != 403 => return Err(refusal.error),
                _ => {}
            }
        }
        Ok(())
    }

    async fn no_namespace(&self, resource: &Resource, name: &str) -> CallError {
        let query = ListQuery { kind: "namespaces".to_owned(), ..ListQuery::default() };
        let known: Vec<String> = match self.lister().page(resource, &query).await {
            Ok(page) => page.objects.iter().filter_map(|object| name_of(object)).collect(),
            Err(_) => Vec::new(),
        };
        let error = CallError::new(
            ErrorKind::NotFound,
            "namespace-not-found",
            format!("the cluster has no namespace `{}`", plain(name)),
        );
        if known.is_empty() {
            error
        } else {
            error.with_hint(did_you_mean(name, known.iter().map(String::as_str)))
        }
    }

    /// The kind of an object as the server serves it, and the namespace that it is in.
    async fn resource_of<'a>(
        &'a self,
        object: &'a ObjectRef,
    ) -> Result<(&'a Resource, Option<&'a str>), CallError> {
        let served = self.served().await?;
        let (group, version) = split(&object.api_version);
        let Some(resource) =
            served.find_in(group, Some(version), &object.kind).filter(|resource| resource.got)
        else {
            let wanted = format!("{}/{}", object.api_version, object.kind);
            if let Some(group) = served.silent_group_of(&wanted) {
                return Err(silent(group));
            }
            return Err(CallError::new(
                ErrorKind::NotFound,
                "kind-not-served",
                format!("the API server does not serve `{}`", plain(&wanted)),
            ));
        };
        match (&object.namespace, resource.namespaced) {
            (Some(namespace), true) => Ok((resource, Some(namespace))),
            (_, false) => Ok((resource, None)),
            (None, true) => Err(CallError::new(
                ErrorKind::InvalidInput,
                "namespace-missing",
                format!("a `{}` belongs to a namespace, and none is named", plain(&object.kind)),
            )),
        }
    }

    fn lister(&self) -> Lister<'_> {
        Lister { transport: &self.transport, spent: &self.spent, fallback: &self.fallback_namespaces }
    }

    async fn served(&self) -> Result<&Served, CallError> {
        self.served.get_or_try_init(|| self.discover()).await
    }

    async fn discover(&self) -> Result<Served, CallError> {
        let (core, groups) = futures::future::join(self.groups("/api"), self.groups("/apis")).await;
        let mut served = Served::default();
        let mut versions = Vec::new();
        for found in [core?, groups?] {
            match found {
                Groups::Whole(found) => served.merge(found),
                Groups::Versions(found) => versions.extend(found),
            }
        }
        // Each within the bound on requests in flight.
        let answers = join_all(versions.iter().map(|version| self.resources(version))).await;
        for (version, answer) in versions.iter().zip(answers) {
            match answer {
                Ok(resources) => served.add(resources),
                // Without the core group nothing can be said at all.
                Err(refusal) if !version.contains('/') => return Err(refusal.error),
                Err(refusal) => {
                    tracing::debug!(group = %plain(version), status = refusal.status, "an API group does not answer");
                    served.silent.push(version.clone());
                }
            }
        }
        Ok(served)
    }

    async fn groups(&self, path: &str) -> Result<Groups, CallError> {
        let attempt = Attempt { verb: "get", resource: "the list of API groups", ..Attempt::default() };
        let keep = Keep::All(self.transport.limits.response_bytes);
        let received = self.transport.fetch(&RequestPath::fixed(path), &attempt, ACCEPT_GROUPS, keep).await?;
        read_groups(&received.bytes).map_err(|_| not_kubernetes(path))
    }

    async fn resources(&self, group_version: &str) -> Result<Vec<Resource>, Box<Refusal>> {
        let (group, version) = split(group_version);
        let path = if group.is_empty() {
            RequestPath::fixed("/api").then("version", version)?
        } else {
            RequestPath::fixed("/apis").then("group", group)?.then("version", version)?
        };
        let attempt = Attempt { verb: "get", resource: group_version, ..Attempt::default() };
        let body = self.transport.get(&path, &attempt).await?;
        read_resources(group_version, &body).map_err(|_| not_kubernetes(group_version).into())
    }

    /// By the server's clock, to the second, where it tells.
    fn now(&self) -> jiff::Timestamp {
        let now = self.transport.server_time().unwrap_or_else(|| (self.clock)());
        jiff::Timestamp::from_millisecond(now).unwrap_or_default()
    }

    async fn version(&self) -> Result<Option<String>, CallError> {
        let attempt = Attempt { verb: "get", resource: "the version", ..Attempt::default() };
        match self.transport.get(&RequestPath::fixed("/version"), &attempt).await {
            Ok(body) => {
                Ok(serde_json::from_slice::<Version>(&body).ok().map(|version| plain(&version.git_version)))
            }
            // Nobody needs the version, but everybody needs to get in.
            Err(refusal) if matches!(refusal.status, 403 | 404) => Ok(None),
            Err(refusal) => Err(refusal.error),
        }
    }

    /// A kind of the core group, which every server has.
    fn core<'a>(served: &'a Served, name: &str) -> Result<&'a Resource, CallError> {
        served.find_in("", Some("v1"), name).ok_or_else(|| not_kubernetes(name))
    }
}

#[async_trait]
impl Cluster for LiveCluster {
    async fn info(&self) -> Result<ClusterInfo, CallError> {
        let version = self.version.get_or_try_init(|| self.version()).await?.clone();
        let observed_at = self.now().to_string();
        // The playground says so in its version, as other distributions do.
        let source = match &version {
            Some(version) if version.ends_with("+sickbay-playground") => Source::Playground,
            _ => Source::Live,
        };
        Ok(ClusterInfo { source, version, namespaces: Vec::new(), observed_at })
    }

    async fn kinds(&self) -> Result<Vec<KindInfo>, CallError> {
        Ok(self.served().await?.kinds())
    }

    async fn list(&self, query: &ListQuery) -> Result<Page, CallError> {
        let served = self.served().await?;
        let Some(resource) = served.find(&query.kind).filter(|resource| resource.listed) else {
            return match served.silent_group_of(&query.kind) {
                Some(group) => Err(silent(group)),
                None => Ok(unknown()),
            };
        };
        self.lister().page(resource, query).await
    }

    async fn get(&self, object: &ObjectRef) -> Result<String, CallError> {
        let (resource, namespace) = self.resource_of(object).await?;
        let name = resource.full_name();
        let attempt = Attempt { verb: "get", resource: &name, namespace, name: Some(&object.name) };
        let path = RequestPath::collection(resource, namespace)?.then("name", &object.name)?;
        let body = self.transport.get(&path, &attempt).await?;
        let text = std::str::from_utf8(&body).map_err(|_| not_kubernetes(&name))?;
        Shape::new(resource, &[])?.apply(text)
    }

    async fn logs(&self, query: &LogQuery) -> Result<Log, CallError> {
        let pods = Self::core(self.served().await?, "pods")?;
        logs::logs(&self.transport, pods, query).await
    }

    async fn events(&self, object: &ObjectRef) -> Result<Page, CallError> {
        let resource = Self::core(self.served().await?, "events")?;
        events::events(&self.transport, resource, object).await
    }
}

fn name_of(object: &str) -> Option<String> {
    Tree::parse(object).ok()?.text(&["metadata", "name"]).map(str::to_owned)
}

fn silent(group: &str) -> CallError {
    CallError::new(
        ErrorKind::Unavailable,
        "api-group-silent",
        format!("the API group `{}` does not answer", plain(group)),
    )
    .with_hint("the server behind it is down; look at `kubectl get apiservices`")
}
