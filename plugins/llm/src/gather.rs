//! From the survey to the parts of the snapshot: each thing that is not well is
//! a case, with what its objects say, what was said about them, how they are
//! meant to be, and what they refer to. Asks for details within fixed bounds.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use serde_json::Value;
use sickbay_plugin::types::ObjectRef;

use crate::{
    json,
    judge::Health,
    kinds,
    part::{Part, Tier},
    seen::{self, Seen},
    survey::{Kept, Survey, pages},
    text,
    world::{ListQuery, LogQuery, World},
};

/// Cases that are shown at all; the rest is counted.
const MOST_CASES: usize = 60;
/// Objects whose design is read.
const MOST_DETAILS: usize = 16;
const MOST_LOGS: usize = 10;
const MOST_CONFIG_MAPS: usize = 8;
/// Objects of one case that are shown.
const MOST_MEMBERS: usize = 3;
const MOST_EVENTS: usize = 4;
/// Warnings that are shown about what was not listed.
const MOST_LOOSE: usize = 12;
/// Revisions of a Deployment that are shown: the newest, and those before.
const MOST_REVISIONS: usize = 3;
const LOG_LINES: u32 = 120;
const LOG_BYTES: u32 = 32 * 1024;

/// What belongs together: a workload and its pods, or one other object.
struct Case<'a> {
    root: ObjectRef,
    members: Vec<&'a Kept>,
}

/// All parts, in the order of the cases.
pub fn gather(world: &dyn World, survey: &Survey) -> Vec<Part> {
    let mut gatherer = Gatherer {
        world,
        survey,
        parts: Vec::new(),
        details: 0,
        logs: 0,
        told: HashSet::new(),
        read: HashSet::new(),
        unscheduled: false,
    };
    let sick_spaces: HashSet<&str> = survey
        .kept
        .iter()
        .filter(|kept| kept.is_sick() || kept.asked)
        .map(|kept| kept.seen.space())
        .collect();
    for (number, case) in cases(survey).iter().enumerate() {
        gatherer.case(number, case, &sick_spaces);
    }
    gatherer.nodes();
    gatherer.loose_events();
    gatherer.parts
}

fn cases(survey: &Survey) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for kept in &survey.kept {
        let root = survey.top_owner(&kept.seen);
        let key = seen::key(&root);
        if let Some(case) = places.get(&key).and_then(|place| cases.get_mut(*place)) {
            if case.members.len() < MOST_MEMBERS || kept.seen.reference.kind != "Pod" {
                case.members.push(kept);
            }
        } else if cases.len() < MOST_CASES {
            places.insert(key, cases.len());
            cases.push(Case { root, members: vec![kept] });
        }
    }
    cases
}

struct Gatherer<'a> {
    world: &'a dyn World,
    survey: &'a Survey,
    parts: Vec<Part>,
    details: usize,
    logs: usize,
    /// Keys of objects whose events are shown.
    told: HashSet<String>,
    /// Keys of ConfigMaps that were read.
    read: HashSet<String>,
    /// Whether a pod found no node.
    unscheduled: bool,
}

impl Gatherer<'_> {
    fn case(&mut self, number: usize, case: &Case<'_>, sick_spaces: &HashSet<&str>) {
        let is_sick = case.members.iter().any(|kept| kept.is_sick() || kept.asked);
        let workload = kinds::is_workload(&case.root.kind) || case.root.kind == "Pod";
        let mut logged = false;
        let mut shown: Option<&Health> = None;
        for kept in &case.members {
            let is_root = seen::key(&kept.seen.reference) == seen::key(&case.root);
            match kept.seen.reference.kind.as_str() {
                // Its own part comes with its design.
                kind if kinds::is_workload(kind) && is_root => {}
                "Pod" => {
                    // The second of two alike only shows that they are.
                    let tier = if shown == Some(&kept.health) { Tier::Context } else { tier(kept) };
                    shown = Some(&kept.health);
                    self.pod(tier, number, kept);
                    if (kept.is_sick() || kept.asked) && !logged {
                        logged = self.log(number, &kept.seen);
                    }
                }
                "Service" => self.service(number, kept),
                "NetworkPolicy" if !sick_spaces.contains(kept.seen.space()) => {}
                "StorageClass" if !self.survey.kept.iter().any(is_waiting_claim) => {}
                kind => {
                    let pointers = match kind {
                        "Node" => &["/spec", "/status/conditions", "/status/allocatable"][..],
                        "StorageClass" => &["/provisioner", "/volumeBindingMode"],
                        _ => &["/spec", "/status"],
                    };
                    self.parts.push(Part::of(tier(kept), number, &kept.seen, &remark(kept), pointers));
                }
            }
            if kept.is_sick() || kept.asked {
                self.events(number, &kept.seen.reference);
            }
        }
        if workload {
            self.design(number, case, is_sick);
            if is_sick {
                self.events(number, &case.root);
            }
        }
    }

    fn pod(&mut self, tier: Tier, number: usize, kept: &Kept) {
        let seen = &kept.seen;
        let mut remark = remark(kept);
        if let Health::Sick(_, word) = &kept.health {
            let owner = seen.owner().map_or_else(|| seen::key(&seen.reference), |owner| seen::key(&owner));
            let alike = self.survey.alike.get(&(owner, word.clone())).copied().unwrap_or(1);
            if alike > 1 {
                remark = format!("{remark}; one of {alike} pods alike");
            }
            self.unscheduled |= word == "Unschedulable" || word == "Pending";
        }
        let pointers = [
            "/status/phase",
            "/status/reason",
            "/status/message",
            "/metadata/deletionTimestamp",
            "/metadata/creationTimestamp",
            "/spec/nodeName",
            "/status/conditions",
            "/status/initContainerStatuses",
            "/status/containerStatuses",
            "/metadata/labels",
        ];
        self.parts.push(Part::of(tier, number, seen, &remark, &pointers));
    }

    /// The log of the container that is worst off: that of its last run, where
    /// it has ended.
    fn log(&mut self, number: usize, pod: &Seen) -> bool {
        let Some((container, restarted)) = worst_container(pod) else { return false };
        if self.logs >= MOST_LOGS {
            return false;
        }
        self.logs += 1;
        let query = |previous| LogQuery {
            namespace: pod.space().to_owned(),
            pod: pod.reference.name.clone(),
            container: container.map(str::to_owned),
            previous,
            tail_lines: LOG_LINES,
            limit_bytes: LOG_BYTES,
        };
        let previous = restarted.then(|| self.world.logs(&query(true)).ok()).flatten();
        let previous = previous.filter(|log| !log.lines.is_empty());
        let remark = if previous.is_some() { ", its run before" } else { "" };
        let log = previous.or_else(|| self.world.logs(&query(false)).ok());
        let Some(log) = log.filter(|log| !log.lines.is_empty()) else { return false };
        let container = container.unwrap_or("?");
        self.parts.push(Part::log(number, &pod.reference, container, remark, &log.observation, &log.lines));
        true
    }

    fn service(&mut self, number: usize, kept: &Kept) {
        let (all, well) = self.survey.selected(&kept.seen);
        let part = Part::of(tier(kept), number, &kept.seen, &remark(kept), &["/spec"]);
        self.parts.push(
            part.note(format!("its selector fits {}, {well} of them well", text::count(all as usize, "pod"))),
        );
        let Some(endpoints) = self.survey.endpoints_of(&kept.seen.reference) else { return };
        if !kept.is_sick() {
            return;
        }
        let list = if endpoints.reference.kind == "Endpoints" { "/subsets" } else { "/endpoints" };
        let part = Part::of(Tier::Story, number, endpoints, "endpoints of this Service", &[list]);
        let part = if endpoints.at(list).is_null() { part.absent(list) } else { part };
        if !part.lines.is_empty() {
            self.parts.push(part);
        }
    }

    fn events(&mut self, number: usize, object: &ObjectRef) {
        if !self.told.insert(seen::key(object)) {
            return;
        }
        for event in self.survey.events.about(object).into_iter().take(MOST_EVENTS) {
            self.event(Tier::Story, number, event, &format!("warning about {}", seen::name(object)));
        }
    }

    fn event(&mut self, tier: Tier, number: usize, event: &crate::events::Event, remark: &str) {
        let last =
            if text::is_plain(&event.last, 40) { format!(", last at {}", event.last) } else { String::new() };
        let remark =
            format!("{remark}, seen {}{last}", text::count(event.count.unsigned_abs() as usize, "time"));
        self.parts.push(Part::of(tier, number, &event.seen, &remark, &["/reason", "/message", "/note"]));
    }

    /// How the case's workload, or its pod without one, is meant to be.
    fn design(&mut self, number: usize, case: &Case<'_>, is_sick: bool) {
        let own = case.members.iter().find(|kept| seen::key(&kept.seen.reference) == seen::key(&case.root));
        let doubtful = is_sick || own.is_some_and(|kept| kept.health == Health::Unknown);
        let detail = (doubtful && self.details < MOST_DETAILS).then(|| {
            self.details += 1;
            self.one(&case.root, kinds::detail(&case.root.kind))
        });
        let status: &[&str] = &[
            "/metadata/annotations",
            "/spec/replicas",
            "/spec/paused",
            "/spec/suspend",
            "/spec/backoffLimit",
            "/spec/schedule",
            "/spec/serviceName",
            "/status",
        ];
        let remark = own.map(|kept| remark(kept)).unwrap_or_default();
        let tier = own.map_or(Tier::Design, |kept| tier(kept));
        let Some(detail) = detail.flatten() else {
            if let Some(kept) = own.filter(|kept| kept.seen.reference.kind != "Pod") {
                self.parts.push(Part::of(tier, number, &kept.seen, &remark, status));
            }
            return;
        };
        if detail.reference.kind != "Pod" {
            let part = Part::of(if is_sick { tier } else { Tier::Design }, number, &detail, &remark, status);
            if !part.lines.is_empty() {
                self.parts.push(part);
            }
        }
        let spec = kinds::template(&detail.reference.kind);
        let labels = spec.replace("/template/spec", "/template/metadata/labels");
        let pointers = [
            format!("{spec}/initContainers"),
            format!("{spec}/containers"),
            format!("{spec}/nodeSelector"),
            format!("{spec}/affinity"),
            format!("{spec}/tolerations"),
            format!("{spec}/volumes"),
            format!("{spec}/serviceAccountName"),
            format!("{spec}/imagePullSecrets"),
            "/spec/strategy".to_owned(),
            "/spec/updateStrategy".to_owned(),
            "/spec/selector".to_owned(),
            if labels == spec { "/metadata/labels".to_owned() } else { labels },
        ];
        let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
        self.parts.push(Part::of(Tier::Design, number, &detail, "its design", &pointers));
        if detail.reference.kind == "Deployment" && is_sick {
            self.revisions(number, &detail);
        }
        self.config_maps(number, &detail, spec);
    }

    /// One object, with these fields.
    fn one(&self, object: &ObjectRef, fields: Vec<String>) -> Option<Seen> {
        let query = ListQuery {
            kind: format!("{}/{}", object.api_version, object.kind),
            namespaces: object.namespace.iter().cloned().collect(),
            label_selector: None,
            field_selector: Some(format!("metadata.name={}", object.name)),
            fields,
            limit: 1,
            continue_: None,
        };
        let page = self.world.list(&query).ok()?;
        let observation = Rc::from(page.observation.as_str());
        let seen = page.objects.iter().find_map(|source| Seen::parse(&observation, source))?;
        (seen.reference.name == object.name).then_some(seen)
    }

    /// The newest ReplicaSets of a Deployment: what changed is the difference.
    fn revisions(&mut self, number: usize, deployment: &Seen) {
        let labels: Vec<String> = json::entries(&deployment.json, "/spec/selector/matchLabels")
            .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
            .collect();
        if labels.is_empty() {
            return;
        }
        let query = ListQuery {
            kind: "apps/v1/ReplicaSet".to_owned(),
            namespaces: deployment.reference.namespace.iter().cloned().collect(),
            label_selector: Some(labels.join(",")),
            field_selector: None,
            fields: kinds::detail("ReplicaSet"),
            limit: 100,
            continue_: None,
        };
        let mut sets: Vec<(i64, Seen)> = Vec::new();
        let listed = pages(self.world, query, |observation, source| {
            let Some(set) = Seen::parse(observation, source) else { return };
            let own = set.owner().is_some_and(|owner| owner.name == deployment.reference.name);
            let revision = set.text("/metadata/annotations/deployment.kubernetes.io~1revision");
            if let (true, Some(revision), true) =
                (own, revision.and_then(|revision| revision.parse().ok()), sets.len() < 200)
            {
                sets.push((revision, set));
            }
        });
        if listed.is_err() {
            return;
        }
        sets.sort_by_key(|(revision, _)| std::cmp::Reverse(*revision));
        for (at, (revision, set)) in sets.iter().take(MOST_REVISIONS).enumerate() {
            let remark = format!("revision {revision}{}", if at == 0 { ", the newest" } else { "" });
            // The newest is the Deployment's own template.
            let template: &[&str] = if at == 0 {
                &[]
            } else {
                &[
                    "/spec/template/spec/initContainers",
                    "/spec/template/spec/containers",
                    "/spec/template/spec/nodeSelector",
                ]
            };
            let pointers: Vec<&str> =
                ["/spec/replicas", "/status/replicas", "/status/readyReplicas", "/status/conditions"]
                    .into_iter()
                    .chain(template.iter().copied())
                    .collect();
            self.parts.push(Part::of(Tier::Design, number, set, &remark, &pointers));
            self.events(number, &set.reference);
        }
    }

    /// The keys of the ConfigMaps that a template refers to; never their values.
    fn config_maps(&mut self, number: usize, detail: &Seen, spec: &str) {
        for name in references(detail.at(spec)) {
            let object = ObjectRef {
                api_version: "v1".to_owned(),
                kind: "ConfigMap".to_owned(),
                namespace: detail.reference.namespace.clone(),
                name,
            };
            if self.read.len() >= MOST_CONFIG_MAPS || !self.read.insert(seen::key(&object)) {
                continue;
            }
            let fields = vec!["/data".to_owned(), "/immutable".to_owned()];
            let Some(mut map) = self.one(&object, fields) else { continue };
            let keys: Vec<String> = json::entries(&map.json, "/data")
                .map(|(key, _)| key.to_owned())
                .filter(|key| text::is_plain(key, 253))
                .take(30)
                .collect();
            // Values are kept out of all that the model may see or hand on.
            if let Some(data) = map.json.pointer_mut("/data").and_then(Value::as_object_mut) {
                data.values_mut().for_each(|value| *value = Value::String(String::new()));
            }
            let note =
                format!("it has the keys [{}]; a key that it lacks is /data/KEY = null", keys.join(", "));
            self.parts.push(Part::of(Tier::Design, number, &map, "", &["/immutable"]).note(note));
        }
    }

    /// The nodes, where a pod found none: their labels, taints and room.
    fn nodes(&mut self) {
        if !self.unscheduled {
            return;
        }
        let query = ListQuery {
            kind: "v1/Node".to_owned(),
            namespaces: Vec::new(),
            label_selector: None,
            field_selector: None,
            fields: ["/metadata/labels", "/spec/taints", "/spec/unschedulable", "/status/allocatable"]
                .map(str::to_owned)
                .to_vec(),
            limit: 5,
            continue_: None,
        };
        let Ok(page) = self.world.list(&query) else { return };
        let observation = Rc::from(page.observation.as_str());
        for source in page.objects.iter().take(5) {
            let Some(node) = Seen::parse(&observation, source) else { continue };
            let pointers = ["/spec/unschedulable", "/spec/taints", "/status/allocatable", "/metadata/labels"];
            self.parts.push(Part::of(Tier::Context, MOST_CASES, &node, "a node", &pointers));
        }
    }

    /// Warnings about what was not listed, as far as not all of it was.
    fn loose_events(&mut self) {
        let tier = if self.survey.objects() == 0 { Tier::Status } else { Tier::Story };
        let newest = self.survey.events.newest(500).into_iter().filter(|event| {
            let about = crate::events::about(&event.seen).unwrap_or_default();
            let kind = about.split('|').next().unwrap_or("");
            !self.told.contains(&about) && !self.survey.is_complete(kind)
        });
        let newest: Vec<&crate::events::Event> = newest.take(MOST_LOOSE).collect();
        for event in newest {
            self.event(tier, MOST_CASES, event, "warning");
        }
    }
}

fn tier(kept: &Kept) -> Tier {
    match kept.health {
        _ if kept.asked => Tier::Status,
        Health::Sick(rank, _) if rank < 3 => Tier::Status,
        Health::Sick(..) => Tier::Story,
        Health::Unknown => Tier::Design,
        Health::Note(_) | Health::Well => Tier::Context,
    }
}

fn remark(kept: &Kept) -> String {
    match &kept.health {
        Health::Sick(_, word) | Health::Note(word) => word.clone(),
        Health::Well => "well".to_owned(),
        Health::Unknown => "no status recorded".to_owned(),
    }
}

fn is_waiting_claim(kept: &Kept) -> bool {
    kept.seen.reference.kind == "PersistentVolumeClaim" && kept.health != Health::Well
}

/// The container that is worst off, by its name where that was recorded, and
/// whether its last run is over.
fn worst_container(pod: &Seen) -> Option<(Option<&str>, bool)> {
    let statuses =
        || pod.list("/status/initContainerStatuses").iter().chain(pod.list("/status/containerStatuses"));
    let failed = |status: &&Value| {
        let ended = ["/state/terminated/exitCode", "/lastState/terminated/exitCode"];
        status.pointer("/state/waiting").is_some()
            || ended.iter().any(|code| json::integer(status, code).is_some_and(|code| code != 0))
    };
    let has_run = |status: &&Value| {
        json::integer(status, "/restartCount").unwrap_or(0) > 0
            || status.pointer("/state/terminated").is_some()
            || status.pointer("/state/running").is_some()
            || json::says(status, "/ready")
    };
    let unready = |status: &&Value| !json::says(status, "/ready");
    let found = statuses()
        .filter(has_run)
        .find(failed)
        .or_else(|| statuses().filter(has_run).find(unready))
        .or_else(|| statuses().find(has_run))?;
    let ended = found.pointer("/state/running").is_none();
    Some((json::text(found, "/name"), ended && json::integer(found, "/restartCount").unwrap_or(0) > 0))
}

/// The names of the ConfigMaps of a pod's spec.
fn references(spec: &Value) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: Option<&str>| {
        if let Some(name) = name.filter(|name| text::is_plain(name, 253))
            && !names.iter().any(|known| known == name)
            && names.len() < MOST_CONFIG_MAPS
        {
            names.push(name.to_owned());
        }
    };
    for volume in json::list(spec, "/volumes") {
        add(json::text(volume, "/configMap/name"));
    }
    for container in json::list(spec, "/containers").iter().chain(json::list(spec, "/initContainers")) {
        for source in json::list(container, "/envFrom") {
            add(json::text(source, "/configMapRef/name"));
        }
        for variable in json::list(container, "/env") {
            add(json::text(variable, "/valueFrom/configMapKeyRef/name"));
        }
    }
    names
}
