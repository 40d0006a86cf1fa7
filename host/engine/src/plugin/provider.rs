//! Calls to the `provider` world. A decoder's store lives as long as its
//! stream; all other stores live for one call.

use std::sync::Arc;

use bytes::Bytes;
use sickbay_core::plugin::{CallFailure, PluginKind};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::ResourceAny;

use super::{Inner, LoadedPlugin, Seat, checked, fits, guest, lacks};
use crate::{
    bindings::provider::{Provider, ProviderIndices, exports::sickbay::plugin::model_provider as wit},
    call::{CallContext, CallEnd},
    engine::{Reach, Shared},
    host::convert::{each, from_stop, from_usage, json, to_request},
    machine::{Machine, Model},
    meter::Meter,
    run::{Place, Session, Worked, drive, session},
    shapes::{
        model::Request,
        provider::{Auth, Exchange, ModelInfo, ProviderEvent, ProviderInfo},
    },
};

/// A provider's decoder; lives in one store, in a place of its own, until it is dropped.
pub struct Decoder {
    shared: Arc<Shared>,
    machine: Arc<Machine>,
    context: CallContext,
    /// None once a call ended the store.
    open: Option<Open>,
    ended: Option<CallFailure>,
    _place: Option<OwnedSemaphorePermit>,
}

/// A decoder that can still be called.
struct Open {
    session: Session,
    world: Provider,
    decoder: ResourceAny,
    meter: Arc<Meter>,
}

impl LoadedPlugin {
    /// What the provider is.
    pub async fn describe_provider(&self, context: CallContext) -> CallEnd<ProviderInfo> {
        let limit = context.limits.result_bytes;
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.provider else { return lacks(PluginKind::Provider) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let info = world.sickbay_plugin_model_provider().call_describe(&mut session.store).await?;
                let size =
                    info.description.len() + info.models.iter().map(|m| m.name.len() + 32).sum::<usize>();
                checked(limit, size, Ok(from_info(info)))
            })
        })
        .await
    }

    /// A request in the provider's words.
    pub async fn encode(&self, context: CallContext, request: &Request) -> CallEnd<Exchange> {
        let limit = context.limits.result_bytes;
        let request = to_request(request);
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.provider else { return lacks(PluginKind::Provider) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let provider = world.sickbay_plugin_model_provider();
                match provider.call_encode(&mut session.store, &request).await? {
                    Ok(wit::Exchange::Http(http)) => {
                        let size = http.body.len();
                        checked(limit, size, Ok(from_http(http)))
                    }
                    Ok(wit::Exchange::Events(events)) => {
                        let size = events.iter().map(event_size).sum();
                        checked(
                            limit,
                            size,
                            each(events, from_event).map(|events| Exchange::Events { events }),
                        )
                    }
                    Err(error) => guest(error),
                }
            })
        })
        .await
    }

    /// The request that asks the provider which models it has; none where it can not be asked.
    pub async fn models_request(&self, context: CallContext) -> CallEnd<Option<Exchange>> {
        let limit = context.limits.result_bytes;
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.provider else { return lacks(PluginKind::Provider) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let provider = world.sickbay_plugin_model_provider();
                let exchange = provider.call_models_request(&mut session.store).await?;
                let size = exchange.as_ref().map_or(0, |http| http.body.len());
                checked(limit, size, Ok(exchange.map(from_http)))
            })
        })
        .await
    }

    /// The models in the answer to it.
    pub async fn models(&self, context: CallContext, status: u16, body: Vec<u8>) -> CallEnd<Vec<ModelInfo>> {
        let limit = context.limits.result_bytes;
        self.call(&context, |plugin, mut session| {
            Box::pin(async move {
                let Some(world) = &plugin.provider else { return lacks(PluginKind::Provider) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let provider = world.sickbay_plugin_model_provider();
                match provider.call_models(&mut session.store, status, &body).await? {
                    Ok(models) => {
                        let size = models.iter().map(|model| model.name.len() + 32).sum();
                        checked(limit, size, Ok(models.into_iter().map(from_model).collect()))
                    }
                    Err(error) => guest(error),
                }
            })
        })
        .await
    }

    /// Opens a decoder, and waits while there is no place for one more. Each
    /// `push` and `finish` has the context's limits of its own.
    pub async fn decoder(
        &self,
        context: CallContext,
        status: u16,
        headers: Vec<(String, String)>,
    ) -> CallEnd<Decoder> {
        let shared = &self.0.shared;
        let meter = Arc::new(Meter::new(context.limits));
        // It keeps its instance between calls, so it keeps a place for itself. Those places are none of the calls':
        // however many streams are open, a call finds one; and who waits here is waited for by no one.
        let place = tokio::select! {
            biased;
            () = context.cancel.cancelled() => None,
            place = shared.place() => place,
        };
        let far = match &place {
            Some((_, Reach::Far)) if self.0.machine.model == Model::Plain => match self.far().await {
                Ok(seat) => Some(seat),
                Err(failure) => return never_begun(failure),
            },
            _ => None,
        };
        let (machine, pre) = match &far {
            Some(seat) => (&seat.machine, &seat.pre),
            None => (&self.0.machine, &self.0.pre),
        };
        let mut session = session(machine, pre, &context, &meter);
        let (plugin, seat, kept) = (Arc::clone(&self.0), far.clone(), Arc::clone(&meter));
        let end = drive(
            shared,
            machine,
            &context,
            &meter,
            Place::Held,
            Box::pin(async move {
                let world = seat.as_ref().map(|seat| &seat.provider).or(plugin.provider.as_ref());
                let Some(world) = world else { return lacks(PluginKind::Provider) };
                let instance = session.instance().await?;
                let world = fits(world.load(&mut session.store, &instance))?;
                let decoder = world
                    .sickbay_plugin_model_provider()
                    .decoder()
                    .call_constructor(&mut session.store, status, &headers)
                    .await?;
                Ok(Ok(Open { session, world, decoder, meter: kept }))
            }),
        )
        .await;
        let (shared, machine) = (Arc::clone(shared), Arc::clone(machine));
        let place = place.map(|(permit, _)| permit);
        end.map(|open| Decoder { shared, machine, context, open: Some(open), ended: None, _place: place })
    }

    /// The provider in the engine for streams alone; made when the first stream has its place there.
    async fn far(&self) -> Result<Arc<Seat>, CallFailure> {
        let failed = |message: String| CallFailure::Trap { message };
        if let Some(made) = self.0.far.get() {
            return made.clone().map_err(failed);
        }
        let plugin = Arc::clone(&self.0);
        let making = tokio::task::spawn_blocking(move || plugin.far.get_or_init(|| plugin.seat()).clone());
        making.await.map_err(|error| failed(error.to_string()))?.map_err(failed)
    }
}

impl Inner {
    /// The same native code in the other engine.
    fn seat(&self) -> Result<Arc<Seat>, String> {
        let told = |error: wasmtime::Error| format!("no place can be made for more streams: {error:#}");
        let machine = self.shared.streams().map_err(|error| error.to_string())?;
        let code = self.pre.component().serialize().map_err(told)?;
        let pre = machine.native(&code).and_then(|it| machine.linker.instantiate_pre(&it)).map_err(told)?;
        let provider = ProviderIndices::new(&pre).map_err(told)?;
        Ok(Arc::new(Seat { machine, pre: Arc::new(pre), provider }))
    }
}

/// A call that ended before the guest heard of it.
fn never_begun<T>(failure: CallFailure) -> CallEnd<T> {
    CallEnd {
        result: Err(failure),
        host_calls: 0,
        logs_dropped: 0,
        peak_memory: 0,
        wall: std::time::Duration::ZERO,
    }
}

/// Which of a decoder's functions is called.
enum Feed {
    Push(Bytes),
    Finish,
}

impl Decoder {
    /// After a failure other than `Guest` the decoder is dead and answers the same again.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<Vec<ProviderEvent>, CallFailure> {
        self.push_shared(Bytes::copy_from_slice(bytes)).await
    }

    /// The same without a copy: that of the guest is the only one.
    pub async fn push_shared(&mut self, bytes: Bytes) -> Result<Vec<ProviderEvent>, CallFailure> {
        self.feed(Feed::Push(bytes)).await.result
    }

    /// The stream ended.
    pub async fn finish(mut self) -> CallEnd<Vec<ProviderEvent>> {
        self.feed(Feed::Finish).await
    }

    async fn feed(&mut self, feed: Feed) -> CallEnd<Vec<ProviderEvent>> {
        let Some(mut open) = self.open.take() else {
            return never_begun(self.ended.clone().unwrap_or(CallFailure::Cancelled));
        };
        let meter = Arc::clone(&open.meter);
        let limit = self.context.limits.result_bytes;
        let end = drive(
            &self.shared,
            &self.machine,
            &self.context,
            &meter,
            Place::Held,
            Box::pin(async move {
                open.session.store.set_epoch_deadline(1);
                let provider = open.world.sickbay_plugin_model_provider();
                let decoder = provider.decoder();
                let store = &mut open.session.store;
                let fed = match feed {
                    Feed::Push(bytes) => decoder.call_push(store, open.decoder, &bytes).await?,
                    Feed::Finish => decoder.call_finish(store, open.decoder).await?,
                };
                let answer: Worked<Vec<ProviderEvent>> = match fed {
                    Ok(events) => {
                        let size = events.iter().map(event_size).sum();
                        checked(limit, size, each(events, from_event))
                    }
                    Err(error) => guest(error),
                };
                answer.map(|answer| Ok((open, answer)))
            }),
        )
        .await;
        let CallEnd { result, host_calls, logs_dropped, peak_memory, wall } = end;
        let result = match result {
            Ok((open, answer)) => {
                self.open = Some(open);
                answer
            }
            Err(failure) => {
                self.ended = Some(failure.clone());
                Err(failure)
            }
        };
        CallEnd { result, host_calls, logs_dropped, peak_memory, wall }
    }
}

fn from_info(info: wit::ProviderInfo) -> ProviderInfo {
    ProviderInfo {
        description: info.description,
        models: info.models.into_iter().map(from_model).collect(),
        default_endpoint: info.default_endpoint,
        auth: match info.auth {
            wit::AuthScheme::None => Auth::None,
            wit::AuthScheme::Header(header) => {
                Auth::Header { name: header.name, prefix: header.prefix, secret_name: header.secret_name }
            }
            wit::AuthScheme::Sigv4(sigv4) => {
                Auth::Sigv4 { service: sigv4.service, secret_name: sigv4.secret_name }
            }
        },
    }
}

fn from_http(http: wit::HttpExchange) -> Exchange {
    Exchange::Http { method: http.method, path: http.path, headers: http.headers, body: http.body }
}

fn from_model(model: wit::ModelInfo) -> ModelInfo {
    ModelInfo {
        name: model.name,
        context_window: model.context_window,
        output_limit: model.output_limit,
        tools: model.tools,
        images: model.images,
        thinking: model.thinking,
        structured_output: model.structured_output,
    }
}

fn event_size(event: &wit::Event) -> usize {
    match event {
        wit::Event::Started(info) => {
            info.id.as_ref().map_or(0, String::len) + info.model.as_ref().map_or(0, String::len) + 16
        }
        wit::Event::Text(text) | wit::Event::Raw(text) => text.len() + 16,
        wit::Event::Thinking(thinking) => thinking.text.len() + 16,
        wit::Event::ToolCallArguments(arguments) => arguments.fragment.len() + 16,
        wit::Event::ToolCallStart(start) => start.id.len() + start.name.len() + 16,
        wit::Event::Usage(_) | wit::Event::Stop(_) => 16,
    }
}

fn from_event(event: wit::Event) -> Result<ProviderEvent, String> {
    Ok(match event {
        wit::Event::Started(info) => ProviderEvent::Started { id: info.id, model: info.model },
        wit::Event::Text(text) => ProviderEvent::Text { text },
        wit::Event::Thinking(thinking) => ProviderEvent::Thinking {
            text: thinking.text,
            signature: thinking.signature,
            redacted: thinking.redacted,
        },
        wit::Event::ToolCallStart(start) => {
            ProviderEvent::ToolCallStart { index: start.index, id: start.id, name: start.name }
        }
        wit::Event::ToolCallArguments(arguments) => {
            ProviderEvent::ToolCallArguments { index: arguments.index, fragment: arguments.fragment }
        }
        wit::Event::Usage(usage) => ProviderEvent::Usage { usage: from_usage(usage) },
        wit::Event::Stop(reason) => ProviderEvent::Stop { reason: from_stop(reason) },
        wit::Event::Raw(text) => ProviderEvent::Raw { value: json("raw", &text)? },
    })
}
