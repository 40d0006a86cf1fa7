//! The output of `kubectl describe` as a tree of lines by their indentation.

/// A line with the lines that are indented below it.
#[derive(Debug, Default)]
pub(super) struct Block<'t> {
    pub(super) text: &'t str,
    indent: usize,
    pub(super) below: Vec<Block<'t>>,
}

/// Levels at most; deeper lines count as the deepest level.
const MAX_DEPTH: usize = 24;

/// Builds the tree without recursion, whatever the indentation.
pub(super) fn parse<'t>(lines: &[&'t str]) -> Block<'t> {
    let mut open: Vec<Block<'t>> = vec![Block::default()];
    for line in lines {
        let text = line.trim_end();
        let content = text.trim_start();
        if content.is_empty() {
            continue;
        }
        let indent = text.len() - content.len() + 1;
        while open.len() > 1 && (open[open.len() - 1].indent >= indent || open.len() > MAX_DEPTH) {
            close(&mut open);
        }
        open.push(Block { text: content, indent, below: Vec::new() });
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().unwrap_or_default()
}

fn close<'t>(open: &mut Vec<Block<'t>>) {
    if let Some(done) = open.pop()
        && let Some(above) = open.last_mut()
    {
        above.below.push(done);
    }
}

impl<'t> Block<'t> {
    /// `Key:   value` as both. The value may be empty.
    pub(super) fn split(&self) -> (&'t str, &'t str) {
        let mut from = 0;
        while let Some(at) = self.text[from..].find(':') {
            let at = from + at;
            let rest = &self.text[at + 1..];
            if rest.is_empty() || rest.starts_with(' ') || rest.starts_with('\t') {
                return (self.text[..at].trim(), rest.trim());
            }
            from = at + 1;
        }
        (self.text, "")
    }

    pub(super) fn key(&self) -> &'t str {
        self.split().0
    }

    pub(super) fn get(&self, key: &str) -> Option<&Block<'t>> {
        self.below.iter().find(|block| block.key().eq_ignore_ascii_case(key))
    }

    /// What stands behind the key, none for `<none>` and the like.
    pub(super) fn value(&self, key: &str) -> Option<&'t str> {
        super::given(self.get(key)?.split().1)
    }

    /// The value of a key with the lines below it: labels, annotations.
    pub(super) fn values(&self, key: &str) -> Vec<&'t str> {
        let Some(block) = self.get(key) else { return Vec::new() };
        let mut values: Vec<&'t str> = super::given(block.split().1).into_iter().collect();
        block.leaves(&mut values);
        values.truncate(super::MAX_ENTRIES);
        values
    }

    /// All lines below, in order.
    pub(super) fn leaves(&self, lines: &mut Vec<&'t str>) {
        for block in &self.below {
            lines.push(block.text);
            block.leaves(lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        let text = "Name:  a\nLabels:  x=1\n         y=2\nContainers:\n  web:\n    Image:  nginx\n    Ports:  80/TCP\nEvents:  <none>";
        let lines: Vec<&str> = text.lines().collect();
        let root = parse(&lines);
        assert_eq!(root.value("name"), Some("a"));
        assert_eq!(root.values("Labels"), ["x=1", "y=2"]);
        assert_eq!(root.get("Containers").unwrap().below[0].value("Image"), Some("nginx"));
        assert_eq!(root.value("Events"), None);
    }

    #[test]
    fn any_indentation_ends() {
        let lines: Vec<String> = (0..5_000).map(|at| " ".repeat(at) + "x:").collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let root = parse(&lines);
        let mut below = Vec::new();
        root.leaves(&mut below);
        assert_eq!(below.len(), 5_000);
    }
}
