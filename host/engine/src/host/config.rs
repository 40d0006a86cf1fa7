//! `wasi:config/store`: the plugin's settings in the profile.

use sickbay_core::outside::{Answer, Ask};

use super::misfit;
use crate::{
    bindings::imports::wasi::config::store::{Error, Host},
    state::State,
};

impl Host for State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, Error>> {
        Ok(match self.ask(Ask::ConfigGet { key }).await? {
            Answer::Config { value } => Ok(value),
            Answer::Failed { error } => Err(Error::Upstream(error.message)),
            _ => Err(Error::Upstream(misfit("config.get").message)),
        })
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, Error>> {
        Ok(match self.ask(Ask::ConfigAll).await? {
            Answer::ConfigAll { entries } => Ok(entries),
            Answer::Failed { error } => Err(Error::Upstream(error.message)),
            _ => Err(Error::Upstream(misfit("config.get-all").message)),
        })
    }
}
