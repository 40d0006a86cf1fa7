//! Checks that the stages of a profile are a graph that a run can walk: every
//! name is known, every stage can be reached, every way ends in a report, and
//! every cycle is bounded.

use std::collections::{BTreeMap, BTreeSet};

use super::{Stage, StageKind};
use crate::{
    document::{Place, Problems},
    text::did_you_mean,
};

/// A stage with the places of what the user wrote.
pub(crate) struct Placed {
    pub(crate) stage: Stage,
    pub(crate) place: Place,
    /// Where each target stands, by its name.
    pub(crate) targets: Vec<(String, Place)>,
    /// Whether the user bounded the visits.
    pub(crate) bounded: bool,
}

/// Fills in what follows a stage that does not say, then checks the whole.
pub(crate) fn complete(stages: &mut [Placed], problems: &mut Problems) {
    let names: Vec<String> = stages.iter().map(|placed| placed.stage.name.clone()).collect();
    let mut goes_nowhere = BTreeSet::new();
    for (index, placed) in stages.iter_mut().enumerate() {
        let stage = &mut placed.stage;
        if stage.kind == StageKind::Report {
            continue;
        }
        if stage.on_success.is_none() {
            stage.on_success = names.get(index + 1).cloned();
        }
        if stage.on_success.is_none() {
            goes_nowhere.insert(index);
            problems.add(
                placed.place,
                format!("stage `{}` goes nowhere", stage.name),
                Some("add `on-success`, or a stage of kind `report` after it".to_owned()),
            );
        }
    }
    let sound = known_targets(stages, &names, problems) & reports(stages, problems);
    if sound && goes_nowhere.is_empty() {
        let edges = edges(stages);
        reachable(stages, &edges, problems);
        bounded(stages, &edges, problems);
    }
}

/// What was applied is watched: without that nothing would take it back.
pub(crate) fn verified(stages: &[Placed], problems: &mut Problems) {
    let kind_of =
        |name: &str| stages.iter().find(|placed| placed.stage.name == name).map(|placed| placed.stage.kind);
    for placed in stages.iter().filter(|placed| placed.stage.kind == StageKind::Remediate) {
        let stage = &placed.stage;
        let next = stage.decisions.get("applied").or(stage.on_success.as_ref());
        // A target that is not known was told already.
        let Some(kind) = next.and_then(|name| kind_of(name)) else { continue };
        if kind != StageKind::Verify {
            problems.add(
                placed.place,
                format!("what stage `{}` applies is not verified", stage.name),
                Some("let its decision `applied` lead to a stage of kind `verify`".to_owned()),
            );
        }
    }
}

fn known_targets(stages: &[Placed], names: &[String], problems: &mut Problems) -> bool {
    let mut sound = true;
    let mut seen = BTreeSet::new();
    for placed in stages {
        if !seen.insert(&placed.stage.name) {
            sound = false;
            problems.add(placed.place, format!("there are two stages `{}`", placed.stage.name), None);
        }
        for (target, place) in &placed.targets {
            if !names.contains(target) && !problems.is_full() {
                sound = false;
                let shown = crate::text::clean_line(target, 60);
                let near = did_you_mean(target, names.iter().map(String::as_str));
                problems.add(
                    *place,
                    format!("there is no stage `{shown}`"),
                    near.map(|near| format!("did you mean `{near}`?")),
                );
            }
        }
    }
    sound
}

fn reports(stages: &[Placed], problems: &mut Problems) -> bool {
    let mut sound = true;
    for placed in stages.iter().filter(|placed| placed.stage.kind == StageKind::Report) {
        if let Some((_, place)) = placed.targets.first() {
            sound = false;
            problems.add(
                *place,
                "a report is the end of the run, so that nothing follows it".to_owned(),
                None,
            );
        }
    }
    if !stages.iter().any(|placed| placed.stage.kind == StageKind::Report) {
        sound = false;
        if let Some(last) = stages.last() {
            problems.add(
                last.place,
                "no stage is of kind `report`".to_owned(),
                Some("end the pipeline with a stage of kind `report`".to_owned()),
            );
        }
    }
    sound
}

/// What may follow each stage, by index. A failure without a way of its own
/// leads to the first report.
fn edges(stages: &[Placed]) -> Vec<Vec<usize>> {
    let by_name: BTreeMap<&str, usize> =
        stages.iter().enumerate().map(|(index, placed)| (placed.stage.name.as_str(), index)).collect();
    let report = stages.iter().position(|placed| placed.stage.kind == StageKind::Report);
    stages
        .iter()
        .map(|placed| {
            let stage = &placed.stage;
            if stage.kind == StageKind::Report {
                return Vec::new();
            }
            let named = stage.on_success.iter().chain(&stage.on_failure).chain(stage.decisions.values());
            let mut next: Vec<usize> = named.filter_map(|name| by_name.get(name.as_str()).copied()).collect();
            if stage.on_failure.is_none() {
                next.extend(report);
            }
            next
        })
        .collect()
}

fn reachable(stages: &[Placed], edges: &[Vec<usize>], problems: &mut Problems) {
    let mut reached = BTreeSet::from([0]);
    let mut open = vec![0];
    while let Some(index) = open.pop() {
        for next in edges.get(index).into_iter().flatten() {
            if reached.insert(*next) {
                open.push(*next);
            }
        }
    }
    for (index, placed) in stages.iter().enumerate() {
        if !reached.contains(&index) {
            problems.add(
                placed.place,
                format!("no stage leads to `{}`", placed.stage.name),
                Some(format!("name `{}` in another stage, or remove it", placed.stage.name)),
            );
        }
    }
}

/// Every cycle needs a stage whose visits the user bounded: without those
/// stages nothing may be left that leads back to itself.
fn bounded(stages: &[Placed], edges: &[Vec<usize>], problems: &mut Problems) {
    let free = |index: usize| stages.get(index).is_some_and(|placed| !placed.bounded);
    let mut waiting: Vec<usize> = vec![0; stages.len()];
    for (index, next) in edges.iter().enumerate().filter(|(index, _)| free(*index)) {
        let _ = index;
        for target in next.iter().filter(|target| free(**target)) {
            if let Some(count) = waiting.get_mut(*target) {
                *count += 1;
            }
        }
    }
    // Take away, again and again, what nothing leads to; a cycle stays.
    let mut open: Vec<usize> =
        (0..stages.len()).filter(|index| free(*index) && waiting.get(*index) == Some(&0)).collect();
    let mut left: BTreeSet<usize> = (0..stages.len()).filter(|index| free(*index)).collect();
    while let Some(index) = open.pop() {
        left.remove(&index);
        for target in edges.get(index).into_iter().flatten().filter(|target| free(**target)) {
            if let Some(count) = waiting.get_mut(*target) {
                *count -= 1;
                if *count == 0 {
                    open.push(*target);
                }
            }
        }
    }
    // Of what stays, a walk finds one cycle to show.
    let Some(&start) = left.first() else {
        return;
    };
    let back = |index: usize| {
        left.iter().copied().find(|from| edges.get(*from).is_some_and(|next| next.contains(&index)))
    };
    let mut walk = vec![start];
    while let Some(previous) = walk.last().copied().and_then(back) {
        if let Some(at) = walk.iter().position(|index| *index == previous) {
            let mut cycle: Vec<usize> = walk.split_off(at);
            cycle.reverse();
            name_cycle(stages, &cycle, problems);
            return;
        }
        walk.push(previous);
    }
}

fn name_cycle(stages: &[Placed], cycle: &[usize], problems: &mut Problems) {
    let members: Vec<&Placed> = cycle.iter().filter_map(|index| stages.get(*index)).collect();
    let Some(first) = members.iter().min_by_key(|placed| placed.place) else {
        return;
    };
    let start = members.iter().position(|placed| placed.place == first.place).unwrap_or(0);
    let names: Vec<String> = members
        .iter()
        .cycle()
        .skip(start)
        .take(members.len() + 1)
        .map(|placed| format!("`{}`", placed.stage.name))
        .collect();
    problems.add(
        first.place,
        format!("the stages {} can go round without end", names.join(" → ")),
        Some("bound one of them with `max-visits`".to_owned()),
    );
}
