//! The wasm engine's own settings, in one place: changing one changes the key
//! of the cache.

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, RegallocAlgorithm,
    Strategy, WasmBacktraceDetails,
};

use crate::{
    machine::Model,
    settings::{Allocation, EngineSettings},
};

/// What one component may bring, whatever its calls allow.
const MEMORIES: u32 = 4;
const TABLES: u32 = 64;
const CORE_INSTANCES: u32 = 128;
const TABLE_ELEMENTS: usize = 200_000;
/// What a decoder may bring: one memory of its own, and one of whatever adapts it.
const STREAM_MEMORIES: u32 = 2;
const STREAM_TABLES: u32 = 4;
const STREAM_CORE_INSTANCES: u32 = 16;
/// Streams that are at work at the same time; more wait for a moment.
pub(crate) const PUSHES: u32 = 56;
/// Streams that have a place beside the calls.
const NEAR: u32 = 120;
/// Places more than calls and streams need: what was broken off may still be at its end when the next takes its turn.
const SPARE: u32 = 16;

/// How many streams there may be beside the calls, and how many besides those.
pub(crate) fn near_and_far(streams: u32) -> (u32, u32) {
    (streams.min(NEAR), streams.saturating_sub(NEAR))
}
/// Bytes of a memory that stay with the pool between two calls.
const KEEP_RESIDENT: usize = 64 * 1024;

/// The engine, and a note where it is not the one asked for.
pub(crate) fn engine(settings: &EngineSettings, model: Model) -> Result<(Engine, Option<String>), String> {
    let on_demand = || Engine::new(&config(model)).map_err(|error| format!("{error:#}"));
    if settings.allocation == Allocation::OnDemand {
        return Ok((on_demand()?, None));
    }
    let mut pooled = config(model);
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(settings, model)));
    match Engine::new(&pooled) {
        Ok(engine) => Ok((engine, None)),
        Err(error) if settings.allocation == Allocation::Pool => Err(format!("{error:#}")),
        Err(error) => Ok((
            on_demand()?,
            Some(format!(
                "this machine does not give the address space for a pool of instances, so calls are slower: {error}"
            )),
        )),
    }
}

fn config(model: Model) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .epoch_interruption(true)
        .memory_init_cow(true)
        .wasm_component_model(true)
        .wasm_component_model_async(model == Model::Concurrent)
        .concurrency_support(model == Model::Concurrent)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(true)
        .relaxed_simd_deterministic(true)
        // The same input gives the same output on every machine.
        .cranelift_nan_canonicalization(true)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .max_wasm_stack(512 * 1024)
        .async_stack_size(1024 * 1024)
        .parallel_compilation(true);
    config
}

fn pool(settings: &EngineSettings, model: Model) -> PoolingAllocationConfig {
    let (near, far) = near_and_far(settings.streams);
    let (calls, streams) = match model {
        Model::Plain => (settings.instances, near),
        Model::Streams => (0, far),
        Model::Concurrent => (settings.instances, settings.streams),
    };
    let sum =
        |call: u32, stream: u32| calls.saturating_mul(call).saturating_add(streams.saturating_mul(stream));
    // Each is closed off on its own, which takes most of a start.
    let stacks = match model {
        // A store keeps its stack between two calls, so that each stream needs one.
        Model::Plain | Model::Streams => sum(1, 1),
        // A call takes two, and so does a stream while it is at work.
        Model::Concurrent => sum(2, 1).saturating_add(PUSHES),
    }
    .saturating_add(SPARE);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(sum(1, 1).saturating_add(SPARE))
        .total_core_instances(sum(CORE_INSTANCES, STREAM_CORE_INSTANCES))
        .total_memories(sum(MEMORIES, STREAM_MEMORIES))
        .total_tables(sum(TABLES, STREAM_TABLES))
        .total_stacks(stacks)
        .total_gc_heaps(sum(1, 1))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memories_per_module(1)
        .max_tables_per_module(16)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(usize::try_from(settings.max_memory_bytes).unwrap_or(1 << 30))
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Auto);
    pool
}
