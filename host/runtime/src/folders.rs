//! Where Sickbay keeps its things: config, data and cache, by the platform's
//! conventions, or all three below one folder.

use std::path::{Path, PathBuf};

use crate::error::Failure;

/// The three folders. Nothing is created before it is needed.
#[derive(Clone, Debug)]
pub struct Folders {
    pub config: PathBuf,
    pub data: PathBuf,
    pub cache: PathBuf,
}

impl Folders {
    /// All below `home` (what `SICKBAY_HOME` names), or the platform's own.
    pub fn resolve(home: Option<&Path>) -> Result<Self, Failure> {
        if let Some(home) = home {
            return Ok(Self {
                config: home.join("config"),
                data: home.join("data"),
                cache: home.join("cache"),
            });
        }
        let dirs = directories::ProjectDirs::from("dev", "sickbay", "sickbay").ok_or_else(|| {
            Failure::failed("can not find this user's home folder")
                .with_hint("set SICKBAY_HOME to a folder that Sickbay may write to")
        })?;
        Ok(Self {
            config: dirs.config_dir().to_owned(),
            data: dirs.data_dir().to_owned(),
            cache: dirs.cache_dir().to_owned(),
        })
    }

    /// The user's own profiles.
    #[must_use]
    pub fn profiles(&self) -> PathBuf {
        self.config.join("profiles")
    }

    /// The model of all profiles that name none.
    #[must_use]
    pub fn defaults(&self) -> PathBuf {
        self.config.join("defaults.toml")
    }

    /// What the user typed into conversations.
    #[must_use]
    pub fn chat_history(&self) -> PathBuf {
        self.data.join("chat-history")
    }

    /// What is installed, and what it may do.
    #[must_use]
    pub fn plugin_lock(&self) -> PathBuf {
        self.config.join("plugins.lock")
    }

    /// Installed components, each under its digest.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.data.join("plugins")
    }

    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.data.join("journal.db")
    }

    /// Locks of the runs that are being driven.
    #[must_use]
    pub fn driving(&self) -> PathBuf {
        self.data.join("driving")
    }

    /// Compiled plugins.
    #[must_use]
    pub fn compiled(&self) -> PathBuf {
        self.cache.join("compiled")
    }

    /// The digests of the profiles outside the user's folder that may run.
    #[must_use]
    pub fn trusted_profiles(&self) -> PathBuf {
        self.config.join("trusted.toml")
    }
}
