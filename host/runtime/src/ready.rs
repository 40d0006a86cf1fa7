//! What a profile needs to run, looked up and loaded: plugins with their
//! terms, its model, its tools, and the agents that it may hand work to.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use sickbay_core::{
    capability::Capability,
    event::PluginPin,
    limits::{CallLimits, Function},
    plugin::PluginKind,
    profile::{LoopKind, Profile, StageKind, ToolApproval},
    text::clean_line,
    tool::ToolSpec,
};
use sickbay_engine::{CallContext, Cancel, DenyAll};
use sickbay_gateway::{Gateway, Model};
use sickbay_mcp::{HubSettings, McpHub, McpSettings};

use crate::{
    converse::{AgentParts, ToolBox, ToolSources, Voice},
    dispatcher::PluginTerms,
    drive::{ReadyPlugin, RunSettings},
    error::Failure,
    plugins::sentence,
    profiles,
    sickbay::{HOST_VERSION, Sickbay, plugin_grants},
};

/// What a program needs of the environment to run at all.
const NEEDED: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR"];
/// Agents inside agents at most.
const DEEPEST: usize = 3;

/// A profile's parts. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Ready {
    /// By the name under which the profile calls them.
    pub(crate) plugins: BTreeMap<String, ReadyPlugin>,
    pub(crate) pins: Vec<PluginPin>,
    /// None where the profile uses no model.
    pub(crate) voice: Option<Voice>,
    pub(crate) toolbox: Arc<ToolBox>,
    pub(crate) agents: BTreeMap<String, Arc<AgentParts>>,
}

/// The model of a run, as it stands in its journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VoiceSettings {
    /// `PROVIDER/NAME`
    pub name: String,
    /// Tokens; 0: not known.
    pub window: u64,
}

impl Ready {
    pub(crate) fn voice_settings(&self) -> Option<VoiceSettings> {
        self.voice.as_ref().map(|voice| VoiceSettings { name: voice.name.clone(), window: voice.window })
    }

    /// The model that plugins ask.
    pub(crate) fn model(&self) -> Option<Arc<dyn Model>> {
        self.voice.as_ref().and_then(|voice| voice.model.clone())
    }
}

impl Sickbay {
    /// Looks up and loads everything that the profile names, and starts its MCP servers.
    pub(crate) async fn ready(&self, profile: &Profile) -> Result<Ready, Failure> {
        self.ready_at(profile, &[]).await
    }

    async fn ready_at(&self, profile: &Profile, callers: &[String]) -> Result<Ready, Failure> {
        let catalogue = self.catalogue()?;
        let wanted = self.plugins_of(&catalogue, profile)?;
        let loading = self.load(&catalogue, &wanted);
        let (loaded, voice) = if talks(profile) {
            let (loaded, voice) = tokio::try_join!(loading, self.voice_of(profile))?;
            (loaded, Some(voice))
        } else {
            (loading.await?, None)
        };
        let (mut plugins, mut pins) = (BTreeMap::new(), Vec::new());
        for (known, loaded) in wanted.iter().zip(loaded) {
            let grants = plugin_grants(&catalogue, known, profile);
            pins.push(PluginPin {
                name: known.locked.name.clone(),
                version: known.locked.version.clone(),
                digest: known.locked.digest.clone(),
                grants: grants.effective(),
            });
            let config = profile.tools.config_of(&known.locked.name);
            let terms = Arc::new(PluginTerms { grants, config });
            plugins.insert(known.locked.name.clone(), ReadyPlugin { loaded, terms });
        }
        self.ready_with(profile, Ready { plugins, pins, voice, ..Ready::default() }, callers).await
    }

    /// With plugins that were loaded before, and perhaps a model.
    pub(crate) async fn ready_with(
        &self,
        profile: &Profile,
        mut ready: Ready,
        callers: &[String],
    ) -> Result<Ready, Failure> {
        if ready.voice.is_none() && uses_model(profile, &ready.plugins) {
            ready.voice = Some(self.voice_of(profile).await?);
        }
        let mut sources =
            ToolSources { plugins: tools_of(profile, &ready.plugins).await?, ..ToolSources::default() };
        for (name, agent) in self.agents_of(profile, callers).await? {
            sources.agents.push((name.clone(), Arc::clone(&agent)));
            ready.agents.insert(name, agent);
        }
        sources.mcp = self.servers_of(profile).await?;
        ready.toolbox = Arc::new(ToolBox::new(sources, profile.tools.clone()));
        for note in ready.toolbox.notes() {
            tracing::warn!("{note}");
        }
        check_calls(profile, &ready.toolbox)?;
        Ok(ready)
    }

    /// The profile without the strategies that can only ask a model, where it
    /// names none; and what was left out. Strategies that are all it has stay,
    /// and say themselves what they miss.
    pub(crate) fn without_models(&self, profile: &Profile) -> Result<(Profile, Vec<String>), Failure> {
        if profile.model.provider.is_some() || self.model.is_some() {
            return Ok((profile.clone(), Vec::new()));
        }
        let catalogue = self.catalogue()?;
        let needs_model = |name: &String| {
            catalogue.get(name).is_ok_and(|plugin| plugin.locked.requested.contains(&Capability::Model))
        };
        let (without, with): (Vec<String>, Vec<String>) =
            profile.diagnosis.strategies.iter().cloned().partition(|name| !needs_model(name));
        if with.is_empty() || without.is_empty() {
            return Ok((profile.clone(), Vec::new()));
        }
        let notes = with
            .iter()
            .map(|name| format!("strategy `{name}` was left out: the profile names no model"))
            .collect();
        let mut profile = profile.clone();
        profile.diagnosis.strategies = without;
        Ok((profile, notes))
    }

    async fn agents_of(
        &self,
        profile: &Profile,
        callers: &[String],
    ) -> Result<Vec<(String, Arc<AgentParts>)>, Failure> {
        let mut agents = Vec::new();
        let mut callers = callers.to_vec();
        callers.push(profile.name.clone());
        for (name, agent) in &profile.agents {
            if callers.contains(&agent.profile) {
                return Err(Failure::usage(format!(
                    "profile `{}` hands over to `{}`, which would hand over in a circle",
                    profile.name, agent.profile
                ))
                .with_hint("let an agent name only profiles that do not lead back to it"));
            }
            if callers.len() > DEEPEST {
                return Err(Failure::usage(format!(
                    "profile `{}` is an agent of an agent of an agent, and has agents itself",
                    profile.name
                ))
                .with_hint(format!("agents may stand in each other {DEEPEST} deep")));
            }
            let resolved =
                profiles::load_trusted(&self.folders, &agent.profile, &[]).map_err(|mut failure| {
                    failure.message =
                        format!("agent `{name}` of profile `{}`: {}", profile.name, failure.message);
                    failure
                })?;
            let mut inner = resolved.profile;
            // Nobody is asked inside a call: an agent looks, and says what should be done.
            inner.tools.approval = ToolApproval::Never;
            let ready = Box::pin(self.ready_at(&inner, &callers)).await?;
            let settings = RunSettings::of_agent(&inner, ready.voice_settings());
            agents.push((
                name.clone(),
                Arc::new(AgentParts {
                    description: agent.description.clone(),
                    profile: inner,
                    ready,
                    settings,
                    host_version: HOST_VERSION.to_owned(),
                }),
            ));
        }
        Ok(agents)
    }

    async fn servers_of(&self, profile: &Profile) -> Result<Option<Arc<McpHub>>, Failure> {
        if profile.mcp.is_empty() {
            return Ok(None);
        }
        let lookup = |name: &str| self.outward.variables.get(name).map(|value| value.reveal().to_owned());
        let mut servers = Vec::with_capacity(profile.mcp.len());
        for (name, server) in &profile.mcp {
            servers.push(McpSettings::from_profile(name, server, lookup).map_err(|missing| {
                Failure::usage(format!("MCP server `{name}` of profile `{}`: {missing}", profile.name))
                    .with_hint("set the variable, or leave the server out of the profile")
            })?);
        }
        let mut settings = HubSettings::default();
        settings.egress = Some(self.outward.egress()?);
        settings.environment =
            NEEDED.iter().filter_map(|name| Some(((*name).to_owned(), lookup(name)?))).collect();
        let hub = McpHub::start(servers, settings).await;
        for status in hub.statuses() {
            for note in &status.notes {
                tracing::warn!("MCP server `{}`: {note}", status.name);
            }
        }
        Ok(Some(Arc::new(hub)))
    }
}

/// The first model of the gateway speaks for the run.
pub(crate) fn voice_of(gateway: Arc<Gateway>) -> Voice {
    let first = gateway.routes().next();
    let name = first.map(sickbay_gateway::Route::full_name).unwrap_or_default();
    let window = first.and_then(|route| route.windows.context).map_or(0, u64::from);
    Voice { name, window, model: Some(gateway) }
}

/// Whether the profile itself is led by a model.
fn talks(profile: &Profile) -> bool {
    profile.loop_kind == LoopKind::React
        || profile.stages().iter().any(|stage| stage.kind == StageKind::Model)
}

/// Whether anything of the profile asks a model. A strategy that could use one
/// does without where the profile names none.
fn uses_model(profile: &Profile, plugins: &BTreeMap<String, ReadyPlugin>) -> bool {
    let asks = plugins.values().any(|plugin| {
        plugin.loaded.is(PluginKind::Diagnosis)
            && plugin.loaded.inspection().manifest.capabilities.contains(&Capability::Model)
    });
    talks(profile) || (asks && profile.model.provider.is_some())
}

/// Refuses what a stage could not call: what plugins and agents take is known
/// before the run begins. A server may list its tools, or others, later.
fn check_calls(profile: &Profile, toolbox: &ToolBox) -> Result<(), Failure> {
    for stage in profile.stages() {
        for call in &stage.calls {
            let wrong = |what: &str| {
                Failure::usage(format!("stage `{}` of profile `{}`: {what}", stage.name, profile.name))
            };
            let owner = call.tool.split_once("__").map_or("", |(owner, _)| owner);
            match toolbox.get(&call.tool) {
                _ if profile.mcp.contains_key(owner) => {}
                None => return Err(wrong(&toolbox.unknown(&call.tool))),
                Some(offered) => {
                    if let Some(complaint) = offered.complaint(&call.arguments) {
                        let schema = &offered.spec.input_schema;
                        return Err(wrong(&format!("`{}`: {complaint}", call.tool))
                            .with_hint(format!("the schema is {}", clean_line(&schema.to_string(), 2_000))));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Each tool plugin of the profile with what it lists.
async fn tools_of(
    profile: &Profile,
    plugins: &BTreeMap<String, ReadyPlugin>,
) -> Result<Vec<(Arc<ReadyPlugin>, Vec<ToolSpec>)>, Failure> {
    let mut all = Vec::new();
    for name in &profile.tools.plugins {
        let Some(plugin) = plugins.get(name) else { continue };
        let context = CallContext {
            limits: CallLimits::of(Function::Describe).for_interpreter(),
            outside: Arc::new(DenyAll),
            cancel: Cancel::never(),
            now_ms: 0,
            seed: 0,
        };
        let specs = plugin.loaded.tools(context).await.result.map_err(|failure| {
            Failure::failed(format!("plugin `{name}` does not list its tools: {}", sentence(&failure)))
        })?;
        all.push((Arc::new(plugin.clone()), specs));
    }
    Ok(all)
}

/// The parts of a run that is replayed: its plugins, and no model or server.
pub(crate) async fn recorded(
    profile: &Profile,
    plugins: BTreeMap<String, ReadyPlugin>,
    pins: Vec<PluginPin>,
    voice: Option<VoiceSettings>,
) -> Result<Ready, Failure> {
    let sources = ToolSources { plugins: tools_of(profile, &plugins).await?, ..ToolSources::default() };
    Ok(Ready {
        toolbox: Arc::new(ToolBox::new(sources, profile.tools.clone())),
        plugins,
        pins,
        voice: voice.map(|voice| Voice { model: None, name: voice.name, window: voice.window }),
        agents: BTreeMap::new(),
    })
}
