//! Many requests at once.

use std::sync::Arc;

use sickbay_core::limits::Function;
use sickbay_engine::{CallContext, CallLimits, Cancel, DenyAll};
use sickbay_gateway::Lanes;
use tokio::{sync::Notify, task::JoinSet};

use crate::{
    guests::{parrot, parrot_bytes},
    rig::{Rig, call, say},
    server::{Reply, Server, Step},
};

fn context(function: Function) -> CallContext {
    CallContext {
        limits: CallLimits::of(function),
        outside: Arc::new(DenyAll),
        cancel: Cancel::never(),
        now_ms: 0,
        seed: 0,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_flight_are_bounded_and_served_in_turn() {
    let go_on = Arc::new(Notify::new());
    let reply = Reply::open(200, &[]).then(Step::Until(Arc::clone(&go_on))).bytes("ok\n").then(Step::Close);
    let server = Server::start([reply]).await;
    let rig = Rig::with(&[&server], |settings| settings.lanes = Lanes::new(2));
    let mut asked = JoinSet::new();
    for _ in 0..6 {
        let gateway = Arc::clone(&rig.gateway);
        asked.spawn(async move { gateway.complete(&say("hello"), &call(), &mut |_| {}).await });
    }
    for done in 0..6 {
        server.until_requests((done + 2).min(6)).await;
        // No more than two are there before one of them is answered.
        assert!(server.requests().len() <= done + 2);
        go_on.notify_one();
        asked.join_next().await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_are_decoded_at_once_and_calls_go_through_all_the_same() {
    let parrot = parrot();
    let mut open = Vec::new();
    for _ in 0..1_000 {
        let end = parrot.decoder(context(Function::Decode), 200, Vec::new()).await;
        let mut decoder = end.result.unwrap_or_else(|failure| panic!("{failure:?}"));
        assert_eq!(decoder.push(b"one\ntw").await.unwrap().len(), 1);
        open.push(decoder);
    }
    // Every place of the calls is free: these are more than there are.
    let mut calls = JoinSet::new();
    for _ in 0..400 {
        let parrot = parrot.clone();
        calls.spawn(async move { parrot.encode(context(Function::Encode), &say("hello")).await.result });
    }
    while let Some(end) = calls.join_next().await {
        end.unwrap().unwrap();
    }
    for decoder in &mut open {
        assert_eq!(decoder.push(b"o\n").await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_stream_more_than_there_are_places_waits_for_its_turn() {
    let settings = sickbay_engine::EngineSettings { streams: 2, ..sickbay_engine::EngineSettings::default() };
    let small = sickbay_engine::Engine::new(settings).unwrap();
    let parrot = small.load(&parrot_bytes()).unwrap();
    let first = parrot.decoder(context(Function::Decode), 200, Vec::new()).await.result.unwrap();
    let second = parrot.decoder(context(Function::Decode), 200, Vec::new()).await.result.unwrap();
    let waiting = {
        let parrot = parrot.clone();
        tokio::spawn(async move {
            parrot.decoder(context(Function::Decode), 200, Vec::new()).await.result.map(drop)
        })
    };
    // It keeps nobody else from being called.
    parrot.encode(context(Function::Encode), &say("hello")).await.result.unwrap();
    assert!(!waiting.is_finished());
    drop(first);
    waiting.await.unwrap().unwrap();
    // A cancel ends the wait.
    let third = parrot.decoder(context(Function::Decode), 200, Vec::new()).await.result.unwrap();
    let (handle, cancel) = Cancel::pair();
    let cancelled = {
        let parrot = parrot.clone();
        tokio::spawn(async move {
            let context = CallContext { cancel, ..context(Function::Decode) };
            parrot.decoder(context, 200, Vec::new()).await.result.map(drop)
        })
    };
    handle.cancel();
    assert_eq!(cancelled.await.unwrap(), Err(sickbay_core::plugin::CallFailure::Cancelled));
    drop((second, third));
}
