//! What one store holds on the host's side.

use std::{pin::Pin, sync::Arc};

use sickbay_core::{
    error::ErrorKind,
    outside::{Answer, Ask},
};
use tokio::runtime::Handle;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, filesystem::WasiFilesystemCtxView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{
    call::CallContext,
    host::{
        files::{FileRules, Files},
        http::Gate,
        random::Random,
        standard,
    },
    meter::{Limiter, Meter},
    outside::Outside,
};

/// Handles that a guest may hold at once, of all standard resources together.
const RESOURCES: usize = 4_096;
/// Bytes of one set of HTTP header fields, as held in memory.
const HTTP_FIELDS: usize = 64 * 1024;

/// A store's data. Made for each call; what few calls need is made when it is first used.
pub(crate) struct State {
    pub(crate) outside: Arc<dyn Outside>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) limiter: Limiter,
    pub(crate) random: Random,
    /// The runtime of whoever made the call: its sockets and timers stay with it.
    caller: Option<Handle>,
    now_ms: i64,
    table: ResourceTable,
    wasi: Option<Box<(WasiCtx, FileRules)>>,
    http: WasiHttpCtx,
    gate: Gate,
}

impl State {
    pub(crate) fn new(context: &CallContext, meter: Arc<Meter>, caller: Option<Handle>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(HTTP_FIELDS);
        Self {
            outside: Arc::clone(&context.outside),
            gate: Gate {
                outside: Arc::clone(&context.outside),
                meter: Arc::clone(&meter),
                caller: caller.clone(),
            },
            limiter: Limiter(Arc::clone(&meter)),
            meter,
            random: Random::new(context.seed),
            caller,
            now_ms: context.now_ms,
            table,
            wasi: None,
            http,
        }
    }

    /// Asks the outside on behalf of the guest. The error is a passed limit, which ends the guest.
    pub(crate) async fn ask(&mut self, ask: Ask) -> wasmtime::Result<Answer> {
        self.meter.host_call()?;
        let needs = ask.needs();
        let asked = self.outside.ask(ask);
        let answer = within(self.caller.as_ref(), asked).await;
        if let (Answer::Failed { error }, Some(capability)) = (&answer, needs)
            && error.kind == ErrorKind::Denied
        {
            self.meter.deny(capability);
        }
        Ok(answer)
    }
}

/// Polls a future inside another runtime, so that what it opens belongs there.
pub(crate) async fn within<T>(
    handle: Option<&Handle>,
    mut future: Pin<Box<dyn Future<Output = T> + Send + '_>>,
) -> T {
    let Some(handle) = handle else { return future.await };
    std::future::poll_fn(|context| {
        let _entered = handle.enter();
        future.as_mut().poll(context)
    })
    .await
}

impl State {
    /// What the standard interfaces work on, made when the first of them is used.
    fn standard(&mut self) -> (&mut WasiCtx, &mut FileRules, &mut ResourceTable) {
        self.meter.standard_call();
        let (now_ms, outside, meter) = (self.now_ms, &self.outside, &self.meter);
        let made = self.wasi.get_or_insert_with(|| Box::new(standard::context(now_ms, outside, meter)));
        let (ctx, rules) = &mut **made;
        (ctx, rules, &mut self.table)
    }

    /// The workspace behind its rules.
    pub(crate) fn files(&mut self) -> Files<'_> {
        let (ctx, rules, table) = self.standard();
        Files { inner: WasiFilesystemCtxView { ctx: ctx.filesystem(), table }, rules }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (ctx, _, table) = self.standard();
        WasiCtxView { ctx, table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.meter.standard_call();
        WasiHttpCtxView { hooks: &mut self.gate, table: &mut self.table, ctx: &mut self.http }
    }
}
