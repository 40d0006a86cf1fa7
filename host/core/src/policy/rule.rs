//! One rule: its conditions, and whether they hold for a change of a plan.

use super::{
    Question, Verdict,
    hours::{self, Days, Hours},
    pattern::{Glob, KindPattern},
    selector::Selector,
};
use crate::{
    change::Survey,
    cluster::Source,
    object::ObjectRef,
    remediation::{Change, ChangeVerb, Risk},
    text::clean_line,
};

/// What is decided where all conditions hold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// Why the rule is there.
    pub(crate) reason: String,
    pub(crate) unattended: bool,
    pub(crate) conditions: Conditions,
}

/// All of them have to hold; what is none, or an empty list, is no condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conditions {
    pub(crate) verbs: Vec<ChangeVerb>,
    pub(crate) kinds: Vec<KindPattern>,
    pub(crate) namespaces: Vec<Glob>,
    pub(crate) names: Vec<Glob>,
    pub(crate) labels: Option<Selector>,
    pub(crate) budgets: Option<bool>,
    pub(crate) stateful: Option<bool>,
    pub(crate) finalizers: Option<bool>,
    pub(crate) managed: Option<bool>,
    pub(crate) actions: Vec<Glob>,
    pub(crate) min_risk: Option<Risk>,
    pub(crate) max_risk: Option<Risk>,
    pub(crate) reversible: Option<bool>,
    pub(crate) min_objects: Option<u64>,
    pub(crate) max_objects: Option<u64>,
    pub(crate) min_pods: Option<u64>,
    pub(crate) max_pods: Option<u64>,
    pub(crate) sources: Vec<Source>,
    pub(crate) hours: Option<Hours>,
    pub(crate) days: Option<Days>,
    /// Minutes.
    pub(crate) offset: i64,
}

/// What is known of one change that the host sends.
#[derive(Clone, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) change: &'a Change,
    /// None where it was not surveyed: then what it says can not be trusted to
    /// be mild.
    pub(crate) survey: Option<&'a Survey>,
    pub(crate) object: Option<ObjectRef>,
}

/// What is known of the plan as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) subjects: Vec<Subject<'a>>,
    pub(crate) objects: u64,
    pub(crate) pods: u64,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(question: &Question<'a>) -> Self {
        let sent = question.changes.iter().filter(|change| change.verb() != ChangeVerb::Instruction);
        let subjects: Vec<Subject<'a>> = sent
            .enumerate()
            .map(|(place, change)| {
                let survey = question.surveys.get(place);
                let seen = survey.and_then(|survey| survey.object.clone());
                Subject { change, survey, object: seen.or_else(|| change.object()) }
            })
            .collect();
        let mut objects: Vec<(&ObjectRef, u64)> = Vec::new();
        let (mut nameless, mut nameless_pods) = (0_u64, 0_u64);
        for subject in &subjects {
            let pods = subject.survey.map_or(0, |survey| u64::from(survey.pods));
            let known = |object: &ObjectRef| objects.iter().position(|(seen, _)| seen.same_object(object));
            match &subject.object {
                None => {
                    nameless += 1;
                    nameless_pods = nameless_pods.saturating_add(pods);
                }
                // Two changes of one object reach the same pods.
                Some(object) => match known(object).and_then(|place| objects.get_mut(place)) {
                    Some((_, most)) => *most = pods.max(*most),
                    None => objects.push((object, pods)),
                },
            }
        }
        let pods = objects.iter().fold(nameless_pods, |sum, (_, pods)| sum.saturating_add(*pods));
        let objects = nameless.saturating_add(u64::try_from(objects.len()).unwrap_or(u64::MAX));
        Self { subjects, objects, pods }
    }
}

/// Whether a condition holds. What is not known counts against the plan: it
/// does not hold for a rule that allows, and holds for one that does not.
enum Holds {
    Yes,
    No(String),
    Unknown(&'static str),
}

impl Holds {
    fn when(condition: bool, why_not: impl FnOnce() -> String) -> Self {
        if condition { Self::Yes } else { Self::No(why_not()) }
    }
}

impl Rule {
    /// The first condition that does not hold for the change, if any.
    pub(crate) fn unmet(&self, question: &Question<'_>, facts: &Facts<'_>, place: usize) -> Option<String> {
        let Some(subject) = facts.subjects.get(place) else {
            return Some("there is no such change".to_owned());
        };
        let mut conditions = self.of_plan(question, facts).into_iter().chain(self.of_change(subject));
        conditions.find_map(|(key, holds)| match holds {
            Holds::Yes => None,
            Holds::No(why) => Some(format!("`{key}`: {why}")),
            Holds::Unknown(what) if self.verdict == Verdict::Allow => {
                Some(format!("`{key}`: {what} is not known"))
            }
            Holds::Unknown(_) => None,
        })
    }

    /// Conditions on the plan, and on the time.
    fn of_plan(&self, question: &Question<'_>, facts: &Facts<'_>) -> Vec<(&'static str, Holds)> {
        let wants = &self.conditions;
        let mut list = Vec::new();
        if !wants.sources.is_empty() {
            let source = question.source;
            let holds = Holds::when(wants.sources.contains(&source), || {
                format!("the cluster is {}", source_word(source))
            });
            list.push(("sources", holds));
        }
        if !wants.actions.is_empty() {
            let action = format!("{}/{}", question.plugin, question.action);
            let holds = Holds::when(wants.actions.iter().any(|glob| glob.matches(&action)), || {
                format!("the action is `{}`", clean_line(&action, 120))
            });
            list.push(("actions", holds));
        }
        let risk = || format!("the risk is {}", risk_word(question.risk));
        if let Some(least) = wants.min_risk {
            list.push(("min-risk", Holds::when(question.risk >= least, risk)));
        }
        if let Some(most) = wants.max_risk {
            list.push(("max-risk", Holds::when(question.risk <= most, risk)));
        }
        if let Some(reversible) = wants.reversible {
            let holds = Holds::when(question.reversible == reversible, || {
                format!("it can {}be taken back", if question.reversible { "" } else { "not " })
            });
            list.push(("reversible", holds));
        }
        let objects = || format!("it changes {}", counted(facts.objects, "object"));
        if let Some(least) = wants.min_objects {
            list.push(("min-objects", Holds::when(facts.objects >= least, objects)));
        }
        if let Some(most) = wants.max_objects {
            list.push(("max-objects", Holds::when(facts.objects <= most, objects)));
        }
        let surveyed = facts.subjects.iter().all(|subject| subject.survey.is_some());
        let pods = |fits: bool| match surveyed {
            true => Holds::when(fits, || format!("it affects {}", counted(facts.pods, "pod"))),
            false => Holds::Unknown("how many pods it affects"),
        };
        if let Some(least) = wants.min_pods {
            list.push(("min-pods", pods(facts.pods >= least)));
        }
        if let Some(most) = wants.max_pods {
            list.push(("max-pods", pods(facts.pods <= most)));
        }
        let (in_hours, on_day) = hours::holds(question.at_ms, wants.offset, wants.hours, wants.days);
        let now = || format!("it is {} there", hours::local(question.at_ms, wants.offset));
        if wants.hours.is_some() {
            list.push(("hours", Holds::when(in_hours, now)));
        }
        if wants.days.is_some() {
            list.push(("days", Holds::when(on_day, now)));
        }
        list
    }

    /// Conditions on one change.
    fn of_change(&self, subject: &Subject<'_>) -> Vec<(&'static str, Holds)> {
        let wants = &self.conditions;
        let named = name(subject);
        let mut list = Vec::new();
        if !wants.verbs.is_empty() {
            let verb = subject.change.verb();
            let holds =
                Holds::when(wants.verbs.contains(&verb), || format!("the verb is `{}`", verb.as_str()));
            list.push(("verbs", holds));
        }
        if !wants.kinds.is_empty() {
            let fits = |object: &ObjectRef| wants.kinds.iter().any(|kind| kind.matches(object));
            list.push(("kinds", self.of_object(subject, fits, &named)));
        }
        if !wants.namespaces.is_empty() {
            // A rule that guards a namespace guards the Namespace as well; one
            // that allows changes within it does not allow to change itself.
            let fits = |object: &ObjectRef| {
                let itself = object.kind == "Namespace" && object.group().is_empty();
                let own = (itself && self.verdict != Verdict::Allow).then_some(&object.name);
                let namespace = object.namespace.as_ref().or(own);
                namespace.is_some_and(|name| wants.namespaces.iter().any(|glob| glob.matches(name)))
            };
            list.push(("namespaces", self.of_object(subject, fits, &named)));
        }
        if !wants.names.is_empty() {
            let fits = |object: &ObjectRef| wants.names.iter().any(|glob| glob.matches(&object.name));
            list.push(("names", self.of_object(subject, fits, &named)));
        }
        if let Some(selector) = &wants.labels {
            let holds = match subject.survey {
                None => Holds::Unknown("its labels"),
                Some(survey) => {
                    let labels = labels_of(subject.change, survey);
                    Holds::when(selector.matches(&labels), || {
                        format!("the labels of {named} are not `{}`", clean_line(selector.as_str(), 120))
                    })
                }
            };
            list.push(("labels", holds));
        }
        type Fact = (&'static str, Option<bool>, fn(&Survey) -> bool, &'static str, &'static str);
        let facts: [Fact; 4] = [
            (
                "budgets",
                wants.budgets,
                |s| !s.budgets.is_empty(),
                "a budget selects pods",
                "no budget selects pods",
            ),
            ("stateful", wants.stateful, |s| s.stateful, "it is stateful", "it is not stateful"),
            (
                "finalizers",
                wants.finalizers,
                |s| !s.finalizers.is_empty(),
                "it has finalizers",
                "it has no finalizers",
            ),
            (
                "managed",
                wants.managed,
                |s| s.managed_by.is_some(),
                "something else manages it",
                "nothing else manages it",
            ),
        ];
        for (key, wanted, fact, is, is_not) in facts {
            let Some(wanted) = wanted else { continue };
            let holds = match subject.survey.map(fact) {
                None => Holds::Unknown("what it touches"),
                Some(found) => {
                    Holds::when(found == wanted, || format!("{} ({named})", if found { is } else { is_not }))
                }
            };
            list.push((key, holds));
        }
        list
    }

    fn of_object(&self, subject: &Subject<'_>, fits: impl Fn(&ObjectRef) -> bool, named: &str) -> Holds {
        match (&subject.object, subject.change) {
            (Some(object), _) => Holds::when(fits(object), || format!("the object is {named}")),
            // A manifest that does not say what it makes.
            (None, Change::Create { .. }) => Holds::Unknown("the object"),
            (None, _) => Holds::No("it touches no object".to_owned()),
        }
    }
}

/// Of the object, and of the manifest that makes it.
fn labels_of(change: &Change, survey: &Survey) -> std::collections::BTreeMap<String, String> {
    let mut labels = survey.labels.clone();
    if let Change::Create { manifest } = change
        && let Some(more) = manifest.pointer("/metadata/labels").and_then(serde_json::Value::as_object)
    {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        labels.extend(more.iter().map(|(key, value)| (key.clone(), text(value))));
    }
    labels
}

/// `Deployment shop/api`; of what has no object, what it is.
fn name(subject: &Subject<'_>) -> String {
    subject.object.as_ref().map_or_else(|| describe(subject), |object| clean_line(&object.to_string(), 200))
}

/// `patch of Deployment shop/api`
pub(crate) fn describe(subject: &Subject<'_>) -> String {
    let verb = subject.change.verb().as_str();
    match (&subject.object, subject.change) {
        (Some(object), _) => format!("{verb} of {}", clean_line(&object.to_string(), 200)),
        (None, Change::HttpRequest { method, url, .. }) => {
            format!("{verb} {}", clean_line(&format!("{method} {url}"), 200))
        }
        (None, _) => verb.to_owned(),
    }
}

pub(crate) fn source_word(source: Source) -> &'static str {
    match source {
        Source::Live => "live",
        Source::Recorded => "recorded",
        Source::Playground => "a playground",
    }
}

pub(crate) fn risk_word(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "low",
        Risk::Medium => "medium",
        Risk::High => "high",
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
