//! Too much of something.

use std::hint::black_box;

use sickbay_plugin::{
    log,
    tool::{Error, ToolOutput, wasi::http::types::Fields},
};

/// One memory, larger and larger, each page touched.
pub(crate) fn grow() -> Result<ToolOutput, Error> {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        kept.push(vec![1; 1024 * 1024]);
        black_box(&kept);
    }
}

/// The same in very many small pieces.
pub(crate) fn nibble() -> Result<ToolOutput, Error> {
    let mut kept: Vec<Box<u64>> = Vec::new();
    loop {
        kept.push(Box::new(1));
        black_box(&kept);
    }
}

pub(crate) fn logs() -> String {
    let line = "x".repeat(100);
    for _ in 0..10_000 {
        log::info("flood", &line);
    }
    "logged".to_owned()
}

#[expect(clippy::print_stdout, reason = "that is the point")]
pub(crate) fn prints() -> String {
    let line = "x".repeat(100);
    for _ in 0..10_000 {
        println!("{line}");
    }
    "printed".to_owned()
}

pub(crate) fn random() -> String {
    let bytes = random::wasi::random::random::get_random_bytes(1 << 30);
    bytes.len().to_string()
}

/// A million handles of a resource, none given back.
pub(crate) fn handles() -> String {
    let kept: Vec<Fields> = (0..1_000_000).map(|_| Fields::new()).collect();
    kept.len().to_string()
}

pub(crate) mod random {
    #![allow(unsafe_code, clippy::all, reason = "generated")]

    sickbay_plugin::wit_bindgen::generate!({
        path: "../../../wit/deps/random",
        inline: "package guest:hostile; world numbers { import wasi:random/random@0.2.12; }",
        world: "guest:hostile/numbers",
        runtime_path: "sickbay_plugin::wit_bindgen::rt",
        generate_all,
    });
}
