//! Finds where documents and their elements begin and end, in JSON and YAML,
//! without building them.
//!
//! It looks at structure only, so that one damaged object among thousands
//! costs that one object, and the whole objects before a break are found.
//! Whether a piece is valid shows when it is parsed.

use std::borrow::Cow;

/// The end of the JSON value that begins at `at`, none where the text ends
/// within it.
fn end_of_value(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = at;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = end_of_string(bytes, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                if depth <= 1 {
                    return Some(if depth == 0 { at } else { at + 1 });
                }
                depth -= 1;
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    // A number or a word may end with the text.
    (depth == 0).then_some(at)
}

fn end_of_string(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The members of a JSON object, as key and text of the value.
pub(super) struct Members<'a> {
    text: &'a str,
    at: usize,
    /// The text ended, or was damaged, before the object did.
    pub(super) broken: bool,
}

impl<'a> Members<'a> {
    /// Of an object's text, that may lack its end.
    pub(super) fn of(text: &'a str) -> Self {
        let at = skip_space(text.as_bytes(), 0);
        Self { text, at: at + usize::from(text.as_bytes().get(at) == Some(&b'{')), broken: false }
    }

    fn step(&mut self) -> Option<Option<(&'a str, &'a str)>> {
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, self.at);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
        match bytes.get(at)? {
            b'}' => return Some(None),
            b'"' => {}
            _ => return None,
        }
        let key_end = end_of_string(bytes, at)?;
        let key = self.text.get(at + 1..key_end - 1)?;
        let colon = skip_space(bytes, key_end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let start = skip_space(bytes, colon + 1);
        match end_of_value(bytes, start) {
            Some(end) => {
                self.at = end;
                Some(Some((key, self.text.get(start..end)?)))
            }
            None => {
                // The last value is not whole; its beginning may still hold
                // whole elements.
                self.at = bytes.len();
                self.broken = true;
                Some(Some((key, self.text.get(start..)?)))
            }
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        match self.step() {
            Some(member) => member,
            None => {
                self.broken = true;
                None
            }
        }
    }
}

/// The elements of a JSON array, as text.
pub(super) struct Elements<'a> {
    text: &'a str,
    at: usize,
    /// The text ended, or was damaged, before the array did.
    pub(super) broken: bool,
    done: bool,
}

impl<'a> Elements<'a> {
    /// Of an array's text, that may lack its end. What is no array has none.
    pub(super) fn of(text: &'a str) -> Self {
        let at = skip_space(text.as_bytes(), 0);
        let array = text.as_bytes().get(at) == Some(&b'[');
        Self { text, at: at + 1, broken: false, done: !array }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.done {
            return None;
        }
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, self.at);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
        let end = match bytes.get(at) {
            Some(b']') => {
                self.done = true;
                return None;
            }
            Some(_) => end_of_value(bytes, at).filter(|end| *end > at),
            None => None,
        };
        let Some(end) = end else {
            self.done = true;
            self.broken = true;
            return None;
        };
        self.at = end;
        self.text.get(at..end)
    }
}

/// The JSON documents that follow each other in a text. What stands between
/// them (log markers, stray words) is skipped.
pub(super) fn json_documents(text: &str) -> impl Iterator<Item = Document<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        let start = next_document(bytes, at)?;
        match end_of_value(bytes, start) {
            Some(end) => {
                at = end.max(start + 1);
                Some(Document { text: &text[start..at], start, broken: false })
            }
            None => {
                at = bytes.len();
                Some(Document { text: &text[start..], start, broken: true })
            }
        }
    })
}

/// One document of a text.
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    /// The text ended within it.
    pub(super) broken: bool,
}

/// Where the next line begins with `{` or `[`.
fn next_document(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut line_start = true;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' if line_start || at == from => return Some(at),
            b'\n' => line_start = true,
            b' ' | b'\t' | b'\r' | b',' => {}
            // Documents may follow each other on one line.
            b'}' | b']' => line_start = true,
            _ => line_start = false,
        }
        at += 1;
    }
    None
}

/// The YAML documents of a text.
pub(super) fn yaml_documents(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare == "---" || bare.starts_with("--- ") || bare == "..." {
            documents.push(&text[start..at]);
            start = at + line.len();
        }
        at += line.len();
    }
    documents.push(&text[start..]);
    documents.retain(|document| {
        document.lines().any(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        })
    });
    documents
}

/// The elements of a YAML list, each as a document of its own.
pub(super) struct YamlItems<'a> {
    /// What surrounds the list: `apiVersion`, `kind`, `metadata`.
    pub(super) head: String,
    pub(super) items: Vec<Cow<'a, str>>,
    /// Whether the list is all there is, without `items:` around it.
    pub(super) bare: bool,
}

/// Takes a List apart line by line, none where the document is no list.
pub(super) fn yaml_items(document: &str) -> Option<YamlItems<'_>> {
    let mut head = String::new();
    let mut items = Vec::new();
    let mut bare = false;
    let mut state = State::Head;
    let mut start = 0;
    let mut at = 0;
    for line in document.split_inclusive('\n') {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        let is_item = content[indent..].starts_with("- ") || &content[indent..] == "-";
        let significant = !content.is_empty() && !content[indent..].starts_with('#');
        if significant {
            match state {
                State::Head if content == "items:" => state = State::Items,
                State::Head if is_item && head.trim().is_empty() => {
                    bare = true;
                    state = State::Item(indent);
                    start = at;
                }
                State::Head => head.push_str(line),
                State::Items if is_item => {
                    state = State::Item(indent);
                    start = at;
                }
                State::Items => {
                    state = State::Head;
                    head.push_str(line);
                }
                State::Item(column) if is_item && indent == column => {
                    items.push(own_document(&document[start..at], column));
                    start = at;
                }
                State::Item(column) if indent < column || (indent == column && !is_item) => {
                    items.push(own_document(&document[start..at], column));
                    state = State::Head;
                    head.push_str(line);
                }
                State::Item(_) => {}
            }
        }
        at += line.len();
    }
    if let State::Item(column) = state {
        items.push(own_document(&document[start..], column));
    }
    if items.is_empty() { None } else { Some(YamlItems { head, items, bare }) }
}

#[derive(Clone, Copy)]
enum State {
    Head,
    Items,
    Item(usize),
}

/// `- a: 1` as ` a: 1`, with what follows left as it is.
fn own_document(item: &str, column: usize) -> Cow<'_, str> {
    let mut text = item.to_owned();
    if item.as_bytes().get(column) == Some(&b'-') {
        text.replace_range(column..=column, " ");
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_between_other_lines() {
        let text = "{\"a\":1}\n==== START\nnoise {x}\n==== END\n[1,\n 2]{\"b\":\"}\"}\n{\"c\":[1,2";
        let found: Vec<_> = json_documents(text).map(|document| (document.text, document.broken)).collect();
        assert_eq!(
            found,
            [("{\"a\":1}", false), ("[1,\n 2]", false), ("{\"b\":\"}\"}", false), ("{\"c\":[1,2", true)]
        );
    }

    #[test]
    fn members_and_elements() {
        let mut members = Members::of(r#" {"a" : [1, {"x":"]"}, "s"], "b":{} , "c":-1.5e3}"#);
        let found: Vec<_> = members.by_ref().collect();
        assert_eq!(found, [("a", r#"[1, {"x":"]"}, "s"]"#), ("b", "{}"), ("c", "-1.5e3")]);
        assert!(!members.broken);
        let elements: Vec<_> = Elements::of(found[0].1).collect();
        assert_eq!(elements, ["1", r#"{"x":"]"}"#, r#""s""#]);
    }

    #[test]
    fn whole_elements_before_a_break() {
        let mut members = Members::of(r#"{"kind":"List","items":[{"a":1},{"b":2},{"c":"#);
        let found: Vec<_> = members.by_ref().collect();
        assert!(members.broken);
        let mut elements = Elements::of(found[1].1);
        assert_eq!(elements.by_ref().collect::<Vec<_>>(), [r#"{"a":1}"#, r#"{"b":2}"#]);
        assert!(elements.broken);
    }

    #[test]
    fn yaml_lists() {
        let text = "apiVersion: v1\nitems:\n- a: 1\n  b:\n  - x\n- a: 2\nkind: List\nmetadata:\n  resourceVersion: \"\"\n";
        let list = yaml_items(text).unwrap();
        assert_eq!(list.items, ["  a: 1\n  b:\n  - x\n", "  a: 2\n"]);
        assert_eq!(list.head, "apiVersion: v1\nkind: List\nmetadata:\n  resourceVersion: \"\"\n");
        let list = yaml_items("- a: 1\n- a: 2\n").unwrap();
        assert!(list.bare);
        assert_eq!(list.items.len(), 2);
        assert!(yaml_items("a: 1\nb: [1]\n").is_none());
        assert_eq!(yaml_documents("---\na: 1\n--- # two\nb: 2\n...\n# end\n").len(), 2);
    }
}
