//! Tool calls out of pieces: interleaved by index, whole in one piece, without
//! index, without id.

use serde_json::Value;
use sickbay_plugin::provider::{Event, ToolCallArguments, ToolCallStart};
use sickbay_wire::{
    ids::Ids,
    json::{count, text},
};

/// The calls so far, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// For calls that come without an id.
    ids: Ids,
    response: String,
    calls: Vec<Call>,
    /// Where a piece without index or id belongs.
    last: Option<usize>,
}

#[derive(Debug)]
struct Call {
    /// The server's index, where it gives one.
    key: Option<u64>,
    /// The server's id, where it gives one.
    id: Option<String>,
    name: String,
    /// Told of by an event; before that its name is not known, and its arguments wait.
    told: bool,
    waiting: String,
    has_arguments: bool,
}

impl Calls {
    pub(super) fn new(ids: Ids) -> Self {
        Self { ids, ..Self::default() }
    }

    /// The response's own id, which tells its calls from those of others.
    pub(super) fn of_response(&mut self, id: &str) {
        id.clone_into(&mut self.response);
    }

    pub(super) fn any(&self) -> bool {
        !self.calls.is_empty()
    }

    /// One entry of `tool_calls`.
    pub(super) fn piece(&mut self, piece: &Value, events: &mut Vec<Event>) {
        let function = piece.get("function").unwrap_or(&Value::Null);
        let key = count(piece, "index");
        let id = text(piece, "id").filter(|id| !id.is_empty());
        let name = text(function, "name").filter(|name| !name.is_empty());
        let at = self.place(key, id, name);
        self.extend(at, name, function, events);
    }

    /// The older `function_call`: one call, without index and id.
    pub(super) fn function(&mut self, call: &Value, events: &mut Vec<Event>) {
        let name = text(call, "name").filter(|name| !name.is_empty());
        let at = self.place(Some(0), None, name);
        self.extend(at, name, call, events);
    }

    /// To which call a piece belongs. A new id at an index that is in use is a
    /// new call: some servers number every call 0.
    fn place(&mut self, key: Option<u64>, id: Option<&str>, name: Option<&str>) -> usize {
        let same_id = id.and_then(|id| self.calls.iter().rposition(|call| call.id.as_deref() == Some(id)));
        let same_key = key.and_then(|key| {
            let at = self.calls.iter().rposition(|call| call.key == Some(key))?;
            let other = id.is_some() && self.calls.get(at).is_some_and(|call| call.id.is_some());
            (!other).then_some(at)
        });
        // Without index and id, a name begins a call and anything else goes on with the last.
        let follows = self.last.filter(|_| key.is_none() && id.is_none() && name.is_none());
        let at = match (key, same_key) {
            (Some(_), Some(at)) => Some(at),
            _ => same_id.filter(|at| {
                key.is_none() || self.calls.get(*at).is_some_and(|call| call.key.is_none() || call.key == key)
            }),
        };
        let at = at.or(follows).unwrap_or_else(|| {
            self.calls.push(Call {
                key,
                id: id.map(str::to_owned),
                name: String::new(),
                told: false,
                waiting: String::new(),
                has_arguments: false,
            });
            self.calls.len() - 1
        });
        self.last = Some(at);
        if let (Some(call), Some(id)) = (self.calls.get_mut(at), id) {
            call.id.get_or_insert_with(|| id.to_owned());
        }
        at
    }

    fn extend(&mut self, at: usize, name: Option<&str>, function: &Value, events: &mut Vec<Event>) {
        let Self { calls, ids, response, .. } = self;
        let Some(call) = calls.get_mut(at) else {
            return;
        };
        if let Some(name) = name.filter(|_| !call.told) {
            name.clone_into(&mut call.name);
        }
        match function.get("arguments") {
            Some(Value::String(fragment)) => call.waiting.push_str(fragment),
            // Against the format, but seen: the object itself.
            Some(object @ Value::Object(_)) => call.waiting.push_str(&object.to_string()),
            _ => {}
        }
        if !call.name.is_empty() {
            call.tell(at, *ids, response, events);
        }
    }

    /// Every call is told of, and has arguments that are JSON where the server sent none.
    pub(super) fn close(&mut self, events: &mut Vec<Event>) {
        let Self { calls, ids, response, .. } = self;
        for (at, call) in calls.iter_mut().enumerate() {
            call.tell(at, *ids, response, events);
            if !call.has_arguments {
                events.push(arguments(at, "{}".to_owned()));
                call.has_arguments = true;
            }
        }
    }
}

impl Call {
    fn tell(&mut self, at: usize, ids: Ids, response: &str, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.told, true) {
            events.push(Event::ToolCallStart(ToolCallStart {
                index: number(at),
                id: self.id.clone().unwrap_or_else(|| ids.make("call_", number(at), &[response, &self.name])),
                name: self.name.clone(),
            }));
        }
        // White space alone is no arguments: it waits, so that nothing but it becomes `{}`.
        if self.has_arguments || !self.waiting.trim().is_empty() {
            self.has_arguments = true;
            let fragment = std::mem::take(&mut self.waiting);
            if !fragment.is_empty() {
                events.push(arguments(at, fragment));
            }
        }
    }
}

fn arguments(at: usize, fragment: String) -> Event {
    Event::ToolCallArguments(ToolCallArguments { index: number(at), fragment })
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
