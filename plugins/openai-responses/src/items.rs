//! The items of the answer that is coming: which call, message or thought an
//! event belongs to, and how much of it was handed on already.
//!
//! Servers name an item by its id, by its call's id, by its place, by another
//! id in each event, or not at all. What a final event repeats is compared with what came in pieces, and
//! only what is new of it is handed on.

use serde_json::Value;
use sickbay_plugin::provider::Error;
use sickbay_wire::{failure, json};

use crate::NAME;

/// Items of one answer, and texts of one item: far more than any answer has.
const MOST: usize = 1_024;

/// A text of an item that comes in pieces of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Text(u64),
    Refusal(u64),
    Summary(u64),
    Raw(u64),
    Arguments,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    Message,
    Call,
    Reasoning,
    #[default]
    Other,
}

impl Kind {
    fn of_item(item: &Value) -> Self {
        match json::text(item, "type") {
            Some("message") => Self::Message,
            Some("function_call") => Self::Call,
            Some("reasoning") => Self::Reasoning,
            _ => Self::Other,
        }
    }

    fn of_slot(slot: Slot) -> Self {
        match slot {
            Slot::Text(_) | Slot::Refusal(_) => Self::Message,
            Slot::Arguments => Self::Call,
            Slot::Summary(_) | Slot::Raw(_) => Self::Reasoning,
        }
    }
}

/// Where a whole item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It begins.
    Added,
    /// It is over.
    Done,
    /// The finished response repeats it.
    Repeated,
}

#[derive(Debug, Default)]
pub(crate) struct Item {
    kind: Kind,
    id: String,
    call_id: String,
    place: Option<u64>,
    /// The index of a call that was handed on.
    pub(crate) call: Option<u32>,
    pub(crate) done: bool,
    pub(crate) marked: bool,
    repeated: bool,
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
        let known = self.sent.iter().position(|(known, _)| *known == slot);
        let at = known.unwrap_or_else(|| {
            // Beyond all reason: they run into the last one.
            if self.sent.len() < MOST {
                self.sent.push((slot, String::new()));
            }
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
    /// The item that a piece is of: by its id, else its place, else the newest of its kind. A call
    /// whose id was never heard before is another call, since calls interleave.
    pub(crate) fn of_piece(&mut self, event: &Value, slot: Slot) -> Result<&mut Item, Error> {
        let kind = Kind::of_slot(slot);
        let id = json::text(event, "item_id").unwrap_or_default();
        let place = json::count(event, "output_index");
        let newest = || self.0.iter().rposition(|item| item.kind == kind && !item.done);
        let at = self.find(id, "", place, kind);
        let told = place.is_some() || (kind == Kind::Call && !id.is_empty());
        let at = if told { at } else { at.or_else(newest) };
        self.at(at, id, "", place, kind)
    }

    /// The item itself, in an event or in the finished response.
    pub(crate) fn of_item(
        &mut self,
        item: &Value,
        place: Option<u64>,
        stage: Stage,
    ) -> Result<&mut Item, Error> {
        let kind = Kind::of_item(item);
        let id = json::text(item, "id").unwrap_or_default();
        let call_id = json::text(item, "call_id").unwrap_or_default();
        // Under a name that was never heard before: the first of its kind that is still open.
        let open = || {
            self.0.iter().position(|known| {
                let free = match stage {
                    Stage::Added => false,
                    Stage::Done => !known.done,
                    Stage::Repeated => !known.repeated,
                };
                let other_call = !known.call_id.is_empty() && !call_id.is_empty() && known.call_id != call_id;
                free && known.kind == kind && !other_call
            })
        };
        let at = self.find(id, call_id, place, kind).or_else(open);
        let known = self.at(at, id, call_id, place, kind)?;
        known.repeated |= stage == Stage::Repeated;
        Ok(known)
    }

    fn find(&self, id: &str, call_id: &str, place: Option<u64>, kind: Kind) -> Option<usize> {
        let named = |item: &Item, name: &str| !name.is_empty() && (item.id == name || item.call_id == name);
        let there = |item: &Item| place.is_some() && item.place == place && item.kind == kind;
        let all = &self.0;
        let by_name = all.iter().position(|item| named(item, id));
        by_name
            .or_else(|| all.iter().position(|item| named(item, call_id)))
            .or_else(|| all.iter().position(there))
    }

    fn at(
        &mut self,
        at: Option<usize>,
        id: &str,
        call_id: &str,
        place: Option<u64>,
        kind: Kind,
    ) -> Result<&mut Item, Error> {
        if at.is_none() && self.0.len() >= MOST {
            return Err(failure::unreadable(NAME, &format!("more than {MOST} items")));
        }
        let at = at.unwrap_or_else(|| {
            self.0.push(Item { kind, ..Item::default() });
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
        Ok(item)
    }
}
