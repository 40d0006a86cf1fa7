//! The Service behind a host name in a log line: is it there, does it have the
//! port, is anybody behind it? In the pod's own namespace or in another.

use crate::{
    context::Context,
    diagnosis::ObjectRef,
    json,
    log::name::{Target, is_address},
    rules::pod::story::Story,
    snapshot::Existence,
    text,
};

/// Says what is known of the other side.
pub(in crate::rules) fn explain(context: &Context<'_>, namespace: &str, target: &Target, story: &mut Story) {
    let host = target.host.trim_end_matches('.');
    if host == "localhost" || host.starts_with("127.") {
        story.say("It speaks to itself: the port is of a container of the same pod, or was meant to be of another host.");
        return;
    }
    if is_address(host) {
        by_address(context, host, target, story);
        return;
    }
    let (name, space) = match parts(host, namespace) {
        Some(found) => found,
        None => return,
    };
    let service = ObjectRef::new("v1", "Service", Some(space), name);
    match context.snapshot.existence("Service", space, name) {
        Existence::Present => reached(context, &service, target, story),
        existence @ (Existence::Absent | Existence::NotRecorded) => {
            absent(context, &service, namespace, existence, story);
        }
        Existence::Unknown => {}
    }
}

/// Name and namespace of the Service that a host name can stand for.
fn parts<'a>(host: &'a str, namespace: &'a str) -> Option<(&'a str, &'a str)> {
    let steps: Vec<&str> = host.split('.').collect();
    match steps.as_slice() {
        [name] => Some((name, namespace)),
        [name, space] | [name, space, "svc"] | [name, space, "svc", ..] => Some((name, space)),
        // `web-0.web.shop.svc`: a pod of a headless Service.
        [_, name, space, "svc", ..] => Some((name, space)),
        _ => None,
    }
}

fn by_address(context: &Context<'_>, address: &str, target: &Target, story: &mut Story) {
    let service =
        context.snapshot.all("Service").find(|service| service.text("/spec/clusterIP") == Some(address));
    if let Some(service) = service {
        story.say(format!("The address is that of the Service `{}`.", service.name()));
        reached(context, &service.reference, target, story);
    }
}

fn reached(context: &Context<'_>, service: &ObjectRef, target: &Target, story: &mut Story) {
    let Some(seen) = context.snapshot.object(service) else { return };
    story.because(service.clone());
    if let Some(port) = target.port {
        let ports: Vec<i64> =
            seen.list("/spec/ports").iter().filter_map(|entry| json::integer(entry, "/port")).collect();
        if !ports.is_empty() && !ports.contains(&i64::from(port)) {
            let offered = text::names(ports.iter().map(i64::to_string));
            story.say(format!("The Service `{}` has no port {port}, only {offered}.", service.name));
            story.see(seen, "/spec/ports");
            return;
        }
    }
    let selector = seen.at("/spec/selector");
    let mut behind = context.pods_for_map(service.space(), selector).peekable();
    if behind.peek().is_none() {
        story.say(format!("No pod is behind the Service `{}`.", service.name));
        story.see(seen, "/spec/selector");
        for template in context.templates(service.space()) {
            if crate::labels::map_matches(selector, template.labels) {
                story.because(template.seen.reference.clone());
            }
        }
        return;
    }
    let pods: Vec<_> = behind.collect();
    let ready = pods.iter().filter(|pod| pod.ready).count();
    if ready == 0 {
        story.say(format!(
            "None of the {} behind the Service `{}` is ready.",
            text::plural(pods.len(), "pod"),
            service.name
        ));
    }
    for pod in pods.iter().filter(|pod| !pod.ready).take(3) {
        story.because(context.workload(pod));
    }
    for policy in context.snapshot.all("NetworkPolicy") {
        if policy.namespace() == service.space()
            && pods
                .iter()
                .any(|pod| crate::labels::selector_matches(policy.at("/spec/podSelector"), &pod.labels))
        {
            story.because(policy.reference.clone());
        }
    }
}

fn absent(
    context: &Context<'_>,
    service: &ObjectRef,
    namespace: &str,
    existence: Existence,
    story: &mut Story,
) {
    let elsewhere: Vec<&str> = context
        .snapshot
        .all("Service")
        .filter(|other| other.name() == service.name && other.namespace() != service.space())
        .map(|other| other.namespace())
        .collect();
    if let Some(space) = elsewhere.first() {
        story.say(format!(
            "The Service `{}` is in the namespace `{space}`, not in `{}`: it is reached as `{}.{space}`.",
            service.name,
            service.space(),
            service.name
        ));
        story.confidence = story.confidence.max(0.9);
        return;
    }
    let near = context
        .snapshot
        .all("Service")
        .filter(|other| other.namespace() == service.space() || other.namespace() == namespace)
        .map(|other| other.name())
        .find(|other| text::near(other, &service.name));
    let hint = near.map(|near| format!("; `{near}` is meant, perhaps")).unwrap_or_default();
    story.say(format!(
        "A Service `{}` in the namespace `{}` {}{hint}.",
        text::clean(&service.name, 80),
        text::clean(service.space(), 80),
        existence.phrase()
    ));
}
