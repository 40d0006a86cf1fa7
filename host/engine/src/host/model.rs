//! `model`: a completion by the profile's model. The request and its answer
//! travel as JSON values of [`crate::shapes::model`].

use sickbay_core::{
    error::{CallError, ErrorKind},
    outside::{Answer, Ask},
};

use super::{
    convert::{from_request, to_completion, to_error},
    misfit,
};
use crate::{
    bindings::{
        imports::sickbay::plugin::model::{Completion, Host},
        model_types::Request,
        types::Error,
    },
    shapes,
    state::State,
};

impl Host for State {
    async fn complete(&mut self, request: Request) -> wasmtime::Result<Result<Completion, Error>> {
        let request = match from_request(request).and_then(|request| {
            serde_json::to_value(request).map_err(|error| format!("the request is no JSON: {error}"))
        }) {
            Ok(request) => request,
            Err(message) => {
                self.meter.host_call()?;
                return Ok(Err(to_error(CallError::new(ErrorKind::InvalidInput, "json", message))));
            }
        };
        Ok(match self.ask(Ask::ModelComplete { request }).await? {
            Answer::Completion { completion, .. } => {
                match serde_json::from_value::<shapes::model::Completion>(completion) {
                    Ok(completion) => Ok(to_completion(completion)),
                    Err(_) => Err(to_error(misfit("model.complete"))),
                }
            }
            Answer::Failed { error } => Err(to_error(error)),
            _ => Err(to_error(misfit("model.complete"))),
        })
    }
}
