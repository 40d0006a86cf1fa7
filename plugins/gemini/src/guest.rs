//! The codec as a plugin. Built for WebAssembly only.

sickbay_wire::provider! {
    name: "gemini",
    description: "Google's Gemini API",
    format: crate::Answer,
    describe: crate::describe,
    encode: crate::encode,
    models_request: (|| Some(crate::models_request())),
    models: crate::models,
    decoder: crate::decoder,
}
