//! Who uses which claim: pods by name, workloads by template, and StatefulSets
//! by the names that they give their claims.

use std::collections::HashMap;

use crate::{
    context::Context,
    diagnosis::ObjectRef,
    json,
    seen::Seen,
    snapshot::{Phase, Pod},
};

pub(super) struct Consumers {
    by_claim: HashMap<(String, String), Vec<ObjectRef>>,
}

/// A StatefulSet that made a claim, or would have.
pub(super) struct Owner<'a> {
    pub(super) set: &'a Seen,
    /// Where in the set the template of the claim is.
    pub(super) template: String,
    /// The pod that the claim is for.
    pub(super) pod: String,
}

impl Consumers {
    /// Reads the volumes of every template once.
    pub(super) fn of(context: &Context<'_>) -> Self {
        let mut by_claim: HashMap<(String, String), Vec<ObjectRef>> = HashMap::new();
        for template in context.templates("") {
            for volume in json::list(template.spec(), "/volumes").iter().take(100) {
                if let Some(name) = json::text(volume, "/persistentVolumeClaim/claimName") {
                    by_claim
                        .entry((template.namespace().to_owned(), name.to_owned()))
                        .or_default()
                        .push(template.seen.reference.clone());
                }
            }
        }
        Self { by_claim }
    }

    /// The workloads that mount the claim by its name.
    pub(super) fn workloads(&self, claim: &Seen) -> &[ObjectRef] {
        self.by_claim.get(&(claim.namespace().to_owned(), claim.name().to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The pods that wait for the claim: those of its workloads that have no
    /// node, and the pod of a StatefulSet.
    pub(super) fn pods<'a>(
        &self,
        context: &Context<'a>,
        claim: &Seen,
        owner: Option<&Owner<'_>>,
    ) -> Vec<&'a Pod> {
        let pods: &'a crate::snapshot::Pods = &context.snapshot.pods;
        if let Some(owner) = owner {
            return pods.find(claim.namespace(), &owner.pod).into_iter().collect();
        }
        let workloads = self.workloads(claim);
        if workloads.is_empty() {
            return Vec::new();
        }
        pods.within(claim.namespace())
            .filter(|pod| pod.live() && pod.phase == Phase::Pending)
            .filter(|pod| {
                let workload = context.workload(pod);
                workloads.iter().any(|known| known.same(&workload) || known.same(&pod.reference))
            })
            .take(20)
            .collect()
    }
}

/// The StatefulSet whose claims have that name: `<template>-<set>-<number>`.
pub(super) fn owner<'a>(context: &Context<'a>, claim: &Seen) -> Option<Owner<'a>> {
    let (rest, ordinal) = claim.name().rsplit_once('-')?;
    if ordinal.is_empty() || !ordinal.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let snapshot: &'a crate::snapshot::Snapshot = context.snapshot;
    snapshot.all("StatefulSet").filter(|set| set.namespace() == claim.namespace()).find_map(|set| {
        let name = rest.strip_suffix(set.name())?.strip_suffix('-')?;
        let at = set
            .list("/spec/volumeClaimTemplates")
            .iter()
            .position(|template| json::text(template, "/metadata/name") == Some(name))?;
        Some(Owner {
            set,
            template: format!("/spec/volumeClaimTemplates/{at}"),
            pod: format!("{}-{ordinal}", set.name()),
        })
    })
}
