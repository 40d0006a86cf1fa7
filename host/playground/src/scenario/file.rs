//! The form of a scenario file, in YAML or TOML. Unknown keys are errors.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::wrong;
use crate::{
    PlaygroundError,
    life::world::{Load, Program, World},
};

/// Bytes of a file that are read.
const MOST_BYTES: usize = 1 << 20;

/// A scenario as it is written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// One line.
    pub description: String,
    /// How a run that may heal ends on it.
    pub ends: Ends,
    /// What its images do, by the image as manifests write it.
    #[serde(default)]
    pub images: BTreeMap<String, Program>,
    /// The work that comes in.
    #[serde(default)]
    pub loads: Vec<Load>,
    /// The manifests of the cluster as it was. Namespaces are made as needed;
    /// without a Node there are two.
    pub objects: Vec<Value>,
    /// What was done since.
    #[serde(default)]
    pub history: Vec<Step>,
    /// How long it is left alone before it is served.
    #[serde(default)]
    pub settle: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ends {
    Healthy,
    Healed,
    Escalated,
    RolledBack,
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Healed => "healed",
            Self::Escalated => "escalated",
            Self::RolledBack => "rolled-back",
        })
    }
}

/// Something that was done to the cluster.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// How long after the step before.
    pub after: Span,
    /// Manifests that were applied.
    #[serde(default)]
    pub apply: Vec<Value>,
    #[serde(default)]
    pub edit: Vec<Edit>,
    #[serde(default)]
    pub delete: Vec<Target>,
}

/// A change of some fields of one object.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edit {
    /// `apps/v1/Deployment`.
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    /// JSON Pointer and value; null takes the field away.
    pub set: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
}

/// Virtual time: `30s`, `10m`, `2h`, `3d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span(i64);

impl Span {
    #[must_use]
    pub fn ms(self) -> i64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.trim().split_at_checked(text.trim().len().checked_sub(1)?)?;
        let factor = match unit {
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        // A month is history enough, and is passed in little time.
        let ms = number.parse::<i64>().ok()?.checked_mul(factor)?;
        (0..=31 * 86_400_000).contains(&ms).then_some(Self(ms))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("`{text}` is no time such as 30s, 10m or 2h, of a month at most"))
        })
    }
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// What is wrong with the text, with a hint for a misspelt key.
    pub fn parse(text: &str) -> Result<Self, PlaygroundError> {
        if text.len() > MOST_BYTES {
            return Err(PlaygroundError {
                message: "the scenario is longer than 1 MiB".to_owned(),
                hint: None,
            });
        }
        if is_toml(text) {
            toml::from_str(text).map_err(|error| wrong::explain(&error.to_string()))
        } else {
            serde_saphyr::from_str(text).map_err(|error| wrong::explain(&error.to_string()))
        }
    }

    /// The outside of its cluster.
    #[must_use]
    pub fn world(&self) -> World {
        World { images: self.images.clone(), loads: self.loads.clone() }
    }
}

/// By the first line that says something.
fn is_toml(text: &str) -> bool {
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).is_some_and(|line| {
        line.starts_with('[')
            || line.split_once('=').is_some_and(|(key, _)| !key.contains(':') && !key.trim().contains(' '))
    })
}
