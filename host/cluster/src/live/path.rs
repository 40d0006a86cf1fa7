//! Request paths. Names come from guests, so each becomes one encoded segment
//! or is refused: a name can not reach another resource, and what it asks for
//! stays a read.

use sickbay_core::error::{CallError, ErrorKind};

use super::discovery::Resource;

/// A path with its query, percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestPath {
    text: String,
    has_query: bool,
}

impl RequestPath {
    /// A path of our own making.
    pub(super) fn fixed(text: &str) -> Self {
        Self { text: text.to_owned(), has_query: false }
    }

    /// The collection of a resource, in one namespace or in all.
    pub(super) fn collection(resource: &Resource, namespace: Option<&str>) -> Result<Self, CallError> {
        let mut text = if resource.group.is_empty() {
            format!("/api/{}", encoded(&resource.version))
        } else {
            format!("/apis/{}/{}", encoded(&resource.group), encoded(&resource.version))
        };
        if let Some(namespace) = namespace {
            text.push_str("/namespaces/");
            text.push_str(&segment("namespace", namespace)?);
        }
        text.push('/');
        text.push_str(&encoded(&resource.plural));
        Ok(Self { text, has_query: false })
    }

    /// One step deeper, by a name that a guest may have chosen.
    pub(super) fn then(mut self, what: &str, name: &str) -> Result<Self, CallError> {
        self.text.push('/');
        self.text.push_str(&segment(what, name)?);
        Ok(self)
    }

    #[must_use]
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(key);
        self.text.push('=');
        self.text.push_str(&encoded(value));
        self
    }

    #[must_use]
    pub(super) fn with_some(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) if !value.is_empty() => self.with(key, value),
            _ => self,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

/// Kubernetes' own rule for names in paths, and its bound on their length.
fn segment(what: &str, name: &str) -> Result<String, CallError> {
    let odd = name.is_empty()
        || name.len() > 253
        || name == "."
        || name == ".."
        || name.contains(['/', '%'])
        || name.chars().any(char::is_control);
    if odd {
        return Err(CallError::new(
            ErrorKind::InvalidInput,
            "bad-name",
            format!(
                "`{}` is not a {what}",
                name.escape_debug().to_string().chars().take(80).collect::<String>()
            ),
        ));
    }
    Ok(encoded(name))
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            const HEX: [char; 16] =
                ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods() -> Resource {
        Resource::named("", "v1", "Pod", "pods")
    }

    #[test]
    fn paths_are_made_of_encoded_segments() {
        let check = |path: RequestPath, expect: &str| assert_eq!(path.as_str(), expect);
        check(RequestPath::collection(&pods(), None).unwrap(), "/api/v1/pods");
        check(RequestPath::collection(&pods(), Some("shop")).unwrap(), "/api/v1/namespaces/shop/pods");
        check(
            RequestPath::collection(&Resource::named("apps", "v1", "Deployment", "deployments"), Some("a"))
                .unwrap()
                .then("name", "system:x?y#z")
                .unwrap(),
            "/apis/apps/v1/namespaces/a/deployments/system%3Ax%3Fy%23z",
        );
        check(
            RequestPath::collection(&pods(), None)
                .unwrap()
                .with("limit", "5")
                .with_some("labelSelector", Some("app in (a,b)&limit=9"))
                .with_some("continue", None),
            "/api/v1/pods?limit=5&labelSelector=app%20in%20%28a%2Cb%29%26limit%3D9",
        );
    }

    #[test]
    fn names_that_would_leave_their_place_are_refused() {
        for name in ["", ".", "..", "../secrets", "a/b", "a%2fb", "a\nb", &"x".repeat(254)] {
            let error = RequestPath::collection(&pods(), Some(name)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidInput, "{name:?}");
            assert!(RequestPath::fixed("/api").then("name", name).is_err(), "{name:?}");
        }
    }
}
