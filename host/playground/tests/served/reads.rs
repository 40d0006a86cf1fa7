//! Discovery, lists, pages, selectors, tables, and who may ask at all.

use serde_json::{Value, json};
use sickbay_playground::Objects;

use crate::shop::{DEPLOYMENT, PODS, pod, shop};

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|one| one["metadata"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn without_the_token_nothing_is_told() {
    let (_playground, mut client) = shop().await;
    client.token = "wrong".to_owned();
    for path in [PODS, "/api", "/apis/none", "/openapi/v2", "/nope"] {
        assert_eq!(client.get(path).await.refused(), (401, "Unauthorized".to_owned()), "{path}");
    }
    assert_eq!(client.get("/readyz").await.text, "ok");
}

#[tokio::test]
async fn discovery_in_both_forms_names_the_same() {
    let (_playground, client) = shop().await;
    assert_eq!(client.get("/version").await.json()["gitVersion"], "v1.33.1+sickbay-playground");
    let groups = client.get("/apis").await.json();
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let all = client.send("GET", "/apis", "", accept, "").await;
    assert!(all.header("content-type").contains("as=APIGroupDiscoveryList"));
    let all = all.json();
    for group in groups["groups"].as_array().unwrap() {
        let found =
            all["items"].as_array().unwrap().iter().find(|one| one["metadata"]["name"] == group["name"]);
        let found = found.unwrap_or_else(|| panic!("{group}"));
        for version in group["versions"].as_array().unwrap() {
            let place = format!("/apis/{}", version["groupVersion"].as_str().unwrap());
            let resources = client.get(&place).await.json();
            let plain = resources["resources"].as_array().unwrap();
            let plain: Vec<_> = plain
                .iter()
                .map(|one| &one["name"])
                .filter(|name| !name.as_str().unwrap().contains('/'))
                .collect();
            let same = found["versions"].as_array().unwrap().iter();
            let same = same.clone().find(|one| one["version"] == version["version"]).unwrap();
            let same: Vec<_> =
                same["resources"].as_array().unwrap().iter().map(|one| &one["resource"]).collect();
            assert_eq!(plain, same, "{place}");
        }
    }
}

#[tokio::test]
async fn a_list_comes_in_pages_that_stay_as_they_were() {
    let (playground, client) = shop().await;
    let first = client.get(&format!("{PODS}?limit=1")).await.json();
    assert_eq!(names(&first), ["web-1"]);
    assert_eq!(first["metadata"]["remainingItemCount"], 1);
    playground.store().create(pod("web-3")).unwrap();
    playground.store().remove("v1/Pod", Some("shop"), "web-2");
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = client.get(&format!("{PODS}?limit=5&continue={token}")).await.json();
    assert_eq!(names(&second), ["web-2"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    assert_eq!(names(&client.get(PODS).await.json()), ["web-1", "web-3"]);
    assert_eq!(client.get(&format!("{PODS}?continue=garbage")).await.refused().0, 400);
}

#[tokio::test]
async fn a_page_of_a_forgotten_list_is_gone() {
    let (playground, client) = shop().await;
    let first = client.get(&format!("{PODS}?limit=1")).await.json();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let mut busy = playground.store().create(pod("busy")).unwrap();
    for number in 0..5_100 {
        busy["status"]["message"] = number.to_string().into();
        busy = playground.store().update_status(busy).unwrap();
    }
    let reply = client.get(&format!("{PODS}?limit=5&continue={token}")).await;
    assert_eq!(reply.refused(), (410, "Expired".to_owned()));
    let watch = client.get(&format!("{PODS}?watch=1&resourceVersion=3&timeoutSeconds=1")).await;
    let event: Value = serde_json::from_str(watch.text.lines().next().unwrap()).unwrap();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[tokio::test]
async fn selectors_choose() {
    let (_playground, client) = shop().await;
    for (query, expect) in [
        ("labelSelector=app%3Dweb", 2),
        ("labelSelector=app%20in%20(api)", 0),
        ("fieldSelector=metadata.name%3Dweb-1", 1),
        ("fieldSelector=status.phase%21%3DRunning", 0),
    ] {
        assert_eq!(names(&client.get(&format!("{PODS}?{query}")).await.json()).len(), expect, "{query}");
    }
    assert_eq!(client.get(&format!("{PODS}?fieldSelector=spec.color%3Dred")).await.refused().0, 400);
}

#[tokio::test]
async fn a_table_has_a_cell_for_every_column_of_every_kind() {
    let (_playground, client) = shop().await;
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    for kind in sickbay_playground::kinds::KINDS {
        let root = if kind.group.is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{}", kind.api_version())
        };
        let reply = client.send("GET", &format!("{root}/{}", kind.plural), "", accept, "").await;
        assert_eq!(reply.status, 200, "{}", kind.id);
        let table = reply.json();
        let columns = table["columnDefinitions"].as_array().unwrap().len();
        for row in table["rows"].as_array().unwrap() {
            assert_eq!(row["cells"].as_array().unwrap().len(), columns, "{}", kind.id);
        }
    }
    let table = client.send("GET", DEPLOYMENT, "", accept, "").await.json();
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(cells[..3], [json!("web"), json!("0/2"), json!(0)]);
}

#[tokio::test]
async fn the_date_is_the_clusters() {
    let (playground, client) = shop().await;
    assert_eq!(client.get("/version").await.header("date"), "Fri, 21 Nov 2025 03:04:00 GMT");
    playground.store().clock().advance(60_000);
    assert_eq!(client.get("/version").await.header("date"), "Fri, 21 Nov 2025 03:05:00 GMT");
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let (_playground, client) = shop().await;
    let plain = client.get("/apis/metrics.k8s.io/v1beta1/pods").await;
    assert_eq!((plain.status, plain.text.as_str()), (404, "404 page not found\n"));
    assert_eq!(
        client.get("/apis/apps/v1/namespaces/shop/nopes").await.refused(),
        (404, "NotFound".to_owned())
    );
    let missing = client.get(&format!("{PODS}/nope")).await;
    assert_eq!(missing.json()["details"], json!({ "name": "nope", "kind": "pods" }));
    assert_eq!(client.send("POST", &format!("{PODS}/web-1"), "", "", "{}").await.refused().0, 405);
    assert_eq!(
        client.send("GET", PODS, "", "application/vnd.kubernetes.protobuf", "").await.refused().0,
        406
    );
}
