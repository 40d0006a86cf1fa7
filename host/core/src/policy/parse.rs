//! From TOML to a policy: types, patterns, and what contradicts itself.

use std::cell::RefCell;

use super::{
    Policy, Verdict,
    hours::{self, Days, Hours},
    pattern::{self, KindPattern, Refusal},
    rule::{Conditions, Rule},
    selector::Selector,
};
use crate::{
    cluster,
    document::{self, Data, Place, Problem, Problems, Reader, Table},
    remediation::{ChangeVerb, Risk},
    text::clean_line,
};

/// Rules of a policy, and entries of a list, at most.
const MOST: usize = 200;
/// Characters of a reason at most: it is shown to people.
const LONGEST_REASON: usize = 500;

const CONDITIONS: &[&str] = &[
    "verbs",
    "kinds",
    "namespaces",
    "names",
    "labels",
    "actions",
    "max-risk",
    "min-risk",
    "reversible",
    "max-objects",
    "min-objects",
    "max-pods",
    "min-pods",
    "budgets",
    "stateful",
    "finalizers",
    "managed",
    "sources",
    "hours",
    "days",
];
const OTHERS: &[&str] = &["name", "verdict", "reason", "unattended", "utc-offset"];

const RISKS: [(&str, Risk); 3] = [("low", Risk::Low), ("medium", Risk::Medium), ("high", Risk::High)];
const SOURCES: [(&str, cluster::Source); 2] =
    [("live", cluster::Source::Live), ("playground", cluster::Source::Playground)];

pub(super) fn policy(source: document::Source, text: &str) -> Result<Policy, Vec<Problem>> {
    let mut problems = Problems::new();
    let table = document::parse(0, text, &mut problems);
    let problems = RefCell::new(problems);
    let start = Place { layer: 0, offset: 0 };
    let reader = Reader::new(&table, "", start, &["default", "utc-offset", "rule"], &problems);
    let default = reader.word("default", &Verdict::WORDS).unwrap_or(Verdict::Ask);
    let offset = offset_of(&reader).unwrap_or(0);
    let tables = reader.tables("rule").unwrap_or_default();
    if let Some((_, place)) = tables.get(MOST) {
        reader.problem(*place, format!("a policy has at most {MOST} rules"), None);
    }
    let mut rules: Vec<Rule> = Vec::new();
    // A rule without conditions, and so with nothing behind it.
    let mut last: Option<String> = None;
    for (table, place) in tables.into_iter().take(MOST) {
        if reader.is_full() {
            break;
        }
        if let Some(name) = &last {
            let message = format!("no change comes to this rule: `{name}` above has no condition");
            reader.problem(place, message, Some("put a rule without conditions last".to_owned()));
            break;
        }
        let rule = rule(table, place, offset, &problems);
        if rules.iter().any(|other| other.name == rule.name && !rule.name.is_empty()) {
            let shown = clean_line(&rule.name, 80);
            let named = table.get("name").map_or(place, |entry| entry.node.place);
            reader.problem(named, format!("two rules are called `{shown}`"), None);
        }
        if !CONDITIONS.iter().any(|key| table.contains_key(*key)) {
            last = Some(clean_line(&rule.name, 80));
        }
        rules.push(rule);
    }
    let shown = source.to_string();
    let problems = problems.into_inner();
    if problems.is_empty() {
        Ok(Policy { source: shown, default, rules })
    } else {
        Err(problems.into_list(&[(&source, text)]))
    }
}

fn rule(table: &Table, place: Place, offset: i64, problems: &RefCell<Problems>) -> Rule {
    let keys: Vec<&str> = OTHERS.iter().chain(CONDITIONS).copied().collect();
    let reader = Reader::new(table, "rule", place, &keys, problems);
    for key in ["name", "verdict"] {
        if reader.node(key).is_none() {
            reader.problem(place, format!("this rule has no `{key}`"), None);
        }
    }
    let name = reader.text("name").unwrap_or_default();
    if reader.node("name").is_some() && !crate::lock::is_name(&name) {
        let message = format!("`{}` can not be the name of a rule", clean_line(&name, 80));
        reader.problem(reader.place_of("name"), message, Some(crate::lock::NAME_RULE.to_owned()));
    }
    let verdict = reader.word("verdict", &Verdict::WORDS).unwrap_or(Verdict::Deny);
    let reason = reader.text("reason").unwrap_or_default();
    if reason.chars().count() > LONGEST_REASON {
        let message = format!("a reason has at most {LONGEST_REASON} characters");
        reader.problem(reader.place_of("reason"), message, None);
    }
    let unattended = flag(&reader, "unattended").unwrap_or(false);
    if unattended && verdict != Verdict::Allow && reader.node("verdict").is_some() {
        let message =
            format!("`unattended` says nothing of a rule with `verdict = \"{}\"`", verdict.as_str());
        let hint = "only what is allowed can go on where nobody is asked".to_owned();
        reader.problem(reader.place_of("unattended"), message, Some(hint));
    }
    let conditions = conditions(&reader, offset);
    ordered(&reader, ["min-risk", "max-risk"], conditions.min_risk, conditions.max_risk);
    ordered(&reader, ["min-objects", "max-objects"], conditions.min_objects, conditions.max_objects);
    ordered(&reader, ["min-pods", "max-pods"], conditions.min_pods, conditions.max_pods);
    Rule { name, verdict, reason: clean_line(&reason, LONGEST_REASON), unattended, conditions }
}

fn conditions(reader: &Reader<'_>, offset: i64) -> Conditions {
    let most = u64::from(u32::MAX);
    let own_offset = offset_of(reader);
    if reader.node("utc-offset").is_some() && reader.node("hours").is_none() && reader.node("days").is_none()
    {
        let message = "`utc-offset` says nothing of a rule without `hours` or `days`".to_owned();
        reader.problem(reader.place_of("utc-offset"), message, None);
    }
    Conditions {
        verbs: words(reader, "verbs", &ChangeVerb::WORDS, |text| {
            (text == "instruction")
                .then(|| "instructions are for a person: no policy decides on them".to_owned())
        }),
        kinds: listed(reader, "kinds", KindPattern::parse),
        namespaces: listed(reader, "namespaces", pattern::namespace),
        names: listed(reader, "names", pattern::name),
        labels: labels(reader),
        budgets: flag(reader, "budgets"),
        stateful: flag(reader, "stateful"),
        finalizers: flag(reader, "finalizers"),
        managed: flag(reader, "managed"),
        actions: listed(reader, "actions", pattern::action),
        min_risk: reader.word("min-risk", &RISKS),
        max_risk: reader.word("max-risk", &RISKS),
        reversible: flag(reader, "reversible"),
        min_objects: reader.integer("min-objects", 1, most),
        max_objects: reader.integer("max-objects", 1, most),
        min_pods: reader.integer("min-pods", 1, most),
        max_pods: reader.integer("max-pods", 0, most),
        sources: words(reader, "sources", &SOURCES, |text| {
            (text == "recorded").then(|| "a recorded cluster is never changed".to_owned())
        }),
        hours: hours_of(reader),
        days: days_of(reader),
        offset: own_offset.unwrap_or(offset),
    }
}

/// Least and most of the same thing.
fn ordered<T: PartialOrd>(reader: &Reader<'_>, [min, max]: [&str; 2], least: Option<T>, most: Option<T>) {
    if let (Some(least), Some(most)) = (least, most)
        && most < least
    {
        let message = format!("`{max}` is below `{min}`, so that the rule never matches");
        reader.problem(reader.place_of(max), message, None);
    }
}

fn flag(reader: &Reader<'_>, key: &str) -> Option<bool> {
    let node = reader.node(key)?;
    match &node.data {
        Data::Boolean(value) => Some(*value),
        _ => {
            reader.wrong(key, node, "`true` or `false`");
            None
        }
    }
}

/// Texts of a list that is not empty, and not longer than any real one.
fn texts(reader: &Reader<'_>, key: &str) -> Vec<(String, Place)> {
    let Some(texts) = reader.texts(key) else {
        return Vec::new();
    };
    if matches!(reader.node(key).map(|node| &node.data), Some(Data::List(items)) if items.is_empty()) {
        let message = format!("`{}` is empty, so that the rule never matches", reader.full(key));
        let hint = format!("leave `{key}` out to match any");
        reader.problem(reader.place_of(key), message, Some(hint));
    }
    if let Some((_, place)) = texts.get(MOST) {
        reader.problem(*place, format!("a list has at most {MOST} entries"), None);
    }
    texts.into_iter().take(MOST).collect()
}

fn listed<T>(reader: &Reader<'_>, key: &str, read: fn(&str) -> Result<T, Refusal>) -> Vec<T> {
    let mut list = Vec::new();
    for (text, place) in texts(reader, key) {
        match read(&text) {
            Ok(one) => list.push(one),
            Err((message, hint)) => reader.problem(place, message, hint),
        }
    }
    list
}

fn words<T: Copy>(
    reader: &Reader<'_>,
    key: &str,
    words: &[(&str, T)],
    never: fn(&str) -> Option<String>,
) -> Vec<T> {
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).filter(|word| never(word).is_none()).collect();
    let mut list = Vec::new();
    for (text, place) in texts(reader, key) {
        match words.iter().find(|(word, _)| *word == text && names.contains(word)) {
            Some((_, value)) => list.push(*value),
            None => {
                let near = crate::text::did_you_mean(&text, names.iter().copied());
                let hint = never(&text).or_else(|| near.map(|near| format!("did you mean `{near}`?")));
                let hint = hint.unwrap_or_else(|| format!("it takes {}", document::names(&names)));
                let shown = clean_line(&text, 60);
                reader.problem(place, format!("`{shown}` is none of the {key} of a rule"), Some(hint));
            }
        }
    }
    list
}

fn labels(reader: &Reader<'_>) -> Option<Selector> {
    let text = reader.text("labels")?;
    match Selector::parse(&text) {
        Ok(selector) => Some(selector),
        Err(why) => {
            let hint = "write it as for `kubectl get -l`: `app=web,tier!=db,env in (a,b),!legacy`";
            let message = format!("`labels` is no label selector: {why}");
            reader.problem(reader.place_of("labels"), message, Some(hint.to_owned()));
            None
        }
    }
}

fn hours_of(reader: &Reader<'_>) -> Option<Hours> {
    let text = reader.text("hours")?;
    let hint = Some(Hours::FORM.to_owned());
    Hours::parse(&text).map_err(|why| reader.problem(reader.place_of("hours"), why, hint)).ok()
}

fn days_of(reader: &Reader<'_>) -> Option<Days> {
    reader.node("days")?;
    let mut days = Days::default();
    for (text, place) in texts(reader, "days") {
        if let Err(why) = days.add(&text) {
            reader.problem(place, why, Some("write it as in `days = [\"mon-fri\"]`".to_owned()));
        }
    }
    Some(days)
}

fn offset_of(reader: &Reader<'_>) -> Option<i64> {
    let text = reader.text("utc-offset")?;
    let hint = Some("write it as in `utc-offset = \"+01:00\"`".to_owned());
    hours::offset(&text).map_err(|why| reader.problem(reader.place_of("utc-offset"), why, hint)).ok()
}
