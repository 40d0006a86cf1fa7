//! Whether a text is what the ending of its name says: JSON in full; of YAML
//! and TOML only slips that no reader forgives, since both are wide languages.

/// Longer texts are not read.
const LONGEST: usize = 262_144;

/// The error says what is wrong, and on which line.
pub(super) fn check(key: &str, content: &str) -> Result<(), String> {
    // Templates are filled in by somebody before they are read, and what was
    // taken out of a recording is not what the program read.
    let altered = ["{{", "${", "***", "redacted", "REDACTED"].iter().any(|mark| content.contains(mark));
    if content.len() > LONGEST || content.trim().is_empty() || altered {
        return Ok(());
    }
    match key.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("json") => json(content),
        Some("yaml" | "yml") => yaml(content),
        Some("toml") => toml(content),
        Some("conf") | None if is_nginx(content) => nginx(content),
        _ => Ok(()),
    }
}

/// Whether a text is written for nginx: blocks that nothing else has.
fn is_nginx(content: &str) -> bool {
    content.lines().map(str::trim).any(|line| {
        line.strip_suffix('{').map(str::trim_end).is_some_and(|head| {
            matches!(head, "server" | "http" | "events")
                || head.starts_with("location ")
                || head.starts_with("upstream ")
        })
    })
}

/// Blocks that are not closed, and directives without their semicolon.
fn nginx(content: &str) -> Result<(), String> {
    let mut depth = 0_i64;
    let mut goes_on = false;
    for (at, line) in content.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        // Quotes may hold anything, and so may what is not nginx's own.
        if line.contains(['"', '\'']) || line.contains("_by_lua") {
            return Ok(());
        }
        if line.is_empty() {
            continue;
        }
        depth += line.matches('{').count() as i64 - line.matches('}').count() as i64;
        if depth < 0 {
            return Err(format!("a `}}` on line {} closes what nothing opened", at + 1));
        }
        if goes_on && line.starts_with('}') {
            return Err(format!("the directive before line {} has no `;`", at + 1));
        }
        goes_on = !line.ends_with([';', '{', '}']);
    }
    if depth > 0 { Err("a `{` is never closed".to_owned()) } else { Ok(()) }
}

fn json(content: &str) -> Result<(), String> {
    match serde_json::from_str::<serde::de::IgnoredAny>(content) {
        Ok(_) => Ok(()),
        // Too deep for this reader is not wrong.
        Err(error) if error.to_string().contains("recursion limit") => Ok(()),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

/// Tabs in the indentation, a value in quotes that never end, a key without a
/// space after its colon beside keys with one.
fn yaml(content: &str) -> Result<(), String> {
    let mut block: Option<usize> = None;
    for (at, line) in content.lines().enumerate() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        if let Some(depth) = block {
            // The text of a block may hold anything.
            if line.trim().is_empty() || indent > depth {
                continue;
            }
            block = None;
        }
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if line.trim_start_matches(' ').starts_with('\t') && !trimmed.starts_with(['{', '}', '[', ']', '"']) {
            return Err(format!("it is no YAML: line {} is indented with a tab", at + 1));
        }
        if trimmed.ends_with(['|', '>'])
            || [": |", ": >", "- |", "- >"].iter().any(|mark| trimmed.contains(mark))
        {
            block = Some(indent);
            continue;
        }
        let value = trimmed.split_once(": ").map_or("", |(_, value)| value.trim());
        for quote in ['"', '\''] {
            let open = value.starts_with(quote) && value.matches(quote).count() == 1 && !value.contains('\\');
            let next = content.lines().nth(at + 1).is_some_and(|next| next.contains(quote));
            if open && !next {
                return Err(format!("it is no YAML: the quote on line {} is not closed", at + 1));
            }
        }
    }
    Ok(())
}

/// A line that is neither a table nor `key = value`, outside of what goes on
/// over several lines.
fn toml(content: &str) -> Result<(), String> {
    if content.contains("\"\"\"") || content.contains("'''") {
        return Ok(());
    }
    let mut open = 0_i64;
    for (at, line) in content.lines().enumerate() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let count = |marks: [char; 2]| line.matches(marks).count() as i64;
        let inside = open > 0;
        let closing = count([']', '}']);
        let opening = count(['[', '{']);
        open = (open + opening - closing).max(0);
        if inside || line.starts_with('[') {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key.trim(), value.trim()),
            None => return Err(format!("it is no TOML: line {} has no `=`", at + 1)),
        };
        if key.is_empty() || value.is_empty() {
            return Err(format!("it is no TOML: line {} lacks its key or its value", at + 1));
        }
        if value.starts_with('"') && value.matches('"').count() == 1 {
            return Err(format!("it is no TOML: the quote on line {} is not closed", at + 1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_that_no_reader_forgives() {
        for (key, content, good) in [
            ("a.json", "{\"a\": [1, 2]}", true),
            ("a.json", "{\"a\": [1, 2}", false),
            ("a.json", "{{ template }}", true),
            ("a.json", "{\"a\": ***HIDDEN***}", true),
            ("a.json", "", true),
            ("a.yaml", "a: 1\nb:\n  - c\n", true),
            ("a.yaml", "a:\n\t- b\n", false),
            ("a.yaml", "a: |\n  \tx\n  y: \"z\nb: 1\n", true),
            ("a.yml", "a: \"b\nc: 1\n", false),
            ("a.yml", "a: \"b\n  c\"\n", true),
            ("a.yml", "a: it's\n", true),
            ("a.toml", "[a]\nb = 1 # c\nd = [\n  1,\n  2\n]\n", true),
            ("a.toml", "[a]\nb 1\n", false),
            ("a.toml", "b = \"x\n", false),
            ("default.conf", "server {\n  listen 80;\n  location / {\n    root /x;\n  }\n}\n", true),
            ("default.conf", "server {\n  listen 80;\n  location / {\n    root /x;\n}\n", false),
            ("nginx.conf", "server {\n  listen 80\n}\n", false),
            ("app.conf", "section {\n", true),
            ("a.txt", "{", true),
            ("json", "{", true),
        ] {
            assert_eq!(check(key, content).is_ok(), good, "{key} {content:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged_without_a_panic(key in "[a-z.]{0,12}", content in "\\PC{0,200}") {
            for ending in ["", ".json", ".yaml", ".toml", ".conf"] {
                let _ = check(&format!("{key}{ending}"), &content);
            }
        }
    }
}
