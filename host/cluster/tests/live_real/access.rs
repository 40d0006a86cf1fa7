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
