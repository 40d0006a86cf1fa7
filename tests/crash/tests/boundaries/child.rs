//! A process that carries out one order, and is killed when it says so.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use sickbay_crash::{Moment, Order, Told};

/// No process takes so long, on a busy machine either; one that does hangs.
const DEADLINE: Duration = Duration::from_secs(180);

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

/// Stopped however the test ends.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<Told>,
    order: Order,
    /// The run that it began.
    pub(crate) run: Option<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    #[expect(clippy::disallowed_methods, reason = "tests of killed processes need processes")]
    pub(crate) fn start(order: &Order) -> Self {
        let text = serde_json::to_string(order).expect("serializes");
        let mut child = Command::new(env!("CARGO_BIN_EXE_sickbay-crash"))
            .arg(text)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("starts");
        let stdout = child.stdout.take().expect("is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let told = serde_json::from_str(&line).expect("is one of its lines");
                if sender.send(told).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, order: order.clone(), run: None }
    }

    /// None where the moment of its death has come.
    pub(crate) fn wait(&mut self) -> Option<ChildEnd> {
        loop {
            match self.lines.recv_timeout(DEADLINE) {
                Ok(Told::Run { run }) => self.run = Some(run),
                Ok(Told::Here) => return None,
                Ok(Told::End { outcome, parked }) => return Some(ChildEnd::Done { outcome, parked }),
                Ok(Told::Failed { message }) => return Some(ChildEnd::Failed(message)),
                Err(error) => panic!("the process says nothing: {error}; order: {:?}", self.order),
            }
        }
    }

    /// Sends the signal. False where it had come to its end before.
    pub(crate) fn kill(&mut self) -> bool {
        self.child.kill().expect("is killed");
        !self.child.wait().expect("is gone").success()
    }
}

/// Gives the run's id too, where a new one began. `delay`: for how long the
/// process goes on after the moment, where it does.
pub(crate) fn carry_out(order: &Order, delay: Duration) -> (ChildEnd, Option<String>) {
    let mut process = Process::start(order);
    let end = match process.wait() {
        Some(end) => end,
        None => {
            if order.death.is_some_and(|death| death.moment == Moment::While) {
                std::thread::sleep(delay);
            }
            // One that went on may have come to its end meanwhile.
            if process.kill() { ChildEnd::Killed } else { process.wait().expect("it ended") }
        }
    };
    (end, process.run.take())
}
