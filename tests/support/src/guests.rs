//! The guests under `tests/guests`, built once per test process.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "guest";

/// The component of `tests/guests/NAME`.
///
/// # Panics
/// Where the guests can not be built; the message says what to do.
#[must_use]
pub fn guest(name: &str) -> &'static [u8] {
    static GUESTS: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    let guests = GUESTS.get_or_init(|| build().unwrap_or_else(|error| fail(&error)));
    guests.get(name).unwrap_or_else(|| fail(&format!("there is no guest `tests/guests/{name}`")))
}

/// The workspace's folder.
#[must_use]
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

#[expect(clippy::panic, reason = "a test that can not run its guests has failed")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}

#[expect(clippy::disallowed_methods, reason = "tests build their guests with cargo and read the results")]
fn build() -> Result<BTreeMap<String, Vec<u8>>, String> {
    let root = workspace();
    let names: Vec<String> = fs::read_dir(root.join("tests/guests"))
        .map_err(|error| error.to_string())?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| root.join("tests/guests").join(name).join("Cargo.toml").is_file())
        .collect();
    // The folder that the host's build uses for its own plugins, so that the SDK is compiled once.
    let target = root.join("target/plugins");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&root).stdin(Stdio::null()).args(["build", "--quiet", "--target", TARGET]);
    cargo.args(["--profile", PROFILE]).arg("--target-dir").arg(&target);
    for name in &names {
        cargo.arg("--package").arg(format!("guest-{name}"));
    }
    // Flags of the host's build are not for the guests.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTC_WORKSPACE_WRAPPER"]
    {
        cargo.env_remove(variable);
    }
    let output = cargo.output().map_err(|error| format!("cargo can not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "the guests can not be built; if the target is missing, add it with `rustup target add {TARGET}`\n{}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    names
        .into_iter()
        .map(|name| {
            let file = format!("guest_{}.wasm", name.replace('-', "_"));
            let path = target.join(TARGET).join(PROFILE).join(file);
            let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok((name, bytes))
        })
        .collect()
}
