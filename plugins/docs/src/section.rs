//! Markdown in sections: from one heading to the next, with the headings above
//! it. Knows as much of Markdown as that takes: headings of both kinds, fenced
//! code, and front matter.

use crate::folder::Document;

/// Lines of a section at most: longer ones are cut in parts, so that a citation stays close to what it cites.
const LONGEST: usize = 80;
/// Sections of one document at most.
const MOST: usize = 2_000;

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section<'d> {
    pub path: &'d str,
    /// From the document's title to its own heading.
    pub titles: Vec<String>,
    /// The first line, from 1: its heading, where it has one.
    pub from: usize,
    pub lines: Vec<&'d str>,
}

impl Section<'_> {
    /// The last line.
    pub(crate) fn to(&self) -> usize {
        (self.from + self.lines.len()).saturating_sub(1)
    }

    /// `oom.md#L12`
    pub(crate) fn citation(&self) -> String {
        format!("{}#L{}", self.path, self.from)
    }

    /// `OOMKilled > What to do`
    pub(crate) fn title(&self) -> String {
        self.titles.join(" > ")
    }
}

/// The sections of a document, in order, which together are all of its lines.
pub(crate) fn sections(document: &Document) -> Vec<Section<'_>> {
    let lines: Vec<&str> = document.text.lines().collect();
    let mut out: Vec<Section<'_>> = Vec::new();
    let mut titles: Vec<(usize, String)> = Vec::new();
    let mut fence: Option<&str> = None;
    let body = front_matter(&lines);
    let mut start = 0;
    for (at, line) in lines.iter().enumerate().skip(body) {
        let trimmed = line.trim_start();
        if let Some(mark) = ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark)) {
            match fence {
                None => fence = Some(mark),
                Some(open) if open == mark => fence = None,
                Some(_) => {}
            }
            continue;
        }
        if fence.is_some() {
            continue;
        }
        let Some((level, title)) = heading(line, lines.get(at + 1).copied()) else { continue };
        push(&mut out, document, &titles, &lines, start, at);
        start = at;
        titles.retain(|(above, _)| *above < level);
        titles.push((level, title));
    }
    push(&mut out, document, &titles, &lines, start, lines.len());
    out
}

fn push<'d>(
    out: &mut Vec<Section<'d>>,
    document: &'d Document,
    titles: &[(usize, String)],
    lines: &[&'d str],
    from: usize,
    to: usize,
) {
    let part = lines.get(from..to).unwrap_or_default();
    if part.iter().all(|line| line.trim().is_empty()) {
        return;
    }
    for (number, lines) in part.chunks(LONGEST).enumerate() {
        if out.len() >= MOST {
            return;
        }
        out.push(Section {
            path: &document.path,
            titles: titles.iter().map(|(_, title)| title.clone()).collect(),
            from: from + number * LONGEST + 1,
            lines: lines.to_vec(),
        });
    }
}

/// The level and text of a heading: `## Text`, or a text with a line of `=` or `-` below it.
fn heading(line: &str, below: Option<&str>) -> Option<(usize, String)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    if (1..=6).contains(&level) {
        let rest = line.get(level..)?;
        if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
            return None;
        }
        return Some((level, rest.trim().trim_end_matches('#').trim_end().to_owned()));
    }
    let text = line.trim();
    let plain = text.chars().next().is_some_and(char::is_alphanumeric) && !line.starts_with("    ");
    let below = below?.trim_end();
    let all = |mark: char| below.len() >= 3 && below.chars().all(|letter| letter == mark);
    match (plain, all('='), all('-')) {
        (true, true, _) => Some((1, text.to_owned())),
        // Below a row of a table is no heading.
        (true, _, true) if !text.contains('|') => Some((2, text.to_owned())),
        _ => None,
    }
}

/// The number of lines of front matter between two `---` at the head.
fn front_matter(lines: &[&str]) -> usize {
    if lines.first().map(|line| line.trim_end()) != Some("---") {
        return 0;
    }
    let end = lines.iter().skip(1).take(200).position(|line| line.trim_end() == "---");
    end.map_or(0, |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let document = Document { path: "a.md".into(), text: text.into() };
        let found: Vec<String> = sections(&document)
            .iter()
            .map(|section| format!("{}-{} {}", section.citation(), section.to(), section.title()))
            .collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn a_document_falls_into_its_sections() {
        check("", &[]);
        check("text\nonly", &["a.md#L1-2 "]);
        check(
            "intro\n# One\na\n## Two ##\nb\n### Three\n## Four\n# Five",
            &[
                "a.md#L1-1 ",
                "a.md#L2-3 One",
                "a.md#L4-5 One > Two",
                "a.md#L6-6 One > Two > Three",
                "a.md#L7-7 One > Four",
                "a.md#L8-8 Five",
            ],
        );
        check("# A\n```sh\n# no heading\n```\n#no heading\ntext", &["a.md#L1-6 A"]);
        check(
            "---\ntitle: x\n---\nTitle\n=====\ntext\n\nPart\n---\nx",
            &["a.md#L1-3 ", "a.md#L4-7 Title", "a.md#L8-10 Title > Part"],
        );
        check("# T\n|a|b|\n|---|---|\n|1|2|", &["a.md#L1-4 T"]);
    }

    #[test]
    fn a_long_section_is_cut_in_parts() {
        let text = format!("# A\n{}", "line\n".repeat(100));
        check(&text, &["a.md#L1-80 A", "a.md#L81-101 A"]);
    }
}
