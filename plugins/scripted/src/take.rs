//! Values out of the results of tools.

use serde_json::Value;

use crate::{
    conversation::Conversation,
    pattern::{Pattern, Values},
    script::{Source, Take},
};

/// Everything that can be taken now. Takes see what those before them took.
pub(crate) fn values(takes: &[Take], conversation: &Conversation<'_>) -> Values {
    let mut values = Values::new();
    for take in takes {
        let results = conversation.results.iter().filter(|result| take.from.fits(result.tool));
        let found = results.filter_map(|result| take.find(result.text, &values)).next();
        for (name, value) in found.into_iter().flatten() {
            values.entry(name).or_insert(value);
        }
    }
    let result = conversation.results.first().map(|result| result.text).unwrap_or_default();
    let own = [
        ("user", conversation.user.lines().next().unwrap_or_default().trim().to_owned()),
        ("turn", conversation.turn.to_string()),
        ("model", conversation.model.to_owned()),
        ("result", result.chars().take(4_000).collect()),
    ];
    values.extend(own.map(|(name, value)| (name.to_owned(), value)));
    values
}

impl Take {
    /// The values in one result.
    fn find(&self, text: &str, taken: &Values) -> Option<Values> {
        match &self.source {
            Source::Line { line, name } => self.pick(text.lines().collect(), |found| {
                let mut values = line.fit(found, taken)?;
                values.extend(name.clone().map(|name| (name, found.trim().to_owned())));
                Some(values)
            }),
            Source::Row { row, columns } => {
                let headings: Vec<(usize, Vec<&str>)> = text
                    .lines()
                    .enumerate()
                    .map(|(at, line)| (at, cells(line)))
                    .filter(|(_, cells)| columns.values().all(|column| cells.contains(&column.as_str())))
                    .collect();
                let (at, headings) = headings.first()?;
                self.pick(text.lines().skip(at + 1).collect(), |line| {
                    row.fit(line, taken)?;
                    let cells = cells(line);
                    let each = columns.iter().map(|(name, column)| {
                        let place = headings.iter().position(|heading| heading == column)?;
                        Some((name.clone(), (*cells.get(place)?).to_owned()))
                    });
                    each.collect()
                })
            }
            Source::Json { each, fits, values } => {
                let json = json(text)?;
                let list = match each {
                    Some(each) => json.pointer(each)?.as_array()?.iter().collect(),
                    None => vec![&json],
                };
                self.pick(list, |element| {
                    let has = |(pointer, pattern): (&String, &Pattern)| {
                        let there = element.pointer(pointer).and_then(scalar);
                        there.is_some_and(|there| pattern.fit(&there, taken).is_some())
                    };
                    if !fits.iter().all(has) {
                        return None;
                    }
                    let each = values
                        .iter()
                        .map(|(name, pointer)| Some((name.clone(), scalar(element.pointer(pointer)?)?)));
                    each.collect()
                })
            }
        }
    }

    /// The first or the last that gives values.
    fn pick<T: Held>(&self, list: Vec<T>, find: impl Fn(T) -> Option<Values>) -> Option<Values> {
        let mut list = list.into_iter().filter(|one| one.holds_one_of(&self.has));
        if self.last { list.rev().find_map(find) } else { list.find_map(find) }
    }
}

/// What `has` looks into.
trait Held: Copy {
    fn holds_one_of(self, texts: &[String]) -> bool;
}

impl Held for &str {
    fn holds_one_of(self, texts: &[String]) -> bool {
        texts.is_empty() || holds(self, texts)
    }
}

impl Held for &Value {
    fn holds_one_of(self, texts: &[String]) -> bool {
        texts.is_empty() || holds(&self.to_string(), texts)
    }
}

/// Whether a text holds one of these, in upper or lower case.
pub(crate) fn holds(text: &str, texts: &[String]) -> bool {
    let text = text.to_lowercase();
    texts.iter().any(|one| text.contains(&one.to_lowercase()))
}

/// A table's row: its cells stand two or more spaces, or a tab, apart.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ")
        .flat_map(|part| part.split('\t'))
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect()
}

/// The text, or what follows a line that begins like JSON.
fn json(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(['{', '['])
            && let Some(Ok(value)) =
                serde_json::Deserializer::from_str(text.get(from..)?).into_iter::<Value>().next()
        {
            return Some(value);
        }
        from += line.len();
    }
    None
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}
