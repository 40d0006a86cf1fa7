//! `wasi:http`: every request asks first. This version of the host sends none:
//! a permission given is answered with a denial all the same.

use std::sync::Arc;

use http::{Request, Response};
use sickbay_core::{
    error::ErrorKind,
    outside::{Answer, Ask},
};
use tokio::runtime::Handle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::{meter::Meter, outside::Outside, state::within};

/// Stands between a guest's request and the network.
pub(crate) struct Gate {
    pub(crate) outside: Arc<dyn Outside>,
    pub(crate) meter: Arc<Meter>,
    /// The runtime of whoever made the call.
    pub(crate) caller: Option<Handle>,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Io), Error>> + Send>;

impl WasiHttpHooks for Gate {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _io: Io,
    ) -> Sending {
        let (outside, meter, caller) =
            (Arc::clone(&self.outside), Arc::clone(&self.meter), self.caller.clone());
        let ask = Ask::Http {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers: Vec::new(),
            body: Vec::new().into(),
        };
        Box::new(async move {
            if meter.host_call().is_err() {
                return Err(Error::ConnectionLimitReached);
            }
            let needs = ask.needs();
            let answer = within(caller.as_ref(), outside.ask(ask)).await;
            if let (Answer::Failed { error }, Some(capability)) = (answer, needs)
                && error.kind == ErrorKind::Denied
            {
                meter.deny(capability);
            }
            Err(Error::HttpRequestDenied)
        })
    }
}
