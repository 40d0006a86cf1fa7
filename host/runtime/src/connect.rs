//! From where the cluster is to a back that answers.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use sickbay_cluster::{
    Cluster, ClusterWriter,
    live::{self, LiveSettings},
    recorded::{self, ReadLimits},
};
use sickbay_core::{
    cluster::{Coverage, ListQuery, MAX_PAGE, Source},
    error::{CallError, ErrorKind},
    text::{clean_line, did_you_mean},
};
use sickbay_playground::{Playground, PlaygroundSettings};

use crate::{
    clock::Clock,
    error::{Class, Failure},
    notice::{Notice, Watcher},
    playground::start_failure,
};

/// Where the cluster is. Its JSON stands in journals, so that a run can be
/// taken up by another process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "place", rename_all = "kebab-case")]
pub enum ClusterChoice {
    /// Files and folders that together are one recorded cluster.
    Recorded(Vec<PathBuf>),
    Live(LivePlace),
    /// A playground of this process, which ends with the run.
    Playground(PlaygroundPlace),
}

/// Which playground.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaygroundPlace {
    /// The name of a scenario, or of the file that the text is from.
    pub scenario: String,
    /// The text of a scenario file; none for one that comes with the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Seconds of the cluster's time in one second.
    pub speed: f64,
}

/// Which live cluster, by kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LivePlace {
    /// The file that the user named.
    pub kubeconfig: Option<PathBuf>,
    /// Where it is looked for otherwise.
    pub kubeconfig_paths: Vec<PathBuf>,
    pub context: Option<String>,
    pub no_proxy: Option<String>,
}

/// Whether the run may want to change the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

pub(crate) struct Connected {
    pub(crate) cluster: Arc<dyn Cluster>,
    /// None for recordings, and where nothing shall be written.
    pub(crate) writer: Option<Arc<dyn ClusterWriter>>,
    /// See [`ClusterWriter::identity`].
    pub(crate) identity: Option<String>,
    /// Lives as long as this.
    pub(crate) _playground: Option<Playground>,
    pub(crate) source: Source,
    /// For people.
    pub(crate) place: String,
    /// What of a recording could not be read.
    pub(crate) not_read: Vec<String>,
}

pub(crate) async fn connect(
    choice: &ClusterChoice,
    namespaces: &[String],
    access: Access,
    clock: &Arc<dyn Clock>,
    watcher: &Arc<dyn Watcher>,
) -> Result<Connected, Failure> {
    match choice {
        ClusterChoice::Recorded(paths) => {
            let connected = read(paths.clone(), watcher).await?;
            check_recorded(&*connected.cluster, namespaces).await?;
            Ok(connected)
        }
        ClusterChoice::Live(place) => {
            watcher.notice(Notice::Connecting);
            let settings = LiveSettings {
                kubeconfig: place.kubeconfig.clone(),
                kubeconfig_paths: place.kubeconfig_paths.clone(),
                context: place.context.clone(),
                no_proxy: place.no_proxy.clone(),
                fallback_namespaces: namespaces.to_vec(),
                ..live_settings(clock)
            };
            live(settings, namespaces, access).await
        }
        ClusterChoice::Playground(place) => {
            watcher.notice(Notice::StartingPlayground { scenario: place.scenario.clone() });
            let playground = Playground::start(PlaygroundSettings {
                scenario: place.scenario.clone(),
                text: place.text.clone(),
                port: 0,
                speed: place.speed,
            })
            .await
            .map_err(start_failure)?;
            let settings = LiveSettings {
                kubeconfig_text: Some(playground.kubeconfig().to_owned()),
                fallback_namespaces: namespaces.to_vec(),
                ..live_settings(clock)
            };
            let connected = live(settings, namespaces, access).await?;
            let place = format!("playground: {}", place.scenario);
            Ok(Connected { _playground: Some(playground), source: Source::Playground, place, ..connected })
        }
    }
}

fn live_settings(clock: &Arc<dyn Clock>) -> LiveSettings {
    let clock = Arc::clone(clock);
    LiveSettings::new(Arc::new(move || clock.now_ms()))
}

async fn live(settings: LiveSettings, namespaces: &[String], access: Access) -> Result<Connected, Failure> {
    let failed = |error: CallError| live_failure(error.into());
    let cluster = live::connect(settings.clone()).await.map_err(failed)?;
    cluster.check_namespaces(namespaces).await.map_err(|error| Failure {
        class: if error.kind == ErrorKind::NotFound {
            Class::Usage
        } else {
            Failure::from(error.clone()).class
        },
        ..Failure::from(error)
    })?;
    let place = format!("live: {}", cluster.place());
    let mut connected = Connected {
        cluster: Arc::new(cluster),
        writer: None,
        identity: None,
        _playground: None,
        source: Source::Live,
        place,
        not_read: Vec::new(),
    };
    if access == Access::Write {
        let writer = live::connect_writer(settings).await.map_err(failed)?;
        connected.identity = Some(writer.identity().await.map_err(failed)?);
        connected.writer = Some(Arc::new(writer));
        connected.source = connected.cluster.info().await.map_err(failed)?.source;
    }
    Ok(connected)
}

/// A mistyped namespace would look empty, and so healthy. Where all namespaces
/// were recorded, one that is not among them is a mistake.
async fn check_recorded(cluster: &dyn Cluster, namespaces: &[String]) -> Result<(), Failure> {
    if namespaces.is_empty() {
        return Ok(());
    }
    let query = ListQuery {
        kind: "v1/Namespace".to_owned(),
        fields: vec!["/metadata/name".to_owned()],
        limit: MAX_PAGE,
        ..ListQuery::default()
    };
    let page = cluster.list(&query).await?;
    if page.coverage != Coverage::Complete || page.continue_token.is_some() {
        return Ok(());
    }
    let name = |object: &String| -> Option<String> {
        let object: serde_json::Value = serde_json::from_str(object).ok()?;
        Some(object["metadata"]["name"].as_str()?.to_owned())
    };
    let known: Vec<String> = page.objects.iter().filter_map(name).collect();
    match namespaces.iter().find(|wanted| !known.contains(wanted)) {
        None => Ok(()),
        Some(missing) => {
            let near = did_you_mean(missing, known.iter().map(String::as_str));
            Err(Failure::usage(format!("the cluster has no namespace `{}`", clean_line(missing, 80)))
                .with_hint(near.map_or_else(
                    || format!("it has {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                )))
        }
    }
}

/// A cluster that is not there is no reason to give up: recorded ones work too.
fn live_failure(mut failure: Failure) -> Failure {
    let recorded = "or read a recorded cluster with `--recorded PATH`";
    failure.hint = Some(match failure.hint {
        Some(hint) if hint.contains("--recorded") => hint,
        Some(hint) => format!("{hint}; {recorded}"),
        None => format!("check with `kubectl cluster-info`, {recorded}"),
    });
    failure
}

async fn read(paths: Vec<PathBuf>, watcher: &Arc<dyn Watcher>) -> Result<Connected, Failure> {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let shown = shown.join(", ");
    watcher.notice(Notice::ReadingRecorded { path: shown.clone() });
    let opened =
        tokio::task::spawn_blocking(move || recorded::open_many(&paths, ReadLimits::default())).await;
    let (cluster, report) = opened.map_err(|error| Failure::failed(error.to_string()))?.map_err(|error| {
        let mut failure = Failure::from(error);
        // What the user named is wrong, whatever went wrong with it.
        if failure.class == Class::Failed {
            failure.class = Class::Usage;
        }
        failure
    })?;
    let mut not_read: Vec<String> = report
        .not_read
        .iter()
        .map(|file| format!("`{}` could not be read: {}", file.path, file.reason))
        .collect();
    if report.not_read_more > 0 {
        not_read.push(format!("{} more files could not be read", report.not_read_more));
    }
    Ok(Connected {
        cluster: Arc::new(cluster),
        writer: None,
        identity: None,
        _playground: None,
        source: Source::Recorded,
        place: format!("recorded: {shown}"),
        not_read,
    })
}
