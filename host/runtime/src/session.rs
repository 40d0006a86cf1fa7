//! Sessions: conversations of turns, kept in the journal, taken up again by id.
//!
//! The terminal, a server and tests use the same type. What happens in a turn
//! comes through a [`Listener`]; what counts is in the journal, so that a
//! process that dies loses nothing but the answer that was being written.

mod find;

use std::sync::Arc;

use sickbay_core::{
    event::{Event, PluginPin},
    past::Past,
    plan::Reach,
    profile::{LoopKind, Profile},
    react::TurnEnd,
    report::{Outcome, Report, ReportCluster, Usage},
    tool::ToolSpec,
};
use sickbay_engine::Cancel;
use sickbay_store::{Journal, read_all};

pub use self::find::{Existing, Found};
use crate::{
    clock::Clock,
    connect::{self, Access, ClusterChoice, Connected},
    converse::{Conversation, Desk, Setup, TurnFlow, Voice, system_prompt},
    dispatcher::RunContext,
    drive::{Drive, RunSettings},
    driving::DrivingLock,
    error::Failure,
    folders::Folders,
    journal::store_failure,
    listener::{Listener, NobodyListens, SessionEvent},
    ready::Ready,
    recorder::{JournalRecorder, Recorder, ResumingRecorder},
    replay::start_of,
    resume::observations,
    sickbay::{HOST_VERSION, RunEnd, Sickbay, begin},
    world::{ClusterWorld, Surroundings},
};

/// What sessions are about.
#[derive(Clone, Debug)]
pub struct SessionRequest {
    /// With the loop `react`, and a model.
    pub profile: Profile,
    pub cluster: ClusterChoice,
    /// In place of the profile's; an empty list: all.
    pub namespaces: Option<Vec<String>>,
    /// A folder that plugins may be granted.
    pub workspace: Option<std::path::PathBuf>,
}

/// Everything that the sessions of one profile share: plugins, model,
/// connections, cluster. Opening a session from it is cheap.
pub struct SessionHost {
    folders: Folders,
    clock: Arc<dyn Clock>,
    journal: Arc<dyn Journal>,
    ready: Ready,
    settings: RunSettings,
    connected: Arc<Connected>,
    surroundings: Surroundings,
    desk: Desk,
}

/// One conversation.
pub struct Session {
    run: String,
    settings: RunSettings,
    conversation: Conversation,
    recorder: Arc<dyn Recorder>,
    /// What was answered last.
    answer: Option<String>,
    /// What is kept open for as long as the session lives.
    _held: Held,
}

struct Held {
    _driving: Option<DrivingLock>,
    _connected: Option<Arc<Connected>>,
}

impl SessionHost {
    /// Begins a session.
    pub async fn open(&self, listener: Arc<dyn Listener>) -> Result<Session, Failure> {
        let (run, driving) =
            begin(&self.folders, &self.clock, &self.journal, &self.settings.profile.name).await?;
        let recorder = JournalRecorder::new(Arc::clone(&self.journal), run.clone(), Arc::clone(&self.clock));
        let recorder: Arc<dyn Recorder> = Arc::new(recorder);
        let session = self.assemble(run, driving, Arc::clone(&recorder), 0, listener);
        recorder.record(session.start_event(&self.ready.pins, HOST_VERSION)).await?;
        Ok(session)
    }

    fn assemble(
        &self,
        run: String,
        driving: DrivingLock,
        recorder: Arc<dyn Recorder>,
        observations: u64,
        listener: Arc<dyn Listener>,
    ) -> Session {
        let world = ClusterWorld::new(Arc::clone(&self.connected.cluster), self.settings.namespaces.clone())
            .after_observations(observations)
            .reaching(self.surroundings.clone());
        let context = RunContext::new(Arc::clone(&recorder), Arc::new(world))
            .in_workspace(self.settings.workspace.clone());
        let setup = Setup {
            run: run.clone(),
            profile: Arc::new(self.settings.profile.clone()),
            context: Arc::new(context),
            voice: self.ready.voice.clone().unwrap_or_else(no_voice),
            toolbox: Arc::clone(&self.ready.toolbox),
            desk: Some(self.desk.clone()),
            listener,
            cancel: Cancel::never(),
            system: system_prompt(&self.settings, &self.ready.toolbox),
            limits: self.settings.profile.limits,
        };
        Session {
            run,
            settings: self.settings.clone(),
            conversation: Conversation::new(setup),
            recorder,
            answer: None,
            _held: Held { _driving: Some(driving), _connected: Some(Arc::clone(&self.connected)) },
        }
    }
}

fn no_voice() -> Voice {
    Voice { model: None, name: String::new(), window: 0 }
}

impl Session {
    /// The id, by which it is taken up again.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.run
    }

    /// One turn, from what the person says to the answer. `cancel` ends the
    /// turn, not the session.
    pub async fn say(&mut self, text: &str, cancel: Cancel) -> Result<TurnFlow, Failure> {
        let flow = self.conversation.turn(text, cancel).await?;
        self.keep(&flow);
        Ok(flow)
    }

    fn keep(&mut self, flow: &TurnFlow) {
        match flow {
            TurnFlow::Ended(TurnEnd::Answered { text, .. }) => self.answer = Some(text.clone()),
            TurnFlow::Ended(TurnEnd::Limit { text, .. }) if !text.is_empty() => {
                self.answer = Some(text.clone());
            }
            _ => {}
        }
    }

    /// Takes the last turn back; its number, where there was one.
    pub async fn undo(&mut self) -> Result<Option<u32>, Failure> {
        self.conversation.undo().await
    }

    /// Turns so far.
    #[must_use]
    pub fn turns(&self) -> u32 {
        self.conversation.turns()
    }

    /// `PROVIDER/NAME` of the model that answers.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.conversation.voice().name
    }

    /// What the model may call.
    #[must_use]
    pub fn tools(&self) -> Vec<ToolSpec> {
        self.conversation.toolbox().specs().to_vec()
    }

    /// What it has used so far.
    #[must_use]
    pub fn usage(&self) -> SessionEvent {
        self.conversation.usage()
    }

    /// Where the cluster is, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.settings.place
    }

    /// Leaves the session to be taken up later.
    pub async fn park(&mut self) -> Result<(), Failure> {
        let report = serde_json::to_value(self.report()).unwrap_or_default();
        let reason = "it waits for the next message".to_owned();
        self.recorder.record(Event::Parked { reason, report }).await?;
        self.recorder.flush().await
    }

    /// What is known so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let cluster = ReportCluster {
            source: self.settings.source,
            version: None,
            namespaces: self.settings.namespaces.clone(),
        };
        let mut report = Report::new(self.run.clone(), self.settings.profile.name.clone(), cluster);
        report.outcome = Outcome::Answered;
        report.answer.clone_from(&self.answer);
        let (spent, models) = (self.conversation.spent, self.conversation.spending);
        report.usage = Usage {
            model_calls: models.calls,
            input_tokens: models.input,
            output_tokens: models.output,
            cost_usd: models.cost_usd,
            tool_calls: spent.tool_calls,
            plugin_calls: spent.plugin_calls,
            wall_ms: spent.wall_ms,
        };
        report
    }

    fn start_event(&self, pins: &[PluginPin], host_version: &str) -> Event {
        Event::RunStarted {
            profile: self.settings.profile.name.clone(),
            settings: serde_json::to_value(&self.settings).unwrap_or_default(),
            cluster: self.settings.place.clone(),
            host_version: host_version.to_owned(),
            plugins: pins.to_vec(),
        }
    }
}

impl Sickbay {
    /// Makes ready what the sessions of a profile share.
    pub async fn sessions(&self, request: SessionRequest) -> Result<SessionHost, Failure> {
        let profile = &request.profile;
        check_talks(profile)?;
        let namespaces = request.namespaces.clone().unwrap_or_else(|| profile.cluster.namespaces.clone());
        // `host` finds the journal open.
        let (_, ready, connected) = tokio::try_join!(
            Box::pin(self.journal()),
            Box::pin(self.ready(profile)),
            connect::connect(&request.cluster, &namespaces, Access::Read, &self.clock, &self.watcher)
        )?;
        let settings = RunSettings {
            profile: profile.clone(),
            namespaces,
            question: None,
            source: connected.source,
            place: connected.place.clone(),
            not_read: connected.not_read.clone(),
            cluster: Some(request.cluster.clone()),
            identity: connected.identity.clone(),
            reach: Reach::PlanOnly,
            policy: None,
            voice: ready.voice_settings(),
            session: true,
            workspace: request.workspace.clone(),
        };
        self.host(ready, settings, connected).await
    }

    async fn host(
        &self,
        ready: Ready,
        settings: RunSettings,
        connected: Connected,
    ) -> Result<SessionHost, Failure> {
        let journal = self.journal().await?;
        Ok(SessionHost {
            folders: self.folders.clone(),
            clock: Arc::clone(&self.clock),
            desk: self.desk(&journal, &settings.profile),
            surroundings: self.surroundings(&ready)?,
            journal,
            ready,
            settings,
            connected: Arc::new(connected),
        })
    }

    /// Takes a session up again. What was interrupted in a turn goes on, and
    /// nothing that ended is done a second time.
    pub async fn resume_session(
        &self,
        id: &str,
        cluster: Option<ClusterChoice>,
        listener: Arc<dyn Listener>,
    ) -> Result<(Session, Option<TurnFlow>), Failure> {
        let journal = self.journal().await?;
        let run = journal.run(id).await.map_err(|error| store_failure(&error))?.run;
        let driving = DrivingLock::take(&self.folders, &run)?;
        let entries = read_all(&*journal, &run).await.map_err(|error| store_failure(&error))?;
        let Some((settings, host_version, pins)) = entries.first().and_then(start_of) else {
            return Err(Failure::failed(format!("run `{run}` does not begin with its settings"))
                .with_hint("it was killed before it began, or its journal is damaged; start a new one"));
        };
        let settings: RunSettings = serde_json::from_value(settings).map_err(|error| {
            Failure::failed(format!("the settings of run `{run}` can not be read: {error}"))
                .with_hint("it was perhaps recorded by another version of sickbay")
        })?;
        if !settings.session {
            return Err(Failure::usage(format!("run `{run}` is no session"))
                .with_hint(format!("`sickbay runs resume {run}` goes on with it")));
        }
        let Some(place) = cluster.or_else(|| settings.cluster.clone()) else {
            return Err(Failure::failed(format!("session `{run}` does not say how its cluster is reached"))
                .with_hint("name it with `--kubeconfig` or `--recorded`"));
        };
        let (ready, connected) = tokio::try_join!(
            self.ready_again(&settings, &pins),
            connect::connect(&place, &settings.namespaces, Access::Read, &self.clock, &self.watcher)
        )?;
        let (past, dropped) = Past::of(&entries).settled();
        let live = JournalRecorder::new(Arc::clone(&journal), run.clone(), Arc::clone(&self.clock));
        let recorder: Arc<dyn Recorder> =
            Arc::new(ResumingRecorder::new(past, dropped, live, HOST_VERSION.to_owned()));
        let host = self.host(ready, settings, connected).await?;
        let mut session =
            host.assemble(run, driving, Arc::clone(&recorder), observations(&entries), listener);
        recorder.record(session.start_event(&pins, &host_version)).await?;
        let last = self.catch_up(&mut session, Reaches::Models).await?;
        Ok((session, last))
    }

    /// Another model for the turns to come; the history stays.
    pub async fn change_model(&self, session: &mut Session, model: &str) -> Result<(), Failure> {
        let voice = self.voice(session, model).await?;
        session.conversation.change_model(voice).await
    }

    async fn voice(&self, session: &Session, model: &str) -> Result<Voice, Failure> {
        let Some((provider, name)) = model.split_once('/') else {
            return Err(Failure::usage(format!("`{model}` is not a model of the form `PROVIDER/NAME`"))
                .with_hint("`sickbay models list` shows those that are known"));
        };
        let mut profile = session.settings.profile.clone();
        // What the profile says of endpoint and key is said of its own provider.
        if profile.model.provider.as_deref() != Some(provider) {
            profile.model = sickbay_core::profile::ModelSettings::default();
        }
        profile.model.provider = Some(provider.to_owned());
        profile.model.name = Some(name.to_owned());
        self.voice_of(&profile).await
    }

    /// Goes over what the journal tells; how the last turn ended.
    async fn catch_up(&self, session: &mut Session, reaches: Reaches) -> Result<Option<TurnFlow>, Failure> {
        let mut last = None;
        while let Some(event) = session.conversation.recorder_foretells() {
            match event {
                Event::TurnStarted { input, .. } => {
                    last = Some(session.say(&input, self.cancel.clone()).await?);
                }
                Event::TurnUndone { .. } => {
                    session.undo().await?;
                }
                Event::ModelChanged { provider, model, window } => {
                    let name = format!("{provider}/{model}");
                    let mut voice = match reaches {
                        Reaches::Models => self.voice(session, &name).await?,
                        Reaches::Nothing => Voice { model: None, name, window },
                    };
                    voice.window = window;
                    session.conversation.change_model(voice).await?;
                }
                other => {
                    return Err(Failure::failed(format!(
                        "the session goes on with a `{}`, which does not stand between turns",
                        other.kind()
                    ))
                    .with_hint("its journal is damaged, or of another version of sickbay"));
                }
            }
        }
        Ok(last)
    }

    /// Finishes the turn of a session that waited for a decision, or was interrupted.
    pub(crate) async fn finish_session(&self, run: &str) -> Result<RunEnd, Failure> {
        let (mut session, last) = self.resume_session(run, None, Arc::clone(&self.listener)).await?;
        let parked = match last {
            Some(TurnFlow::Parked(reason)) => Some(reason),
            _ => None,
        };
        session.park().await?;
        Ok(RunEnd { report: session.report(), parked })
    }

    /// The turns of a session once more, from its journal alone.
    pub(crate) async fn replay_session(&self, drive: Drive) -> Result<(), Failure> {
        let Drive { run, settings, host_version, ready, context, .. } = drive;
        let recorder = Arc::clone(&context.recorder);
        let setup = Setup {
            run: run.clone(),
            profile: Arc::new(settings.profile.clone()),
            context,
            voice: ready.voice.clone().unwrap_or_else(no_voice),
            toolbox: Arc::clone(&ready.toolbox),
            desk: None,
            listener: Arc::new(NobodyListens),
            cancel: Cancel::never(),
            system: system_prompt(&settings, &ready.toolbox),
            limits: settings.profile.limits,
        };
        let mut session = Session {
            run,
            settings,
            conversation: Conversation::new(setup),
            recorder: Arc::clone(&recorder),
            answer: None,
            _held: Held { _driving: None, _connected: None },
        };
        recorder.record(session.start_event(&ready.pins, &host_version)).await?;
        self.catch_up(&mut session, Reaches::Nothing).await.map(|_| ())
    }
}

/// Whether the journal is all there is.
#[derive(Clone, Copy)]
enum Reaches {
    Models,
    Nothing,
}

/// Only a conversation has turns.
fn check_talks(profile: &Profile) -> Result<(), Failure> {
    if profile.loop_kind == LoopKind::React {
        return Ok(());
    }
    Err(Failure::usage(format!("profile `{}` runs through stages and holds no conversation", profile.name))
        .with_hint("name one with `loop = \"react\"`, such as `chat`"))
}
