//! The codec as a plugin. Built for WebAssembly only.

sickbay_wire::provider! {
    name: "openai-responses",
    description: "OpenAI's Responses API, and servers that speak it",
    format: crate::Answer,
    describe: crate::describe,
    encode: crate::encode,
    models_request: (|| Some(crate::models_request())),
    models: crate::models,
    decoder: crate::decoder,
}
