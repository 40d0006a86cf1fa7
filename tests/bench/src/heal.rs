//! Healing on a playground: what the host itself takes of each stage, a hundred
//! runs side by side, and what a run leaves in the journal.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde_json::json;
use sickbay_core::{
    event::{Entry, Event},
    profile::Profile,
};
use sickbay_playground::{Playground, PlaygroundSettings};
use sickbay_runtime::{
    ApprovalRequest, Approver, ClusterChoice, Decision, Folders, LivePlace, RunRequest, Sickbay, profiles,
};

use crate::measure::Figure;

/// Seconds of the cluster's time in one second.
const SPEED: f64 = 200.0;
/// Runs one after the other.
const ALONE: usize = 10;
/// Runs at the same time.
const BESIDE: usize = 100;

/// Says yes at once.
struct Agreeing;

#[async_trait]
impl Approver for Agreeing {
    async fn decide(&self, _request: &ApprovalRequest) -> Decision {
        Decision::Approve
    }

    fn is_present(&self) -> bool {
        true
    }
}

pub(crate) async fn heal(folder: &Path) -> Result<Vec<Figure>, String> {
    let mut figures = Box::pin(alone(&folder.join("alone"))).await?;
    figures.extend(beside(&folder.join("beside")).await?);
    Ok(figures)
}

/// One run after the other, each on a cluster of its own.
async fn alone(home: &Path) -> Result<Vec<Figure>, String> {
    let sickbay = sickbay(home)?;
    let profile = profile(&sickbay)?;
    let mut wholes = BTreeMap::<String, Vec<Duration>>::new();
    let mut owns = BTreeMap::<String, Vec<Duration>>::new();
    // The first one compiles.
    for round in 0..=ALONE {
        let playground = serve("missing-env", None).await?;
        let run = healed(&sickbay, &profile, &place(home, &playground)?, None).await?;
        if round == 0 {
            continue;
        }
        let stored = sickbay.stored_run(&run).await.map_err(|error| error.to_string())?;
        for (stage, shares) in shares(&stored.entries) {
            wholes.entry(stage.clone()).or_default().push(shares.values().sum());
            owns.entry(stage).or_default().push(shares.get(&Share::Host).copied().unwrap_or_default());
        }
    }
    sickbay.close().await.map_err(|error| error.to_string())?;
    let mut figures = Vec::new();
    for (stage, times) in wholes {
        let own = owns.remove(&stage).unwrap_or_default();
        figures.push(Figure::of(format!("heal, stage {stage}, the host's own time"), "ms", own));
        figures.push(Figure::of(
            format!("heal, stage {stage}, with cluster, plugins and waits"),
            "ms",
            times,
        ));
    }
    Ok(figures)
}

/// Many runs at the same time, each in its own namespace of one cluster.
#[expect(clippy::cast_precision_loss, reason = "sizes for a table")]
async fn beside(home: &Path) -> Result<Vec<Figure>, String> {
    let sickbay = sickbay(home)?;
    let profile = profile(&sickbay)?;
    sickbay.prepare(&profile).await.map_err(|error| error.to_string())?;
    let playground = serve("many", Some(many(BESIDE))).await?;
    let place = place(home, &playground)?;
    let started = Instant::now();
    let runs = (0..BESIDE).map(|number| {
        let (sickbay, profile, place) = (&sickbay, &profile, &place);
        async move {
            let begun = Instant::now();
            let run = healed(sickbay, profile, place, Some(namespace(number))).await?;
            Ok::<_, String>((run, begun.elapsed()))
        }
    });
    let ended = futures::future::try_join_all(runs).await?;
    let whole = started.elapsed();
    let mut events = Vec::new();
    for (run, _) in &ended {
        let stored = sickbay.stored_run(run).await.map_err(|error| error.to_string())?;
        events.push(stored.summary);
    }
    sickbay.close().await.map_err(|error| error.to_string())?;
    let size = home.join("data").join("journal.db").metadata().map_or(0, |metadata| metadata.len());
    let text: u64 = events.iter().map(|summary| summary.bytes).sum();
    let count: u64 = events.iter().map(|summary| summary.events).sum();
    let each = ended.into_iter().map(|(_, time)| time).collect();
    Ok(vec![
        Figure::of(format!("heal, {BESIDE} runs side by side, each"), "ms", each),
        Figure::once(format!("heal, {BESIDE} runs side by side, all"), "ms", whole.as_secs_f64() * 1e3),
        Figure::once("heal, events per run", "", count as f64 / BESIDE as f64),
        Figure::once("heal, text of its events per run", "kB", text as f64 / BESIDE as f64 / 1e3),
        Figure::once("heal, journal grows per run", "kB", size as f64 / BESIDE as f64 / 1e3),
    ])
}

fn sickbay(home: &Path) -> Result<Sickbay, String> {
    let folders = Folders::resolve(Some(home)).map_err(|error| error.to_string())?;
    Ok(Sickbay::with_embedded(folders, sickbay_embedded::components()).approved_by(Arc::new(Agreeing)))
}

fn profile(sickbay: &Sickbay) -> Result<Profile, String> {
    let set = ["remediation.stabilise=5s".to_owned(), "remediation.verify-within=2h".to_owned()];
    let resolved = profiles::load(sickbay.folders(), "heal", &set);
    Ok(resolved.map_err(|error| error.to_string())?.profile)
}

async fn serve(scenario: &str, text: Option<String>) -> Result<Playground, String> {
    let settings = PlaygroundSettings { scenario: scenario.to_owned(), text, port: 0, speed: SPEED };
    Playground::start(settings).await.map_err(|error| error.to_string())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark writes what it reads")]
fn place(home: &Path, playground: &Playground) -> Result<LivePlace, String> {
    let path = home.join(format!("{}.kubeconfig", playground.address().port()));
    let written = std::fs::create_dir_all(home).and_then(|()| std::fs::write(&path, playground.kubeconfig()));
    written.map_err(|error| error.to_string())?;
    Ok(LivePlace { kubeconfig: Some(path), ..LivePlace::default() })
}

/// Gives the run's id; anything but a healed cluster is an error.
async fn healed(
    sickbay: &Sickbay,
    profile: &Profile,
    place: &LivePlace,
    namespace: Option<String>,
) -> Result<String, String> {
    let mut request = RunRequest::new(profile.clone(), ClusterChoice::Live(place.clone()));
    request.namespaces = namespace.map(|namespace| vec![namespace]);
    let end = sickbay.run(request).await.map_err(|error| error.to_string())?;
    match end.report.outcome.as_str() {
        "remediated" => Ok(end.report.run.clone()),
        other => {
            let why: Vec<&str> = end.report.plans.iter().map(|plan| plan.message.as_str()).collect();
            Err(format!("run {} ended `{other}`: {}", end.report.run, why.join("; ")))
        }
    }
}

fn namespace(number: usize) -> String {
    format!("shop-{number}")
}

/// A scenario with the same broken service in so many namespaces. JSON is YAML.
fn many(namespaces: usize) -> String {
    let image = "registry.example.com/shop/api:1.0.0";
    let deployment = |number: usize| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "api", "namespace": namespace(number), "labels": {"app": "api"}},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": "api"}},
                "template": {
                    "metadata": {"labels": {"app": "api"}},
                    "spec": {"containers": [{
                        "name": "api", "image": image,
                        "env": [{"name": "DATABASE_URL", "value": "postgres://db/api"}],
                        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}},
                    }]},
                },
            },
        })
    };
    let broken = |number: usize| {
        json!({
            "kind": "apps/v1/Deployment", "namespace": namespace(number), "name": "api",
            "set": {"/spec/template/spec/containers/0/env/0": null},
        })
    };
    json!({
        "description": "The same service in many namespaces, each without its variable",
        "ends": "healed",
        "images": {image: {
            "starts": ["api 1.0.0 starting"],
            "needs": [{
                "env": "DATABASE_URL", "startsWith": "postgres://", "after": 0.4,
                "log": ["level=fatal msg=\"missing required environment variable {name}\""],
            }],
            "ready": ["level=info msg=\"listening\""],
            "memory": "1Mi",
        }},
        "objects": (0..namespaces).map(deployment).collect::<Vec<_>>(),
        "history": [{"after": "30m", "edit": (0..namespaces).map(broken).collect::<Vec<_>>()}],
        "settle": "12m",
    })
    .to_string()
}

/// Who took the time between two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    Host,
    Cluster,
    Plugin,
    Person,
    Wait,
}

/// Of each stage, who took how long.
fn shares(entries: &[Entry]) -> BTreeMap<String, BTreeMap<Share, Duration>> {
    let mut all = BTreeMap::<String, BTreeMap<Share, Duration>>::new();
    let mut stage = None;
    let mut in_call = false;
    for (from, to) in entries.iter().zip(entries.iter().skip(1)) {
        match &from.event {
            Event::StageStarted { stage: name, .. } => stage = Some(name.clone()),
            Event::StageEnded { .. } => stage = None,
            Event::CallStarted { .. } => in_call = true,
            Event::CallEnded { .. } => in_call = false,
            _ => {}
        }
        let Some(stage) = stage.clone() else { continue };
        let share = match (&from.event, &to.event) {
            (_, Event::Waited { .. }) => Share::Wait,
            (Event::ApprovalRequested { .. }, _) => Share::Person,
            (
                Event::AskStarted { .. }
                | Event::SurveyStarted { .. }
                | Event::RehearsalStarted { .. }
                | Event::ChangeStarted { .. }
                | Event::RevertCheckStarted { .. },
                _,
            ) => Share::Cluster,
            _ if in_call => Share::Plugin,
            _ => Share::Host,
        };
        let gap = Duration::from_millis(u64::try_from(to.at_ms - from.at_ms).unwrap_or(0));
        *all.entry(stage).or_default().entry(share).or_default() += gap;
    }
    all
}
