//! The kinds that can be asked for.

use serde_json::{Value, json};
use sickbay_plugin::text::{count, line};

use super::{Tool, list::aligned};
use crate::{
    cluster::KindInfo,
    look::coverage_word,
    output::{Answer, most_bytes},
    schema,
};

pub(super) static TOOL: Tool = Tool {
    name: "api_resources",
    description: "The kinds of object that this cluster serves, or that were recorded of it, with how much of each is known. \
                  Ask it when a kind is not found, or to see which custom resources there are.",
    properties: || {
        vec![
            schema::text("match", 253, "Only kinds whose kind, plural or group holds this text: `gateway`"),
            schema::max_bytes(),
        ]
    },
    required: &[],
    run: |look, arguments| {
        let most = most_bytes(arguments)?;
        let wanted = arguments.text("match")?.map(str::to_lowercase);
        let mut kinds: Vec<KindInfo> = look.cluster().kinds()?;
        let known = kinds.len();
        kinds.retain(|kind| {
            wanted.as_deref().is_none_or(|wanted| {
                [&kind.kind, &kind.plural, &kind.api_version]
                    .iter()
                    .any(|text| text.to_lowercase().contains(wanted))
            })
        });
        kinds.sort_by(|one, other| (&one.api_version, &one.kind).cmp(&(&other.api_version, &other.kind)));
        let what = if look.is_recorded() { "recorded of this cluster" } else { "served by this cluster" };
        let mut first = format!("{} {what}", count(known, "kind"));
        if let Some(wanted) = &wanted {
            first += &format!(", {} with `{}`", kinds.len(), line(wanted, 80));
        }
        let columns = ["KIND", "APIVERSION", "PLURAL", "NAMESPACED", "KNOWN"].map(str::to_owned);
        let table: Vec<Vec<String>> = kinds
            .iter()
            .map(|kind| {
                vec![
                    line(&kind.kind, 120),
                    line(&kind.api_version, 253),
                    line(&kind.plural, 120),
                    kind.namespaced.to_string(),
                    coverage_word(kind.coverage).to_owned(),
                ]
            })
            .collect();
        let mut answer = Answer::new(first, most);
        if look.is_recorded() {
            answer.head.push(
                "note: a kind that is not here may exist in the cluster; it was not recorded".to_owned(),
            );
        }
        answer.lines = aligned(&columns, &table);
        let total = kinds.len();
        Ok(answer.output(
            |shown| {
                format!(
                    "… {} left out: narrow with `match`, or raise `max_bytes`",
                    (total + 1).saturating_sub(shown)
                )
            },
            |_| {
                let rows: Vec<Value> = kinds
                    .iter()
                    .map(|kind| {
                        json!({
                            "kind": kind.kind, "apiVersion": kind.api_version, "plural": kind.plural,
                            "namespaced": kind.namespaced, "coverage": coverage_word(kind.coverage),
                        })
                    })
                    .collect();
                json!({ "total": known, "kinds": rows })
            },
        ))
    },
};
