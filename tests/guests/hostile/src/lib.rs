//! A tool plugin that misbehaves in the way that the called tool's name says.
//! Its `list` never returns.
#![expect(clippy::disallowed_methods, reason = "it tries what a plugin has no business with")]

mod flood;
mod probe;

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::atomic::{AtomicU32, Ordering},
};

use sickbay_plugin::{
    config,
    tool::{Error, ErrorKind, Guest, ToolOutput, ToolSpec},
};

struct Hostile;

impl Guest for Hostile {
    fn list() -> Vec<ToolSpec> {
        spin()
    }

    fn call(name: String, arguments: String) -> Result<ToolOutput, Error> {
        match name.as_str() {
            // Time.
            "spin" => spin(),
            "spin-host" => loop {
                black_box(config::get("key").is_ok());
            },
            "spin-standard" => loop {
                black_box(std::time::SystemTime::now());
            },
            "sleep" => {
                std::thread::sleep(std::time::Duration::from_secs(1_000_000));
                Ok(text("woke"))
            }
            "ask" => Ok(text(format!("{:?}", config::get(&arguments)))),
            // Memory.
            "grow" => flood::grow(),
            "nibble" => flood::nibble(),
            "result-1gib" => Ok(text("x".repeat(1 << 30))),
            "result" => Ok(text("x".repeat(arguments.parse().map_err(|_| number())?))),
            "argument" => {
                // One string as large as asked for, as an argument to the host.
                let key = "x".repeat(arguments.parse().map_err(|_| number())?);
                Ok(text(format!("{:?}", config::get(&key).is_ok())))
            }
            "deep-json" => Ok(structured("[".repeat(1_000_000))),
            "bad-json" => Ok(structured("{\"a\":".to_owned())),
            "log-flood" => Ok(text(flood::logs())),
            "print-flood" => Ok(text(flood::prints())),
            "random-flood" => Ok(text(flood::random())),
            "handles" => Ok(text(flood::handles())),
            // Traps.
            "panic" => black_box(None::<ToolOutput>).ok_or_else(|| panic_now(&arguments)),
            "recurse" => Ok(text(recurse(black_box(1)).to_string())),
            "exit" => std::process::exit(3),
            "out-of-bounds" => Ok(text(probe::out_of_bounds().to_string())),
            // State and the world.
            "count" => Ok(text(count().to_string())),
            "environment" => Ok(text(probe::environment())),
            "cluster" => sickbay_plugin::cluster::info().map(|info| text(info.observed_at)),
            "cluster-twice" => Ok(text(probe::cluster_twice())),
            "http" => Ok(text(probe::http(&arguments))),
            "clock" => Ok(text(probe::clock())),
            "random" => Ok(text(probe::random())),
            "print" => {
                probe::print(&arguments);
                Ok(text("printed"))
            }
            "error" => Err(Error::new(ErrorKind::NotFound, "there is none")),
            _ => Err(Error::invalid_input(format!("no tool `{name}`"))),
        }
    }
}

#[expect(clippy::empty_loop, reason = "that is the point")]
fn spin() -> ! {
    loop {}
}

#[expect(clippy::panic, reason = "that is the point")]
fn panic_now(message: &str) -> Error {
    panic!("{message}")
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + 1)
}

/// How often this instance was called.
fn count() -> u32 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    CALLS.fetch_add(1, Ordering::Relaxed) + 1
}

fn number() -> Error {
    Error::invalid_input("the argument is no number")
}

fn text(text: impl Into<String>) -> ToolOutput {
    ToolOutput { text: text.into(), structured: None, is_error: false }
}

fn structured(json: String) -> ToolOutput {
    ToolOutput { text: String::new(), structured: Some(json), is_error: false }
}

/// What a probe found, one line each.
pub(crate) fn lines(found: &BTreeMap<&str, String>) -> String {
    found.iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

sickbay_plugin::plugin! {
    tool: Hostile,
    name: "hostile",
    version: env!("CARGO_PKG_VERSION"),
    description: "Misbehaves as it is told.",
    capabilities: ["cluster:read", "http:https://api.example.com"],
}
