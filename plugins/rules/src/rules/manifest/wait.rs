//! Init containers that wait for a Service by name: one that is not there is
//! waited for for ever.

use crate::{
    actions,
    context::Context,
    diagnosis::Severity,
    findings::Findings,
    log::name,
    rules::{manifest::Part, nearest, pod::crash},
    text,
};

/// Programs that ask for a host, the first word after their options.
const ASKING: &[&str] =
    &["nslookup", "nc", "ncat", "curl", "wget", "ping", "dig", "host", "pg_isready", "getent"];

pub(super) fn check(context: &Context<'_>, part: &Part<'_>, findings: &mut Findings) {
    let script = crash::words(part.container).join(" ");
    if !(script.contains("until ") || script.contains("while ")) {
        return;
    }
    let Some(target) = awaited(&script) else { return };
    let own = part.template.namespace();
    let steps: Vec<&str> = target.host.split('.').collect();
    let (service, space) = match steps.as_slice() {
        [service] => (*service, own),
        [service, space] | [service, space, "svc", ..] => (*service, *space),
        _ => return,
    };
    if service == "localhost" || context.snapshot.find("Service", space, service).is_some() {
        return;
    }
    let here = context.snapshot.all("Service").filter(|other| other.namespace() == space);
    let near = nearest::nearest(service, here.map(crate::seen::Seen::name));
    let hint =
        near.map(|near| format!("; `{}` is meant, perhaps", text::clean(near, 80))).unwrap_or_default();
    findings.add(
        part.draft(
            Severity::Warning,
            "UnknownService",
            if part.container.get("args").is_some() { "args" } else { "command" },
        )
        .confidence(if near.is_some() { 0.85 } else { 0.7 })
        .message(format!(
            "Init container `{}` of {} waits for the Service `{}` in `{}`, which is not among the recorded objects{hint}: its pods stay in Init.",
            text::clean(part.name, 60),
            part.owner(),
            text::clean(service, 80),
            text::clean(space, 80)
        ))
        .action(actions::escalate(part.owner(), format!("The Service `{}`, or the name of the one that is meant.", text::clean(service, 80)))),
    );
}

/// What a script asks for before it goes on.
fn awaited(script: &str) -> Option<name::Target> {
    let part = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '(' | '`');
    let host = script.split([';', '\n', '&', '|']).find_map(|command| {
        let mut words = command.split(part).filter(|word| !word.is_empty());
        words.find(|word| ASKING.contains(&word.rsplit('/').next().unwrap_or(word)))?;
        // Options may have a value of their own: `nc -w 1 db 5432`.
        words.find(|word| {
            !word.starts_with('-')
                && word.chars().any(|c| c.is_ascii_alphabetic())
                && !word.contains(['$', '>'])
                && !matches!(*word, "hosts" | "ahosts")
        })
    })?;
    name::target_of(host).filter(|target| !name::is_address(&target.host))
}

#[cfg(test)]
mod tests {
    use super::awaited;

    #[test]
    fn scripts_name_what_they_wait_for() {
        for (script, expect) in [
            (
                "until nslookup mydb.web.svc.cluster.local; do sleep 2; done",
                Some("mydb.web.svc.cluster.local"),
            ),
            ("until nc -z -w 1 postgres 5432; do sleep 2; done", Some("postgres")),
            ("while ! curl -s http://api:8080/health; do sleep 1; done", Some("api")),
            ("until pg_isready -h db -p 5432; do sleep 1; done", Some("db")),
            ("until nc -z $DB_HOST 5432; do sleep 1; done", None),
            ("while true; do date; done", None),
        ] {
            assert_eq!(awaited(script).map(|target| target.host).as_deref(), expect, "{script}");
        }
    }
}
