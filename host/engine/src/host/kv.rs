//! `wasi:keyvalue/store`: the plugin's own bucket. Opening one asks; this
//! version of the host keeps none, so that no bucket ever exists.

use sickbay_core::{
    error::ErrorKind,
    outside::{Answer, Ask},
};
use wasmtime::component::Resource;

use crate::{
    bindings::imports::wasi::keyvalue::store::{Error, Host, HostBucket, KeyResponse},
    state::State,
};

/// An open bucket. There is none yet.
#[expect(unreachable_pub, reason = "the generated bindings name it in public items")]
pub enum Bucket {}

fn absent<T>() -> wasmtime::Result<Result<T, Error>> {
    Ok(Err(Error::NoSuchStore))
}

impl Host for State {
    async fn open(&mut self, bucket: String) -> wasmtime::Result<Result<Resource<Bucket>, Error>> {
        Ok(Err(match self.ask(Ask::KvOpen { bucket }).await? {
            Answer::Failed { error } if error.kind == ErrorKind::Denied => Error::AccessDenied,
            Answer::Failed { error } => Error::Other(error.message),
            _ => Error::NoSuchStore,
        }))
    }
}

impl HostBucket for State {
    async fn get(
        &mut self,
        _: Resource<Bucket>,
        _: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        absent()
    }

    async fn set(
        &mut self,
        _: Resource<Bucket>,
        _: String,
        _: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        absent()
    }

    async fn delete(&mut self, _: Resource<Bucket>, _: String) -> wasmtime::Result<Result<(), Error>> {
        absent()
    }

    async fn exists(&mut self, _: Resource<Bucket>, _: String) -> wasmtime::Result<Result<bool, Error>> {
        absent()
    }

    async fn list_keys(
        &mut self,
        _: Resource<Bucket>,
        _: Option<u64>,
    ) -> wasmtime::Result<Result<KeyResponse, Error>> {
        absent()
    }

    async fn drop(&mut self, _: Resource<Bucket>) -> wasmtime::Result<()> {
        Ok(())
    }
}
