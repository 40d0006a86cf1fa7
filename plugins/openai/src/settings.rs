//! The plugin's settings in the profile; `lib.rs` lists them.

use sickbay_plugin::types::Error;
use sickbay_wire::settings::Entries;

use crate::NAME;

/// Which field limits the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitField {
    ByModel,
    MaxCompletionTokens,
    MaxTokens,
}

/// Whether something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    On,
    Off,
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub path: String,
    pub limit_field: LimitField,
    pub effort: Switch,
    pub usage: Switch,
    pub system_role: String,
    /// The field of a message in which the model's own thinking goes back to it.
    pub thinking_field: Option<String>,
}

impl Settings {
    /// Reads what the profile sets.
    ///
    /// # Errors
    /// Where a key is not known or a value is none that it may have.
    pub fn new(entries: Vec<(String, String)>) -> Result<Self, Error> {
        let known = ["path", "max-tokens-field", "effort", "usage", "system-role", "thinking-field"];
        let entries = Entries::new(NAME, entries, &known)?;
        let switch = |value: &str| if value == "off" { Switch::Off } else { Switch::On };
        Ok(Self {
            path: entries.path("path", "/chat/completions")?,
            limit_field: match entries
                .one_of("max-tokens-field", &["auto", "max_completion_tokens", "max_tokens"])?
            {
                "max_tokens" => LimitField::MaxTokens,
                "max_completion_tokens" => LimitField::MaxCompletionTokens,
                _ => LimitField::ByModel,
            },
            effort: switch(entries.one_of("effort", &["auto", "off"])?),
            usage: switch(entries.one_of("usage", &["on", "off"])?),
            thinking_field: Some(
                entries.one_of("thinking-field", &["off", "reasoning_content", "reasoning"])?.to_owned(),
            )
            .filter(|field| field != "off"),
            system_role: entries.one_of("system-role", &["system", "developer"])?.to_owned(),
        })
    }
}
