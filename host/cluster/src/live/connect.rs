//! From a kubeconfig, or the service account of a pod, to a client. Every kind
//! of credential that kube knows is used as it is; a credential plugin runs
//! without a terminal, so that it can fail but never ask.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use kube::{
    Config,
    client::{ClientBuilder, ConfigExt as _},
    config::{AuthInfo, ExecInteractiveMode, Kubeconfig, KubeconfigError},
};
use sickbay_core::error::{CallError, ErrorKind};
use tokio::{runtime::Handle, sync::oneshot, time::timeout};
use tower::buffer::BufferLayer;

use super::{
    failure::client_failed,
    place::{Login, Place},
    proxy::goes_direct,
    settings::{InCluster, LiveSettings},
    words::{did_you_mean, listed, plain},
};

/// A client and where it leads.
pub(super) struct Connected {
    pub(super) client: kube::Client,
    pub(super) place: Place,
}

/// Reads the kubeconfig and runs its credential plugin. Sends nothing to the
/// API server yet.
pub(super) async fn client(settings: &Arc<LiveSettings>) -> Result<Connected, CallError> {
    // One provider for the whole process; where another part was first, its
    // choice stands.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let internal = |what: &str| CallError::new(ErrorKind::Internal, "connect", what.to_owned());
    let handle = Handle::try_current().map_err(|_| internal("connecting needs a runtime"))?;
    let (send, receive) = oneshot::channel();
    let settings_there = Arc::clone(settings);
    // A thread of its own: files and plugins block, and a plugin that hangs
    // must not keep the runtime from ending.
    std::thread::Builder::new()
        .name("kubeconfig".to_owned())
        .spawn(move || {
            let _runtime = handle.enter();
            let _ = send.send(load(&settings_there));
        })
        .map_err(|_| internal("no thread could be started to read the kubeconfig"))?;
    match timeout(settings.timeouts.login, receive).await {
        Ok(Ok(loaded)) => loaded,
        Ok(Err(_)) => Err(internal("reading the kubeconfig ended early")),
        Err(_) => Err(CallError::new(
            ErrorKind::Timeout,
            "login-timeout",
            format!("no credentials within {} s", settings.timeouts.login.as_secs()),
        )
        .with_hint(
            "the credential plugin of the kubeconfig hangs; run it by hand, it may want to ask something",
        )),
    }
}

fn load(settings: &LiveSettings) -> Result<Connected, CallError> {
    let Some((mut kubeconfig, files)) = read(settings)? else {
        return in_cluster(settings);
    };
    let chosen = Chosen::from(&kubeconfig, settings.context.as_deref(), &files)?;
    kubeconfig.current_context = Some(chosen.context.clone());
    for user in &mut kubeconfig.auth_infos {
        if let Some(exec) = user.auth_info.as_mut().and_then(|user| user.exec.as_mut()) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    let own_proxy = chosen.own_proxy;
    let mut config = Config::try_from(kubeconfig).map_err(|error| unusable(&error, &files))?;
    if !own_proxy && goes_direct(config.cluster_url.host().unwrap_or_default(), settings.no_proxy.as_deref())
    {
        config.proxy_url = None;
    }
    let place = Place {
        server: host_port(&config.cluster_url),
        tls: config.cluster_url.scheme_str() != Some("http"),
        context: Some(chosen.context),
        namespace: chosen.namespace,
        login: chosen.login,
    };
    build(config, place, settings)
}

fn in_cluster(settings: &LiveSettings) -> Result<Connected, CallError> {
    let missing = || {
        let mut looked = String::new();
        for path in &settings.kubeconfig_paths {
            let _ = write!(looked, "{}`{}`", if looked.is_empty() { "" } else { ", " }, path.display());
        }
        if looked.is_empty() {
            looked.push_str("nowhere, as neither KUBECONFIG nor a home folder is set");
        }
        let pod = match settings.in_cluster {
            InCluster::Allowed => ", and this is no pod with a service account",
            InCluster::Never => "",
        };
        CallError::new(ErrorKind::NotFound, "no-kubeconfig", format!("no kubeconfig found (looked in {looked}){pod}"))
            .with_hint("name one with `--kubeconfig FILE` or KUBECONFIG, or use `--recorded PATH` for a recorded cluster")
    };
    if settings.in_cluster == InCluster::Never {
        return Err(missing());
    }
    let mut config = Config::incluster().map_err(|error| match error {
        kube::config::InClusterError::ReadEnvironmentVariable(_) => missing(),
        other => CallError::new(
            ErrorKind::Unauthorized,
            "in-cluster",
            format!("the pod's service account can not be used: {}", plain(&other.to_string())),
        )
        .with_hint("mount the service account's token: `automountServiceAccountToken: true`"),
    })?;
    config.proxy_url = None;
    let place = Place {
        server: host_port(&config.cluster_url),
        tls: true,
        context: None,
        namespace: Some(config.default_namespace.clone()),
        login: Login::ServiceAccount,
    };
    build(config, place, settings)
}

fn build(mut config: Config, place: Place, settings: &LiveSettings) -> Result<Connected, CallError> {
    config.connect_timeout = Some(settings.timeouts.connect);
    config.write_timeout = Some(settings.timeouts.request);
    // Retries are ours: bounded by count and by time.
    config.default_retry = false;
    let client = client_of(config, &place.login).map_err(|error| client_failed(&place, &error))?;
    Ok(Connected { client, place })
}

/// Requests that a client holds before it lets the next one wait.
const REQUESTS_WAITING: usize = 1_024;

fn client_of(mut config: Config, login: &Login) -> Result<kube::Client, kube::Error> {
    // kube would run a credential plugin three times, and some take seconds.
    // The layer that it gives here carries the token and renews it, so the rest
    // of the client needs no plugin, unless that gave a certificate.
    if matches!(login, Login::Exec { .. })
        && let Some(token) = config.auth_layer()?
    {
        config.auth_info.exec = None;
        // The token layer wants a service that can be cloned.
        let shared = BufferLayer::new(REQUESTS_WAITING);
        return Ok(ClientBuilder::try_from(config)?.with_layer(&shared).with_layer(&token).build());
    }
    kube::Client::try_from(config)
}

/// The merged kubeconfig and the files it came from. None: there is none.
fn read(settings: &LiveSettings) -> Result<Option<(Kubeconfig, Vec<PathBuf>)>, CallError> {
    if let Some(text) = &settings.kubeconfig_text {
        return Ok(Some((from_text(text)?, Vec::new())));
    }
    let paths: Vec<&PathBuf> = match &settings.kubeconfig {
        Some(path) => vec![path],
        None => settings.kubeconfig_paths.iter().filter(|path| path.exists()).collect(),
    };
    let mut merged: Option<Kubeconfig> = None;
    for path in &paths {
        let next = read_one(path)?;
        merged = Some(match merged {
            None => next,
            Some(before) => before.merge(next).map_err(|error| {
                CallError::new(
                    ErrorKind::InvalidInput,
                    "kubeconfig",
                    format!(
                        "the kubeconfig `{}` can not be merged with the others: {}",
                        path.display(),
                        plain(&error.to_string())
                    ),
                )
            })?,
        });
    }
    Ok(merged.map(|kubeconfig| (kubeconfig, paths.into_iter().cloned().collect())))
}

fn from_text(text: &str) -> Result<Kubeconfig, CallError> {
    // What the parser says may quote a token, so it is not told.
    Kubeconfig::from_yaml(text).map_err(|_| {
        CallError::new(ErrorKind::InvalidInput, "kubeconfig", "the text given as kubeconfig is none")
    })
}

/// A kubeconfig of more bytes is none.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;

fn read_one(path: &Path) -> Result<Kubeconfig, CallError> {
    let shown = path.display();
    let problem = |kind, message: String| CallError::new(kind, "kubeconfig", message);
    match path.metadata() {
        Ok(about) if about.is_dir() => {
            return Err(problem(ErrorKind::InvalidInput, format!("the kubeconfig `{shown}` is a folder")));
        }
        Ok(about) if about.len() > LARGEST_FILE => {
            return Err(problem(
                ErrorKind::InvalidInput,
                format!("the kubeconfig `{shown}` is larger than 16 MiB"),
            ));
        }
        _ => {}
    }
    Kubeconfig::read_from(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(cause, _) => {
            let error = problem(
                if cause.kind() == std::io::ErrorKind::NotFound {
                    ErrorKind::NotFound
                } else {
                    ErrorKind::InvalidInput
                },
                format!("the kubeconfig `{shown}` could not be read: {}", plain(&cause.to_string())),
            );
            match cause.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    error.with_hint("give your user the right to read it")
                }
                _ => error,
            }
        }
        // The parser quotes what it read, which may be a token: only the place is told.
        KubeconfigError::Parse(cause) => {
            let at = cause
                .location()
                .map(|at| format!(", line {}, column {}", at.line(), at.column()))
                .unwrap_or_default();
            problem(ErrorKind::InvalidInput, format!("`{shown}` is not a kubeconfig{at}"))
                .with_hint("check it with `kubectl config view`")
        }
        other => problem(
            ErrorKind::InvalidInput,
            format!("the kubeconfig `{shown}` can not be used: {}", plain(&other.to_string())),
        ),
    })
}

fn unusable(error: &KubeconfigError, files: &[PathBuf]) -> CallError {
    let names = shown(files);
    CallError::new(
        ErrorKind::InvalidInput,
        "kubeconfig",
        format!("the kubeconfig {names} can not be used: {}", plain(&error.to_string())),
    )
    .with_hint("check it with `kubectl config view`")
}

fn shown(files: &[PathBuf]) -> String {
    if files.is_empty() {
        return "given as text".to_owned();
    }
    files.iter().map(|file| format!("`{}`", file.display())).collect::<Vec<_>>().join(", ")
}

/// What the chosen context says.
struct Chosen {
    context: String,
    namespace: Option<String>,
    login: Login,
    /// The kubeconfig itself names a proxy.
    own_proxy: bool,
}

impl Chosen {
    fn from(kubeconfig: &Kubeconfig, wanted: Option<&str>, files: &[PathBuf]) -> Result<Self, CallError> {
        let files = shown(files);
        let names = || kubeconfig.contexts.iter().map(|context| context.name.as_str());
        let Some(name) = wanted.or(kubeconfig.current_context.as_deref()).filter(|name| !name.is_empty())
        else {
            return Err(CallError::new(
                ErrorKind::InvalidInput,
                "no-context",
                format!("the kubeconfig {files} has no current context"),
            )
            .with_hint(format!("choose one with `--context NAME`; {}", listed(names()))));
        };
        let context = kubeconfig
            .contexts
            .iter()
            .find(|context| context.name == name)
            .and_then(|context| context.context.as_ref())
            .ok_or_else(|| absent("context", name, &files, names()))?;
        let clusters = || kubeconfig.clusters.iter().map(|cluster| cluster.name.as_str());
        let cluster = kubeconfig
            .clusters
            .iter()
            .find(|cluster| cluster.name == context.cluster)
            .and_then(|cluster| cluster.cluster.as_ref())
            .ok_or_else(|| absent("cluster", &context.cluster, &files, clusters()))?;
        let login = match context.user.as_deref().filter(|user| !user.is_empty()) {
            None => Login::Nothing,
            Some(user) => kubeconfig
                .auth_infos
                .iter()
                .find(|named| named.name == user)
                .map(|named| named.auth_info.as_ref().map_or(Login::Nothing, login))
                .ok_or_else(|| {
                    let users = kubeconfig.auth_infos.iter().map(|user| user.name.as_str());
                    absent("user", user, &files, users)
                })?,
        };
        Ok(Self {
            context: name.to_owned(),
            namespace: context.namespace.clone().filter(|namespace| !namespace.is_empty()),
            login,
            own_proxy: cluster.proxy_url.as_deref().is_some_and(|proxy| !proxy.is_empty()),
        })
    }
}

/// In the order in which kube looks.
fn login(user: &AuthInfo) -> Login {
    if let Some(provider) = &user.auth_provider {
        Login::Provider(plain(&provider.name))
    } else if user.username.is_some() && user.password.is_some() {
        Login::Password
    } else if user.token.is_some() {
        Login::Token
    } else if let Some(file) = &user.token_file {
        Login::TokenFile(plain(file))
    } else if let Some(exec) = &user.exec {
        Login::Exec {
            command: plain(exec.command.as_deref().unwrap_or_default()),
            install_hint: exec.install_hint.clone(),
        }
    } else if user.client_certificate.is_some() || user.client_certificate_data.is_some() {
        Login::Certificate
    } else {
        Login::Nothing
    }
}

fn absent<'a>(
    what: &str,
    name: &str,
    files: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> CallError {
    CallError::new(
        ErrorKind::NotFound,
        format!("{what}-not-found"),
        format!("the kubeconfig {files} has no {what} `{}`", plain(name)),
    )
    .with_hint(did_you_mean(name, known))
}

/// Without a user's name or password, which a URL may hold.
fn host_port(url: &http::Uri) -> String {
    let host = url.host().unwrap_or("?");
    match (url.port_u16(), url.scheme_str()) {
        (Some(port), _) => format!("{host}:{port}"),
        (None, Some("http")) => format!("{host}:80"),
        (None, _) => format!("{host}:443"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubeconfig(text: &str) -> Kubeconfig {
        Kubeconfig::from_yaml(text).unwrap()
    }

    const TWO: &str = "
contexts:
- {name: production, context: {cluster: a, user: u, namespace: shop}}
- {name: staging, context: {cluster: gone, user: u}}
- {name: lost, context: {cluster: a, user: nobody}}
clusters: [{name: a, cluster: {server: 'https://10.0.0.1:6443'}}]
users: [{name: u, user: {exec: {command: aws, installHint: install it}}}]
current-context: production
";

    #[test]
    fn the_context_is_chosen_and_described() {
        let chosen = Chosen::from(&kubeconfig(TWO), None, &[]).unwrap();
        assert_eq!((chosen.context.as_str(), chosen.namespace.as_deref()), ("production", Some("shop")));
        assert_eq!(
            chosen.login,
            Login::Exec { command: "aws".into(), install_hint: Some("install it".into()) }
        );
    }

    #[test]
    fn what_is_missing_is_named_with_what_is_there() {
        let check = |text: &str, wanted: Option<&str>, code: &str, hint: &str| {
            let error = Chosen::from(&kubeconfig(text), wanted, &["/k/config".into()]).err().unwrap();
            assert_eq!(error.code, code);
            assert!(error.message.contains("`/k/config`"), "{}", error.message);
            assert_eq!(error.hint.as_deref(), Some(hint));
        };
        check(
            TWO,
            Some("producton"),
            "context-not-found",
            "did you mean `production`? it has `production`, `staging`, `lost`",
        );
        check(
            TWO,
            Some("xyz"),
            "context-not-found",
            "check the name; it has `production`, `staging`, `lost`",
        );
        check(TWO, Some("staging"), "cluster-not-found", "check the name; it has `a`");
        check(TWO, Some("lost"), "user-not-found", "check the name; it has `u`");
        check("contexts: []", None, "no-context", "choose one with `--context NAME`; it has none");
    }

    #[test]
    fn servers_are_shown_without_users() {
        for (url, expect) in [
            ("https://10.0.0.1:6443", "10.0.0.1:6443"),
            ("https://user:secret@k8s.example/path", "k8s.example:443"),
            ("http://[::1]", "[::1]:80"),
        ] {
            assert_eq!(host_port(&url.parse().unwrap()), expect);
        }
    }

    #[test]
    fn logins_are_told_in_kubes_order() {
        for (user, expect) in [
            ("{token: x, exec: {command: a}}", Login::Token),
            ("{tokenFile: /t, client-certificate: c}", Login::TokenFile("/t".into())),
            ("{username: u, password: p, token: t}", Login::Password),
            ("{auth-provider: {name: oidc}}", Login::Provider("oidc".into())),
            ("{client-certificate-data: eA==, client-key-data: eA==}", Login::Certificate),
            ("{}", Login::Nothing),
        ] {
            let text = format!("users: [{{name: u, user: {user}}}]");
            let parsed = kubeconfig(&text);
            assert_eq!(login(parsed.auth_infos[0].auth_info.as_ref().unwrap()), expect, "{user}");
        }
    }
}
