//! The real cluster and kubectl's view of it.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use serde_json::Value;
use sickbay_cluster::live::{InCluster, LiveCluster, LiveSettings, connect};
use tempfile::NamedTempFile;

/// The kubeconfig that the tests run with, where there is one.
pub(crate) fn kubeconfig() -> Option<PathBuf> {
    let path = std::env::var_os("SICKBAY_LIVE_KUBECONFIG").filter(|path| !path.is_empty());
    if path.is_none() {
        eprintln!("skipped: SICKBAY_LIVE_KUBECONFIG names no kubeconfig");
    }
    path.map(PathBuf::from)
}

pub(crate) fn settings(path: &Path) -> LiveSettings {
    let mut settings = LiveSettings::new(Arc::new(|| 0));
    settings.kubeconfig = Some(path.to_path_buf());
    settings.in_cluster = InCluster::Never;
    settings
}

pub(crate) async fn connected(path: &Path) -> LiveCluster {
    connect(settings(path)).await.unwrap()
}

/// What kubectl prints, or its error.
pub(crate) fn kubectl(path: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("kubectl").arg("--kubeconfig").arg(path).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

pub(crate) fn kubectl_json(path: &Path, arguments: &[&str]) -> Value {
    let mut all = arguments.to_vec();
    all.extend(["-o", "json"]);
    serde_json::from_str(&kubectl(path, &all).unwrap()).unwrap()
}

/// The same kubeconfig with one thing changed.
pub(crate) fn changed(path: &Path, change: impl FnOnce(&mut Value)) -> NamedTempFile {
    let mut config = kubectl_json(path, &["config", "view", "--raw", "--flatten", "--minify"]);
    change(&mut config);
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(config.to_string().as_bytes()).unwrap();
    file
}
