//! Probes that the container can not answer: at a port that it does not have,
//! or for a path that the stock image does not serve.

use serde_json::json;

use crate::{
    actions,
    diagnosis::Severity,
    findings::Findings,
    json,
    rules::{
        manifest::{Part, stock},
        pod::{crash, probe},
    },
    text,
};

pub(super) fn check(part: &Part<'_>, findings: &mut Findings) {
    let image = json::text(part.container, "/image").unwrap_or("");
    let stock = stock::stock_port(image).filter(|_| part.is_as_made());
    let declared = probe::declared(part.container);
    for kind in ["startup", "readiness", "liveness"] {
        if part.container.get(format!("{kind}Probe")).is_none() {
            continue;
        }
        port(part, kind, &declared, stock, findings);
        path(part, kind, stock, findings);
        if kind == "liveness" && part.container.get("startupProbe").is_none() {
            patience(part, findings);
        }
    }
    if let Some(stock) = stock
        && !stock.ports.is_empty()
        && !declared.is_empty()
        && !declared.iter().any(|port| stock.ports.contains(port))
        && json::list(part.container, "/env").is_empty()
    {
        findings.add(
            part.draft(Severity::Warning, "PortMismatch", "ports/0/containerPort")
                .message(format!(
                    "{} declares port {}, and the image `{}` as it is listens at {}.",
                    part.subject(),
                    text::names(declared.iter().map(i64::to_string)),
                    text::clean(image, 120),
                    text::names(stock.ports.iter().map(i64::to_string))
                ))
                .confidence(0.7)
                .action(actions::escalate(part.owner(), "The port that the program listens at.")),
        );
    }
}

fn port(part: &Part<'_>, kind: &str, declared: &[i64], stock: Option<stock::Stock>, findings: &mut Findings) {
    let handler = ["httpGet", "tcpSocket", "grpc"]
        .into_iter()
        .find(|handler| part.container.pointer(&format!("/{kind}Probe/{handler}")).is_some());
    let Some(handler) = handler else { return };
    let field = format!("{kind}Probe/{handler}/port");
    let fix = |port: i64| {
        actions::action(
            "patch-probe",
            part.owner(),
            json!({ "container": part.name, "probe": kind, "set": { handler: { "port": port } } }),
            format!("Let the {kind} probe of container `{}` ask port {port}", text::clean(part.name, 60)),
        )
    };
    let (severity, confidence, message) = match probe::port(part.container, kind) {
        Some(Err(name)) => (
            Severity::Critical,
            0.95,
            format!(
                "{}: its {kind} probe asks a port named `{}`, which it does not declare.",
                part.subject(),
                text::clean(&name, 60)
            ),
        ),
        Some(Ok(asked))
            if stock.is_some_and(|stock| !stock.ports.is_empty() && !stock.ports.contains(&asked)) =>
        {
            (
                Severity::Critical,
                0.85,
                format!(
                    "{}: its {kind} probe asks port {asked}, and the image as it is listens at {} only.",
                    part.subject(),
                    text::names(stock.map_or(&[][..], |stock| stock.ports).iter().map(i64::to_string))
                ),
            )
        }
        Some(Ok(asked)) if !declared.is_empty() && !declared.contains(&asked) => (
            Severity::Warning,
            0.75,
            format!(
                "{}: its {kind} probe asks port {asked}, and it declares {} only.",
                part.subject(),
                text::names(declared.iter().map(i64::to_string))
            ),
        ),
        _ => return,
    };
    let mut draft = part
        .draft(severity, "ProbeMisconfigured", &field)
        .see(part.template.seen, &format!("{}/ports", part.pointer))
        .message(message)
        .confidence(confidence);
    let known = stock.and_then(|stock| stock.ports.first().copied()).or(match declared {
        [only] => Some(*only),
        _ => None,
    });
    if let Some(port) = known {
        draft = draft.action(fix(port));
    }
    findings.add(
        draft.action(actions::escalate(part.owner(), format!("The port that the {kind} probe should ask."))),
    );
}

/// A program that its own command lets sleep first is killed before it answers.
fn patience(part: &Part<'_>, findings: &mut Findings) {
    let of = |field: &str, default: i64| {
        json::integer(part.container, &format!("/livenessProbe/{field}"))
            .unwrap_or(default)
            .clamp(0, 1_000_000)
    };
    let period = of("periodSeconds", 10).max(1);
    let allowed = of("initialDelaySeconds", 0) + period * of("failureThreshold", 3).max(1);
    let script = crash::words(part.container).join(" ");
    let first = script.split([';', '&', '\n']).map(str::trim).find_map(|line| {
        line.rsplit_once("sleep ").filter(|(before, _)| before.is_empty() || before.ends_with(' '))
    });
    let sleeps = first.and_then(|(_, seconds)| seconds.trim().trim_end_matches('s').parse::<i64>().ok());
    // What it does after its sleep is the program; a sleep alone is all it does.
    let goes_on =
        script.split([';', '&', '\n']).skip_while(|line| !line.contains("sleep ")).skip(1).any(|line| {
            let line = line.trim();
            !line.is_empty() && line != "done"
        });
    let Some(seconds) = sleeps.filter(|seconds| *seconds > allowed && goes_on && !script.contains("while "))
    else {
        return;
    };
    findings.add(
        part.draft(Severity::Critical, "ProbeMisconfigured", "livenessProbe")
            .see(part.template.seen, &format!("{}/command", part.pointer))
            .see(part.template.seen, &format!("{}/args", part.pointer))
            .confidence(0.85)
            .message(format!(
                "{}: its liveness probe gives up after {allowed} s, and its command sleeps for {seconds} s before it starts: it is killed again and again.",
                part.subject()
            ))
            .action(actions::action(
                "patch-probe",
                part.owner(),
                json!({ "container": part.name, "probe": "liveness", "set": { "initialDelaySeconds": seconds + 30 } }),
                format!("Let the liveness probe of container `{}` wait {} s", text::clean(part.name, 60), seconds + 30),
            ))
            .action(actions::escalate(part.owner(), "How long the program takes to start.")),
    );
}

fn path(part: &Part<'_>, kind: &str, stock: Option<stock::Stock>, findings: &mut Findings) {
    let field = format!("{kind}Probe/httpGet/path");
    let Some(asked) = json::text(part.container, &format!("/{field}")) else { return };
    let Some(stock) = stock.filter(|stock| stock.http) else { return };
    if matches!(asked, "" | "/" | "/index.html" | "/50x.html") {
        return;
    }
    findings.add(
        part.draft(Severity::Critical, "ProbeMisconfigured", &field)
            .see(part.template.seen, &format!("{}/image", part.pointer))
            .message(format!(
                "{}: its {kind} probe asks for `{}`, which the image `{}` answers with 404, since it serves nothing but `/` as it is.",
                part.subject(),
                text::clean(asked, 100),
                stock.name
            ))
            .confidence(0.85)
            .action(actions::action(
                "patch-probe",
                part.owner(),
                json!({ "container": part.name, "probe": kind, "set": { "httpGet": { "path": "/" } } }),
                format!("Let the {kind} probe of container `{}` ask for `/`", text::clean(part.name, 60)),
            ))
            .action(actions::escalate(part.owner(), format!("The path that the {kind} probe should ask for."))),
    );
}
