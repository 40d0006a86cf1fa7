//! A recorded cluster as the plugin sees it.

use std::{cell::Cell, path::PathBuf};

use sickbay_cluster::recorded::{self, ReadLimits, RecordedCluster};
use sickbay_core::{cluster as host, object::ObjectRef as HostRef};
use sickbay_plugin::tool::{Error, ErrorKind, ObjectRef};
use sickbay_tool_kube::cluster::{
    Cluster, ClusterInfo, Coverage, KindInfo, ListQuery, Log, LogQuery, Observed, Page, Source,
};

pub(crate) struct Recording {
    cluster: RecordedCluster,
    next: Cell<u32>,
}

impl Recording {
    pub(crate) fn open(paths: &[PathBuf]) -> Self {
        let (cluster, _) = recorded::open_many(paths, ReadLimits::default()).unwrap();
        Self { cluster, next: Cell::new(0) }
    }

    fn id(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("o{}", self.next.get())
    }

    fn page(&self, page: host::Page) -> Page {
        Page {
            observation: self.id(),
            objects: page.objects,
            continue_: page.continue_token,
            coverage: coverage(page.coverage),
        }
    }
}

fn coverage(coverage: host::Coverage) -> Coverage {
    match coverage {
        host::Coverage::Complete => Coverage::Complete,
        host::Coverage::Partial => Coverage::Partial,
        host::Coverage::Unknown => Coverage::Unknown,
    }
}

fn failed(error: sickbay_core::error::CallError) -> Error {
    use sickbay_core::error::ErrorKind as Host;
    let kind = match error.kind {
        Host::NotFound => ErrorKind::NotFound,
        Host::InvalidInput => ErrorKind::InvalidInput,
        _ => ErrorKind::Internal,
    };
    Error { kind, code: error.code, message: error.message, retry_after_ms: None }
}

fn host_ref(object: &ObjectRef) -> HostRef {
    HostRef {
        api_version: object.api_version.clone(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    }
}

impl Cluster for Recording {
    fn info(&self) -> Result<ClusterInfo, Error> {
        let info = self.cluster.info_now().map_err(failed)?;
        Ok(ClusterInfo {
            source: Source::Recorded,
            version: info.version,
            namespaces: info.namespaces,
            observed_at: info.observed_at,
        })
    }

    fn kinds(&self) -> Result<Vec<KindInfo>, Error> {
        let kinds = self.cluster.kinds_now().map_err(failed)?;
        let kind = |kind: host::KindInfo| KindInfo {
            api_version: kind.api_version,
            kind: kind.kind,
            plural: kind.plural,
            namespaced: kind.namespaced,
            coverage: coverage(kind.coverage),
        };
        Ok(kinds.into_iter().map(kind).collect())
    }

    fn list(&self, query: &ListQuery) -> Result<Page, Error> {
        let query = host::ListQuery {
            kind: query.kind.clone(),
            namespaces: query.namespaces.clone(),
            label_selector: query.label_selector.clone(),
            field_selector: query.field_selector.clone(),
            fields: query.fields.clone(),
            limit: query.limit,
            continue_token: query.continue_.clone(),
        };
        self.cluster.list_now(&query).map(|page| self.page(page)).map_err(failed)
    }

    fn get(&self, object: &ObjectRef) -> Result<Observed, Error> {
        let object = self.cluster.get_now(&host_ref(object)).map_err(failed)?;
        Ok(Observed { observation: self.id(), object })
    }

    fn logs(&self, query: &LogQuery) -> Result<Log, Error> {
        let query = host::LogQuery {
            namespace: query.namespace.clone(),
            pod: query.pod.clone(),
            container: query.container.clone(),
            previous: query.previous,
            tail_lines: query.tail_lines,
            limit_bytes: query.limit_bytes,
        };
        let log = self.cluster.logs_now(&query).map_err(failed)?;
        Ok(Log { observation: self.id(), lines: log.lines, truncated: log.truncated })
    }

    fn events(&self, object: &ObjectRef) -> Result<Page, Error> {
        self.cluster.events_now(&host_ref(object)).map(|page| self.page(page)).map_err(failed)
    }
}
