//! Taking a run up again: after a crash, or after a decision that it waited
//! for. The same driver goes over the journal, does nothing that ended, and
//! goes on from there.

use std::sync::Arc;

use sickbay_core::{
    event::{Entry, Event, PluginPin},
    past::Past,
    profile::Profile,
};
use sickbay_store::read_all;

use crate::{
    approvals::Consent,
    connect::{self, Access, ClusterChoice},
    drive::RunSettings,
    driving::DrivingLock,
    error::Failure,
    journal::store_failure,
    ready::Ready,
    recorder::{JournalRecorder, ResumingRecorder},
    replay::start_of,
    sickbay::{DriveParts, HOST_VERSION, RunEnd, Sickbay},
};

/// How a run is taken up.
#[derive(Clone, Debug, Default)]
pub struct ResumeRequest {
    /// In place of where the cluster was; it must be the same one.
    pub cluster: Option<ClusterChoice>,
    pub consent: Consent,
}

impl Sickbay {
    /// Goes on with a run that was killed or that waits.
    pub async fn resume(&self, id: &str, request: ResumeRequest) -> Result<RunEnd, Failure> {
        let journal = self.journal().await?;
        let run = journal.run(id).await.map_err(|error| store_failure(&error))?.run;
        let driving = DrivingLock::take(&self.folders, &run)?;
        let entries = read_all(&*journal, &run).await.map_err(|error| store_failure(&error))?;
        if let Some(Event::RunEnded { outcome }) = entries.last().map(|entry| &entry.event) {
            return Err(Failure::usage(format!(
                "run `{run}` has ended ({outcome}); there is nothing to resume"
            ))
            .with_hint(format!("`sickbay runs show {run}` shows its report")));
        }
        let Some((settings, host_version, pins)) = entries.first().and_then(start_of) else {
            return Err(Failure::failed(format!("run `{run}` does not begin with its settings"))
                .with_hint("it was killed before it began, or its journal is damaged; start a new one"));
        };
        let settings: RunSettings = serde_json::from_value(settings).map_err(|error| {
            Failure::failed(format!("the settings of run `{run}` can not be read: {error}"))
                .with_hint("it was perhaps recorded by another version of sickbay")
        })?;
        if settings.session {
            drop(driving);
            return Box::pin(self.finish_session(&run)).await;
        }
        let Some(cluster) = request.cluster.or_else(|| settings.cluster.clone()) else {
            return Err(Failure::failed(format!("run `{run}` does not say how its cluster is reached"))
                .with_hint("name it with `--kubeconfig` or `--recorded`"));
        };
        if let ClusterChoice::Playground(place) = &cluster {
            return Err(Failure::failed(format!(
                "the playground `{}` of run `{run}` ended with the process that served it",
                place.scenario
            ))
            .with_hint(
                "serve one with `sickbay playground start SCENARIO --kubeconfig FILE`, and run on that file",
            ));
        }
        let ready = self.ready_again(&settings, &pins).await?;
        let namespaces = settings.namespaces.clone();
        let access = access_of(&settings.profile);
        let connected = connect::connect(&cluster, &namespaces, access, &self.clock, &self.watcher).await?;
        if settings.identity.is_some() && connected.identity != settings.identity {
            return Err(Failure::usage(format!(
                "run `{run}` was on another cluster ({}) than {}",
                settings.place, connected.place
            ))
            .with_hint("name the cluster that it was on, with `--kubeconfig` and `--context`"));
        }
        let live = JournalRecorder::new(Arc::clone(&journal), run.clone(), Arc::clone(&self.clock));
        let (past, dropped) = Past::of(&entries).settled();
        let recorder = ResumingRecorder::new(past, dropped, live, HOST_VERSION.to_owned());
        let drive = self.drive(DriveParts {
            run,
            settings,
            host_version,
            ready,
            recorder: Arc::new(recorder),
            connected: &connected,
            observations: observations(&entries),
            journal: &journal,
            consent: request.consent,
        })?;
        let end = Box::pin(drive.drive()).await?;
        drop((driving, connected));
        Ok(end.into())
    }
}

impl Sickbay {
    /// The parts of a run that goes on: its plugins as they were, its model and servers as they are now.
    pub(crate) async fn ready_again(
        &self,
        settings: &RunSettings,
        pins: &[PluginPin],
    ) -> Result<Ready, Failure> {
        let catalogue = self.catalogue()?;
        let plugins = self.pinned(&catalogue, settings, pins).await?;
        let mut ready = self
            .ready_with(&settings.profile, Ready { plugins, pins: pins.to_vec(), ..Ready::default() }, &[])
            .await?;
        if let (Some(voice), Some(then)) = (&mut ready.voice, &settings.voice) {
            voice.name.clone_from(&then.name);
            voice.window = then.window;
        }
        Ok(ready)
    }
}

pub(crate) fn access_of(profile: &Profile) -> Access {
    if profile.remediation.plugins.is_empty() { Access::Read } else { Access::Write }
}

/// The highest number of an observation so far: an id is never given twice.
pub(crate) fn observations(entries: &[Entry]) -> u64 {
    use sickbay_core::outside::Answer;
    let number = |id: &String| id.strip_prefix('o').and_then(|number| number.parse::<u64>().ok());
    entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::AskEnded {
                answer:
                    Answer::Page { observation, .. }
                    | Answer::Object { observation, .. }
                    | Answer::Log { observation, .. },
                ..
            } => number(observation),
            _ => None,
        })
        .max()
        .unwrap_or(0)
}
