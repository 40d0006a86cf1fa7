//! The process's surroundings, read once: arguments, variables, terminal.
#![expect(clippy::disallowed_methods, reason = "the one place that reads arguments and environment")]

use std::{
    ffi::OsString,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use sickbay_core::secret::Secret;

/// A variable that may hold a key: one that a profile names, or that a vendor's own tools read.
pub(crate) fn secret_variable(name: &str) -> Option<Secret> {
    std::env::var_os(name)?.into_string().ok().map(Secret::new)
}

/// What the process was started with.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub arguments: Vec<OsString>,
    /// `SICKBAY_HOME`: config, data and cache below one folder.
    pub home: Option<PathBuf>,
    /// Where kubeconfigs are looked for: the files of `KUBECONFIG`, or else
    /// the one in the home folder.
    pub kubeconfig: Vec<PathBuf>,
    /// `NO_PROXY`: hosts that no proxy is used for.
    pub no_proxy: Option<String>,
    /// `USER` or `LOGNAME`: who decides, by their own word.
    pub user: Option<String>,
    /// `VISUAL` or `EDITOR`: what a person edits a text with.
    pub editor: Option<String>,
    /// `SICKBAY_LOG`: a tracing filter.
    pub log: Option<String>,
    pub no_color: bool,
    pub stdin_is_terminal: bool,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    /// `COLUMNS`, or else what the terminal says, where it is a sensible number.
    pub columns: Option<usize>,
}

impl Environment {
    pub(crate) fn read() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let absolute = |path: &Path| folder.join(path);
        Self {
            arguments: std::env::args_os().collect(),
            home: set("SICKBAY_HOME").map(|home| absolute(Path::new(&home))),
            kubeconfig: match set("KUBECONFIG") {
                Some(value) => {
                    std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect()
                }
                None => std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
            },
            no_proxy: set("NO_PROXY").or_else(|| set("no_proxy")).and_then(|value| value.into_string().ok()),
            user: set("USER").or_else(|| set("LOGNAME")).and_then(|value| value.into_string().ok()),
            editor: set("VISUAL").or_else(|| set("EDITOR")).and_then(|value| value.into_string().ok()),
            log: set("SICKBAY_LOG").and_then(|value| value.into_string().ok()),
            no_color: set("NO_COLOR").is_some(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            columns: set("COLUMNS")
                .and_then(|value| value.to_str()?.parse().ok())
                .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
                .filter(|columns| (40..=500).contains(columns)),
        }
    }
}
