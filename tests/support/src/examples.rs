//! Examples in other languages, built by their own `build.py` into the target
//! folder, where they are kept until a source of theirs changes.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::guests::workspace;

/// What came of a build.
pub enum Built {
    Component(Vec<u8>),
    /// The toolchain can not be had on this machine; one line that says why.
    Skipped(String),
}

/// The exit code of a `build.py` whose toolchain can not be had.
const NOT_TO_BE_HAD: i32 = 3;

/// The component of `examples/NAME`, whose `build.py` prints the file's path.
///
/// # Panics
/// Where the build fails.
#[must_use]
#[expect(clippy::panic, reason = "an example that can not be built is a failed test")]
#[expect(clippy::disallowed_methods, reason = "tests run the build of the example and read its result")]
pub fn python_example(name: &str) -> Built {
    let script = workspace().join("examples").join(name).join("build.py");
    let folder = workspace().join("target").join(name);
    let run = Command::new("python3").arg(&script).arg(&folder).stdin(Stdio::null()).output();
    let output = match run {
        Ok(output) => output,
        Err(error) => return Built::Skipped(format!("skipped: `python3` can not be started: {error}")),
    };
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    match output.status.code() {
        Some(0) => {}
        Some(NOT_TO_BE_HAD) => return Built::Skipped(format!("skipped: {}", stderr.trim())),
        _ => panic!("`{}` failed:\n{stdout}{stderr}", script.display()),
    }
    match fs::read(stdout.trim()) {
        Ok(bytes) => Built::Component(bytes),
        Err(error) => panic!("`{}` made no component: {error}", script.display()),
    }
}
