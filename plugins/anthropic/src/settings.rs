//! The plugin's settings in the profile; `lib.rs` lists them.

use sickbay_plugin::types::Error;
use sickbay_wire::settings::Entries;

use crate::NAME;

/// The newest version whose requests may hold a temperature is before this one.
const NO_SAMPLING_FROM: &str = "2026-10-21";

/// How long the provider keeps the prefix of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    Off,
    FiveMinutes,
    OneHour,
}

/// In which form thinking is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingForm {
    /// As the model's name says.
    ByModel,
    Budget,
    Adaptive,
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    pub version: String,
    pub beta: Option<String>,
    pub cache: Cache,
    pub thinking: ThinkingForm,
    pub path: String,
}

impl Settings {
    /// Reads what the profile sets.
    ///
    /// # Errors
    /// Where a key is not known or a value is none that it may have.
    pub fn new(entries: Vec<(String, String)>) -> Result<Self, Error> {
        let entries = Entries::new(NAME, entries, &["version", "beta", "cache", "thinking", "path"])?;
        Ok(Self {
            version: entries.header("version")?.unwrap_or("2023-06-01").to_owned(),
            beta: entries.header("beta")?.map(str::to_owned),
            cache: match entries.one_of("cache", &["5m", "1h", "off"])? {
                "off" => Cache::Off,
                "1h" => Cache::OneHour,
                _ => Cache::FiveMinutes,
            },
            thinking: match entries.one_of("thinking", &["auto", "budget", "adaptive"])? {
                "budget" => ThinkingForm::Budget,
                "adaptive" => ThinkingForm::Adaptive,
                _ => ThinkingForm::ByModel,
            },
            path: entries.path("path", "/v1/messages")?,
        })
    }

    /// Whether the API of this version takes a temperature. Versions are dates, so that their text orders them.
    #[must_use]
    pub fn takes_temperature(&self) -> bool {
        self.version.as_str() < NO_SAMPLING_FROM
    }

    /// The headers that every request has.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("anthropic-version".to_owned(), self.version.clone()),
        ];
        headers.extend(self.beta.clone().map(|beta| ("anthropic-beta".to_owned(), beta)));
        headers
    }
}
