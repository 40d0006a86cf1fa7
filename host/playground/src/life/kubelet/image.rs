//! Pulling images, in the words of containerd.

use super::container::Part;
use crate::life::{
    cluster::{Cluster, Tone},
    names,
    world::{PullFault, World},
};

/// Milliseconds that a pull takes.
pub(super) fn takes(image: &str) -> i64 {
    700 + (names::fraction(image) * 2_500.0) as i64
}

fn size(image: &str) -> u64 {
    20_000_000 + names::fnv(image) % 180_000_000
}

pub(super) fn present(cluster: &Cluster, part: &Part<'_>) {
    let message = format!("Container image \"{}\" already present on machine", part.image());
    part.event(cluster, Tone::Normal, "Pulled", &message);
}

pub(super) fn pulled(cluster: &Cluster, part: &Part<'_>) {
    let took = takes(part.image());
    let (seconds, rest) = (took / 1_000, took % 1_000);
    let message = format!(
        "Successfully pulled image \"{}\" in {seconds}.{rest:03}s ({seconds}.{rest:03}s including waiting). Image size: {} bytes.",
        part.image(),
        size(part.image())
    );
    part.event(cluster, Tone::Normal, "Pulled", &message);
}

/// Why an image can not be pulled.
pub(super) fn fault(world: &World, image: &str) -> Option<String> {
    let why = match world.images.get(image) {
        Some(program) => program.pull?,
        None => PullFault::NotFound,
    };
    let (host, path, tag) = parts(image);
    let full = format!("{host}/{path}:{tag}");
    let unpacked =
        format!("failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\"");
    Some(match why {
        PullFault::NotFound => format!("rpc error: code = NotFound desc = {unpacked}: {full}: not found"),
        PullFault::Unauthorized => format!(
            "failed to pull and unpack image \"{full}\": failed to resolve reference \"{full}\": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials"
        ),
        PullFault::Unreachable => format!(
            "rpc error: code = Unknown desc = {unpacked}: failed to do request: Head \"https://{host}/v2/{path}/manifests/{tag}\": dial tcp: lookup {host} on 10.96.0.10:53: no such host"
        ),
    })
}

/// Registry, repository and tag.
fn parts(image: &str) -> (String, String, String) {
    let (rest, tag) = match image.rsplit_once(':') {
        Some((rest, tag)) if !tag.contains('/') => (rest, tag),
        _ => (image, "latest"),
    };
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) if host.contains('.') || host.contains(':') || host == "localhost" => {
            (host.to_owned(), path.to_owned())
        }
        Some(_) => ("docker.io".to_owned(), rest.to_owned()),
        None => ("docker.io".to_owned(), format!("library/{rest}")),
    };
    (host, path, tag.to_owned())
}

pub(super) fn id(image: &str) -> String {
    let (host, path, _) = parts(image);
    format!("{host}/{path}@sha256:{}", names::hex(image, 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_a_registry_a_repository_and_a_tag() {
        for (image, expect) in [
            ("nginx", ("docker.io", "library/nginx", "latest")),
            ("team/api:2", ("docker.io", "team/api", "2")),
            ("registry.example.com:5000/a/b", ("registry.example.com:5000", "a/b", "latest")),
        ] {
            let (host, path, tag) = parts(image);
            assert_eq!((host.as_str(), path.as_str(), tag.as_str()), expect);
        }
    }
}
