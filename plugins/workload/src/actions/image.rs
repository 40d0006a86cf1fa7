//! `patch-image`: the image of one container.

use serde_json::{Value, json};
use sickbay_plugin::remediation::{ActionPlan, ChangeVerb, Effect, Error, Risk};

use crate::{
    action::{Action, Reversal},
    json, kinds,
    parameters::Parameters,
    refusal::invalid,
    schema::{self, Needs},
    seen::Look,
    target::Templated,
    words,
};

/// A pod's image is the one part of its containers that can be changed.
const TAKES: &[&str] = &[
    kinds::DEPLOYMENT,
    kinds::STATEFUL_SET,
    kinds::DAEMON_SET,
    kinds::CRON_JOB,
    kinds::CRON_JOB_BETA,
    kinds::POD,
];

pub(super) const PATCH_IMAGE: Action = Action {
    name: "patch-image",
    description: "Sets the image of one container; its pods roll over",
    risk: Risk::Medium,
    reversal: Reversal::Possible,
    effect: Effect::Write,
    reads: kinds::OWNERS,
    changes: &[(ChangeVerb::Patch, TAKES)],
    schema: parameters,
    plan,
};

fn parameters() -> Value {
    schema::of_container(TAKES, [("image", schema::pattern(schema::IMAGE, 512))], Needs::All)
}

fn plan(look: &Look<'_>, parameters: &Parameters<'_>) -> Result<ActionPlan, Error> {
    let workload = Templated::read(look, parameters, TAKES)?;
    let container = workload.container(parameters)?;
    let image = parameters.text("image")?;
    if image.is_empty() || image.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(invalid("`image` is no name of an image"));
    }
    let body = workload.container_patch(&container, json!({ "image": image }));
    let now = json::text(container.value, "/image").unwrap_or("none");
    workload.plan(
        &body,
        format!(
            "change the image of {} from `{}` to `{}`",
            workload.describe(&container),
            words::clean(now),
            words::clean(image)
        ),
        &[format!("{}/image", container.pointer).as_str()],
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::{FakeCluster, deployment, refusal, strategic_body};

    #[test]
    fn the_image_of_a_workload_and_of_a_pod_alone() {
        let cluster = FakeCluster::new().with(deployment("shop", "api")).with(json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone", "namespace": "shop"},
            "spec": {"containers": [{"name": "api", "image": "a:1"}], "initContainers": [{"name": "init", "image": "b:1"}]},
        }));
        let asked = |kind: &str, version: &str, name: &str, container: &str, image: &str| {
            json!({"object": {"apiVersion": version, "kind": kind, "namespace": "shop", "name": name},
                   "container": container, "image": image})
        };
        assert_eq!(
            strategic_body(&cluster, "patch-image", &asked("Deployment", "apps/v1", "api", "api", "api:2")),
            json!({"spec": {"template": {"spec": {"containers": [{"name": "api", "image": "api:2"}]}}}})
        );
        assert_eq!(
            strategic_body(&cluster, "patch-image", &asked("Pod", "v1", "alone", "init", "b:2")),
            json!({"spec": {"initContainers": [{"name": "init", "image": "b:2"}]}})
        );
        let same = refusal(&cluster, "patch-image", &asked("Pod", "v1", "alone", "api", "a:1"));
        assert_eq!(same.code, "no-change");
        let wrong = refusal(&cluster, "patch-image", &asked("Pod", "v1", "alone", "api", "a 1"));
        assert_eq!(wrong.code, "invalid-parameters");
        let other =
            refusal(&cluster, "patch-image", &asked("Rollout", "argoproj.io/v1alpha1", "api", "api", "a:2"));
        assert_eq!(other.code, "wrong-kind");
    }
}
