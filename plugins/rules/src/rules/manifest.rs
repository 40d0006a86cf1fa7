//! Templates that no cluster has run yet, or of which nothing is known: what
//! can be told from the manifest alone. Where pods were seen, they speak.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::{
    actions,
    context::{Context, Template},
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json, quantity,
    rules::pod::{crash, scheduling},
    snapshot::Phase,
    text,
};

mod host;
mod image;
mod probe;
mod refused;
mod room;
pub(super) mod stock;
mod variables;
mod wait;

pub(in crate::rules) use stock::stock_port;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let seen_running: HashSet<ObjectRef> = context
        .snapshot
        .pods
        .all
        .iter()
        .filter(|pod| pod.phase != Phase::None)
        .flat_map(|pod| [context.workload(pod), pod.reference.clone()])
        .collect();
    for template in context.templates("") {
        let owner = &template.seen.reference;
        let idle = template.seen.integer("/spec/replicas") == Some(0);
        if seen_running.contains(owner) || has_run(&template) || idle || template.seen.terminating() {
            continue;
        }
        selector(&template, findings);
        nodes(context, &template, findings);
        room::check(context, &template, findings);
        refused::policy(&template, findings);
        for list in ["initContainers", "containers"] {
            for (at, container) in json::list(template.spec(), &format!("/{list}")).iter().enumerate() {
                let part = Part {
                    template,
                    pointer: format!("{}/{list}/{at}", template.pointer),
                    container,
                    name: json::text(container, "/name").unwrap_or(""),
                };
                image::check(&part, findings);
                command(&part, findings, list == "initContainers");
                memory(&part, findings);
                probe::check(&part, findings);
                user(&part, findings);
                host::check(context, &part, findings);
                refused::mounts(&part, findings);
                variables::check(&part, findings);
                if list == "initContainers" {
                    wait::check(context, &part, findings);
                }
            }
        }
    }
}

/// Whether a controller has looked at it: its pods, or their lack, then tell.
fn has_run(template: &Template<'_>) -> bool {
    template.seen.reference.kind != "Pod" && template.seen.has_status()
}

/// One container of a template.
pub(super) struct Part<'a> {
    pub(super) template: Template<'a>,
    /// Into the object: `/spec/template/spec/containers/0`.
    pub(super) pointer: String,
    pub(super) container: &'a Value,
    pub(super) name: &'a str,
}

impl Part<'_> {
    pub(super) fn owner(&self) -> &ObjectRef {
        &self.template.seen.reference
    }

    pub(super) fn draft(&self, severity: Severity, reason: &str, field: &str) -> Draft {
        Draft::new(severity, self.template.seen, reason, &format!("{}/{field}", self.pointer))
    }

    /// `Deployment shop/api: container `app``, the beginning of a message.
    pub(super) fn subject(&self) -> String {
        format!("Container `{}` of {}", text::clean(self.name, 60), self.owner())
    }

    /// Whether the image runs what it was made to run, as it was made.
    pub(super) fn is_as_made(&self) -> bool {
        let own_command = !json::list(self.container, "/command").is_empty()
            || !json::list(self.container, "/args").is_empty();
        let mounts = json::list(self.container, "/volumeMounts")
            .iter()
            .filter_map(|mount| json::text(mount, "/mountPath"))
            .any(|path| !path.starts_with("/var/run/secrets"));
        !own_command && !mounts
    }
}

/// A selector that its own template does not meet is refused by the API server.
fn selector(template: &Template<'_>, findings: &mut Findings) {
    let seen = template.seen;
    if !matches!(seen.reference.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet")
        || !seen.at("/spec/selector").is_object()
    {
        return;
    }
    if !crate::labels::selector_matches(seen.at("/spec/selector"), template.labels) {
        findings.add(
            Draft::new(Severity::Critical, seen, "SelectorMismatch", "/spec/selector")
                .see(seen, "/spec/template/metadata/labels")
                .message(format!(
                    "{} selects `{}`, and its own pods have `{}`: the API server does not take it.",
                    seen.reference,
                    text::clean(&crate::labels::show_selector(seen.at("/spec/selector")), 150),
                    text::clean(&crate::labels::show(template.labels), 150)
                ))
                .confidence(0.97)
                .action(actions::escalate(
                    &seen.reference,
                    "Labels of the template that its selector selects.",
                )),
        );
    }
}

/// Labels of nodes that Kubernetes or its clouds set, so that they can be expected.
const EXPECTED: &[&str] = &[
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/worker",
    "node-role.kubernetes.io/master",
];

/// A node selector that no node meets, or that none may.
fn nodes(context: &Context<'_>, template: &Template<'_>, findings: &mut Findings) {
    let spec = template.spec();
    let wanted = scheduling::wanted(spec);
    if wanted.is_empty() {
        return;
    }
    let nodes: Vec<_> = context.snapshot.all("Node").collect();
    if nodes.iter().any(|node| scheduling::selects(spec, node)) {
        return;
    }
    let only_expected = json::entries(spec, "/nodeSelector").all(|(key, _)| EXPECTED.contains(&key))
        && spec.pointer("/affinity/nodeAffinity").is_none();
    if nodes.is_empty() && only_expected {
        return;
    }
    let owner = &template.seen.reference;
    let mut remove = serde_json::Map::new();
    for (key, _) in json::entries(spec, "/nodeSelector") {
        if nodes.is_empty() || !nodes.iter().any(|node| crate::labels::get(node.labels(), key).is_some()) {
            remove.insert(key.to_owned(), Value::Null);
        }
    }
    let (known, confidence) = if nodes.is_empty() {
        (
            "whether a node has that label is not recorded, and it is not one that Kubernetes sets"
                .to_owned(),
            0.6,
        )
    } else {
        (format!("none of the {} has it", text::plural(nodes.len(), "recorded node")), 0.85)
    };
    let pointer = if spec.get("nodeSelector").is_some() { "nodeSelector" } else { "affinity/nodeAffinity" };
    let mut draft = Draft::new(
        Severity::Critical,
        template.seen,
        "NodeSelectorMismatch",
        &format!("{}/{pointer}", template.pointer),
    )
    .message(format!(
        "The pods of {owner} want a node with `{}`: {known}. Without such a node they stay Pending.",
        text::clean(&wanted, 150)
    ))
    .confidence(confidence);
    if !remove.is_empty() {
        draft = draft.action(actions::action(
            "patch-node-selector",
            owner,
            json!({ "nodeSelector": remove }),
            "Take the node selector away, or label a node so",
        ));
    }
    findings.add(draft.action(actions::escalate(owner, "Which nodes the pods should run on.")));
}

/// Commands that can not work as they are written.
fn command(part: &Part<'_>, findings: &mut Findings, is_init: bool) {
    let field = if json::list(part.container, "/args").is_empty() { "command" } else { "args" };
    let need = format!("The command that container `{}` should run.", text::clean(part.name, 60));
    if let Some(fault) = crash::script_fault(part.container) {
        findings.add(
            part.draft(Severity::Critical, "InvalidCommand", field)
                .message(format!(
                    "{} runs a shell command that can not work: {fault}. It ends at once, which becomes CrashLoopBackOff.",
                    part.subject()
                ))
                .confidence(0.9)
                .action(actions::escalate(part.owner(), need)),
        );
        return;
    }
    let words = crash::words(part.container);
    if let Some(program) = one_word(part.container) {
        findings.add(
            part.draft(Severity::Critical, "InvalidCommand", "command")
                .message(format!(
                    "{} runs the program `{}`, blanks and all, since its command is one word of a list: no such file is there.",
                    part.subject(),
                    text::clean(program, 100)
                ))
                .confidence(0.9)
                .action(actions::action(
                    "patch-command",
                    part.owner(),
                    json!({ "container": part.name, "command": program.split_whitespace().collect::<Vec<_>>() }),
                    "Make each word of the command an entry of its own",
                ))
                .action(actions::escalate(part.owner(), need)),
        );
        return;
    }
    let script = script_of(&words);
    let kind = part.owner().kind.as_str();
    if let Some(code) = ends_with_failure(&script) {
        findings.add(
            part.draft(Severity::Critical, "InvalidCommand", field)
                .message(format!(
                    "{} runs a command that always ends with exit code {code}, so that it can only fail.",
                    part.subject()
                ))
                .confidence(0.85)
                .action(actions::escalate(part.owner(), need)),
        );
    } else if !is_init && !matches!(kind, "Job" | "CronJob" | "Pod") && ends_at_once(&script) {
        findings.add(
            part.draft(Severity::Warning, "InvalidCommand", field)
                .message(format!(
                    "{} runs a command that ends at once, and is restarted for ever: CrashLoopBackOff.",
                    part.subject()
                ))
                .confidence(0.75)
                .action(actions::escalate(part.owner(), need)),
        );
    } else if let Some((wrong, right)) = misspelt(&words) {
        findings.add(
            part.draft(Severity::Warning, "InvalidCommand", field)
                .message(format!("{} runs `{wrong}`, which looks like a slip for `{right}`.", part.subject()))
                .confidence(0.7)
                .action(actions::escalate(part.owner(), need)),
        );
    }
}

/// A command whose only entry holds the program and its arguments.
fn one_word(container: &Value) -> Option<&str> {
    let [program] = json::list(container, "/command") else { return None };
    let program = program.as_str()?.trim();
    let plain =
        program.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '/' | '.' | '='));
    (program.contains(' ') && plain).then_some(program)
}

/// The script of `sh -c`, or the words joined.
fn script_of(words: &[&str]) -> String {
    crate::shell::script(words, &[]).map_or_else(|| words.join(" "), str::to_owned)
}

/// The exit code with which a container's command fails whatever happens.
pub(super) fn always_fails(container: &Value) -> Option<u8> {
    ends_with_failure(&script_of(&crash::words(container)))
}

/// The exit code other than 0 with which a script without branches ends.
fn ends_with_failure(script: &str) -> Option<u8> {
    let script = script.trim().trim_end_matches(';').trim();
    if ["||", "&&", "if ", "case ", "trap ", "while ", "function"].iter().any(|word| script.contains(word)) {
        return None;
    }
    let last = script.rsplit([';', '\n']).next()?.trim();
    if last == "false" || script == "/bin/false" {
        return Some(1);
    }
    last.strip_prefix("exit ")?.trim().parse::<u8>().ok().filter(|code| *code != 0)
}

/// Whether a script does nothing that lasts.
fn ends_at_once(script: &str) -> bool {
    let script = script.trim();
    !script.is_empty()
        && script.split([';', '\n']).map(str::trim).filter(|part| !part.is_empty()).all(|part| {
            let first = part.split_whitespace().next().unwrap_or("");
            matches!(
                first,
                "echo"
                    | "date"
                    | "true"
                    | "ls"
                    | "pwd"
                    | "whoami"
                    | "hostname"
                    | "printenv"
                    | "exit"
                    | "/bin/true"
            ) && !part.contains(['|', '&'])
        })
}

/// A first word that is a slip for a program that everybody knows.
fn misspelt<'a>(words: &[&'a str]) -> Option<(&'a str, &'static str)> {
    const KNOWN: &[&str] = &[
        "python",
        "python3",
        "sleep",
        "nginx",
        "node",
        "bash",
        "redis-server",
        "wget",
        "curl",
        "java",
        "npm",
        "gunicorn",
        "uvicorn",
        "httpd",
        "mysqld",
        "postgres",
        "tail",
    ];
    let first = words.first()?.rsplit('/').next()?;
    if KNOWN.contains(&first) || first.len() < 3 {
        return None;
    }
    let right = KNOWN.iter().find(|known| first.len() >= 4 && text::near(first, known))?;
    words.first().map(|word| (*word, *right))
}

/// Limits that the container can not live within.
fn memory(part: &Part<'_>, findings: &mut Findings) {
    for (resource, limit) in json::entries(part.container, "/resources/limits") {
        let request =
            part.container.pointer("/resources/requests").and_then(|requests| requests.get(resource));
        if let (Some(limit), Some(request)) = (quantity::of(limit), request.and_then(quantity::of))
            && request > limit
        {
            findings.add(
                part.draft(
                    Severity::Critical,
                    "InvalidResources",
                    &format!("resources/requests/{}", json::step(resource)),
                )
                .message(format!(
                    "{} asks for more {} than its limit allows: the API server does not take it.",
                    part.subject(),
                    text::clean(resource, 40)
                ))
                .confidence(0.97)
                .action(actions::escalate(part.owner(), "A request that is not above the limit.")),
            );
        }
    }
    let Some(shown) = json::text(part.container, "/resources/limits/memory") else { return };
    let Some(limit) = quantity::milli(shown) else { return };
    let script = crash::words(part.container).join(" ");
    if let Some(need) = crash::memory_need(&script).filter(|need| *need > limit) {
        let wanted = quantity::bytes(need.saturating_mul(2));
        findings.add(
            part.draft(Severity::Warning, "MemoryLimitTooLow", "resources/limits/memory")
                .message(format!(
                    "{} runs a command that uses {}, above its memory limit of `{}`: it is killed for that (OOMKilled).",
                    part.subject(),
                    quantity::bytes(need),
                    text::clean(shown, 40)
                ))
                .confidence(0.75)
                .see(part.template.seen, &format!("{}/args", part.pointer))
                .action(actions::action(
                    "patch-resources",
                    part.owner(),
                    json!({ "container": part.name, "limits": { "memory": wanted } }),
                    format!("Raise the memory limit from {} to {wanted}", text::clean(shown, 40)),
                )),
        );
    } else if limit > 0 && limit < 4_194_304_000 {
        findings.add(
            part.draft(Severity::Critical, "MemoryLimitTooLow", "resources/limits/memory")
                .message(format!(
                    "{} may use `{}` of memory, with which no container starts; a unit such as `Mi` is missing, perhaps.",
                    part.subject(),
                    text::clean(shown, 40)
                ))
                .confidence(0.9)
                .action(actions::escalate(part.owner(), "The memory limit that was meant.")),
        );
    }
}

/// A user that the kubelet refuses.
fn user(part: &Part<'_>, findings: &mut Findings) {
    let own = |field: &str| {
        part.container
            .pointer(&format!("/securityContext/{field}"))
            .or_else(|| part.template.spec().pointer(&format!("/securityContext/{field}")))
    };
    if own("runAsNonRoot").and_then(Value::as_bool) != Some(true) {
        return;
    }
    let root = own("runAsUser").and_then(Value::as_i64) == Some(0);
    let image = json::text(part.container, "/image").unwrap_or("");
    let stock_root = own("runAsUser").is_none() && stock_port(image).is_some_and(|stock| stock.root);
    if root || stock_root {
        findings.add(
            part.draft(if root { Severity::Critical } else { Severity::Warning }, "RunsAsRoot", "image")
                .see(part.template.seen, &format!("{}/securityContext", part.pointer))
                .message(format!(
                    "{} must not run as root, and {}: the kubelet does not start it (CreateContainerConfigError).",
                    part.subject(),
                    if root { "is told to run as user 0" } else { "its image does so unless told otherwise" }
                ))
                .confidence(if root { 0.95 } else { 0.7 })
                .action(actions::escalate(part.owner(), "A user above 0, or an image that does not need root.")),
        );
    }
}

#[cfg(test)]
mod tests;
