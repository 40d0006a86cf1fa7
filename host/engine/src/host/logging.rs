//! `wasi:logging`: bounded; what is over the limit is dropped and counted.

use sickbay_core::outside::LogLevel;

use crate::{
    bindings::imports::wasi::logging::logging::{Host, Level},
    state::State,
};

impl Host for State {
    async fn log(&mut self, level: Level, context: String, message: String) -> wasmtime::Result<()> {
        // A flood of messages is not ended but dropped, so it counts as standard calls do.
        self.meter.standard_call();
        if self.meter.may_log(context.len() + message.len()) {
            self.outside.log(from(level), &context, &message);
        }
        Ok(())
    }
}

fn from(level: Level) -> LogLevel {
    match level {
        Level::Trace => LogLevel::Trace,
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
        Level::Critical => LogLevel::Critical,
    }
}
