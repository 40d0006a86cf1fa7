//! Lists that come in pages, from one place or several.

use sickbay_cluster::{Cluster, live::LiveCluster};
use sickbay_core::{
    cluster::{Coverage, ListQuery, Page},
    error::ErrorKind,
    object::ObjectRef,
};

use crate::server::{Reply, Server, list, status};

fn pods(namespaces: &[&str], limit: u32) -> ListQuery {
    ListQuery {
        kind: "pods".into(),
        namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
        limit,
        ..ListQuery::default()
    }
}

fn names(page: &Page) -> Vec<String> {
    page.objects
        .iter()
        .map(|object| {
            let object: serde_json::Value = serde_json::from_str(object).unwrap();
            object["metadata"]["name"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// All pages of a query, with the coverage of the last one.
async fn all(cluster: &LiveCluster, mut query: ListQuery) -> (Vec<Vec<String>>, Coverage) {
    let mut pages = Vec::new();
    loop {
        let page = cluster.list(&query).await.unwrap();
        pages.push(names(&page));
        match page.continue_token {
            Some(token) => query.continue_token = Some(token),
            None => return (pages, page.coverage),
        }
    }
}

#[tokio::test]
async fn the_whole_cluster_comes_in_the_servers_pages() {
    let server = Server::with_discovery(|path, _| match path {
        "/api/v1/pods?limit=2" => list(&["a", "b"], "T1"),
        "/api/v1/pods?limit=2&continue=T1" => list(&["c"], ""),
        _ => status(500, "not expected"),
    })
    .await;
    let found = all(&server.connect().await, pods(&[], 2)).await;
    assert_eq!(found, (vec![vec!["a".into(), "b".into()], vec!["c".into()]], Coverage::Complete));
}

#[tokio::test]
async fn namespaces_are_asked_in_turn_and_fill_pages() {
    let server = Server::with_discovery(|path, _| match path {
        "/api/v1/namespaces/x/pods?limit=3" => list(&["a"], ""),
        "/api/v1/namespaces/y/pods?limit=2" => list(&["b", "c"], "Y1"),
        "/api/v1/namespaces/y/pods?limit=3&continue=Y1" => list(&["d"], ""),
        "/api/v1/namespaces/z/pods?limit=2" => list(&[], ""),
        _ => status(500, "not expected"),
    })
    .await;
    let found = all(&server.connect().await, pods(&["x", "y", "x", "z"], 3)).await;
    assert_eq!(found, (vec![vec!["a".into(), "b".into(), "c".into()], vec!["d".into()]], Coverage::Complete));
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn selectors_and_fields_are_carried() {
    let server = Server::with_discovery(|path, _| {
        assert_eq!(
            path,
            "/api/v1/pods?limit=500&labelSelector=app%20in%20%28a%2Cb%29&fieldSelector=spec.nodeName%3Dn"
        );
        list(&["a"], "")
    })
    .await;
    let query = ListQuery {
        kind: "v1/Pod".into(),
        label_selector: Some("app in (a,b)".into()),
        field_selector: Some("spec.nodeName=n".into()),
        fields: vec!["/spec/nodeName".into()],
        ..ListQuery::default()
    };
    let page = server.connect().await.list(&query).await.unwrap();
    let object: serde_json::Value = serde_json::from_str(&page.objects[0]).unwrap();
    assert_eq!(
        object,
        serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "spec": {"nodeName": "n"}})
    );
}

#[tokio::test]
async fn one_closed_namespace_of_several_makes_the_answer_partial() {
    let server = Server::with_discovery(|path, _| match path {
        "/api/v1/namespaces/open/pods?limit=500" => list(&["a"], ""),
        _ => status(403, "pods is forbidden"),
    })
    .await;
    let cluster = server.connect().await;
    assert_eq!(all(&cluster, pods(&["shut", "open"], 0)).await, (vec![vec!["a".into()]], Coverage::Partial));
    // None open: that is an error, not an empty answer.
    for namespaces in [&["shut"][..], &["shut", "closed"], &[]] {
        let error = cluster.list(&pods(namespaces, 0)).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Denied, "forbidden"), "{namespaces:?}");
        assert!(error.message.contains("list `pods`"), "{}", error.message);
        assert!(error.hint.unwrap().contains("kubectl auth can-i list pods"));
    }
}

#[tokio::test]
async fn a_closed_cluster_falls_back_to_the_namespaces_that_are_known() {
    let server = Server::with_discovery(|path, _| match path {
        "/api/v1/namespaces/shop/pods?limit=1" => list(&["a"], "S1"),
        "/api/v1/namespaces/shop/pods?limit=1&continue=S1" => list(&["b"], ""),
        "/api/v1/namespaces/web/pods?limit=1" => list(&["c"], ""),
        _ => status(403, "nodes is forbidden"),
    })
    .await;
    let cluster = server
        .connect_as("{token: x}", |settings| settings.fallback_namespaces = vec!["shop".into(), "web".into()])
        .await;
    assert_eq!(
        all(&cluster, pods(&[], 1)).await,
        (vec![vec!["a".into()], vec!["b".into()], vec!["c".into()]], Coverage::Partial)
    );
    // What belongs to no namespace can not be found in one.
    let nodes = ListQuery { kind: "nodes".into(), ..ListQuery::default() };
    assert_eq!(cluster.list(&nodes).await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn an_expired_list_goes_on_where_the_server_lets_it() {
    let server = Server::with_discovery(|path, _| match path {
        "/api/v1/pods?limit=1" => list(&["a"], "OLD"),
        "/api/v1/pods?limit=1&continue=OLD" => Reply::Json(
            410,
            r#"{"kind":"Status","reason":"Expired","code":410,"metadata":{"continue":"NEW"},"message":"too old"}"#.into(),
        ),
        "/api/v1/pods?limit=1&continue=NEW" => list(&["b"], ""),
        "/api/v1/namespaces/x/pods?limit=1" => list(&["a"], "OLD"),
        _ => status(410, "too old"),
    })
    .await;
    let cluster = server.connect().await;
    assert_eq!(
        all(&cluster, pods(&[], 1)).await,
        (vec![vec!["a".into()], vec!["b".into()]], Coverage::Partial)
    );
    let mut query = pods(&["x"], 1);
    query.continue_token = cluster.list(&query).await.unwrap().continue_token;
    let error = cluster.list(&query).await.unwrap_err();
    assert_eq!(error.code, "continue-expired");
    assert_eq!(error.hint.as_deref(), Some("list again from the beginning"));
}

#[tokio::test]
async fn pages_that_are_too_large_are_asked_for_in_smaller_ones() {
    let big = "x".repeat(2_000);
    let server = Server::with_discovery(move |path, _| match path {
        "/api/v1/pods?limit=500" | "/api/v1/pods?limit=62" => Reply::Text(200, "y".repeat(70_000)),
        "/api/v1/pods?limit=7" => list(&["a", &big], "T"),
        _ => status(500, "not expected"),
    })
    .await;
    let cluster = server.connect_as("{token: x}", |settings| settings.limits.response_bytes = 60_000).await;
    let page = cluster.list(&pods(&[], 0)).await.unwrap();
    // The page ends there; a larger one would be too large again.
    assert_eq!((page.objects.len(), page.continue_token.is_some()), (2, true));
}

#[tokio::test]
async fn an_unknown_kind_is_an_empty_page_that_says_nothing() {
    let server =
        Server::with_discovery(|_, _| status(404, "the server could not find the requested resource")).await;
    let cluster = server.connect().await;
    for kind in ["widgets", "policy/v1/PodDisruptionBudget", "", "pods"] {
        let page = cluster.list(&ListQuery { kind: kind.into(), ..ListQuery::default() }).await.unwrap();
        assert_eq!(
            page,
            Page { objects: vec![], continue_token: None, coverage: Coverage::Unknown },
            "{kind}"
        );
    }
    let absent = ObjectRef {
        api_version: "v1".into(),
        kind: "Pod".into(),
        namespace: Some("shop".into()),
        name: "gone".into(),
    };
    assert_eq!(cluster.get(&absent).await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_server_that_never_ends_its_list_meets_an_end() {
    let server = Server::with_discovery(|_, _| list(&[], "AGAIN")).await;
    let cluster = server.connect().await;
    let page = cluster.list(&pods(&[], 0)).await.unwrap();
    assert!(page.continue_token.is_some());
    assert_eq!(server.asked().len(), 64);

    let server = Server::with_discovery(|_, _| list(&["a", "b", "c"], "AGAIN")).await;
    let cluster = server.connect_as("{token: x}", |settings| settings.limits.objects = 10).await;
    let mut query = pods(&[], 3);
    let error = loop {
        match cluster.list(&query).await {
            Ok(page) => query.continue_token = page.continue_token,
            Err(error) => break error,
        }
    };
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Limit, "too-many-objects"));
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test]
async fn tokens_of_other_lists_are_refused_before_anything_is_sent() {
    let server = Server::with_discovery(|_, _| list(&["a"], "T")).await;
    let cluster = server.connect().await;
    let token = cluster.list(&pods(&["a"], 1)).await.unwrap().continue_token;
    for query in [pods(&["b"], 1), pods(&[], 1)] {
        let before = server.seen().len();
        let error = cluster.list(&ListQuery { continue_token: token.clone(), ..query }).await.unwrap_err();
        assert_eq!(error.code, "bad-continue");
        assert_eq!(server.seen().len(), before);
    }
}

#[tokio::test]
async fn names_from_guests_never_leave_their_place_in_the_path() {
    let server = Server::with_discovery(|_, _| list(&[], "")).await;
    let cluster = server.connect().await;
    for name in ["../secrets", "a/b", "", "..", "x%2f.."] {
        let object = ObjectRef {
            api_version: "v1".into(),
            kind: "Pod".into(),
            namespace: Some("shop".into()),
            name: name.into(),
        };
        assert_eq!(cluster.get(&object).await.unwrap_err().kind, ErrorKind::InvalidInput, "{name}");
        assert_eq!(
            cluster.list(&pods(&[name], 0)).await.unwrap_err().kind,
            ErrorKind::InvalidInput,
            "{name}"
        );
    }
    assert_eq!(server.asked(), Vec::<String>::new());
}
