//! The requests of an authorization, over the one way out.
//!
//! Which authorization server it is, the MCP server says, and it may say
//! anything. So one at another host is reached by `https` only, and at no
//! private address; only a server that is itself at a private place may name
//! another port of its own host.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use rmcp::transport::auth::{
    OAuthHttpClient, OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRedirectPolicy, OAuthHttpRequest,
};
use sickbay_egress::{Allowed, Budget, Egress, Origin, Outgoing, Rule};

pub(super) struct Requests {
    egress: Egress,
    /// The MCP server's own; none where its URL is none, which nothing gets past.
    home: Option<Origin>,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(
        "the authorization server is at `{0}`, which is neither public by https nor the server's own host"
    )]
    Place(String),
    #[error("the request of the authorization can not be sent")]
    Request,
}

impl Requests {
    pub(super) fn new(egress: Egress, url: &str) -> Self {
        let place = url.split(['?', '#']).next().unwrap_or_default();
        Self { egress, home: Rule::any_private(place).ok().map(|rule| rule.origin().clone()) }
    }

    /// Whether a person may be sent to this page.
    pub(super) fn judge_page(&self, page: &str) -> Result<(), String> {
        self.rule(page).map(|_| ()).map_err(|refused| refused.to_string())
    }

    fn rule(&self, url: &str) -> Result<Rule, Refused> {
        let refused = || Refused::Place(sickbay_core::text::clean_line(origin(url), 120));
        let rule = Rule::parse(origin(url)).map_err(|_| refused())?;
        match &self.home {
            Some(home) if rule.origin().host() == home.host() => {
                let as_safe = rule.origin().scheme() == home.scheme() || rule.origin().scheme() == "https";
                if as_safe { Rule::any_private(origin(url)).map_err(|_| refused()) } else { Err(refused()) }
            }
            _ if rule.origin().scheme() == "https" && !rule.is_private() => Ok(rule),
            _ => Err(refused()),
        }
    }

    async fn send(&self, request: OAuthHttpRequest) -> Result<http::Response<Vec<u8>>, OAuthHttpClientError> {
        let (parts, body) = Request::into_parts(request.request);
        let url = parts.uri.to_string();
        let mut allowed = Allowed::rules([self.rule(&url)?]);
        // A redirect stays at its origin: that is all that the rule admits.
        allowed.redirects = match request.redirect_policy {
            OAuthHttpRedirectPolicy::Follow => 3,
            _ => 0,
        };
        let mut outgoing = Outgoing::new(parts.method.as_str(), url);
        for (name, value) in &parts.headers {
            let text = value.to_str().map_err(|_| Refused::Request)?;
            outgoing.headers.push((name.as_str().to_owned(), text.to_owned()));
        }
        outgoing.body = Bytes::from(body);
        let total = request.timeout.unwrap_or(Duration::from_secs(30));
        let budget = Budget { total, response_bytes: 1 << 20, ..Budget::default() };
        let incoming = self.egress.send(outgoing, &allowed, &budget).await?;
        let mut response = http::Response::builder().status(incoming.status);
        for (name, value) in &incoming.headers {
            response = response.header(name.as_str(), value.as_str());
        }
        Ok(response.body(incoming.collect().await?)?)
    }
}

impl OAuthHttpClient for Requests {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(self.send(request))
    }
}

/// A URL up to its path.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use sickbay_egress::EgressSettings;

    use super::*;

    #[test]
    fn a_server_can_not_send_the_host_anywhere() {
        let egress = Egress::new(EgressSettings::default()).unwrap();
        for (home, url, expect) in [
            ("https://mcp.example/v1", "https://auth.example/token", true),
            ("https://mcp.example/v1", "https://mcp.example/token", true),
            ("https://mcp.example/v1", "http://auth.example/token", false),
            ("https://mcp.example/v1", "http://mcp.example/token", false),
            ("https://mcp.example/v1", "https://localhost/token", false),
            ("https://mcp.example/v1", "https://10.0.0.1/token", false),
            ("https://mcp.example/v1", "https://169.254.169.254/token", false),
            ("https://mcp.example/v1", "https://vault.internal/token", false),
            ("https://mcp.example/v1", "file:///etc/passwd", false),
            ("http://localhost:8080/mcp", "http://localhost:9090/token", true),
            ("http://localhost:8080/mcp", "http://127.0.0.1:9090/token", false),
            ("http://localhost:8080/mcp", "https://auth.example/token", true),
        ] {
            let requests = Requests::new(egress.clone(), home);
            assert_eq!(requests.judge_page(url).is_ok(), expect, "{home} {url}");
        }
    }
}
