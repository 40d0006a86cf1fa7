//! A diagnosis plugin whose answer is as the request's `config` says.

use sickbay_plugin::{
    cluster::{self, ListQuery},
    diagnosis::{
        Checked, Diagnosis, DiagnosisRequest, Error, Evidence, Finding, Guest, ObjectRef, ProposedAction,
        Severity, StrategyInfo,
    },
};

struct Strategy;

impl Guest for Strategy {
    fn describe() -> StrategyInfo {
        StrategyInfo {
            description: "Answers as it is told.".into(),
            needs_model: false,
            reasons: vec!["CrashLoopBackOff".into()],
            reads: vec!["v1/Pod".into()],
        }
    }

    fn diagnose(request: DiagnosisRequest) -> Result<Diagnosis, Error> {
        let config: serde_json::Value = serde_json::from_str(&request.config)?;
        let mode = config.get("mode").and_then(serde_json::Value::as_str).unwrap_or("one");
        match mode {
            "one" => Ok(diagnosis(vec![finding("f1")])),
            "twice" => Ok(diagnosis(vec![finding("f1"), finding("f1")])),
            "dangling" => Ok(diagnosis(vec![Finding { causes: vec!["f9".into()], ..finding("f1") }])),
            "unsure" => Ok(diagnosis(vec![Finding { confidence: f32::NAN, ..finding("f1") }])),
            "bad-value" => {
                let mut bad = finding("f1");
                for evidence in &mut bad.evidence {
                    evidence.value = "{".into();
                }
                Ok(diagnosis(vec![bad]))
            }
            "earlier" => Ok(diagnosis(request.earlier)),
            // Ten million items, each of no length.
            "many" => Ok(Diagnosis { skipped: vec![String::new(); 10_000_000], ..diagnosis(Vec::new()) }),
            "list" => {
                let page = cluster::list(&ListQuery {
                    kind: "Pod".into(),
                    namespaces: request.namespaces,
                    label_selector: Some("app=web".into()),
                    field_selector: None,
                    fields: vec!["/status/phase".into()],
                    limit: 7,
                    continue_: None,
                })?;
                let objects = u32::try_from(page.objects.len()).unwrap_or(u32::MAX);
                let checked = vec![Checked { kind: page.observation, objects, healthy: 0 }];
                Ok(Diagnosis { checked, skipped: page.objects, ..diagnosis(Vec::new()) })
            }
            "spin" => loop {
                std::hint::spin_loop();
            },
            _ => Err(Error::invalid_input(format!("no mode `{mode}`"))),
        }
    }
}

fn diagnosis(findings: Vec<Finding>) -> Diagnosis {
    Diagnosis { summary: "As told.".into(), findings, checked: Vec::new(), skipped: Vec::new() }
}

fn finding(id: &str) -> Finding {
    let object = ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("shop".into()),
        name: "api-0".into(),
    };
    Finding {
        id: id.into(),
        severity: Severity::Critical,
        object: object.clone(),
        reason: "CrashLoopBackOff".into(),
        message: "it crashes".into(),
        confidence: 0.9,
        evidence: vec![Evidence {
            observation: "o1".into(),
            object: Some(object),
            pointer: "/status/phase".into(),
            value: "\"Running\"".into(),
        }],
        causes: Vec::new(),
        actions: vec![ProposedAction {
            plugin: "workload".into(),
            action: "rollout-undo".into(),
            parameters: "{\"revision\": 3}".into(),
            title: "go back to revision 3".into(),
        }],
    }
}

sickbay_plugin::plugin! {
    diagnosis: Strategy,
    name: "strategy",
    version: env!("CARGO_PKG_VERSION"),
    description: "Answers as it is told.",
    capabilities: ["cluster:read"],
}
