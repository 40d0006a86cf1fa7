//! A diagnosis plugin in trouble of the kind that `mode` in its section of
//! the profile names. A run has to report it and go on.

use sickbay_plugin::{
    cluster,
    diagnosis::{Diagnosis, DiagnosisRequest, Error, Guest, StrategyInfo},
    log,
};

struct Troubled;

impl Guest for Troubled {
    fn describe() -> StrategyInfo {
        StrategyInfo {
            description: "Is in trouble.".into(),
            needs_model: false,
            reasons: Vec::new(),
            reads: Vec::new(),
        }
    }

    fn diagnose(request: DiagnosisRequest) -> Result<Diagnosis, Error> {
        let config: serde_json::Value = serde_json::from_str(&request.config)?;
        match config.get("mode").and_then(serde_json::Value::as_str).unwrap_or_default() {
            "loop" => loop {
                std::hint::spin_loop();
            },
            "memory" => {
                let mut kept = Vec::new();
                loop {
                    kept.push(std::hint::black_box(vec![1_u8; 16 << 20]));
                }
            }
            "trap" => trap(),
            "flood" => {
                for _ in 0..100_000 {
                    log::warn("troubled", &"x".repeat(1_000));
                }
                Ok(answer("flooded the log"))
            }
            "ask" => loop {
                cluster::info()?;
            },
            "denied" => {
                cluster::info()?;
                Ok(answer("was let in"))
            }
            other => Err(Error::invalid_input(format!("no mode `{other}`"))),
        }
    }
}

#[expect(clippy::panic, reason = "that is the point")]
fn trap() -> Result<Diagnosis, Error> {
    panic!("the plugin is out of its depth")
}

fn answer(summary: &str) -> Diagnosis {
    Diagnosis { summary: summary.into(), findings: Vec::new(), checked: Vec::new(), skipped: Vec::new() }
}

sickbay_plugin::plugin! {
    diagnosis: Troubled,
    name: "troubled",
    version: env!("CARGO_PKG_VERSION"),
    description: "Is in trouble, as it is told.",
    capabilities: ["cluster:read"],
}
