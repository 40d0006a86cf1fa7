//! What the host adds to a request, for one audience only.

use http::{HeaderName, HeaderValue};
use sickbay_core::secret::Secret;

use crate::{error::EgressError, origin::Origin};

/// A secret and the one origin that may see it.
#[derive(Clone, Debug)]
pub struct Credential {
    pub audience: Origin,
    /// The header that carries it, `authorization`.
    pub header: String,
    /// What stands before it in the header, `Bearer ` with its space; may be empty.
    pub prefix: String,
    pub secret: Secret,
}

impl Credential {
    /// The header, its value marked so that no layer below logs or indexes it.
    pub(crate) fn header(&self) -> Result<(HeaderName, HeaderValue), EgressError> {
        let invalid = |why: &str| EgressError::InvalidRequest { why: why.to_owned() };
        let name = HeaderName::from_bytes(self.header.as_bytes())
            .map_err(|_| invalid("the name of the credential's header is not valid"))?;
        let mut value = HeaderValue::from_str(&format!("{}{}", self.prefix, self.secret.reveal()))
            .map_err(|_| invalid("the credential holds characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}
