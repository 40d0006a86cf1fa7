//! The glue between the component model and a codec that speaks HTTP: it hands
//! calls on and nothing else. Built for WebAssembly only.

use std::{cell::RefCell, marker::PhantomData};

use sickbay_plugin::provider::{
    Error, Event, Exchange, Guest, GuestDecoder, HttpExchange, ModelInfo, ProviderInfo, Request,
};

use crate::{Format, StreamDecoder};

/// What a provider's plugin consists of.
pub trait Codec: 'static {
    type Format: Format + 'static;

    fn describe() -> ProviderInfo;

    /// The request in the provider's words.
    ///
    /// # Errors
    /// Where the provider has no words for it.
    fn encode(request: &Request) -> Result<HttpExchange, Error>;

    /// Asks the provider which models it has; none where it can not be asked.
    fn models_request() -> Option<HttpExchange>;

    /// The models in the answer to it.
    ///
    /// # Errors
    /// Where it is none.
    fn models(status: u16, body: &[u8]) -> Result<Vec<ModelInfo>, Error>;

    fn decoder(status: u16, headers: Vec<(String, String)>) -> StreamDecoder<Self::Format>;
}

/// The plugin of a codec, for [`sickbay_plugin::plugin!`].
#[derive(Debug)]
pub struct Plugin<C>(PhantomData<C>);

impl<C: Codec> Guest for Plugin<C> {
    type Decoder = Open<C>;

    fn describe() -> ProviderInfo {
        C::describe()
    }

    fn encode(request: Request) -> Result<Exchange, Error> {
        C::encode(&request).map(Exchange::Http)
    }

    fn models_request() -> Option<HttpExchange> {
        C::models_request()
    }

    fn models(status: u16, body: Vec<u8>) -> Result<Vec<ModelInfo>, Error> {
        C::models(status, &body)
    }
}

/// The plugin of a codec whose parts are functions; what they are is said in [`Codec`].
#[macro_export]
macro_rules! provider {
    (
        name: $name:expr,
        description: $description:expr,
        format: $format:ty,
        describe: $describe:expr,
        encode: $encode:expr,
        models_request: $models_request:expr,
        models: $models:expr,
        decoder: $decoder:expr $(,)?
    ) => {
        struct Parts;

        impl $crate::guest::Codec for Parts {
            type Format = $format;

            fn describe() -> ::sickbay_plugin::provider::ProviderInfo {
                $describe()
            }

            fn encode(
                request: &::sickbay_plugin::provider::Request,
            ) -> Result<::sickbay_plugin::provider::HttpExchange, ::sickbay_plugin::types::Error> {
                $encode(request)
            }

            fn models_request() -> Option<::sickbay_plugin::provider::HttpExchange> {
                $models_request()
            }

            fn models(
                status: u16,
                body: &[u8],
            ) -> Result<Vec<::sickbay_plugin::provider::ModelInfo>, ::sickbay_plugin::types::Error> {
                $models(status, body)
            }

            fn decoder(status: u16, headers: Vec<(String, String)>) -> $crate::StreamDecoder<$format> {
                $decoder(status, headers)
            }
        }

        type Provider = $crate::guest::Plugin<Parts>;

        ::sickbay_plugin::plugin! {
            provider: Provider,
            name: $name,
            version: env!("CARGO_PKG_VERSION"),
            description: $description,
            capabilities: [],
        }
    };
}

/// A decoder in the hands of the host.
pub struct Open<C: Codec>(RefCell<StreamDecoder<C::Format>>);

impl<C: Codec> GuestDecoder for Open<C> {
    fn new(status: u16, headers: Vec<(String, String)>) -> Self {
        Self(RefCell::new(C::decoder(status, headers)))
    }

    fn push(&self, bytes: Vec<u8>) -> Result<Vec<Event>, Error> {
        self.0.borrow_mut().push(&bytes)
    }

    fn finish(&self) -> Result<Vec<Event>, Error> {
        self.0.borrow_mut().finish()
    }
}
