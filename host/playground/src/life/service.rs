//! Services: who is behind them, as Endpoints and EndpointSlices.

use serde_json::{Map, Value, json};

use super::{
    cluster::Cluster,
    labels, names,
    shape::{
        all_containers, deleting, has_ended, int_or, is_ready, list, name, namespace, owned_by, set, text,
        uid,
    },
};

pub(crate) fn run(cluster: &Cluster) {
    let services = cluster.list("v1/Service");
    if services.is_empty() {
        return;
    }
    let pods = cluster.list("v1/Pod");
    for service in services.iter().filter(|service| !deleting(service)) {
        let Some(selector) = service.pointer("/spec/selector").filter(|selector| selector.is_object()) else {
            continue;
        };
        let behind: Vec<&Value> = pods
            .iter()
            .filter(|pod| namespace(pod) == namespace(service) && !has_ended(pod))
            .filter(|pod| !text(pod, "/status/podIP").is_empty())
            .filter(|pod| {
                labels::map_matches(selector, pod.pointer("/metadata/labels").unwrap_or(&Value::Null))
            })
            .collect();
        endpoints(cluster, service, &behind);
        slice(cluster, service, &behind);
    }
}

/// The ports of a Service at one pod; a named port that the pod lacks is left out.
fn ports(service: &Value, pod: Option<&Value>) -> Vec<Value> {
    list(service, "/spec/ports")
        .iter()
        .filter_map(|port| {
            let target = match port.get("targetPort") {
                Some(Value::String(wanted)) => {
                    let found = pod.and_then(|pod| named(pod, wanted));
                    match found {
                        Some(number) => number,
                        None => wanted.parse().ok()?,
                    }
                }
                Some(Value::Number(number)) => number.as_i64()?,
                _ => int_or(port, "/port", 0),
            };
            let mut out =
                json!({"port": target, "protocol": port.get("protocol").cloned().unwrap_or(json!("TCP"))});
            if let Some(shown) = port.get("name") {
                set(&mut out, &["name"], shown.clone());
            }
            Some(out)
        })
        .collect()
}

fn named(pod: &Value, wanted: &str) -> Option<i64> {
    all_containers(pod.get("spec")?)
        .flat_map(|container| list(container, "/ports"))
        .find(|port| text(port, "/name") == wanted)
        .and_then(|port| port.get("containerPort")?.as_i64())
}

fn target(pod: &Value) -> Value {
    json!({"kind": "Pod", "namespace": namespace(pod), "name": name(pod), "uid": uid(pod)})
}

fn endpoints(cluster: &Cluster, service: &Value, behind: &[&Value]) {
    let (mut ready, mut not_ready) = (Vec::new(), Vec::new());
    for pod in behind.iter().filter(|pod| !deleting(pod)) {
        let address = json!({
            "ip": text(pod, "/status/podIP"), "nodeName": text(pod, "/spec/nodeName"), "targetRef": target(pod),
        });
        if is_ready(pod) { &mut ready } else { &mut not_ready }.push(address);
    }
    let mut object = json!({
        "apiVersion": "v1", "kind": "Endpoints",
        "metadata": {
            "name": name(service), "namespace": namespace(service),
            "labels": service.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({})),
        },
    });
    if !ready.is_empty() || !not_ready.is_empty() {
        let mut subset = Map::new();
        if !ready.is_empty() {
            subset.insert("addresses".to_owned(), Value::Array(ready));
        }
        if !not_ready.is_empty() {
            subset.insert("notReadyAddresses".to_owned(), Value::Array(not_ready));
        }
        subset.insert("ports".to_owned(), Value::Array(ports(service, behind.first().copied())));
        set(&mut object, &["subsets"], json!([subset]));
    }
    put(cluster, object, "/subsets");
}

fn slice(cluster: &Cluster, service: &Value, behind: &[&Value]) {
    let endpoints: Vec<Value> = behind
        .iter()
        .map(|pod| {
            let going = deleting(pod);
            let ready = is_ready(pod);
            json!({
                "addresses": [text(pod, "/status/podIP")], "nodeName": text(pod, "/spec/nodeName"), "targetRef": target(pod),
                "conditions": {"ready": ready && !going, "serving": ready, "terminating": going},
            })
        })
        .collect();
    let mut labels = service.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
    set(&mut labels, &["kubernetes.io/service-name"], Value::from(name(service)));
    set(&mut labels, &["endpointslice.kubernetes.io/managed-by"], json!("endpointslice-controller.k8s.io"));
    let object = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{}-{}", name(service), names::suffix(uid(service))), "namespace": namespace(service),
            "labels": labels, "ownerReferences": owned_by(service),
        },
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports(service, behind.first().copied()),
    });
    put(cluster, object, "/endpoints");
}

/// Makes it, or writes it where that part, or the ports, differ.
fn put(cluster: &Cluster, object: Value, part: &str) {
    let Some(found) = cluster.get(&super::shape::kind_of(&object), namespace(&object), name(&object)) else {
        let _gone = cluster.create(object);
        return;
    };
    let differs = |pointer: &str| found.pointer(pointer) != object.pointer(pointer);
    if !differs(part) && !differs("/ports") && !differs("/metadata/labels") {
        return;
    }
    let mut next = found.clone();
    for field in ["subsets", "endpoints", "ports"] {
        match object.get(field) {
            Some(value) => set(&mut next, &[field], value.clone()),
            None => super::shape::unset(&mut next, &[field]),
        }
    }
    if let Some(labels) = object.pointer("/metadata/labels") {
        set(&mut next, &["metadata", "labels"], labels.clone());
    }
    let _conflict = cluster.update(next);
}
