//! The cluster as the tools see it: the six questions of the WIT interface.
//! Tests answer from memory or from a recording.

pub use sickbay_plugin::cluster::{
    ClusterInfo, Coverage, KindInfo, ListQuery, Log, LogQuery, Observed, Page, Source,
};
use sickbay_plugin::tool::{Error, ObjectRef};

/// Read access to one cluster. Each call may cross the sandbox and the network.
pub trait Cluster {
    fn info(&self) -> Result<ClusterInfo, Error>;
    /// The kinds that are served, or that were recorded.
    fn kinds(&self) -> Result<Vec<KindInfo>, Error>;
    /// One page of objects; an unknown kind is an empty page of unknown coverage.
    fn list(&self, query: &ListQuery) -> Result<Page, Error>;
    /// One whole object; an error of kind `not-found` where it is not there.
    fn get(&self, object: &ObjectRef) -> Result<Observed, Error>;
    /// The end of a container's log; `not-found` where there is no such log.
    fn logs(&self, query: &LogQuery) -> Result<Log, Error>;
    /// The events about one object, oldest first.
    fn events(&self, object: &ObjectRef) -> Result<Page, Error>;
}
