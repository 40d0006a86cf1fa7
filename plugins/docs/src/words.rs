//! Words as they are compared: in lower case, without endings, and names of
//! Kubernetes both whole and in their parts, so that `OOMKilled` is found by
//! `oom` and `CrashLoopBackOff` by `crash loop`.

/// Words that say nothing about what a text is about.
const STOP: &[&str] = &[
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has", "have",
    "how", "i", "if", "in", "into", "is", "it", "its", "my", "of", "on", "or", "our", "so", "that", "the",
    "their", "then", "there", "these", "this", "to", "was", "we", "what", "when", "where", "which", "who",
    "why", "will", "with", "you", "your",
];
/// Letters of a word at most: beyond, it is an encoded something.
const LONGEST: usize = 64;

/// The words of a text.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for run in text.split(|letter: char| !letter.is_alphanumeric()) {
        if run.is_empty() || run.chars().count() > LONGEST {
            continue;
        }
        push(run, &mut out);
        let parts = parts(run);
        if parts.len() > 1 {
            parts.into_iter().for_each(|part| push(part, &mut out));
        }
    }
    out
}

fn push(run: &str, out: &mut Vec<String>) {
    let lower = run.to_lowercase();
    if !STOP.contains(&lower.as_str()) {
        out.push(stem(&lower));
    }
}

/// `CrashLoopBackOff` as its four words; `OOMKilled` as two.
fn parts(run: &str) -> Vec<&str> {
    let mut cuts = vec![0];
    let letters: Vec<(usize, char)> = run.char_indices().collect();
    for window in letters.windows(3) {
        if let [(_, before), (at, here), (_, after)] = window {
            let rises = before.is_lowercase() && here.is_uppercase();
            let ends = before.is_uppercase() && here.is_uppercase() && after.is_lowercase();
            if rises || ends {
                cuts.push(*at);
            }
        }
    }
    cuts.push(run.len());
    cuts.windows(2)
        .filter_map(|pair| match pair {
            [from, to] => run.get(*from..*to).filter(|part| part.chars().count() > 1),
            _ => None,
        })
        .collect()
}

/// A word without its commonest English endings.
fn stem(word: &str) -> String {
    let count = word.chars().count();
    let without = |ending: &str, least: usize| word.strip_suffix(ending).filter(|_| count >= least);
    let stem = without("ies", 5)
        .map(|stem| format!("{stem}y"))
        .or_else(|| without("ing", 6).map(undouble))
        .or_else(|| without("ed", 5).map(undouble))
        .or_else(|| without("s", 4).filter(|stem| !stem.ends_with(['s', 'u', 'i'])).map(str::to_owned));
    let stem = stem.unwrap_or_else(|| word.to_owned());
    // `evicte(d)` and `evict` meet without their `e`.
    match stem.strip_suffix('e') {
        Some(short) if short.chars().count() >= 4 => short.to_owned(),
        _ => stem,
    }
}

/// `running` is of `run`.
fn undouble(stem: &str) -> String {
    let mut letters = stem.chars().rev();
    match (letters.next(), letters.next()) {
        (Some(last), Some(before)) if last == before && !matches!(last, 'l' | 's' | 'e' | 'o') => {
            stem.strip_suffix(last).unwrap_or(stem).to_owned()
        }
        _ => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_meet_in_their_stems_and_parts() {
        for (text, expect) in [
            ("The pods are pending", "pod pend"),
            ("OOMKilled", "oomkill oom kill"),
            ("CrashLoopBackOff", "crashloopbackoff crash loop back off"),
            ("node-pressure eviction, evicted, evict", "node pressur eviction evict evict"),
            ("restarting restarts", "restart restart"),
            ("policies running", "policy run"),
            ("größe 5xx dns", "größ 5xx dns"),
            ("status address", "status address"),
            ("", ""),
        ] {
            assert_eq!(words(text).join(" "), expect, "{text}");
        }
        assert!(words(&"x".repeat(100)).is_empty());
    }
}
