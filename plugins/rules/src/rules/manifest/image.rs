//! Image names that can not be, or hardly can.

use serde_json::json;

use crate::{
    actions,
    diagnosis::Severity,
    findings::Findings,
    json,
    rules::manifest::{
        Part,
        stock::{self, STOCK},
    },
    text,
};

/// Words in a tag or repository of which its author says that it is wrong.
const SAID_WRONG: &[&str] = &[
    "invalid",
    "nonexist",
    "non-exist",
    "doesnotexist",
    "does-not-exist",
    "doesnt-exist",
    "not-exist",
    "notexist",
    "no-such",
    "nosuch",
    "wrong",
    "broken",
    "missing-tag",
    "bad-tag",
    "badtag",
    "fake",
    "typo",
    "not-real",
    "notreal",
    "bogus",
];

pub(super) fn check(part: &Part<'_>, findings: &mut Findings) {
    let Some(image) = json::text(part.container, "/image") else { return };
    let shown = text::clean(image, 200);
    let need = format!(
        "The image that container `{}` should run, in place of `{shown}`.",
        text::clean(part.name, 60)
    );
    let (reason, why, confidence, severity) = if let Some(why) = malformed(image) {
        ("InvalidImageName", why, 0.95, Severity::Critical)
    } else if let Some(word) = SAID_WRONG.iter().find(|word| image.to_ascii_lowercase().contains(*word)) {
        (
            "ImageNotFound",
            format!("its name holds `{word}`, and such an image hardly exists: ImagePullBackOff follows"),
            0.85,
            Severity::Critical,
        )
    } else if let Some(why) = implausible(image) {
        ("ImageNotFound", why, 0.7, Severity::Warning)
    } else if let Some(right) = misspelt(image) {
        let fixed = image.replacen(stock::repository(image), right, 1);
        findings.add(
            part.draft(Severity::Critical, "ImageNotFound", "image")
                .message(format!(
                    "{} has the image `{shown}`, which looks like a slip for `{right}`: ImagePullBackOff follows.",
                    part.subject()
                ))
                .confidence(0.85)
                .action(actions::action(
                    "patch-image",
                    part.owner(),
                    json!({ "container": part.name, "image": fixed }),
                    format!("Use `{}` for container `{}`", text::clean(&fixed, 200), text::clean(part.name, 60)),
                ))
                .action(actions::escalate(part.owner(), need)),
        );
        return;
    } else {
        return;
    };
    findings.add(
        part.draft(severity, reason, "image")
            .message(format!("{} has the image `{shown}`: {why}.", part.subject()))
            .confidence(confidence)
            .action(actions::escalate(part.owner(), need)),
    );
}

/// Why the text can not be the name of an image.
fn malformed(image: &str) -> Option<String> {
    let name = image.split('@').next().unwrap_or(image);
    let path = name
        .split_once('/')
        .map_or(name, |(first, rest)| if first.contains(['.', ':']) { rest } else { name });
    let repository = path.rsplit_once(':').map_or(path, |(repository, _)| repository);
    if image.is_empty() {
        Some("it is empty".to_owned())
    } else if image.chars().any(char::is_whitespace) {
        Some("it holds a blank".to_owned())
    } else if image.contains("://") {
        Some("it begins like a URL, which an image's name may not".to_owned())
    } else if repository.chars().any(|c| c.is_ascii_uppercase()) {
        Some("a repository has no capital letters".to_owned())
    } else if repository.contains(':') || name.ends_with(':') {
        Some("it has a colon too many".to_owned())
    } else if name.ends_with('/') || name.starts_with('/') || name.contains("//") {
        Some("it has a slash too many".to_owned())
    } else {
        None
    }
}

/// Tags of well-known images far beyond their versions.
fn implausible(image: &str) -> Option<String> {
    let stock = stock::stock_port(image)?;
    let tag = stock::tag(image)?;
    let mut numbers = tag.split(['.', '-']).map(str::parse::<u32>);
    let major = numbers.next()?.ok()?;
    let minor = numbers.next().and_then(Result::ok).unwrap_or(0);
    // Ubuntu and others count in years; nothing counts beyond 60 otherwise.
    let far = match stock.name {
        "nginx" => major != 1 || minor > 60,
        "httpd" => major != 2 || minor > 20,
        "busybox" => major != 1 || minor > 60,
        "alpine" => major > 5 && major < 10_000_000,
        _ => (61..2000).contains(&major) || major == 0 && minor == 0,
    };
    far.then(|| format!("`{}` is no version that `{}` is known to have", text::clean(tag, 60), stock.name))
}

/// The well-known image of which the name is a slip.
fn misspelt(image: &str) -> Option<&'static str> {
    let name = stock::repository(image);
    if name.contains('/') || STOCK.iter().any(|stock| stock.name == name) {
        return None;
    }
    let other = [
        "ruby", "php", "perl", "rust", "consul", "vault", "kong", "nats", "solr", "caddy", "redmine",
        "registry", "centos", "fedora", "influxdb", "telegraf",
    ];
    if other.contains(&name) {
        return None;
    }
    STOCK.iter().map(|stock| stock.name).find(|known| known.len() >= 5 && text::near(name, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_not_be() {
        for (image, expect) in [
            ("nginx:1.27", false),
            ("Nginx", true),
            ("registry.local:5000/team/App", true),
            ("registry.local:5000/team/app:v1", false),
            ("ghcr.io/team/app:V1-RC", false),
            ("nginx:", true),
            ("nginx: latest", true),
            ("https://docker.io/nginx", true),
            ("a:b:c", true),
        ] {
            assert_eq!(malformed(image).is_some(), expect, "{image}");
        }
        assert_eq!(misspelt("ngnix:1.2"), Some("nginx"));
        assert_eq!(misspelt("postgress"), Some("postgres"));
        assert_eq!(misspelt("ghcr.io/x/ngnix"), None);
        assert!(implausible("nginx:1.161").is_some() && implausible("nginx:1.27.2-alpine").is_none());
        assert!(implausible("ubuntu:24.04").is_none() && implausible("redis:99.99").is_some());
    }
}
