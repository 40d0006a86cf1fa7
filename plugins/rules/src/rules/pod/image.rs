//! Images that can not be pulled: which of the reasons it is, from the words of
//! the container runtime.

use serde_json::json;

use crate::{
    actions,
    context::{Context, Template},
    findings::Findings,
    json,
    rules::pod::{
        Sick,
        story::{self, Story},
    },
    text,
};

/// Why an image is not pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NotFound,
    NotFoundOrPrivate,
    Unauthorized,
    RateLimited,
    Unreachable,
    Tls,
    BadName,
    NeverPulled,
    Platform,
    DiskFull,
    Unknown,
}

pub(super) fn check(context: &Context<'_>, sick: &Sick<'_>, findings: &mut Findings) {
    let reason = sick.problem.strip_prefix("Init:").unwrap_or(&sick.problem);
    let mut story = Story::new(0.93);
    let template = context.template(&sick.workload);
    for (list, statuses) in
        [("initContainers", "/status/initContainerStatuses"), ("containers", "/status/containerStatuses")]
    {
        for (at, status) in sick.seen.list(statuses).iter().enumerate() {
            if json::text(status, "/state/waiting/reason") != Some(reason) {
                continue;
            }
            let name = json::text(status, "/name").unwrap_or("");
            let image = story::container(sick.seen.at("/spec"), name)
                .and_then(|(_, container)| json::text(container, "/image"))
                .or_else(|| json::text(status, "/image"))
                .or_else(|| only_image(template.as_ref()))
                .unwrap_or("");
            let waiting = format!("{statuses}/{at}/state/waiting");
            story.see(&sick.seen, &format!("{waiting}/reason"));
            let mut words = sick.seen.text(&format!("{waiting}/message")).unwrap_or("").to_owned();
            if !words.is_empty() {
                story.see(&sick.seen, &format!("{waiting}/message"));
            }
            // The back-off says nothing; the event before it does.
            let event = context
                .events(&sick.pod.reference)
                .iter()
                .rev()
                .filter(|event| event.message.contains(image) || event.container.as_deref() == Some(name))
                .find(|event| {
                    matches!(event.reason.as_str(), "Failed" | "InspectFailed" | "ErrImageNeverPull")
                        && event.message.len() > 25
                });
            if let Some(event) = event {
                words = format!("{words} {}", event.message);
                story.evidence(event.evidence());
            }
            let why = why(reason, image, &words);
            let shown = text::clean(image, 200);
            if image.is_empty() {
                story.confidence = 0.6;
            }
            let of = if name.is_empty() {
                String::new()
            } else {
                format!(" of container `{}`", text::clean(name, 60))
            };
            let shown =
                if shown.is_empty() { "its image".to_owned() } else { format!("the image `{shown}`") };
            story.say(format!(
                "{} can not start: {shown}{of} can not be pulled, because {}.",
                sick.subject(),
                sentence(why, image)
            ));
            let quoted = event.map_or_else(|| words.clone(), |event| event.message.clone());
            if !quoted.trim().is_empty() && !quoted.starts_with("Back-off") {
                story.say(format!("The runtime says: {}.", story::quote_end(&quoted)));
            }
            if matches!(why, Why::Unauthorized | Why::NotFoundOrPrivate) {
                credentials(context, sick, &mut story);
            }
            story.what_changed(context, &sick.workload);
            for (place, container) in sick.seen.list(&format!("/spec/{list}")).iter().enumerate() {
                if json::text(container, "/name") == Some(name) {
                    story.see(&sick.seen, &format!("/spec/{list}/{place}/image"));
                }
            }
            let need = match why {
                Why::Unauthorized => {
                    format!("Credentials for the registry of {shown}, or an image that needs none.")
                }
                Why::Unreachable | Why::Tls => format!("The nodes' way to the registry of {shown}."),
                Why::RateLimited => {
                    "Patience, or credentials with a higher limit at the registry.".to_owned()
                }
                _ => format!("An image that exists, in place of {shown}{of}, which is not to be had."),
            };
            if let Some(fixed) = trimmed(image) {
                story.act(actions::action(
                    "patch-image",
                    &sick.workload,
                    json!({ "container": name, "image": fixed }),
                    format!("Use `{fixed}` for container `{name}`"),
                ));
            }
            findings.add(story.draft(sick.severity(context), &sick.workload, reason, &need));
            return;
        }
    }
}

/// The image of a template with one container: of a row of a table nothing
/// else is known.
fn only_image<'a>(template: Option<&Template<'a>>) -> Option<&'a str> {
    let spec = template?.spec();
    match (json::list(spec, "/containers"), json::list(spec, "/initContainers")) {
        ([only], []) => json::text(only, "/image"),
        _ => None,
    }
}

/// The image without blanks around it, where there are some.
fn trimmed(image: &str) -> Option<&str> {
    let clean = image.trim();
    (clean != image && !clean.is_empty()).then_some(clean)
}

fn why(reason: &str, image: &str, words: &str) -> Why {
    let lower = words.to_ascii_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if reason == "InvalidImageName"
        || lower.contains("invalid reference format")
        || image.contains(char::is_whitespace)
    {
        Why::BadName
    } else if reason == "ErrImageNeverPull" {
        Why::NeverPulled
    } else if any(&["toomanyrequests", "429 too many", "rate limit"]) {
        Why::RateLimited
    } else if any(&["repository does not exist or may require", "insufficient_scope", "pull access denied"]) {
        Why::NotFoundOrPrivate
    } else if any(&[
        "unauthorized",
        "authentication required",
        "403 forbidden",
        "no basic auth",
        "denied:",
        "401",
    ]) {
        Why::Unauthorized
    } else if any(&["no match for platform", "no matching manifest", "exec format"]) {
        Why::Platform
    } else if any(&["manifest unknown", "not found", "manifest for", "name unknown", "404"])
        && !lower.contains("host not found")
    {
        Why::NotFound
    } else if any(&["x509", "certificate", "tls:", "http response to https"]) {
        Why::Tls
    } else if any(&[
        "no such host",
        "i/o timeout",
        "connection refused",
        "dial tcp",
        "tls handshake timeout",
        "network is unreachable",
        "no route to host",
        "context deadline exceeded",
        "server misbehaving",
        "connection reset",
        "service unavailable",
    ]) {
        Why::Unreachable
    } else if any(&["no space left", "disk quota"]) {
        Why::DiskFull
    } else {
        Why::Unknown
    }
}

fn sentence(why: Why, image: &str) -> String {
    let tag = text::clean(image.rsplit_once('@').map_or_else(|| tag_of(image), |(_, digest)| digest), 100);
    match why {
        Why::NotFound => format!("the registry has no such image or tag (`{tag}`)"),
        Why::NotFoundOrPrivate => {
            "the registry has no such repository, or shows it only to those who log in".to_owned()
        }
        Why::Unauthorized => {
            "the registry wants credentials that the pod does not have, or that are wrong".to_owned()
        }
        Why::RateLimited => "the registry limits how often it may be asked".to_owned(),
        Why::Unreachable => "the registry can not be reached from the node".to_owned(),
        Why::Tls => {
            "the node does not trust the registry's certificate, or the registry speaks plain HTTP".to_owned()
        }
        Why::BadName => "its name is not one that an image can have".to_owned(),
        Why::NeverPulled => "it is not on the node and its pull policy is `Never`".to_owned(),
        Why::Platform => "it does not exist for the processor architecture of the node".to_owned(),
        Why::DiskFull => "the node's disk is full".to_owned(),
        Why::Unknown => "its name or tag does not exist, or the registry does not give it out".to_owned(),
    }
}

fn tag_of(image: &str) -> &str {
    match image.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => tag,
        _ => "latest",
    }
}

/// Whether the pull secrets that the pod names are there.
fn credentials(context: &Context<'_>, sick: &Sick<'_>, story: &mut Story) {
    let secrets: Vec<&str> = sick
        .seen
        .list("/spec/imagePullSecrets")
        .iter()
        .filter_map(|entry| json::text(entry, "/name"))
        .collect();
    if secrets.is_empty() {
        story.say("The pod has no `imagePullSecrets`.");
        return;
    }
    for secret in secrets {
        let existence = context.snapshot.existence("Secret", sick.pod.namespace(), secret);
        if existence == crate::snapshot::Existence::Absent {
            story.say(format!("Its pull secret `{}` does not exist.", text::clean(secret, 80)));
            story.see(&sick.seen, "/spec/imagePullSecrets");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_registries() {
        for (reason, image, words, expect) in [
            (
                "ErrImagePull",
                "nginx:nope",
                "failed to resolve reference \"docker.io/library/nginx:nope\": not found",
                Why::NotFound,
            ),
            (
                "ErrImagePull",
                "x/y",
                "pull access denied for x/y, repository does not exist or may require 'docker login'",
                Why::NotFoundOrPrivate,
            ),
            ("ErrImagePull", "ghcr.io/x/y", "failed to authorize: 403 Forbidden", Why::Unauthorized),
            (
                "ErrImagePull",
                "r.local/x",
                "dial tcp: lookup r.local on 10.0.0.1:53: no such host",
                Why::Unreachable,
            ),
            (
                "ErrImagePull",
                "nginx",
                "toomanyrequests: You have reached your pull rate limit",
                Why::RateLimited,
            ),
            ("InvalidImageName", "UPPER:x:y", "", Why::BadName),
            ("ErrImageNeverPull", "x", "", Why::NeverPulled),
            ("ErrImagePull", "x", "no match for platform in manifest", Why::Platform),
            ("ImagePullBackOff", "x", "Back-off pulling image \"x\"", Why::Unknown),
        ] {
            assert_eq!(why(reason, image, words), expect, "{words}");
        }
    }
}
