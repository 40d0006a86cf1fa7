//! What the strategy can reach: the cluster of the run, and the profile's
//! model. Tests answer from recordings and from a script.

pub use sickbay_plugin::{
    cluster::{ClusterInfo, Coverage, ListQuery, Log, LogQuery, Page},
    model::Completion,
    model_types::Request as Question,
    types::Error,
};

/// Read access to one cluster and the way to one model. Each call may cross
/// the sandbox and the network; `complete` costs money, and is called at most
/// five times for one diagnosis, mostly once.
pub trait World {
    /// What the cluster is. Without an answer there is no diagnosis.
    fn info(&self) -> Result<ClusterInfo, Error>;
    /// One page of objects. An error leaves the kind out, and is told.
    fn list(&self, query: &ListQuery) -> Result<Page, Error>;
    /// The end of a container's log. An error leaves it out.
    fn logs(&self, query: &LogQuery) -> Result<Log, Error>;
    /// The model's whole answer to one question.
    fn complete(&self, question: &Question) -> Result<Completion, Error>;
}
