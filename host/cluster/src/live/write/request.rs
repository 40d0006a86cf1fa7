//! From a change and the object as it is to the one request that makes it. The
//! mark goes in with the change, and the version that was read goes in as a
//! precondition, so that the server refuses what would hit another state.

use serde_json::{Value, json};
use sickbay_core::{
    change::{MARK_ANNOTATION, Mark},
    digest::Digest,
    error::{CallError, ErrorKind},
    object::ObjectRef,
    remediation::{Change, PatchType, Propagation},
};

use super::{
    LiveWriter,
    admission::{mark_pointer, scale_of},
    content::{digest, text, uid},
    rollout,
    sender::{Outgoing, Verb},
};
use crate::live::path::RequestPath;

/// Set in a template, so that its controller makes new pods.
const RESTART_ANNOTATION: &str = "sickbay.dev/restart";

/// A request, and the digest of what the host itself put into it.
pub(super) struct Made {
    pub(super) outgoing: Outgoing,
    pub(super) body: Option<Digest>,
}

impl LiveWriter {
    /// The request for a change. `live` is the object as it is; there is none
    /// for a `create` alone.
    pub(super) async fn request(
        &self,
        change: &Change,
        object: &ObjectRef,
        live: Option<&Value>,
        mark: &Mark,
    ) -> Result<Made, CallError> {
        let only = |outgoing: Outgoing| Made { outgoing, body: None };
        let gone = || CallError::new(ErrorKind::NotFound, "not-found", format!("there is no `{object}`"));
        match change {
            Change::Create { manifest } => Ok(only(self.create(object, manifest.clone(), mark).await?)),
            Change::Patch { patch_type, subresource, body, .. } => {
                let live = live.ok_or_else(gone)?;
                if subresource.as_deref() == Some("scale") {
                    return Ok(only(self.scale(object, live, scale_of(*patch_type, body)?, mark).await?));
                }
                Ok(only(match (patch_type, body) {
                    (PatchType::Json, Value::Array(operations)) => {
                        self.operations(object, live, operations.clone(), mark).await?
                    }
                    _ => self.document(object, live, *patch_type, body.clone(), mark).await?,
                }))
            }
            Change::Scale { replicas, .. } => {
                Ok(only(self.scale(object, live.ok_or_else(gone)?, *replicas, mark).await?))
            }
            Change::Restart { .. } => {
                if !rollout::is_kept(object) {
                    return Err(CallError::new(
                        ErrorKind::Unsupported,
                        "not-restartable",
                        format!("a `{}` makes no new pods when its template changes", object.kind),
                    )
                    .with_hint("restart the Deployment, StatefulSet or DaemonSet, or delete the pod"));
                }
                let body = json!({"spec": {"template": {"metadata": {"annotations": {RESTART_ANNOTATION: mark.0}}}}});
                let live = live.ok_or_else(gone)?;
                Ok(only(self.document(object, live, PatchType::Strategic, body, mark).await?))
            }
            Change::RolloutUndo { to_revision, .. } => {
                self.undo(object, live.ok_or_else(gone)?, *to_revision, mark).await
            }
            Change::Delete { propagation, grace_period_seconds, .. } => {
                let live = live.ok_or_else(gone)?;
                Ok(only(self.delete(object, live, *propagation, *grace_period_seconds).await?))
            }
            Change::Evict { .. } => Ok(only(self.evict(object, live.ok_or_else(gone)?).await?)),
            Change::HttpRequest { .. } | Change::Instruction { .. } => Err(CallError::new(
                ErrorKind::Unsupported,
                "no-cluster-change",
                "the change changes nothing in the cluster",
            )),
        }
    }

    /// The template of a revision, with the digest of that template.
    pub(super) async fn undo(
        &self,
        object: &ObjectRef,
        live: &Value,
        to_revision: Option<u64>,
        mark: &Mark,
    ) -> Result<Made, CallError> {
        let revisions = rollout::revisions(&self.cluster, object, live).await?;
        let revision = rollout::choose(&revisions, to_revision, object, live)?;
        let operations = rollout::operations(revision, live);
        let outgoing = self.operations(object, live, operations, mark).await?;
        Ok(Made { outgoing, body: Some(digest(&revision.template)) })
    }

    async fn scale(
        &self,
        object: &ObjectRef,
        live: &Value,
        replicas: u32,
        mark: &Mark,
    ) -> Result<Outgoing, CallError> {
        if !live.pointer("/spec/replicas").is_some_and(Value::is_u64) {
            return Err(CallError::new(
                ErrorKind::Unsupported,
                "not-scalable",
                format!("`{object}` has no `spec.replicas`"),
            ));
        }
        let body = json!({"spec": {"replicas": replicas}});
        self.document(object, live, PatchType::Merge, body, mark).await
    }

    /// A merge patch or a strategic one.
    async fn document(
        &self,
        object: &ObjectRef,
        live: &Value,
        patch_type: PatchType,
        mut body: Value,
        mark: &Mark,
    ) -> Result<Outgoing, CallError> {
        body["metadata"]["annotations"][MARK_ANNOTATION] = json!(mark.0);
        body["metadata"]["resourceVersion"] = json!(version(live));
        self.to_object(object, Verb::Patch(patch_type), body).await
    }

    /// A JSON patch.
    pub(super) async fn operations(
        &self,
        object: &ObjectRef,
        live: &Value,
        operations: Vec<Value>,
        mark: &Mark,
    ) -> Result<Outgoing, CallError> {
        let mut all =
            vec![json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version(live)})];
        let touches = |map: &str| {
            operations.iter().any(|operation| {
                operation["path"].as_str().is_some_and(|path| path.starts_with(&format!("{map}/")))
            })
        };
        // Where there are no annotations at all, none can be added to them.
        for map in ["/metadata/labels", "/metadata/annotations"] {
            let needed = map == "/metadata/annotations" || touches(map);
            if needed && !live.pointer(map).is_some_and(Value::is_object) {
                all.push(json!({"op": "add", "path": map, "value": {}}));
            }
        }
        all.extend(operations);
        all.push(json!({"op": "add", "path": mark_pointer(), "value": mark.0}));
        self.to_object(object, Verb::Patch(PatchType::Json), Value::Array(all)).await
    }

    pub(super) async fn create(
        &self,
        object: &ObjectRef,
        mut manifest: Value,
        mark: &Mark,
    ) -> Result<Outgoing, CallError> {
        manifest["metadata"]["annotations"][MARK_ANNOTATION] = json!(mark.0);
        let (resource, namespace) = self.cluster.resource_of(object).await?;
        Ok(Outgoing {
            verb: Verb::Create,
            path: RequestPath::collection(resource, namespace)?,
            body: manifest,
            resource: resource.full_name(),
            namespace: namespace.map(str::to_owned),
            name: object.name.clone(),
        })
    }

    pub(super) async fn delete(
        &self,
        object: &ObjectRef,
        live: &Value,
        propagation: Propagation,
        grace_period_seconds: Option<u32>,
    ) -> Result<Outgoing, CallError> {
        let policy = match propagation {
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
            Propagation::Orphan => "Orphan",
        };
        let mut body = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": policy,
            "preconditions": {"uid": uid(live)},
        });
        if let Some(seconds) = grace_period_seconds {
            body["gracePeriodSeconds"] = json!(seconds);
        }
        self.to_object(object, Verb::Delete, body).await
    }

    async fn evict(&self, object: &ObjectRef, live: &Value) -> Result<Outgoing, CallError> {
        let (resource, namespace) = self.cluster.resource_of(object).await?;
        if !resource.group.is_empty() || resource.kind != "Pod" {
            return Err(CallError::new(
                ErrorKind::InvalidInput,
                "not-a-pod",
                format!("`{object}` is no pod, and only pods can be evicted"),
            ));
        }
        // Servers that have the new group take the new eviction, but for one
        // release that took the old one alone; all that have the old take that.
        let served = self.cluster.served().await?;
        let is_old = served
            .find_in("policy", Some("v1beta1"), "PodDisruptionBudget")
            .is_some_and(|found| found.version == "v1beta1");
        Ok(Outgoing {
            verb: Verb::Create,
            path: RequestPath::collection(resource, namespace)?
                .then("name", &object.name)?
                .then("part", "eviction")?,
            body: json!({
                "apiVersion": if is_old { "policy/v1beta1" } else { "policy/v1" },
                "kind": "Eviction",
                "metadata": {"name": object.name, "namespace": namespace},
                "deleteOptions": {"preconditions": {"uid": uid(live)}},
            }),
            resource: "pods/eviction".to_owned(),
            namespace: namespace.map(str::to_owned),
            name: object.name.clone(),
        })
    }

    async fn to_object(&self, object: &ObjectRef, verb: Verb, body: Value) -> Result<Outgoing, CallError> {
        let (resource, namespace) = self.cluster.resource_of(object).await?;
        Ok(Outgoing {
            verb,
            path: RequestPath::collection(resource, namespace)?.then("name", &object.name)?,
            body,
            resource: resource.full_name(),
            namespace: namespace.map(str::to_owned),
            name: object.name.clone(),
        })
    }
}

fn version(live: &Value) -> &str {
    text(live, "/metadata/resourceVersion").unwrap_or_default()
}
