//! Changes one live cluster: the only code that sends a verb other than GET.
//!
//! ```text
//! change ── admission ── request ── sender (dry run) ── difference, inverse ── Rehearsal
//! Rehearsal ── reader ── judgement ── request ── sender ── Applied, Changed, …
//!                 └──────── read back after each doubt ────────┘
//! ```
//!
//! A [`LiveCluster`] can not be made into a [`LiveWriter`]: who wants to write
//! says so when connecting.

mod admission;
mod content;
mod delivery;
mod difference;
mod inverse;
mod judgement;
mod note;
mod operations;
mod reader;
mod rehearsal;
mod request;
mod rollout;
mod sender;
mod survey;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use sickbay_core::{
    change::{Direction, Inverse, Mark, Rehearsal, Survey, WriteOutcome},
    error::CallError,
    object::ObjectRef,
    remediation::Change,
};

use self::{judgement::unlike, sender::Sender};
use super::{LiveCluster, LiveSettings, connect};
use crate::{ClusterNote, ClusterWriter, Doubt};

/// A connection that may also write. What it reads it reads over the same
/// connection as its [`LiveCluster`].
pub struct LiveWriter {
    cluster: Arc<LiveCluster>,
    sender: Sender,
}

/// Connects as [`connect`] does, for reading and for writing.
///
/// # Errors
/// As [`connect`].
pub async fn connect_writer(settings: LiveSettings) -> Result<LiveWriter, CallError> {
    let cluster = Arc::new(connect(settings).await?);
    let sender = Sender { exchange: cluster.transport.exchange() };
    Ok(LiveWriter { cluster, sender })
}

impl LiveWriter {
    /// The read-only view of the same connection.
    #[must_use]
    pub fn cluster(&self) -> Arc<LiveCluster> {
        Arc::clone(&self.cluster)
    }
}

impl fmt::Debug for LiveWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveWriter").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

#[async_trait]
impl ClusterWriter for LiveWriter {
    async fn identity(&self) -> Result<String, CallError> {
        let namespace = ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            namespace: None,
            name: "kube-system".to_owned(),
        };
        let server = || self.cluster.transport.place.server.clone();
        match reader::find(&self.cluster, &namespace).await {
            Ok(found) => Ok(found.as_ref().and_then(content::uid).map_or_else(server, str::to_owned)),
            Err(error) if error.code == "forbidden" => Ok(server()),
            Err(error) => Err(error),
        }
    }

    async fn survey(&self, change: &Change) -> Result<Survey, CallError> {
        survey::survey(&self.cluster, change).await
    }

    async fn rehearse(&self, change: &Change, mark: &Mark) -> Result<Rehearsal, CallError> {
        self.rehearsed(change, mark).await
    }

    async fn write(
        &self,
        rehearsal: &Rehearsal,
        mark: &Mark,
        direction: Direction,
        doubt: Doubt,
    ) -> WriteOutcome {
        self.delivered(rehearsal, mark, direction, doubt).await
    }

    async fn differences(&self, rehearsal: &Rehearsal) -> Result<Vec<String>, CallError> {
        if matches!(rehearsal.inverse, Inverse::Nothing { .. }) {
            return Ok(Vec::new());
        }
        let live = reader::find(&self.cluster, &rehearsal.object).await?;
        Ok(match (&rehearsal.before, live) {
            (None, None) => Vec::new(),
            (None, Some(_)) => vec![format!("`{}` is still there", rehearsal.object)],
            (Some(_), None) => vec![format!("`{}` is gone", rehearsal.object)],
            (Some(_), Some(live)) => unlike(rehearsal, &live),
        })
    }

    async fn tell(&self, note: &ClusterNote) -> Result<(), CallError> {
        self.noted(note).await
    }
}
