//! The playground as a person starts it: from a name or a file to a cluster,
//! and a kubeconfig beside it for as long as it is served.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use sickbay_core::text::clean_line;
use sickbay_playground::{Playground, PlaygroundError, PlaygroundSettings};

pub use sickbay_playground::{ScenarioInfo, scenarios};

use crate::{
    connect::PlaygroundPlace,
    error::{Class, Failure},
    file,
    folders::Folders,
};

/// Seconds of the cluster's time in one second, for a cluster that lives as
/// long as a run: a window of half a minute is over in one second.
pub const RUN_SPEED: f64 = 30.0;
/// Faster than this, time outs of the cluster's own would strike.
const FASTEST: f64 = 1_000.0;
/// Bytes of a scenario file at most.
const MAX_BYTES: u64 = 1024 * 1024;
/// What a kubeconfig of ours begins with: only such a file is written over.
const MARK: &str = "# Written by `sickbay playground start`, and removed when it ends.";

impl PlaygroundPlace {
    /// What the argument means: the path of a scenario file, or else a name.
    pub fn of_argument(argument: &str, speed: f64) -> Result<Self, Failure> {
        check_speed(speed)?;
        let path = Path::new(argument);
        let is_file = argument.contains(['/', '\\'])
            || path
                .extension()
                .is_some_and(|ending| ["toml", "yaml", "yml"].iter().any(|known| ending == *known));
        if is_file {
            return Self::of_file(path, speed);
        }
        Ok(Self { scenario: argument.to_owned(), text: None, speed })
    }

    /// Of a scenario file.
    pub fn of_file(path: &Path, speed: f64) -> Result<Self, Failure> {
        check_speed(speed)?;
        let text = file::read_text(path, MAX_BYTES)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        Ok(Self { scenario: clean_line(&name, 100), text: Some(text), speed })
    }
}

fn check_speed(speed: f64) -> Result<(), Failure> {
    if (1.0..=FASTEST).contains(&speed) {
        return Ok(());
    }
    Err(Failure::usage(format!("the playground can not run at a speed of {speed}"))
        .with_hint(format!("give a number from 1 to {FASTEST}: seconds of the cluster's time in one second")))
}

/// What went wrong at the start, which a person asked for.
#[must_use]
pub(crate) fn start_failure(error: PlaygroundError) -> Failure {
    Failure { class: Class::Usage, message: error.message, hint: error.hint }
}

/// A playground with its kubeconfig on disk.
#[derive(Debug)]
pub struct ServedPlayground {
    playground: Playground,
    kubeconfig: PathBuf,
    text: String,
}

impl ServedPlayground {
    /// Serves it on that port (0: any that is free), and writes the kubeconfig
    /// to that path, or below the data folder. A file that is not of a
    /// playground is never written over.
    pub async fn start(
        folders: &Folders,
        place: PlaygroundPlace,
        port: u16,
        kubeconfig: Option<&Path>,
    ) -> Result<Self, Failure> {
        if let Some(path) = kubeconfig {
            check_free(path)?;
        }
        let settings =
            PlaygroundSettings { scenario: place.scenario, text: place.text, port, speed: place.speed };
        let playground = Playground::start(settings).await.map_err(start_failure)?;
        let path = match kubeconfig {
            Some(path) => path.to_owned(),
            // No two that are served at the same time have the same port.
            None => folders.data.join(format!("playground/{}.kubeconfig", playground.address().port())),
        };
        let text = format!("{MARK}\n{}", playground.kubeconfig());
        if !file::write_new(&path, text.as_bytes())? {
            check_free(&path)?;
            file::write_atomic(&path, text.as_bytes())?;
        }
        Ok(Self { playground, kubeconfig: path, text })
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.playground.address()
    }

    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Stops it, and removes the kubeconfig where it still is the one that was written.
    pub fn stop(self) -> Result<(), Failure> {
        let found = file::read_if_present(&self.kubeconfig, MAX_BYTES)?;
        if found.is_some_and(|found| found == self.text.as_bytes()) {
            file::remove(&self.kubeconfig)?;
        }
        Ok(())
    }
}

/// Refuses a path where something stands that no playground wrote.
fn check_free(path: &Path) -> Result<(), Failure> {
    let is_ours = !file::is_link(path)
        && match file::read_if_present(path, MAX_BYTES) {
            Ok(None) => true,
            Ok(Some(found)) => found.starts_with(MARK.as_bytes()),
            Err(_) => false,
        };
    if is_ours {
        return Ok(());
    }
    Err(Failure::usage(format!("`{}` is there already, and is not of a playground", path.display()))
        .with_hint("name another file with `--kubeconfig PATH`: your own kubeconfig is never written over"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_playground_wrote_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        check_free(&path).unwrap();
        file::write_atomic(&path, format!("{MARK}\nkind: Config\n").as_bytes()).unwrap();
        check_free(&path).unwrap();
        file::write_atomic(&path, b"kind: Config\n").unwrap();
        let refused = check_free(&path).unwrap_err();
        assert!(refused.message.contains("is not of a playground"), "{refused}");
        // A folder, and a file that can not be read, are left alone too.
        check_free(folder.path()).unwrap_err();
    }

    #[test]
    fn a_path_is_told_from_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        file::write_atomic(&path, b"description = \"x\"").unwrap();
        let place = PlaygroundPlace::of_argument(&path.display().to_string(), 2.0).unwrap();
        assert_eq!((place.scenario.as_str(), place.text.is_some()), ("mine.toml", true));
        let place = PlaygroundPlace::of_argument("missing-env", 1.0).unwrap();
        assert_eq!((place.scenario.as_str(), place.text.is_some()), ("missing-env", false));
        PlaygroundPlace::of_argument("nowhere.yaml", 1.0).unwrap_err();
    }

    #[test]
    fn a_speed_is_a_sensible_number() {
        for wrong in [0.0, -1.0, 0.5, f64::NAN, f64::INFINITY, 1e9] {
            let refused = PlaygroundPlace::of_argument("healthy", wrong).unwrap_err();
            assert_eq!(refused.class, Class::Usage, "{wrong}");
        }
    }
}
