//! Why a model gave no answer: what was attempted, on what, why not.

use sickbay_core::{
    error::{CallError, ErrorKind},
    model::Usage,
    plugin::{CallFailure, CallLimit},
};

use crate::model::Attempt;

/// What kind of trouble it was. Each has a sentence of its own in [`GatewayError::error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The provider answered with an error; its kind is the error's.
    Provider,
    /// No connection, or one that broke; or time was up.
    Network,
    /// The request is too long for the model.
    ContextLength,
    /// The response is no answer of a model: a web page, most often.
    NotAnAnswer,
    /// The stream ended before the answer did.
    Truncated,
    /// The answer, or the response, is longer than what is allowed.
    TooLarge,
    /// The provider's plugin trapped, hit a limit, or broke the contract.
    Plugin,
    /// The profile has no such model, or its route can not be used.
    Route,
    /// The profile's own rate limits would make it wait for too long.
    Rate,
    /// The run was cancelled.
    Cancelled,
}

/// A request that was not answered, after all that could be tried.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", error.message)]
pub struct GatewayError {
    pub trouble: Trouble,
    /// Kind, code, sentence and hint, as for any other call. Holds no credential.
    pub error: CallError,
    /// The model that was tried last.
    pub provider: String,
    pub model: String,
    /// Everything that was tried, this last one included.
    pub attempts: Vec<Attempt>,
    /// Whether events were handed on before it failed.
    pub streamed: bool,
    /// What the provider counted before it failed; it is paid for all the same.
    pub usage: Usage,
    pub cost_usd: Option<f64>,
}

/// The trouble of one attempt, before it is known what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failed {
    pub(crate) trouble: Trouble,
    pub(crate) error: CallError,
    pub(crate) usage: Usage,
    pub(crate) streamed: bool,
}

impl Failed {
    pub(crate) fn new(trouble: Trouble, error: CallError) -> Self {
        Self { trouble, error, usage: Usage::default(), streamed: false }
    }

    pub(crate) fn cancelled() -> Self {
        let error =
            CallError::new(ErrorKind::Internal, "cancelled", "the request to the model was cancelled");
        Self::new(Trouble::Cancelled, error)
    }

    /// What a call to the provider's plugin ended in.
    pub(crate) fn plugin(provider: &str, function: &str, failure: CallFailure) -> Self {
        let plugin = |kind, code: &str, why: String| {
            let message = format!("the plugin of provider `{provider}` failed in `{function}`: {why}");
            Self::new(Trouble::Plugin, CallError::new(kind, code, message))
        };
        match failure {
            CallFailure::Guest { error } if error.kind == ErrorKind::ContextLength => {
                Self::new(Trouble::ContextLength, error)
            }
            CallFailure::Guest { error } => Self::new(Trouble::Provider, error),
            CallFailure::Trap { message } => plugin(ErrorKind::Internal, "plugin-trap", message),
            CallFailure::Limit { limit, allowed } => {
                plugin(ErrorKind::Limit, "plugin-limit", limit_sentence(limit, allowed))
            }
            CallFailure::Denied { capability } => plugin(
                ErrorKind::Denied,
                "plugin-denied",
                format!("it wanted `{capability}`, which no provider has"),
            ),
            CallFailure::Contract { message } => plugin(ErrorKind::Internal, "plugin-contract", message),
            CallFailure::Cancelled => Self::cancelled(),
        }
    }

    /// Whether the same request may go through the next time.
    pub(crate) fn is_passing(&self) -> bool {
        let passes = matches!(
            self.error.kind,
            ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout | ErrorKind::Conflict
        );
        // A page of HTML is there the next time too.
        passes && matches!(self.trouble, Trouble::Provider | Trouble::Network | Trouble::Truncated)
    }

    /// Whether another model may answer where this one did not.
    pub(crate) fn is_elsewhere_better(&self) -> bool {
        self.is_passing()
            || self.trouble == Trouble::NotAnAnswer
            || (self.trouble == Trouble::Provider && self.error.kind == ErrorKind::NotFound)
    }
}

fn limit_sentence(limit: CallLimit, allowed: u64) -> String {
    match limit {
        CallLimit::Time => format!("it took longer than {allowed} ms"),
        CallLimit::Memory => format!("it wanted more than {allowed} bytes of memory"),
        CallLimit::Table => format!("it wanted tables of more than {allowed} elements"),
        CallLimit::Instances => format!("it has more than {allowed} instances"),
        CallLimit::HostCalls => format!("it called the host more than {allowed} times"),
        CallLimit::HostCopy => format!("it made the host copy more than {allowed} bytes"),
        CallLimit::Log => format!("it logged more than {allowed} bytes"),
        CallLimit::Result => format!("its result has more than {allowed} bytes"),
    }
}
