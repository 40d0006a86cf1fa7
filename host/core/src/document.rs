//! TOML text as values that know where they stand.
//!
//! Profiles and locks are read through this, so that each problem has a file,
//! a line, a column and, where one is near, a suggestion. Knows nothing of
//! what the keys mean.

mod depth;
mod problem;
mod reader;

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

pub(crate) use problem::{Place, Problems};
pub use problem::{Problem, Source};
pub(crate) use reader::{Reader, names};

/// Bytes of one document at most. A profile is a page of text.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A table with the place of each key.
pub(crate) type Table = BTreeMap<String, Entry>;

/// One value of a table.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where the key stands.
    pub(crate) key: Place,
    pub(crate) node: Node,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) data: Data,
}

#[derive(Clone, Debug)]
pub(crate) enum Data {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Dates and times, which nothing here takes.
    Time(String),
    List(Vec<Node>),
    Table(Table),
}

impl Data {
    /// As messages name what was found.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text(text) => format!("the text {:?}", crate::text::clean_line(text, 40)),
            Self::Integer(number) => format!("the number {number}"),
            Self::Float(number) => format!("the number {number}"),
            Self::Boolean(value) => format!("`{value}`"),
            Self::Time(text) => format!("the time {text}"),
            Self::List(items) if items.is_empty() => "an empty list".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Table(_) => "a table".to_owned(),
        }
    }

    /// As JSON; a number that JSON has no word for becomes null.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Text(text) | Self::Time(text) => Value::String(text.clone()),
            Self::Integer(number) => Value::from(*number),
            Self::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
            Self::Boolean(value) => Value::Bool(*value),
            Self::List(items) => items.iter().map(|item| item.data.to_json()).collect(),
            Self::Table(table) => Value::Object(
                table
                    .iter()
                    .map(|(key, entry)| (key.clone(), entry.node.data.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Reads one text. What could be read is in the table even where there are
/// problems, so that they are all found at once.
pub(crate) fn parse(layer: usize, text: &str, problems: &mut Problems) -> Table {
    let start = Place { layer, offset: 0 };
    if text.len() > MAX_BYTES {
        problems.add(
            start,
            format!("the text has {} bytes, and at most {MAX_BYTES} are read", text.len()),
            None,
        );
        return Table::new();
    }
    if let Some(offset) = depth::too_deep(text) {
        let message = format!("values are nested more than {} levels deep", depth::MAX_DEPTH);
        problems.add(Place { layer, offset }, message, None);
        return Table::new();
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        if problems.is_full() {
            break;
        }
        let offset = error.span().map_or(0, |span| span.start);
        problems.add(Place { layer, offset }, format!("this is not TOML: {}", error.message()), None);
    }
    convert_table(layer, table.into_inner(), problems)
}

fn convert_table(layer: usize, table: DeTable<'_>, problems: &mut Problems) -> Table {
    let mut converted = Table::new();
    for (key, value) in table {
        let key_place = Place { layer, offset: key.span().start };
        let node = convert(layer, value, problems);
        converted.insert(key.into_inner().into_owned(), Entry { key: key_place, node });
    }
    converted
}

/// Recursion is bounded by the check of the depth before parsing.
fn convert(layer: usize, value: toml::Spanned<DeValue<'_>>, problems: &mut Problems) -> Node {
    let place = Place { layer, offset: value.span().start };
    let data = match value.into_inner() {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix()).map_or_else(
            |_| {
                problems.add(place, "this number is too large".to_owned(), None);
                Data::Integer(0)
            },
            Data::Integer,
        ),
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Data::Float(number),
            _ => {
                problems.add(place, "this number is not finite".to_owned(), None);
                Data::Float(0.0)
            }
        },
        DeValue::Boolean(value) => Data::Boolean(value),
        DeValue::Datetime(time) => Data::Time(time.to_string()),
        DeValue::Array(items) => {
            Data::List(items.into_iter().map(|item| convert(layer, item, problems)).collect())
        }
        DeValue::Table(table) => Data::Table(convert_table(layer, table, problems)),
    };
    Node { place, data }
}

#[cfg(test)]
mod tests;
