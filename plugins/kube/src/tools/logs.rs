//! The end of a container's log: numbered as in the observation, searched, and
//! with what repeats itself told once.

use regex_lite::{Regex, RegexBuilder};
use serde_json::{Value, json};
use sickbay_plugin::{
    arguments::Arguments,
    text::{Keep, count, line, visible},
    tool::{Error, ErrorKind},
};

use super::Tool;
use crate::{
    cluster::LogQuery,
    collapse::collapse,
    json, kinds,
    look::{Look, is_segment, name},
    missing::{not_there, place},
    output::{Answer, Outcome, Stop, most_bytes},
    schema,
};

const DEFAULT_TAIL: u64 = 200;
/// Where lines are searched, more of them are read.
const DEFAULT_SEARCHED: u64 = 2_000;
const MOST_TAIL: u64 = 10_000;
/// Bytes of a log that are read.
const MOST_READ: u32 = 1 << 20;
/// Letters of one line that are shown.
const LONGEST: usize = 600;
/// Bytes that a pattern may compile to.
const PATTERN_SIZE: usize = 1 << 18;

pub(super) static TOOL: Tool = Tool {
    name: "logs",
    description: "The end of a container's log. `previous` is the run before the last restart: ask for it when a container \
                  crashes. `grep` keeps lines that hold a text, whatever its case; `pattern` those that match a regular \
                  expression. Lines that repeat are told once. Each line has its number for citing it as `/lines/N`.",
    properties: || {
        vec![
            schema::text("pod", 253, "Name of the pod"),
            schema::namespace(),
            schema::text("container", 253, "Name of the container; left out: the pod's first"),
            schema::switch("previous", "The log of the container's run before the last restart"),
            schema::number(
                "tail",
                1..=MOST_TAIL,
                "Lines to read from the end; 200 by default, 2,000 with `grep` or `pattern`",
            ),
            schema::text(
                "grep",
                500,
                "Show only lines that hold this text, upper and lower case alike: `error`",
            ),
            schema::text(
                "pattern",
                500,
                "Show only lines that match this regular expression: `(?i)time(d )?out|refused`",
            ),
            schema::number("context", 0..=20, "Lines around each match; 0 by default"),
            schema::max_bytes(),
        ]
    },
    required: &["pod"],
    run,
};

fn run(look: &Look<'_>, arguments: &Arguments) -> Outcome {
    let pod = arguments.required("pod")?;
    let container = arguments.text("container")?;
    for (argument, text) in [("pod", Some(pod)), ("container", container)] {
        if let Some(text) = text
            && !is_segment(text)
        {
            return Err(Error::invalid_input(format!(
                "`{argument}` takes a name alone, and not `{}`",
                line(text, 80)
            ))
            .into());
        }
    }
    let search = Search::of(arguments)?;
    let most = most_bytes(arguments)?;
    let previous = arguments.says("previous")?;
    let tail = arguments.number("tail", 1..=MOST_TAIL)?;
    let tail = tail.unwrap_or(if search.is_some() { DEFAULT_SEARCHED } else { DEFAULT_TAIL });
    let context = arguments.number("context", 0..=20)?.unwrap_or(0) as usize;
    let namespace = namespace(look, arguments.text("namespace")?, pod)?;

    let chosen = choose(look, &namespace, pod, container)?;
    let query = LogQuery {
        namespace: namespace.clone(),
        pod: pod.to_owned(),
        container: chosen.name.clone(),
        previous,
        tail_lines: u32::try_from(tail).unwrap_or(u32::MAX),
        limit_bytes: MOST_READ,
    };
    let log = match look.cluster().logs(&query) {
        Ok(log) => log,
        Err(error) if error.kind == ErrorKind::NotFound => {
            return Err(no_log(look, &chosen, &namespace, pod, previous, &error));
        }
        Err(error) => return Err(error.into()),
    };
    let total = log.lines.len();
    let shown = match &search {
        None => (0..total).collect(),
        Some(search) => search.lines(&log.lines, context),
    };
    let which = if previous { "log before the last restart" } else { "log" };
    let of =
        chosen.name.as_deref().map(|name| format!(", container {}", line(name, 253))).unwrap_or_default();
    let mut answer = Answer::new(
        format!("observation {}: {which} of {}{of}", log.observation, name("Pod", Some(&namespace), pod)),
        most,
    );
    let earlier = if log.truncated { ", earlier ones were not read" } else { "" };
    let found = match &search {
        None => String::new(),
        Some(search) => format!(", {} with {}", count(search.matches(&log.lines), "match"), search.says),
    };
    answer.head.push(format!("{}{earlier}{found}; cite a line as /lines/N", count(total, "line")));
    answer.head.extend(chosen.others);
    if total == 0 {
        answer.head.push("the log is empty".to_owned());
    } else if shown.is_empty() {
        answer.head.push(
            if log.truncated { "no line matches among those read: raise `tail`" } else { "no line matches" }
                .to_owned(),
        );
    }
    let lines = told(&log.lines, &shown);
    answer.keep = Keep::Last;
    answer.lines = lines.iter().map(|(_, text)| text.clone()).collect();
    let all = answer.lines.len();
    Ok(answer.output(
        |shown| {
            format!(
                "… {} earlier lines left out: narrow with `grep` or `tail`, or raise `max_bytes`",
                all - shown
            )
        },
        |shown| {
            let rows: Vec<&Value> = lines.get(shown).unwrap_or_default().iter().map(|(row, _)| row).collect();
            json!({
                "observation": log.observation, "namespace": namespace, "pod": pod, "container": chosen.name,
                "previous": previous, "total": total, "truncated": log.truncated, "lines": rows,
            })
        },
    ))
}

/// Which lines are wanted.
struct Search {
    text: Option<String>,
    pattern: Option<Regex>,
    /// For the first lines of the answer.
    says: String,
}

impl Search {
    fn of(arguments: &Arguments) -> Result<Option<Self>, Error> {
        let (text, pattern) = (arguments.text("grep")?, arguments.text("pattern")?);
        let mut says: Vec<String> = Vec::new();
        says.extend(text.map(|text| format!("`{}`", line(text, 120))));
        says.extend(pattern.map(|pattern| format!("pattern `{}`", line(pattern, 120))));
        if says.is_empty() {
            return Ok(None);
        }
        let pattern = pattern
            .map(|pattern| RegexBuilder::new(pattern).size_limit(PATTERN_SIZE).build())
            .transpose()
            .map_err(|error| {
                Error::invalid_input(format!(
                    "`pattern` is no regular expression: {}",
                    line(&error.to_string(), 200)
                ))
            })?;
        Ok(Some(Self { text: text.map(str::to_lowercase), pattern, says: says.join(" and ") }))
    }

    fn takes(&self, text: &str) -> bool {
        self.text.as_deref().is_none_or(|wanted| text.to_lowercase().contains(wanted))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }

    fn matches(&self, lines: &[String]) -> usize {
        lines.iter().filter(|text| self.takes(text)).count()
    }

    /// The numbers of the lines that match, with those around them.
    fn lines(&self, lines: &[String], context: usize) -> Vec<usize> {
        let mut wanted: Vec<usize> = Vec::new();
        for (at, _) in lines.iter().enumerate().filter(|(_, text)| self.takes(text)) {
            let from = wanted.last().map_or(0, |last| last + 1).max(at.saturating_sub(context));
            wanted.extend(from..lines.len().min(at + context + 1));
        }
        wanted
    }
}

/// The lines as they are shown, each with what it is for programs.
fn told(lines: &[String], shown: &[usize]) -> Vec<(Value, String)> {
    let text = |at: usize| lines.get(at).map_or("", String::as_str);
    let mut out = Vec::new();
    let mut last: Option<usize> = None;
    for run in collapse(shown.iter().map(|at| text(*at))) {
        let numbers = shown.get(run.first.clone()).unwrap_or_default();
        for at in numbers {
            if last.is_some_and(|last| *at > last + 1) {
                out.push((json!({ "gap": true }), "--".to_owned()));
            }
            last = Some(*at);
            let clean = cut(text(*at));
            out.push((json!({ "line": at, "text": clean }), format!("{at}: {clean}")));
        }
        if run.times > 1 {
            let more = run.times - 1;
            let end = shown.get(run.end() - 1).copied().unwrap_or_default();
            last = Some(end);
            let what = match run.first.len() {
                1 => format!("{more} more like this, the last is line {end}: {}", cut(text(end))),
                length => format!("these {length} lines {more} more times, up to line {end}"),
            };
            out.push((json!({ "repeated": more, "until": end }), format!("   … {what}")));
        }
    }
    out
}

fn cut(text: &str) -> String {
    let clean = visible(text);
    match clean.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
}

/// The pod's namespace; where the pod itself is not known, the one that the caller says.
fn namespace(look: &Look<'_>, given: Option<&str>, pod: &str) -> Result<String, Stop> {
    let kind = kinds::stable("Pod");
    place(look, &kind, given, pod)?.ok_or_else(|| Stop::Told("`namespace` is missing".to_owned()))
}

/// The container whose log is read.
struct Chosen {
    name: Option<String>,
    /// A line about those that were not chosen.
    others: Option<String>,
    /// All that the pod has; empty where the pod is not known.
    known: Vec<String>,
    /// Whether the pod itself could be read.
    pod: bool,
}

fn choose(look: &Look<'_>, namespace: &str, pod: &str, wanted: Option<&str>) -> Result<Chosen, Stop> {
    let object = kinds::stable("Pod").object(Some(namespace), pod);
    let Some(seen) = look.find(&object)? else {
        // A recording may hold the log of a pod that it does not hold.
        return Ok(Chosen { name: wanted.map(str::to_owned), others: None, known: Vec::new(), pod: false });
    };
    let names = |list: &str| -> Vec<String> {
        json::list(&seen.value, list)
            .iter()
            .filter_map(|one| json::text(one, "/name"))
            .map(str::to_owned)
            .collect()
    };
    let mut known = names("/spec/containers");
    let regular = known.len();
    known.extend(names("/spec/initContainers"));
    known.extend(names("/spec/ephemeralContainers"));
    if let Some(wanted) = wanted {
        if !known.is_empty() && !known.iter().any(|name| name == wanted) {
            let all: Vec<String> = known.iter().map(|name| format!("`{}`", line(name, 80))).collect();
            return Err(Stop::Told(format!(
                "observation {}: {} has no container `{}`; it has {}",
                seen.observation,
                name("Pod", Some(namespace), pod),
                line(wanted, 80),
                all.join(", ")
            )));
        }
        return Ok(Chosen { name: Some(wanted.to_owned()), others: None, known, pod: true });
    }
    let default = json::text(&seen.value, "/metadata/annotations/kubectl.kubernetes.io~1default-container");
    let first = default.filter(|name| known.iter().any(|known| known == name)).map(str::to_owned);
    let first = first.or_else(|| known.first().filter(|_| regular > 0).cloned());
    let others: Vec<String> =
        known.iter().filter(|name| Some(*name) != first.as_ref()).map(|name| line(name, 80)).collect();
    let others = (!others.is_empty()).then(|| format!("the pod's other containers: {}", others.join(", ")));
    Ok(Chosen { name: first, others, known, pod: true })
}

fn no_log(
    look: &Look<'_>,
    chosen: &Chosen,
    namespace: &str,
    pod: &str,
    previous: bool,
    error: &Error,
) -> Stop {
    let kind = kinds::stable("Pod");
    if !chosen.pod {
        return not_there(look, &kind, Some(namespace), pod);
    }
    let mut lines = vec![format!("there is no such log: {}", line(&error.message, 400))];
    if previous {
        lines.push("without `previous` the log of the current run may be there".to_owned());
    } else if look.is_recorded() {
        lines.push("not every log is recorded; `previous` may be there".to_owned());
    }
    if chosen.known.len() > 1 {
        let known: Vec<String> = chosen.known.iter().map(|name| line(name, 80)).collect();
        lines.push(format!("the pod's containers: {}", known.join(", ")));
    }
    Stop::Told(lines.join("\n"))
}
