//! Tokens for servers that want one, by OAuth as MCP profiles it.
//!
//! Nothing is asked for before the server wants it: its challenge (401, or 403
//! for a wider scope) begins the flow, in which rmcp is the state machine and
//! [`requests`] sends what it asks for over the one way out. A client with a
//! secret asks on its own behalf; another one needs a person, whom the caller
//! reaches by [`Consent`]. Tokens live as long as the hub.

mod loopback;
mod requests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rmcp::transport::auth::{
    AuthorizationManager, AuthorizationMetadata, AuthorizationRequest, AuthorizationSession,
    ClientCredentialsConfig,
};
use sickbay_core::{secret::Secret, text::clean_line};
use sickbay_egress::Egress;
use tokio::{sync::Mutex, time::timeout};

pub use self::loopback::LoopbackConsent;
use self::requests::Requests;
use crate::settings::OauthSettings;

/// How long a person may take.
const PERSON: Duration = Duration::from_secs(300);
/// How long everything but the person may take.
const EXCHANGES: Duration = Duration::from_secs(30);
/// Authorizations of one server in the life of a hub at most: a server that
/// refuses each token would have a person consent for ever.
const MOST_AUTHORIZATIONS: u32 = 10;

/// Reaches the person who decides whether the client may act for them.
#[async_trait]
pub trait Consent: Send + Sync {
    /// Where the authorization server sends the browser back to.
    fn redirect_uri(&self) -> String;

    /// Shows the page of the authorization server, and gives the whole URL that
    /// the browser came back to. The error is a reason for people.
    async fn ask(&self, server: &str, page: &str) -> Result<String, String>;

    /// URL of this client's metadata document, where it has one: its identity at
    /// servers that take such documents.
    fn client_metadata(&self) -> Option<String> {
        None
    }
}

pub(crate) struct Authorizer {
    server: String,
    url: String,
    settings: OauthSettings,
    consent: Option<Arc<dyn Consent>>,
    requests: Arc<Requests>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    manager: Option<Managed>,
    authorizations: u32,
}

/// rmcp's state machine, and which authorization server it belongs to.
struct Managed {
    manager: AuthorizationManager,
    issuer: Option<String>,
}

impl Authorizer {
    pub(crate) fn new(
        server: &str,
        url: &str,
        settings: OauthSettings,
        consent: Option<Arc<dyn Consent>>,
        egress: Egress,
    ) -> Self {
        let requests = Arc::new(Requests::new(egress, url));
        let (server, url) = (server.to_owned(), url.to_owned());
        Self { server, url, settings, consent, requests, state: Mutex::default() }
    }

    /// How long a first request may take, where it usually takes so long.
    pub(crate) fn patience(&self, usual: Duration) -> Duration {
        let person = if self.settings.client_secret.is_some() { Duration::ZERO } else { PERSON };
        usual + EXCHANGES + person
    }

    /// The token that there is, renewed where it is about to expire.
    pub(crate) async fn token(&self) -> Result<Option<Secret>, String> {
        let state = self.state.lock().await;
        let Some(managed) = &state.manager else { return Ok(None) };
        // No token, or one that can not be renewed: the server's challenge begins anew.
        Ok(managed.manager.get_access_token().await.ok().map(Secret::new))
    }

    /// A token in place of the one that the server did not take.
    pub(crate) async fn challenged(
        &self,
        challenge: Option<&str>,
        refused: Option<&Secret>,
    ) -> Result<Secret, String> {
        let mut state = self.state.lock().await;
        // Another request may have been here first.
        if let Some(managed) = &state.manager
            && let Ok(token) = managed.manager.get_access_token().await.map(Secret::new)
            && refused != Some(&token)
        {
            return Ok(token);
        }
        if state.authorizations == MOST_AUTHORIZATIONS {
            return Err(format!("the server refused {MOST_AUTHORIZATIONS} tokens"));
        }
        state.authorizations += 1;
        let known = state.manager.take();
        let managed = self.authorize(known, challenge).await?;
        let token = managed.manager.get_access_token().await.map_err(told)?;
        state.manager = Some(managed);
        Ok(Secret::new(token))
    }

    async fn authorize(&self, known: Option<Managed>, challenge: Option<&str>) -> Result<Managed, String> {
        // What is known of another authorization server is of no use at this one.
        let mut fresh = match known {
            Some(managed) => managed,
            None => Managed { manager: self.manager().await?, issuer: None },
        };
        let resolving = fresh.manager.resolve_metadata_from_challenge(challenge);
        let metadata = within(resolving).await?.metadata;
        let is_known = fresh.issuer.is_some() && fresh.issuer == metadata.issuer;
        if fresh.issuer.is_some() && !is_known {
            fresh = Managed { manager: self.manager().await?, issuer: None };
            // The new one has to learn of the challenge as well.
            within(fresh.manager.resolve_metadata_from_challenge(challenge)).await?;
        }
        fresh.issuer.clone_from(&metadata.issuer);
        match &self.settings.client_secret {
            Some(secret) if self.settings.client_id.is_some() && self.on_own_behalf(&metadata) => {
                self.own(fresh, metadata, secret).await
            }
            _ => self.with_person(fresh, metadata, is_known).await,
        }
    }

    /// A client with a secret acts for itself, unless the authorization server
    /// says which grants it knows, and this is none of them.
    fn on_own_behalf(&self, metadata: &AuthorizationMetadata) -> bool {
        let known = metadata.additional_fields.get("grant_types_supported").and_then(|list| list.as_array());
        known.is_none_or(|known| known.iter().any(|grant| grant == "client_credentials"))
            || self.consent.is_none()
    }

    async fn manager(&self) -> Result<AuthorizationManager, String> {
        AuthorizationManager::new_with_oauth_http_client(self.url.as_str(), self.requests.clone())
            .await
            .map_err(told)
    }

    async fn own(
        &self,
        mut managed: Managed,
        metadata: AuthorizationMetadata,
        secret: &Secret,
    ) -> Result<Managed, String> {
        managed.manager.set_metadata(metadata);
        let scopes = match self.settings.scopes.as_slice() {
            [] => managed.manager.select_scopes(None, &[]),
            scopes => scopes.to_vec(),
        };
        let config = ClientCredentialsConfig::ClientSecret {
            client_id: self.settings.client_id.clone().unwrap_or_default(),
            client_secret: secret.reveal().to_owned(),
            scopes,
            resource: Some(self.url.clone()),
        };
        managed.manager.validate_client_credentials_metadata(&config).map_err(told)?;
        managed.manager.configure_client_credentials(&config).map_err(told)?;
        within(managed.manager.exchange_client_credentials(&config)).await?;
        Ok(managed)
    }

    async fn with_person(
        &self,
        mut managed: Managed,
        metadata: AuthorizationMetadata,
        is_registered: bool,
    ) -> Result<Managed, String> {
        let Some(consent) = &self.consent else {
            return Err("a person has to consent, and nobody is there to be asked".to_owned());
        };
        managed.manager.set_metadata(metadata);
        let redirect = consent.redirect_uri();
        let session = if is_registered {
            let scopes = match self.settings.scopes.as_slice() {
                [] => managed.manager.select_scopes(None, &[]),
                scopes => scopes.to_vec(),
            };
            let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
            let page = within(managed.manager.get_authorization_url(&scopes)).await?;
            AuthorizationSession::for_scope_upgrade(managed.manager, page, &redirect)
        } else {
            let request = self.request(redirect, consent.client_metadata());
            timeout(EXCHANGES, AuthorizationSession::new(managed.manager, request))
                .await
                .map_err(|_| late())?
                .map_err(|(_, error)| told(error))?
        };
        let page = session.get_authorization_url().to_owned();
        self.requests.judge_page(&page)?;
        let back = timeout(PERSON, consent.ask(&self.server, &page))
            .await
            .map_err(|_| "nobody consented in time".to_owned())??;
        within(session.handle_callback_url(&back)).await?;
        Ok(Managed { manager: session.auth_manager, issuer: managed.issuer })
    }

    fn request(&self, redirect: String, document: Option<String>) -> AuthorizationRequest {
        let mut request = AuthorizationRequest::new(redirect)
            .with_client_name("Sickbay")
            .with_scopes(self.settings.scopes.clone());
        if self.settings.scopes.is_empty() {
            request = request.with_initial_scope_selection();
        }
        if let Some(id) = &self.settings.client_id {
            request = request.with_preregistered_client(id);
            if let Some(secret) = &self.settings.client_secret {
                request = request.with_client_secret(secret.reveal());
            }
        }
        match document {
            Some(document) => request.with_client_metadata_url(document),
            None => request,
        }
    }
}

async fn within<T, E: std::fmt::Display>(step: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    timeout(EXCHANGES, step).await.map_err(|_| late())?.map_err(told)
}

fn late() -> String {
    "the authorization server did not answer in time".to_owned()
}

/// Texts of authorization servers are data.
fn told(error: impl std::fmt::Display) -> String {
    clean_line(&error.to_string(), 300)
}
