//! Exit codes: 0 done, 1 failed, 2 usage, 3 denied, 4 limit, 5 findings and no
//! fix applied.

use std::process::ExitCode;

use sickbay_runtime::{Class, Failure};

use crate::output::Output;

/// What a mistake on the command line, or a request for help, ends in. A
/// closed pipe is no reason to fail in another way.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

/// Shows the failure and gives its code.
pub(crate) fn failure(output: &Output, failure: &Failure) -> ExitCode {
    output.failure(failure);
    ExitCode::from(code(failure))
}

/// The code of a failure.
pub(crate) fn code(failure: &Failure) -> u8 {
    match failure.class {
        Class::Failed => 1,
        Class::Usage => 2,
        Class::Denied => 3,
        Class::Limit => 4,
    }
}
