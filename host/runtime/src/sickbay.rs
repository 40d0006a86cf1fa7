//! The library's face: what the CLI, a server and tests alike do.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher as _,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use sickbay_core::{
    cluster::Source,
    digest::Digest,
    event::FORMAT,
    ids::RunId,
    lock::narrow,
    plan::Reach,
    plugin::PluginKind,
    profile::{LoopKind, Profile},
    report::Report,
};
use sickbay_engine::{Cancel, Engine, EngineSettings, LoadProgress, LoadedPlugin, PluginSource};
use sickbay_gateway::Model;
use sickbay_store::{Journal, RunHead};
use tokio::sync::OnceCell;

use crate::{
    approvals::{Approver, Consent, NobodyApproves},
    clock::{Clock, SystemClock},
    connect::{self, ClusterChoice, Connected},
    converse::{Desk, Voice},
    dispatcher::RunContext,
    drive::{Drive, DriveEnd, Hands, RunSettings},
    driving::DrivingLock,
    error::Failure,
    folders::Folders,
    grants::PluginGrants,
    journal,
    listener::{Listener, NobodyListens},
    models::{self, Outward},
    notice::{NobodyWatches, Notice, Watcher},
    plugins::{Catalogue, Embedded, KnownPlugin, load_failure},
    policies,
    ready::{Ready, voice_of},
    recorder::{JournalRecorder, Recorder},
    resume::access_of,
    secrets::{Keyring, Variables},
    world::{ClusterWorld, Surroundings},
};

/// The version of this host, as it stands in journals.
pub(crate) const HOST_VERSION: &str = env!("CARGO_PKG_VERSION");

/// One installation of Sickbay. Cheap to make: the engine and the journal are
/// set up when they are first needed.
pub struct Sickbay {
    pub(crate) folders: Folders,
    pub(crate) embedded: Vec<Embedded>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watcher: Arc<dyn Watcher>,
    pub(crate) cancel: Cancel,
    pub(crate) approver: Arc<dyn Approver>,
    pub(crate) listener: Arc<dyn Listener>,
    pub(crate) outward: Outward,
    /// In place of the models that profiles name.
    pub(crate) model: Option<Voice>,
    engine: OnceLock<Engine>,
    journal: OnceCell<Arc<dyn Journal>>,
    loaded: Mutex<HashMap<Digest, LoadedPlugin>>,
}

/// What to run, and on which cluster.
#[derive(Clone, Debug)]
pub struct RunRequest {
    pub profile: Profile,
    pub cluster: ClusterChoice,
    /// In place of the profile's; an empty list: all.
    pub namespaces: Option<Vec<String>>,
    pub question: Option<String>,
    /// How far plans may go.
    pub reach: Reach,
    pub consent: Consent,
    /// A folder that plugins may be granted.
    pub workspace: Option<PathBuf>,
}

/// What a driver is made of.
pub(crate) struct DriveParts<'a> {
    pub(crate) run: String,
    pub(crate) settings: RunSettings,
    pub(crate) host_version: String,
    pub(crate) ready: Ready,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) connected: &'a Connected,
    /// Observations that earlier processes of the run made.
    pub(crate) observations: u64,
    pub(crate) journal: &'a Arc<dyn Journal>,
    pub(crate) consent: Consent,
}

impl RunRequest {
    /// All of what the profile says, each plan being asked for.
    #[must_use]
    pub fn new(profile: Profile, cluster: ClusterChoice) -> Self {
        Self {
            profile,
            cluster,
            namespaces: None,
            question: None,
            reach: Reach::Apply,
            consent: Consent::EachTime,
            workspace: None,
        }
    }
}

/// A run that came to its end, or to where a person has to decide.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// What is known so far, where the run is parked.
    pub report: Report,
    /// What it waits for.
    pub parked: Option<String>,
}

impl From<DriveEnd> for RunEnd {
    fn from(end: DriveEnd) -> Self {
        match end {
            DriveEnd::Finished(report) => Self { report, parked: None },
            DriveEnd::Parked { report, reason } => Self { report, parked: Some(reason) },
        }
    }
}

impl Sickbay {
    /// With the components that come with the program, each with the name in its manifest.
    #[must_use]
    pub fn with_embedded(
        folders: Folders,
        embedded: impl IntoIterator<Item = (&'static str, &'static [u8])>,
    ) -> Self {
        Self {
            folders,
            embedded: embedded.into_iter().map(|(name, bytes)| Embedded { name, bytes }).collect(),
            clock: Arc::new(SystemClock),
            watcher: Arc::new(NobodyWatches),
            cancel: Cancel::never(),
            approver: Arc::new(NobodyApproves),
            listener: Arc::new(NobodyListens),
            outward: Outward::default(),
            model: None,
            engine: OnceLock::new(),
            journal: OnceCell::new(),
            loaded: Mutex::default(),
        }
    }

    #[must_use]
    pub fn watched_by(mut self, watcher: Arc<dyn Watcher>) -> Self {
        self.watcher = watcher;
        self
    }

    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    #[must_use]
    pub fn cancelled_by(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// Asks that person, where a plan needs one.
    #[must_use]
    pub fn approved_by(mut self, approver: Arc<dyn Approver>) -> Self {
        self.approver = approver;
        self
    }

    /// Takes those secrets from there that were put into the system's keyring.
    #[must_use]
    pub fn with_keyring(mut self, keyring: Arc<dyn Keyring>) -> Self {
        self.outward.keyring = keyring;
        self
    }

    /// Looks variables up that may hold keys of model providers.
    #[must_use]
    pub fn with_variables(mut self, variables: Variables) -> Self {
        self.outward.variables = variables;
        self
    }

    /// Lets that model answer in place of those that profiles name, under that
    /// name; `window` is what it can take, in tokens (0: not known).
    #[must_use]
    pub fn answered_by(mut self, name: &str, window: u64, model: Arc<dyn Model>) -> Self {
        self.model = Some(Voice { model: Some(model), name: name.to_owned(), window });
        self
    }

    /// The model of a profile.
    pub(crate) async fn voice_of(&self, profile: &Profile) -> Result<Voice, Failure> {
        match &self.model {
            Some(voice) => Ok(voice.clone()),
            None => Ok(voice_of(models::gateway(self, profile).await?)),
        }
    }

    /// Tells that listener what models say in runs.
    #[must_use]
    pub fn heard_by(mut self, listener: Arc<dyn Listener>) -> Self {
        self.listener = listener;
        self
    }

    /// With a journal of the caller's, in place of the user's own.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = OnceCell::new_with(Some(journal));
        self
    }

    #[must_use]
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    #[must_use]
    pub fn embedded(&self) -> &[Embedded] {
        &self.embedded
    }

    /// The plugin engine, with compiled plugins kept in the cache folder.
    pub fn engine(&self) -> Result<Engine, Failure> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine.clone());
        }
        let settings =
            EngineSettings { cache_dir: Some(self.folders.compiled()), ..EngineSettings::default() };
        let engine = Engine::new(settings).map_err(|error| Failure::failed(error.to_string()))?;
        for note in engine.notes() {
            tracing::warn!("{note}");
        }
        Ok(self.engine.get_or_init(|| engine).clone())
    }

    /// The user's journal.
    pub async fn journal(&self) -> Result<Arc<dyn Journal>, Failure> {
        self.journal.get_or_try_init(|| journal::open(&self.folders)).await.cloned()
    }

    /// Stores what is pending. Called once, at the end.
    pub async fn close(&self) -> Result<(), Failure> {
        match self.journal.get() {
            Some(journal) => journal.close().await.map_err(|error| journal::store_failure(&error)),
            None => Ok(()),
        }
    }

    /// The journal for looking at past runs: that needs no right to write. None
    /// where nothing was ever run.
    pub(crate) async fn journal_to_read(&self) -> Result<Option<Arc<dyn Journal>>, Failure> {
        match self.journal.get() {
            Some(journal) => Ok(Some(Arc::clone(journal))),
            None => journal::open_to_read(&self.folders).await,
        }
    }

    /// All plugins at hand.
    pub fn catalogue(&self) -> Result<Catalogue, Failure> {
        Catalogue::open(&self.folders, &self.embedded)
    }

    /// Loads the plugins that the profile names, so that a run does not wait.
    pub async fn prepare(&self, profile: &Profile) -> Result<(), Failure> {
        let catalogue = self.catalogue()?;
        let wanted = self.plugins_of(&catalogue, profile)?;
        self.load(&catalogue, &wanted).await.map(|_| ())
    }

    /// Runs the profile to its end, or to where a person has to decide. An
    /// error where it could not even begin or the journal failed; whatever is
    /// found is in the report.
    pub async fn run(&self, request: RunRequest) -> Result<RunEnd, Failure> {
        let (profile, left_out) = self.without_models(&request.profile)?;
        let profile = &profile;
        let policy = read_policy(profile)?;
        let namespaces = request.namespaces.clone().unwrap_or_else(|| profile.cluster.namespaces.clone());
        // Compiling, reading the cluster and opening the journal take time and need nothing of each other.
        let ready = async {
            tokio::try_join!(
                Box::pin(self.journal()),
                Box::pin(self.ready(profile)),
                connect::connect(
                    &request.cluster,
                    &namespaces,
                    access_of(profile),
                    &self.clock,
                    &self.watcher
                )
            )
        };
        // There is no run yet that could end with a report.
        let (journal, ready, connected) = tokio::select! {
            ready = ready => ready?,
            () = self.cancel.cancelled() => return Err(Failure::failed("interrupted before the run began")),
        };
        let settings = RunSettings {
            profile: profile.clone(),
            namespaces: namespaces.clone(),
            question: request.question.clone(),
            source: connected.source,
            place: connected.place.clone(),
            not_read: connected.not_read.iter().cloned().chain(left_out).collect(),
            cluster: Some(request.cluster.clone()),
            identity: connected.identity.clone(),
            reach: request.reach,
            policy,
            voice: ready.voice_settings(),
            session: false,
            workspace: request.workspace.clone(),
        };
        let (run, driving) = self.begin(&journal, &profile.name).await?;
        let recorder = JournalRecorder::new(Arc::clone(&journal), run.clone(), Arc::clone(&self.clock));
        let drive = self.drive(DriveParts {
            run,
            settings,
            host_version: HOST_VERSION.to_owned(),
            ready,
            recorder: Arc::new(recorder),
            connected: &connected,
            observations: 0,
            journal: &journal,
            consent: request.consent,
        })?;
        let end = Box::pin(drive.drive()).await?;
        drop((driving, connected));
        Ok(end.into())
    }

    /// A new run in the journal, which this process drives.
    pub(crate) async fn begin(
        &self,
        journal: &Arc<dyn Journal>,
        profile: &str,
    ) -> Result<(String, DrivingLock), Failure> {
        begin(&self.folders, &self.clock, journal, profile).await
    }

    /// The driver of a run on a cluster that was reached: a new one, or one that is taken up again.
    pub(crate) fn drive(&self, parts: DriveParts<'_>) -> Result<Drive, Failure> {
        let DriveParts { run, settings, host_version, ready, recorder, connected, .. } = parts;
        let world = ClusterWorld::new(Arc::clone(&connected.cluster), settings.namespaces.clone())
            .after_observations(parts.observations)
            .reaching(self.surroundings(&ready)?);
        Ok(Drive {
            run,
            context: Arc::new(
                RunContext::new(recorder, Arc::new(world)).in_workspace(settings.workspace.clone()),
            ),
            watcher: Arc::clone(&self.watcher),
            cancel: self.cancel.clone(),
            hands: self.hands(connected, parts.journal, parts.consent),
            desk: Some(self.desk(parts.journal, &settings.profile)),
            listener: Arc::clone(&self.listener),
            settings,
            host_version,
            ready,
        })
    }

    /// What the plugins of a run may reach, as far as they were granted it.
    pub(crate) fn surroundings(&self, ready: &Ready) -> Result<Surroundings, Failure> {
        Ok(Surroundings {
            model: ready.model(),
            egress: Some(self.outward.egress()?),
            cancel: self.cancel.clone(),
        })
    }

    /// Who decides about calls of tools that write.
    pub(crate) fn desk(&self, journal: &Arc<dyn Journal>, profile: &Profile) -> Desk {
        Desk {
            approver: Arc::clone(&self.approver),
            journal: Arc::clone(journal),
            clock: Arc::clone(&self.clock),
            holds: profile.remediation.approval_expires,
        }
    }

    /// What a run needs to change its cluster, where it may.
    pub(crate) fn hands(
        &self,
        connected: &Connected,
        journal: &Arc<dyn Journal>,
        consent: Consent,
    ) -> Option<Hands> {
        Some(Hands {
            writer: connected.writer.clone()?,
            journal: Arc::clone(journal),
            approver: Arc::clone(&self.approver),
            consent,
            clock: Arc::clone(&self.clock),
        })
    }

    /// Every plugin that the profile names, each once.
    pub(crate) fn plugins_of(
        &self,
        catalogue: &Catalogue,
        profile: &Profile,
    ) -> Result<Vec<KnownPlugin>, Failure> {
        // A conversation asks no strategy.
        let diagnoses = profile.loop_kind == LoopKind::Pipeline;
        let mut strategies: Vec<String> =
            if diagnoses { profile.diagnosis.strategies.clone() } else { Vec::new() };
        strategies.extend(profile.stages().into_iter().flat_map(|stage| stage.strategies));
        let mut wanted = Vec::new();
        find_plugins(catalogue, profile, &strategies, PluginKind::Diagnosis, &mut wanted)?;
        let plugins = &profile.remediation.plugins;
        find_plugins(catalogue, profile, plugins, PluginKind::Remediation, &mut wanted)?;
        find_plugins(catalogue, profile, &profile.tools.plugins, PluginKind::Tool, &mut wanted)?;
        Ok(wanted)
    }

    /// Loads plugins in parallel, each once in the life of this value.
    pub(crate) async fn load(
        &self,
        catalogue: &Catalogue,
        wanted: &[KnownPlugin],
    ) -> Result<Vec<LoadedPlugin>, Failure> {
        let missing: Vec<&KnownPlugin> = {
            let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            wanted.iter().filter(|plugin| !loaded.contains_key(&plugin.locked.digest)).collect()
        };
        if !missing.is_empty() {
            let mut components = Vec::with_capacity(missing.len());
            for plugin in missing {
                components.push((plugin.locked.clone(), catalogue.bytes(plugin)?));
            }
            let engine = self.engine()?;
            let watcher = Arc::clone(&self.watcher);
            let loading = tokio::task::spawn_blocking(move || {
                let sources: Vec<PluginSource<'_>> = components
                    .iter()
                    .map(|(locked, bytes)| PluginSource { name: &locked.name, bytes })
                    .collect();
                let results = engine.load_all(&sources, &|progress| {
                    if let LoadProgress::Compiling { name } = progress {
                        watcher.notice(Notice::Compiling { plugin: name.to_owned() });
                    }
                });
                drop(sources);
                components
                    .into_iter()
                    .zip(results)
                    .map(|((locked, _), result)| (locked, result))
                    .collect::<Vec<_>>()
            });
            for (locked, result) in loading.await.map_err(|error| Failure::failed(error.to_string()))? {
                let plugin = result.map_err(|error| load_failure(&locked.name, &error))?;
                self.loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(locked.digest, plugin);
            }
        }
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        wanted
            .iter()
            .map(|plugin| {
                loaded
                    .get(&plugin.locked.digest)
                    .cloned()
                    .ok_or_else(|| Failure::failed(format!("plugin `{}` was not loaded", plugin.locked.name)))
            })
            .collect()
    }
}

/// A new run in the journal, which this process drives.
pub(crate) async fn begin(
    folders: &Folders,
    clock: &Arc<dyn Clock>,
    journal: &Arc<dyn Journal>,
    profile: &str,
) -> Result<(String, DrivingLock), Failure> {
    let started_ms = clock.now_ms();
    let run = RunId::new(u64::try_from(started_ms).unwrap_or(0), random()).to_string();
    let driving = DrivingLock::take(folders, &run)?;
    journal
        .create_run(RunHead {
            run: run.clone(),
            profile: profile.to_owned(),
            started_ms,
            format: FORMAT,
            host_version: HOST_VERSION.to_owned(),
        })
        .await
        .map_err(|error| journal::store_failure(&error))?;
    Ok((run, driving))
}

/// Adds the plugins of that kind that are not there yet.
fn find_plugins(
    catalogue: &Catalogue,
    profile: &Profile,
    names: &[String],
    kind: PluginKind,
    wanted: &mut Vec<KnownPlugin>,
) -> Result<(), Failure> {
    let role = match kind {
        PluginKind::Diagnosis => "strategy",
        PluginKind::Remediation => "remediation plugin",
        PluginKind::Tool => "tool plugin",
        PluginKind::Provider => "provider",
    };
    for name in names {
        let known = wanted.iter().find(|plugin| plugin.locked.name == *name).cloned();
        let plugin = match known {
            Some(plugin) => plugin,
            None => {
                let plugin = catalogue.get(name).map_err(|mut failure| {
                    failure.message = format!(
                        "profile `{}` names the {role} `{name}`, and {}",
                        profile.name, failure.message
                    );
                    failure
                })?;
                wanted.push(plugin.clone());
                plugin
            }
        };
        if !plugin.locked.kinds.contains(&kind) {
            let kinds: Vec<&str> = plugin.locked.kinds.iter().map(|kind| kind.as_str()).collect();
            return Err(Failure::usage(format!(
                "profile `{}` names the {role} `{name}`, which is a {} plugin and not a {} plugin",
                profile.name,
                kinds.join(" and "),
                kind.as_str()
            ))
            .with_hint("`sickbay plugin list` shows the kind of each"));
        }
    }
    Ok(())
}

/// The text of the policy that the profile names, once it was checked.
fn read_policy(profile: &Profile) -> Result<Option<String>, Failure> {
    match &profile.remediation.policy {
        Some(path) => Ok(Some(policies::read(std::path::Path::new(path))?.text)),
        None => Ok(None),
    }
}

pub(crate) fn plugin_grants(catalogue: &Catalogue, plugin: &KnownPlugin, profile: &Profile) -> PluginGrants {
    let locked = &plugin.locked;
    PluginGrants {
        plugin: locked.name.clone(),
        requested: locked.requested.clone(),
        granted: locked.grants.clone(),
        lock: catalogue.lock_path(),
        narrowed: profile.grants.get(&locked.name).map(|allowed| narrow(&locked.grants, allowed)),
        profile: profile.name.clone(),
    }
}

/// Bits that tell runs of the same millisecond apart. They are no secret: the
/// seed of the standard hasher, which comes from the system, is enough.
fn random() -> [u8; 10] {
    let (a, b) = (RandomState::new().hash_one(0_u8), RandomState::new().hash_one(1_u8));
    let mut bytes = [0; 10];
    for (to, from) in bytes.iter_mut().zip(a.to_le_bytes().into_iter().chain(b.to_le_bytes())) {
        *to = from;
    }
    bytes
}

/// For messages: the word of a source.
#[must_use]
pub(crate) fn source_word(source: Source) -> &'static str {
    match source {
        Source::Live => "live",
        Source::Recorded => "recorded",
        Source::Playground => "playground",
    }
}
