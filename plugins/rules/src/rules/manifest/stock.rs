//! Images that everybody knows, and how they behave when nothing is changed in
//! them: the port that they listen at and whether they answer HTTP at `/` alone.

/// How a stock image behaves as it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Stock {
    pub(in crate::rules) name: &'static str,
    pub(in crate::rules) ports: &'static [i64],
    /// It serves files, of which only `/` is there.
    pub(in crate::rules) http: bool,
    /// It runs as root unless told otherwise.
    pub(in crate::rules) root: bool,
}

const fn stock(name: &'static str, ports: &'static [i64], http: bool, root: bool) -> Stock {
    Stock { name, ports, http, root }
}

/// Source: the `EXPOSE` and `USER` lines of the images' own Dockerfiles.
pub(in crate::rules) const STOCK: &[Stock] = &[
    stock("nginx", &[80], true, true),
    stock("httpd", &[80], true, true),
    stock("nginxinc/nginx-unprivileged", &[8080], true, false),
    stock("redis", &[6379], false, true),
    stock("postgres", &[5432], false, true),
    stock("mysql", &[3306, 33060], false, true),
    stock("mariadb", &[3306], false, true),
    stock("mongo", &[27017], false, true),
    stock("rabbitmq", &[5672, 15672, 4369, 5671, 15671, 25672, 15691, 15692], false, true),
    stock("memcached", &[11211], false, false),
    stock("elasticsearch", &[9200, 9300], false, false),
    stock("grafana/grafana", &[3000], false, false),
    stock("prom/prometheus", &[9090], false, false),
    stock("traefik", &[80, 443, 8080], false, true),
    stock("haproxy", &[], false, false),
    stock("busybox", &[], false, true),
    stock("alpine", &[], false, true),
    stock("ubuntu", &[], false, true),
    stock("debian", &[], false, true),
    stock("python", &[], false, true),
    stock("node", &[], false, true),
    stock("golang", &[], false, true),
    stock("bash", &[], false, true),
    stock("tomcat", &[8080], false, true),
    stock("wordpress", &[80], false, true),
    stock("hashicorp/http-echo", &[5678], false, false),
    stock("kennethreitz/httpbin", &[80], false, true),
    stock("traefik/whoami", &[80], false, true),
];

/// The repository of an image without Docker Hub's own prefixes, tag and digest.
#[must_use]
pub(in crate::rules) fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let image = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    };
    let image =
        image.strip_prefix("docker.io/").or_else(|| image.strip_prefix("index.docker.io/")).unwrap_or(image);
    image.strip_prefix("library/").unwrap_or(image)
}

/// The tag of an image, where it has one.
#[must_use]
pub(in crate::rules) fn tag(image: &str) -> Option<&str> {
    let image = image.split('@').next()?;
    image.rsplit_once(':').map(|(_, tag)| tag).filter(|tag| !tag.contains('/'))
}

/// What is known of an image.
#[must_use]
pub(in crate::rules) fn stock_port(image: &str) -> Option<Stock> {
    let name = repository(image);
    STOCK.iter().find(|stock| stock.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_apart() {
        for (image, name, expect) in [
            ("nginx", "nginx", None),
            ("docker.io/library/nginx:1.27", "nginx", Some("1.27")),
            ("registry:5000/team/app", "registry:5000/team/app", None),
            ("nginx:1@sha256:abc", "nginx", Some("1")),
        ] {
            assert_eq!((repository(image), tag(image)), (name, expect));
        }
        assert!(stock_port("nginx:alpine").is_some_and(|stock| stock.http));
    }
}
