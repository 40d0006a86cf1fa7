//! What guests may import: one file per power, each a thin turn from the
//! import's types into an `Ask` and back. Nothing here decides anything.

mod cluster;
mod config;
pub(crate) mod convert;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod kv;
mod logging;
mod model;
mod process;
pub(crate) mod random;
pub(crate) mod standard;

use sickbay_core::error::{CallError, ErrorKind};
use wasmtime::component::{HasSelf, Linker};

use crate::{bindings::imports, state::State};

/// Every interface that a plugin can import from this host. Made once per engine.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    imports::wasi::logging::logging::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    imports::wasi::config::store::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    imports::wasi::keyvalue::store::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    imports::sickbay::plugin::types::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    imports::sickbay::plugin::model_types::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    imports::sickbay::plugin::cluster::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    imports::sickbay::plugin::model::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    imports::sickbay::plugin::process::add_to_linker::<_, HasSelf<State>>(linker, |state| state)?;
    // Random numbers come from the call's seed, so that a replay sees the same ones.
    linker.allow_shadowing(true);
    random::link(linker)?;
    // And files from behind our own rules.
    files::link(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

// Types alone; they have no functions to answer.
impl imports::sickbay::plugin::types::Host for State {}
impl imports::sickbay::plugin::model_types::Host for State {}

/// The standard interfaces that [`link`] gives, without their versions.
pub(crate) const STANDARD: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:config/store",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:http/outgoing-handler",
    "wasi:http/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:keyvalue/store",
    "wasi:logging/logging",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// Our own interfaces that [`link`] gives, without package and version.
pub(crate) const OWN: &[&str] = &["types", "model-types", "cluster", "model", "process"];

/// An answer that does not fit its ask: a fault of the host's dispatcher, told as an error rather than a panic.
fn misfit(ask: &str) -> CallError {
    CallError::new(ErrorKind::Internal, "misfit", format!("the host's answer to `{ask}` has the wrong shape"))
}
