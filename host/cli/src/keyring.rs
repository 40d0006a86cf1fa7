//! The system's keyring: the Keychain of macOS, the Secret Service of a Linux desktop.

use async_trait::async_trait;
use sickbay_core::{secret::Secret, text::clean_line};
use sickbay_runtime::Keyring;

#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemKeyring;

#[async_trait]
impl Keyring for SystemKeyring {
    async fn get(&self, name: &str) -> Result<Option<Secret>, String> {
        with_entry(name, |entry| match entry.get_password() {
            Ok(value) => Ok(Some(Secret::new(value))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn set(&self, name: &str, secret: &Secret) -> Result<(), String> {
        let secret = secret.clone();
        with_entry(name, move |entry| entry.set_password(secret.reveal())).await
    }

    async fn remove(&self, name: &str) -> Result<(), String> {
        with_entry(name, |entry| match entry.delete_credential() {
            Err(keyring_core::Error::NoEntry) => Ok(()),
            done => done,
        })
        .await
    }
}

/// The service under which the keyring shows what is ours.
const SERVICE: &str = "sickbay";

/// On a thread of its own: a keyring may ask the person to unlock it.
async fn with_entry<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(&keyring_core::Entry) -> keyring_core::Result<T> + Send + 'static,
) -> Result<T, String> {
    let name = name.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        let entry = store::entry(SERVICE, &name)?;
        work(&entry)
    });
    match done.await {
        Ok(done) => done.map_err(|error| clean_line(&error.to_string(), 200)),
        Err(_) => Err("it could not be asked".to_owned()),
    }
}

#[cfg(target_os = "linux")]
mod store {
    use keyring_core::{Entry, Result, api::CredentialStoreApi as _};

    pub(super) fn entry(service: &str, name: &str) -> Result<Entry> {
        zbus_secret_service_keyring_store::Store::new()?.build(service, name, None)
    }
}

#[cfg(target_os = "macos")]
mod store {
    use keyring_core::{Entry, Result, api::CredentialStoreApi as _};

    pub(super) fn entry(service: &str, name: &str) -> Result<Entry> {
        apple_native_keyring_store::keychain::Store::new()?.build(service, name, None)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod store {
    use keyring_core::{Entry, Error, Result};

    pub(super) fn entry(_service: &str, _name: &str) -> Result<Entry> {
        Err(Error::NotSupportedByStore("no keyring of this system is known here".to_owned()))
    }
}
