//! Names in log lines: environment variables, hosts, ports, files, modules.

/// Words in capitals that are no variables.
const NO_VARIABLES: &[&str] = &[
    "ERROR",
    "FATAL",
    "WARN",
    "WARNING",
    "INFO",
    "DEBUG",
    "TRACE",
    "CRITICAL",
    "PANIC",
    "HTTP",
    "HTTPS",
    "JSON",
    "YAML",
    "TOML",
    "NULL",
    "NONE",
    "TRUE",
    "FALSE",
    "GET",
    "POST",
    "PUT",
    "DELETE",
    "HEAD",
    "TLS",
    "SSL",
    "TCP",
    "UDP",
    "DNS",
    "URL",
    "URI",
    "API",
    "SQL",
    "SQLSTATE",
    "UTC",
    "GMT",
    "EOF",
    "ENOENT",
    "EACCES",
    "ECONNREFUSED",
    "ENOTFOUND",
    "EADDRINUSE",
    "ETIMEDOUT",
    "EPERM",
    "MODULE_NOT_FOUND",
    "ERR_MODULE_NOT_FOUND",
    "ACL",
    "LOG",
    "STDERR",
    "STDOUT",
    "NOT",
    "SEVERE",
    "CONFIG",
    "SIGTERM",
    "SIGKILL",
    "ERR",
    "NOTICE",
    "ALERT",
    "RUN",
    "FILE",
    "KEY",
    "ENV",
    "MUST",
    "SET",
];

/// Whether a word is formed like the name of an environment variable.
#[must_use]
pub fn is_variable(word: &str) -> bool {
    word.len() >= 3
        && word.len() <= 80
        && word.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && (word.contains('_') || word.len() >= 4)
        && !NO_VARIABLES.contains(&word)
        && !word.starts_with("ERR_")
}

/// The first word of the line formed like a variable, those with `_` first.
#[must_use]
pub fn variable(line: &str) -> Option<&str> {
    let words =
        || line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| is_variable(word));
    words().find(|word| word.contains('_')).or_else(|| words().next())
}

/// What stands in the first pair of quotes after `mark`.
#[must_use]
pub fn quoted_after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(mark)?;
    let start = rest.find(['\'', '"', '`'])?;
    let quote = rest.get(start..)?.chars().next()?;
    let inner = rest.get(start + 1..)?;
    let end = inner.find(quote)?;
    let found = inner.get(..end)?;
    (!found.is_empty() && found.len() <= 200).then_some(found)
}

/// The first word after `mark`, without quotes and punctuation around it.
#[must_use]
pub fn word_after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let at = find_ignoring_case(line, mark)?;
    let rest = line.get(at + mark.len()..)?;
    let word = rest
        .trim_start_matches([' ', ':', '\'', '"', '`', '=', '(', '['])
        .split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | ',' | ')' | '(' | ']' | ';'))
        .next()?
        .trim_end_matches(['.', ':']);
    (!word.is_empty() && word.len() <= 250).then_some(word)
}

/// Where `mark` (in ASCII) begins in the line, in capitals or not.
#[must_use]
pub fn find_ignoring_case(line: &str, mark: &str) -> Option<usize> {
    line.to_ascii_lowercase().find(&mark.to_ascii_lowercase())
}

/// A host, with its port where one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub host: String,
    pub port: Option<u16>,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Whether the text is a host name or an IPv4 address.
#[must_use]
pub fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Whether the text is an IPv4 address.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok())
}

/// `host:port`, `host` or a URL, as a target.
#[must_use]
pub fn target_of(text: &str) -> Option<Target> {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next()?;
    let text = text.rsplit('@').next()?.trim_matches(['\'', '"', '(', ')', '[', ']', ',', '.']);
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (text, None),
    };
    is_host(host).then(|| Target { host: host.to_owned(), port })
}

/// The other side that the line speaks of: the first `host:port` with letters
/// in the host, else an address with a port.
#[must_use]
pub fn target(line: &str) -> Option<Target> {
    let candidates: Vec<Target> = line
        .split(|c: char| {
            c.is_whitespace()
                || matches!(c, '(' | ')' | '"' | '\'' | '`' | ',' | ';' | '=' | '>' | '<' | '[' | ']')
        })
        .filter_map(|word| {
            let word = word.trim_end_matches(['.', ':', ',']);
            let target = target_of(word)?;
            // Java writes both: `db/10.0.0.1:5432`.
            let target = match word.split_once('/').and_then(|(_, rest)| target_of(rest)) {
                Some(address) if target.port.is_none() && is_address(&address.host) => {
                    Target { host: target.host, port: address.port }
                }
                _ => target,
            };
            let named_port = target.port.is_some_and(|port| port > 0);
            let scheme = word.contains("://");
            // `10:15:28` and `main.go:12` are no targets.
            let letters = target.host.chars().any(|c| c.is_ascii_alphabetic());
            let source = [
                "go", "py", "js", "ts", "rb", "java", "rs", "c", "cc", "cpp", "php", "sh", "kt", "scala",
                "mjs",
            ]
            .iter()
            .any(|ending| target.host.rsplit_once('.').is_some_and(|(_, last)| last == *ending));
            ((scheme || named_port) && (letters || is_address(&target.host)) && (scheme || !source))
                .then_some(target)
        })
        .collect();
    candidates
        .iter()
        .find(|target| !is_address(&target.host) && target.port != Some(53))
        .or_else(|| candidates.iter().find(|target| target.port != Some(53)))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_found_in_the_words_of_many_languages() {
        for (line, expect) in [
            ("dial tcp 10.96.12.3:5432: connect: connection refused", Some("10.96.12.3:5432")),
            ("All host(s) tried for db query failed (tried: prod-db:3333) - no", Some("prod-db:3333")),
            ("Error: connect ECONNREFUSED 127.0.0.1:6379", Some("127.0.0.1:6379")),
            (
                "could not reach http://api.shop.svc.cluster.local:8080/health",
                Some("api.shop.svc.cluster.local:8080"),
            ),
            ("10:15:28 main.go:12 nothing here", None),
            ("lookup db on 10.96.0.10:53: no such host", None),
            ("postgres://user@db/app failed", Some("db")),
        ] {
            assert_eq!(target(line).map(|target| target.to_string()).as_deref(), expect, "{line}");
        }
    }

    #[test]
    fn variables_are_told_from_levels() {
        assert_eq!(variable("FATAL: DATABASE_URL is not set"), Some("DATABASE_URL"));
        assert_eq!(variable("ERROR in HTTP handler"), None);
        assert_eq!(word_after("lookup db-main on 10.0.0.1:53", "lookup "), Some("db-main"));
        assert_eq!(quoted_after("KeyError: 'X'", "KeyError"), Some("X"));
    }
}
