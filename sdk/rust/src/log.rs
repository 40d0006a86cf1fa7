//! Messages to whoever runs the plugin. They are bounded: a flood is dropped
//! and counted. Natively they go nowhere.

pub use crate::bindings::wasi::logging::logging::Level;

/// Logs one message under a context, the part of the plugin that speaks.
pub fn log(level: Level, context: &str, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::bindings::wasi::logging::logging::log(level, context, message);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (level, context, message);
}

/// For whoever writes the plugin.
pub fn debug(context: &str, message: &str) {
    log(Level::Debug, context, message);
}

/// For whoever wants to know what it did.
pub fn info(context: &str, message: &str) {
    log(Level::Info, context, message);
}

/// Something is not as it should be; the call goes on.
pub fn warn(context: &str, message: &str) {
    log(Level::Warn, context, message);
}
