//! The odd server of the tests over standard streams: `odd-server ERA [MANY]`.
//! It says a lot on its standard error, and starts a child that outlives it.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a program for tests only, which leaves a child behind"
)]

#[path = "../tests/odd/mod.rs"]
mod odd;

use std::{
    io::{BufRead as _, Write as _},
    process::{Command, Stdio, exit},
    sync::{Arc, Mutex},
    time::Duration,
};

use odd::{Act, Era, Odd};
use serde_json::Value;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let era = Era::named(&arguments.next().unwrap_or_default());
    let many = arguments.next().and_then(|many| many.parse().ok()).unwrap_or(0);
    let out = Arc::new(Mutex::new(std::io::stdout()));
    // A grandchild in the same group, which has to end with it.
    if let Some(file) = arguments.next() {
        let child =
            Command::new("sleep").arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        std::fs::write(file, child.id().to_string()).unwrap();
    }
    for _ in 0..2_000 {
        let _ = writeln!(std::io::stderr(), "\u{1b}[31mnoise {}", std::env::var("TOKEN").unwrap_or_default());
    }
    say(&out, &Value::String("this is no message".to_owned()));
    let mut server = Odd::new(era, many);
    for line in std::io::stdin().lock().lines() {
        let Ok(message) = serde_json::from_str(&line.unwrap()) else { continue };
        for act in server.hear(&message) {
            match act {
                Act::Say(message) => say(&out, &message),
                Act::Flood(message) => loop {
                    say(&out, &message);
                },
                Act::Later(millis, message) => {
                    let out = out.clone();
                    std::thread::spawn(move || {
                        std::thread::sleep(Duration::from_millis(millis));
                        say(&out, &message);
                    });
                }
                Act::End => exit(1),
            }
        }
    }
}

fn say(out: &Arc<Mutex<std::io::Stdout>>, message: &Value) {
    let mut out = out.lock().unwrap();
    if writeln!(out, "{message}").and_then(|()| out.flush()).is_err() {
        exit(0);
    }
}
