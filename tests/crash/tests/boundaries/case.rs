//! One case: a broken cluster, a run that is killed some times, and what must
//! be true in the end.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde_json::Value;
use sickbay_core::{
    change::Direction,
    event::{Entry, Event},
    past::Past,
};
use sickbay_crash::{Death, Order};
use sickbay_runtime::{Folders, RunSource, Sickbay};
use sickbay_store::{Journal as _, SqliteJournal, SqliteSettings, read_all};
use tokio::runtime::Handle;

use crate::{
    child::{ChildEnd, carry_out},
    place::Place,
};

/// What is run, and how it ends where nobody disturbs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) scenario: &'static str,
    pub(crate) outcome: &'static str,
}

pub(crate) const HEALED: Scene = Scene { scenario: "missing-env", outcome: "remediated" };
pub(crate) const TAKEN_BACK: Scene = Scene { scenario: "rollout-that-gets-worse", outcome: "rolled-back" };

/// What a run left.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) entries: Vec<Entry>,
    pub(crate) declared: BTreeMap<String, Value>,
    /// How many processes were killed.
    pub(crate) deaths: usize,
}

/// Short windows: what they are about is tested elsewhere. The deadline is
/// by the cluster's clock, which runs on while nobody drives the run.
const SET: [&str; 3] = ["remediation.stabilise=2s", "remediation.verify-within=2h", "limits.wall=2m"];

pub(crate) fn with_runtime(test: impl FnOnce(&Handle, &Path)) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runs");
    let cache = tempfile::tempdir().expect("a folder");
    test(runtime.handle(), cache.path());
}

/// Runs the scene. The first process and those after it die by `deaths`, in
/// turn; who comes after the last of them lives.
pub(crate) fn run(
    runtime: &Handle,
    cache: &Path,
    scene: Scene,
    deaths: impl IntoIterator<Item = (Death, Duration)>,
) -> Left {
    let place = runtime.block_on(Place::start(scene.scenario));
    let mut order = order(&place, cache);
    let mut deaths = deaths.into_iter();
    let mut killed = 0;
    let run = loop {
        let (death, delay) =
            deaths.next().map_or((None, Duration::ZERO), |(death, delay)| (Some(death), delay));
        order.death = death;
        let (end, began) = carry_out(&order, delay);
        let run = began.or(order.resume.take());
        match end {
            ChildEnd::Killed => {
                killed += 1;
                order.resume = run;
            }
            ChildEnd::Done { outcome, parked } => {
                assert_eq!((outcome.as_str(), parked), (scene.outcome, None), "{scene:?}, {death:?}");
                break run.expect("has an id");
            }
            // Killed before its first event it did nothing, and can only be begun anew.
            ChildEnd::Failed(message) if message.contains("does not begin with its settings") => {
                assert!(killed > 0 && began_with_nothing(runtime, &order), "{message}");
            }
            // Killed after its last event it was over, and is told so.
            ChildEnd::Failed(message) if message.contains(&format!("has ended ({})", scene.outcome)) => {
                assert!(killed > 0, "{message}");
                break run.expect("has an id");
            }
            ChildEnd::Failed(message) => panic!("{scene:?}, killed {killed} times, {death:?}: {message}"),
        }
    };
    let entries = runtime.block_on(check(&order, &run));
    let declared = runtime.block_on(place.declared(&run));
    Left { entries, declared, deaths: killed }
}

pub(crate) fn order(place: &Place, cache: &Path) -> Order {
    Order {
        profile: "heal".to_owned(),
        set: SET.map(str::to_owned).to_vec(),
        home: place.folder.path().to_owned(),
        cache: cache.to_owned(),
        kubeconfig: place.kubeconfig.clone(),
        resume: None,
        death: None,
    }
}

fn folders(order: &Order) -> Folders {
    let home = &order.home;
    Folders { config: home.join("config"), data: home.join("data"), cache: order.cache.clone() }
}

fn began_with_nothing(runtime: &Handle, order: &Order) -> bool {
    runtime.block_on(async {
        let journal = SqliteJournal::open_read_only(SqliteSettings::new(folders(order).journal())).await;
        let runs = journal.expect("opens").runs(sickbay_store::RunFilter::default()).await.expect("lists");
        runs.iter().all(|run| run.events == 0)
    })
}

/// What must be true of the journal of every run that came to its end.
async fn check(order: &Order, run: &str) -> Vec<Entry> {
    let journal = SqliteJournal::open_read_only(SqliteSettings::new(folders(order).journal())).await;
    let journal = journal.expect("opens");
    let entries = read_all(&journal, run).await.expect("reads");
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=entries.len() as u64).collect::<Vec<_>>(), "no gaps");
    assert!(matches!(entries.last().map(|entry| &entry.event), Some(Event::RunEnded { .. })));
    let summary = journal.run(run).await.expect("is listed");
    assert!(summary.outcome.is_some() && !summary.waiting);
    // What one process began and another one ended stands there once.
    let past = Past::of(&entries);
    for (started, ended) in changes(&past.entries) {
        assert_eq!((started, ended), (1, 1), "each change is begun once and ends once");
    }
    drop(journal);
    let sickbay = Sickbay::with_embedded(folders(order), sickbay_embedded::components());
    let replayed = sickbay.replay(&RunSource::Journal(run.to_owned())).await.expect("replays");
    assert_eq!((replayed.difference, replayed.incomplete), (None, false));
    entries
}

pub(crate) async fn entries_of(order: &Order, run: &str) -> Vec<Entry> {
    let journal = SqliteJournal::open_read_only(SqliteSettings::new(folders(order).journal())).await;
    read_all(&journal.expect("opens"), run).await.expect("reads")
}

/// How often each change was begun, and how often it ended, in each direction.
fn changes(entries: &[Entry]) -> Vec<(usize, usize)> {
    let mut counts: BTreeMap<(u32, usize, bool), (usize, usize)> = BTreeMap::new();
    for entry in entries {
        match &entry.event {
            Event::ChangeStarted { plan, change, direction, .. } => {
                counts.entry((*plan, *change, *direction == Direction::Back)).or_default().0 += 1;
            }
            Event::ChangeEnded { plan, change, direction, .. } => {
                counts.entry((*plan, *change, *direction == Direction::Back)).or_default().1 += 1;
            }
            _ => {}
        }
    }
    counts.into_values().collect()
}
