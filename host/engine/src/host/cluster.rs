//! `cluster`: read access to the run's cluster.

use sickbay_core::{
    cluster as core,
    outside::{Answer, Ask},
};

use super::{
    convert::{from_object, to_error},
    misfit,
};
use crate::{
    bindings::{
        imports::sickbay::plugin::cluster::{
            ClusterInfo, Coverage, Host, KindInfo, ListQuery, Log, LogQuery, Observed, Page, Source,
        },
        types::{Error, ObjectRef},
    },
    state::State,
};

impl Host for State {
    async fn info(&mut self) -> wasmtime::Result<Result<ClusterInfo, Error>> {
        Ok(match self.ask(Ask::ClusterInfo).await? {
            Answer::ClusterInfo { info } => Ok(ClusterInfo {
                source: match info.source {
                    core::Source::Live => Source::Live,
                    core::Source::Recorded => Source::Recorded,
                    core::Source::Playground => Source::Playground,
                },
                version: info.version,
                namespaces: info.namespaces,
                observed_at: info.observed_at,
            }),
            Answer::Failed { error } => Err(to_error(error)),
            _ => Err(to_error(misfit("cluster.info"))),
        })
    }

    async fn kinds(&mut self) -> wasmtime::Result<Result<Vec<KindInfo>, Error>> {
        Ok(match self.ask(Ask::ClusterKinds).await? {
            Answer::ClusterKinds { kinds } => Ok(kinds
                .into_iter()
                .map(|kind| KindInfo {
                    api_version: kind.api_version,
                    kind: kind.kind,
                    plural: kind.plural,
                    namespaced: kind.namespaced,
                    coverage: to_coverage(kind.coverage),
                })
                .collect()),
            Answer::Failed { error } => Err(to_error(error)),
            _ => Err(to_error(misfit("cluster.kinds"))),
        })
    }

    async fn list(&mut self, query: ListQuery) -> wasmtime::Result<Result<Page, Error>> {
        let query = core::ListQuery {
            kind: query.kind,
            namespaces: query.namespaces,
            label_selector: query.label_selector,
            field_selector: query.field_selector,
            fields: query.fields,
            limit: query.limit,
            continue_token: query.continue_,
        };
        Ok(page(self.ask(Ask::ClusterList { query }).await?, "cluster.list"))
    }

    async fn get(&mut self, object: ObjectRef) -> wasmtime::Result<Result<Observed, Error>> {
        Ok(match self.ask(Ask::ClusterGet { object: from_object(object) }).await? {
            Answer::Object { observation, object } => Ok(Observed { observation, object }),
            Answer::Failed { error } => Err(to_error(error)),
            _ => Err(to_error(misfit("cluster.get"))),
        })
    }

    async fn logs(&mut self, query: LogQuery) -> wasmtime::Result<Result<Log, Error>> {
        let query = core::LogQuery {
            namespace: query.namespace,
            pod: query.pod,
            container: query.container,
            previous: query.previous,
            tail_lines: query.tail_lines,
            limit_bytes: query.limit_bytes,
        };
        Ok(match self.ask(Ask::ClusterLogs { query }).await? {
            Answer::Log { observation, log } => {
                Ok(Log { observation, lines: log.lines, truncated: log.truncated })
            }
            Answer::Failed { error } => Err(to_error(error)),
            _ => Err(to_error(misfit("cluster.logs"))),
        })
    }

    async fn events(&mut self, object: ObjectRef) -> wasmtime::Result<Result<Page, Error>> {
        Ok(page(self.ask(Ask::ClusterEvents { object: from_object(object) }).await?, "cluster.events"))
    }
}

fn page(answer: Answer, ask: &str) -> Result<Page, Error> {
    match answer {
        Answer::Page { observation, page } => Ok(Page {
            observation,
            objects: page.objects,
            continue_: page.continue_token,
            coverage: to_coverage(page.coverage),
        }),
        Answer::Failed { error } => Err(to_error(error)),
        _ => Err(to_error(misfit(ask))),
    }
}

fn to_coverage(coverage: core::Coverage) -> Coverage {
    match coverage {
        core::Coverage::Complete => Coverage::Complete,
        core::Coverage::Partial => Coverage::Partial,
        core::Coverage::Unknown => Coverage::Unknown,
    }
}
