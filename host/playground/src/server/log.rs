//! Logs of containers, of now or of the run before, also as they come.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::mpsc, time::Instant};

use super::{
    Call, Server,
    answer::{Answer, Problem, stream_answer, text_answer},
    path::ResourcePath,
};
use crate::{
    Refusal,
    store::{LogLine, WhichLog},
    value::{self, items, text},
};

/// A log is followed no longer than this.
const MAX_FOLLOW: Duration = Duration::from_secs(3_600);

impl Server {
    pub(crate) fn log(&self, at: &ResourcePath, name: &str, call: &Call) -> Result<Answer, Problem> {
        let namespace = at.namespace.as_deref().unwrap_or("");
        let pod =
            self.store.read(at.kind, namespace, name).ok_or_else(|| Refusal::not_found(at.kind, name))?;
        let container = container(&pod, call.query.text("container"))?;
        let which = if call.query.is_set("previous") { WhichLog::Previous } else { WhichLog::Current };
        let found = self.store.log_lines(namespace, name, &container, which);
        let lines = match (found, which) {
            (Some(lines), _) => lines,
            (None, WhichLog::Previous) => {
                return Err(Refusal::bad_request(format!(
                    "previous terminated container \"{container}\" in pod \"{name}\" not found"
                ))
                .into());
            }
            (None, WhichLog::Current) => match waiting(&pod, &container) {
                Some(reason) => {
                    return Err(Refusal::bad_request(format!(
                        "container \"{container}\" in pod \"{name}\" is waiting to start: {reason}"
                    ))
                    .into());
                }
                None => Vec::new(),
            },
        };
        let seen = lines.last().map_or(0, |line| line.number);
        let text = self.selected_lines(lines, call)?;
        if call.query.is_set("follow") && which == WhichLog::Current {
            return self.follow(at, name, container, seen, text, Stamps::of(call));
        }
        Ok(text_answer(200, text))
    }

    fn selected_lines(&self, mut lines: Vec<LogLine>, call: &Call) -> Result<String, Problem> {
        let query = &call.query;
        let negative = |key: &str| query.number(key).is_some_and(|number| number < 0);
        if negative("tailLines") || negative("limitBytes") || negative("sinceSeconds") {
            let message = "PodLogOptions \"\" is invalid: must be greater than or equal to 0".to_owned();
            return Err(Refusal::new(422, "Invalid", message).into());
        }
        let since = match (query.number("sinceSeconds"), query.get("sinceTime")) {
            (Some(seconds), _) => {
                Some(self.store.clock().now_ms().saturating_sub(seconds.saturating_mul(1_000)))
            }
            (None, Some(time)) => value::time_ms(time),
            (None, None) => None,
        };
        if let Some(since) = since {
            lines.retain(|line| line.at_ms >= since);
        }
        if let Some(tail) = query.number("tailLines").and_then(|tail| usize::try_from(tail).ok()) {
            lines.drain(..lines.len().saturating_sub(tail));
        }
        let mut text: String = lines.iter().map(|line| shown(line, Stamps::of(call))).collect();
        if let Some(limit) = query.number("limitBytes").and_then(|limit| usize::try_from(limit).ok())
            && text.len() > limit
        {
            let mut end = limit;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
        }
        Ok(text)
    }

    fn follow(
        &self,
        at: &ResourcePath,
        name: &str,
        container: String,
        mut seen: u64,
        first: String,
        stamps: Stamps,
    ) -> Result<Answer, Problem> {
        let permit = self
            .watches
            .clone()
            .try_acquire_owned()
            .map_err(|_| Refusal::new(429, "TooManyRequests", "too many open streams".to_owned()))?;
        let (sender, receiver) = mpsc::channel(16);
        let store = self.store.clone();
        let (kind, namespace) = (at.kind, at.namespace.clone().unwrap_or_default());
        let name = name.to_owned();
        tokio::spawn(async move {
            let _permit = permit;
            let end = Instant::now() + MAX_FOLLOW;
            let mut changed = store.subscribe();
            if sender.send(first.into()).await.is_err() {
                return;
            }
            loop {
                changed.borrow_and_update();
                let gone = store.read(kind, &namespace, &name).is_none();
                let lines =
                    store.log_lines(&namespace, &name, &container, WhichLog::Current).unwrap_or_default();
                for line in lines.into_iter().filter(|line| line.number > seen).collect::<Vec<_>>() {
                    seen = line.number;
                    if sender.send(Bytes::from(shown(&line, stamps))).await.is_err() {
                        return;
                    }
                }
                if gone {
                    return;
                }
                tokio::select! {
                    woken = changed.changed() => if woken.is_err() { return },
                    () = tokio::time::sleep_until(end) => return,
                    () = sender.closed() => return,
                }
            }
        });
        Ok(stream_answer("text/plain", receiver))
    }
}

/// Whether each line begins with its time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stamps {
    Shown,
    Hidden,
}

impl Stamps {
    fn of(call: &Call) -> Self {
        if call.query.is_set("timestamps") { Self::Shown } else { Self::Hidden }
    }
}

fn shown(line: &LogLine, stamps: Stamps) -> String {
    match stamps {
        Stamps::Hidden => format!("{}\n", line.text),
        Stamps::Shown => format!("{} {}\n", value::micro_time(line.at_ms), line.text),
    }
}

/// The container that is meant; the only one where none is named.
fn container(pod: &serde_json::Value, asked: &str) -> Result<String, Problem> {
    let name = value::name(pod);
    let names =
        |list: &str| items(pod, list).iter().map(|one| text(one, "/name").to_owned()).collect::<Vec<_>>();
    let (main, init) = (names("/spec/containers"), names("/spec/initContainers"));
    if asked.is_empty() {
        return match main.as_slice() {
            [only] if init.is_empty() => Ok(only.clone()),
            _ => {
                let mut message = format!(
                    "a container name must be specified for pod {name}, choose one of: [{}]",
                    main.join(" ")
                );
                if !init.is_empty() {
                    message.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
                }
                Err(Refusal::bad_request(message).into())
            }
        };
    }
    if main.iter().chain(&init).any(|one| one == asked) {
        return Ok(asked.to_owned());
    }
    Err(Refusal::bad_request(format!("container {asked} is not valid for pod {name}")).into())
}

/// Why a container has no log yet.
fn waiting(pod: &serde_json::Value, container: &str) -> Option<String> {
    let status = ["/status/containerStatuses", "/status/initContainerStatuses"]
        .into_iter()
        .flat_map(|list| items(pod, list))
        .find(|status| text(status, "/name") == container);
    match status {
        None if text(pod, "/spec/nodeName").is_empty() => Some("PodScheduled is false".to_owned()),
        None => Some("ContainerCreating".to_owned()),
        Some(status) => match text(status, "/state/waiting/reason") {
            "" => None,
            "ErrImagePull" | "ImagePullBackOff" => Some("trying and failing to pull image".to_owned()),
            reason => Some(reason.to_owned()),
        },
    }
}
