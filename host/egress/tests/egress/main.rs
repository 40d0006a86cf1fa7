//! Requests over real sockets: servers on loopback that do what no server
//! should, and a resolver that answers as it is told.
#![expect(clippy::disallowed_methods, reason = "one test starts itself again with other variables")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test without its server has failed"
)]

mod bodies;
mod credentials;
mod places;
mod redirects;
mod secure;
mod server;
mod times;
mod traffic;

use std::{net::IpAddr, sync::Arc, time::Duration};

use sickbay_core::secret::Secret;
use sickbay_egress::{
    Allowed, Budget, Credential, Egress, EgressSettings, Origin, Outgoing, Rule, ScriptedResolver,
};

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A way out whose names are those of the resolver.
pub(crate) fn egress(resolver: ScriptedResolver) -> (Egress, Arc<ScriptedResolver>) {
    let resolver = Arc::new(resolver);
    let settings = EgressSettings { resolver: resolver.clone(), ..EgressSettings::default() };
    (Egress::new(settings).unwrap(), resolver)
}

/// One that resolves nothing: for addresses.
pub(crate) fn plain() -> Egress {
    egress(ScriptedResolver::new()).0
}

/// Long enough on a busy machine, and the test is over when it hangs.
pub(crate) fn budget() -> Budget {
    let long = Duration::from_secs(30);
    Budget { connect: long, first_byte: long, idle: long, total: long, ..Budget::default() }
}

pub(crate) fn private(place: &str) -> Allowed {
    Allowed::rules([Rule::any_private(place).unwrap()])
}

pub(crate) fn get(url: impl Into<String>) -> Outgoing {
    Outgoing::new("GET", url)
}

pub(crate) fn bearer(audience: &str, secret: &str) -> Credential {
    Credential {
        audience: Origin::parse(audience).unwrap(),
        header: "authorization".into(),
        prefix: "Bearer ".into(),
        secret: Secret::new(secret),
    }
}
