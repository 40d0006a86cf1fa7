//! The kubectl command that printed a text, where it is known: from a prompt
//! in a pasted terminal, or from who recorded the call.

use crate::kinds;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::recorded) struct Command {
    /// `get`, `describe`, `logs`, `events`, `top`; empty where not known.
    pub(in crate::recorded) verb: String,
    /// As typed.
    pub(in crate::recorded) kind: Option<String>,
    pub(in crate::recorded) name: Option<String>,
    pub(in crate::recorded) namespace: Option<String>,
    pub(in crate::recorded) container: Option<String>,
    pub(in crate::recorded) all_namespaces: bool,
    pub(in crate::recorded) previous: bool,
    /// A name, a selector or a filter: not all objects are shown.
    pub(in crate::recorded) narrowed: bool,
}

/// Words of a command at most.
const MAX_WORDS: usize = 64;

impl Command {
    /// None where it is no kubectl command.
    pub(in crate::recorded) fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        let mut words = line.split_whitespace().take(MAX_WORDS).peekable();
        let program = words.next()?;
        if !matches!(program.rsplit('/').next(), Some("kubectl" | "oc" | "k")) {
            return None;
        }
        let mut command = Self::default();
        let mut rest: Vec<&str> = Vec::new();
        while let Some(word) = words.next() {
            if matches!(word, "|" | "2>&1" | ">" | "&&" | ";") {
                command.narrowed |= word == "|";
                break;
            }
            let (flag, inline) =
                word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
            let mut value =
                || inline.or_else(|| words.next()).map(|text| text.trim_matches(['"', '\'']).to_owned());
            match flag {
                "-n" | "--namespace" => command.namespace = value(),
                "-A" | "--all-namespaces" => command.all_namespaces = inline != Some("false"),
                "-c" | "--container" => command.container = value(),
                "-p" | "--previous" => command.previous = true,
                "-l" | "--selector" | "--field-selector" => {
                    let _ = value();
                    command.narrowed = true;
                }
                "--for" => {
                    let object = value().unwrap_or_default();
                    command.narrowed = true;
                    command.target(&object);
                }
                "-o" | "--output" | "--context" | "--kubeconfig" | "--tail" | "--since" | "--sort-by"
                | "-f" | "--limit-bytes" | "--cluster" | "--user" | "--types" => {
                    let _ = value();
                }
                _ if word.starts_with('-') => {}
                _ => rest.push(word),
            }
        }
        let mut rest = rest.into_iter();
        command.verb = rest.next()?.to_owned();
        if command.verb == "logs" {
            if let Some(pod) = rest.next() {
                command.kind = Some("pod".to_owned());
                command.name =
                    Some(pod.strip_prefix("pod/").or(pod.strip_prefix("pods/")).unwrap_or(pod).to_owned());
            }
            if let Some(container) = rest.next() {
                command.container.get_or_insert_with(|| container.to_owned());
            }
            return Some(command);
        }
        if let Some(first) = rest.next() {
            command.target(first);
            if let Some(name) = rest.next() {
                command.name = Some(name.to_owned());
                command.narrowed = true;
            }
        }
        Some(command)
    }

    /// `deployment/web` or `deployment`.
    fn target(&mut self, text: &str) {
        match text.split_once('/') {
            Some((kind, name)) => {
                self.kind = Some(kind.to_owned());
                self.name = Some(name.to_owned());
                self.narrowed = true;
            }
            None => self.kind = Some(text.to_owned()),
        }
    }

    /// The kind as Kubernetes ships it.
    pub(in crate::recorded) fn builtin(&self) -> Option<&'static kinds::Builtin> {
        kinds::KindName::parse(self.kind.as_deref()?).builtin()
    }
}

/// The command behind a prompt: `$ kubectl get pods`.
pub(super) fn prompt(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let command =
        ["$ ", "# ", "> ", "% "].iter().find_map(|prompt| line.strip_prefix(prompt)).unwrap_or(line);
    let program = command.split_whitespace().next()?;
    (matches!(program, "kubectl" | "oc") && command.split_whitespace().nth(1).is_some()).then_some(command)
}

/// The parts of a text, each with the command that printed it.
pub(super) fn split<'t>(text: &'t str, around: &Command) -> Vec<(Command, &'t str)> {
    let mut parts = Vec::new();
    let mut command = around.clone();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(next) = prompt(line).and_then(Command::parse) {
            parts.push((std::mem::replace(&mut command, next), &text[start..at]));
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push((command, &text[start..]));
    parts.retain(|(_, text)| !text.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let check = |line: &str, expect: &str| {
            let found = Command::parse(line).map_or("none".to_owned(), |c| {
                let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
                let flags = [(c.all_namespaces, "A"), (c.previous, "p"), (c.narrowed, "x")];
                let flags: String = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).collect();
                format!(
                    "{} {} {} {} {} {flags}",
                    c.verb,
                    text(c.kind),
                    text(c.name),
                    text(c.namespace),
                    text(c.container)
                )
            });
            assert_eq!(found.trim_end(), expect, "{line}");
        };
        check("kubectl describe pod api-1 -n shop", "describe pod api-1 shop - x");
        check("kubectl get -A --show-labels -o wide pod | grep api", "get pod - - - Ax");
        check("kubectl get pods", "get pods - - -");
        check("kubectl logs api-1 web -n shop --previous", "logs pod api-1 shop web p");
        check("kubectl -n shop logs pod/api-1 -c web", "logs pod api-1 shop web");
        check("kubectl events --for deployment/api -n shop", "events deployment api shop - x");
        check("helm list", "none");
        check("kubectl", "none");
    }
}
