//! The OpenAPI document in protobuf, as far as clients read it. The numbers are
//! those of the `openapi.v2` messages.

use serde_json::Value;

/// A message that is being written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.number(field << 3 | 2);
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, field: u64, value: &Value) {
        if let Some(text) = value.as_str().filter(|text| !text.is_empty()) {
            self.bytes(field, text.as_bytes());
        }
    }

    fn message(&mut self, field: u64, inner: &Self) {
        self.bytes(field, &inner.0);
    }
}

pub(super) fn document(value: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, &value["swagger"]);
    let mut info = Message::default();
    info.text(1, &value["info"]["title"]);
    info.text(2, &value["info"]["version"]);
    out.message(2, &info);
    out.message(8, &paths(&value["paths"]));
    out.message(9, &named(&value["definitions"], schema));
    out.0
}

/// A map: repeated pairs of name and value.
fn named(map: &Value, write: impl Fn(&Value) -> Message) -> Message {
    let mut out = Message::default();
    for (name, value) in map.as_object().into_iter().flatten() {
        out.message(1, &pair(name, &write(value)));
    }
    out
}

fn pair(name: &str, value: &Message) -> Message {
    let mut out = Message::default();
    out.bytes(1, name.as_bytes());
    out.message(2, value);
    out
}

fn schema(value: &Value) -> Message {
    let mut out = Message::default();
    out.text(1, &value["$ref"]);
    out.text(2, &value["format"]);
    out.text(4, &value["description"]);
    for name in value["required"].as_array().into_iter().flatten() {
        out.text(19, name);
    }
    if value["additionalProperties"].is_object() {
        let mut item = Message::default();
        item.message(1, &schema(&value["additionalProperties"]));
        out.message(21, &item);
    }
    if value["type"].is_string() {
        let mut kind = Message::default();
        kind.text(1, &value["type"]);
        out.message(22, &kind);
    }
    if value["items"].is_object() {
        let mut items = Message::default();
        items.message(1, &schema(&value["items"]));
        out.message(23, &items);
    }
    if value["properties"].is_object() {
        out.message(25, &named(&value["properties"], schema));
    }
    extensions(&mut out, 31, value);
    out
}

/// The `x-…` words, whose values are YAML; JSON is.
fn extensions(out: &mut Message, field: u64, value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("x-")) {
        let mut any = Message::default();
        any.bytes(2, format!("{value}\n").as_bytes());
        out.message(field, &pair(name, &any));
    }
}

fn paths(value: &Value) -> Message {
    let mut out = Message::default();
    for (path, item) in value.as_object().into_iter().flatten() {
        let mut message = Message::default();
        for (field, verb) in [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch")] {
            if item[verb].is_object() {
                message.message(field, &operation(&item[verb]));
            }
        }
        out.message(2, &pair(path, &message));
    }
    out
}

fn operation(value: &Value) -> Message {
    let mut out = Message::default();
    out.text(5, &value["operationId"]);
    for parameter in value["parameters"].as_array().into_iter().flatten() {
        let mut query = Message::default();
        query.text(2, &parameter["in"]);
        query.text(4, &parameter["name"]);
        query.text(6, &parameter["type"]);
        // A parameter that is no body, of the query: three boxes.
        let mut not_body = Message::default();
        not_body.message(3, &query);
        let mut either = Message::default();
        either.message(2, &not_body);
        let mut item = Message::default();
        item.message(1, &either);
        out.message(8, &item);
    }
    extensions(&mut out, 13, value);
    out
}

/// Reads the outermost fields and sees that their lengths come out even.
#[cfg(test)]
pub(super) fn check(bytes: &[u8]) {
    let number = |at: &mut usize| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    };
    let (mut at, mut fields) = (0, Vec::new());
    while at < bytes.len() {
        let tag = number(&mut at);
        assert_eq!(tag & 7, 2);
        fields.push(tag >> 3);
        at += usize::try_from(number(&mut at)).unwrap();
    }
    assert_eq!((at, fields), (bytes.len(), vec![1, 2, 8, 9]));
}
