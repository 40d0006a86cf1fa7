//! A gateway with a route to a server, and requests to send through it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use sickbay_core::{
    catalogue::Price,
    model::{Content, Message, Request, Role},
    provider::{Auth, ProviderEvent, ProviderInfo},
    secret::Secret,
};
use sickbay_egress::{Credential, Egress, EgressSettings, Origin};
use sickbay_engine::Cancel;
use sickbay_gateway::{
    Completed, Defaults, FakeTimer, Gateway, GatewayError, GatewaySettings, ModelCall, Route, Timer, Windows,
};

use tokio::sync::Notify;

use crate::{guests::parrot, server::Server};

pub(crate) const KEY: &str = "sk-planted/0123+abc";
/// Sun, 06 Nov 1994 08:49:37 GMT
pub(crate) const NOW_MS: i64 = 784_111_777_000;

/// A gateway whose waits are over at once.
pub(crate) struct Rig {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) timer: Arc<FakeTimer>,
}

impl Rig {
    pub(crate) fn new(servers: &[&Server]) -> Self {
        Self::with(servers, |_| {})
    }

    pub(crate) fn with(servers: &[&Server], change: impl FnOnce(&mut GatewaySettings)) -> Self {
        let routes =
            servers.iter().enumerate().map(|(at, server)| route(server, &format!("grey-{at}"))).collect();
        Self::of(routes, change)
    }

    pub(crate) fn of(routes: Vec<Route>, change: impl FnOnce(&mut GatewaySettings)) -> Self {
        let timer = Arc::new(FakeTimer::new());
        let mut settings =
            GatewaySettings { timer: Arc::clone(&timer) as Arc<dyn Timer>, ..GatewaySettings::default() };
        settings.after_stop = Duration::from_millis(50);
        change(&mut settings);
        let egress = Egress::new(EgressSettings::default()).unwrap();
        Self { gateway: Arc::new(Gateway::new(egress, routes, settings)), timer }
    }

    /// What came of it, and what was handed on until then.
    pub(crate) async fn ask(
        &self,
        request: &Request,
    ) -> (Result<Completed, GatewayError>, Vec<ProviderEvent>) {
        let events = Mutex::new(Vec::new());
        let end = self
            .gateway
            .complete(request, &call(), &mut |event| events.lock().unwrap().push(event.clone()))
            .await;
        (end, events.into_inner().unwrap())
    }

    /// The same; the server is told as soon as a text was handed on.
    pub(crate) async fn ask_telling(
        &self,
        shown: &Notify,
    ) -> (Result<Completed, GatewayError>, Vec<ProviderEvent>) {
        let events = Mutex::new(Vec::new());
        let mut on = |event: &ProviderEvent| {
            events.lock().unwrap().push(event.clone());
            if matches!(event, ProviderEvent::Text { .. }) {
                shown.notify_one();
            }
        };
        let end = self.gateway.complete(&say("hello"), &call(), &mut on).await;
        (end, events.into_inner().unwrap())
    }

    pub(crate) async fn answer(&self) -> Completed {
        let (end, _) = self.ask(&say("hello")).await;
        end.unwrap_or_else(|error| panic!("{error}: {error:#?}"))
    }

    pub(crate) async fn error(&self) -> GatewayError {
        let (end, _) = self.ask(&say("hello")).await;
        end.map(|done| panic!("{done:#?}")).unwrap_err()
    }

    /// How long it was waited, in milliseconds.
    pub(crate) fn waits(&self) -> Vec<u128> {
        self.timer.waits().iter().map(Duration::as_millis).collect()
    }
}

pub(crate) fn call() -> ModelCall {
    ModelCall { cancel: Cancel::never(), seed: 7, now_ms: NOW_MS }
}

pub(crate) fn say(text: &str) -> Request {
    let message = Message { role: Role::User, content: vec![Content::Text { text: text.into() }] };
    Request { messages: vec![message.into()], ..Request::default() }
}

pub(crate) fn route(server: &Server, model: &str) -> Route {
    let endpoint = server.url();
    let audience = Origin::parse(&endpoint).unwrap();
    Route {
        name: "parrot".into(),
        model: model.into(),
        plugin: parrot(),
        info: ProviderInfo {
            description: String::new(),
            models: Vec::new(),
            default_endpoint: endpoint.clone(),
            auth: Auth::None,
        },
        endpoint,
        credential: Some(Credential {
            audience,
            header: "authorization".into(),
            prefix: "Bearer ".into(),
            secret: Secret::new(KEY),
        }),
        key_hint: Some("set it again".into()),
        config: Vec::new(),
        private: false,
        price: Some(Price { input: 1_000_000.0, output: 2_000_000.0, ..Price::default() }),
        windows: Windows { context: Some(1_000), output: None },
        defaults: Defaults::default(),
    }
}

pub(crate) fn text(text: &str) -> ProviderEvent {
    ProviderEvent::Text { text: text.into() }
}
