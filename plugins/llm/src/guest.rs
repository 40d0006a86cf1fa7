//! The glue between the component model and the strategy: it hands calls on and
//! nothing else. Built for WebAssembly only.

use sickbay_plugin::{
    cluster,
    diagnosis::{Diagnosis, DiagnosisRequest, Error, Guest, StrategyInfo},
    model,
};

use crate::world::{ClusterInfo, Completion, ListQuery, Log, LogQuery, Page, Question, World};

struct Llm;

impl Guest for Llm {
    fn describe() -> StrategyInfo {
        crate::describe()
    }

    fn diagnose(request: DiagnosisRequest) -> Result<Diagnosis, Error> {
        crate::diagnose(&Imported, &request)
    }
}

sickbay_plugin::plugin! {
    diagnosis: Llm,
    name: "llm",
    version: env!("CARGO_PKG_VERSION"),
    description: "Has the profile's model read one bounded snapshot of the cluster, and checks what it says",
    capabilities: ["cluster:read", "model"],
}

/// The cluster and the model of the run, asked through the imports.
struct Imported;

impl World for Imported {
    fn info(&self) -> Result<ClusterInfo, Error> {
        cluster::info()
    }

    fn list(&self, query: &ListQuery) -> Result<Page, Error> {
        cluster::list(query)
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, Error> {
        cluster::logs(query)
    }

    fn complete(&self, question: &Question) -> Result<Completion, Error> {
        model::complete(question)
    }
}
