//! A loaded plugin and the functions that can be called on it.

use serde_json::Value;
use sickbay_core::{
    diagnosis::{Diagnosis, DiagnosisRequest},
    digest::Digest,
    plugin::{CallFailure, PluginKind},
};

use crate::{
    call::{CallContext, CallEnd},
    inspect::{InspectError, Inspection},
    shapes::{
        provider::{Exchange, ProviderEvent, ProviderInfo},
        remediation::{ActionSpec, Plan, Verdict},
        strategy::StrategyInfo,
        tool::{ToolOutput, ToolSpec},
    },
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

/// Where the native code came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadedFrom {
    Cache,
    Compiler,
}

/// Cheap to clone. Calling a function of a kind that the plugin does not have ends in `CallFailure::Contract`.
#[derive(Clone)]
pub struct LoadedPlugin {}

/// A provider's decoder; lives in one store until it is dropped.
pub struct Decoder {}

#[allow(clippy::unused_async, clippy::unimplemented, unused_variables, reason = "signatures come first")]
impl LoadedPlugin {
    #[must_use]
    pub fn inspection(&self) -> &Inspection {
        unimplemented!()
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
        unimplemented!()
    }

    pub async fn describe_strategy(&self, context: CallContext) -> CallEnd<StrategyInfo> {
        unimplemented!()
    }

    pub async fn diagnose(&self, context: CallContext, request: DiagnosisRequest) -> CallEnd<Diagnosis> {
        unimplemented!()
    }

    pub async fn tools(&self, context: CallContext) -> CallEnd<Vec<ToolSpec>> {
        unimplemented!()
    }

    /// `arguments` is JSON text.
    pub async fn call_tool(&self, context: CallContext, name: &str, arguments: &str) -> CallEnd<ToolOutput> {
        unimplemented!()
    }

    pub async fn actions(&self, context: CallContext) -> CallEnd<Vec<ActionSpec>> {
        unimplemented!()
    }

    pub async fn plan(&self, context: CallContext, action: &str, parameters: &Value) -> CallEnd<Plan> {
        unimplemented!()
    }

    pub async fn verify(&self, context: CallContext, plan: &Plan) -> CallEnd<Verdict> {
        unimplemented!()
    }

    pub async fn describe_provider(&self, context: CallContext) -> CallEnd<ProviderInfo> {
        unimplemented!()
    }

    pub async fn encode(
        &self,
        context: CallContext,
        request: &crate::shapes::model::Request,
    ) -> CallEnd<Exchange> {
        unimplemented!()
    }

    /// Opens a decoder. Each `push` and `finish` has the context's limits of its own.
    pub async fn decoder(
        &self,
        context: CallContext,
        status: u16,
        headers: Vec<(String, String)>,
    ) -> CallEnd<Decoder> {
        unimplemented!()
    }
}

#[allow(clippy::unused_async, clippy::unimplemented, unused_variables, reason = "signatures come first")]
impl Decoder {
    /// After a failure other than `Guest` the decoder is dead and answers the same again.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<Vec<ProviderEvent>, CallFailure> {
        unimplemented!()
    }

    pub async fn finish(self) -> CallEnd<Vec<ProviderEvent>> {
        unimplemented!()
    }
}
