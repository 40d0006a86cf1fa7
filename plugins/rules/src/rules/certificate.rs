//! Certificates that cert-manager can not issue or renew, and the issuers that
//! they wait for.

use crate::{
    actions,
    context::Context,
    diagnosis::{ObjectRef, Severity},
    findings::{Draft, Findings},
    json,
    seen::Seen,
    snapshot::Existence,
    text, time,
};

/// A certificate may take that long to be issued.
const PATIENCE_SECONDS: i64 = 600;

pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    for kind in ["Issuer", "ClusterIssuer"] {
        for issuer in context.snapshot.all(kind) {
            if let Some((pointer, message)) = not_ready(issuer) {
                findings.add(
                    Draft::new(Severity::Warning, issuer, "IssuerNotReady", &format!("{pointer}/status"))
                        .see(issuer, &format!("{pointer}/message"))
                        .message(format!("{} can not issue certificates: `{message}`.", issuer.reference))
                        .action(actions::escalate(
                            &issuer.reference,
                            "What the issuer needs, as it says itself.",
                        )),
                );
            }
        }
    }
    for certificate in context.snapshot.all("Certificate") {
        judge(context, certificate, findings);
    }
}

/// The condition Ready where it is False, with what it says.
fn not_ready(seen: &Seen) -> Option<(String, String)> {
    let (pointer, condition) = seen.condition("Ready")?;
    (json::text(condition, "/status") == Some("False")).then(|| {
        (pointer, text::clean(json::text(condition, "/message").unwrap_or("it does not say why"), 250))
    })
}

fn judge(context: &Context<'_>, certificate: &Seen, findings: &mut Findings) {
    let ends = certificate.text("/status/notAfter").and_then(time::parse);
    let expired = ends.is_some_and(|ends| ends < context.now);
    let stuck = not_ready(certificate);
    if !expired && stuck.is_none() {
        return;
    }
    let young = certificate.created().is_some_and(|created| context.now - created < PATIENCE_SECONDS);
    // One that has not run out still serves while its renewal fails.
    let severity = match (expired, ends.is_some()) {
        (true, _) => Severity::Critical,
        (false, true) => Severity::Warning,
        (false, false) if young => Severity::Info,
        (false, false) => Severity::Critical,
    };
    let said = stuck.as_ref().map_or(String::new(), |(_, message)| format!(": `{message}`"));
    let (reason, what) = if expired {
        (
            "CertificateExpired",
            format!("has expired at {}", certificate.text("/status/notAfter").unwrap_or("?")),
        )
    } else if ends.is_some() {
        ("CertificateNotReady", "can not be renewed".to_owned())
    } else {
        ("CertificateNotReady", "is not issued".to_owned())
    };
    let pointer = stuck
        .as_ref()
        .map_or_else(|| "/status/notAfter".to_owned(), |(pointer, _)| format!("{pointer}/message"));
    let kind = certificate.text("/spec/issuerRef/kind").unwrap_or("Issuer");
    let name = certificate.text("/spec/issuerRef/name").unwrap_or("");
    let space = (kind == "Issuer").then(|| certificate.namespace());
    let mut message = format!("The Certificate `{}` {what}{said}.", certificate.name());
    let mut draft = Draft::new(severity, certificate, reason, &pointer)
        .see(certificate, "/status/notAfter")
        .see(certificate, "/spec/issuerRef/name")
        .because(ObjectRef::new("cert-manager.io/v1", kind, space, name));
    if context.snapshot.existence(kind, space.unwrap_or(""), name) == Existence::Absent {
        message.push_str(&format!(" Its {kind} `{}` does not exist.", text::clean(name, 80)));
    }
    draft = draft.message(message);
    findings.add(
        draft
            .action(actions::escalate(&certificate.reference, "What its issuer needs in order to issue it.")),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fake::{FakeCluster, reasons};

    fn certificate(status: Value) -> Value {
        json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"namespace": "shop", "name": "web"},
            "spec": {"issuerRef": {"name": "ca"}}, "status": status})
    }

    #[test]
    fn certificates_that_are_not_there_or_run_out() {
        let ready =
            |status: &str| json!([{"type": "Ready", "status": status, "message": "issuer not ready"}]);
        for (status, expect) in [
            (json!({"conditions": ready("True"), "notAfter": "2026-03-01T00:00:00Z"}), vec![]),
            (json!({"conditions": ready("False")}), vec!["Certificate/web CertificateNotReady"]),
            (
                json!({"conditions": ready("True"), "notAfter": "2025-12-01T00:00:00Z"}),
                vec!["Certificate/web CertificateExpired"],
            ),
            (json!({}), vec![]),
        ] {
            let cluster = FakeCluster::new().with(certificate(status.clone()));
            assert_eq!(reasons(check, &cluster), expect, "{status}");
        }
    }

    #[test]
    fn an_issuer_explains_its_certificates() {
        let cluster = FakeCluster::new()
            .with(certificate(json!({"conditions": [{"type": "Ready", "status": "False", "message": "waiting"}]})))
            .with(json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"namespace": "shop", "name": "ca"},
                "status": {"conditions": [{"type": "Ready", "status": "False", "message": "secret \"ca\" not found"}]}}));
        assert_eq!(
            reasons(check, &cluster),
            ["Issuer/ca IssuerNotReady", "Certificate/web CertificateNotReady"]
        );
    }
}
