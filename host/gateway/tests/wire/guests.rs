//! The provider plugins that are tested with, built once per process.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, OnceLock},
};

use sickbay_engine::{Engine, EngineSettings, LoadedPlugin};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let cache = workspace().join("target/plugins/native");
        Engine::new(EngineSettings { cache_dir: Some(cache), ..EngineSettings::default() }).unwrap()
    })
}

/// The guest of `tests/guests/parrot`.
pub(crate) fn parrot() -> LoadedPlugin {
    loaded("parrot", build_parrot)
}

/// Its bytes, for an engine of a test's own.
pub(crate) fn parrot_bytes() -> Vec<u8> {
    build_parrot()
}

/// A provider that comes with the host.
pub(crate) fn embedded(name: &str) -> LoadedPlugin {
    loaded(name, || sickbay_embedded::plugin(name).unwrap().bytes.to_vec())
}

fn loaded(name: &str, bytes: impl FnOnce() -> Vec<u8>) -> LoadedPlugin {
    static LOADED: OnceLock<Mutex<BTreeMap<String, LoadedPlugin>>> = OnceLock::new();
    let mut loaded = LOADED.get_or_init(Mutex::default).lock().unwrap();
    loaded.entry(name.to_owned()).or_insert_with(|| engine().load(&bytes()).unwrap()).clone()
}

#[expect(clippy::disallowed_methods, reason = "tests build their guest with cargo and read the result")]
fn build_parrot() -> Vec<u8> {
    let root = workspace();
    // The folder that the host's build uses for its own plugins, so that the SDK is compiled once.
    let target = root.join("target/plugins");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&root).stdin(Stdio::null()).args(["build", "--quiet", "--profile", "guest"]);
    cargo.args(["--target", "wasm32-wasip2", "--package", "guest-parrot"]).arg("--target-dir").arg(&target);
    // Flags of the host's build are not for the guest.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"]
    {
        cargo.env_remove(variable);
    }
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read(target.join("wasm32-wasip2/guest/guest_parrot.wasm")).unwrap()
}
