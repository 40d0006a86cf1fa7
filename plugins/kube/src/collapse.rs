//! Repeated lines of a log, told once. Lines count as the same where they
//! differ in digits and in nothing else, such as time stamps and counters; a
//! block of some lines that comes again and again counts too.

use std::{collections::HashMap, ops::Range};

/// Lines of a block at most: a stack trace of more is shown as it is.
const LONGEST_BLOCK: usize = 12;

/// A block of lines, and how often it follows itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The lines of its first time.
    pub first: Range<usize>,
    /// Once for a block that does not come again.
    pub times: usize,
}

impl Run {
    /// The line behind its last time.
    pub(crate) fn end(&self) -> usize {
        self.first.start + self.first.len() * self.times
    }
}

/// The lines as runs. A block has to come three times to be told once: two are shown as they are.
pub(crate) fn collapse<'l>(lines: impl Iterator<Item = &'l str>) -> Vec<Run> {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let shapes: Vec<u32> = lines
        .map(|line| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(shape(line)).or_insert(next)
        })
        .collect();
    let mut runs: Vec<Run> = Vec::new();
    let mut at = 0;
    while at < shapes.len() {
        let best = (1..=LONGEST_BLOCK).find_map(|length| {
            let block = shapes.get(at..at + length)?;
            let rest = shapes.get(at..)?;
            let times = rest.chunks_exact(length).take_while(|part| *part == block).count();
            (times >= 3).then_some((length, times))
        });
        let (length, times) = best.unwrap_or((1, 1));
        runs.push(Run { first: at..at + length, times });
        at += length * times;
    }
    runs
}

/// The line with each number as one mark.
fn shape(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for letter in line.chars() {
        if !letter.is_ascii_digit() {
            out.push(letter);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expect: &str) {
        let runs: Vec<String> = collapse(lines.iter().copied())
            .iter()
            .map(|run| format!("{}..{}x{}", run.first.start, run.first.end, run.times))
            .collect();
        assert_eq!(runs.join(" "), expect, "{lines:?}");
    }

    #[test]
    fn repeated_lines_and_blocks_are_found() {
        check(&[], "");
        check(&["a", "b"], "0..1x1 1..2x1");
        check(&["a", "a"], "0..1x1 1..2x1");
        check(&["12:01 a", "12:02 a", "12:13 a", "b"], "0..1x3 3..4x1");
        check(&["a", "b", "a", "b", "a", "b", "a"], "0..2x3 6..7x1");
        check(&["x", "a", "a", "a"], "0..1x1 1..2x3");
    }

    #[test]
    fn every_line_is_in_one_run() {
        let lines: Vec<String> = (0..500).map(|number| "ab".repeat(number % 7 % 3)).collect();
        let runs = collapse(lines.iter().map(String::as_str));
        let mut at = 0;
        for run in runs {
            assert_eq!(run.first.start, at);
            at = run.end();
        }
        assert_eq!(at, 500);
    }
}
