//! Objects as they were observed, and the way to observe them.

use serde_json::Value;
use sickbay_plugin::remediation::{Error, ErrorKind, Evidence, ObjectRef};

use crate::{
    cluster::{Cluster, Coverage, ListQuery},
    json, kinds,
    refusal::{self, not_found},
};

/// Pages of one list that are read at most: 10,000 objects are enough for
/// anything that one action is about.
const MOST_PAGES: usize = 20;

/// One object with the id of its observation.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub reference: ObjectRef,
    pub observation: String,
    pub value: Value,
}

impl Seen {
    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        json::text(&self.value, pointer)
    }

    pub(crate) fn integer(&self, pointer: &str) -> Option<i64> {
        json::integer(&self.value, pointer)
    }

    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        json::list(&self.value, pointer)
    }

    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }

    /// Whether it is on its way out.
    pub(crate) fn is_leaving(&self) -> bool {
        self.text("/metadata/deletionTimestamp").is_some()
    }

    /// The controller that made it and keeps it.
    pub(crate) fn controller(&self) -> Option<ObjectRef> {
        let owner = self
            .list("/metadata/ownerReferences")
            .iter()
            .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
        Some(ObjectRef {
            api_version: json::text(owner, "/apiVersion")?.to_owned(),
            kind: json::text(owner, "/kind")?.to_owned(),
            namespace: self
                .reference
                .namespace
                .clone()
                .filter(|_| json::text(owner, "/kind") != Some("Node")),
            name: json::text(owner, "/name")?.to_owned(),
        })
    }

    /// Evidence for what stands at the pointer; none where nothing does, and
    /// none for more than a few lines, which nobody would compare.
    pub(crate) fn evidence(&self, pointer: &str) -> Option<Evidence> {
        let value = self.at(pointer)?.to_string();
        (value.len() <= 2_000).then(|| Evidence {
            observation: self.observation.clone(),
            object: Some(self.reference.clone()),
            pointer: pointer.to_owned(),
            value,
        })
    }
}

/// What a list gave.
pub(crate) struct Listed {
    pub objects: Vec<Seen>,
    /// Whether what is not in it does not exist.
    pub is_complete: bool,
}

/// The way to read.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    cluster: &'a dyn Cluster,
}

impl<'a> Look<'a> {
    pub(crate) fn at(cluster: &'a dyn Cluster) -> Self {
        Self { cluster }
    }

    /// The object, where it is there.
    pub(crate) fn find(&self, object: &ObjectRef) -> Result<Option<Seen>, Error> {
        match self.cluster.get(object) {
            Ok(observed) => Ok(Some(Seen {
                reference: object.clone(),
                observation: observed.observation,
                value: serde_json::from_str(&observed.object).unwrap_or(Value::Null),
            })),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The object, which has to be there.
    pub(crate) fn get(&self, object: &ObjectRef) -> Result<Seen, Error> {
        self.find(object)?.ok_or_else(|| not_found(format!("there is no {}", refusal::name(object))))
    }

    /// Every object of a kind in a namespace (none: wherever the run may look).
    pub(crate) fn list(
        &self,
        kind: &str,
        namespace: Option<&str>,
        label_selector: Option<String>,
        fields: &[&str],
    ) -> Result<Listed, Error> {
        let mut query = ListQuery {
            kind: kinds::word(kind).to_owned(),
            namespaces: namespace.map(str::to_owned).into_iter().collect(),
            label_selector,
            field_selector: None,
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            limit: 0,
            continue_: None,
        };
        let mut listed = Listed { objects: Vec::new(), is_complete: true };
        for _ in 0..MOST_PAGES {
            let page = self.cluster.list(&query)?;
            listed.is_complete &= page.coverage == Coverage::Complete;
            for text in &page.objects {
                let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
                if let Some(reference) = reference(&value, kind) {
                    listed.objects.push(Seen { reference, observation: page.observation.clone(), value });
                }
            }
            if page.continue_.is_none() {
                return Ok(listed);
            }
            query.continue_ = page.continue_;
        }
        listed.is_complete = false;
        Ok(listed)
    }

    /// The owner at the end of the chain of controllers, whether or not it can
    /// be read; the object itself where nobody owns it.
    pub(crate) fn top_owner(&self, seen: &Seen) -> ObjectRef {
        let (top, unread) = self.climb(seen);
        unread.unwrap_or(top)
    }

    /// The last owner in the chain that could be read; none where that is the
    /// object itself.
    pub(crate) fn observed_owner(&self, seen: &Seen) -> Option<ObjectRef> {
        let (top, _) = self.climb(seen);
        (top != seen.reference).then_some(top)
    }

    fn climb(&self, seen: &Seen) -> (ObjectRef, Option<ObjectRef>) {
        let mut top = seen.clone();
        // A pod, its ReplicaSet or Job, its Deployment or CronJob, an operator's own.
        for _ in 0..3 {
            let Some(owner) = top.controller() else { break };
            if !kinds::OWNERS.contains(&kinds::of(&owner).as_str()) {
                break;
            }
            match self.find(&owner) {
                Ok(Some(found)) => top = found,
                _ => return (top.reference, Some(owner)),
            }
        }
        (top.reference, None)
    }
}

fn reference(value: &Value, kind: &str) -> Option<ObjectRef> {
    Some(ObjectRef {
        api_version: json::text(value, "/apiVersion").unwrap_or(kinds::version(kind)).to_owned(),
        kind: json::text(value, "/kind").unwrap_or(kinds::word(kind)).to_owned(),
        namespace: json::text(value, "/metadata/namespace").map(str::to_owned),
        name: json::text(value, "/metadata/name")?.to_owned(),
    })
}
