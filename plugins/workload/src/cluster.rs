//! The cluster as the actions see it: two questions, each with an observation
//! id in the answer. Tests answer from memory.

pub use sickbay_plugin::cluster::{Coverage, ListQuery, Observed, Page};
use sickbay_plugin::remediation::{Error, ObjectRef};

/// Read access to one cluster. Each call may cross the sandbox and the network.
pub trait Cluster {
    /// One whole object; an error of kind `not-found` where it is not there.
    fn get(&self, object: &ObjectRef) -> Result<Observed, Error>;
    /// One page of objects; an unknown kind is an empty page.
    fn list(&self, query: &ListQuery) -> Result<Page, Error>;
}
