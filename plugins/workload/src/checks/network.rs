//! Whether a Service leads anywhere.

use serde_json::Value;
use sickbay_plugin::remediation::{Error, ObjectRef};

use super::Finding;
use crate::{
    json, kinds,
    refusal::name,
    seen::{Look, Seen},
    words,
};

/// By its EndpointSlices; on servers that have none, by its Endpoints.
pub(super) fn service(look: &Look<'_>, service: &Seen) -> Result<Finding, Error> {
    let described = name(&service.reference);
    let selector = format!("kubernetes.io/service-name={}", service.reference.name);
    let namespace = service.reference.namespace.as_deref();
    let slices = look.list(kinds::ENDPOINT_SLICE, namespace, Some(selector), &["/endpoints"])?;
    let mut ready = slices.objects.iter().map(of_slice).sum::<usize>();
    let mut cited = slices.objects.first().map(|slice| (slice.clone(), "/endpoints"));
    if slices.objects.is_empty() {
        let endpoints = ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Endpoints".to_owned(),
            namespace: service.reference.namespace.clone(),
            name: service.reference.name.clone(),
        };
        if let Some(endpoints) = look.find(&endpoints)? {
            ready =
                endpoints.list("/subsets").iter().map(|subset| json::list(subset, "/addresses").len()).sum();
            cited = Some((endpoints, "/subsets"));
        }
    }
    let finding = if ready > 0 {
        Finding::healthy(format!("{described} leads to {}", words::count(ready, "ready endpoint")))
    } else {
        Finding::progressing(format!("{described} has no ready endpoint yet"))
    };
    Ok(match &cited {
        Some((seen, pointer)) => finding.see(seen, pointer),
        None => finding.see(service, "/spec/selector"),
    })
}

/// An endpoint whose condition is not told counts as ready, as the API says.
fn of_slice(slice: &Seen) -> usize {
    let is_ready = |endpoint: &&Value| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false));
    slice.list("/endpoints").iter().filter(is_ready).count()
}
