//! Watches: what there is, then every change, with bookmarks.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::Instant};

use super::{
    Call, Server,
    answer::{Answer, Problem, stream_answer},
    convert,
    path::ResourcePath,
    selector::Selector,
    table::{self, Include, View},
};
use crate::{
    Clock, Refusal,
    kinds::Kind,
    store::{Change, Page, PageRequest, Store},
    value,
};

/// A watch that says nothing of its time ends after this.
const DEFAULT_SECONDS: u64 = 1_800;
const MAX_SECONDS: u64 = 3_600;
const BOOKMARK_EVERY: Duration = Duration::from_secs(10);
/// Events that wait for a slow client before the store is read on.
const WAITING: usize = 64;

/// What one watch shows.
struct Lens {
    kind: &'static Kind,
    namespace: Option<String>,
    name: Option<String>,
    selector: Selector,
    view: View,
    bookmarks: Bookmarks,
    clock: Arc<Clock>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bookmarks {
    Wanted,
    No,
}

impl Server {
    pub(crate) fn watch(&self, at: &ResourcePath, call: &Call) -> Result<Answer, Problem> {
        let query = &call.query;
        let lens = Lens {
            kind: at.kind,
            namespace: at.namespace.clone(),
            name: at.name.clone(),
            selector: Selector::parse(at.kind, query.text("labelSelector"), query.text("fieldSelector"))?,
            view: View::of(&call.accept)?.including(call.query.text("includeObject")),
            bookmarks: if query.is_set("allowWatchBookmarks") { Bookmarks::Wanted } else { Bookmarks::No },
            clock: self.store.clock().clone(),
        };
        let since = match query.text("resourceVersion") {
            "" | "0" => None,
            text => Some(text.parse::<u64>().map_err(|_| {
                Refusal::bad_request(format!("invalid resource version {text:?}: not a number"))
            })?),
        };
        let permit = self.watches.clone().try_acquire_owned().map_err(|_| {
            let message = "too many watches, please try again later".to_owned();
            let mut problem = Problem::from(Refusal::new(429, "TooManyRequests", message));
            problem.details = json!({ "retryAfterSeconds": 1 });
            problem
        })?;
        let seconds = query.number("timeoutSeconds").and_then(|seconds| u64::try_from(seconds).ok());
        let seconds = seconds.filter(|seconds| *seconds > 0).unwrap_or(DEFAULT_SECONDS).min(MAX_SECONDS);
        let start = if query.is_set("sendInitialEvents") { Start::AllThenMark } else { Start::from(since) };
        let (sender, receiver) = mpsc::channel(WAITING);
        let store = self.store.clone();
        tokio::spawn(async move {
            let end = Instant::now() + Duration::from_secs(seconds);
            let running = run(&store, &lens, start, &sender);
            tokio::select! {
                _ = running => {}
                () = tokio::time::sleep_until(end) => {}
                () = sender.closed() => {}
            }
            drop(permit);
        });
        Ok(stream_answer("application/json", receiver))
    }
}

/// Where a watch begins.
enum Start {
    /// With what there is now.
    All,
    /// The same, and a bookmark that says where it ended.
    AllThenMark,
    After(u64),
}

impl From<Option<u64>> for Start {
    fn from(since: Option<u64>) -> Self {
        since.map_or(Self::All, Self::After)
    }
}

/// None: the client is gone.
async fn run(store: &Arc<Store>, lens: &Lens, start: Start, sender: &mpsc::Sender<Bytes>) -> Option<()> {
    let mut changed = store.subscribe();
    let mut last = match start {
        Start::After(version) => version,
        Start::All | Start::AllThenMark => {
            let page = lens.all(store)?;
            for object in &page.items {
                sender.send(lens.event("ADDED", object, None)).await.ok()?;
            }
            if matches!(start, Start::AllThenMark) {
                sender.send(lens.bookmark(page.version, Some("k8s.io/initial-events-end"))).await.ok()?;
            }
            page.version
        }
    };
    let mut mark = tokio::time::interval_at(Instant::now() + BOOKMARK_EVERY, BOOKMARK_EVERY);
    loop {
        changed.borrow_and_update();
        let changes = match store.changes(lens.kind, last) {
            Ok(changes) => VecDeque::from(changes),
            Err(refusal) => {
                let status = Problem::from(refusal).status();
                sender.send(line(&json!({ "type": "ERROR", "object": status }))).await.ok()?;
                return Some(());
            }
        };
        for change in changes {
            last = last.max(change.version);
            if let Some(event) = lens.change(&change) {
                sender.send(event).await.ok()?;
            }
        }
        tokio::select! {
            woken = changed.changed() => woken.ok()?,
            _ = mark.tick() => {
                if lens.bookmarks == Bookmarks::Wanted {
                    // The version is read first, so that no change is skipped.
                    let version = store.version();
                    if store.changes(lens.kind, last).is_ok_and(|changes| changes.is_empty()) {
                        last = last.max(version);
                    }
                    sender.send(lens.bookmark(last, None)).await.ok()?;
                }
            }
        }
    }
}

impl Lens {
    /// What there is now.
    fn all(&self, store: &Store) -> Option<Page> {
        let request = PageRequest {
            namespace: self.namespace.as_deref(),
            version: None,
            after: None,
            limit: 0,
            wanted: &|object| self.shows(object),
        };
        store.page(self.kind, &request).ok()
    }

    fn shows(&self, object: &Value) -> bool {
        self.namespace.as_deref().is_none_or(|wanted| wanted == value::namespace(object))
            && self.name.as_deref().is_none_or(|wanted| wanted == value::name(object))
            && self.selector.matches(object)
    }

    fn change(&self, change: &Change) -> Option<Bytes> {
        let before = change.before.as_ref().filter(|object| self.shows(object));
        let after = change.after.as_ref().filter(|object| self.shows(object));
        match (before, after) {
            (None, Some(after)) => Some(self.event("ADDED", after, None)),
            (Some(_), Some(after)) => Some(self.event("MODIFIED", after, None)),
            // The last state that was seen, under the version at which it went.
            (Some(before), None) => Some(self.event("DELETED", before, Some(change.version))),
            (None, None) => None,
        }
    }

    fn event(&self, kind: &str, object: &Value, version: Option<u64>) -> Bytes {
        let mut object = convert::outward(self.kind, object);
        if let Some(version) = version {
            object["metadata"]["resourceVersion"] = version.to_string().into();
        }
        let object = match self.view {
            View::Object => object,
            View::Metadata => table::metadata_of(&object),
            View::Table(include) => {
                let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
                table::table(self.kind, vec![object], metadata, include, self.clock.now_ms())
            }
        };
        line(&json!({ "type": kind, "object": object }))
    }

    fn bookmark(&self, version: u64, note: Option<&str>) -> Bytes {
        let mut metadata = json!({ "resourceVersion": version.to_string(), "creationTimestamp": null });
        if let Some(note) = note {
            metadata["annotations"] = json!({ note: "true" });
        }
        let object = match self.view {
            View::Table(_) => {
                table::table(self.kind, Vec::new(), metadata, Include::None, self.clock.now_ms())
            }
            View::Object | View::Metadata => json!({
                "kind": self.kind.name, "apiVersion": self.kind.api_version(), "metadata": metadata,
            }),
        };
        line(&json!({ "type": "BOOKMARK", "object": object }))
    }
}

fn line(value: &Value) -> Bytes {
    let mut text = value.to_string();
    text.push('\n');
    text.into()
}
