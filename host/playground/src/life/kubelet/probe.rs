//! Startup, readiness and liveness probes.

use serde_json::Value;

use super::{behaviour::Plan, container::Part};
use crate::life::{
    cluster::{Cluster, Tone},
    shape::{int_or, list, text},
};

/// One probe of a running container.
#[derive(Debug)]
struct Probe {
    kind: Kind,
    next: i64,
    passed: i64,
    failed: i64,
    good: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Startup,
    Readiness,
    Liveness,
}

impl Kind {
    fn field(self) -> &'static str {
        match self {
            Self::Startup => "startupProbe",
            Self::Readiness => "readinessProbe",
            Self::Liveness => "livenessProbe",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Readiness => "Readiness",
            Self::Liveness => "Liveness",
        }
    }
}

#[derive(Debug)]
pub(super) struct Probes {
    all: Vec<Probe>,
}

impl Probes {
    pub(super) fn new(spec: &Value, now: i64) -> Self {
        let all = [Kind::Startup, Kind::Readiness, Kind::Liveness]
            .into_iter()
            .filter(|kind| spec.get(kind.field()).is_some_and(Value::is_object))
            .map(|kind| {
                let delay = seconds(spec, kind, "initialDelaySeconds", 0);
                Probe { kind, next: now + delay.max(500), passed: 0, failed: 0, good: kind == Kind::Liveness }
            })
            .collect();
        Self { all }
    }

    fn good(&self, kind: Kind) -> bool {
        self.all.iter().find(|probe| probe.kind == kind).is_none_or(|probe| probe.good)
    }

    pub(super) fn started(&self) -> bool {
        self.good(Kind::Startup)
    }

    pub(super) fn ready(&self) -> bool {
        self.started() && self.good(Kind::Readiness)
    }

    /// Runs what is due; the probe for which the container is to be restarted.
    pub(super) fn run(&mut self, cluster: &Cluster, part: &Part<'_>, plan: &Plan) -> Option<&'static str> {
        let now = cluster.now();
        let mut started = self.started();
        for probe in &mut self.all {
            // The others begin when the startup probe has passed, and it ends then.
            if (probe.kind == Kind::Startup) == started {
                continue;
            }
            // What passes goes on passing as long as the container runs: the
            // course of a run is known, so nobody needs to be woken for it.
            let steady = probe.good && probe.passed > 0;
            if probe.next > now {
                if !steady {
                    cluster.wake_at(probe.next);
                }
                continue;
            }
            probe.next = now + seconds(part.spec, probe.kind, "periodSeconds", 10).max(1_000);
            if !steady {
                cluster.wake_at(probe.next);
            }
            let field = probe.kind.field();
            match failure(part, field, plan, now) {
                None => {
                    probe.failed = 0;
                    probe.passed += 1;
                    if probe.passed >= int_or(part.spec, &format!("/{field}/successThreshold"), 1) {
                        probe.good = true;
                        started |= probe.kind == Kind::Startup;
                    }
                }
                Some(why) => {
                    probe.passed = 0;
                    probe.failed += 1;
                    let message = format!("{} probe failed: {why}", probe.kind.word());
                    part.event(cluster, Tone::Warning, "Unhealthy", &message);
                    if probe.failed >= int_or(part.spec, &format!("/{field}/failureThreshold"), 3) {
                        match probe.kind {
                            Kind::Readiness => probe.good = false,
                            Kind::Startup => return Some("startup"),
                            Kind::Liveness => return Some("liveness"),
                        }
                    }
                }
            }
        }
        None
    }
}

fn seconds(spec: &Value, kind: Kind, field: &str, default: i64) -> i64 {
    int_or(spec, &format!("/{}/{field}", kind.field()), default).clamp(0, 1_000_000) * 1_000
}

/// Why a probe fails, in the kubelet's words.
fn failure(part: &Part<'_>, field: &str, plan: &Plan, now: i64) -> Option<String> {
    let probe = part.spec.get(field)?;
    let up = |port: u16| plan.listens.contains(&port) && now >= plan.listens_from;
    if let Some(get) = probe.get("httpGet") {
        let Some(port) = port_of(part, get) else {
            return Some(format!("could not find port \"{}\"", text(get, "/port")));
        };
        let path = match text(get, "/path") {
            "" => "/",
            path => path,
        };
        let scheme = if text(get, "/scheme") == "HTTPS" { "https" } else { "http" };
        if !up(port) {
            let at = format!("{}:{port}", part.address);
            return Some(format!(
                "Get \"{scheme}://{at}{path}\": dial tcp {at}: connect: connection refused"
            ));
        }
        let plain = path.split('?').next().unwrap_or(path);
        let known = plan.paths.is_empty() || plan.paths.iter().any(|known| known == plain);
        return (!known).then(|| "HTTP probe failed with statuscode: 404".to_owned());
    }
    for kind in ["tcpSocket", "grpc"] {
        let Some(socket) = probe.get(kind) else { continue };
        let port = port_of(part, socket).unwrap_or(0);
        if up(port) {
            return None;
        }
        let at = format!("{}:{port}", part.address);
        return Some(if kind == "grpc" {
            format!("timeout: failed to connect service \"{at}\" within 1s: context deadline exceeded")
        } else {
            format!("dial tcp {at}: connect: connection refused")
        });
    }
    let command = list(probe, "/exec/command").first().and_then(Value::as_str)?;
    if command.ends_with("false") {
        return Some(String::new());
    }
    let known = plan.commands.iter().any(|known| known == command) || command.ends_with("true");
    (!known).then(|| {
        format!("OCI runtime exec failed: exec failed: unable to start container process: exec: \"{command}\": executable file not found in $PATH: unknown")
    })
}

fn port_of(part: &Part<'_>, from: &Value) -> Option<u16> {
    match from.get("port")? {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
        Value::String(name) => name.parse().ok().or_else(|| {
            let port = list(part.spec, "/ports").iter().find(|port| text(port, "/name") == name)?;
            u16::try_from(int_or(port, "/containerPort", 0)).ok()
        }),
        _ => None,
    }
}
