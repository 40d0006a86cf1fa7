//! What a request may do: the rules, and how a request is held against them. Pure.

use std::{fmt, net::IpAddr};

use url::{Host, Url};

use crate::{
    address::AddressClass,
    error::{Denial, EgressError, shown},
    origin::{Origin, normal},
    path,
};

/// One place that requests may go to. Written as `https://api.example.com/v1`:
/// that scheme, host and port, that path and everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    origin: Origin,
    /// As in a URL; `/` for everything.
    path: String,
    /// `None` for all.
    methods: Option<Vec<String>>,
    /// Whether the name may lead to a private or loopback address.
    private: bool,
}

impl Rule {
    /// Reads `SCHEME://HOST[:PORT][/PATH]`. A host that names a private place may lead to a private address: an
    /// address, `localhost`, a name of one label, one below `.internal`, `.local`, `.lan`, `.svc` and the like.
    pub fn parse(text: &str) -> Result<Self, EgressError> {
        let url = normal(text)?;
        if url.query().is_some() {
            return Err(EgressError::invalid_url(text, "a rule has no query"));
        }
        if url.host_str().is_some_and(|host| host.contains('*')) {
            return Err(EgressError::invalid_url(text, "a rule names one host"));
        }
        let private = match url.host() {
            Some(Host::Domain(name)) => names_private(name),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            None => false,
        };
        Ok(Self { origin: Origin::of(&url), path: url.path().to_owned(), methods: None, private })
    }

    /// The same, for an endpoint that the user's own profile names: it may be anywhere in the private network.
    pub fn any_private(text: &str) -> Result<Self, EgressError> {
        Ok(Self { private: true, ..Self::parse(text)? })
    }

    /// Narrows the rule to these methods.
    #[must_use]
    pub fn for_methods<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Whether it allows the request, or what does not fit.
    fn admits(&self, method: &str, origin: &Origin, path: &str) -> Result<(), Denial> {
        if self.origin.host != origin.host {
            Err(Denial::Host)
        } else if self.origin.scheme != origin.scheme {
            Err(Denial::Scheme)
        } else if self.origin.port != origin.port {
            Err(Denial::Port)
        } else if !path::is_below(path, &self.path) {
            Err(Denial::Path)
        } else if self.methods.as_ref().is_some_and(|methods| !methods.iter().any(|known| known == method)) {
            Err(Denial::Method)
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path.trim_end_matches('/'))
    }
}

/// Endings of names that only ever stand for something near.
const PRIVATE: &[&str] =
    &[".localhost", ".local", ".internal", ".svc", ".cluster.local", ".lan", ".home.arpa"];

fn names_private(name: &str) -> bool {
    !name.contains('.') || PRIVATE.iter().any(|ending| name.ends_with(ending))
}

/// Everything that one request may do. None of it by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    pub rules: Vec<Rule>,
    /// How many redirects are followed. With 0 a redirect is given back as the response that it is.
    pub redirects: u8,
}

/// A request that a rule allows.
#[derive(Clone, Debug)]
pub(crate) struct Admitted {
    pub(crate) url: Url,
    pub(crate) origin: Origin,
    /// Whether its name may lead to a private address.
    pub(crate) private: bool,
}

impl Allowed {
    /// These rules, and no redirects.
    #[must_use]
    pub fn rules(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self { rules: rules.into_iter().collect(), redirects: 0 }
    }

    /// Whether a request would be allowed, as far as that can be said without resolving its name. Sends nothing.
    pub fn check(&self, method: &str, url: &str) -> Result<(), EgressError> {
        self.admit(method, normal(url)?).map(|_| ())
    }

    /// Holds a normalised URL against the rules.
    pub(crate) fn admit(&self, method: &str, url: Url) -> Result<Admitted, EgressError> {
        let origin = Origin::of(&url);
        let (mut private, mut admitted, mut nearest) = (false, false, Denial::Host);
        for rule in &self.rules {
            match rule.admits(method, &origin, url.path()) {
                Ok(()) => {
                    admitted = true;
                    private |= rule.private;
                }
                Err(denial) => nearest = nearest.max(denial),
            }
        }
        if !admitted {
            return Err(EgressError::Denied {
                method: method.to_owned(),
                url: shown(url.as_str()),
                origin,
                denial: nearest,
            });
        }
        let address: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        if let Some(class) = address.map(AddressClass::of)
            && !class.open_to_literals()
        {
            return Err(EgressError::Address { host: origin.host, class });
        }
        Ok(Admitted { url, origin, private })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(rules: &[&str]) -> Allowed {
        Allowed::rules(rules.iter().map(|rule| Rule::parse(rule).unwrap()))
    }

    #[test]
    fn a_request_needs_a_rule_that_fits_in_every_part() {
        let allowed = allowed(&["https://api.example.com/v1", "http://10.0.0.1:8080"]);
        for (url, expect) in [
            ("https://api.example.com/v1", None),
            ("https://API.EXAMPLE.COM./v1/chat?x=%2e%2e", None),
            ("https://api.example.com:443/v1/", None),
            ("https://api.example.com/v2/../v1/x", None),
            ("http://167772161:8080/", None),
            ("http://api.example.com/v1", Some(Denial::Scheme)),
            ("https://api.example.com:8443/v1", Some(Denial::Port)),
            ("https://api.example.com/v10", Some(Denial::Path)),
            ("https://api.example.com/v1/..%2fadmin", Some(Denial::Path)),
            ("https://api.example.com.evil.example/v1", Some(Denial::Host)),
            ("https://evil.example/api.example.com/v1", Some(Denial::Host)),
            ("https://xn--pi-7ia.example.com/v1", Some(Denial::Host)),
            ("https://аpi.example.com/v1", Some(Denial::Host)),
            ("http://[::ffff:10.0.0.1]:8080/", Some(Denial::Host)),
        ] {
            match (allowed.check("GET", url), expect) {
                (Ok(()), None) => {}
                (Err(EgressError::Denied { denial, .. }), Some(expect)) => {
                    assert_eq!(denial, expect, "{url}")
                }
                (other, _) => panic!("{url}: {other:?}"),
            }
        }
        assert!(Allowed::default().check("GET", "https://api.example.com").is_err());
    }

    #[test]
    fn methods_are_held_against_the_rule_that_fits() {
        let rule = Rule::parse("https://a.example").unwrap().for_methods(["GET", "HEAD"]);
        let allowed = Allowed::rules([rule]);
        assert!(allowed.check("GET", "https://a.example/x").is_ok());
        for method in ["POST", "DELETE", "get"] {
            let error = allowed.check(method, "https://a.example/x").unwrap_err();
            assert!(matches!(error, EgressError::Denied { denial: Denial::Method, .. }), "{error}");
        }
    }

    #[test]
    fn only_a_private_name_or_the_users_own_endpoint_is_private() {
        for (rule, expect) in [
            ("http://localhost:11434", true),
            ("http://ollama", true),
            ("http://prometheus.monitoring.svc:9090", true),
            ("http://prometheus.monitoring.svc.cluster.local", true),
            ("http://nas.lan", true),
            ("http://127.0.0.1", true),
            ("http://[::1]", true),
            ("https://api.example.com", false),
            ("https://local.example.com", false),
            ("https://svc.example", false),
        ] {
            assert_eq!(Rule::parse(rule).unwrap().is_private(), expect, "{rule}");
        }
        assert!(Rule::any_private("https://llm.example.com/v1").unwrap().is_private());
    }

    #[test]
    fn some_addresses_are_closed_even_to_a_rule_that_spells_them_out() {
        for (url, expect) in [
            ("http://169.254.169.254/latest", None),
            ("http://[fd00:ec2::254]/", None),
            ("http://0.0.0.0/", Some(AddressClass::Unspecified)),
            ("http://[::ffff:0.0.0.0]/", Some(AddressClass::Unspecified)),
            ("http://224.0.0.1/", Some(AddressClass::Multicast)),
        ] {
            let found = match allowed(&[url]).check("GET", url) {
                Err(EgressError::Address { class, .. }) => Some(class),
                other => other.map(|()| None).unwrap(),
            };
            assert_eq!(found, expect, "{url}");
        }
    }

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for text in ["https://api.example.com", "http://a.example:8080/v1", "http://[::1]:80/x"] {
            let rule = Rule::parse(text).unwrap();
            assert_eq!(Rule::parse(&rule.to_string()).unwrap(), rule);
        }
        for text in ["api.example.com", "https://a.example/?x", "https://*/", "wss://a.example"] {
            assert!(Rule::parse(text).is_err(), "{text}");
        }
    }
}
