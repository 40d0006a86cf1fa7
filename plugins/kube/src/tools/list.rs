//! The objects of a kind, one line each.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sickbay_plugin::{
    arguments::Arguments,
    text::{count, line},
    tool::Error,
};

use super::Tool;
use crate::{
    columns::{Cells, view},
    json, kinds,
    look::{Listed, Look, coverage_word, query},
    missing::unknown_namespace,
    output::{Answer, Outcome, most_bytes},
    schema,
};

const DEFAULT_LIMIT: u64 = 50;
/// Columns that a caller may add.
const MOST_COLUMNS: usize = 8;
/// Words by which objects are counted that are named one by one.
const MOST_WORDS: usize = 12;

pub(super) static TOOL: Tool = Tool {
    name: "list",
    description: "The objects of a kind, one line each with the columns of `kubectl get`, counted by status; those that are \
                  not well come first. Start here to see what there is and what is wrong with it. Narrow with `namespace` \
                  and selectors; `columns` adds fields. The first line names the observation to cite.",
    properties: || {
        vec![
            schema::kind(),
            schema::namespaces(),
            schema::text("label_selector", 2_000, "As kubectl's -l: `app=web,tier!=db,env in (a,b),!legacy`"),
            schema::text(
                "field_selector",
                2_000,
                "As kubectl's --field-selector: `status.phase=Pending,spec.nodeName=n1`",
            ),
            (
                "columns",
                json!({
                    "type": "array", "maxItems": MOST_COLUMNS, "items": { "type": "string", "maxLength": 500 },
                    "description": "Fields to show as further columns, as JSON Pointers in which `*` stands for each element: \
                                    `/spec/template/spec/containers/*/image`",
                }),
            ),
            schema::switch("only_unwell", "Show only the objects that are not well; all are counted"),
            schema::number("limit", 1..=500, "Lines at most; 50 by default"),
            schema::max_bytes(),
        ]
    },
    required: &["kind"],
    run,
};

/// One object, as far as it is shown.
struct Row {
    page: usize,
    namespace: String,
    name: String,
    age: String,
    cells: Cells,
    further: Vec<String>,
}

fn run(look: &Look<'_>, arguments: &Arguments) -> Outcome {
    let kind = kinds::resolve(look, arguments.required("kind")?)?;
    let namespaces = look.namespaces(arguments.text("namespace")?)?;
    let further = further(arguments)?;
    let limit = arguments.number("limit", 1..=500)?.unwrap_or(DEFAULT_LIMIT) as usize;
    let most = most_bytes(arguments)?;
    let view = view(&kind);

    let mut query = query(&kind, &namespaces, view.fields);
    query.fields.push("/metadata/creationTimestamp".to_owned());
    query.fields.extend(further.iter().cloned());
    query.fields.sort();
    query.fields.dedup();
    query.label_selector = arguments.text("label_selector")?.map(str::to_owned);
    query.field_selector = arguments.text("field_selector")?.map(str::to_owned);
    let selects = query.label_selector.is_some() || query.field_selector.is_some();
    // What is not shown of an object is let go at once: there may be ten thousand of them.
    let mut rows: Vec<Row> = Vec::new();
    let listed = look.walk(query, |page, text| {
        let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        rows.push(Row {
            page,
            namespace: line(json::text(&value, "/metadata/namespace").unwrap_or_default(), 63),
            name: line(json::text(&value, "/metadata/name").unwrap_or("<none>"), 253),
            age: look.clock.age(json::text(&value, "/metadata/creationTimestamp")),
            further: further.iter().map(|pointer| cell(&value, pointer)).collect(),
            cells: (view.row)(&value, look.clock),
        });
        true
    })?;
    let place = if kind.namespaced { look.place(&namespaces) } else { String::new() };
    let title = title(&kind.kind, &listed, &rows, &place, selects);
    let caution = look.caution(&kind.kind, listed.coverage);
    if rows.is_empty() {
        let mut answer = Answer::new(format!("observation {}: {title}", listed.observation()), most);
        answer.head.extend(caution);
        if let [one] = namespaces.as_slice()
            && kind.namespaced
        {
            answer.head.extend(unknown_namespace(look, one));
        }
        return Ok(answer.output(|_| String::new(), |_| structured(&kind.full(), &listed, 0, &[], &[])));
    }
    // Those that somebody has to look at come first; within, the order is that of namespace and name.
    rows.sort_by(|one, other| {
        (one.cells.well, &one.namespace, &one.name).cmp(&(other.cells.well, &other.namespace, &other.name))
    });
    let (all, unwell) = (rows.len(), rows.iter().filter(|row| !row.cells.well).count());
    if arguments.says("only_unwell")? {
        rows.truncate(unwell);
    }
    let total = rows.len();
    rows.truncate(limit);

    let mut columns: Vec<String> = Vec::new();
    let several = kind.namespaced && namespaces.len() != 1;
    columns.extend(several.then(|| "NAMESPACE".to_owned()));
    columns.push("NAME".to_owned());
    columns.extend(view.columns.iter().map(|column| (*column).to_owned()));
    columns.push("AGE".to_owned());
    columns.extend(further.iter().map(|pointer| line(pointer, 120)));
    let pages = listed.observations.len() > 1;
    columns.extend(pages.then(|| "OBSERVATION".to_owned()));
    let table: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut all = Vec::new();
            all.extend(several.then(|| row.namespace.clone()));
            all.push(row.name.clone());
            all.extend(row.cells.cells.iter().cloned());
            all.push(row.age.clone());
            all.extend(row.further.iter().cloned());
            all.extend(pages.then(|| listed.observations.get(row.page).cloned().unwrap_or_default()));
            all
        })
        .collect();

    let mut answer = Answer::new(format!("observation {}: {title}", listed.observation()), most);
    answer.head.extend(caution);
    let mut lines = aligned(&columns, &table);
    if table.is_empty() {
        lines.clear();
        answer.head.push("none of them is unwell".to_owned());
    } else if !lines.is_empty() {
        answer.head.push(lines.remove(0));
    }
    answer.lines = lines;
    answer.total = Some(total);
    Ok(answer.output(
        |shown| {
            format!(
                "showing {shown} of {total}, {} more: narrow with `namespace`, `label_selector`, `field_selector` or \
                 `only_unwell`, or raise `limit` and `max_bytes`",
                total - shown
            )
        },
        |shown| structured(&kind.full(), &listed, all, &columns, table.get(shown).unwrap_or_default()),
    ))
}

/// The fields that the caller wants besides.
fn further(arguments: &Arguments) -> Result<Vec<String>, Error> {
    let further = arguments.texts("columns")?;
    if further.len() > MOST_COLUMNS {
        return Err(Error::invalid_input(format!("`columns` takes at most {MOST_COLUMNS} fields")));
    }
    match further.iter().find(|pointer| !pointer.starts_with('/')) {
        Some(wrong) => Err(Error::invalid_input(format!(
            "`columns` takes JSON Pointers, such as `/spec/replicas`, and not `{}`",
            line(wrong, 80)
        ))),
        None => Ok(further),
    }
}

/// `143 Pods in shop: 140 Running, 3 CrashLoopBackOff`.
fn title(kind: &str, listed: &Listed, rows: &[Row], place: &str, selects: bool) -> String {
    let least = if listed.more { "at least " } else { "" };
    let that = if selects { " matching the selectors" } else { "" };
    let mut title = format!("{least}{}{that}{place}", count(rows.len(), kind));
    if rows.is_empty() {
        title = format!("no {kind}{that}{place}");
    }
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.cells.status.is_empty()) {
        *words.entry(row.cells.status.as_str()).or_default() += 1;
    }
    let mut words: Vec<(&str, usize)> = words.into_iter().collect();
    words.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let more = words.len().saturating_sub(MOST_WORDS);
    let shown: Vec<String> =
        words.iter().take(MOST_WORDS).map(|(word, number)| format!("{number} {word}")).collect();
    if !shown.is_empty() {
        title += &format!(": {}", shown.join(", "));
    }
    if more > 0 {
        title += &format!(" and {more} other states");
    }
    title
}

/// What stands at the pointer, each element of a list for itself.
fn cell(value: &Value, pointer: &str) -> String {
    let found: Vec<String> = json::every(value, pointer).into_iter().take(20).map(json::scalar).collect();
    if found.is_empty() { "-".to_owned() } else { line(&found.join(","), 200) }
}

/// The columns below one another; a cell that is wider than most does not widen the others.
pub(super) fn aligned(columns: &[String], table: &[Vec<String>]) -> Vec<String> {
    const WIDEST: usize = 48;
    let mut widths: Vec<usize> = columns.iter().map(|column| column.chars().count()).collect();
    for row in table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count().min(WIDEST));
        }
    }
    let row = |cells: &[String]| {
        let mut out = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            out.push_str(cell);
            let gap = width.saturating_sub(cell.chars().count()) + 2;
            out.extend(std::iter::repeat_n(' ', gap));
        }
        out.truncate(out.trim_end().len());
        out
    };
    std::iter::once(columns).chain(table.iter().map(Vec::as_slice)).map(row).collect()
}

fn structured(kind: &str, listed: &Listed, total: usize, columns: &[String], table: &[Vec<String>]) -> Value {
    let rows: Vec<Value> = table
        .iter()
        .map(|row| {
            let mut map = Map::new();
            for (column, cell) in columns.iter().zip(row) {
                map.insert(column.to_lowercase().replace(' ', "_"), Value::String(cell.clone()));
            }
            Value::Object(map)
        })
        .collect();
    json!({
        "observation": listed.observations.first(), "observations": listed.observations, "kind": kind,
        "coverage": coverage_word(listed.coverage), "total": total, "more": listed.more, "rows": rows,
    })
}
