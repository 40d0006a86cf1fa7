//! Containers as `kubectl describe` prints them, of pods and of templates.

use super::{Object, block::Block, given, integer, number, pairs, string};
use crate::{recorded::time, tree::Tree};

/// The container's part of a spec.
pub(super) fn spec(block: &Block<'_>) -> Object {
    let mut container = Tree::object([("name", string(block.key()))]);
    if let Some(image) = block.value("Image") {
        container.set("image", string(image));
    }
    for (key, field) in [("Command", "command"), ("Args", "args")] {
        let lines = block.values(key);
        if !lines.is_empty() {
            container.set(field, Tree::Array(lines.into_iter().map(string).collect()));
        }
    }
    ports(block, &mut container);
    for (key, field) in [("Limits", "limits"), ("Requests", "requests")] {
        let mut amounts = Tree::Object(Vec::new());
        for below in block.get(key).map_or(&[][..], |block| &block.below) {
            let (name, amount) = below.split();
            if !amount.is_empty() {
                amounts.set(name.to_owned(), string(amount));
            }
        }
        if !amounts.is_empty() {
            container.entry("resources").set(field, amounts);
        }
    }
    for (key, field) in
        [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
    {
        if let Some(text) = block.value(key) {
            container.set(field, probe(text));
        }
    }
    environment(block, &mut container);
    let mounts: Vec<Object> = block
        .get("Mounts")
        .map_or(&[][..], |block| &block.below)
        .iter()
        .filter_map(|line| mount(line.text))
        .collect();
    if !mounts.is_empty() {
        container.set("volumeMounts", Tree::Array(mounts));
    }
    container
}

/// `Port: 80/TCP`, `Ports: 80/TCP, 443/TCP`, `Host Port: 0/TCP`.
fn ports(block: &Block<'_>, container: &mut Object) {
    let Some(text) = block.value("Port").or_else(|| block.value("Ports")) else { return };
    let ports: Vec<Object> = text
        .split(',')
        .filter_map(|port| {
            let (port, rest) = port.trim().split_once('/')?;
            // Newer kubectl adds the name: `8080/TCP (http)`.
            let (protocol, name) = rest.split_once(' ').unwrap_or((rest, ""));
            let mut object = Tree::object([("containerPort", number(port)?), ("protocol", string(protocol))]);
            let name = name.trim().trim_matches(['(', ')']);
            if !name.is_empty() {
                object.set("name", string(name));
            }
            Some(object)
        })
        .collect();
    if !ports.is_empty() {
        container.set("ports", Tree::Array(ports));
    }
}

fn environment(block: &Block<'_>, container: &mut Object) {
    let mut from = Vec::new();
    for line in block.get("Environment Variables from").map_or(&[][..], |block| &block.below) {
        let mut words = line.text.split_whitespace();
        if let (Some(name), Some(kind)) = (words.next(), words.next()) {
            let field = if kind == "Secret" { "secretRef" } else { "configMapRef" };
            let mut source = Tree::object([("name", string(name))]);
            if line.text.contains("Optional: true") {
                source.set("optional", Tree::Bool(true));
            }
            from.push(Tree::object([(field, source)]));
        }
    }
    if !from.is_empty() {
        container.set("envFrom", Tree::Array(from));
    }
    let mut variables = Vec::new();
    for line in block.get("Environment").map_or(&[][..], |block| &block.below) {
        let (name, value) = line.split();
        let mut variable = Tree::object([("name", string(name))]);
        if let Some(rest) = value.strip_prefix("<set to the key '") {
            let (key, rest) = rest.split_once('\'').unwrap_or((rest, ""));
            let (of, rest) = rest.split_once('\'').unwrap_or(("", ""));
            let source = rest.split('\'').next().unwrap_or("");
            let field = if of.contains("secret") { "secretKeyRef" } else { "configMapKeyRef" };
            let mut reference = Tree::object([("key", string(key)), ("name", string(source))]);
            if value.contains("Optional: true") {
                reference.set("optional", Tree::Bool(true));
            }
            variable.set("valueFrom", Tree::object([(field, reference)]));
        } else if let Some(path) = value.strip_prefix("(v1:") {
            let path = string(path.trim_end_matches(')'));
            variable.set("valueFrom", Tree::object([("fieldRef", Tree::object([("fieldPath", path)]))]));
        } else {
            variable.set("value", string(value));
        }
        variables.push(variable);
    }
    if !variables.is_empty() {
        container.set("env", Tree::Array(variables));
    }
}

/// `/certs/a.pem from certs (rw,path="a.pem")`
fn mount(text: &str) -> Option<Object> {
    let (path, rest) = text.split_once(" from ")?;
    let (name, options) = rest.split_once(' ').unwrap_or((rest, ""));
    let mut mount = Tree::object([("mountPath", string(path)), ("name", string(name))]);
    let options = options.trim_matches(['(', ')']);
    if options.split(',').any(|option| option == "ro") {
        mount.set("readOnly", Tree::Bool(true));
    }
    if let Some(path) = options.split(',').find_map(|option| option.strip_prefix("path=")) {
        mount.set("subPath", string(path.trim_matches('"')));
    }
    Some(mount)
}

/// `http-get http://:8080/healthz delay=3s timeout=1s period=5s #success=1 #failure=3`
fn probe(text: &str) -> Object {
    let mut probe = Tree::Object(Vec::new());
    let end = text.find(" delay=").unwrap_or(text.len());
    let (what, settings) = text.split_at(end);
    if let Some(url) = what.strip_prefix("http-get ") {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut get = Tree::object([("path", Tree::string(format!("/{path}")))]);
        if let Some((_, port)) = host.rsplit_once(':') {
            get.set("port", number(port).unwrap_or_else(|| string(port)));
        }
        get.set("scheme", Tree::string(scheme.to_ascii_uppercase()));
        probe.set("httpGet", get);
    } else if let Some(address) = what.strip_prefix("tcp-socket ") {
        let port = address.rsplit(':').next().unwrap_or(address).trim();
        let port = number(port).unwrap_or_else(|| string(port));
        probe.set("tcpSocket", Tree::object([("port", port)]));
    } else if let Some(command) = what.strip_prefix("exec ") {
        let words = command.trim_matches(['[', ']']).split(' ').map(string).collect();
        probe.set("exec", Tree::object([("command", Tree::Array(words))]));
    } else if let Some(address) = what.strip_prefix("grpc ") {
        let port = address.trim_matches(['<', '>']).split(':').next_back().unwrap_or("").trim();
        probe.set("grpc", Tree::object([("port", number(port).unwrap_or_else(|| string(port)))]));
    }
    for setting in settings.split_whitespace() {
        let Some((name, value)) = setting.trim_start_matches('#').split_once('=') else { continue };
        let field = match name {
            "delay" => "initialDelaySeconds",
            "timeout" => "timeoutSeconds",
            "period" => "periodSeconds",
            "success" => "successThreshold",
            "failure" => "failureThreshold",
            _ => continue,
        };
        if let Some(value) = number(value.trim_end_matches('s')) {
            probe.set(field, value);
        }
    }
    probe
}

/// The container's part of a status, none for templates.
pub(super) fn status(block: &Block<'_>) -> Option<Object> {
    block.get("State")?;
    let mut status = Tree::object([("name", string(block.key()))]);
    for (key, field) in [("Image", "image"), ("Image ID", "imageID"), ("Container ID", "containerID")] {
        if let Some(value) = block.value(key) {
            status.set(field, string(value));
        }
    }
    status.set("ready", Tree::Bool(block.value("Ready") == Some("True")));
    status.set("restartCount", block.value("Restart Count").and_then(number).unwrap_or_else(|| integer(0)));
    for (key, field) in [("State", "state"), ("Last State", "lastState")] {
        if let Some(state) = block.get(key).and_then(state) {
            status.set(field, state);
        }
    }
    Some(status)
}

fn state(block: &Block<'_>) -> Option<Object> {
    let kind = match given(block.split().1)? {
        "Waiting" => "waiting",
        "Running" => "running",
        "Terminated" => "terminated",
        _ => return None,
    };
    let mut state = Tree::Object(Vec::new());
    for (key, field) in [("Reason", "reason"), ("Message", "message")] {
        let lines = block.values(key);
        if !lines.is_empty() {
            state.set(field, Tree::string(lines.join("\n")));
        }
    }
    for (key, field) in [("Exit Code", "exitCode"), ("Signal", "signal")] {
        if let Some(value) = block.value(key).and_then(number) {
            state.set(field, value);
        }
    }
    for (key, field) in [("Started", "startedAt"), ("Finished", "finishedAt")] {
        if let Some(at) = block.value(key).and_then(time::parse) {
            state.set(field, Tree::string(time::format(at)));
        }
    }
    Some(Tree::object([(kind, state)]))
}

/// `Labels:` and the like as a map.
pub(super) fn labels(block: &Block<'_>, key: &str) -> Option<Object> {
    let map = pairs(block.values(key));
    (!map.is_empty()).then_some(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes() {
        for (text, expect) in [
            (
                "http-get http://:8080/healthz delay=3s timeout=1s period=5s #success=1 #failure=3",
                r#"{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"initialDelaySeconds":3,"timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3}"#,
            ),
            ("tcp-socket :web delay=0s", r#"{"tcpSocket":{"port":"web"},"initialDelaySeconds":0}"#),
            (
                "exec [cat /tmp/x] delay=5s",
                r#"{"exec":{"command":["cat","/tmp/x"]},"initialDelaySeconds":5}"#,
            ),
        ] {
            assert_eq!(probe(text).to_json(), expect);
        }
    }

    #[test]
    fn environment_variables() {
        let text = "web:\n  Environment:\n    A:  x y\n    B:  <set to the key 'pw' in secret 'db'>  Optional: false\n    C:  <set to the key 'c' of config map 'cfg'>  Optional: true\n    D:   (v1:metadata.name)";
        let lines: Vec<&str> = text.lines().collect();
        let root = super::super::block::parse(&lines);
        let spec = spec(&root.below[0]);
        assert_eq!(
            spec.get("env").unwrap().to_json(),
            concat!(
                r#"[{"name":"A","value":"x y"},{"name":"B","valueFrom":{"secretKeyRef":{"key":"pw","name":"db"}}},"#,
                r#"{"name":"C","valueFrom":{"configMapKeyRef":{"key":"c","name":"cfg","optional":true}}},"#,
                r#"{"name":"D","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]"#
            )
        );
    }
}
