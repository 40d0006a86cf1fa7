//! `[[pipeline.stage]]`: the stages that a profile lists, or those that follow
//! from its settings.

use std::cell::RefCell;

use super::{plugin_name, plugin_names};
use crate::{
    document::{Data, Place, Problems, Reader, Table, names},
    profile::{Approval, LoopKind, Profile, Stage, StageKind, graph, stage},
    text::did_you_mean,
};

const MOST_STAGES: usize = 100;

pub(super) fn read(top: &Reader<'_>, profile: &mut Profile, problems: &RefCell<Problems>) {
    let section = top.table("pipeline");
    let listed = section.and_then(|(table, place)| {
        let reader = Reader::new(table, "pipeline", place, &["stage"], problems);
        reader.tables("stage").map(|tables| (tables, reader.place_of("stage")))
    });
    let place = section.map(|(_, place)| place);
    if let Some(place) = place
        && profile.loop_kind == LoopKind::React
    {
        let hint = "remove `[pipeline]`, or write `loop = \"pipeline\"`".to_owned();
        top.problem(place, "the loop `react` has no stages".to_owned(), Some(hint));
        return;
    }
    match listed {
        Some((tables, place)) => explicit(top, &tables, place, profile, problems),
        None => profile.pipeline.stage = stage::derived(profile),
    }
    let diagnoses = |stage: &Stage| stage.kind == StageKind::Diagnose && stage.strategies.is_empty();
    if profile.diagnosis.strategies.is_empty() && profile.pipeline.stage.iter().any(diagnoses) {
        let place = top.node("diagnosis").map_or(top.place(), |node| match &node.data {
            Data::Table(table) => table.get("strategies").map_or(node.place, |entry| entry.node.place),
            _ => node.place,
        });
        let hint = "name at least one, as in `strategies = [\"rules\"]`".to_owned();
        top.problem(place, "no strategy is to diagnose".to_owned(), Some(hint));
    }
}

fn explicit(
    top: &Reader<'_>,
    tables: &[(&Table, Place)],
    place: Place,
    profile: &mut Profile,
    problems: &RefCell<Problems>,
) {
    if tables.is_empty() || tables.len() > MOST_STAGES {
        let message = format!("a pipeline has 1 to {MOST_STAGES} stages, and this one has {}", tables.len());
        top.problem(place, message, None);
        return;
    }
    let read: Vec<Option<graph::Placed>> =
        tables.iter().map(|(table, place)| one_stage(table, *place, profile, problems)).collect();
    // A stage without a name or kind would only bring up problems that are not there.
    if let Some(mut stages) = read.into_iter().collect::<Option<Vec<_>>>() {
        graph::complete(&mut stages, &mut problems.borrow_mut());
        if profile.remediation.approval != Approval::Never {
            graph::verified(&stages, &mut problems.borrow_mut());
        }
        profile.pipeline.stage = stages.into_iter().map(|placed| placed.stage).collect();
    }
}

fn one_stage(
    table: &Table,
    place: Place,
    profile: &Profile,
    problems: &RefCell<Problems>,
) -> Option<graph::Placed> {
    let keys = &[
        "name",
        "kind",
        "on-success",
        "on-failure",
        "max-visits",
        "decisions",
        "strategies",
        "agent",
        "prompt",
    ];
    let reader = Reader::new(table, "pipeline.stage", place, keys, problems);
    for key in ["name", "kind"] {
        if reader.node(key).is_none() {
            reader.problem(place, format!("this stage has no `{key}`"), None);
        }
    }
    let name = reader.text("name");
    plugin_name(&reader, name.as_deref(), reader.place_of("name"));
    let kind = reader.word("kind", &StageKind::WORDS);
    let mut stage = Stage::new(&name.clone().unwrap_or_default(), kind.unwrap_or(StageKind::Report));
    let mut targets = Vec::new();
    let mut target = |name: Option<String>, place: Place| {
        if let Some(name) = &name {
            targets.push((name.clone(), place));
        }
        name
    };
    stage.on_success = target(reader.text("on-success"), reader.place_of("on-success"));
    stage.on_failure = target(reader.text("on-failure"), reader.place_of("on-failure"));
    if let Some((decisions, place)) = reader.table("decisions") {
        let inner = Reader::open(decisions, "pipeline.stage.decisions", place, problems);
        for (word, _) in inner.entries() {
            if let Some(name) = target(inner.text(word), inner.place_of(word)) {
                stage.decisions.insert(word.clone(), name);
            }
        }
    }
    if let Some(visits) = reader.integer("max-visits", 1, u64::from(stage::MOST_VISITS)) {
        stage.max_visits = u32::try_from(visits).unwrap_or(stage::MOST_VISITS);
    }
    let wrong_kind = |key: &str, wanted: &[StageKind]| {
        if let (Some(node), Some(kind)) = (reader.node(key), kind)
            && !wanted.contains(&kind)
        {
            let words: Vec<&str> = wanted.iter().map(|kind| kind.as_str()).collect();
            let message = format!("`{key}` belongs to stages of kind {}", names(&words));
            reader.problem(node.place, message, None);
        }
    };
    wrong_kind("strategies", &[StageKind::Diagnose]);
    wrong_kind("agent", &[StageKind::Agent]);
    wrong_kind("prompt", &[StageKind::Model, StageKind::Agent]);
    stage.strategies = plugin_names(&reader, &reader.texts("strategies").unwrap_or_default());
    stage.prompt = reader.text("prompt");
    stage.agent = reader.text("agent");
    if kind == Some(StageKind::Agent) {
        known_agent(&reader, stage.agent.as_deref(), profile);
    }
    (name.is_some() && kind.is_some()).then(|| graph::Placed {
        stage,
        place,
        targets,
        bounded: reader.node("max-visits").is_some(),
    })
}

fn known_agent(reader: &Reader<'_>, agent: Option<&str>, profile: &Profile) {
    match agent {
        Some(name) if profile.agents.contains_key(name) => {}
        Some(name) => {
            let near = did_you_mean(name, profile.agents.keys().map(String::as_str));
            let hint = near.map_or_else(
                || format!("add a section `[agents.{}]`", crate::text::clean_line(name, 60)),
                |near| format!("did you mean `{near}`?"),
            );
            let shown = crate::text::clean_line(name, 60);
            reader.problem(reader.place_of("agent"), format!("there is no agent `{shown}`"), Some(hint));
        }
        None if reader.node("agent").is_none() => {
            reader.problem(reader.place(), "this stage names no `agent`".to_owned(), None);
        }
        None => {}
    }
}
