//! The snapshot: what the model reads of the cluster, within a number of bytes
//! that is held whatever the cluster holds.

use std::fmt::Write as _;

use sickbay_plugin::{
    cluster::Source as From,
    diagnosis::{DiagnosisRequest, Finding, Severity},
};

use crate::{
    facts::Facts,
    part::{Part, Source, Tier},
    seen,
    survey::Survey,
    text,
};

/// How much of the room the tiers up to one may take together, in hundredths,
/// as long as the later ones want room too.
const SHARES: [(Tier, usize); 4] =
    [(Tier::Status, 40), (Tier::Story, 65), (Tier::Design, 92), (Tier::Context, 100)];
/// Bytes for the last line, which says what was left out.
const FOOT: usize = 120;
/// Earlier findings that are told.
const MOST_EARLIER: usize = 20;

pub struct Snapshot {
    pub text: String,
    pub facts: Facts,
    /// Parts that found no room.
    pub left_out: usize,
}

impl Snapshot {
    /// Writes down as much as fits, the worst first.
    #[must_use]
    pub fn write(survey: &Survey, parts: &[Part], request: &DiagnosisRequest, bytes: usize) -> Self {
        let mut facts = Facts::default();
        let mut text = head(survey, bytes / 4);
        text.push_str(&earlier(&request.earlier, bytes / 5, &mut facts));
        let room = bytes.saturating_sub(text.len() + FOOT);
        let chosen = choose(parts, room);
        for (at, shown) in &chosen {
            text.push('\n');
            text.push_str(shown);
            if let Some(part) = parts.get(*at) {
                facts.add(&part.source);
                if let Source::Object(seen) = &part.source {
                    facts.add_owner(&seen.reference, &survey.top_owner(seen));
                }
            }
        }
        let left_out = parts.len() - chosen.len();
        if left_out > 0 {
            let _ = writeln!(text, "\n({} found no room here)", text::count(left_out, "more part"));
        }
        Self { text, facts, left_out }
    }
}

/// The parts that are shown, in the order in which they are read.
fn choose(parts: &[Part], room: usize) -> Vec<(usize, String)> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| parts.get(*at).map(|part| (part.tier, part.case)));
    let mut chosen: Vec<(usize, String)> = Vec::new();
    let mut used = 0;
    // In a second round, what the shares left over goes to whoever comes first.
    for round in 0..2 {
        for at in &order {
            let Some(part) = parts.get(*at) else { continue };
            if chosen.iter().any(|(known, _)| known == at) {
                continue;
            }
            let share = SHARES.iter().find(|(tier, _)| *tier == part.tier).map_or(100, |(_, share)| *share);
            let end = if round == 0 { room * share / 100 } else { room };
            let most = most(part.tier, room).min(end.saturating_sub(used + 1));
            if let Some(shown) = part.render(most) {
                used += shown.len() + 1;
                chosen.push((*at, shown));
            }
        }
    }
    chosen.sort_by_key(|(at, _)| parts.get(*at).map(|part| (part.case, part.tier, *at)));
    chosen
}

/// What one part may take.
fn most(tier: Tier, room: usize) -> usize {
    let share = match tier {
        Tier::Status => 12,
        Tier::Story => 9,
        Tier::Design => 5,
        Tier::Context => 16,
    };
    (room / share).max(800)
}

/// What cluster it is, and how much there is of each kind.
fn head(survey: &Survey, most: usize) -> String {
    let info = &survey.info;
    let plain = |word: &str| -> String {
        let fits = |letter: &char| letter.is_ascii_alphanumeric() || "-._:+".contains(*letter);
        word.chars().filter(fits).take(80).collect()
    };
    let source = match info.source {
        From::Live => "live",
        From::Recorded => "recorded",
        From::Playground => "playground",
    };
    let version = info.version.as_deref().map_or_else(|| "unknown".to_owned(), plain);
    let mut head = format!("cluster: {source}, version {version}, seen at {}\n", plain(&info.observed_at));
    let namespaces = if survey.namespaces.is_empty() { &info.namespaces } else { &survey.namespaces };
    let shown: Vec<&str> =
        namespaces.iter().map(String::as_str).filter(|name| text::is_plain(name, 63)).take(20).collect();
    let shown = if namespaces.is_empty() { "all".to_owned() } else { shown.join(", ") };
    let _ = writeln!(head, "namespaces: {shown}");
    for count in survey.counts.iter().filter(|count| count.objects > 0) {
        let unknown =
            if count.unknown > 0 { format!(", {} without status", count.unknown) } else { String::new() };
        let _ = writeln!(head, "{}: {} in all, {} not well{unknown}", count.kind, count.objects, count.sick);
    }
    let _ = writeln!(head, "warning events: {}", survey.events.total);
    text::excerpt(&head, most).to_owned()
}

/// What the strategies before found. Their messages quote the cluster.
fn earlier(findings: &[Finding], most: usize, facts: &mut Facts) -> String {
    let mut told = String::new();
    let mut all: Vec<&Finding> = findings.iter().collect();
    all.sort_by_key(|finding| match finding.severity {
        Severity::Critical => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    });
    for finding in all.into_iter().take(MOST_EARLIER) {
        let object = &finding.object;
        let names = [Some(&object.kind), Some(&object.name), object.namespace.as_ref()];
        if !names.into_iter().flatten().all(|name| text::is_plain(name, 253)) {
            continue;
        }
        let severity = severity(finding.severity);
        let (message, _) = text::quote(&finding.message, 300);
        let reason = text::word(&finding.reason, 60);
        let line = format!(
            "- {} {reason} ({severity}, sure {:.2}): {message}\n",
            seen::name(object),
            finding.confidence
        );
        if told.len() + line.len() > most {
            break;
        }
        told.push_str(&line);
        facts.add_object(object);
    }
    if told.is_empty() { told } else { format!("\nfound earlier by other strategies:\n{told}") }
}

/// The word of the answer.
#[must_use]
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}
