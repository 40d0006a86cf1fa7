//! Whether this installation can do its work, and what to do where it can not.

use crate::{
    connect::{self, ClusterChoice},
    error::Failure,
    file,
    sickbay::{HOST_VERSION, Sickbay, source_word},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    Ok,
    /// It is not there, and a run may do without it.
    Missing,
    Failed,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub name: String,
    pub state: CheckState,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Check {
    fn of(name: &str, result: Result<String, Failure>) -> Self {
        match result {
            Ok(detail) => Self { name: name.to_owned(), state: CheckState::Ok, detail, hint: None },
            Err(failure) => Self {
                name: name.to_owned(),
                state: CheckState::Failed,
                detail: failure.message,
                hint: failure.hint,
            },
        }
    }
}

impl Sickbay {
    /// Looks at everything. No cluster is no failure: recorded ones need none.
    pub async fn doctor(&self, cluster: &ClusterChoice) -> Vec<Check> {
        let folders = self.folders().clone();
        let folder = |name: &str, path: &std::path::Path| {
            Check::of(name, file::probe_writable(path).map(|()| path.display().to_string()))
        };
        let mut checks = vec![
            Check::of(
                "version",
                Ok(format!("sickbay {HOST_VERSION}, plugin interface {}", sickbay_core::compat::INTERFACE)),
            ),
            folder("config folder", &folders.config),
            folder("data folder", &folders.data),
            folder("cache folder", &folders.cache),
            Check::of("journal", self.check_journal().await),
            self.check_engine(),
            Check::of(
                "profiles",
                crate::profiles::list(&folders).and_then(|profiles| {
                    match profiles.iter().find_map(|entry| Some((entry, entry.problem.as_ref()?))) {
                        Some((entry, problem)) => Err(Failure::usage(problem.clone())
                            .with_hint(format!("`sickbay profile check {}` says more", entry.name))),
                        None => Ok(format!("{} can run", profiles.len())),
                    }
                }),
            ),
        ];
        checks.extend(self.check_plugins().await);
        let connected =
            connect::connect(cluster, &[], connect::Access::Read, &self.clock, &self.watcher).await;
        let reached = match connected {
            Ok(connected) => match connected.cluster.info().await {
                Ok(info) => Ok(format!(
                    "{} ({}), version {}",
                    connected.place,
                    source_word(info.source),
                    info.version.unwrap_or_else(|| "unknown".to_owned())
                )),
                Err(error) => Err(Failure::from(error)),
            },
            Err(failure) => Err(failure),
        };
        let mut check = Check::of("cluster", reached);
        if check.state == CheckState::Failed && matches!(cluster, ClusterChoice::Live(_)) {
            check.state = CheckState::Missing;
        }
        checks.push(check);
        checks
    }

    async fn check_journal(&self) -> Result<String, Failure> {
        let runs = self.runs(1).await?;
        let newest = runs.first().map_or("no run yet".to_owned(), |run| format!("newest run {}", run.run));
        Ok(format!("{}, {newest}", self.folders().journal().display()))
    }

    /// What the engine could not have as it should be is no failure: it is slower.
    fn check_engine(&self) -> Check {
        let engine = match self.engine() {
            Ok(engine) => engine,
            Err(failure) => return Check::of("engine", Err(failure)),
        };
        match engine.notes() {
            [] => Check::of(
                "engine",
                Ok(format!("compiled plugins are kept in {}", self.folders().compiled().display())),
            ),
            notes => Check {
                name: "engine".to_owned(),
                state: CheckState::Missing,
                detail: notes.join("; "),
                hint: Some("plugins work, but are compiled again each time or need more memory".to_owned()),
            },
        }
    }

    async fn check_plugins(&self) -> Vec<Check> {
        let catalogue = match self.catalogue() {
            Ok(catalogue) => catalogue,
            Err(failure) => return vec![Check::of("plugins", Err(failure))],
        };
        let mut checks = Vec::new();
        for plugin in catalogue.all() {
            let loaded = self.load(&catalogue, std::slice::from_ref(&plugin)).await;
            let detail = loaded.map(|_| format!("version {} loads", plugin.locked.version));
            checks.push(Check::of(&format!("plugin {}", plugin.locked.name), detail));
        }
        checks
    }
}
