//! Kubeconfigs of every kind of credential, and ones that do not work.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use sickbay_cluster::{
    Cluster,
    live::{InCluster, LiveSettings, connect},
};
use sickbay_core::error::{CallError, ErrorKind};

use crate::server::{Reply, Server, kubeconfig, settings};

async fn refused(settings: LiveSettings) -> CallError {
    connect(settings).await.unwrap_err()
}

fn script(body: &str) -> tempfile::TempPath {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "#!/bin/sh\n{body}\n").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    file.into_temp_path()
}

fn exec(command: &str) -> String {
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {command}, interactiveMode: IfAvailable}}}}"
    )
}

#[tokio::test]
async fn no_kubeconfig_tells_where_it_was_sought() {
    let mut none = settings(Path::new("/x"), |_| ());
    none.kubeconfig = None;
    none.kubeconfig_paths = vec!["/no/such/config".into(), "/nor/this".into()];
    let error = refused(none.clone()).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "no-kubeconfig"));
    assert_eq!(error.message, "no kubeconfig found (looked in `/no/such/config`, `/nor/this`)");
    assert!(error.hint.unwrap().contains("--kubeconfig"));

    none.in_cluster = InCluster::Allowed;
    let error = refused(none).await;
    assert!(error.message.ends_with("and this is no pod with a service account"), "{}", error.message);

    // A file that was named must be there, whatever else is.
    let other = kubeconfig("http://127.0.0.1:1", "{}");
    let error = refused(settings(Path::new("/no/such/config"), |settings| {
        settings.kubeconfig_paths = vec![other.path().to_path_buf()];
    }))
    .await;
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.message.contains("`/no/such/config`"), "{}", error.message);
}

#[tokio::test]
async fn files_that_are_no_kubeconfigs_are_named_without_their_content() {
    let check = async |content: &str, words: &str| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let error = refused(settings(file.path(), |_| ())).await;
        let all = format!("{error:?}");
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{all}");
        assert!(all.contains(words) && all.contains(&file.path().display().to_string()), "{all}");
        assert!(!all.contains("sesame"), "{all}");
    };
    check("users:\n- name: [sesame\n", "is not a kubeconfig, line ").await;
    check("users: sesame\n", "is not a kubeconfig").await;
    check("\u{1}\u{2}sesame", "is not a kubeconfig").await;
    check("", "no current context").await;
    let one =
        "current-context: a\ncontexts: [{name: a, context: {cluster: c}}]\nclusters: [{name: c, cluster: ";
    check(&format!("{one}{{}}}}]"), "cluster url is missing").await;
    check(&format!("{one}{{server: 'https://a b'}}}}]"), "failed to parse cluster url").await;
    check(
        &format!("{one}{{server: 'https://a', certificate-authority-data: '!sesame!'}}}}]"),
        "failed to load certificate authority",
    )
    .await;
    check(
        &format!("{one}{{server: 'https://a', certificate-authority: /no/such/ca.crt}}}}]"),
        "/no/such/ca.crt",
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    assert!(refused(settings(folder.path(), |_| ())).await.message.contains("is a folder"));
}

#[tokio::test]
async fn files_are_merged_and_a_wrong_context_is_met_with_the_right_ones() {
    let server = Server::start(|_, _| Reply::Json(200, r#"{"gitVersion":"v1"}"#.into())).await;
    let first = kubeconfig(&format!("http://{}", server.address), "{token: t}");
    let mut second = tempfile::NamedTempFile::new().unwrap();
    second
        .write_all(b"contexts: [{name: production, context: {cluster: c, user: u, namespace: shop}}]\n")
        .unwrap();
    let both = |context: &str| {
        let mut settings = settings(Path::new("/x"), |_| ());
        settings.kubeconfig = None;
        settings.kubeconfig_paths =
            vec![PathBuf::from("/not/there"), first.path().to_path_buf(), second.path().to_path_buf()];
        settings.context = Some(context.to_owned());
        settings
    };
    let cluster = connect(both("production")).await.unwrap();
    assert_eq!(cluster.place(), format!("context `production` at http://{}", server.address));
    assert_eq!(cluster.context_namespace(), Some("shop"));
    cluster.info().await.unwrap();

    let error = refused(both("prodution")).await;
    assert_eq!(error.code, "context-not-found");
    assert_eq!(error.hint.as_deref(), Some("did you mean `production`? it has `test`, `production`"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_credential_plugin_is_run_without_a_terminal() {
    let server = Server::start(|_, _| Reply::Json(200, r#"{"gitVersion":"v1"}"#.into())).await;
    // It would wait for an answer if it had someone to ask.
    let runs = tempfile::NamedTempFile::new().unwrap();
    let count = format!("echo run >> {}", runs.path().display());
    let ask = "read answer\n[ -z \"$answer\" ] || exit 1";
    let print = r#"echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-plugin"}}'"#;
    let plugin = script(&[&count, ask, print].join("\n"));
    let cluster = server.connect_as(&exec(&plugin.display().to_string()), |_| ()).await;
    cluster.info().await.unwrap();
    assert!(server.seen()[0].head.to_lowercase().contains("authorization: bearer from-plugin"));
    // Some take seconds, so once must do.
    assert_eq!(std::fs::read_to_string(runs.path()).unwrap(), "run\n");
}

#[cfg(unix)]
#[tokio::test]
async fn plugins_that_fail_are_named_with_their_last_words() {
    let check = async |command: &str, code: &str, words: &str| {
        let file = kubeconfig("https://127.0.0.1:1", &exec(command));
        let error = refused(settings(file.path(), |_| ())).await;
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unauthorized, code), "{error:?}");
        assert!(error.message.contains(words) && error.message.contains(command), "{error:?}");
        assert!(error.hint.is_some() && !format!("{error:?}").contains("sesame"), "{error:?}");
    };
    check("/no/such/plugin", "exec-missing", "it was not found").await;
    let failing =
        script("echo 'usage: …' >&2; echo 'session expired; password=sesame1234' >&2; echo sesame; exit 3");
    check(&failing.display().to_string(), "exec-failed", "ended with exit code 3: session expired").await;
    let odd = script("echo sesame");
    check(&odd.display().to_string(), "exec-answer", "printed no credentials").await;

    let hanging = script("exec sleep 20");
    let file = kubeconfig("https://127.0.0.1:1", &exec(&hanging.display().to_string()));
    let error =
        refused(settings(file.path(), |settings| settings.timeouts.login = Duration::from_millis(200))).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Timeout, "login-timeout"));
}

#[tokio::test]
async fn tokens_come_from_files_and_bad_ones_are_not_shown() {
    let server = Server::start(|_, _| Reply::Json(200, r#"{"gitVersion":"v1"}"#.into())).await;
    let mut token = tempfile::NamedTempFile::new().unwrap();
    token.write_all(b"from-file").unwrap();
    let user = format!("{{tokenFile: {}}}", token.path().display());
    server.connect_as(&user, |_| ()).await.info().await.unwrap();
    assert!(server.seen()[0].head.to_lowercase().contains("authorization: bearer from-file"));

    token.write_all(b"\nsesame\n").unwrap();
    let error = server.connect_as(&user, |_| ()).await.info().await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unauthorized, "bad-token"));
    assert!(!format!("{error:?}").contains("sesame"), "{error:?}");

    let file = kubeconfig("https://127.0.0.1:1", "{tokenFile: /no/such/token}");
    let error = refused(settings(file.path(), |_| ())).await;
    assert_eq!(error.code, "token-file");
    assert!(error.message.contains("/no/such/token"), "{}", error.message);
}

#[tokio::test]
async fn login_providers_that_are_gone_are_named() {
    let file = kubeconfig("https://127.0.0.1:1", "{auth-provider: {name: azure, config: {}}}");
    let error = refused(settings(file.path(), |_| ())).await;
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unauthorized, "login-failed"));
    assert!(error.message.contains("azure"), "{}", error.message);
}

/// `{"alg":"none"}` and a time of expiry, unsigned: who signed it is the API
/// server's to judge.
fn id_token(expiry: &str) -> String {
    format!("eyJhbGciOiJub25lIn0.{expiry}.c2lnbmF0dXJl")
}

#[tokio::test]
async fn an_oidc_token_is_sent_while_it_lasts() {
    let server = Server::start(|_, _| Reply::Json(200, r#"{"gitVersion":"v1"}"#.into())).await;
    // {"exp":4102444800} is in the year 2100.
    let token = id_token("eyJleHAiOjQxMDI0NDQ4MDB9");
    let user = |token: &str| {
        format!(
            "{{auth-provider: {{name: oidc, config: {{client-id: kube, id-token: {token}, idp-issuer-url: 'https://idp.invalid'}}}}}}"
        )
    };
    server.connect_as(&user(&token), |_| ()).await.info().await.unwrap();
    assert!(server.seen()[0].head.contains(&format!("Bearer {token}")), "{:?}", server.seen());

    // {"exp":1000000000} was in 2001, and there is no refresh token.
    let old = id_token("eyJleHAiOjEwMDAwMDAwMDB9");
    let error = match connect(settings(kubeconfig("http://127.0.0.1:1", &user(&old)).path(), |_| ())).await {
        Ok(cluster) => cluster.info().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unauthorized, "login-failed"));
    assert!(error.hint.as_deref().unwrap().contains("log in again with the provider `oidc`"), "{error:?}");
    assert!(!format!("{error:?}").contains(&old), "{error:?}");
}

#[tokio::test]
async fn a_server_below_a_path_is_asked_there() {
    let server = Server::start(|path, _| match path.strip_prefix("/k8s/clusters/c-1") {
        Some(path) => crate::server::discovery(path).unwrap_or_else(|| crate::server::list(&["a"], "")),
        None => Reply::Text(404, "not here".into()),
    })
    .await;
    let file = kubeconfig(&format!("http://{}/k8s/clusters/c-1", server.address), "{token: t}");
    let cluster = connect(settings(file.path(), |_| ())).await.unwrap();
    let pods = sickbay_core::cluster::ListQuery { kind: "pods".into(), ..Default::default() };
    assert_eq!(cluster.list(&pods).await.unwrap().objects.len(), 1);
}

#[tokio::test]
async fn a_proxy_that_the_kubeconfig_names_is_used() {
    let proxy = Server::start(|_, _| Reply::Text(403, "no way".into())).await;
    let file = kubeconfig("http://127.0.0.1:1", "{token: t}");
    let text = std::fs::read_to_string(file.path()).unwrap().replace(
        "server: 'http://127.0.0.1:1'",
        &format!("server: 'http://127.0.0.1:1', proxy-url: 'http://user:sesame@{}'", proxy.address),
    );
    std::fs::write(file.path(), text).unwrap();
    let cluster = connect(settings(file.path(), |_| ())).await.unwrap();
    let error = cluster.info().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
    assert!(proxy.seen()[0].line.starts_with("CONNECT 127.0.0.1:1 "), "{:?}", proxy.seen());
}
