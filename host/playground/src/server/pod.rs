//! What clients do to pods by paths of their own: evict and bind.

use serde_json::{Value, json};

use super::{
    Call, Server,
    answer::{Answer, Problem, json_answer},
    object::{body, mode},
    path::ResourcePath,
    write::options_of,
};
use crate::{
    Refusal,
    kinds::{self, Kind},
    store::{Author, DeleteOptions, Mode, PageRequest, Part, Signed, Target, selector_matches},
    value::{self, int, items, text},
};

const BUDGET: &str = "Cannot evict pod as it would violate the pod's disruption budget.";

impl Server {
    pub(crate) fn evict(&self, at: &ResourcePath, name: &str, call: &Call) -> Result<Answer, Problem> {
        let asked = body(call, "Eviction")?;
        if !matches!(text(&asked, "/apiVersion"), "" | "policy/v1" | "policy/v1beta1")
            || !matches!(text(&asked, "/kind"), "" | "Eviction")
        {
            return Err(Refusal::bad_request("the body is no Eviction of policy/v1").into());
        }
        let own = value::name(&asked);
        if !own.is_empty() && own != name {
            return Err(Refusal::bad_request("name in URL does not match name in Eviction object").into());
        }
        let (options, mut how) = options_of(&asked["deleteOptions"])?;
        if mode(call)? == Mode::DryRun {
            how = Mode::DryRun;
        }
        let namespace = at.namespace.as_deref().unwrap_or("");
        let pod =
            self.store.read(at.kind, namespace, name).ok_or_else(|| Refusal::not_found(at.kind, name))?;
        let target = Target { kind: at.kind, namespace, name };
        self.spend_budget(&pod, &target, &options, how)?;
        self.store.unmake(&target, &options, how)?;
        let status =
            json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
        Ok(json_answer(201, &status))
    }

    /// Takes one disruption from the budget that protects a pod, or refuses.
    fn spend_budget(
        &self,
        pod: &Value,
        target: &Target<'_>,
        options: &DeleteOptions,
        how: Mode,
    ) -> Result<(), Problem> {
        // A pod that does not run disturbs nobody; one that goes already is not counted twice.
        if matches!(text(pod, "/status/phase"), "Succeeded" | "Failed" | "Pending") || value::is_deleting(pod)
        {
            return Ok(());
        }
        let Some(kind) = kinds::kind("policy/v1/PodDisruptionBudget") else { return Ok(()) };
        let budgets = self.budgets(kind, pod, target.namespace)?;
        let [budget] = budgets.as_slice() else {
            if budgets.is_empty() {
                return Ok(());
            }
            let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Refusal::new(500, "InternalError", message.to_owned()).into());
        };
        // What is refused for another reason costs nothing.
        self.store.unmake(target, options, Mode::DryRun)?;
        let budget_target = Target { kind, namespace: target.namespace, name: value::name(budget) };
        let author = Author { manager: "kube-apiserver", subresource: "status", signed: Signed::Not };
        let now = value::time(self.store.clock().now_ms());
        let outcome = self.store.modify(&budget_target, Part::Status, author, how, |current| {
            let allowed = int(current, "/status/disruptionsAllowed").unwrap_or(0);
            let observed = int(current, "/status/observedGeneration").unwrap_or(0);
            if observed < int(current, "/metadata/generation").unwrap_or(0) {
                return Err(too_many(
                    "The disruption budget is still being processed by the server.",
                    current,
                ));
            }
            if allowed <= 0 && !is_free(pod, current) {
                return Err(too_many(BUDGET, current));
            }
            let mut next = current.clone();
            if allowed > 0 {
                next["status"]["disruptionsAllowed"] = (allowed - 1).into();
                next["status"]["disruptedPods"][target.name] = now.into();
            }
            Ok(next)
        });
        outcome.map(drop)
    }

    fn budgets(
        &self,
        kind: &'static Kind,
        pod: &Value,
        namespace: &str,
    ) -> Result<Vec<std::sync::Arc<Value>>, Problem> {
        let labels = &pod["metadata"]["labels"];
        let wanted = |budget: &Value| selector_matches(&budget["spec"]["selector"], labels);
        let request =
            PageRequest { namespace: Some(namespace), version: None, after: None, limit: 0, wanted: &wanted };
        Ok(self.store.page(kind, &request)?.items)
    }

    /// Puts a pod on a node.
    pub(crate) fn bind(&self, at: &ResourcePath, name: Option<&str>, call: &Call) -> Result<Answer, Problem> {
        let asked = body(call, "Binding")?;
        let name = name.unwrap_or_else(|| value::name(&asked));
        let node = text(&asked, "/target/name").to_owned();
        if node.is_empty() {
            return Err(Refusal::bad_request("a binding without a target").into());
        }
        let target = Target { kind: at.kind, namespace: at.namespace.as_deref().unwrap_or(""), name };
        let manager = call.manager();
        let author = Author { manager: &manager, subresource: "binding", signed: Signed::ByWrite };
        let now = value::time(self.store.clock().now_ms());
        self.store.modify(&target, Part::Whole, author, mode(call)?, |current| {
            let taken = text(current, "/spec/nodeName");
            if !taken.is_empty() {
                let why = format!("pod {name} is already assigned to node \"{taken}\"");
                return Err(Problem::from(Refusal::conflict(at.kind, name, &why)));
            }
            let mut next = current.clone();
            next["spec"]["nodeName"] = node.into();
            let mut conditions: Vec<Value> = items(current, "/status/conditions").to_vec();
            conditions.retain(|one| one["type"] != "PodScheduled");
            conditions.push(json!({ "type": "PodScheduled", "status": "True", "lastTransitionTime": now }));
            next["status"]["conditions"] = conditions.into();
            Ok(next)
        })?;
        let status =
            json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
        Ok(json_answer(201, &status))
    }
}

/// A pod that is not ready may go where enough others are.
fn is_free(pod: &Value, budget: &Value) -> bool {
    let ready =
        items(pod, "/status/conditions").iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
    let always = text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow";
    let healthy = int(budget, "/status/currentHealthy").unwrap_or(0);
    let desired = int(budget, "/status/desiredHealthy").unwrap_or(0);
    !ready && (always || (desired > 0 && healthy >= desired))
}

fn too_many(message: &str, budget: &Value) -> Problem {
    let mut problem = Problem::from(Refusal::new(429, "TooManyRequests", message.to_owned()));
    let name = value::name(budget);
    let needed = int(budget, "/status/desiredHealthy").unwrap_or(0);
    let healthy = int(budget, "/status/currentHealthy").unwrap_or(0);
    let why = format!("The disruption budget {name} needs {needed} healthy pods and has {healthy} currently");
    problem.details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": why }] });
    problem
}
