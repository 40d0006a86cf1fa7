//! Real servers, where they are installed: each test says which one it wants.
//!
//! `SICKBAY_MCP_LIVE` names the folder that `npm install` and `python -m venv venv`
//! were run in; without it, programs of `PATH` are tried.

use std::path::PathBuf;

use serde_json::json;
use sickbay_core::tool::Effect;
use sickbay_mcp::McpSettings;

use crate::{PATIENCE, call, is_ready, names, program, start, until};

/// A program of the folder, or of `PATH`.
fn installed(test: &str, program: &str) -> Option<String> {
    let mut places: Vec<PathBuf> = Vec::new();
    if let Some(folder) = std::env::var_os("SICKBAY_MCP_LIVE") {
        places.push(PathBuf::from(&folder).join("node_modules/.bin"));
        places.push(PathBuf::from(&folder).join("venv/bin"));
    }
    places.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let found = places.into_iter().map(|place| place.join(program)).find(|path| path.is_file());
    if found.is_none() {
        println!("{test}: skipped, `{program}` is neither in SICKBAY_MCP_LIVE nor in PATH");
    }
    found.map(|path| path.to_string_lossy().into_owned())
}

/// Real programs load an interpreter first, on machines with other things to do.
fn patient(mut server: McpSettings) -> McpSettings {
    server.timeouts.start = PATIENCE * 9 / 10;
    server.timeouts.discover = PATIENCE / 2;
    server
}

#[tokio::test]
async fn live_the_time_server_tells_the_time() {
    let Some(command) = installed("live_the_time_server", "mcp-server-time") else { return };
    let hub = start(vec![patient(program("time", &command, &["--local-timezone", "UTC"]))]).await;
    until(&hub, "time", is_ready).await;
    assert_eq!(names(&hub), ["time__convert_time", "time__get_current_time"]);
    let now = call(&hub, "time__get_current_time", json!({"timezone": "UTC"})).await.unwrap();
    assert!(!now.is_error && now.text.contains("UTC"), "{now:?}");
    let wrong = call(&hub, "time__get_current_time", json!({"timezone": "Mars/Base"})).await;
    assert!(wrong.is_err() || wrong.unwrap().is_error);
    hub.close().await;
}

#[tokio::test]
async fn live_the_everything_server_shows_none_of_its_credentials() {
    let Some(command) = installed("live_the_everything_server", "mcp-server-everything") else { return };
    let hub = start(vec![patient(program("all", &command, &["stdio"]))]).await;
    until(&hub, "all", is_ready).await;
    let echo = call(&hub, "all__echo", json!({"message": "hello"})).await.unwrap();
    assert!(echo.text.contains("hello"), "{echo:?}");
    for tool in names(&hub).iter().filter(|name| name.contains("env")) {
        let env = call(&hub, tool, json!({})).await.unwrap();
        assert!(env.text.contains("TOKEN"), "{env:?}");
        assert!(!format!("{env:?}").contains("planted"), "{env:?}");
    }
    hub.close().await;
}

/// Against the playground: `sickbay playground start missing-env --kubeconfig FILE` has written
/// the file that `SICKBAY_MCP_KUBECONFIG` names.
#[tokio::test]
async fn live_the_kubernetes_server_reads_the_playground() {
    let Some(command) = installed("live_the_kubernetes_server", "kubernetes-mcp-server") else { return };
    let Ok(kubeconfig) = std::env::var("SICKBAY_MCP_KUBECONFIG") else {
        println!("live_the_kubernetes_server: skipped, SICKBAY_MCP_KUBECONFIG names no kubeconfig");
        return;
    };
    let mut server = patient(program("kube", &command, &["--kubeconfig", &kubeconfig]));
    server.trust_annotations = true;
    let hub = start(vec![server]).await;
    until(&hub, "kube", is_ready).await;
    let tools = hub.tools();
    let effect = |name: &str| tools.iter().find(|tool| tool.tool == name).map(|tool| tool.spec.effect);
    assert_eq!(effect("pods_list"), Some(Effect::Read));
    assert_eq!(effect("pods_delete"), Some(Effect::Destructive));
    let pods = call(&hub, "kube__pods_list_in_namespace", json!({"namespace": "shop"})).await.unwrap();
    assert!(!pods.is_error && pods.text.contains("payment-api"), "{pods:?}");
    hub.close().await;
}
