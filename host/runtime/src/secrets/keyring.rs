//! The system's own place for secrets, handed in by the program: nothing here
//! knows one.

use std::fmt;

use async_trait::async_trait;
use sickbay_core::secret::Secret;

/// A keyring, as the desktop or the system has it. The errors are sentences
/// that never hold the secret.
#[async_trait]
pub trait Keyring: Send + Sync + fmt::Debug {
    /// None where it holds no secret of that name.
    async fn get(&self, name: &str) -> Result<Option<Secret>, String>;

    /// In place of one of that name.
    async fn set(&self, name: &str, secret: &Secret) -> Result<(), String>;

    /// Also where there is none.
    async fn remove(&self, name: &str) -> Result<(), String>;
}

/// Where there is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoKeyring;

const NONE: &str = "this system has none that is known here";

#[async_trait]
impl Keyring for NoKeyring {
    async fn get(&self, _name: &str) -> Result<Option<Secret>, String> {
        Err(NONE.to_owned())
    }

    async fn set(&self, _name: &str, _secret: &Secret) -> Result<(), String> {
        Err(NONE.to_owned())
    }

    async fn remove(&self, _name: &str) -> Result<(), String> {
        Err(NONE.to_owned())
    }
}
