//! HTML as text, roughly: what a reader would see, in its order. No parser of
//! HTML and not meant to be one; any bytes give some text, in one pass.

/// Elements whose content is not shown.
const HIDDEN: &[&str] =
    &["script", "style", "head", "template", "noscript", "svg", "iframe", "object", "select"];
/// Elements that begin a line of their own.
const BLOCKS: &[&str] = &[
    "p",
    "div",
    "br",
    "hr",
    "ul",
    "ol",
    "table",
    "tr",
    "section",
    "article",
    "header",
    "footer",
    "nav",
    "aside",
    "main",
    "pre",
    "blockquote",
    "dl",
    "dt",
    "dd",
    "form",
    "figure",
    "title",
];

/// The text of a page.
pub(crate) fn text(html: &str) -> String {
    let mut out = Out::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        out.words(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").and_then(|end| comment.get(end + 3..)).unwrap_or_default();
            continue;
        }
        let Some((tag, after)) = tag(rest) else {
            out.words("<");
            rest = rest.get(1..).unwrap_or_default();
            continue;
        };
        rest = after;
        if HIDDEN.contains(&tag.name.as_str()) && !tag.closes && !tag.is_empty {
            if tag.name == "head" {
                out.words(title(rest).unwrap_or_default());
                out.end_line();
            }
            rest = behind(rest, &tag.name);
            continue;
        }
        out.tag(&tag);
    }
    out.words(rest);
    out.text.trim().to_owned()
}

struct Tag {
    name: String,
    closes: bool,
    /// `<br/>`
    is_empty: bool,
}

/// The tag at the beginning of the text, and what is behind it.
fn tag(text: &str) -> Option<(Tag, &str)> {
    let inner = text.get(1..)?;
    let (closes, inner) = inner.strip_prefix('/').map_or((false, inner), |inner| (true, inner));
    if !inner.starts_with(|first: char| first.is_ascii_alphabetic() || first == '!' || first == '?') {
        return None;
    }
    let mut quote = None;
    // An attribute may hold a `>` in quotes.
    let end = inner.char_indices().find(|(_, letter)| match (quote, letter) {
        (None, '"' | '\'') => {
            quote = Some(*letter);
            false
        }
        (Some(open), letter) if open == *letter => {
            quote = None;
            false
        }
        (None, '>') => true,
        _ => false,
    });
    let (end, _) = end?;
    let content = inner.get(..end)?;
    let name: String = content.chars().take_while(char::is_ascii_alphanumeric).take(20).collect();
    Some((
        Tag { name: name.to_ascii_lowercase(), closes, is_empty: content.ends_with('/') },
        inner.get(end + 1..)?,
    ))
}

/// What is behind the closing tag of an element; nothing where it is never closed.
fn behind<'t>(text: &'t str, name: &str) -> &'t str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        let close = rest.get(at..).unwrap_or_default();
        let is = close.get(2..2 + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
        if is && let Some(end) = close.find('>') {
            return close.get(end + 1..).unwrap_or_default();
        }
        rest = close.get(2..).unwrap_or_default();
    }
    ""
}

/// The title inside a head.
fn title(head: &str) -> Option<&str> {
    let lower = head.get(..head.len().min(20_000)).unwrap_or(head);
    let from = lower.find("<title>")? + 7;
    let rest = head.get(from..)?;
    rest.get(..rest.find("</")?)
}

#[derive(Default)]
struct Out {
    text: String,
    preformatted: bool,
}

impl Out {
    fn end_line(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn words(&mut self, text: &str) {
        let text = entities(text);
        if self.preformatted {
            self.text.push_str(&text);
            return;
        }
        let starts_apart = text.starts_with(char::is_whitespace);
        let mut first = true;
        for word in text.split_whitespace() {
            if (!first || starts_apart) && !self.text.is_empty() && !self.text.ends_with(['\n', ' ']) {
                self.text.push(' ');
            }
            self.text.push_str(word);
            first = false;
        }
        if text.ends_with(char::is_whitespace) && !self.text.is_empty() && !self.text.ends_with(['\n', ' ']) {
            self.text.push(' ');
        }
    }

    fn tag(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.end_line();
                if !tag.closes {
                    let level =
                        tag.name.as_bytes().get(1).copied().map_or(1, |digit| usize::from(digit - b'0'));
                    self.text.push_str(&"#".repeat(level));
                    self.text.push(' ');
                }
            }
            "li" => {
                self.end_line();
                if !tag.closes {
                    self.text.push_str("- ");
                }
            }
            "td" | "th" if tag.closes => self.text.push_str(" | "),
            "pre" => {
                self.end_line();
                self.preformatted = !tag.closes && !tag.is_empty;
            }
            name if BLOCKS.contains(&name) => self.end_line(),
            _ => {}
        }
    }
}

/// The text with its commonest entities as letters.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let letter = end.and_then(|end| rest.get(1..end)).and_then(entity);
        match (letter, end) {
            (Some(letter), Some(end)) => {
                out.push(letter);
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            _ => {
                out.push('&');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "copy" => '©',
        "rarr" => '→',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_what_a_reader_sees() {
        for (html, expect) in [
            ("plain  text", "plain text"),
            ("<p>one</p><p>two <b>bold</b>, &amp; more&nbsp;</p>", "one\ntwo bold, & more"),
            (
                "<html><head><title>T &lt;x&gt;</title><style>a{}</style></head><body><h1>H</h1>x</body>",
                "T <x>\n# H\nx",
            ),
            ("<ul><li>a<li>b</ul>c", "- a\n- b\nc"),
            ("<script>alert('</b>')</script>after", "after"),
            ("<script>never closed", ""),
            ("<!-- <p>no</p> -->yes", "yes"),
            ("<pre>a\n  b</pre>c", "a\n  b\nc"),
            ("<table><tr><td>a</td><td>b</td></tr></table>", "a | b |"),
            ("<a title=\"x>y\" href='z'>link</a>", "link"),
            ("1 < 2 && 3 > 2 &unknown; &#65;&#x42;", "1 < 2 && 3 > 2 &unknown; AB"),
            ("<", "<"),
            ("</", "</"),
            ("<a", "<a"),
        ] {
            assert_eq!(text(html), expect, "{html}");
        }
    }
}
