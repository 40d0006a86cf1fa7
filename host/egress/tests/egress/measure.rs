use crate::{
    bearer, budget, get, plain, private,
    server::{Reply, Server},
};
use std::{sync::Arc, time::Instant};
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measure() {
    let server = Server::start(|_| Reply::ok("{\"ok\":true}")).await;
    let (egress, allowed) = (plain(), Arc::new(private(&server.url(""))));
    for (workers, cred) in [(1, false), (32, false), (32, true)] {
        let begun = Instant::now();
        let each = 16000 / workers;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..workers {
            let (egress, allowed, url) = (egress.clone(), allowed.clone(), server.url("/v1/x"));
            tasks.spawn(async move {
                for _ in 0..each {
                    let mut r = get(url.as_str());
                    if cred {
                        r.credential = Some(bearer(&url, "sk-planted-0123456789"));
                    }
                    egress.send(r, &allowed, &budget()).await.unwrap().collect().await.unwrap();
                }
            });
        }
        while let Some(d) = tasks.join_next().await {
            d.unwrap();
        }
        let s = begun.elapsed().as_secs_f64();
        println!(
            "{workers} workers cred {cred}: {:.0} requests/s, {} connections",
            16000.0 / s,
            server.connections()
        );
    }
}
