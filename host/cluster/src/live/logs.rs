//! The end of a container's log. The server's own byte limit counts from the
//! start and would cut off the very end, so the end is kept here while the
//! rest streams by.

use serde::Deserialize;
use sickbay_core::{
    cluster::{DEFAULT_LOG_BYTES, DEFAULT_TAIL_LINES, Log, LogQuery, MAX_LOG_BYTES},
    error::{CallError, ErrorKind},
};

use super::{
    discovery::Resource,
    path::RequestPath,
    status::{Attempt, Refusal},
    transport::{Keep, Received, Transport},
    words::plain,
};

/// Bytes that are read of a log at most, to keep its end.
const READ_BYTES: usize = 32 * 1024 * 1024;
/// Kept before the part that is wanted, so that a credential that the cut would
/// go through is still seen whole and replaced.
const SLACK_BYTES: usize = 64 * 1024;
/// Lines that are asked for at most.
const MOST_LINES: u32 = 1_000_000;

pub(super) async fn logs(transport: &Transport, pods: &Resource, query: &LogQuery) -> Result<Log, CallError> {
    let lines = match query.tail_lines {
        0 => DEFAULT_TAIL_LINES,
        lines => lines.min(MOST_LINES),
    };
    let bytes = match query.limit_bytes {
        0 => DEFAULT_LOG_BYTES,
        bytes => bytes.min(MAX_LOG_BYTES),
    } as usize;
    let mut container = query.container.clone().filter(|name| !name.is_empty());
    // One more than wanted tells whether earlier lines were left out.
    let mut tail = lines + 1;
    loop {
        match read(transport, pods, query, container.as_deref(), tail, bytes).await {
            Ok(received) if received.cut_after && tail > 1 => tail = (tail / 8).max(1),
            Ok(received) => return Ok(cut(&received, lines as usize, bytes)),
            Err(refusal) if container.is_none() && wants_container(&refusal) => {
                container = Some(first_container(transport, pods, query).await?);
            }
            Err(refusal) => return Err(absent(*refusal, query)),
        }
    }
}

async fn read(
    transport: &Transport,
    pods: &Resource,
    query: &LogQuery,
    container: Option<&str>,
    tail: u32,
    bytes: usize,
) -> Result<Received, Box<Refusal>> {
    let path = RequestPath::collection(pods, Some(&query.namespace))?
        .then("pod name", &query.pod)?
        .then("part", "log")?
        .with_some("container", container)
        .with_some("previous", query.previous.then_some("true"))
        .with("tailLines", &tail.to_string())
        .with("limitBytes", &(READ_BYTES + 1).to_string());
    let attempt = Attempt {
        verb: "get",
        resource: "pods/log",
        namespace: Some(&query.namespace),
        name: Some(&query.pod),
    };
    let keep = Keep::End { keep: bytes + SLACK_BYTES, read: READ_BYTES };
    transport.fetch(&path, &attempt, "application/json, */*", keep).await
}

fn wants_container(refusal: &Refusal) -> bool {
    refusal.status == 400 && refusal.said.contains("container name must be specified")
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodBody {
    spec: PodSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodSpec {
    containers: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

async fn first_container(
    transport: &Transport,
    pods: &Resource,
    query: &LogQuery,
) -> Result<String, CallError> {
    let path = RequestPath::collection(pods, Some(&query.namespace))?.then("pod name", &query.pod)?;
    let attempt =
        Attempt { verb: "get", resource: "pods", namespace: Some(&query.namespace), name: Some(&query.pod) };
    let body = transport.get(&path, &attempt).await?;
    let pod: PodBody = serde_json::from_slice(&body).unwrap_or_default();
    pod.spec.containers.into_iter().next().map(|container| container.name).ok_or_else(|| {
        CallError::new(
            ErrorKind::NotFound,
            "log-absent",
            format!("the pod `{}` has no containers", plain(&query.pod)),
        )
    })
}

/// The server's many ways to say that there is no such log.
fn absent(refusal: Refusal, query: &LogQuery) -> CallError {
    let said = refusal.said.to_lowercase();
    let missing = match refusal.status {
        404 => true,
        400 => [
            "not found",
            "is not valid for pod",
            "waiting to start",
            "is terminated",
            "not available",
            "does not have a host",
        ]
        .iter()
        .any(|words| said.contains(words)),
        // The kubelet's 404 arrives as an error of the API server.
        500 => said.contains("not found") || said.contains("(404)"),
        _ => false,
    };
    if !missing {
        return refusal.error;
    }
    let which = if query.previous { "log of a previous run" } else { "log" };
    let container = match &query.container {
        Some(container) => format!("container `{}` of ", plain(container)),
        None => String::new(),
    };
    CallError::new(
        ErrorKind::NotFound,
        "log-absent",
        format!(
            "there is no {which} of {container}pod `{}/{}`: {}",
            plain(&query.namespace),
            plain(&query.pod),
            plain(&refusal.said)
        ),
    )
}

/// The last lines that fit, redacted.
fn cut(received: &Received, lines: usize, bytes: usize) -> Log {
    let text = String::from_utf8_lossy(&received.bytes);
    let mut text = text.as_ref();
    if received.cut_before
        && let Some(end) = text.find('\n')
        && end + 1 < text.len()
    {
        // The first line lost its start, perhaps in the middle of a credential.
        text = &text[end + 1..];
    }
    let mut all: Vec<String> = text.lines().map(str::to_owned).collect();
    crate::redact::lines(&mut all);
    let mut truncated = received.cut_before || received.cut_after;
    let mut start = all.len();
    let mut room = bytes;
    while start > 0 && all.len() - start < lines && all[start - 1].len() <= room {
        start -= 1;
        // The line break before the next one counts.
        room = room.saturating_sub(all[start].len() + 1);
    }
    truncated |= start > 0;
    if start == all.len() && start > 0 {
        // One line that is longer than the bound: its end, from a whole word on.
        let line = &all[start - 1];
        let from = line.ceil_char_boundary(line.len() - bytes);
        let from = line[from..].find(char::is_whitespace).map_or(line.len(), |at| from + at + 1);
        return Log { lines: vec![line[from..].to_owned()], truncated };
    }
    all.drain(..start);
    Log { lines: all, truncated }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, cut_before: bool, lines: usize, bytes: usize, expect: (&[&str], bool)) {
        let received = Received { bytes: text.as_bytes().to_vec(), cut_before, ..Received::default() };
        let log = cut(&received, lines, bytes);
        assert_eq!(
            (log.lines.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), log.truncated),
            expect,
            "{text:?}"
        );
    }

    #[test]
    fn the_end_is_kept() {
        check("a\nb\nc\n", false, 10, 100, (&["a", "b", "c"], false));
        check("a\nb\nc", false, 2, 100, (&["b", "c"], true));
        check("aaaa\nbb\ncc\n", false, 10, 6, (&["bb", "cc"], true));
        check("half\nwhole\n", true, 10, 100, (&["whole"], true));
        check("a\nb\nc", false, 10, 3, (&["b", "c"], true));
        check("no line break at all", true, 10, 5, (&["all"], true));
        check("é€é €", false, 1, 4, (&["€"], true));
        check("longlonglong", false, 1, 4, (&[""], true));
        check("a\r\nb\r\n", false, 9, 40, (&["a", "b"], false));
        check(
            "bm90IGEga2V5LCBidXQgbG9uZyBlbm91Z2ggdG8gYmUgb25lLCBhbmQgb24=\n-----END PRIVATE KEY-----\nok",
            false,
            9,
            400,
            (&["[redacted]", "[redacted]", "ok"], false),
        );
        check("", false, 10, 100, (&[], false));
        check("\n\n", false, 10, 100, (&["", ""], false));
    }

    #[test]
    fn missing_logs_are_told_from_failures() {
        let query = LogQuery { namespace: "shop".into(), pod: "api".into(), ..LogQuery::default() };
        for (status, said, kind) in [
            (400, "previous terminated container \"c\" in pod \"p\" not found", ErrorKind::NotFound),
            (400, "container nope is not valid for pod api", ErrorKind::NotFound),
            (400, "container \"c\" in pod \"p\" is waiting to start: CrashLoopBackOff", ErrorKind::NotFound),
            (404, "pods \"api\" not found", ErrorKind::NotFound),
            (500, "the server could not find the requested resource (404) not found", ErrorKind::NotFound),
            (400, "invalid tailLines", ErrorKind::Internal),
            (500, "dial tcp: connection refused", ErrorKind::Internal),
        ] {
            let error = CallError::new(ErrorKind::Internal, "", "");
            let refusal = Refusal { status, said: said.into(), ..*Box::<Refusal>::from(error) };
            assert_eq!(absent(refusal, &query).kind, kind, "{said}");
        }
    }
}
