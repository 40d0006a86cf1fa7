//! From where the cluster is to a back that answers.

use std::{path::PathBuf, sync::Arc};

use sickbay_cluster::{
    Cluster,
    live::{self, LiveSettings},
    recorded::{self, ReadLimits},
};
use sickbay_core::{
    cluster::{Coverage, ListQuery, MAX_PAGE, Source},
    error::ErrorKind,
    text::{clean_line, did_you_mean},
};

use crate::{
    clock::Clock,
    error::{Class, Failure},
    notice::{Notice, Watcher},
};

/// Where the cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterChoice {
    /// Files and folders that together are one recorded cluster.
    Recorded(Vec<PathBuf>),
    Live(LivePlace),
}

/// Which live cluster, by kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LivePlace {
    /// The file that the user named.
    pub kubeconfig: Option<PathBuf>,
    /// Where it is looked for otherwise.
    pub kubeconfig_paths: Vec<PathBuf>,
    pub context: Option<String>,
    pub no_proxy: Option<String>,
}

pub(crate) struct Connected {
    pub(crate) cluster: Arc<dyn Cluster>,
    pub(crate) source: Source,
    /// For people.
    pub(crate) place: String,
    /// What of a recording could not be read.
    pub(crate) not_read: Vec<String>,
}

pub(crate) async fn connect(
    choice: &ClusterChoice,
    namespaces: &[String],
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
            let clock = Arc::clone(clock);
            let settings = LiveSettings {
                kubeconfig: place.kubeconfig.clone(),
                kubeconfig_paths: place.kubeconfig_paths.clone(),
                context: place.context.clone(),
                no_proxy: place.no_proxy.clone(),
                fallback_namespaces: namespaces.to_vec(),
                ..LiveSettings::new(Arc::new(move || clock.now_ms()))
            };
            let cluster = live::connect(settings).await.map_err(|error| live_failure(error.into()))?;
            cluster.check_namespaces(namespaces).await.map_err(|error| Failure {
                class: if error.kind == ErrorKind::NotFound {
                    Class::Usage
                } else {
                    Failure::from(error.clone()).class
                },
                ..Failure::from(error)
            })?;
            let place = format!("live: {}", cluster.place());
            Ok(Connected { cluster: Arc::new(cluster), source: Source::Live, place, not_read: Vec::new() })
        }
    }
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
        source: Source::Recorded,
        place: format!("recorded: {shown}"),
        not_read,
    })
}
