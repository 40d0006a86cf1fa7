//! Findings as trees: each root with what it explains below it.
//!
//! A finding that two others explain is shown below the first of them. Reads
//! any list of findings, also one with circles and causes that are not there.

use std::collections::HashMap;

use crate::diagnosis::{Finding, Severity};

pub(crate) struct Tree {
    /// Roots, those first that were asked about, then those whose tree holds the worst.
    roots: Vec<usize>,
    below: Vec<Vec<Node>>,
    worst: Vec<Severity>,
}

/// A finding within a root's tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) index: usize,
    /// 0 for what the root itself explains.
    pub(crate) depth: usize,
    /// Whether no sibling follows.
    pub(crate) last: bool,
    /// One bit for each level above, the lowest for the first: whether a
    /// sibling of that level's finding follows below.
    open: u64,
}

impl Node {
    /// Levels that are drawn; what lies deeper is drawn at the last of them.
    const DRAWN: usize = 6;

    /// The branches to the left of the finding.
    pub(crate) fn branches(&self) -> String {
        let depth = self.depth.min(Self::DRAWN);
        let mut drawn: String =
            (0..depth).map(|level| if self.open >> level & 1 == 1 { "│ " } else { "  " }).collect();
        drawn.push_str(if self.last { "└ " } else { "├ " });
        drawn
    }
}

impl Tree {
    /// Roots that the question names, or that explain something that it
    /// names, come before the others.
    pub(crate) fn of(findings: &[Finding], question: Option<&str>) -> Self {
        let by_id: HashMap<&str, usize> =
            findings.iter().enumerate().rev().map(|(index, finding)| (finding.id.as_str(), index)).collect();
        let edges: Vec<Vec<usize>> = findings
            .iter()
            .map(|finding| {
                finding.causes.iter().filter_map(|cause| by_id.get(cause.as_str()).copied()).collect()
            })
            .collect();
        let worst = worst(findings, &edges);
        let mut roots: Vec<usize> =
            findings.iter().enumerate().filter(|(_, finding)| finding.root).map(|(index, _)| index).collect();
        let words = question.map(crate::evidence::words).unwrap_or_default();
        let is_named = |index: &usize| {
            findings.get(*index).is_some_and(|finding| words.contains(finding.object.name.as_str()))
        };
        let is_asked =
            |index: usize| is_named(&index) || edges.get(index).is_some_and(|e| e.iter().any(is_named));
        roots.sort_by_key(|index| {
            (!is_asked(*index), worst.get(*index).copied().unwrap_or(Severity::Info), *index)
        });
        let mut below = vec![Vec::new(); findings.len()];
        let mut shown: Vec<bool> = findings.iter().map(|finding| finding.root).collect();
        let mut plant = |root: usize, shown: &mut [bool]| {
            if let Some(nodes) = below.get_mut(root) {
                *nodes = grow(root, &edges, shown);
            }
        };
        for root in &roots {
            plant(*root, &mut shown);
        }
        // What no root leads to is a root of its own: nothing is left out.
        for index in 0..findings.len() {
            if shown.get(index) == Some(&false) {
                if let Some(shown) = shown.get_mut(index) {
                    *shown = true;
                }
                roots.push(index);
                plant(index, &mut shown);
            }
        }
        Self { roots, below, worst }
    }

    pub(crate) fn roots(&self) -> impl Iterator<Item = usize> {
        self.roots.iter().copied()
    }

    /// What a root explains, in the order of the page.
    pub(crate) fn below(&self, root: usize) -> &[Node] {
        self.below.get(root).map_or(&[], Vec::as_slice)
    }

    /// The worst severity of a finding and all that it explains.
    pub(crate) fn worst(&self, index: usize) -> Severity {
        self.worst.get(index).copied().unwrap_or(Severity::Info)
    }
}

/// Walks down with a list of its own: the depth is the guest's choice.
fn grow(root: usize, edges: &[Vec<usize>], shown: &mut [bool]) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut open = vec![Node { index: root, depth: 0, last: true, open: 0 }];
    while let Some(node) = open.pop() {
        if node.depth > 0 {
            nodes.push(Node { depth: node.depth - 1, ..node });
        }
        let mut children = Vec::new();
        for child in edges.get(node.index).into_iter().flatten() {
            if let Some(shown) = shown.get_mut(*child)
                && !*shown
            {
                *shown = true;
                children.push(*child);
            }
        }
        let count = children.len();
        let line = match node.depth {
            0 => 0,
            depth if depth <= Node::DRAWN && !node.last => 1 << (depth - 1),
            _ => 0,
        };
        let below = children.into_iter().enumerate().map(|(place, index)| Node {
            index,
            depth: node.depth + 1,
            last: place + 1 == count,
            open: node.open | line,
        });
        open.extend(below.rev());
    }
    nodes
}

/// Each severity, the worst first, is carried up to all that leads to it.
fn worst(findings: &[Finding], edges: &[Vec<usize>]) -> Vec<Severity> {
    let mut leads_to: Vec<Vec<usize>> = vec![Vec::new(); findings.len()];
    for (from, targets) in edges.iter().enumerate() {
        for target in targets {
            if let Some(list) = leads_to.get_mut(*target) {
                list.push(from);
            }
        }
    }
    let mut worst: Vec<Severity> = findings.iter().map(|finding| finding.severity).collect();
    for severity in [Severity::Critical, Severity::Warning] {
        let mut open: Vec<usize> =
            (0..findings.len()).filter(|index| worst.get(*index) == Some(&severity)).collect();
        while let Some(index) = open.pop() {
            for from in leads_to.get(index).into_iter().flatten() {
                if let Some(known) = worst.get_mut(*from)
                    && *known > severity
                {
                    *known = severity;
                    open.push(*from);
                }
            }
        }
    }
    worst
}
