//! Which sections are about a question: BM25 over words, where a word in a
//! heading counts several times.

use std::collections::{BTreeMap, BTreeSet};

use crate::{section::Section, words::words};

/// How soon more of the same word stops to count, and how much a long section has to have more of it: the usual values.
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// What a word in a section's own heading counts for, and one in a heading above it or in the path.
const HEADING: f64 = 4.0;
const ABOVE: f64 = 1.5;

/// A section that matches.
#[derive(Clone, Debug)]
pub(crate) struct Ranked<'s, 'd> {
    pub section: &'s Section<'d>,
    pub score: f64,
    /// The words of the question that are in it.
    pub found: BTreeSet<String>,
}

/// The sections that hold a word of the question, the best first; of the same score in the order of their places.
pub(crate) fn rank<'s, 'd>(sections: &'s [Section<'d>], question: &str) -> Vec<Ranked<'s, 'd>> {
    let wanted: BTreeSet<String> = words(question).into_iter().collect();
    if wanted.is_empty() || sections.is_empty() {
        return Vec::new();
    }
    let weighed: Vec<(BTreeMap<&String, f64>, f64)> =
        sections.iter().map(|section| weigh(section, &wanted)).collect();
    let mean = weighed.iter().map(|(_, length)| length).sum::<f64>() / sections.len() as f64;
    let rarity: BTreeMap<&String, f64> = wanted
        .iter()
        .map(|word| {
            let holds = weighed.iter().filter(|(weights, _)| weights.contains_key(word)).count() as f64;
            (word, (1.0 + (sections.len() as f64 - holds + 0.5) / (holds + 0.5)).ln())
        })
        .collect();
    let mut ranked: Vec<Ranked<'s, 'd>> = sections
        .iter()
        .zip(&weighed)
        .filter(|(_, (weights, _))| !weights.is_empty())
        .map(|(section, (weights, length))| {
            let norm = K1 * (1.0 - B + B * length / mean.max(1.0));
            let score = weights
                .iter()
                .map(|(word, weight)| {
                    rarity.get(word).copied().unwrap_or(0.0) * weight * (K1 + 1.0) / (weight + norm)
                })
                .sum();
            Ranked { section, score, found: weights.keys().map(|word| (*word).clone()).collect() }
        })
        .collect();
    ranked.sort_by(|one, other| {
        other
            .score
            .total_cmp(&one.score)
            .then_with(|| (one.section.path, one.section.from).cmp(&(other.section.path, other.section.from)))
    });
    ranked
}

/// How much of each wanted word is in a section, and how many words it has.
fn weigh<'w>(section: &Section<'_>, wanted: &'w BTreeSet<String>) -> (BTreeMap<&'w String, f64>, f64) {
    let mut weights: BTreeMap<&String, f64> = BTreeMap::new();
    let mut count = |text: &str, weight: f64| {
        let mut length = 0.0;
        for word in words(text) {
            length += 1.0;
            if let Some(word) = wanted.get(&word) {
                *weights.entry(word).or_default() += weight;
            }
        }
        length
    };
    let mut length = 0.0;
    for line in &section.lines {
        length += count(line, 1.0);
    }
    if let Some((own, above)) = section.titles.split_last() {
        // The heading's own line was counted once already.
        count(own, HEADING - 1.0);
        above.iter().for_each(|title| {
            count(title, ABOVE);
        });
    }
    count(section.path, ABOVE);
    (weights, length)
}

/// The lines of a section that say most about the question: their numbers within it.
pub(crate) fn best_lines(
    section: &Section<'_>,
    found: &BTreeSet<String>,
    most: usize,
) -> std::ops::Range<usize> {
    let hits: Vec<usize> = section
        .lines
        .iter()
        .map(|line| {
            words(line).into_iter().filter(|word| found.contains(word)).collect::<BTreeSet<_>>().len()
        })
        .collect();
    let most = most.min(hits.len());
    let best = (0..=hits.len() - most)
        .map(|from| (hits.iter().skip(from).take(most).sum::<usize>(), std::cmp::Reverse(from)))
        .max()
        .map_or(0, |(_, std::cmp::Reverse(from))| from);
    best..best + most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{folder::Document, section::sections};

    #[test]
    fn what_is_about_the_question_comes_first() {
        let documents = [
            ("oom.md", "# OOMKilled\nThe kernel killed the container.\n## What to do\nRaise the memory limit, or find the leak."),
            ("dns.md", "# DNS\nLook at CoreDNS first.\n## Symptoms\nA container that was killed is no DNS problem."),
            ("crash.md", "# CrashLoopBackOff\nA container ends again and again: read its previous log."),
        ]
        .map(|(path, text)| Document { path: path.into(), text: text.into() });
        let all: Vec<Section<'_>> = documents.iter().flat_map(sections).collect();
        for (question, expect) in [
            ("oom", "oom.md#L1"),
            ("container was killed for memory limit", "oom.md#L3"),
            ("crash loop", "crash.md#L1"),
            ("dns symptoms", "dns.md#L3"),
            ("coredns", "dns.md#L1"),
            ("why is it", ""),
            ("certificates", ""),
        ] {
            let first =
                rank(&all, question).first().map(|ranked| ranked.section.citation()).unwrap_or_default();
            assert_eq!(first, expect, "{question}");
        }
        let ranked = rank(&all, "memory");
        assert_eq!(best_lines(ranked[0].section, &ranked[0].found, 1), 1..2);
    }
}
