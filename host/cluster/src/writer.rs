//! Write access to one cluster, for the host alone: no plugin and no model
//! reaches it, and nothing is sent that was not rehearsed.

use async_trait::async_trait;
use sickbay_core::{
    change::{Direction, Mark, Rehearsal, Survey, WriteOutcome},
    error::CallError,
    object::ObjectRef,
    remediation::Change,
};

/// Whether a write may have been sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It was never sent.
    Fresh,
    /// It was about to be sent when the process ended: what the object says is
    /// read first, and a write that went through is not repeated.
    InDoubt,
}

/// Something that happened to an object, told as a Kubernetes Event about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterNote {
    pub object: ObjectRef,
    /// One CamelCase word: `SickbayApplied`.
    pub reason: String,
    pub message: String,
    /// `Warning` instead of `Normal`.
    pub is_warning: bool,
}

/// The ways to change a cluster. Each call may wait on the network and retries
/// in bounds what the server asks to retry; none blocks a thread. Errors hold
/// no secrets, and what is returned is redacted.
#[async_trait]
pub trait ClusterWriter: Send + Sync {
    /// A name of the cluster that stays when its address changes: the UID of
    /// its `kube-system` namespace where that can be read, else its address.
    async fn identity(&self) -> Result<String, CallError>;

    /// Reads what the change would touch. Sends no verb that writes.
    async fn survey(&self, change: &Change) -> Result<Survey, CallError>;

    /// The server-side dry run, and all that is needed to send the change
    /// later. Changes nothing. An error where the server refuses the change,
    /// where it holds a redacted or credential-like value, or where the host
    /// does not send such a change at all.
    async fn rehearse(&self, change: &Change, mark: &Mark) -> Result<Rehearsal, CallError>;

    /// Sends the change, or takes it back, where the object still has the
    /// content that it had at the rehearsal (taking back: where nobody else
    /// changed the same fields since). The object is read first, whatever the
    /// doubt; one that has the mark, or is as it should be, gets nothing sent.
    /// Taking back what needs nothing is `Already`, what can not be taken back
    /// is `Refused` with the code `irreversible`. Where several changes hit one
    /// object, each is rehearsed after the one before it was written, as it
    /// would find another content otherwise. Never an `Err`: how it ended is
    /// the value.
    async fn write(
        &self,
        rehearsal: &Rehearsal,
        mark: &Mark,
        direction: Direction,
        doubt: Doubt,
    ) -> WriteOutcome;

    /// What of the object is not as it was at the rehearsal; empty where all
    /// is. For a change with nothing to take back: empty.
    async fn differences(&self, rehearsal: &Rehearsal) -> Result<Vec<String>, CallError>;

    /// Leaves a note. Best effort: a cluster that takes none is no failure of a run.
    async fn tell(&self, note: &ClusterNote) -> Result<(), CallError>;
}
