//! The glue between the component model and the tools: it hands calls on and
//! nothing else. Built for WebAssembly only.

use sickbay_plugin::{
    cluster as wit,
    tool::{Error, Guest, ObjectRef, ToolOutput, ToolSpec},
};

use crate::cluster::{Cluster, ClusterInfo, KindInfo, ListQuery, Log, LogQuery, Observed, Page};

struct Kube;

impl Guest for Kube {
    fn list() -> Vec<ToolSpec> {
        crate::tools()
    }

    fn call(name: String, arguments: String) -> Result<ToolOutput, Error> {
        crate::call(&Imported, &name, &arguments)
    }
}

sickbay_plugin::plugin! {
    tool: Kube,
    name: "kube",
    version: env!("CARGO_PKG_VERSION"),
    description: "Looks at a cluster: objects, logs, events, metrics and roll-outs, shaped for a model",
    capabilities: ["cluster:read"],
}

/// The cluster of the run, asked through the imports.
struct Imported;

impl Cluster for Imported {
    fn info(&self) -> Result<ClusterInfo, Error> {
        wit::info()
    }

    fn kinds(&self) -> Result<Vec<KindInfo>, Error> {
        wit::kinds()
    }

    fn list(&self, query: &ListQuery) -> Result<Page, Error> {
        wit::list(query)
    }

    fn get(&self, object: &ObjectRef) -> Result<Observed, Error> {
        wit::get(object)
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, Error> {
        wit::logs(query)
    }

    fn events(&self, object: &ObjectRef) -> Result<Page, Error> {
        wit::events(object)
    }
}
