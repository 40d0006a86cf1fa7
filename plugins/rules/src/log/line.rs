//! Error lines of a log: told from the rest by their level or by words that
//! only failures have, counted with numbers and times left out.

use std::collections::HashMap;

/// Lines of one log that are looked at: its end.
pub const MOST_LINES: usize = 400;

/// Lines that say the same, as far as numbers and times do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorLine {
    /// The place of the last of them in the log.
    pub at: usize,
    /// The place of the first.
    pub first: usize,
    /// The last of them as it is.
    pub text: String,
    pub count: usize,
}

/// The distinct error lines, the most frequent first, then the latest.
#[must_use]
pub fn errors(lines: &[String]) -> Vec<ErrorLine> {
    let start = lines.len().saturating_sub(MOST_LINES);
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut found: Vec<ErrorLine> = Vec::new();
    for (at, line) in lines.iter().enumerate().skip(start) {
        if !is_error(line) {
            continue;
        }
        let key = normalise(line);
        match seen.get(&key).and_then(|place| found.get_mut(*place)) {
            Some(known) => {
                known.count += 1;
                known.at = at;
                known.text.clone_from(line);
            }
            None => {
                seen.insert(key, found.len());
                found.push(ErrorLine { at, first: at, text: line.clone(), count: 1 });
            }
        }
    }
    found.sort_by_key(|error| (usize::MAX - error.count, usize::MAX - error.at));
    found
}

/// How grave a line says it is, where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Quiet,
    Warning,
    Error,
}

/// The level that the line itself names: `ERROR`, `level=warn`, klog's `E0102`.
#[must_use]
pub fn level(line: &str) -> Option<Level> {
    let head: String = line.chars().take(160).collect();
    let mut chars = head.chars();
    // klog: one letter and four digits.
    if let Some(letter @ ('I' | 'W' | 'E' | 'F')) = chars.next() {
        let rest: Vec<char> = chars.take(5).collect();
        if rest.len() == 5 && rest.iter().take(4).all(char::is_ascii_digit) && rest.get(4) == Some(&' ') {
            return Some(match letter {
                'I' => Level::Quiet,
                'W' => Level::Warning,
                _ => Level::Error,
            });
        }
    }
    let lower = head.to_ascii_lowercase();
    for key in ["level=", "\"level\":", "\"severity\":", "lvl=", "\"level\" :", "\"loglevel\":"] {
        if let Some((_, rest)) = lower.split_once(key) {
            let word = rest.trim_start_matches([' ', '"', '\'']);
            return level_of_word(word.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or(""));
        }
    }
    // A level in capitals, standing alone, near the head.
    head.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .take(14)
        .filter(|word| word.len() >= 3 && word.chars().all(|c| c.is_ascii_uppercase()))
        .find_map(|word| level_of_word(&word.to_ascii_lowercase()))
        .or_else(|| {
            // `[error]`, `<error>` and `error:` in small letters, as nginx and others have it.
            ["error", "crit", "alert", "emerg", "warn", "warning", "info", "debug", "notice", "fatal"]
                .iter()
                .find(|word| lower.contains(&format!("[{word}]")) || lower.starts_with(&format!("{word}:")))
                .and_then(|word| level_of_word(word))
        })
}

fn level_of_word(word: &str) -> Option<Level> {
    match word {
        "trace" | "debug" | "info" | "information" | "notice" | "verbose" | "log" | "dbg" | "inf" => {
            Some(Level::Quiet)
        }
        "warn" | "warning" | "wrn" => Some(Level::Warning),
        "error" | "err" | "fatal" | "critical" | "crit" | "panic" | "severe" | "alert" | "emerg"
        | "emergency" => Some(Level::Error),
        _ => None,
    }
}

/// Words that only failures have.
const FAILURES: &[&str] = &[
    "error:",
    "error ",
    "exception",
    "traceback (most recent call last)",
    "panic:",
    "fatal:",
    "fatal error",
    "segmentation fault",
    "core dumped",
    "syntax error",
    "connection refused",
    "econnrefused",
    "no such host",
    "enotfound",
    "unknown host",
    "unknownhost",
    "name or service not known",
    "could not resolve",
    "permission denied",
    "no such file or directory",
    "no space left",
    "out of memory",
    "cannot allocate memory",
    "address already in use",
    "eaddrinuse",
    "modulenotfounderror",
    "importerror",
    "cannot find module",
    "certificate has expired",
    "certificate expired",
    "x509:",
    "authentication failed",
    "access denied",
    "unable to connect",
    "failed to connect",
    "can't connect",
    "could not connect",
    "cannot connect",
    "command not found",
    "unbound variable",
    "bad address",
    "timed out",
    "keyerror",
    "invalid configuration",
    "not set",
    "is required",
    "missing required",
    "read-only file system",
    "failed to load",
    "failed to start",
    "host(s) tried",
    "refused",
    "oomkilled",
    "unhandled",
    "uncaught",
    "aborted",
];

/// Whether the line tells of a failure.
#[must_use]
pub fn is_error(line: &str) -> bool {
    match level(line) {
        Some(Level::Error) => !is_harmless(line),
        Some(Level::Quiet) => false,
        Some(Level::Warning) => {
            let lower = line.to_ascii_lowercase();
            ["expired", "refused", "no such host", "timed out", "denied"]
                .iter()
                .any(|word| lower.contains(word))
        }
        None => {
            let lower: String = line.chars().take(2_000).collect::<String>().to_ascii_lowercase();
            FAILURES.iter().any(|word| lower.contains(word)) && !is_harmless(line)
        }
    }
}

/// Lines that hold such words and yet tell of none.
fn is_harmless(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    [
        "0 errors",
        "no error",
        "errors: 0",
        "error=nil",
        "error=<nil>",
        "\"error\":null",
        "error: null",
        "0 failed",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// The line without what differs from one time to the next.
#[must_use]
pub fn normalise(line: &str) -> String {
    let mut out = String::new();
    let mut in_escape = false;
    for c in line.chars().take(300) {
        match c {
            '\u{1b}' => in_escape = true,
            _ if in_escape => in_escape = !c.is_ascii_alphabetic(),
            _ if c.is_ascii_digit() => {
                if !out.ends_with('#') {
                    out.push('#');
                }
            }
            // Hexadecimal and separators between numbers belong to them.
            'a'..='f' | '.' | ':' | '-' if out.ends_with('#') => {}
            _ => out.push(c),
        }
        if out.len() > 200 {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn error_lines_are_told_from_the_rest() {
        for (line, expect) in [
            ("2025-05-29 10:15:28,411 - ERROR - SSL certificate expired", true),
            ("2025-05-29 10:14:26,369 - INFO - 127.0.0.1 \"GET / HTTP/1.1\" 200 -", false),
            ("E0102 10:00:00.000000       1 reflector.go:150] Failed to watch", true),
            ("I0102 10:00:00.000000       1 main.go:150] no error: refused", false),
            ("time=\"2024-01-01T00:00:00Z\" level=error msg=\"boom\"", true),
            ("{\"level\":\"info\",\"msg\":\"connection refused earlier\"}", false),
            ("/bin/sh: syntax error: unexpected \"fi\"", true),
            ("2024/01/01 00:00:00 [error] 29#29: open() failed", true),
            ("done with 0 errors", false),
            ("All host(s) tried for db query failed (tried: prod-db:3333)", true),
            ("Listening on :8080", false),
            ("WARNING: This is a development server.", false),
        ] {
            assert_eq!(is_error(line), expect, "{line}");
        }
    }

    #[test]
    fn the_same_error_is_counted_once_per_time() {
        let found = errors(&lines(
            "10:00:01 ERROR dial tcp 10.0.0.1:5432: refused\nok\n10:00:09 ERROR dial tcp 10.0.0.7:5432: refused\nFATAL bye",
        ));
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].count, found[0].at, found[0].first), (2, 2, 0));
    }
}
