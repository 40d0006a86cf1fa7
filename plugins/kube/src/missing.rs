//! What to say where the object that was asked for is not there: what there is
//! instead, and never more than the coverage of the cluster bears out.

use sickbay_plugin::text::{did_you_mean, line};

use crate::{
    cluster::Coverage,
    kinds::{Kind, stable},
    look::{Listed, Look, Row, name, query},
    output::Stop,
};

/// Names that are shown of those that there are.
const MOST: usize = 20;

/// The answer for an object that was not found.
pub(crate) fn not_there(look: &Look<'_>, kind: &Kind, namespace: Option<&str>, wanted: &str) -> Stop {
    let namespaces: Vec<String> = namespace.map(str::to_owned).into_iter().collect();
    let all = look.list(query(kind, &namespaces, &["/metadata/name"]));
    let mut object = name(&kind.kind, namespace, wanted);
    if kind.namespaced && namespace.is_none() {
        object += &look.place(&[]);
    }
    let Ok(all) = all else {
        return Stop::Told(format!("{object} was not found, and what else there is could not be listed"));
    };
    let mut lines = vec![match all.coverage {
        Coverage::Complete if !all.more => format!("observation {}: there is no {object}", all.observation()),
        Coverage::Unknown => format!(
            "observation {}: {object} was not found, and nothing of its kind is known of this cluster: that does not say \
             that it does not exist",
            all.observation()
        ),
        _ => format!(
            "observation {}: {object} was not found. {} is known in part only: it may exist all the same",
            all.observation(),
            kind.kind
        ),
    }];
    lines.extend(near(&all, wanted));
    lines.extend(there(kind, namespace, &all));
    if kind.namespaced {
        lines.extend(elsewhere(look, kind, namespace, wanted));
        if let (Some(namespace), true) = (namespace, all.rows.is_empty()) {
            lines.extend(unknown_namespace(look, namespace));
        }
    }
    Stop::Told(lines.join("\n"))
}

fn near(all: &Listed, wanted: &str) -> Option<String> {
    let begins = |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.starts_with('-'));
    let kin: Vec<&str> =
        all.rows.iter().map(Row::name).filter(|name| begins(name, wanted) || begins(wanted, name)).collect();
    let near = match kin.as_slice() {
        [] => did_you_mean(wanted, all.rows.iter().map(Row::name)).into_iter().collect(),
        kin => kin.iter().copied().take(5).collect::<Vec<&str>>(),
    };
    let near: Vec<String> = near.into_iter().map(|name| format!("`{}`", line(name, 253))).collect();
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

fn there(kind: &Kind, namespace: Option<&str>, all: &Listed) -> Option<String> {
    if all.rows.is_empty() {
        return None;
    }
    let names: Vec<String> = all.rows.iter().take(MOST).map(|row| line(row.name(), 253)).collect();
    let place = namespace.map(|namespace| format!(" in {}", line(namespace, 80))).unwrap_or_default();
    let more = all.rows.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("objects of kind {} that are known{place}: {}{more}", kind.kind, names.join(", ")))
}

/// Objects of that name in other namespaces.
fn elsewhere(look: &Look<'_>, kind: &Kind, namespace: Option<&str>, wanted: &str) -> Option<String> {
    namespace?;
    let mut query = query(kind, &[], &["/metadata/name"]);
    query.field_selector = Some(format!("metadata.name={wanted}"));
    let found = look.list(query).ok()?;
    let places: Vec<String> =
        found.rows.iter().take(5).map(|row| format!("`{}`", line(row.namespace(), 80))).collect();
    (!places.is_empty())
        .then(|| format!("a {} of that name is in namespace {}", kind.kind, places.join(" and ")))
}

/// Where nothing is in a namespace: whether there is such a namespace, as far as that is known.
pub(crate) fn unknown_namespace(look: &Look<'_>, namespace: &str) -> Option<String> {
    let all = look.list(query(&stable("Namespace"), &[], &["/metadata/name"])).ok()?;
    if all.coverage != Coverage::Complete || all.more || all.rows.iter().any(|row| row.name() == namespace) {
        return None;
    }
    let names: Vec<String> = all.rows.iter().take(MOST).map(|row| line(row.name(), 80)).collect();
    let near = did_you_mean(namespace, all.rows.iter().map(Row::name));
    let near = near.map_or_else(|| ".".to_owned(), |near| format!("; did you mean `{}`?", line(near, 80)));
    let there = if names.is_empty() { String::new() } else { format!(" There are: {}", names.join(", ")) };
    Some(format!(
        "observation {}: there is no namespace `{}`{near}{there}",
        all.observation(),
        line(namespace, 80)
    ))
}

/// The namespace that a question leaves open: the only one of the run, or the one where the object is.
pub(crate) fn place(
    look: &Look<'_>,
    kind: &Kind,
    given: Option<&str>,
    wanted: &str,
) -> Result<Option<String>, Stop> {
    if !kind.namespaced {
        return Ok(None);
    }
    let named = look.namespaces(given)?;
    match named.as_slice() {
        [] => {}
        [one] => return Ok(Some(one.clone())),
        _ => return Err(Stop::Told("`namespace` takes one namespace here".to_owned())),
    }
    if let [only] = look.info.namespaces.as_slice() {
        return Ok(Some(only.clone()));
    }
    let mut query = query(kind, &[], &["/metadata/name"]);
    query.field_selector = Some(format!("metadata.name={wanted}"));
    let found = look.list(query)?;
    match found.rows.as_slice() {
        [] => Err(not_there(look, kind, None, wanted)),
        [one] => Ok(Some(one.namespace().to_owned())),
        many => {
            let places: Vec<String> =
                many.iter().take(MOST).map(|row| format!("`{}`", line(row.namespace(), 80))).collect();
            Err(Stop::Told(format!(
                "observation {}: {} is in {} namespaces: say `namespace`, one of {}",
                found.observation(),
                name(&kind.kind, None, wanted),
                many.len(),
                places.join(", ")
            )))
        }
    }
}
