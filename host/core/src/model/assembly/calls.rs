//! The tool calls of one answer, whose fragments may arrive interleaved.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::{AssemblyLimits, UNNAMED};
use crate::{model::Content, text::clean_line};

/// Calls in the order of their first appearance.
#[derive(Default)]
pub(super) struct Calls {
    calls: Vec<Open>,
    /// The newest call of each index.
    by_index: BTreeMap<u32, usize>,
}

#[derive(Default)]
struct Open {
    id: String,
    name: String,
    arguments: String,
}

/// One call as it goes into the conversation.
pub(super) struct Call {
    id: String,
    name: String,
    arguments: Value,
}

impl Calls {
    /// A call begins, or says again what is known of it. The place of a new one.
    pub(super) fn start(&mut self, index: u32, id: &str, name: &str) -> Option<usize> {
        if let Some(call) = self.by_index.get(&index).and_then(|place| self.calls.get_mut(*place)) {
            // Some servers count every call as the first one; another id is another call.
            let other_id = !id.is_empty() && !call.id.is_empty() && call.id != id;
            let other_name = !name.is_empty() && !call.name.is_empty() && call.name != name;
            if !other_id && !other_name {
                if call.id.is_empty() {
                    id.clone_into(&mut call.id);
                }
                if call.name.is_empty() {
                    name.clone_into(&mut call.name);
                }
                return None;
            }
        }
        Some(self.add(index, Open { id: id.to_owned(), name: name.to_owned(), arguments: String::new() }))
    }

    /// A piece of the arguments. Where the call is not known yet, its start may still follow.
    pub(super) fn fragment(&mut self, index: u32, fragment: &str) -> Option<usize> {
        if let Some(call) = self.by_index.get(&index).and_then(|place| self.calls.get_mut(*place)) {
            call.arguments.push_str(fragment);
            return None;
        }
        Some(self.add(index, Open { arguments: fragment.to_owned(), ..Open::default() }))
    }

    fn add(&mut self, index: u32, call: Open) -> usize {
        let place = self.calls.len();
        self.calls.push(call);
        self.by_index.insert(index, place);
        place
    }

    /// All calls, each with an id that no other one has.
    pub(super) fn finish(self, limits: &AssemblyLimits) -> Vec<Call> {
        // An id that is given is never taken away by one that is made up.
        let given: HashSet<String> = self.calls.iter().map(|call| call.id.clone()).collect();
        let mut taken: HashSet<String> = HashSet::new();
        let mut finished = Vec::with_capacity(self.calls.len());
        for (place, call) in self.calls.into_iter().enumerate() {
            let usable = !call.id.is_empty() && call.id.len() <= limits.id_bytes;
            let id = if usable && !taken.contains(&call.id) {
                call.id
            } else {
                let stem = if usable { call.id.as_str() } else { "call" };
                let first = if usable { 2 } else { place + 1 };
                (first..)
                    .map(|number| format!("{stem}_{number}"))
                    .find(|id| !taken.contains(id) && !given.contains(id))
                    .unwrap_or_default()
            };
            taken.insert(id.clone());
            let name = match clean_line(&call.name, limits.name_chars) {
                name if name.is_empty() => UNNAMED.to_owned(),
                name => name,
            };
            finished.push(Call { id, name, arguments: read(call.arguments) });
        }
        finished
    }
}

impl Call {
    /// Whether its arguments could be read.
    pub(super) fn is_sound(&self) -> bool {
        self.arguments.is_object()
    }

    pub(super) fn into_content(self) -> Content {
        Content::ToolCall { id: self.id, name: self.name, arguments: self.arguments }
    }
}

/// An object, or the text that is none.
fn read(text: String) -> Value {
    if text.trim().is_empty() {
        return Value::Object(Map::new());
    }
    match serde_json::from_str(&text) {
        Ok(object @ Value::Object(_)) => object,
        _ => Value::String(text),
    }
}
