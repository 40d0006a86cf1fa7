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
        pod::probe,
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
