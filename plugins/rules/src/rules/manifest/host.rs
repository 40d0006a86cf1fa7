//! Host names in variables that no Service has: a slip, or a Service that is in
//! another namespace.

use serde_json::json;

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::Findings,
    json,
    log::name,
    rules::{manifest::Part, nearest},
    text,
};

pub(super) fn check(context: &Context<'_>, part: &Part<'_>, findings: &mut Findings) {
    for (at, variable) in json::list(part.container, "/env").iter().enumerate() {
        let (Some(key), Some(value)) = (json::text(variable, "/name"), json::text(variable, "/value")) else {
            continue;
        };
        let lower = key.to_ascii_lowercase();
        let speaks_of_host = ["host", "url", "uri", "addr", "endpoint", "server", "service", "broker", "dsn"]
            .iter()
            .any(|word| lower.contains(word));
        let Some(target) = name::target_of(value).filter(|target| !name::is_address(&target.host)) else {
            continue;
        };
        let steps: Vec<&str> = target.host.split('.').collect();
        let full = steps.get(2) == Some(&"svc");
        if !(full || speaks_of_host) || target.host == "localhost" {
            continue;
        }
        let own = part.template.namespace();
        let (service, space) = match steps.as_slice() {
            [service] => (*service, own),
            [service, space] => (*service, *space),
            [service, space, "svc", ..] => (*service, *space),
            _ => continue,
        };
        if context.snapshot.find("Service", space, service).is_some() {
            continue;
        }
        let same_space = || context.snapshot.all("Service").filter(|other| other.namespace() == space);
        let near = nearest::nearest(service, same_space().map(crate::seen::Seen::name));
        let elsewhere = context
            .snapshot
            .all("Service")
            .find(|other| other.name() == service)
            .map(crate::seen::Seen::namespace);
        let field = format!("env/{at}/value");
        let fix = |host: &str| {
            let fixed = value.replacen(&target.host, host, 1);
            actions::action(
                "patch-env",
                part.owner(),
                json!({ "container": part.name, "env": { key: fixed } }),
                format!("Set `{}` to `{}`", text::clean(key, 80), text::clean(&fixed, 120)),
            )
        };
        let (message, action, confidence) = if let Some(near) = near {
            (
                format!("no Service has that name, but `{near}` has nearly that"),
                Some(fix(&target.host.replacen(service, near, 1))),
                0.8,
            )
        } else if let (Some(elsewhere), 1) = (elsewhere, steps.len()) {
            (
                format!(
                    "the Service of that name is in the namespace `{elsewhere}` and is reached as `{service}.{elsewhere}`"
                ),
                Some(fix(&format!("{service}.{elsewhere}"))),
                0.75,
            )
        } else if full && same_space().next().is_some() {
            (
                format!(
                    "the namespace `{}` has no such Service among what is recorded",
                    text::clean(space, 80)
                ),
                None,
                0.6,
            )
        } else {
            continue;
        };
        let mut draft = part
            .draft(Severity::Warning, "UnknownService", &field)
            .message(format!(
                "{} is told by `{}` to reach `{}`: {message}.",
                part.subject(),
                text::clean(key, 80),
                text::clean(&target.host, 150)
            ))
            .confidence(confidence);
        if let Some(action) = action {
            draft = draft.action(action);
        }
        findings.add(draft.action(actions::escalate(
            part.owner(),
            format!("The host that `{}` should name.", text::clean(key, 80)),
        )));
    }
}
