//! What an API server refuses although its types are right: names, selectors,
//! numbers below zero, and changes of what can not change.

use serde_json::Value;

use super::answer::{Cause, Problem};
use crate::{
    kinds::{Kind, StatusPart},
    value::{self, as_map, int, items, text},
};

/// Names are as DNS takes them.
pub(crate) fn check_name(kind: &Kind, object: &Value) -> Result<(), Problem> {
    let name = value::name(object);
    let generated = text(object, "/metadata/generateName");
    if name.is_empty() && generated.is_empty() {
        let cause = Cause {
            reason: "FieldValueRequired",
            field: "metadata.name".to_owned(),
            message: "Required value: name or generateName is required".to_owned(),
        };
        return Err(Problem::invalid(kind, "", &[cause]));
    }
    // Roles may hold colons and other letters; a path would still be wrong.
    let free = kind.group == "rbac.authorization.k8s.io";
    let fits = |name: &str| {
        if free {
            return !name.contains(['/', '%']) && name != "." && name != "..";
        }
        let inner = |letter: char| {
            letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '.')
        };
        name.len() <= 253
            && name.chars().all(inner)
            && name.split('.').all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'))
    };
    let checked = if name.is_empty() { format!("{generated}x") } else { name.to_owned() };
    if fits(&checked) {
        return Ok(());
    }
    let cause = Cause {
        reason: "FieldValueInvalid",
        field: "metadata.name".to_owned(),
        message: format!(
            "Invalid value: \"{checked}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
             characters, '-' or '.', and must start and end with an alphanumeric character"
        ),
    };
    Err(Problem::invalid(kind, name, &[cause]))
}

/// What must hold for every object.
pub(crate) fn check_new(kind: &Kind, object: &Value) -> Result<(), Problem> {
    let mut causes = Causes::default();
    common(kind, object, &mut causes);
    causes.done(kind, object)
}

/// What must hold for a change of one.
pub(crate) fn check_change(kind: &Kind, current: &Value, next: &Value) -> Result<(), Problem> {
    let mut causes = Causes::default();
    common(kind, next, &mut causes);
    immutable(kind, current, next, &mut causes);
    causes.done(kind, current)
}

/// A new object's status is the cluster's to say.
pub(crate) fn drop_status(kind: &Kind, object: &mut Value) {
    if kind.status == StatusPart::Apart && kind.id != "v1/Node" {
        as_map(object).remove("status");
    }
}

#[derive(Default)]
struct Causes(Vec<Cause>);

impl Causes {
    fn invalid(&mut self, field: &str, value: &Value, why: &str) {
        let mut shown: String = value.to_string().chars().take(200).collect();
        if value.is_null() {
            shown = "null".to_owned();
        }
        let message = format!("Invalid value: {shown}: {why}");
        self.0.push(Cause { reason: "FieldValueInvalid", field: field.to_owned(), message });
    }

    fn required(&mut self, field: &str) {
        let message = "Required value".to_owned();
        self.0.push(Cause { reason: "FieldValueRequired", field: field.to_owned(), message });
    }

    fn forbidden(&mut self, field: &str, why: &str) {
        let message = format!("Forbidden: {why}");
        self.0.push(Cause { reason: "FieldValueForbidden", field: field.to_owned(), message });
    }

    fn done(self, kind: &Kind, object: &Value) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(kind, value::name(object), &self.0)) }
    }
}

fn common(kind: &Kind, object: &Value, causes: &mut Causes) {
    let spec = &object["spec"];
    for field in [
        "replicas",
        "minReadySeconds",
        "revisionHistoryLimit",
        "progressDeadlineSeconds",
        "parallelism",
        "completions",
        "backoffLimit",
    ] {
        if spec[field].as_i64().is_some_and(|number| number < 0) {
            causes.invalid(&format!("spec.{field}"), &spec[field], "must be greater than or equal to 0");
        }
    }
    match kind.stored {
        "apps/v1/Deployment" | "apps/v1/ReplicaSet" | "apps/v1/StatefulSet" | "apps/v1/DaemonSet" => {
            selector(spec, causes);
            pod_spec(&spec["template"]["spec"], "spec.template.spec", causes);
        }
        "batch/v1/Job" => pod_spec(&spec["template"]["spec"], "spec.template.spec", causes),
        "v1/Pod" => pod_spec(spec, "spec", causes),
        "autoscaling/v2/HorizontalPodAutoscaler" => {
            let (min, max) = (int(spec, "/minReplicas").unwrap_or(1), int(spec, "/maxReplicas"));
            match max {
                None => causes.required("spec.maxReplicas"),
                Some(max) if max < 1 => {
                    causes.invalid("spec.maxReplicas", &spec["maxReplicas"], "must be greater than 0");
                }
                Some(max) if max < min => causes.invalid(
                    "spec.maxReplicas",
                    &spec["maxReplicas"],
                    "must be greater than or equal to `minReplicas`",
                ),
                Some(_) => {}
            }
        }
        "policy/v1/PodDisruptionBudget"
            if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() =>
        {
            causes.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
        }
        "v1/Service"
            if text(spec, "/type") != "ExternalName"
                && text(spec, "/clusterIP") != "None"
                && items(spec, "/ports").is_empty() =>
        {
            causes.required("spec.ports");
        }
        _ => {}
    }
}

fn selector(spec: &Value, causes: &mut Causes) {
    let labels = &spec["template"]["metadata"]["labels"];
    match spec.get("selector") {
        None | Some(Value::Null) => causes.required("spec.selector"),
        Some(selector) if !crate::store::selector_matches(selector, labels) => causes.invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        ),
        Some(_) => {}
    }
}

fn pod_spec(spec: &Value, at: &str, causes: &mut Causes) {
    let containers = items(spec, "/containers");
    if containers.is_empty() {
        causes.required(&format!("{at}.containers"));
    }
    let mut names: Vec<&str> = Vec::new();
    for (group, list) in [("containers", containers), ("initContainers", items(spec, "/initContainers"))] {
        for (index, container) in list.iter().enumerate() {
            let at = format!("{at}.{group}[{index}]");
            let name = text(container, "/name");
            if name.is_empty() {
                causes.required(&format!("{at}.name"));
            } else if names.contains(&name) {
                let message = format!("Duplicate value: \"{name}\"");
                causes.0.push(Cause { reason: "FieldValueDuplicate", field: format!("{at}.name"), message });
            }
            names.push(name);
            if text(container, "/image").is_empty() {
                causes.required(&format!("{at}.image"));
            }
            for (place, port) in items(container, "/ports").iter().enumerate() {
                let number = &port["containerPort"];
                if !number.as_i64().is_some_and(|number| (1..=65_535).contains(&number)) {
                    let field = format!("{at}.ports[{place}].containerPort");
                    causes.invalid(&field, number, "must be between 1 and 65535, inclusive");
                }
            }
            resources(&container["resources"], &at, causes);
        }
    }
}

fn resources(resources: &Value, at: &str, causes: &mut Causes) {
    for (name, request) in resources["requests"].as_object().into_iter().flatten() {
        let limit = &resources["limits"][name];
        if let (Some(wanted), Some(most)) = (amount(request), amount(limit))
            && wanted > most
        {
            let why =
                format!("must be less than or equal to {name} limit of {}", limit.as_str().unwrap_or(""));
            causes.invalid(&format!("{at}.resources.requests"), request, &why);
        }
    }
}

/// A quantity as a number; none where it is none.
fn amount(value: &Value) -> Option<f64> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let split = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let factor = match unit {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    digits.parse::<f64>().ok().map(|number| number * factor)
}

const FIXED: &str = "field is immutable";

fn immutable(kind: &Kind, current: &Value, next: &Value, causes: &mut Causes) {
    let mut fixed = |pointer: &str| {
        let (old, new) = (current.pointer(pointer), next.pointer(pointer));
        if old.is_some_and(|old| !old.is_null()) && old != new {
            causes.invalid(&pointer[1..].replace('/', "."), new.unwrap_or(&Value::Null), FIXED);
        }
    };
    match kind.stored {
        "apps/v1/Deployment" | "apps/v1/ReplicaSet" | "apps/v1/DaemonSet" => fixed("/spec/selector"),
        "batch/v1/Job" => {
            fixed("/spec/selector");
            fixed("/spec/template");
            fixed("/spec/completions");
        }
        "v1/Secret" => {
            fixed("/type");
            sealed(current, next, causes);
        }
        "v1/ConfigMap" => sealed(current, next, causes),
        "v1/Service" if text(next, "/spec/type") != "ExternalName" => fixed("/spec/clusterIP"),
        "rbac.authorization.k8s.io/v1/RoleBinding" | "rbac.authorization.k8s.io/v1/ClusterRoleBinding" => {
            fixed("/roleRef");
        }
        "storage.k8s.io/v1/StorageClass" => {
            fixed("/provisioner");
            fixed("/parameters");
        }
        "apps/v1/StatefulSet" => stateful_set(current, next, causes),
        "v1/Pod" => pod(current, next, causes),
        "v1/PersistentVolumeClaim" => claim(current, next, causes),
        _ => {}
    }
}

fn sealed(current: &Value, next: &Value, causes: &mut Causes) {
    if current["immutable"] != true {
        return;
    }
    for part in ["data", "binaryData", "immutable"] {
        if current[part] != next[part] {
            causes.forbidden(part, "field is immutable when `immutable` is set");
        }
    }
}

/// The spec without the fields that may change.
fn rest(object: &Value, free: &[&str]) -> Value {
    let mut spec = object["spec"].clone();
    for key in free {
        as_map(&mut spec).remove(*key);
    }
    spec
}

fn stateful_set(current: &Value, next: &Value, causes: &mut Causes) {
    const FREE: &[&str] = &[
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    if rest(current, FREE) != rest(next, FREE) {
        causes.forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
             'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        );
    }
}

fn claim(current: &Value, next: &Value, causes: &mut Causes) {
    const FREE: &[&str] = &["resources", "volumeName", "volumeAttributesClassName"];
    if rest(current, FREE) != rest(next, FREE) {
        causes.forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        );
    }
}

fn pod(current: &Value, next: &Value, causes: &mut Causes) {
    let trimmed = |object: &Value| {
        let mut spec = rest(
            object,
            &[
                "activeDeadlineSeconds",
                "tolerations",
                "terminationGracePeriodSeconds",
                "nodeName",
                "ephemeralContainers",
                "schedulingGates",
            ],
        );
        for group in ["containers", "initContainers"] {
            for container in spec.get_mut(group).and_then(Value::as_array_mut).into_iter().flatten() {
                as_map(container).remove("image");
            }
        }
        spec
    };
    // A node is chosen through a binding; it does not change afterwards.
    let (old, new) = (text(current, "/spec/nodeName"), text(next, "/spec/nodeName"));
    let kept =
        items(current, "/spec/tolerations").iter().all(|one| items(next, "/spec/tolerations").contains(one));
    if trimmed(current) != trimmed(next) || old != new || !kept {
        causes.forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
             `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
             `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        );
    }
}
