//! Which models a provider says it has.

use sickbay_core::error::ErrorKind;
use sickbay_egress::{Egress, EgressSettings};
use sickbay_gateway::{GatewaySettings, list_models};

use crate::{
    rig::{KEY, call, route},
    server::{Reply, Server, Step},
};

async fn asked(server: &Server) -> Result<Option<Vec<String>>, sickbay_core::error::CallError> {
    let egress = Egress::new(EgressSettings::default()).unwrap();
    let models = list_models(&egress, &route(server, ""), &GatewaySettings::default(), &call()).await?;
    Ok(models.map(|models| models.into_iter().map(|model| model.name).collect()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_is_asked_with_its_key() {
    let server = Server::start([Reply::ok("grey\ngreen")]).await;
    assert_eq!(asked(&server).await.unwrap().unwrap(), ["grey", "green"]);
    let request = server.requests().remove(0);
    assert!(request.starts_with("GET /v1/birds HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")), "{request}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_does_not_say_it_is_an_error_without_the_key() {
    for (reply, kind, message) in [
        (Reply::whole(401, &[], &format!("no {KEY}")), ErrorKind::Unauthorized, "no [redacted]"),
        (Reply::ok("<!doctype html>"), ErrorKind::Unavailable, "answered with a web page"),
        (Reply(vec![Step::Reset]), ErrorKind::Unavailable, "broke off"),
    ] {
        let server = Server::start([reply]).await;
        let error = asked(&server).await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(error.message.contains(message), "{error}");
    }
}
