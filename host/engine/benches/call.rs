//! What a call costs: a fresh store and instance each time, through the whole
//! of the engine's public way. `cargo bench -p sickbay-engine`.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a benchmark that can not run has failed"
)]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use sickbay_engine::{CallContext, CallLimits, Cancel, DenyAll, Engine, EngineSettings};

fn context() -> CallContext {
    let limits = CallLimits {
        time_ms: 10_000,
        memory_bytes: 64 << 20,
        table_elements: 100_000,
        instances: 100,
        host_calls: 1_000,
        log_bytes: 64 << 10,
        result_bytes: 1 << 20,
        host_copy_bytes: 64 << 20,
    };
    CallContext { limits, outside: Arc::new(DenyAll), cancel: Cancel::never(), now_ms: 0, seed: 0 }
}

fn calls(criterion: &mut Criterion) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let bytes = std::fs::read(format!("{root}/target/plugins/wasm32-wasip2/guest/guest_echo.wasm"))
        .expect("the guest is built: `cargo test -p sickbay-suite --test engine_calls` does that");
    let cache = tempfile::tempdir().expect("a folder");
    let settings =
        || EngineSettings { cache_dir: Some(cache.path().join("native")), ..EngineSettings::default() };
    let engine = Engine::new(settings()).expect("the engine starts");
    let plugin = engine.load(&bytes).expect("the guest loads");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut group = criterion.benchmark_group("fresh call");
    for size in [2_usize, 1_024, 65_536] {
        let arguments = "x".repeat(size);
        group.bench_function(format!("echo {size} B"), |bencher| {
            bencher.iter(|| {
                let end = runtime.block_on(plugin.call_tool(context(), "echo", &arguments));
                assert!(end.result.is_ok());
                black_box(end);
            });
        });
    }
    group.finish();
    criterion.bench_function("engine start", |bencher| {
        bencher.iter(|| black_box(Engine::new(settings()).expect("the engine starts")));
    });
    criterion.bench_function("load from cache", |bencher| {
        bencher.iter(|| black_box(engine.load(&bytes).expect("the guest loads")));
    });
}

criterion_group!(benches, calls);
criterion_main!(benches);
