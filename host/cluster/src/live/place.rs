//! Where a connection goes and who it says it is, in words for people. Holds
//! no credential, only what kind of credential it is and where it came from.

use std::fmt;

/// The API server and the context that led there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `host:port`, without a user's name or password.
    pub(super) server: String,
    pub(super) tls: bool,
    pub(super) context: Option<String>,
    /// The context's own namespace, where it names one.
    pub(super) namespace: Option<String>,
    pub(super) login: Login,
}

/// How the kubeconfig says to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Login {
    Nothing,
    Certificate,
    Token,
    TokenFile(String),
    Password,
    /// A program that prints credentials.
    Exec {
        command: String,
        install_hint: Option<String>,
    },
    Provider(String),
    ServiceAccount,
}

impl Place {
    /// ` --context NAME` for a command in a hint.
    pub(super) fn context_flag(&self) -> String {
        self.context.as_ref().map(|context| format!(" --context {context}")).unwrap_or_default()
    }

    /// What to do about credentials that were refused.
    pub(super) fn login_hint(&self) -> String {
        let test = format!("then check with `kubectl auth can-i get pods{}`", self.context_flag());
        match &self.login {
            Login::Nothing => match &self.context {
                Some(context) => {
                    format!("the context `{context}` has no credentials; give it a user in the kubeconfig")
                }
                None => "give the context a user in the kubeconfig".to_owned(),
            },
            Login::Certificate => {
                format!(
                    "the client certificate may have expired or belong to another cluster; fetch the kubeconfig again, {test}"
                )
            }
            Login::Token => {
                format!("the token may have expired; fetch the kubeconfig or log in again, {test}")
            }
            Login::TokenFile(path) => format!("the token in `{path}` may have expired; renew it, {test}"),
            Login::Password => format!("check the user name and password in the kubeconfig, {test}"),
            Login::Exec { command, .. } => format!("log in again with `{command}`, {test}"),
            Login::Provider(name) => format!("log in again with the provider `{name}`, {test}"),
            Login::ServiceAccount => {
                "the token of the pod's service account was refused; restart the pod".to_owned()
            }
        }
    }
}

/// `context `prod` at https://10.0.0.1:6443`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.context {
            write!(f, "context `{context}` at ")?;
        }
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.server)
    }
}
