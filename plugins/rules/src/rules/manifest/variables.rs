//! Variables without which a stock image does not start: databases that want
//! to be told their first password.

use serde_json::Value;

use crate::{
    actions,
    diagnosis::Severity,
    findings::Findings,
    json,
    rules::manifest::{Part, stock},
    text,
};

/// Image, and the variables of which it wants one. Source: the entry points of
/// the images. Each may also end in `_FILE`.
const WANTED: [(&str, &[&str]); 4] = [
    ("mysql", &["MYSQL_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD", "MYSQL_RANDOM_ROOT_PASSWORD"]),
    (
        "mariadb",
        &[
            "MARIADB_ROOT_PASSWORD",
            "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
            "MARIADB_RANDOM_ROOT_PASSWORD",
            "MARIADB_ROOT_PASSWORD_HASH",
            "MYSQL_ROOT_PASSWORD",
            "MYSQL_ALLOW_EMPTY_PASSWORD",
            "MYSQL_RANDOM_ROOT_PASSWORD",
        ],
    ),
    ("postgres", &["POSTGRES_PASSWORD", "POSTGRES_HOST_AUTH_METHOD"]),
    ("mcr.microsoft.com/mssql/server", &["ACCEPT_EULA"]),
];

pub(super) fn check(part: &Part<'_>, findings: &mut Findings) {
    let image = json::text(part.container, "/image").unwrap_or("");
    let name = stock::repository(image);
    let Some((_, wanted)) = WANTED.iter().find(|(known, _)| *known == name) else { return };
    // A command of its own may set them, and a whole source may hold them.
    let own = |field: &str| !json::list(part.container, field).is_empty();
    if own("/command") || own("/args") || own("/envFrom") {
        return;
    }
    let set = json::list(part.container, "/env").iter().any(|variable| {
        let name = json::text(variable, "/name").unwrap_or("");
        let value = variable.get("value").and_then(Value::as_str);
        wanted.contains(&name.strip_suffix("_FILE").unwrap_or(name)) && value != Some("")
    });
    // A volume may hold a database that is set up already.
    let confidence = if own("/volumeMounts") { 0.75 } else { 0.9 };
    if set {
        return;
    }
    let first = wanted.first().copied().unwrap_or("");
    let field = if own("/env") { "env" } else { "image" };
    findings.add(
        part.draft(Severity::Critical, "VariableMissing", field)
            .confidence(confidence)
            .message(format!(
                "{} runs the image `{}` without `{first}`: it ends at its first start, which becomes CrashLoopBackOff.",
                part.subject(),
                text::clean(image, 120)
            ))
            .action(actions::escalate(part.owner(), format!("The value of `{first}`, from a Secret."))),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        cluster::Coverage,
        fake::{FakeCluster, reasons},
        rules::manifest::check,
    };

    #[test]
    fn databases_want_a_password() {
        for (container, expect) in [
            (json!({"name": "c", "image": "mysql:8.0"}), true),
            (
                json!({"name": "c", "image": "mysql:8.0", "env": [{"name": "MYSQL_DATABASE", "value": "x"}]}),
                true,
            ),
            (
                json!({"name": "c", "image": "postgres", "env": [{"name": "POSTGRES_PASSWORD_FILE", "value": "/x"}]}),
                false,
            ),
            (
                json!({"name": "c", "image": "postgres", "env": [{"name": "POSTGRES_PASSWORD", "valueFrom": {}}]}),
                false,
            ),
            (json!({"name": "c", "image": "mariadb", "envFrom": [{"secretRef": {"name": "s"}}]}), false),
            (json!({"name": "c", "image": "team/mysql"}), false),
        ] {
            let cluster = FakeCluster::new()
                .covering(Coverage::Partial)
                .with(json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"namespace": "shop", "name": "a"}, "spec": {"containers": [container]}}));
            let found = reasons(check, &cluster).iter().any(|reason| reason.ends_with("VariableMissing"));
            assert_eq!(found, expect, "{container}");
        }
    }
}
