//! Credentials that are wrong, too weak, or for another server.

use serde_json::json;
use sickbay_cluster::{Cluster, live::connect};
use sickbay_core::{
    cluster::{Coverage, ListQuery},
    error::{CallError, ErrorKind},
};

use crate::kubectl::{changed, connected, kubeconfig, kubectl, settings};

fn of(kind: &str) -> ListQuery {
    ListQuery { kind: kind.into(), ..ListQuery::default() }
}

/// Connects with a changed kubeconfig and asks who is there.
async fn refused(change: impl FnOnce(&mut serde_json::Value)) -> Option<CallError> {
    let path = kubeconfig()?;
    let file = changed(&path, change);
    match connect(settings(file.path())).await {
        Ok(cluster) => Some(cluster.kinds().await.unwrap_err()),
        Err(error) => Some(error),
    }
}

#[tokio::test]
async fn live_an_unknown_authority_is_named() {
    let Some(error) = refused(|config| {
        let cluster = config["clusters"][0]["cluster"].as_object_mut().unwrap();
        cluster.remove("certificate-authority-data");
    })
    .await
    else {
        return;
    };
    assert_eq!(error.code, "tls-unknown-authority", "{error:?}");
}

#[tokio::test]
async fn live_a_certificate_for_another_name_is_named() {
    let Some(error) =
        refused(|config| config["clusters"][0]["cluster"]["tls-server-name"] = json!("another.example"))
            .await
    else {
        return;
    };
    assert_eq!(error.code, "tls-wrong-name", "{error:?}");
}

#[tokio::test]
async fn live_no_and_wrong_credentials_are_refused() {
    for user in [json!({}), json!({"token": "not-a-token-of-this-cluster"})] {
        let Some(error) = refused(|config| config["users"][0]["user"] = user).await else { return };
        let told = error.kind == ErrorKind::Unauthorized || error.kind == ErrorKind::Denied;
        assert!(told && error.hint.is_some(), "{error:?}");
        assert!(!format!("{error:?}").contains("not-a-token"), "{error:?}");
    }
}

#[tokio::test]
async fn live_a_certificate_without_its_key_is_told_before_connecting() {
    let Some(error) = refused(|config| {
        config["users"][0]["user"] = json!({"client-certificate-data": "bm90IGEgY2VydGlmaWNhdGU="});
    })
    .await
    else {
        return;
    };
    assert_eq!(error.kind, ErrorKind::InvalidInput, "{error:?}");
    assert!(error.message.contains("client key"), "{error:?}");
}

/// The file beside the one of the tests, for a user with the ClusterRole `view`.
#[tokio::test]
async fn live_a_viewer_reads_all_but_secrets_and_nodes() {
    let Some(path) = kubeconfig() else { return };
    let viewer = path.with_file_name("viewer.kubeconfig");
    if !viewer.exists() {
        eprintln!("skipped: no {}", viewer.display());
        return;
    }
    let cluster = connected(&viewer).await;
    assert_eq!(cluster.list(&of("pods")).await.unwrap().coverage, Coverage::Complete);
    for (kind, flags) in [("secrets", &["-A"][..]), ("nodes", &[])] {
        let mut ask = vec!["auth", "can-i", "list", kind];
        ask.extend(flags);
        assert!(kubectl(&viewer, &ask).is_err(), "kubectl sees {kind}");
        let error = cluster.list(&of(kind)).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "forbidden"));
        assert!(error.message.contains(&format!("list `{kind}`")), "{}", error.message);
        assert!(error.hint.unwrap().contains(&format!("kubectl auth can-i list {kind}")));
    }
    let one = ListQuery { namespaces: vec!["default".into()], ..of("secrets") };
    assert!(cluster.list(&one).await.unwrap_err().hint.unwrap().contains("-n default"));
}

#[tokio::test]
async fn live_a_namespace_that_is_not_there_is_met_with_the_nearest() {
    let Some(path) = kubeconfig() else { return };
    let cluster = connected(&path).await;
    cluster.check_namespaces(&["default".into(), "kube-system".into()]).await.unwrap();
    let error = cluster.check_namespaces(&["default".into(), "kube-sistem".into()]).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::NotFound, "namespace-not-found"));
    assert!(error.hint.unwrap().starts_with("did you mean `kube-system`?"));
}

/// Where the tests' user may act as others: one that may do nothing.
#[tokio::test]
async fn live_a_user_without_rights_is_told_so_and_still_learns_the_kinds() {
    let Some(path) = kubeconfig() else { return };
    if kubectl(&path, &["auth", "can-i", "impersonate", "users"]).is_err() {
        eprintln!("skipped: the user of the kubeconfig may not act as others");
        return;
    }
    let file = changed(&path, |config| {
        config["users"][0]["user"]["as"] = json!("sickbay-tests-nobody");
        config["contexts"][0]["context"]["namespace"] = json!("default");
    });
    let cluster = connected(file.path()).await;
    assert!(cluster.info().await.unwrap().version.is_some());
    assert!(cluster.kinds().await.unwrap().len() > 20);
    // Neither the cluster nor the context's namespace is open.
    let error = cluster.list(&of("pods")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains("in namespace `default`"), "{}", error.message);
    cluster.check_namespaces(&["anything".into()]).await.unwrap();
}
