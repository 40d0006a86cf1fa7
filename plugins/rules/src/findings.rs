//! Findings while the rules run: drafts that can not be made without evidence,
//! and the links from which the root causes are worked out afterwards.

use crate::{
    diagnosis::{Evidence, ObjectRef, ProposedAction, Severity},
    seen::Seen,
};

/// Evidence per finding at most: a report is read by people.
const MOST_EVIDENCE: usize = 12;
/// Findings at most before they are merged; what is over is counted, not kept.
const MOST_FINDINGS: usize = 1_000;

/// One finding in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    pub severity: Severity,
    pub object: ObjectRef,
    pub reason: String,
    pub message: String,
    pub confidence: f32,
    pub evidence: Vec<Evidence>,
    pub actions: Vec<ProposedAction>,
    /// Objects whose own finding would explain this one.
    pub because: Vec<ObjectRef>,
    /// Objects whose own findings this one explains.
    pub explains: Vec<ObjectRef>,
    /// A finding that says only that something is not as wanted, such as too
    /// few replicas: it is folded into a more telling one on the same object.
    pub generic: bool,
}

impl Draft {
    /// A finding about `seen`, with what stands at `pointer` in it as the first
    /// evidence (its name, where nothing stands there). Confidence 0.9.
    #[must_use]
    pub fn new(severity: Severity, seen: &Seen, reason: impl Into<String>, pointer: &str) -> Self {
        let evidence = seen.evidence(pointer).or_else(|| seen.evidence("/metadata/name"));
        Self::with(severity, seen.reference.clone(), reason, evidence.into_iter().collect())
    }

    /// A finding whose evidence comes from elsewhere: an event, a log, a pod.
    #[must_use]
    pub fn with(
        severity: Severity,
        object: ObjectRef,
        reason: impl Into<String>,
        evidence: Vec<Evidence>,
    ) -> Self {
        Self {
            severity,
            object,
            reason: reason.into(),
            message: String::new(),
            confidence: 0.9,
            evidence,
            actions: Vec::new(),
            because: Vec::new(),
            explains: Vec::new(),
            generic: false,
        }
    }

    /// One to three sentences, names in backticks: what is wrong and why.
    /// Quote text from the cluster through [`crate::text::clean`] only.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    #[must_use]
    pub fn confidence(mut self, confidence: f32) -> Self {
        self.confidence = confidence.clamp(0.0, 1.0);
        self
    }

    /// The finding is about another object than the one that shows it.
    #[must_use]
    pub fn about(mut self, object: ObjectRef) -> Self {
        self.object = object;
        self
    }

    /// Adds what stands at `pointer` in `seen`, where something does.
    #[must_use]
    pub fn see(self, seen: &Seen, pointer: &str) -> Self {
        self.evidence(seen.evidence(pointer))
    }

    /// Adds evidence that may not be there.
    #[must_use]
    pub fn evidence(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        for evidence in evidence {
            if self.evidence.len() < MOST_EVIDENCE && !self.evidence.contains(&evidence) {
                self.evidence.push(evidence);
            }
        }
        self
    }

    /// A problem of that object, if one is found, explains this one.
    #[must_use]
    pub fn because(mut self, object: ObjectRef) -> Self {
        self.because.push(object);
        self
    }

    /// This explains the problems that are found of that object.
    #[must_use]
    pub fn explains(mut self, object: ObjectRef) -> Self {
        self.explains.push(object);
        self
    }

    /// Proposes an action; the most advisable one first.
    #[must_use]
    pub fn action(mut self, action: ProposedAction) -> Self {
        self.actions.push(action);
        self
    }

    /// Says no more than that something is not as wanted.
    #[must_use]
    pub fn generic(mut self) -> Self {
        self.generic = true;
        self
    }
}

/// All findings so far.
#[derive(Debug, Default)]
pub struct Findings {
    drafts: Vec<Draft>,
    left_out: usize,
}

impl Findings {
    /// Adds one. Without evidence it is dropped: a rule that can not point at
    /// something has nothing to say.
    pub fn add(&mut self, draft: Draft) {
        if draft.evidence.is_empty() {
            return;
        }
        if self.drafts.len() >= MOST_FINDINGS {
            self.left_out += 1;
            return;
        }
        self.drafts.push(draft);
    }

    /// Whether a finding of at least that severity is there for the object.
    /// Rules run in the order of their list, so those before have spoken.
    #[must_use]
    pub fn has(&self, object: &ObjectRef, severity: Severity) -> bool {
        self.drafts.iter().any(|draft| draft.severity <= severity && draft.object.same(object))
    }

    /// The findings so far.
    #[must_use]
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// The findings, and how many more there were.
    #[must_use]
    pub fn into_parts(self) -> (Vec<Draft>, usize) {
        (self.drafts, self.left_out)
    }
}
