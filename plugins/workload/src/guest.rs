//! The glue between the component model and the actions: it hands calls on and
//! nothing else. Built for WebAssembly only.

use sickbay_plugin::{
    cluster as wit,
    remediation::{ActionPlan, ActionSpec, Error, Guest, ObjectRef, Verdict},
};

use crate::cluster::{Cluster, ListQuery, Observed, Page};

struct Workload;

impl Guest for Workload {
    fn actions() -> Vec<ActionSpec> {
        crate::actions()
    }

    fn plan(action: String, parameters: String) -> Result<ActionPlan, Error> {
        crate::plan(&Imported, &action, &serde_json::from_str(&parameters)?)
    }

    fn verify(
        _action: String,
        _parameters: String,
        plan: ActionPlan,
        applied_at: String,
    ) -> Result<Verdict, Error> {
        crate::verify(&Imported, &plan, &applied_at)
    }
}

sickbay_plugin::plugin! {
    remediation: Workload,
    name: "workload",
    version: env!("CARGO_PKG_VERSION"),
    description: "Puts workloads right: env, resources, images, probes, roll-outs, Services, budgets, nodes",
    capabilities: ["cluster:read"],
}

/// The cluster of the run, asked through the imports.
struct Imported;

impl Cluster for Imported {
    fn get(&self, object: &ObjectRef) -> Result<Observed, Error> {
        wit::get(object)
    }

    fn list(&self, query: &ListQuery) -> Result<Page, Error> {
        wit::list(query)
    }
}
