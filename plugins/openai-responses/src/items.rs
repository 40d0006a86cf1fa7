//! The items of the answer that is coming: which call, message or thought an
//! event belongs to, and how much of it was handed on already.
//!
//! Servers name an item by its id, by its place, by its call's id, or not at
//! all. What a final event repeats is compared with what came in pieces, and
//! only what is new of it is handed on.

use serde_json::Value;
use sickbay_wire::json;

/// A text of an item that comes in pieces of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Text(u64),
    Refusal(u64),
    Summary(u64),
    Raw(u64),
    Arguments,
}

#[derive(Debug, Default)]
pub(crate) struct Item {
    id: String,
    call_id: String,
    place: Option<u64>,
    /// The index of a call that was handed on.
    pub(crate) call: Option<u32>,
    pub(crate) done: bool,
    pub(crate) marked: bool,
    sent: Vec<(Slot, String)>,
}

impl Item {
    /// An id for a call that came without one.
    pub(crate) fn name(&self, index: u32) -> String {
        let known = [&self.call_id, &self.id].into_iter().find(|id| !id.is_empty());
        known.map_or_else(|| format!("call_{index}"), Clone::clone)
    }

    /// What came in pieces so far.
    pub(crate) fn so_far(&mut self, slot: Slot) -> &mut String {
        let at = self.sent.iter().position(|(known, _)| *known == slot).unwrap_or_else(|| {
            self.sent.push((slot, String::new()));
            self.sent.len() - 1
        });
        &mut self.sent[at].1
    }

    /// Whether anything came of texts that this holds for.
    pub(crate) fn has(&self, slots: impl Fn(Slot) -> bool) -> bool {
        self.sent.iter().any(|(slot, text)| slots(*slot) && !text.is_empty())
    }

    /// The rest of a final text. Nothing where it is another than what came in
    /// pieces: that can not be taken back.
    pub(crate) fn rest(&mut self, slot: Slot, whole: &str) -> Option<String> {
        let so_far = self.so_far(slot);
        let rest = whole.strip_prefix(so_far.as_str()).filter(|rest| !rest.is_empty())?.to_owned();
        so_far.push_str(&rest);
        Some(rest)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Items(Vec<Item>);

impl Items {
    /// The item that an event is about: `item_id`, else its place, else the newest one.
    pub(crate) fn of_event(&mut self, event: &Value) -> &mut Item {
        let id = json::text(event, "item_id").unwrap_or_default();
        let place = json::count(event, "output_index");
        let newest = self.0.len().checked_sub(1).filter(|_| id.is_empty() && place.is_none());
        let at = self.find(id, "", place).or(newest);
        self.at(at, id, "", place)
    }

    /// The item itself, in an event or in the finished response.
    pub(crate) fn of_item(&mut self, item: &Value, place: Option<u64>) -> &mut Item {
        let id = json::text(item, "id").unwrap_or_default();
        let call_id = json::text(item, "call_id").unwrap_or_default();
        let at = self.find(id, call_id, place);
        self.at(at, id, call_id, place)
    }

    fn find(&self, id: &str, call_id: &str, place: Option<u64>) -> Option<usize> {
        let named = |item: &Item, name: &str| !name.is_empty() && (item.id == name || item.call_id == name);
        // Some gateways give an item another id in each event; its place stays.
        self.0
            .iter()
            .position(|item| named(item, id))
            .or_else(|| self.0.iter().position(|item| named(item, call_id)))
            .or_else(|| self.0.iter().position(|item| place.is_some() && item.place == place))
    }

    fn at(&mut self, at: Option<usize>, id: &str, call_id: &str, place: Option<u64>) -> &mut Item {
        let at = at.unwrap_or_else(|| {
            self.0.push(Item::default());
            self.0.len() - 1
        });
        let item = &mut self.0[at];
        if item.id.is_empty() {
            id.clone_into(&mut item.id);
        }
        if item.call_id.is_empty() {
            call_id.clone_into(&mut item.call_id);
        }
        item.place = item.place.or(place);
        item
    }
}
