//! Takes typed values out of a table and says what is wrong with each.

use std::{cell::RefCell, str::FromStr};

use super::{Data, Entry, Node, Place, Problems, Table};
use crate::text::did_you_mean;

/// One table of a document, with the keys that it may have.
///
/// Each `take` gives the value of a key, or none where it is absent or wrong;
/// what is wrong is noted. Unknown keys are noted when the reader is made.
pub(crate) struct Reader<'a> {
    table: &'a Table,
    /// Dotted path for messages, empty at the top.
    path: String,
    place: Place,
    problems: &'a RefCell<Problems>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        table: &'a Table,
        path: &str,
        place: Place,
        keys: &[&str],
        problems: &'a RefCell<Problems>,
    ) -> Self {
        let reader = Self { table, path: path.to_owned(), place, problems };
        for (key, entry) in table {
            if reader.is_full() {
                break;
            }
            if !keys.contains(&key.as_str()) {
                reader.unknown(key, entry.key, keys);
            }
        }
        reader
    }

    /// A table whose keys are names that the user chose.
    pub(crate) fn open(table: &'a Table, path: &str, place: Place, problems: &'a RefCell<Problems>) -> Self {
        Self { table, path: path.to_owned(), place, problems }
    }

    /// A table further down, whose problems are noted in the same list.
    pub(crate) fn below(&self, table: &'a Table, path: &str, place: Place, keys: &[&str]) -> Self {
        Self::new(table, path, place, keys, self.problems)
    }

    pub(crate) fn unknown(&self, key: &str, place: Place, keys: &[&str]) {
        let shown = crate::text::clean_line(key, 60);
        let section = match self.path.as_str() {
            "" => String::new(),
            path => format!(" in `[{path}]`"),
        };
        let suggestion = match did_you_mean(key, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the keys here are {}", names(keys)),
        };
        self.problem(place, format!("unknown key `{shown}`{section}"), Some(suggestion));
    }

    /// Whether enough problems were noted: looking for more would be a waste.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.borrow().is_full()
    }

    pub(crate) fn problem(&self, place: Place, message: String, suggestion: Option<String>) {
        self.problems.borrow_mut().add(place, message, suggestion);
    }

    /// Where the table itself begins.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Entry)> {
        self.table.iter()
    }

    pub(crate) fn node(&self, key: &str) -> Option<&'a Node> {
        self.table.get(key).map(|entry| &entry.node)
    }

    /// The place of the value, or of the table where the key is absent.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        self.node(key).map_or(self.place, |node| node.place)
    }

    /// `limits.wall`
    pub(crate) fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    pub(crate) fn wrong(&self, key: &str, node: &Node, wanted: &str) {
        let suggestion = match (&node.data, wanted) {
            (Data::Text(text), "a list of texts") => Some(format!("write `{key} = [{text:?}]`")),
            _ => None,
        };
        let message = format!("`{}` takes {wanted}, and this is {}", self.full(key), node.data.describe());
        self.problem(node.place, message, suggestion);
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let node = self.node(key)?;
        match &node.data {
            Data::Text(text) => Some(text.clone()),
            _ => {
                self.wrong(key, node, "a text");
                None
            }
        }
    }

    /// A text that some type reads.
    pub(crate) fn parsed<T: FromStr>(&self, key: &str, wanted: &str, example: &str) -> Option<T> {
        let node = self.node(key)?;
        let parsed = match &node.data {
            Data::Text(text) => text.parse().ok(),
            _ => None,
        };
        if parsed.is_none() {
            let message =
                format!("`{}` takes {wanted}, and this is {}", self.full(key), node.data.describe());
            self.problem(node.place, message, Some(format!("write it as in `{key} = {example}`")));
        }
        parsed
    }

    /// One of a closed list of words.
    pub(crate) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let node = self.node(key)?;
        let listed: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let Data::Text(text) = &node.data else {
            self.wrong(key, node, &format!("one of {}", names(&listed)));
            return None;
        };
        let found = words.iter().find(|(word, _)| word == text).map(|(_, value)| *value);
        if found.is_none() {
            let suggestion = did_you_mean(text, listed.iter().copied());
            let message = format!(
                "`{}` takes one of {}, and this is {}",
                self.full(key),
                names(&listed),
                node.data.describe()
            );
            self.problem(node.place, message, suggestion.map(|near| format!("did you mean `{near}`?")));
        }
        found
    }

    /// A whole number within bounds.
    pub(crate) fn integer(&self, key: &str, least: u64, most: u64) -> Option<u64> {
        let node = self.node(key)?;
        let found = match &node.data {
            Data::Integer(number) => u64::try_from(*number).ok().filter(|n| (least..=most).contains(n)),
            _ => None,
        };
        if found.is_none() {
            self.wrong(key, node, &format!("a whole number from {least} to {most}"));
        }
        found
    }

    /// Any number within bounds.
    pub(crate) fn number(&self, key: &str, least: f64, most: f64) -> Option<f64> {
        let node = self.node(key)?;
        #[expect(clippy::cast_precision_loss, reason = "bounds are far below the numbers that lose digits")]
        let found = match &node.data {
            Data::Integer(number) => Some(*number as f64),
            Data::Float(number) => Some(*number),
            _ => None,
        };
        let found = found.filter(|number| (least..=most).contains(number));
        if found.is_none() {
            self.wrong(key, node, &format!("a number from {least} to {most}"));
        }
        found
    }

    /// Texts with their places.
    pub(crate) fn texts(&self, key: &str) -> Option<Vec<(String, Place)>> {
        let node = self.node(key)?;
        self.texts_of(key, node)
    }

    pub(crate) fn texts_of(&self, key: &str, node: &Node) -> Option<Vec<(String, Place)>> {
        let Data::List(items) = &node.data else {
            self.wrong(key, node, "a list of texts");
            return None;
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            if self.is_full() {
                break;
            }
            match &item.data {
                Data::Text(text) => texts.push((text.clone(), item.place)),
                _ => self.wrong(key, item, "texts in its list"),
            }
        }
        Some(texts)
    }

    /// A table within this one. An absent one is none; any other value is wrong.
    pub(crate) fn table(&self, key: &str) -> Option<(&'a Table, Place)> {
        let entry = self.table.get(key)?;
        match &entry.node.data {
            Data::Table(table) => Some((table, entry.key)),
            _ => {
                self.wrong(key, &entry.node, "a table");
                None
            }
        }
    }

    /// The tables of a list, `[[key]]`.
    pub(crate) fn tables(&self, key: &str) -> Option<Vec<(&'a Table, Place)>> {
        let node = self.node(key)?;
        let Data::List(items) = &node.data else {
            self.wrong(key, node, "a list of tables");
            return None;
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items {
            match &item.data {
                Data::Table(table) => tables.push((table, item.place)),
                _ => self.wrong(key, item, "tables in its list"),
            }
        }
        Some(tables)
    }
}

/// `` `a`, `b` and `c` ``
pub(crate) fn names(list: &[&str]) -> String {
    match list {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", first.join(", "))
        }
    }
}
