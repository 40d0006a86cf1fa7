//! Connections are kept and shared, and what is dropped is over.

use std::sync::Arc;

use crate::{
    budget, get, plain, private,
    server::{Reply, Server, Then},
};

#[tokio::test]
async fn connections_are_used_again_by_every_clone() {
    let server = Server::start(|_| Reply::ok("x")).await;
    let egress = plain();
    let allowed = private(&server.url(""));
    for _ in 0..50 {
        let response = egress.clone().send(get(server.url("/")), &allowed, &budget()).await.unwrap();
        response.collect().await.unwrap();
    }
    assert_eq!((server.connections(), server.seen().len()), (1, 50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_each_get_their_own_answer() {
    let server = Server::start(|seen| Reply::ok(seen.line())).await;
    let (egress, allowed) = (plain(), Arc::new(private(&server.url(""))));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let (egress, allowed, url) = (egress.clone(), allowed.clone(), server.url(&format!("/{n}")));
        tasks.spawn(async move {
            let body = egress.send(get(url), &allowed, &budget()).await.unwrap().collect().await.unwrap();
            assert_eq!(body, format!("GET /{n} HTTP/1.1").as_bytes());
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn parts_are_given_as_they_come() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n6\r\nfirst\n\r\n";
    let server = Server::start(move |_| Reply::new(head, Then::Hang)).await;
    let mut response =
        plain().send(get(server.url("/")), &private(&server.url("")), &budget()).await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "first\n");
}
