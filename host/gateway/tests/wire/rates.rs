//! What a profile allows itself in a minute.

use std::time::Duration;

use sickbay_core::error::ErrorKind;
use sickbay_gateway::{RateLimits, Trouble};

use crate::{
    rig::{Rig, say},
    server::{Reply, Server},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_and_tokens_of_a_minute_are_kept_to() {
    // Four bytes are guessed to be one token; the provider counts 600.
    let server = Server::start([Reply::ok("ok\n@usage 500 100\n@stop end-turn\n@hold\n")]).await;
    let tokens = RateLimits { tokens_per_minute: Some(600), ..RateLimits::default() };
    let rig = Rig::with(&[&server], |settings| settings.rates = tokens);
    rig.answer().await;
    rig.answer().await;
    assert_eq!(rig.waits(), [100]);
    let requests = RateLimits { requests_per_minute: Some(2), ..RateLimits::default() };
    let rig = Rig::with(&[&server], |settings| settings.rates = requests);
    for _ in 0..3 {
        rig.answer().await;
    }
    assert_eq!(rig.waits(), [30_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_a_request_like_any_other() {
    let server = Server::start([Reply::whole(429, &[("retry-after", "1")], ""), Reply::ok("ok\n")]).await;
    let rates = RateLimits { requests_per_minute: Some(1), ..RateLimits::default() };
    let rig = Rig::with(&[&server], |settings| settings.rates = rates);
    rig.answer().await;
    assert_eq!(rig.waits(), [1_000, 59_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_that_would_be_longer_than_the_request_may_take_is_an_error() {
    let server = Server::start([Reply::ok("ok\n")]).await;
    let rates = RateLimits { requests_per_minute: Some(1), ..RateLimits::default() };
    let rig = Rig::with(&[&server], |settings| {
        settings.rates = rates;
        settings.budget.total = Duration::from_secs(30);
    });
    rig.answer().await;
    let (end, _) = rig.ask(&say("hello")).await;
    let error = end.unwrap_err();
    assert_eq!((error.trouble, error.error.kind), (Trouble::Rate, ErrorKind::RateLimited));
    assert_eq!(
        error.error.message,
        "the profile's own rate limits would let the next request go only in 60 s"
    );
    assert_eq!(server.requests().len(), 1);
}
