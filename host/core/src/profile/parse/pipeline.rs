//! `[[pipeline.stage]]`: the stages that a profile lists, or those that follow
//! from its settings.

use std::cell::RefCell;

use super::{json_table, plugin_name, plugin_names};
use crate::{
    document::{Data, Place, Problems, Reader, Table, names},
    profile::{Approval, LoopKind, Profile, Stage, StageCall, StageKind, graph, stage},
    text::{clean_line, did_you_mean},
};

const MOST_STAGES: usize = 100;
const MOST_CALLS: usize = 100;
/// What a stage decides in which somebody may say no.
const REFUSALS: &[&str] = &["denied", "expired", "planned"];
const WORDS_OF_APPROVE: &[&str] = &["approved", "denied", "expired", "planned"];

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
        "calls",
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
        for (word, entry) in inner.entries() {
            if let Some(words) = words_of(kind)
                && !words.contains(&word.as_str())
            {
                let shown = clean_line(word, 60);
                let near = did_you_mean(word, words.iter().copied());
                let hint = near.map_or_else(
                    || format!("it decides one of {}", names(words)),
                    |near| format!("did you mean `{near}`?"),
                );
                inner.problem(entry.key, format!("this stage never decides `{shown}`"), Some(hint));
            }
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
    wrong_kind("prompt", &[StageKind::Model, StageKind::Agent, StageKind::Approve]);
    wrong_kind("calls", &[StageKind::Tools]);
    stage.strategies = plugin_names(&reader, &reader.texts("strategies").unwrap_or_default());
    stage.prompt = reader.text("prompt");
    stage.agent = reader.text("agent");
    if kind == Some(StageKind::Agent) {
        known_agent(&reader, stage.agent.as_deref(), profile);
    }
    if kind == Some(StageKind::Tools) {
        stage.calls = calls(&reader, profile);
    }
    (name.is_some() && kind.is_some()).then(|| graph::Placed {
        stage,
        place,
        targets,
        bounded: reader.node("max-visits").is_some(),
    })
}

/// The words that such a stage decides, where they are a closed list.
fn words_of(kind: Option<StageKind>) -> Option<&'static [&'static str]> {
    match kind? {
        StageKind::Approve => Some(WORDS_OF_APPROVE),
        StageKind::Tools => Some(REFUSALS),
        _ => None,
    }
}

fn calls(reader: &Reader<'_>, profile: &Profile) -> Vec<StageCall> {
    let Some(node) = reader.node("calls") else {
        let hint = "add `calls = [{ tool = \"PLUGIN__TOOL\", arguments = {} }]`".to_owned();
        reader.problem(reader.place(), "this stage calls no tool".to_owned(), Some(hint));
        return Vec::new();
    };
    let Some(tables) = reader.tables("calls") else { return Vec::new() };
    let listed = if let Data::List(items) = &node.data { items.len() } else { 0 };
    if !(1..=MOST_CALLS).contains(&listed) {
        let message = format!("a stage calls 1 to {MOST_CALLS} tools, and this one calls {listed}");
        reader.problem(node.place, message, None);
        return Vec::new();
    }
    tables.into_iter().filter_map(|(table, place)| one_call(reader, table, place, profile)).collect()
}

fn one_call(reader: &Reader<'_>, table: &Table, place: Place, profile: &Profile) -> Option<StageCall> {
    let inner = reader.below(table, "pipeline.stage.calls", place, &["tool", "arguments"]);
    if inner.node("tool").is_none() {
        let hint = "name one, as in `tool = \"kube__get\"`".to_owned();
        inner.problem(place, "this call names no `tool`".to_owned(), Some(hint));
    }
    let tool = inner.text("tool");
    if let Some(tool) = &tool {
        known_owner(&inner, tool, profile);
    }
    let arguments = match inner.node("arguments") {
        Some(_) => {
            let (table, _) = inner.table("arguments")?;
            json_table(table).into_iter().collect()
        }
        None => stage::no_arguments(),
    };
    Some(StageCall { tool: tool?, arguments })
}

/// Whose tool it is: what the owner lists is known when a run begins.
fn known_owner(inner: &Reader<'_>, tool: &str, profile: &Profile) {
    let place = inner.place_of("tool");
    let shown = clean_line(tool, 80);
    let Some((owner, name)) =
        tool.split_once("__").filter(|(owner, name)| !owner.is_empty() && !name.is_empty())
    else {
        let hint = "write it as a model would call it: `PLUGIN__TOOL`".to_owned();
        inner.problem(place, format!("`{shown}` can not be the name of a tool"), Some(hint));
        return;
    };
    if owner == "agent" {
        if !profile.agents.contains_key(name) {
            let near = did_you_mean(name, profile.agents.keys().map(String::as_str));
            let hint = near.map(|near| format!("did you mean `agent__{near}`?"));
            inner.problem(place, format!("there is no agent `{}`", clean_line(name, 60)), hint);
        }
        return;
    }
    let owners = || profile.tools.plugins.iter().chain(profile.mcp.keys()).map(String::as_str);
    if !owners().any(|known| known == owner) {
        let shown = clean_line(owner, 60);
        let hint = did_you_mean(owner, owners()).map_or_else(
            || format!("add `{shown}` to `tools.plugins`, or a section `[mcp.{shown}]`"),
            |near| format!("did you mean `{near}`?"),
        );
        inner.problem(place, format!("this profile has no tools of `{shown}`"), Some(hint));
    } else if !profile.tools.offers(tool) {
        let hint = "remove the call, or let `tools.allow` and `tools.deny` leave the tool in".to_owned();
        inner.problem(place, format!("this profile leaves the tool `{shown}` out"), Some(hint));
    }
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
