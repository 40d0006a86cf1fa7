//! A process that carries out one order, and is killed when it says so.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use sickbay_crash::{Moment, Order, Told};

/// No process takes so long; one that does hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChildEnd {
    /// By the signal.
    Killed,
    Done {
        outcome: String,
        parked: Option<String>,
    },
    Failed(String),
}

/// Stops the process however the test ends.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Gives the run's id too, where a new one began. `delay`: for how long the
/// process goes on after the moment, where it does.
#[expect(clippy::disallowed_methods, reason = "tests of killed processes need processes")]
pub(crate) fn carry_out(order: &Order, delay: Duration) -> (ChildEnd, Option<String>) {
    let text = serde_json::to_string(order).expect("serializes");
    let mut child = Command::new(env!("CARGO_BIN_EXE_sickbay-crash"))
        .arg(text)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map(Guard)
        .expect("starts");
    let stdout = child.0.stdout.take().expect("is piped");
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let told: Told = serde_json::from_str(&line).expect("is one of its lines");
            if sender.send(told).is_err() {
                break;
            }
        }
    });
    let mut run = None;
    loop {
        match lines.recv_timeout(DEADLINE) {
            Ok(Told::Run { run: id }) => run = Some(id),
            Ok(Told::Here) => {
                if order.death.is_some_and(|death| death.moment == Moment::While) {
                    std::thread::sleep(delay);
                }
                child.0.kill().expect("is killed");
                let status = child.0.wait().expect("is gone");
                // One that went on may have come to its end meanwhile.
                let end = if status.success() { None } else { Some(ChildEnd::Killed) };
                if let Some(end) = end {
                    return (end, run);
                }
            }
            Ok(Told::End { outcome, parked }) => return (ChildEnd::Done { outcome, parked }, run),
            Ok(Told::Failed { message }) => return (ChildEnd::Failed(message), run),
            Err(error) => panic!("the process says nothing: {error}; order: {order:?}"),
        }
    }
}
