//! The engine itself: admits a request, sends it, follows where that is allowed.

use std::{
    fmt,
    path::PathBuf,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use rustls::{ClientConfig, pki_types::CertificateDer};
use sickbay_core::text::clean_line;
use tokio::time::sleep_until;

use crate::{
    budget::Budget,
    connect::{ATTEMPT, Timed},
    credential::Credential,
    deadline::{Attempt, Deadline, later},
    error::{EgressError, Phase},
    headers,
    origin::{Origin, normal},
    redirect,
    resolve::{Checked, Resolve, SystemResolver},
    response::Incoming,
    rule::{Admitted, Allowed},
    scrub::Scrubber,
    tls,
};

/// How the way out is set up. The default is right for everything but tests and companies with roots of their own.
#[derive(Clone)]
pub struct EgressSettings {
    /// Sent where the request names none.
    pub user_agent: String,
    /// A PEM file of certificates that are trusted besides the system's.
    pub extra_roots: Option<PathBuf>,
    pub resolver: Arc<dyn Resolve>,
    /// Idle connections kept for each origin, and for how long.
    pub idle_connections: usize,
    pub idle_time: Duration,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            user_agent: concat!("sickbay/", env!("CARGO_PKG_VERSION")).to_owned(),
            extra_roots: None,
            resolver: Arc::new(SystemResolver),
            idle_connections: 64,
            idle_time: Duration::from_secs(60),
        }
    }
}

impl fmt::Debug for EgressSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressSettings").field("extra_roots", &self.extra_roots).finish_non_exhaustive()
    }
}

/// A request that is to leave.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// In capitals, as in HTTP.
    pub method: String,
    pub url: String,
    /// Those that are the host's to say are dropped: `host`, framing, proxies, `accept-encoding`, and the
    /// credential's where there is one.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// Added last, and only where the request goes to its audience.
    pub credential: Option<Credential>,
}

impl Outgoing {
    /// A request without headers, body and credential.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            credential: None,
        }
    }
}

/// The way out. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Egress(Arc<Shared>);

struct Shared {
    settings: EgressSettings,
    user_agent: HeaderValue,
    extra_roots: Vec<CertificateDer<'static>>,
    plain: Clients,
    /// Made when the first `https` request comes: reading the system's roots takes longer than the rest of a start.
    secure: OnceLock<Result<Clients, EgressError>>,
}

/// Two pools, so that no connection to a private address is ever there for a request that may not have one.
struct Clients {
    public: reqwest::Client,
    private: reqwest::Client,
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Egress").field(&self.0.settings).finish()
    }
}

impl Egress {
    /// Reads the file of extra roots where there is one. Opens nothing yet.
    pub fn new(settings: EgressSettings) -> Result<Self, EgressError> {
        let extra_roots =
            settings.extra_roots.as_deref().map(tls::extra_roots).transpose()?.unwrap_or_default();
        let user_agent = HeaderValue::from_str(&settings.user_agent)
            .map_err(|_| EgressError::Setup { message: "the user agent is not valid".to_owned() })?;
        let plain = clients(&settings, &tls::none()?)?;
        Ok(Self(Arc::new(Shared { settings, user_agent, extra_roots, plain, secure: OnceLock::new() })))
    }

    /// Sends a request and gives its response once the head is there. The body is read by [`Incoming::chunk`], within
    /// the same budget. Dropping the future or the response ends the exchange.
    pub async fn send(
        &self,
        request: Outgoing,
        allowed: &Allowed,
        budget: &Budget,
    ) -> Result<Incoming, EgressError> {
        let deadline = Deadline::start(budget);
        if request.body.len() as u64 > budget.request_bytes {
            let why = format!("its body is larger than {} bytes", budget.request_bytes);
            return Err(EgressError::InvalidRequest { why });
        }
        let credential = request.credential.as_ref();
        let filled = credential.map(Credential::header).transpose()?;
        let scrubber = Scrubber::of(credential.map(|credential| &credential.secret));
        let mut headers = headers::outgoing(&request.headers, filled.as_ref().map(|(name, _)| name))?;
        if !headers.contains_key(header::USER_AGENT) {
            headers.insert(header::USER_AGENT, self.0.user_agent.clone());
        }
        let (mut method, mut body) = (method(&request.method)?, request.body);
        let mut url = normal(&request.url)?;
        let mut left = allowed.redirects;
        let mut at_home = true;
        loop {
            let Admitted { url: admitted, origin, private } = allowed.admit(method.as_str(), url)?;
            let mut sent = reqwest::Request::new(method.clone(), admitted.clone());
            sent.headers_mut().clone_from(&headers);
            if let (true, Some(credential), Some((name, value))) = (at_home, credential, &filled)
                && credential.audience == origin
            {
                sent.headers_mut().insert(name.clone(), value.clone());
            }
            if !body.is_empty() {
                *sent.body_mut() = Some(body.clone().into());
            }
            let client = self.client(&origin, private)?;
            let response = exchange(client, sent, &origin, &deadline, &scrubber).await?;
            let location = response.headers().get(header::LOCATION).map(|value| value.as_bytes().to_vec());
            let next = if allowed.redirects == 0 {
                None
            } else {
                redirect::next(response.status(), location.as_deref(), &admitted, &method, !body.is_empty())?
            };
            let Some(next) = next else {
                return Incoming::new(response, origin, deadline, scrubber);
            };
            if left == 0 {
                return Err(EgressError::Redirect {
                    from: crate::error::shown(admitted.as_str()),
                    to: crate::error::shown(next.url.as_str()),
                    why: format!("there were {} before it", allowed.redirects),
                });
            }
            left -= 1;
            if next.leaves {
                // For good: whoever was on the way may have chosen where it leads back to.
                at_home = false;
                headers::keep_for_another(&mut headers);
            }
            if !next.body {
                body = Bytes::new();
                headers::without_body(&mut headers);
            }
            (method, url) = (next.method, next.url);
        }
    }

    fn client(&self, origin: &Origin, private: bool) -> Result<&reqwest::Client, EgressError> {
        let shared = &*self.0;
        let clients = if origin.scheme == "https" {
            let make = || clients(&shared.settings, &tls::config(shared.extra_roots.clone())?);
            shared.secure.get_or_init(make).as_ref().map_err(Clone::clone)?
        } else {
            &shared.plain
        };
        Ok(if private { &clients.private } else { &clients.public })
    }
}

fn clients(settings: &EgressSettings, tls: &ClientConfig) -> Result<Clients, EgressError> {
    let client = |private| {
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            // Variables of the environment and settings of the system have no say.
            .no_proxy()
            // Followed by ourselves, each as a request of its own.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(Arc::new(Checked { resolver: Arc::clone(&settings.resolver), private }))
            .connector_layer(Timed)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(settings.idle_connections)
            .pool_idle_timeout(settings.idle_time)
            .http2_max_header_list_size(headers::RESPONSE_BYTES as u32)
            .build()
            .map_err(|error| EgressError::Setup { message: reason(&error) })
    };
    Ok(Clients { public: client(false)?, private: client(true)? })
}

fn method(text: &str) -> Result<Method, EgressError> {
    let invalid = |why: &str| EgressError::InvalidRequest { why: why.to_owned() };
    if text.is_empty()
        || text.len() > 32
        || !text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
    {
        return Err(invalid("its method is not a word in capitals"));
    }
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT | Method::TRACE) => Err(invalid("its method opens tunnels or shows headers")),
        Ok(method) => Ok(method),
        Err(_) => Err(invalid("its method is not valid")),
    }
}

/// One request and the head of its response, within the times.
async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
    origin: &Origin,
    deadline: &Deadline,
    scrubber: &Scrubber,
) -> Result<reqwest::Response, EgressError> {
    let budget = &deadline.budget;
    let attempt = Arc::new(Attempt::new(origin.clone(), budget.connect));
    let mut sending = pin!(ATTEMPT.scope(Arc::clone(&attempt), client.execute(request)));
    loop {
        let (until, phase, allowed) = match attempt.waiting_since() {
            Some(since) => deadline.within(Phase::FirstByte, since, budget.first_byte),
            // The connector keeps this time itself. Where it does not tell, all that is known is that no answer came.
            None => {
                let now = tokio::time::Instant::now();
                deadline.within(Phase::FirstByte, later(now, budget.connect), budget.first_byte)
            }
        };
        tokio::select! {
            biased;
            sent = &mut sending => return sent.map_err(|error| failed(&error, origin, scrubber)),
            () = attempt.changed.notified() => {}
            () = sleep_until(until) => {
                return Err(EgressError::Timeout { origin: origin.clone(), phase, allowed });
            }
        }
    }
}

/// What an error of the HTTP client stands for.
pub(crate) fn failed(error: &reqwest::Error, origin: &Origin, scrubber: &Scrubber) -> EgressError {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(own) = cause.downcast_ref::<EgressError>() {
            return own.clone();
        }
        source = cause.source();
    }
    let why = scrubber.text(&reason(error));
    if why.contains("head is too large") || why.contains("too many headers") {
        return EgressError::TooLarge {
            origin: origin.clone(),
            what: "the head of the response",
            allowed: headers::RESPONSE_BYTES as u64,
        };
    }
    if error.is_connect() {
        EgressError::Connect { origin: origin.clone(), why }
    } else {
        EgressError::Broken { origin: origin.clone(), why }
    }
}

/// The innermost reason: what is above it only says that something failed, and names the URL with its query.
fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        Some(_) if error.is_decode() => "its body can not be decoded".to_owned(),
        Some(_) => "the request failed".to_owned(),
        None => clean_line(&cause.to_string(), 200),
    }
}
