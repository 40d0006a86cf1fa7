//! The actions that the model may propose, and what of a proposal is taken.
//!
//! Built in are those of the plugin `workload`, as its own schemas have them;
//! a test compares the two. A profile may narrow the list and add actions of
//! other plugins. The host checks a proposal against the plugin's catalogue
//! again; what is checked here besides is where its texts come from: see
//! [`crate::origin`].

use serde_json::{Map, Value};

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{apiVersion, kind, namespace, name}` of an object in the snapshot.
    Object,
    /// A whole number, not below 0.
    Number,
    /// A number, or a percentage.
    Share,
    /// A port by number, or by a name that a spec has.
    Port,
    /// `{"memory": "256Mi" or null}`.
    Amounts,
    /// A text that stands in a spec.
    Known,
    /// `{name: text or null}`, both of them in a spec.
    KnownMap,
    /// A list of texts or null: a whole list as a spec has it.
    KnownList,
    /// An image of a spec, or another tag of one.
    Image,
    /// `liveness`, `readiness` or `startup`.
    Probe,
    /// Parts of a probe.
    ProbeParts,
    /// Words to a person.
    Words,
    /// Anything of another plugin, as long as its texts stand in a spec.
    Any,
    /// What no model decides: the proposal goes to a person.
    Never,
}

impl Shape {
    /// As the prompt tells it.
    fn says(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Number => "number",
            Self::Share => "number or percentage",
            Self::Port => "port number or name",
            Self::Amounts => "{\"memory\": \"256Mi\" or null}",
            Self::Known => "text",
            Self::KnownMap => "{\"NAME\": \"value\" or null to remove it}",
            Self::KnownList => "list of texts or null",
            Self::Image => "image",
            Self::Probe => "liveness, readiness or startup",
            Self::ProbeParts => "parts of the probe to change, {\"httpGet\": {\"port\": 8080}}",
            Self::Words => "one sentence",
            Self::Any => "JSON",
            Self::Never => "",
        }
    }
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub shape: Shape,
    pub required: bool,
}

/// One action that may be proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub plugin: String,
    pub name: String,
    pub description: String,
    /// Kinds that `object` may be; empty: any.
    pub kinds: Vec<String>,
    pub parameters: Vec<Parameter>,
    /// At least one of these has to be there; empty: no such rule.
    pub one_of: Vec<String>,
}

/// The plugin whose actions are built in.
pub const WORKLOAD: &str = "workload";
/// The action that hands a problem to a person.
pub const ESCALATE: &str = "escalate";

const ROLLED: &[&str] = &["Deployment", "StatefulSet", "DaemonSet"];
const TEMPLATED: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "CronJob"];

/// Name, kinds of `object`, parameters besides it (`?` before an optional one,
/// `|` before one of several of which one is needed), and what it is for.
type Row = (&'static str, &'static [&'static str], &'static [(&'static str, Shape)], &'static str);

const BUILT_IN: &[Row] = &[
    ("rollout-undo", ROLLED, &[("?toRevision", Shape::Number)], "back to an earlier revision that worked"),
    ("restart", ROLLED, &[], "roll the pods over without another change"),
    ("resume", &["Deployment", "Job", "CronJob"], &[], "lift spec.paused or spec.suspend"),
    (
        "scale",
        &["Deployment", "StatefulSet", "ReplicaSet"],
        &[("replicas", Shape::Number)],
        "set the replicas",
    ),
    (
        "patch-env",
        TEMPLATED,
        &[("container", Shape::Known), ("env", Shape::KnownMap)],
        "variables, with values that another revision or workload has",
    ),
    (
        "patch-resources",
        TEMPLATED,
        &[("container", Shape::Known), ("|requests", Shape::Amounts), ("|limits", Shape::Amounts)],
        "requests and limits of a container",
    ),
    (
        "patch-image",
        &["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Pod"],
        &[("container", Shape::Known), ("image", Shape::Image)],
        "another tag of the image, or an image that another revision has",
    ),
    (
        "patch-command",
        TEMPLATED,
        &[("container", Shape::Known), ("|command", Shape::KnownList), ("|args", Shape::KnownList)],
        "command and arguments as another revision has them",
    ),
    (
        "patch-probe",
        TEMPLATED,
        &[("container", Shape::Known), ("probe", Shape::Probe), ("set", Shape::ProbeParts)],
        "port, path or times of a probe",
    ),
    (
        "patch-node-selector",
        TEMPLATED,
        &[("nodeSelector", Shape::KnownMap)],
        "the node labels that the pods ask for",
    ),
    ("patch-selector", &["Service"], &[("selector", Shape::KnownMap)], "the whole selector of a Service"),
    (
        "patch-service-port",
        &["Service"],
        &[("port", Shape::Number), ("targetPort", Shape::Port)],
        "where a port of a Service leads",
    ),
    ("patch-configmap", &["ConfigMap"], &[("data", Shape::KnownMap)], "keys of a ConfigMap"),
    ("patch-role", &["Role", "ClusterRole"], &[("rules", Shape::Never)], "a person decides"),
    (
        "relax-budget",
        &["PodDisruptionBudget"],
        &[("|minAvailable", Shape::Share), ("|maxUnavailable", Shape::Share)],
        "let a budget allow a disruption",
    ),
    (
        "raise-max-replicas",
        &["HorizontalPodAutoscaler"],
        &[("maxReplicas", Shape::Number)],
        "raise the most replicas",
    ),
    ("delete-pod", &["Pod"], &[], "delete a pod that its owner makes again"),
    ("evict", &["Pod"], &[], "the same, within its budget"),
    (
        "delete-claim",
        &["PersistentVolumeClaim"],
        &[("?deleteBound", Shape::Never), ("?deleteUsed", Shape::Never)],
        "delete a claim that can not be bound and that its owner makes again",
    ),
    (
        "remove-taint",
        &["Node"],
        &[("key", Shape::Known), ("effect", Shape::Known), ("?value", Shape::Known)],
        "take a taint off a node",
    ),
    ("cordon", &["Node"], &[], "let no new pods onto a node"),
    ("uncordon", &["Node"], &[], "let pods onto a cordoned node again"),
    ("escalate", &[], &[("need", Shape::Words)], "anything else: what a person has to decide or supply"),
];

/// An action of `workload` by its name.
#[must_use]
pub fn built_in(name: &str) -> Option<Action> {
    BUILT_IN.iter().find(|row| row.0 == name).map(Action::of)
}

impl Action {
    fn of((name, kinds, rest, description): &Row) -> Self {
        let mut parameters =
            vec![Parameter { name: "object".to_owned(), shape: Shape::Object, required: *name != ESCALATE }];
        let mut one_of = Vec::new();
        for (marked, shape) in *rest {
            let name = marked.trim_start_matches(['?', '|']).to_owned();
            if marked.starts_with('|') {
                one_of.push(name.clone());
            }
            parameters.push(Parameter { required: name == *marked, name, shape: *shape });
        }
        Self {
            plugin: WORKLOAD.to_owned(),
            name: (*name).to_owned(),
            description: (*description).to_owned(),
            kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            parameters,
            one_of,
        }
    }

    /// An action of a plugin that is not known here. Its `object`, where it has
    /// one, is an object of the snapshot; all else is anything.
    #[must_use]
    pub fn foreign(
        plugin: String,
        name: String,
        description: String,
        kinds: Vec<String>,
        required: &[String],
        optional: &[String],
    ) -> Self {
        let parameter = |name: &String, required| Parameter {
            name: name.clone(),
            shape: if name == "object" { Shape::Object } else { Shape::Any },
            required,
        };
        let required = required.iter().map(|name| parameter(name, true));
        let parameters = required.chain(optional.iter().map(|name| parameter(name, false))).collect();
        Self { plugin, name, description, kinds, parameters, one_of: Vec::new() }
    }

    /// One line of the prompt: `workload scale (Deployment, …): object, replicas=number. Set the replicas`.
    fn line(&self) -> String {
        let kinds = if self.kinds.is_empty() { "any object".to_owned() } else { self.kinds.join(", ") };
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .filter(|parameter| parameter.shape != Shape::Never)
            .map(|parameter| {
                let mark = if parameter.required { "" } else { "?" };
                match parameter.shape {
                    Shape::Object => format!("object{mark}"),
                    shape => format!("{}{mark}: {}", parameter.name, shape.says()),
                }
            })
            .collect();
        format!(
            "- {} {} ({kinds}) {{{}}}: {}",
            self.plugin,
            self.name,
            parameters.join(", "),
            self.description
        )
    }

    /// What is wrong with the names of the parameters; the values are for
    /// [`crate::origin`].
    ///
    /// # Errors
    /// A sentence's end: "needs `container`".
    pub fn fits(&self, parameters: &Map<String, Value>) -> Result<(), String> {
        if let Some(unknown) =
            parameters.keys().find(|key| !self.parameters.iter().any(|known| known.name == **key))
        {
            return Err(format!("takes no `{}`", crate::text::clean(unknown, 60)));
        }
        let given = |name: &str| parameters.contains_key(name);
        if let Some(lacks) = self.parameters.iter().find(|known| known.required && !given(&known.name)) {
            return Err(format!("needs `{}`", lacks.name));
        }
        if !self.one_of.is_empty() && !self.one_of.iter().any(|name| given(name)) {
            return Err(format!("needs one of `{}`", self.one_of.join("`, `")));
        }
        Ok(())
    }
}

/// All that may be proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue(Vec<Action>);

impl Default for Catalogue {
    fn default() -> Self {
        Self(BUILT_IN.iter().map(Action::of).collect())
    }
}

impl Catalogue {
    #[must_use]
    pub fn of(actions: Vec<Action>) -> Self {
        Self(actions)
    }

    #[must_use]
    pub fn find(&self, plugin: &str, name: &str) -> Option<&Action> {
        self.0.iter().find(|action| action.name == name && action.plugin == plugin)
    }

    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.0.iter()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|action| action.name.as_str())
    }

    /// The list for the prompt. What no model may decide is not offered.
    #[must_use]
    pub fn lines(&self) -> String {
        let offered = |action: &&Action| {
            !action.parameters.iter().any(|parameter| parameter.required && parameter.shape == Shape::Never)
        };
        self.0.iter().filter(offered).map(Action::line).collect::<Vec<_>>().join("\n")
    }
}
