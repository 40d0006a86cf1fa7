//! One engine for a test process, and calls under limits that keep tests quick.

use std::sync::{Arc, OnceLock};

use sickbay_engine::{CallContext, CallLimits, Cancel, Engine, EngineSettings, LoadedPlugin, Outside};

use crate::guests::guest;

/// The engine that all tests of a process share.
///
/// # Panics
/// Where it can not start.
#[expect(clippy::expect_used, reason = "a test without an engine has failed")]
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        // Compiled guests are kept between test processes; the engine checks what it finds there.
        let cache = crate::guests::workspace().join("target/plugins/native");
        Engine::new(EngineSettings { cache_dir: Some(cache), ..EngineSettings::default() })
            .expect("the engine starts")
    })
}

/// A guest, compiled once per process.
///
/// # Panics
/// Where it can not be loaded.
#[expect(clippy::expect_used, reason = "a test without its guest has failed")]
pub fn loaded(name: &str) -> LoadedPlugin {
    static LOADED: OnceLock<std::sync::Mutex<std::collections::HashMap<String, LoadedPlugin>>> =
        OnceLock::new();
    let mut plugins = LOADED
        .get_or_init(std::sync::Mutex::default)
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    plugins
        .entry(name.to_owned())
        .or_insert_with(|| engine().load(guest(name)).expect("the guest is a plugin"))
        .clone()
}

/// Limits that a call is over soon, and well-behaved calls never are.
#[must_use]
pub fn limits() -> CallLimits {
    CallLimits {
        time_ms: 5_000,
        memory_bytes: 64 << 20,
        table_elements: 100_000,
        instances: 100,
        host_calls: 1_000,
        log_bytes: 4 << 10,
        result_bytes: 1 << 20,
        host_copy_bytes: 4 << 20,
    }
}

/// A call's context with these limits.
#[must_use]
pub fn context(limits: CallLimits, outside: impl Outside + 'static) -> CallContext {
    CallContext {
        limits,
        outside: Arc::new(outside),
        cancel: Cancel::never(),
        now_ms: 1_700_000_000_123,
        seed: 7,
    }
}
