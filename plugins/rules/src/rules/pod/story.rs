//! A finding about a workload as it is put together from several sources: the
//! container's end, its log, what changed, what it depends on.

use serde_json::{Value, json};

use crate::{
    actions,
    context::{Context, LogSeen, Run},
    diagnosis::{Evidence, ObjectRef, ProposedAction, Severity},
    findings::Draft,
    history::{self, Rollout},
    log,
    seen::Seen,
    text,
};

/// Sentences, evidence, links and actions, in the order in which they were found.
#[derive(Default)]
pub(in crate::rules) struct Story {
    sentences: Vec<String>,
    /// What the last roll-out changed: told last, since it is the longest.
    change: Option<String>,
    evidence: Vec<Evidence>,
    first_actions: Vec<ProposedAction>,
    actions: Vec<ProposedAction>,
    because: Vec<ObjectRef>,
    pub(in crate::rules) confidence: f32,
}

impl Story {
    pub(in crate::rules) fn new(confidence: f32) -> Self {
        Self { confidence, ..Self::default() }
    }

    pub(in crate::rules) fn say(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if !sentence.is_empty() && !self.sentences.contains(&sentence) {
            self.sentences.push(sentence);
        }
    }

    pub(in crate::rules) fn see(&mut self, seen: &Seen, pointer: &str) {
        self.evidence.extend(seen.evidence(pointer));
    }

    pub(in crate::rules) fn evidence(&mut self, evidence: impl IntoIterator<Item = Evidence>) {
        self.evidence.extend(evidence);
    }

    pub(in crate::rules) fn because(&mut self, object: ObjectRef) {
        self.because.push(object);
    }

    /// Whether anything but to go back is proposed.
    pub(in crate::rules) fn acts(&self) -> bool {
        !self.actions.is_empty()
    }

    pub(in crate::rules) fn act(&mut self, action: ProposedAction) {
        self.actions.push(action);
    }

    /// Says what the last roll-out changed, and proposes to undo it where the
    /// pods before it work.
    pub(in crate::rules) fn what_changed(
        &mut self,
        context: &Context<'_>,
        workload: &ObjectRef,
    ) -> Option<Rollout> {
        let Some(rollout) = history::last_rollout(context, workload) else {
            self.older_pods_work(context, workload);
            return None;
        };
        if rollout.before_works {
            self.change = Some(format!(
                "Revision {} still works; what revision {} changed: {}.",
                rollout.before,
                rollout.revision,
                rollout.phrase()
            ));
            self.first_actions.push(actions::action(
                "rollout-undo",
                workload,
                json!({ "toRevision": rollout.before }),
                format!("Go back to revision {}, which works", rollout.before),
            ));
            self.confidence = self.confidence.max(0.95);
        } else {
            self.change = Some(format!(
                "The last roll-out (revision {} after {}) changed: {}.",
                rollout.revision,
                rollout.before,
                rollout.phrase()
            ));
            self.actions.push(actions::action(
                "rollout-undo",
                workload,
                json!({ "toRevision": rollout.before }),
                format!("Go back to revision {}", rollout.before),
            ));
        }
        self.evidence.extend(rollout.evidence());
        Some(rollout)
    }

    /// Where the ReplicaSets were not recorded, a Deployment's own counts can
    /// tell that only the pods of its newest template fail.
    fn older_pods_work(&mut self, context: &Context<'_>, workload: &ObjectRef) {
        let Some(seen) = context.snapshot.object(workload).filter(|_| workload.kind == "Deployment") else {
            return;
        };
        let count = |field: &str| seen.integer(&format!("/status/{field}")).unwrap_or(0);
        let (total, updated, ready) = (count("replicas"), count("updatedReplicas"), count("readyReplicas"));
        let older = total - updated;
        if updated < 1 || older < 1 || ready < older || ready > older {
            return;
        }
        self.say(format!(
            "A roll-out is stuck: of {total} pods the {older} of the template before are ready, and none of the {updated} of the new one."
        ));
        self.see(seen, "/status/updatedReplicas");
        self.see(seen, "/status/readyReplicas");
        self.see(seen, "/status/replicas");
        self.first_actions.push(actions::action(
            "rollout-undo",
            workload,
            json!({}),
            "Go back to the template before, whose pods work",
        ));
        self.confidence = self.confidence.max(0.93);
    }

    /// The finding. Without an action of its own it is handed to a person.
    pub(in crate::rules) fn draft(
        self,
        severity: Severity,
        object: &ObjectRef,
        reason: &str,
        need: &str,
    ) -> Draft {
        let mut sentences = self.sentences;
        sentences.extend(self.change);
        let mut draft = Draft::with(severity, object.clone(), reason, Vec::new())
            .message(sentences.join(" "))
            .confidence(self.confidence)
            .evidence(self.evidence);
        let act = self.first_actions.into_iter().chain(self.actions);
        for action in act {
            if !draft.actions.contains(&action) {
                draft.actions.push(action);
            }
        }
        draft.because = self.because;
        if severity != Severity::Info && !draft.actions.iter().any(|action| action.action == "escalate") {
            draft.actions.push(actions::escalate(object, need));
        }
        draft
    }
}

/// The log of a container that failed: of the run that ended, where it is kept.
pub(in crate::rules) fn failed_log(
    context: &Context<'_>,
    pod: &ObjectRef,
    container: &str,
    running_again: Run,
) -> Option<std::rc::Rc<LogSeen>> {
    let (first, second) = match running_again {
        Run::Current => (Run::Previous, Run::Current),
        Run::Previous => (Run::Current, Run::Previous),
    };
    let filled = |run| {
        context.log(pod, container, run).filter(|log| log.lines.iter().any(|line| !line.trim().is_empty()))
    };
    filled(first).or_else(|| filled(second))
}

/// The line of a log to quote: the one that names the cause, else the most
/// frequent error, else the last that says anything.
pub(in crate::rules) fn telling_line(log: &LogSeen, cause: Option<&log::Cause>) -> Option<usize> {
    cause
        .map(|cause| cause.at)
        .or_else(|| log::errors(&log.lines).first().map(|error| error.at))
        .or_else(|| log.lines.iter().rposition(|line| !line.trim().is_empty()))
}

/// A line of a log as it stands in a message.
pub(in crate::rules) fn quote(line: &str) -> String {
    format!("`{}`", text::clean(line, 220))
}

/// A chain of errors as it stands in a message: its end says the most.
pub(in crate::rules) fn quote_end(words: &str) -> String {
    let chars = words.chars().count();
    if chars <= 220 {
        return quote(words);
    }
    let tail: String = words.chars().skip(chars - 200).collect();
    format!("`…{}`", text::clean(&tail, 220))
}

/// The container of that name in a pod spec and its place in the list.
pub(in crate::rules) fn container<'a>(spec: &'a Value, name: &str) -> Option<(String, &'a Value)> {
    ["containers", "initContainers", "ephemeralContainers"].iter().find_map(|list| {
        crate::json::list(spec, &format!("/{list}"))
            .iter()
            .enumerate()
            .find(|(_, container)| crate::json::text(container, "/name") == Some(name))
            .map(|(at, container)| (format!("/{list}/{at}"), container))
    })
}
