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

    /// The next key, and where its value begins. One of [`Self::value`] and
    /// [`Self::elements`] must follow.
    pub(super) fn key(&mut self) -> Option<&'a str> {
        if self.broken {
            return None;
        }
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, self.at);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
        if bytes.get(at) == Some(&b'}') {
            self.at = at;
            return None;
        }
        let key = || {
            let end = if bytes.get(at) == Some(&b'"') { end_of_string(bytes, at)? } else { return None };
            let colon = skip_space(bytes, end);
            let start = (bytes.get(colon) == Some(&b':')).then(|| skip_space(bytes, colon + 1))?;
            Some((self.text.get(at + 1..end - 1)?, start))
        };
        let found = key();
        match found {
            Some((key, start)) => {
                self.at = start;
                Some(key)
            }
            None => {
                self.broken = true;
                None
            }
        }
    }

    /// The text of the value. A value that is not whole is given as far as it
    /// goes.
    pub(super) fn value(&mut self) -> &'a str {
        let start = self.at;
        let end = end_of_value(self.text.as_bytes(), start);
        self.broken |= end.is_none();
        self.at = end.unwrap_or(self.text.len());
        self.text.get(start..self.at).unwrap_or("")
    }

    /// The value's elements, where it is an array; of anything else none.
    pub(super) fn elements(&mut self) -> Vec<&'a str> {
        let start = self.at;
        if self.text.as_bytes().get(start) != Some(&b'[') {
            self.value();
            return Vec::new();
        }
        let mut elements = Elements::of(&self.text[start..]);
        let found = elements.by_ref().collect();
        self.broken |= elements.broken;
        self.at = (start + elements.end()).min(self.text.len());
        found
    }

    /// The end of the object, once all members were read.
    pub(super) fn end(&self) -> Option<usize> {
        (!self.broken && self.text.as_bytes().get(self.at) == Some(&b'}')).then(|| self.at + 1)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.key()?;
        Some((key, self.value()))
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

    /// The end of the array, once all elements were read.
    pub(super) fn end(&self) -> usize {
        self.at.min(self.text.len())
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
                self.at = at + 1;
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

/// Where the next JSON document begins: at the start of a line, or right
/// behind another one. What stands between documents is skipped.
pub(super) fn next_document(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    let mut line_start = true;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' if line_start => return Some(at),
            b'\n' => line_start = true,
            b' ' | b'\t' | b'\r' | b',' => {}
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
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(start) = next_document(text, at) {
            let end = end_of_value(text.as_bytes(), start);
            at = end.unwrap_or(text.len());
            found.push((&text[start..at], end.is_none()));
        }
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
