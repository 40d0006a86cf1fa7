//! Rows of nodes, services, storage, configuration and the rest.

use serde_json::Value;

use super::{
    Cell, NONE, cell,
    text::{age, labels, plain},
    wide,
};
use crate::{
    kinds::Kind,
    value::{int, items, text},
};

type Row = (Vec<Cell>, Vec<Cell>);

pub(super) fn event(object: &Value, now_ms: i64) -> Vec<Cell> {
    // The newer group has other names for the same fields.
    let either = |old: &str, new: &str| match text(object, old) {
        "" => text(object, new).to_owned(),
        text => text.to_owned(),
    };
    let seen = either("/lastTimestamp", "/deprecatedLastTimestamp");
    let seen = if seen.is_empty() { text(object, "/eventTime").to_owned() } else { seen };
    let about = |word: &str| either(&format!("/involvedObject/{word}"), &format!("/regarding/{word}"));
    vec![
        cell("Last Seen", age(&seen, now_ms)),
        cell("Type", text(object, "/type")),
        cell("Reason", text(object, "/reason")),
        cell("Object", format!("{}/{}", about("kind").to_lowercase(), about("name"))),
        wide("Source", either("/source/component", "/deprecatedSource/component")),
        cell("Message", either("/message", "/note")),
        wide("Count", int(object, "/count").unwrap_or(1)),
        wide("Name", crate::value::name(object)),
    ]
}

pub(super) fn other(kind: &Kind, object: &Value) -> Row {
    let data = || {
        let count = |key: &str| object[key].as_object().map_or(0, serde_json::Map::len);
        count("data") + count("binaryData")
    };
    let shown = match kind.stored {
        "v1/Node" => return node(object),
        "v1/Service" => return service(object),
        "v1/Namespace" => vec![cell("Status", text(object, "/status/phase"))],
        "v1/ConfigMap" => vec![cell("Data", data())],
        "v1/Secret" => vec![cell("Type", text(object, "/type")), cell("Data", data())],
        "v1/ServiceAccount" => vec![cell("Secrets", items(object, "/secrets").len())],
        "v1/PersistentVolumeClaim" => claim(object),
        "v1/PersistentVolume" => volume(object),
        "v1/Endpoints" => vec![cell("Endpoints", endpoints(object))],
        "v1/ResourceQuota" => {
            vec![cell("Request", quota(object, "requests")), cell("Limit", quota(object, "limits"))]
        }
        "networking.k8s.io/v1/Ingress" => ingress(object),
        "networking.k8s.io/v1/NetworkPolicy" => {
            vec![cell("Pod-Selector", labels(&object["spec"]["podSelector"]["matchLabels"]))]
        }
        "discovery.k8s.io/v1/EndpointSlice" => slice(object),
        "storage.k8s.io/v1/StorageClass" => vec![
            cell("Provisioner", text(object, "/provisioner")),
            cell("ReclaimPolicy", text(object, "/reclaimPolicy")),
            cell("VolumeBindingMode", text(object, "/volumeBindingMode")),
            cell("AllowVolumeExpansion", object["allowVolumeExpansion"] == true),
        ],
        "scheduling.k8s.io/v1/PriorityClass" => vec![
            cell("Value", int(object, "/value").unwrap_or(0)),
            cell("Global-Default", object["globalDefault"] == true),
        ],
        "coordination.k8s.io/v1/Lease" => vec![cell("Holder", text(object, "/spec/holderIdentity"))],
        "rbac.authorization.k8s.io/v1/RoleBinding" | "rbac.authorization.k8s.io/v1/ClusterRoleBinding" => {
            vec![cell("Role", format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name")))]
        }
        _ => Vec::new(),
    };
    (shown, Vec::new())
}

fn node(object: &Value) -> Row {
    let ready = items(object, "/status/conditions").iter().find(|one| one["type"] == "Ready");
    let mut status = match ready.map(|one| text(one, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if object["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    const ROLE: &str = "node-role.kubernetes.io/";
    let roles: Vec<&str> = object["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix(ROLE))
        .collect();
    let address = |kind: &str| {
        let found = items(object, "/status/addresses").iter().find(|one| one["type"] == kind);
        found.map_or(NONE, |one| text(one, "/address")).to_owned()
    };
    let shown = vec![
        cell("Status", status),
        cell("Roles", if roles.is_empty() { NONE.to_owned() } else { roles.join(",") }),
    ];
    let more = vec![
        cell("Version", text(object, "/status/nodeInfo/kubeletVersion")),
        wide("Internal-IP", address("InternalIP")),
        wide("External-IP", address("ExternalIP")),
        wide("OS-Image", text(object, "/status/nodeInfo/osImage")),
        wide("Kernel-Version", text(object, "/status/nodeInfo/kernelVersion")),
        wide("Container-Runtime", text(object, "/status/nodeInfo/containerRuntimeVersion")),
    ];
    (shown, more)
}

fn service(object: &Value) -> Row {
    let kind = text(object, "/spec/type");
    let outside = match kind {
        "ExternalName" => text(object, "/spec/externalName").to_owned(),
        "LoadBalancer" => match text(object, "/status/loadBalancer/ingress/0/ip") {
            "" => "<pending>".to_owned(),
            ip => ip.to_owned(),
        },
        _ => NONE.to_owned(),
    };
    let ports: Vec<String> = items(object, "/spec/ports")
        .iter()
        .map(|port| {
            let number = int(port, "/port").unwrap_or(0);
            let protocol = text(port, "/protocol");
            match int(port, "/nodePort") {
                Some(node) => format!("{number}:{node}/{protocol}"),
                None => format!("{number}/{protocol}"),
            }
        })
        .collect();
    let shown = vec![
        cell("Type", kind),
        cell("Cluster-IP", plain(&object["spec"]["clusterIP"])),
        cell("External-IP", outside),
        cell("Port(s)", if ports.is_empty() { NONE.to_owned() } else { ports.join(",") }),
    ];
    (shown, vec![wide("Selector", labels(&object["spec"]["selector"]))])
}

fn modes(list: &[Value]) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    list.iter().map(short).collect::<Vec<_>>().join(",")
}

fn claim(object: &Value) -> Vec<Cell> {
    let phase = if crate::value::is_deleting(object) { "Terminating" } else { text(object, "/status/phase") };
    vec![
        cell("Status", phase),
        cell("Volume", text(object, "/spec/volumeName")),
        cell("Capacity", text(object, "/status/capacity/storage")),
        cell("Access Modes", modes(items(object, "/status/accessModes"))),
        cell("StorageClass", text(object, "/spec/storageClassName")),
    ]
}

fn volume(object: &Value) -> Vec<Cell> {
    let claim = match text(object, "/spec/claimRef/name") {
        "" => String::new(),
        name => format!("{}/{name}", text(object, "/spec/claimRef/namespace")),
    };
    vec![
        cell("Capacity", text(object, "/spec/capacity/storage")),
        cell("Access Modes", modes(items(object, "/spec/accessModes"))),
        cell("Reclaim Policy", text(object, "/spec/persistentVolumeReclaimPolicy")),
        cell("Status", text(object, "/status/phase")),
        cell("Claim", claim),
        cell("StorageClass", text(object, "/spec/storageClassName")),
    ]
}

/// The first few, and how many more.
fn some(all: Vec<String>) -> String {
    match all.len() {
        0 => NONE.to_owned(),
        1..=3 => all.join(","),
        many => format!("{} + {} more...", all[..3].join(","), many - 3),
    }
}

fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in items(object, "/subsets") {
        for address in items(subset, "/addresses") {
            let ip = text(address, "/ip");
            let ports = items(subset, "/ports");
            all.extend(ports.iter().map(|port| format!("{ip}:{}", int(port, "/port").unwrap_or(0))));
            if ports.is_empty() {
                all.push(ip.to_owned());
            }
        }
    }
    some(all)
}

fn slice(object: &Value) -> Vec<Cell> {
    let ports = items(object, "/ports").iter().map(|port| plain(&port["port"])).collect::<Vec<_>>();
    let addresses = items(object, "/endpoints")
        .iter()
        .flat_map(|one| items(one, "/addresses"))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    vec![
        cell("AddressType", text(object, "/addressType")),
        cell("Ports", if ports.is_empty() { "<unset>".to_owned() } else { ports.join(",") }),
        cell("Endpoints", some(addresses)),
    ]
}

fn quota(object: &Value, part: &str) -> String {
    let hard = object["status"]["hard"].as_object().or_else(|| object["spec"]["hard"].as_object());
    let each: Vec<String> = hard
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.starts_with("limits") == (part == "limits"))
        .map(|(key, most)| {
            let used = &object["status"]["used"][key];
            let used = if used.is_null() { "0".to_owned() } else { plain(used) };
            format!("{key}: {used}/{}", plain(most))
        })
        .collect();
    each.join(", ")
}

fn ingress(object: &Value) -> Vec<Cell> {
    let hosts: Vec<String> = items(object, "/spec/rules")
        .iter()
        .map(|rule| match text(rule, "/host") {
            "" => "*".to_owned(),
            host => host.to_owned(),
        })
        .collect();
    let ports = if items(object, "/spec/tls").is_empty() { "80" } else { "80, 443" };
    vec![
        cell("Class", plain(&object["spec"]["ingressClassName"])),
        cell("Hosts", if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") }),
        cell("Address", text(object, "/status/loadBalancer/ingress/0/ip")),
        cell("Ports", ports),
    ]
}
