//! What a provider plugin says of itself, and what it turns requests and
//! response bytes into: the WIT interface `model-provider` as plain values.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{StopReason, Usage};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelInfo {
    pub name: String,
    /// Tokens; 0 where it is not known.
    pub context_window: u32,
    /// Tokens; 0 where it is not known.
    pub output_limit: u32,
    pub tools: bool,
    pub images: bool,
    pub thinking: bool,
    pub structured_output: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Auth {
    None,
    Header { name: String, prefix: String, secret_name: String },
    Sigv4 { service: String, secret_name: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderInfo {
    pub description: String,
    pub models: Vec<ModelInfo>,
    /// Empty where no network is needed.
    pub default_endpoint: String,
    pub auth: Auth,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "exchange", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Exchange {
    Http { method: String, path: String, headers: Vec<(String, String)>, body: Vec<u8> },
    Events { events: Vec<ProviderEvent> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum ProviderEvent {
    Started { id: Option<String>, model: Option<String> },
    Text { text: String },
    Thinking { text: String, signature: Option<String>, redacted: Option<String> },
    ToolCallStart { index: u32, id: String, name: String },
    ToolCallArguments { index: u32, fragment: String },
    Usage { usage: Usage },
    Stop { reason: StopReason },
    Raw { value: Value },
}
