//! Everything that is listed, judged as it is read: what is well is counted and
//! let go, what is not is kept, within bounds, so that a cluster of ten
//! thousand pods takes no more room than its troubles.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    rc::Rc,
};

use serde_json::Value;
use sickbay_plugin::{
    diagnosis::{Checked, DiagnosisRequest},
    types::{Error, ErrorKind, ObjectRef},
};

use crate::{
    events::{self, Events},
    json,
    judge::Health,
    kinds::{self, Table},
    seen::{self, Seen},
    text,
    world::{ClusterInfo, Coverage, ListQuery, World},
};

/// Objects asked for at a time, and pages of one kind.
const PAGE: u32 = 500;
const MOST_PAGES: usize = 60;
/// Objects of one kind that are kept.
const MOST_KEPT: usize = 60;
/// Sick pods of one owner with one problem that are kept; the rest is counted.
const MOST_ALIKE: usize = 2;
/// Services that are kept until their endpoints are known.
const MOST_SERVICES: usize = 5_000;
/// Sets of labels that pods have.
const MOST_LABELS: usize = 20_000;

/// Why an object is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    pub seen: Seen,
    pub health: Health,
    /// The question names it.
    pub asked: bool,
}

impl Kept {
    /// What is shown first: asked about, then the rank.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match &self.health {
            _ if self.asked => 0,
            Health::Sick(rank, _) => rank + 1,
            Health::Unknown => 6,
            Health::Note(_) | Health::Well => 7,
        }
    }

    #[must_use]
    pub fn is_sick(&self) -> bool {
        matches!(self.health, Health::Sick(..))
    }
}

/// How many of a kind there are.
#[derive(Clone, Debug)]
pub struct Count {
    pub kind: &'static str,
    pub objects: u32,
    pub sick: u32,
    /// Those that nobody has judged.
    pub unknown: u32,
    pub coverage: Coverage,
}

/// Pods of one set of labels.
struct Labelled {
    labels: Value,
    all: u32,
    well: u32,
}

/// All that was listed.
pub struct Survey {
    pub info: ClusterInfo,
    pub namespaces: Vec<String>,
    pub counts: Vec<Count>,
    pub kept: Vec<Kept>,
    pub events: Events,
    /// Sick pods by owner and problem: how many there are.
    pub alike: BTreeMap<(String, String), u32>,
    /// The Deployment of each ReplicaSet that has sick pods.
    owners: HashMap<String, ObjectRef>,
    /// Keys of what owns something sick.
    wanted: HashSet<String>,
    /// The sets of labels that pods have, by namespace.
    labels: HashMap<String, HashMap<String, Labelled>>,
    sets: usize,
    /// Keys of all Services, for what leads to them.
    services: HashSet<String>,
    /// Ready endpoints of each Service, with what says so.
    endpoints: HashMap<String, (u32, Seen)>,
    pub skipped: Vec<String>,
}

impl Survey {
    /// Lists everything once.
    ///
    /// # Errors
    /// Where the cluster does not say what it is, or no kind can be listed.
    pub fn take(world: &dyn World, request: &DiagnosisRequest) -> Result<Self, Error> {
        let info = world.info()?;
        let mut survey = Self {
            info,
            namespaces: request.namespaces.clone(),
            counts: Vec::new(),
            kept: Vec::new(),
            events: Events::default(),
            alike: BTreeMap::new(),
            owners: HashMap::new(),
            wanted: HashSet::new(),
            labels: HashMap::new(),
            sets: 0,
            services: HashSet::new(),
            endpoints: HashMap::new(),
            skipped: Vec::new(),
        };
        let asked = words(request.question.as_deref().unwrap_or(""));
        // What the strategies before found is looked at as well.
        for finding in request.earlier.iter().take(200) {
            survey.wanted.insert(seen::key(&finding.object));
        }
        let mut refused = None;
        for table in kinds::KINDS {
            if let Err(error) = survey.list(world, table, &asked) {
                survey.skip(table.query, &error);
                refused.get_or_insert(error);
            }
        }
        if let (Some(error), true) = (refused, survey.counts.is_empty()) {
            return Err(error);
        }
        survey.list_events(world);
        survey.kept.sort_by(|one, other| {
            let key = |kept: &Kept| (kept.rank(), seen::key(&kept.seen.reference));
            key(one).cmp(&key(other))
        });
        Ok(survey)
    }

    fn query(&self, kind: &str, fields: &[&str]) -> ListQuery {
        ListQuery {
            kind: kind.to_owned(),
            namespaces: self.namespaces.clone(),
            label_selector: None,
            field_selector: None,
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            limit: PAGE,
            continue_: None,
        }
    }

    fn skip(&mut self, kind: &str, error: &Error) {
        // An object that went away between two pages, or a kind that this server does not have.
        if error.kind != ErrorKind::NotFound && self.skipped.len() < 40 {
            self.skipped.push(format!("{kind}: {}", text::clean(&error.message, 200)));
        }
    }

    fn list(&mut self, world: &dyn World, table: &'static Table, asked: &HashSet<&str>) -> Result<(), Error> {
        let mut count =
            Count { kind: table.kind, objects: 0, sick: 0, unknown: 0, coverage: Coverage::Complete };
        let mut kept = Keeper::default();
        let mut services = Vec::new();
        let coverage = pages(world, self.query(table.query, table.fields), |observation, source| {
            let Some(seen) = Seen::parse(observation, source) else { return };
            count.objects = count.objects.saturating_add(1);
            let health = (table.judge)(&seen.json);
            count.sick += u32::from(matches!(health, Health::Sick(..)));
            count.unknown += u32::from(health == Health::Unknown);
            let asked = is_asked(asked, &seen.reference);
            match table.kind {
                "EndpointSlice" | "Endpoints" => self.take_endpoints(seen),
                "Service" if services.len() < MOST_SERVICES => services.push((seen, asked)),
                "Service" => {}
                "Ingress" => {
                    let health = self.judge_ingress(&seen);
                    count.sick += u32::from(matches!(health, Health::Sick(..)));
                    self.offer(&mut kept, seen, health, asked);
                }
                _ => self.offer(&mut kept, seen, health, asked),
            }
        })?;
        count.coverage = coverage;
        for (service, asked) in services {
            self.services.insert(seen::key(&service.reference));
            let health = self.judge_service(&service, coverage);
            count.sick += u32::from(matches!(health, Health::Sick(..)));
            self.offer(&mut kept, service, health, asked);
        }
        self.kept.append(&mut kept.kept);
        self.counts.push(count);
        Ok(())
    }

    /// Keeps the object where there is a reason to.
    fn offer(&mut self, kept: &mut Keeper, seen: Seen, health: Health, asked: bool) {
        let is_pod = seen.reference.kind == "Pod";
        if is_pod && self.sets < MOST_LABELS {
            let labels = seen.at("/metadata/labels");
            let of_space = self.labels.entry(seen.space().to_owned()).or_default();
            let set = of_space.entry(labels.to_string()).or_insert_with(|| {
                self.sets += 1;
                Labelled { labels: labels.clone(), all: 0, well: 0 }
            });
            set.all += 1;
            set.well += u32::from(health == Health::Well);
        }
        let wanted = self.wanted.contains(&seen::key(&seen.reference));
        let owner = seen.owner();
        if wanted
            && seen.reference.kind == "ReplicaSet"
            && let Some(owner) = &owner
        {
            self.owners.insert(seen::key(&seen.reference), owner.clone());
            self.wanted.insert(seen::key(owner));
        }
        if let (true, Health::Sick(_, word)) = (is_pod, &health) {
            let of = owner.as_ref().map_or_else(|| seen::key(&seen.reference), seen::key);
            let count = self.alike.entry((of, word.clone())).or_default();
            *count += 1;
            if *count as usize > MOST_ALIKE && !asked && !wanted {
                return;
            }
        }
        if matches!(health, Health::Sick(..))
            && let Some(owner) = &owner
            && self.wanted.len() < 1_000
        {
            self.wanted.insert(seen::key(owner));
        }
        // A ReplicaSet that only stands between a pod and its Deployment has nothing to say.
        let between = seen.reference.kind == "ReplicaSet" && owner.is_some() && health == Health::Well;
        if asked || (wanted && !between) || health != Health::Well {
            kept.push(Kept { seen, health, asked });
        }
    }

    fn take_endpoints(&mut self, seen: Seen) {
        let count = |value: &Value| u32::try_from(json::list(value, "/addresses").len()).unwrap_or(u32::MAX);
        let (service, ready) = match seen.text("/metadata/labels/kubernetes.io~1service-name") {
            Some(service) => {
                let ready = |endpoint: &&Value| {
                    endpoint.pointer("/conditions/ready").and_then(Value::as_bool).unwrap_or(true)
                };
                (service.to_owned(), seen.list("/endpoints").iter().filter(ready).count() as u32)
            }
            None if seen.reference.kind == "EndpointSlice" => return,
            None => (seen.reference.name.clone(), seen.list("/subsets").iter().map(count).sum()),
        };
        let key = format!("Service|{}|{service}", seen.space());
        if let Some((known, _)) = self.endpoints.get_mut(&key) {
            *known = (*known).max(ready);
        } else if self.endpoints.len() < MOST_SERVICES {
            self.endpoints.insert(key, (ready, seen));
        }
    }

    fn judge_service(&self, service: &Seen, coverage: Coverage) -> Health {
        let selector = service.at("/spec/selector");
        if !selector.is_object() || service.text("/spec/type") == Some("ExternalName") {
            return Health::Well;
        }
        match self.endpoints.get(&seen::key(&service.reference)) {
            Some((0, _)) => Health::Sick(1, "NoReadyEndpoints".to_owned()),
            Some(_) => Health::Well,
            // Nobody recorded endpoints: the pods have to tell.
            None if self.has_pods() => match self.selected(service) {
                (_, ready) if ready > 0 => Health::Well,
                _ if coverage == Coverage::Complete => Health::Sick(1, "NoReadyPods".to_owned()),
                _ => Health::Unknown,
            },
            None => Health::Unknown,
        }
    }

    /// An Ingress is ill where it leads to a Service that is not there.
    fn judge_ingress(&self, ingress: &Seen) -> Health {
        if !self.is_complete("Service") || self.services.len() >= MOST_SERVICES {
            return Health::Well;
        }
        let paths = ingress.list("/spec/rules").iter().flat_map(|rule| json::list(rule, "/http/paths"));
        let backends =
            paths.map(|path| path.pointer("/backend")).chain([ingress.json.pointer("/spec/defaultBackend")]);
        let missing = backends
            .flatten()
            .filter_map(|backend| json::text(backend, "/service/name"))
            .any(|name| !self.services.contains(&format!("Service|{}|{name}", ingress.space())));
        if missing { Health::Sick(1, "BackendNotFound".to_owned()) } else { Health::Well }
    }

    fn has_pods(&self) -> bool {
        self.counts.iter().any(|count| count.kind == "Pod" && count.objects > count.unknown)
    }

    /// Pods that a Service selects, and how many of them are well.
    #[must_use]
    pub fn selected(&self, service: &Seen) -> (u32, u32) {
        let selector = service.at("/spec/selector");
        let of_space = self.labels.get(service.space()).into_iter().flat_map(HashMap::values);
        let selected = of_space.filter(|set| json::selects(selector, &set.labels));
        selected.fold((0, 0), |(all, well), set| (all + set.all, well + set.well))
    }

    /// What says how many endpoints a Service has.
    #[must_use]
    pub fn endpoints_of(&self, service: &ObjectRef) -> Option<&Seen> {
        self.endpoints.get(&seen::key(service)).map(|(_, seen)| seen)
    }

    fn list_events(&mut self, world: &dyn World) {
        let mut query = self.query(kinds::EVENT, events::FIELDS);
        query.field_selector = Some("type=Warning".to_owned());
        let mut found = Events::default();
        let listed = pages(world, query, |observation, source| {
            if let Some(seen) = Seen::parse(observation, source) {
                found.add(seen);
            }
        });
        if let Err(error) = listed {
            self.skip(kinds::EVENT, &error);
        }
        self.events = found;
    }

    /// What a person would change: the Deployment of a pod's ReplicaSet, the
    /// CronJob of its Job where that is known, or the object itself.
    #[must_use]
    pub fn top_owner(&self, seen: &Seen) -> ObjectRef {
        match seen.owner() {
            Some(owner) if owner.kind == "ReplicaSet" => {
                self.owners.get(&seen::key(&owner)).cloned().unwrap_or(owner)
            }
            Some(owner) if kinds::is_workload(&owner.kind) => owner,
            _ => seen.reference.clone(),
        }
    }

    /// Whether anything gives reason to ask: something is not well, or nobody can tell.
    #[must_use]
    pub fn gives_reason_to_ask(&self) -> bool {
        let doubtful = |kept: &Kept| kept.asked || matches!(kept.health, Health::Sick(..) | Health::Unknown);
        self.kept.iter().any(doubtful) || (self.objects() == 0 && self.events.total > 0)
    }

    /// Whether all of a kind was listed.
    #[must_use]
    pub fn is_complete(&self, kind: &str) -> bool {
        self.counts.iter().any(|count| count.kind == kind && count.coverage == Coverage::Complete)
    }

    /// Objects of all kinds.
    #[must_use]
    pub fn objects(&self) -> u32 {
        self.counts.iter().map(|count| count.objects).fold(0, u32::saturating_add)
    }

    /// For the verdict: the kinds that could be judged as a whole.
    #[must_use]
    pub fn checked(&self) -> Vec<Checked> {
        let judged = |count: &&Count| {
            count.objects > 0
                && count.unknown == 0
                && !["EndpointSlice", "Endpoints", "NetworkPolicy", "StorageClass"].contains(&count.kind)
        };
        let checked = |count: &Count| Checked {
            kind: count.kind.to_owned(),
            objects: count.objects,
            healthy: count.objects.saturating_sub(count.sick),
        };
        self.counts.iter().filter(judged).map(checked).collect()
    }
}

/// The worst of one kind.
#[derive(Default)]
struct Keeper {
    kept: Vec<Kept>,
}

impl Keeper {
    /// Where there is no more room, the least worth goes.
    fn push(&mut self, new: Kept) {
        if self.kept.len() < MOST_KEPT {
            self.kept.push(new);
            return;
        }
        let least = self.kept.iter().enumerate().max_by_key(|(_, kept)| kept.rank());
        if let Some((at, kept)) = least
            && new.rank() < kept.rank()
            && let Some(place) = self.kept.get_mut(at)
        {
            *place = new;
        }
    }
}

/// Calls `take` for each object over all pages. Answers with the least coverage.
pub(crate) fn pages(
    world: &dyn World,
    mut query: ListQuery,
    mut take: impl FnMut(&Rc<str>, &str),
) -> Result<Coverage, Error> {
    let mut coverage = Coverage::Complete;
    for _ in 0..MOST_PAGES {
        let page = match world.list(&query) {
            Ok(page) => page,
            // What was read so far counts.
            Err(_) if query.continue_.is_some() => return Ok(Coverage::Partial),
            Err(error) => return Err(error),
        };
        let observation = Rc::from(page.observation.as_str());
        for object in &page.objects {
            take(&observation, object);
        }
        coverage = match (coverage, page.coverage) {
            (_, Coverage::Unknown) | (Coverage::Unknown, _) => Coverage::Unknown,
            (_, Coverage::Partial) | (Coverage::Partial, _) => Coverage::Partial,
            _ => Coverage::Complete,
        };
        match page.continue_ {
            Some(token) if !token.is_empty() && !page.objects.is_empty() => query.continue_ = Some(token),
            _ => return Ok(coverage),
        }
    }
    Ok(Coverage::Partial)
}

/// Whether the question names the object, or a pod by what it is one of: `api`
/// for `api-5d9c-x2x`.
fn is_asked(words: &HashSet<&str>, object: &ObjectRef) -> bool {
    let name = object.name.as_str();
    let is_of = |end: usize| name.get(..end).is_some_and(|head| head.len() > 2 && words.contains(head));
    words.contains(name)
        || (object.kind == "Pod" && !words.is_empty() && name.match_indices('-').any(|(end, _)| is_of(end)))
}

/// The words of a question that can be names of objects.
fn words(question: &str) -> HashSet<&str> {
    let in_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '.');
    let words = question.split(|letter: char| !in_name(letter)).map(|word| word.trim_matches(['.', '-']));
    words.filter(|word| word.len() > 1).take(200).collect()
}
