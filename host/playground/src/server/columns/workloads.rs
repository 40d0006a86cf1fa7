//! Rows of what makes, scales and protects pods.

use serde_json::Value;

use super::{
    Cell, NONE, cell,
    text::{age, containers, labels, plain, span},
    wide,
};
use crate::value::{int, items, text, time_ms};

type Row = (Vec<Cell>, Vec<Cell>);

fn count(object: &Value, pointer: &str) -> i64 {
    int(object, pointer).unwrap_or(0)
}

fn template_cells(object: &Value, selector: Option<&Value>) -> Vec<Cell> {
    let (names, images) = containers(&object["spec"]["template"]);
    let mut more = vec![wide("Containers", names), wide("Images", images)];
    if let Some(selector) = selector {
        more.push(wide("Selector", labels(selector)));
    }
    more
}

pub(super) fn deployment(object: &Value) -> Row {
    let wanted = int(object, "/spec/replicas").unwrap_or(1);
    let shown = vec![
        cell("Ready", format!("{}/{wanted}", count(object, "/status/readyReplicas"))),
        cell("Up-to-date", count(object, "/status/updatedReplicas")),
        cell("Available", count(object, "/status/availableReplicas")),
    ];
    (shown, template_cells(object, Some(&object["spec"]["selector"]["matchLabels"])))
}

pub(super) fn replica_set(object: &Value) -> Row {
    let shown = vec![
        cell("Desired", count(object, "/spec/replicas")),
        cell("Current", count(object, "/status/replicas")),
        cell("Ready", count(object, "/status/readyReplicas")),
    ];
    (shown, template_cells(object, Some(&object["spec"]["selector"]["matchLabels"])))
}

pub(super) fn stateful_set(object: &Value) -> Row {
    let wanted = int(object, "/spec/replicas").unwrap_or(1);
    let shown = vec![cell("Ready", format!("{}/{wanted}", count(object, "/status/readyReplicas")))];
    (shown, template_cells(object, None))
}

pub(super) fn daemon_set(object: &Value) -> Row {
    let shown = vec![
        cell("Desired", count(object, "/status/desiredNumberScheduled")),
        cell("Current", count(object, "/status/currentNumberScheduled")),
        cell("Ready", count(object, "/status/numberReady")),
        cell("Up-to-date", count(object, "/status/updatedNumberScheduled")),
        cell("Available", count(object, "/status/numberAvailable")),
        cell("Node Selector", labels(&object["spec"]["template"]["spec"]["nodeSelector"])),
    ];
    (shown, template_cells(object, Some(&object["spec"]["selector"]["matchLabels"])))
}

pub(super) fn job(object: &Value, now_ms: i64) -> Row {
    let is = |kind: &str| {
        items(object, "/status/conditions").iter().any(|one| one["type"] == kind && one["status"] == "True")
    };
    let status = if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if is("Suspended") {
        "Suspended"
    } else {
        "Running"
    };
    let wanted = int(object, "/spec/completions").map_or_else(
        || format!("1 of {}", int(object, "/spec/parallelism").unwrap_or(1)),
        |number| number.to_string(),
    );
    let started = time_ms(text(object, "/status/startTime"));
    let ended = time_ms(text(object, "/status/completionTime"));
    let duration =
        started.map_or_else(String::new, |started| span((ended.unwrap_or(now_ms) - started).max(0) / 1_000));
    let shown = vec![
        cell("Status", status),
        cell("Completions", format!("{}/{wanted}", count(object, "/status/succeeded"))),
        cell("Duration", duration),
    ];
    (shown, template_cells(object, Some(&object["spec"]["selector"]["matchLabels"])))
}

pub(super) fn cron_job(object: &Value, now_ms: i64) -> Row {
    let last = match text(object, "/status/lastScheduleTime") {
        "" => NONE.to_owned(),
        time => age(time, now_ms),
    };
    let suspended = if object["spec"]["suspend"] == true { "True" } else { "False" };
    let shown = vec![
        cell("Schedule", text(object, "/spec/schedule")),
        cell("Timezone", plain(&object["spec"]["timeZone"])),
        cell("Suspend", suspended),
        cell("Active", items(object, "/status/active").len()),
        cell("Last Schedule", last),
    ];
    (shown, template_cells(&object["spec"]["jobTemplate"], None))
}

pub(super) fn controller_revision(object: &Value) -> Row {
    let owner = &object["metadata"]["ownerReferences"][0];
    let controller = match text(owner, "/kind") {
        "" => NONE.to_owned(),
        kind => format!("{}.apps/{}", kind.to_lowercase(), text(owner, "/name")),
    };
    (vec![cell("Controller", controller), cell("Revision", count(object, "/revision"))], Vec::new())
}

pub(super) fn autoscaler(object: &Value) -> Row {
    let target = &object["spec"]["scaleTargetRef"];
    let shown = vec![
        cell("Reference", format!("{}/{}", text(target, "/kind"), text(target, "/name"))),
        cell("Targets", targets(object)),
        cell("MinPods", int(object, "/spec/minReplicas").unwrap_or(1)),
        cell("MaxPods", count(object, "/spec/maxReplicas")),
        cell("Replicas", count(object, "/status/currentReplicas")),
    ];
    (shown, Vec::new())
}

fn targets(object: &Value) -> String {
    // The older version has one metric, in fields of its own.
    if let Some(target) = int(object, "/spec/targetCPUUtilizationPercentage") {
        let is = int(object, "/status/currentCPUUtilizationPercentage");
        return format!("cpu: {}/{target}%", is.map_or("<unknown>".to_owned(), |is| format!("{is}%")));
    }
    let each: Vec<String> = items(object, "/spec/metrics")
        .iter()
        .map(|metric| {
            let name = text(metric, "/resource/name");
            let target = int(metric, "/resource/target/averageUtilization");
            let is = items(object, "/status/currentMetrics")
                .iter()
                .find(|one| text(one, "/resource/name") == name)
                .and_then(|one| int(one, "/resource/current/averageUtilization"));
            let is = is.map_or("<unknown>".to_owned(), |is| format!("{is}%"));
            let target = target.map_or("<auto>".to_owned(), |target| format!("{target}%"));
            format!("{name}: {is}/{target}")
        })
        .collect();
    if each.is_empty() { NONE.to_owned() } else { each.join(", ") }
}

pub(super) fn budget(object: &Value) -> Row {
    let or_none = |key: &str| match plain(&object["spec"][key]).as_str() {
        NONE => "N/A".to_owned(),
        text => text.to_owned(),
    };
    let shown = vec![
        cell("Min Available", or_none("minAvailable")),
        cell("Max Unavailable", or_none("maxUnavailable")),
        cell("Allowed Disruptions", count(object, "/status/disruptionsAllowed")),
    ];
    (shown, Vec::new())
}
