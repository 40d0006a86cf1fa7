//! A loaded plugin and the functions that can be called on it.

mod diagnosis;
mod provider;
mod remediation;
mod tool;

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
};

use sickbay_core::{
    digest::Digest,
    plugin::{CallFailure, PluginKind},
};
use wasmtime::component::{Component, InstancePre};

pub use self::provider::Decoder;
use crate::{
    bindings,
    call::{CallContext, CallEnd},
    engine::Shared,
    inspect::{InspectError, Inspection},
    machine::Machine,
    meter::Meter,
    run::{Place, Session, Worked, drive, session},
    state::State,
};

/// Why a plugin could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error("the component can not be compiled: {message}")]
    Compile { message: String },
    /// It does not fit the world it claims: a function is missing or has another type.
    #[error("the component does not fit the `{kind}` world: {message}")]
    World { kind: &'static str, message: String },
}

impl LoadError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Inspect(error) => error.hint(),
            Self::Compile { .. } => Some("build the plugin again; the file may be damaged".to_owned()),
            Self::World { .. } => {
                Some(format!("build the plugin with the SDK for `sickbay:plugin@{}`", crate::INTERFACE))
            }
        }
    }
}

/// Where the native code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadedFrom {
    Cache,
    Compiler,
}

/// Cheap to clone. Calling a function of a kind that the plugin does not have ends in `CallFailure::Contract`.
#[derive(Clone)]
pub struct LoadedPlugin(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    machine: Arc<Machine>,
    inspection: Inspection,
    from: LoadedFrom,
    pre: Arc<InstancePre<State>>,
    tool: Option<bindings::tool::ToolIndices>,
    diagnosis: Option<bindings::diagnosis::DiagnosisIndices>,
    remediation: Option<bindings::remediation::RemediationIndices>,
    provider: Option<bindings::provider::ProviderIndices>,
    /// The same provider in the engine for streams alone, once it has one there.
    far: OnceLock<Result<Arc<Seat>, String>>,
}

/// A provider in one engine, ready for decoders.
struct Seat {
    machine: Arc<Machine>,
    pre: Arc<InstancePre<State>>,
    provider: bindings::provider::ProviderIndices,
}

/// What a guest is to do with a fresh session, as a future.
type Work<T> = Pin<Box<dyn Future<Output = Worked<T>> + Send>>;

impl LoadedPlugin {
    pub(crate) fn link(
        shared: Arc<Shared>,
        machine: Arc<Machine>,
        inspection: Inspection,
        component: &Component,
        from: LoadedFrom,
    ) -> Result<Self, LoadError> {
        let misfit = |kind: PluginKind| {
            move |error: wasmtime::Error| LoadError::World {
                kind: kind.as_str(),
                message: format!("{error:#}"),
            }
        };
        let first = inspection.kinds.first().copied().unwrap_or(PluginKind::Tool);
        let pre = machine.linker.instantiate_pre(component).map_err(misfit(first))?;
        let has = |kind| inspection.kinds.contains(&kind);
        Ok(Self(Arc::new(Inner {
            tool: has(PluginKind::Tool)
                .then(|| bindings::tool::ToolIndices::new(&pre))
                .transpose()
                .map_err(misfit(PluginKind::Tool))?,
            diagnosis: has(PluginKind::Diagnosis)
                .then(|| bindings::diagnosis::DiagnosisIndices::new(&pre))
                .transpose()
                .map_err(misfit(PluginKind::Diagnosis))?,
            remediation: has(PluginKind::Remediation)
                .then(|| bindings::remediation::RemediationIndices::new(&pre))
                .transpose()
                .map_err(misfit(PluginKind::Remediation))?,
            provider: has(PluginKind::Provider)
                .then(|| bindings::provider::ProviderIndices::new(&pre))
                .transpose()
                .map_err(misfit(PluginKind::Provider))?,
            pre: Arc::new(pre),
            shared,
            machine,
            inspection,
            from,
            far: OnceLock::new(),
        })))
    }

    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        &self.0.inspection
    }

    /// The manifest's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inspection().manifest.name
    }

    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.inspection().digest
    }

    #[must_use]
    pub fn is(&self, kind: PluginKind) -> bool {
        self.inspection().kinds.contains(&kind)
    }

    #[must_use]
    pub fn loaded_from(&self) -> LoadedFrom {
        self.0.from
    }

    /// Runs one call in a store of its own.
    async fn call<T: Send + 'static>(
        &self,
        context: &CallContext,
        work: impl FnOnce(Arc<Inner>, Session) -> Work<T>,
    ) -> CallEnd<T> {
        let meter = Arc::new(Meter::new(context.limits));
        let session = session(&self.0.machine, &self.0.pre, context, &meter);
        let work = work(Arc::clone(&self.0), session);
        drive(&self.0.shared, &self.0.machine, context, &meter, Place::Needed, work).await
    }
}

impl Session {
    /// A fresh instance of the component.
    async fn instance(&mut self) -> wasmtime::Result<wasmtime::component::Instance> {
        // The deadline is one tick from here, whatever was done before.
        self.store.set_epoch_deadline(1);
        self.pre.instantiate_async(&mut self.store).await
    }
}

/// The plugin has no such world.
fn lacks<T>(kind: PluginKind) -> Worked<T> {
    Ok(Err(CallFailure::Contract { message: format!("the plugin is no `{}` plugin", kind.as_str()) }))
}

/// The component has the world's functions, but with other types.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misfit(pub(crate) String);

fn fits<T>(loaded: wasmtime::Result<T>) -> wasmtime::Result<T> {
    Ok(loaded.map_err(|error| Misfit(format!("the plugin does not fit its world: {error:#}")))?)
}

/// A result that passed through the checks of the contract and the limit of its size.
fn checked<T>(limit: u64, size: usize, value: Result<T, String>) -> Worked<T> {
    if size as u64 > limit {
        return Ok(Err(CallFailure::Limit {
            limit: sickbay_core::plugin::CallLimit::Result,
            allowed: limit,
        }));
    }
    Ok(value.map_err(|message| CallFailure::Contract { message }))
}

fn guest<T>(error: bindings::types::Error) -> Worked<T> {
    Ok(Err(CallFailure::Guest { error: crate::host::convert::from_error(error) }))
}
