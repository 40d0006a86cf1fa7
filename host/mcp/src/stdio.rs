//! A server as a child process, spoken to over its standard streams.
//!
//! The child gets the environment that the profile names and a few variables
//! that every program needs, nothing else of the host's. It leads a process
//! group of its own, which ends with the connection, however that ends. What
//! it writes to its standard error goes to the trace, a bounded part of it.

use std::{io, process::Stdio, time::Duration};

use rmcp::{
    RoleClient,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::{Transport, async_rw::AsyncRwTransport},
};
use rustix::process::{Pid, Signal, kill_process_group};
use sickbay_core::text::clean_line;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{output::scrubbed, settings::Secrets};

/// Variables that a program may need to start at all; what else it gets, the
/// profile names.
pub const NEEDED_VARIABLES: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM"];

/// Bytes of one message at most.
const MOST_LINE: usize = 8 * 1024 * 1024;
/// How long the child may take to end once its input is closed, and once more
/// after it was asked to.
const GRACE: Duration = Duration::from_millis(1_500);
/// Lines of a child's standard error that are traced, and bytes of each.
const MOST_LINES: usize = 200;
const LONGEST_LINE: usize = 400;

/// What of an environment a child gets beside what its profile names.
#[must_use]
pub(crate) fn needed(environment: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    environment.into_iter().filter(|(name, _)| NEEDED_VARIABLES.contains(&name.as_str())).collect()
}

/// What to start.
pub(crate) struct Program<'a> {
    pub(crate) server: &'a str,
    pub(crate) command: &'a str,
    pub(crate) args: &'a [String],
    pub(crate) env: Vec<(&'a str, &'a str)>,
    pub(crate) folder: Option<&'a std::path::Path>,
    pub(crate) secrets: Secrets,
}

pub(crate) struct StdioTransport {
    streams: AsyncRwTransport<RoleClient, ChildStdout, ChildStdin>,
    group: Group,
    secrets: Secrets,
}

impl StdioTransport {
    /// Starts the child. Needs a running tokio.
    pub(crate) fn start(program: Program<'_>) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "the one door to MCP servers as child processes")]
        let mut command = Command::new(program.command);
        command.args(program.args).env_clear().envs(program.env);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true).process_group(0);
        if let Some(folder) = program.folder {
            command.current_dir(folder);
        }
        let mut child = command.spawn()?;
        let gone = || io::Error::other("the child has no standard streams");
        let stdin = child.stdin.take().ok_or_else(gone)?;
        let stdout = child.stdout.take().ok_or_else(gone)?;
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(trace(stderr, program.server.to_owned(), program.secrets.clone()));
        }
        let streams = AsyncRwTransport::new_client(stdout, stdin).with_max_line_length(MOST_LINE);
        Ok(Self { streams, group: Group::of(child), secrets: program.secrets })
    }
}

impl Transport<RoleClient> for StdioTransport {
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.streams.send(item)
    }

    /// May be dropped between two messages, as rmcp does.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        let message = self.streams.receive().await?;
        Some(without(&self.secrets, message))
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        // A child that reads nothing holds the lock of its own input.
        let _ = timeout(GRACE, self.streams.close()).await;
        self.group.end().await;
        Ok(())
    }
}

/// A message without the child's own credentials, whatever part of it they
/// stand in: a tool's description goes to a model, and rmcp traces all of it.
/// What would be no message any more stays as it came.
fn without(secrets: &Secrets, message: RxJsonRpcMessage<RoleClient>) -> RxJsonRpcMessage<RoleClient> {
    if secrets.is_empty() {
        return message;
    }
    let Ok(told) = serde_json::to_value(&message) else { return message };
    let clean = scrubbed(&told, secrets);
    if clean == told { message } else { serde_json::from_value(clean).unwrap_or(message) }
}

/// The child and all that it started, unless that left the group.
struct Group {
    child: Child,
    leader: Option<Pid>,
}

impl Group {
    fn of(child: Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, leader }
    }

    /// Waits a little for the child to end by itself, asks it to, and kills what is left.
    async fn end(&mut self) {
        if timeout(GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::TERM);
            let _ = timeout(GRACE, self.child.wait()).await;
        }
        self.kill();
        let _ = timeout(GRACE, self.child.wait()).await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // A group that is gone already is what was wanted.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Once: a number that is free again may become somebody else's.
    fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.leader = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads the whole of a child's standard error, so that it never waits for a
/// reader, and traces the beginning.
async fn trace(mut stderr: impl AsyncRead + Unpin, server: String, secrets: Secrets) {
    let mut lines = 0_usize;
    let mut line: Vec<u8> = Vec::new();
    let mut buffer = vec![0_u8; 4_096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        for &byte in buffer.get(..count).unwrap_or_default() {
            if lines >= MOST_LINES {
                break;
            }
            if byte == b'\n' {
                lines += 1;
                tell(&server, &line, &secrets);
                line.clear();
            } else if line.len() < LONGEST_LINE {
                line.push(byte);
            }
        }
        if lines == MOST_LINES {
            lines += 1;
            tracing::debug!(server, "what the MCP server says from here on is not traced");
        }
    }
    if !line.is_empty() {
        tell(&server, &line, &secrets);
    }
}

fn tell(server: &str, line: &[u8], secrets: &Secrets) {
    let text = secrets.scrub(&clean_line(&String::from_utf8_lossy(line), LONGEST_LINE));
    if !text.is_empty() {
        tracing::debug!(server, "the MCP server says: {text}");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sickbay_core::secret::Secret;

    use super::*;
    use crate::settings::{McpSettings, Transport};

    #[test]
    fn what_a_child_was_given_comes_back_in_no_part_of_a_message() {
        let env = vec![("TOKEN".to_owned(), Secret::new("planted-value"))];
        let transport = Transport::Stdio { command: String::new(), args: Vec::new(), env, folder: None };
        let secrets = McpSettings::new("s", transport).secrets();
        let heard = |message: &Value| {
            let message = serde_json::from_value(message.clone()).expect("a message");
            serde_json::to_value(without(&secrets, message)).expect("JSON")
        };
        let tool = |said: &str| {
            let schema =
                json!({"type": "object", "properties": {"text": {"type": "string", "description": said}}});
            let tools = json!([{"name": "look", "description": said, "inputSchema": schema}]);
            json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}})
        };
        assert_eq!(heard(&tool("it is planted-value")), heard(&tool("it is [redacted]")));
        assert!(heard(&tool("it is planted-value")).to_string().contains("it is [redacted]"));
        let failed =
            |said: &str| json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": said}});
        assert_eq!(heard(&failed("no planted-value")), failed("no [redacted]"));
    }

    #[test]
    fn a_child_gets_no_more_than_it_needs() {
        let whole =
            [("PATH", "/bin"), ("AWS_SECRET_ACCESS_KEY", "planted"), ("HOME", "/h"), ("KUBECONFIG", "x")];
        let whole = whole.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let names: Vec<String> = needed(whole).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["PATH", "HOME"]);
    }
}
