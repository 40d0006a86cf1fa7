//! Builds the first-party plugins, so that a plain `cargo build` of the host
//! is all that it takes.
//!
//! Cargo runs inside cargo here. The inner one has a target folder of its own,
//! so that neither waits for the other's lock, and none of the outer one's
//! flags: those are for the host's machine.
#![expect(clippy::disallowed_methods, reason = "a build script reads its environment and starts cargo")]

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use sha2::{Digest, Sha256};

/// Package, and the plugin's name, which is that of its folder too.
const PLUGINS: &[(&str, &str)] = &[
    ("sickbay-rules", "rules"),
    ("sickbay-workload", "workload"),
    ("sickbay-llm", "llm"),
    ("sickbay-provider-anthropic", "anthropic"),
    ("sickbay-provider-gemini", "gemini"),
    ("sickbay-provider-ollama", "ollama"),
    ("sickbay-provider-openai", "openai"),
    ("sickbay-provider-openai-responses", "openai-responses"),
    ("sickbay-provider-scripted", "scripted"),
    ("sickbay-tool-docs", "docs"),
    ("sickbay-tool-http-get", "http-get"),
    ("sickbay-tool-kube", "kube"),
    ("sickbay-tool-prometheus", "prometheus"),
];
const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "guest";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = here.ancestors().nth(2).ok_or("the crate is not inside its workspace")?.to_owned();
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    for (_, name) in PLUGINS {
        println!("cargo::rerun-if-changed={}", root.join("plugins").join(name).display());
    }
    for path in ["plugins/wire", "sdk/rust", "wit", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }

    check_target()?;
    let target = target_folder(&out);
    compile(&root, &target)?;

    let mut list = String::from("&[\n");
    for (package, name) in PLUGINS {
        let file = format!("{}.wasm", package.replace('-', "_"));
        let built = target.join(TARGET).join(PROFILE).join(&file);
        let bytes =
            fs::read(&built).map_err(|error| format!("`{}` was not built: {error}", built.display()))?;
        fs::write(out.join(&file), &bytes)?;
        let mut digest = String::new();
        for byte in Sha256::digest(&bytes) {
            write!(digest, "{byte:02x}")?;
        }
        writeln!(
            list,
            "EmbeddedPlugin {{ name: {name:?}, bytes: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")), \
             sha256: {digest:?} }},"
        )?;
    }
    list.push(']');
    fs::write(out.join("plugins.rs"), list)?;
    Ok(())
}

/// A missing target is the one thing that a fresh machine gets wrong; the compiler's own words for it are many.
fn check_target() -> Result<(), Box<dyn Error>> {
    let rustc = variable("RUSTC")?;
    let output = Command::new(&rustc).args(["--print", "target-libdir", "--target", TARGET]).output()?;
    let folder = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(format!(
        "the plugins can not be built: this Rust has no `{TARGET}` target\nhint: add it with `rustup target add {TARGET}`"
    )
    .into())
}

/// `plugins` inside the outer target folder, which dev and release builds share; else inside our own output.
fn target_folder(out: &Path) -> PathBuf {
    out.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file()).unwrap_or(out).join("plugins")
}

fn compile(root: &Path, target: &Path) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(root).stdin(Stdio::null()).args(["build", "--locked", "--quiet"]);
    cargo.args(["--target", TARGET, "--profile", PROFILE]).arg("--target-dir").arg(target);
    for (package, _) in PLUGINS {
        cargo.args(["--package", package]);
    }
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_the_outer_build) {
            cargo.env_remove(name);
        }
    }
    let output = cargo.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("the plugins can not be built\n{}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Whether a variable steers the outer build rather than cargo itself.
fn is_of_the_outer_build(name: &str) -> bool {
    const KEPT: &[&str] =
        &["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_MAKEFLAGS"];
    const OURS: &[&str] = &[
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "TARGET",
        "HOST",
        "OUT_DIR",
        "PROFILE",
        "DEBUG",
        "OPT_LEVEL",
        "NUM_JOBS",
    ];
    let kept = KEPT.iter().any(|prefix| name.starts_with(prefix));
    !kept
        && (OURS.contains(&name)
            || name.starts_with("CARGO_")
            || name.starts_with("RUSTC_")
            || name == "CARGO")
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo did not set `{name}`"))
}
