//! Which models a provider says that it has.

use std::sync::Arc;

use sickbay_core::provider::{Exchange, ModelInfo};
use sickbay_egress::{Budget, Egress, Outgoing};
use sickbay_engine::{CallContext, Outside};

use crate::{
    attempt::{Config, network},
    error::{Failed, Trouble},
    model::ModelCall,
    page,
    route::Route,
    scrub,
    settings::GatewaySettings,
};

/// Bytes of a list of models at most.
const LONGEST: u64 = 8 * 1024 * 1024;

/// Asks the route's provider which models it has; none where it can not be
/// asked. Sent once: whoever wants it again asks again. The error is a
/// sentence, and a hint.
pub async fn list_models(
    egress: &Egress,
    route: &Route,
    settings: &GatewaySettings,
    call: &ModelCall,
) -> Result<Option<Vec<ModelInfo>>, sickbay_core::error::CallError> {
    let asked = tokio::select! {
        biased;
        () = call.cancel.cancelled() => Err(Failed::cancelled()),
        asked = Box::pin(ask(egress, route, settings, call)) => asked,
    };
    asked.map_err(|mut failed| {
        scrub::error(route.credential.as_ref().map(|credential| &credential.secret), &mut failed.error);
        if failed.error.kind == sickbay_core::error::ErrorKind::Unauthorized {
            failed.error.hint = failed.error.hint.or_else(|| route.key_hint.clone());
        }
        failed.error
    })
}

async fn ask(
    egress: &Egress,
    route: &Route,
    settings: &GatewaySettings,
    call: &ModelCall,
) -> Result<Option<Vec<ModelInfo>>, Failed> {
    let outside = Arc::new(Config { provider: route.name.clone(), entries: route.config.clone() });
    let context = || CallContext {
        limits: settings.encode,
        outside: Arc::clone(&outside) as Arc<dyn Outside>,
        cancel: call.cancel.clone(),
        now_ms: call.now_ms,
        seed: call.seed,
    };
    let plugin = |function: &'static str| {
        let name = route.name.clone();
        move |failure| Failed::plugin(&name, function, failure)
    };
    let exchange = route.plugin.models_request(context()).await.result.map_err(plugin("models-request"))?;
    let Some(Exchange::Http { method, path, headers, body }) = exchange else { return Ok(None) };
    let allowed = route.allowed(&method).map_err(|error| network(&error, Trouble::Network))?;
    let outgoing = Outgoing {
        method,
        url: route.url(&path),
        headers,
        body: body.into(),
        credential: route.credential.clone(),
    };
    let budget = Budget { response_bytes: LONGEST, ..settings.budget };
    let incoming =
        egress.send(outgoing, &allowed, &budget).await.map_err(|error| network(&error, Trouble::Network))?;
    let status = incoming.status;
    let is_page = (200..300).contains(&status) && page::is_announced(&incoming.headers);
    let body = incoming.collect().await.map_err(|error| network(&error, Trouble::Network))?;
    if is_page || ((200..300).contains(&status) && page::is_begun(&body)) {
        return Err(page::in_place_of_an_answer(route));
    }
    route.plugin.models(context(), status, body).await.result.map(Some).map_err(plugin("models"))
}
