//! `process`: programs on the host.

use sickbay_core::outside::{Answer, Ask};

use super::{convert::to_error, misfit};
use crate::{
    bindings::{
        imports::sickbay::plugin::process::{Command, Exit, Host},
        types::Error,
    },
    state::State,
};

impl Host for State {
    async fn run(&mut self, command: Command) -> wasmtime::Result<Result<Exit, Error>> {
        let Command { program, arguments, stdin, timeout_ms } = command;
        Ok(match self.ask(Ask::ProcessRun { program, arguments, stdin, timeout_ms }).await? {
            Answer::Exit { code, stdout, stderr, truncated } => Ok(Exit { code, stdout, stderr, truncated }),
            Answer::Failed { error } => Err(to_error(error)),
            _ => Err(to_error(misfit("process.run"))),
        })
    }
}
