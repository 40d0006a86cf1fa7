//! The cluster behind two traits: [`Cluster`] to read it, live or recorded, and
//! [`ClusterWriter`] to change a live one. A playground is a live one.
//!
//! The only crate that names kube. What leaves it was redacted: no Secret
//! value and no string shaped like a credential goes further.

pub mod kinds;
pub mod live;
pub mod projection;
pub mod recorded;
pub mod redact;
pub mod selector;
mod tree;
mod writer;

pub use writer::{ClusterNote, ClusterWriter, Doubt};

use async_trait::async_trait;
use sickbay_core::{
    cluster::{ClusterInfo, KindInfo, ListQuery, Log, LogQuery, Page},
    error::CallError,
    object::ObjectRef,
};

/// Read access to one cluster. Called from many tasks at once; a call may wait
/// on the network but never blocks a thread. Errors are values for the caller
/// to show or to pass on to a guest; their messages hold no secrets.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Asked once at the start of a run, and by guests at will.
    async fn info(&self) -> Result<ClusterInfo, CallError>;

    /// The kinds that the cluster serves or that were recorded.
    async fn kinds(&self) -> Result<Vec<KindInfo>, CallError>;

    /// One page. An unknown kind is an empty page of unknown coverage.
    async fn list(&self, query: &ListQuery) -> Result<Page, CallError>;

    /// One whole object as JSON text, redacted.
    async fn get(&self, object: &ObjectRef) -> Result<String, CallError>;

    /// The end of a container's log, redacted.
    async fn logs(&self, query: &LogQuery) -> Result<Log, CallError>;

    /// The events about one object, oldest first, as core/v1 Event objects.
    async fn events(&self, object: &ObjectRef) -> Result<Page, CallError>;
}
