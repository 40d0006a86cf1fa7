//! Replay: the run again, from its journal alone, compared event by event.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use sickbay_core::{
    digest::Digest,
    event::{Entry, Event, PluginPin},
    past::Past,
};

use crate::{
    dispatcher::{PluginTerms, RunContext},
    drive::{Drive, ReadyPlugin, RunSettings},
    error::Failure,
    grants::PluginGrants,
    listener::NobodyListens,
    plugins::{Catalogue, KnownPlugin},
    ready,
    recorder::{ComparingRecorder, Difference},
    runs::RunSource,
    sickbay::Sickbay,
    world::RecordedWorld,
};

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayEnd {
    pub run: String,
    /// Events in the journal.
    pub events: usize,
    /// Events that were the same, from the first on.
    pub same: usize,
    /// The run itself never came to its end: it was killed, or still goes on.
    pub incomplete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

impl Sickbay {
    /// Runs the journalled run again with its recorded answers. Nothing is
    /// written and no cluster is asked.
    pub async fn replay(&self, source: &RunSource) -> Result<ReplayEnd, Failure> {
        let (run, entries) = self.entries(source).await?;
        let Some((settings, host_version, pins)) = entries.first().and_then(start_of) else {
            return Err(Failure::failed(format!("run `{run}` does not begin with its settings"))
                .with_hint("the journal of this run is damaged or was cut; it can not be replayed"));
        };
        let settings: RunSettings = serde_json::from_value(settings).map_err(|error| {
            Failure::failed(format!("the settings of run `{run}` can not be read: {error}"))
                .with_hint("it was perhaps recorded by another version of sickbay")
        })?;
        let catalogue = self.catalogue()?;
        let plugins = self.pinned(&catalogue, &settings, &pins).await?;
        let past = Past::of(&entries);
        let counted = past.entries.len();
        let recorder = Arc::new(ComparingRecorder::new(past));
        let world = RecordedWorld::new(&entries);
        let is_session = settings.session;
        let ready = ready::recorded(&settings.profile, plugins, pins, settings.voice.clone()).await?;
        let drive = Drive {
            run: run.clone(),
            settings,
            host_version,
            ready,
            context: Arc::new(RunContext::new(Arc::<ComparingRecorder>::clone(&recorder), Arc::new(world))),
            watcher: Arc::clone(&self.watcher),
            cancel: self.cancel.clone(),
            hands: None,
            desk: None,
            listener: Arc::new(NobodyListens),
        };
        let ended = if is_session {
            self.replay_session(drive).await
        } else {
            Box::pin(drive.drive()).await.map(|_| ())
        };
        // A session ends with its last turn, and has no end of its own.
        let incomplete =
            !is_session && !matches!(entries.last().map(|entry| &entry.event), Some(Event::RunEnded { .. }));
        let difference = recorder.difference();
        // Where the run was killed the replay goes on alone, which is no difference.
        let difference = difference.filter(|found| !(incomplete && found.recorded.is_null()));
        if let (Err(failure), None, false) = (&ended, &difference, incomplete) {
            return Err(failure.clone());
        }
        Ok(ReplayEnd { run, events: counted, same: recorder.compared(), incomplete, difference })
    }

    /// The plugins of the run, by content: another version would not be a replay.
    pub(crate) async fn pinned(
        &self,
        catalogue: &Catalogue,
        settings: &RunSettings,
        pins: &[PluginPin],
    ) -> Result<BTreeMap<String, ReadyPlugin>, Failure> {
        let mut wanted: Vec<KnownPlugin> = Vec::new();
        for pin in pins {
            wanted.push(catalogue.pinned(&pin.name, &pin.digest).ok_or_else(|| missing(catalogue, pin))?);
        }
        let loaded = self.load(catalogue, &wanted).await?;
        Ok(pins
            .iter()
            .zip(loaded)
            .map(|(pin, loaded)| {
                let grants = PluginGrants {
                    plugin: pin.name.clone(),
                    requested: loaded.inspection().manifest.capabilities.clone(),
                    granted: pin.grants.clone(),
                    lock: catalogue.lock_path(),
                    narrowed: None,
                    profile: settings.profile.name.clone(),
                };
                let config = settings.profile.tools.config_of(&pin.name);
                (pin.name.clone(), ReadyPlugin { loaded, terms: Arc::new(PluginTerms { grants, config }) })
            })
            .collect())
    }
}

pub(crate) fn start_of(entry: &Entry) -> Option<(serde_json::Value, String, Vec<PluginPin>)> {
    match &entry.event {
        Event::RunStarted { settings, host_version, plugins, .. } => {
            Some((settings.clone(), host_version.clone(), plugins.clone()))
        }
        _ => None,
    }
}

fn missing(catalogue: &Catalogue, pin: &PluginPin) -> Failure {
    let short = |digest: &Digest| digest.hex().get(..12).unwrap_or_default().to_owned();
    let now = catalogue.get(&pin.name).map_or_else(
        |_| "none of that name is here".to_owned(),
        |now| format!("here is {} ({})", now.locked.version, short(&now.locked.digest)),
    );
    Failure::failed(format!(
        "the run used plugin `{}` {} ({}), and {now}",
        pin.name,
        pin.version,
        short(&pin.digest)
    ))
    .with_hint("install the same component again: a replay with another one would not be a replay")
}

/// Whether the argument names an exported file rather than a run.
#[must_use]
pub(crate) fn is_file(argument: &str) -> bool {
    argument.contains(['/', '\\', '.']) || Path::new(argument).is_file()
}
