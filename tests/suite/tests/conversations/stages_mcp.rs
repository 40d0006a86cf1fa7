//! Stages that call tools of MCP servers: these are there in a run, and not in its replay.

use std::sync::Arc;

use sickbay_core::report::{Outcome, ToolState};
use sickbay_runtime::{ResumeRequest, RunSource};
use sickbay_store::MemoryJournal;

use crate::{
    stage::{Person, Stage},
    stages::{agrees, profile},
};

/// A server with one tool, in the language of the shell.
const SERVER: &str = r#"
[mcp.desk]
command = "/bin/sh"
protocol = "2025-11-25"
read = ["*"]
args = ["-c", '''
while read -r line; do
  id=${line#*\"id\":}
  id=${id%%[,\}]*}
  case $line in
  *'"initialize"'*) result='{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"desk","version":"1"}}' ;;
  *'"tools/list"'*) result='{"tools":[{"name":"tell","description":"tells","inputSchema":{"type":"object"}}]}' ;;
  *'"tools/call"'*) result='{"content":[{"type":"text","text":"told by the desk"}]}' ;;
  *) continue ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
''']
"#;

fn calling(tool: &str) -> String {
    let stages = format!(
        "[[pipeline.stage]]\nname = \"call\"\nkind = \"tools\"\ncalls = [{{ tool = \"{tool}\" }}]\n\
         [[pipeline.stage]]\nname = \"ask\"\nkind = \"approve\"\n"
    );
    format!("{SERVER}{}", profile(&stages))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_of_a_server_is_called_once_and_its_result_is_what_counts() {
    let journal = Arc::new(MemoryJournal::new());
    let first = Stage::with(Vec::new(), journal.clone(), Person::default());
    let end = first.sickbay.run(first.run(&calling("desk__tell"))).await.unwrap();
    assert!(end.parked.is_some(), "{end:?}");
    assert_eq!(
        (end.report.tools[0].state, end.report.tools[0].text.as_str()),
        (ToolState::Ok, "told by the desk")
    );
    let id = end.report.run;
    let second = Stage::with(Vec::new(), journal, agrees()).warmed_by(&first);
    let request = ResumeRequest { cluster: Some(second.cluster()), ..ResumeRequest::default() };
    let end = second.sickbay.resume(&id, request).await.unwrap();
    assert_eq!((end.parked, end.report.outcome), (None, Outcome::Answered));
    let called =
        second.entries(&id).await.iter().filter(|entry| entry.event.kind() == "tool-started").count();
    assert_eq!(called, 1);
    let end = second.sickbay.replay(&RunSource::Journal(id)).await.unwrap();
    assert_eq!(end.difference, None);

    // What its server does not list is told when it is called: the run begins, and says so.
    let end = second.sickbay.run(second.run(&calling("desk__tel"))).await.unwrap();
    assert_eq!((end.report.outcome, end.report.tools[0].state), (Outcome::Failed, ToolState::Refused));
    assert!(end.report.tools[0].text.contains("its server does not list it"), "{:?}", end.report.tools);
    let end = second.sickbay.replay(&RunSource::Journal(end.report.run)).await.unwrap();
    assert_eq!(end.difference, None);
}
