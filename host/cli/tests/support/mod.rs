//! The program as a person runs it: a process with a home folder of its own.
#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "tests start the program, write its input and fail where that fails"
)]
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

/// What a command did.
#[derive(Clone, Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{self:?}"))
    }

    /// Everything in one text, as a snapshot shows it.
    pub fn shown(&self) -> String {
        let mut text = format!("exit {}\n", self.code);
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("-- {name}\n{stream}"));
            }
        }
        text
    }

    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.shown());
        self
    }
}

/// A home folder that is gone when the test is over.
pub struct Home {
    pub folder: tempfile::TempDir,
}

impl Home {
    /// Empty but for the compiled plugins, which are compiled once for all tests.
    pub fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().expect("a folder") };
        let compiled = home.path().join("home/cache/compiled");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&compiled).expect("a folder");
        for entry in fs::read_dir(warm()).expect("the warm cache").flatten() {
            if entry.path().is_file() {
                fs::copy(entry.path(), compiled.join(entry.file_name())).expect("a copy");
            }
        }
        home
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file below the home's folder and gives its path.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(&self.path().join("home"), arguments)
    }

    /// Runs a command with these variables besides those that every command has.
    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let mut command = command(&self.path().join("home"), arguments);
        command.envs(variables.iter().copied());
        ran(&command.output().expect("the program starts"))
    }

    /// Runs a command with that on its stdin, and with these variables.
    pub fn say_with(&self, variables: &[(&str, &str)], arguments: &[&str], input: &str) -> Ran {
        let mut started = self.converse_with(variables, arguments);
        started.say(input);
        started.hang_up()
    }

    /// Runs a command with that on its stdin.
    pub fn say(&self, arguments: &[&str], input: &str) -> Ran {
        let mut started = self.converse(arguments);
        started.say(input);
        started.hang_up()
    }

    /// Starts a command that is talked to.
    pub fn converse(&self, arguments: &[&str]) -> Conversation {
        self.converse_with(&[], arguments)
    }

    fn converse_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Conversation {
        let mut command = command(&self.path().join("home"), arguments);
        command.envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Conversation { child, answers, heard: String::new() }
    }

    /// Starts a command and does not wait for it.
    pub fn start(&self, arguments: &[&str]) -> Started {
        let mut command = command(&self.path().join("home"), arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Started { child: child.expect("the program starts") }
    }

    /// Serves a scenario of the playground until it is dropped.
    pub fn serve(&self, scenario: &str) -> Served {
        let path = self.path().join(format!("{scenario}.kubeconfig")).display().to_string();
        let arguments =
            ["--json", "playground", "start", scenario, "--speed", "60", "--kubeconfig", path.as_str()];
        Served::start(self, &arguments)
    }

    /// The home's folder taken out of a text, and what differs from run to run.
    pub fn plain(&self, text: &str) -> String {
        let text = text.replace(&self.path().display().to_string(), "[folder]");
        text.split('\n').map(plain_line).collect::<Vec<_>>().join("\n")
    }
}

/// Run ids and times, which no snapshot can hold.
fn plain_line(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split(' ') {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = bare.len() == 26 && bare.starts_with("01");
        let is_seconds =
            bare.contains('.') && bare.parse::<f64>().is_ok() && words.last() != Some(&"version".to_owned());
        words.push(if is_id {
            word.replace(bare, "[run]")
        } else if is_seconds {
            "[time]".to_owned()
        } else {
            word.to_owned()
        });
    }
    words.join(" ")
}

/// A command that reads what it is told, and answers.
pub struct Conversation {
    child: std::process::Child,
    answers: BufReader<std::process::ChildStdout>,
    heard: String,
}

impl Conversation {
    pub fn say(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("a pipe");
        // It may have ended before it heard all of it.
        let _ = input.write_all(text.as_bytes()).and_then(|()| input.flush());
    }

    /// Reads lines of stdout until one holds the text; that line.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.answers.read_line(&mut line).expect("stdout is read");
            assert!(read > 0, "it ended before it said `{text}`:\n{}", self.heard);
            self.heard.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Ends its input, and waits for what comes of that.
    pub fn hang_up(mut self) -> Ran {
        drop(self.child.stdin.take());
        self.finish()
    }

    /// Waits for what comes of what it was told, with its input still open.
    pub fn finish(mut self) -> Ran {
        let _input = self.child.stdin.take();
        // It may say more on either stream than a pipe holds.
        let mut errors = self.child.stderr.take().expect("a pipe");
        let reading = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut rest = Vec::new();
        let _ = self.answers.read_to_end(&mut rest);
        self.heard.push_str(&String::from_utf8_lossy(&rest));
        let code = self.child.wait().expect("it ends").code().unwrap_or(-1);
        Ran { code, stdout: self.heard, stderr: reading.join().expect("stderr is read") }
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill starts").success());
    }

    /// Without a word of warning.
    pub fn kill(mut self) {
        self.child.kill().expect("it was alive");
        let _ = self.child.wait();
    }
}

/// A command that still runs.
pub struct Started {
    child: std::process::Child,
}

impl Started {
    /// What Ctrl-C does, and what comes of it.
    pub fn interrupt(self) -> Ran {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &pid]).status().expect("kill starts");
        assert!(sent.success());
        ran(&self.child.wait_with_output().expect("the program ends"))
    }
}

/// A playground of a process of its own.
pub struct Served {
    child: std::process::Child,
    pub kubeconfig: PathBuf,
    /// What it printed when it was ready.
    pub told: Value,
}

impl Served {
    /// Returns when the program says that it serves.
    #[track_caller]
    pub fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = command(&home.path().join("home"), arguments);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut text = String::new();
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        // One object, as pretty JSON; or nothing, where it could not begin.
        while !text.ends_with("}\n")
            && let Some(Ok(line)) = lines.next()
        {
            text.push_str(&line);
            text.push('\n');
        }
        let Ok(told) = serde_json::from_str::<Value>(&text) else {
            let ran = ran(&child.wait_with_output().expect("the program ends"));
            panic!("it does not serve: {text}{}", ran.shown())
        };
        let kubeconfig = PathBuf::from(told["kubeconfig"].as_str().unwrap_or_default());
        Self { child, kubeconfig, told }
    }

    pub fn kubeconfig(&self) -> String {
        self.kubeconfig.display().to_string()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill starts");
        assert!(sent.success());
    }

    /// Ends it in that way, as `-INT`; the exit code, and what it said on stderr.
    pub fn stop(mut self, signal: &str) -> (i32, String) {
        self.signal(signal);
        let code = self.child.wait().expect("the program ends").code().unwrap_or(-1);
        let mut stderr = String::new();
        let _ = self.child.stderr.take().expect("a pipe").read_to_string(&mut stderr);
        (code, stderr)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command on a terminal of its own, which `script` of util-linux makes.
pub struct OnTerminal {
    child: std::process::Child,
    output: std::process::ChildStdout,
    shown: String,
    /// As far as what was shown was waited for.
    seen: usize,
}

impl OnTerminal {
    /// None, with a line that says so, where the machine has no `script`.
    pub fn start(home: &Home, arguments: &[&str]) -> Option<Self> {
        let quoted = |word: &&str| format!("'{}'", word.replace('\'', "'\\''"));
        let words: Vec<String> = arguments.iter().map(quoted).collect();
        // The shell gives way, so that an interrupt reaches the program alone.
        let line =
            format!("stty cols 100 rows 50; exec {} {}", env!("CARGO_BIN_EXE_sickbay"), words.join(" "));
        // A terminal that never shows what is waited for ends all the same.
        let mut command = Command::new("timeout");
        command.args(["240", "script", "-qec", &line, "/dev/null"]).current_dir(workspace()).env_clear();
        let home = home.path().join("home");
        command.env("SICKBAY_HOME", &home).env("HOME", &home).env("USER", "alice").env("PATH", SYSTEM_PATH);
        command.env("SHELL", "/bin/sh").env("TERM", "xterm");
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let has_script = Command::new("script").arg("--version").env("PATH", SYSTEM_PATH).output().is_ok();
        let (Ok(mut child), true) = (started, has_script) else {
            eprintln!("skipped: there is no `script` of util-linux, which makes a terminal");
            return None;
        };
        let output = child.stdout.take().expect("a pipe");
        Some(Self { child, output, shown: String::new(), seen: 0 })
    }

    /// Reads until that is shown.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.shown.contains(text) {
            let read = self.output.read(&mut buffer).expect("the terminal is read");
            assert!(read > 0, "it ended before it showed `{text}`:\n{}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }

    /// As [`Self::expect`], behind what was waited for before in this way.
    #[track_caller]
    pub fn expect_next(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.shown[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let read = self.output.read(&mut buffer).expect("the terminal is read");
            assert!(read > 0, "it ended before it showed `{text}`:\n{}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }

    pub fn type_text(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("a pipe");
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).expect("the terminal takes it");
    }

    /// Waits for the end; the exit code, and all that was shown.
    pub fn finish(mut self) -> (i32, String) {
        let mut rest = Vec::new();
        let _ = self.output.read_to_end(&mut rest);
        self.shown.push_str(&String::from_utf8_lossy(&rest));
        (self.child.wait().expect("it ends").code().unwrap_or(-1), self.shown)
    }
}

/// Where a system has its programs.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sickbay"));
    command.args(arguments).current_dir(workspace()).env_clear();
    command.env("SICKBAY_HOME", home).env("HOME", home).stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Ran {
    ran(&command(home, arguments).output().expect("the program starts"))
}

fn ran(output: &std::process::Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A cache with the embedded plugins in it.
fn warm() -> &'static Path {
    static WARM: OnceLock<PathBuf> = OnceLock::new();
    WARM.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("warm");
        fs::create_dir_all(&home).expect("a folder");
        run(&home, &["doctor"]);
        home.join("cache/compiled")
    })
}

pub fn workspace() -> PathBuf {
    sickbay_test_support::guests::workspace()
}

/// The recorded cluster that comes with the project.
pub fn outage() -> PathBuf {
    workspace().join("examples/checkout-outage/bundle")
}

/// A folder with everything in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// The same folder as a tar.gz.
pub fn packed(folder: &Path) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(encoder);
    archive.append_dir_all("bundle", folder).expect("an archive");
    archive.into_inner().expect("an archive").finish().expect("an archive")
}

/// Takes the right to write from a folder.
pub fn make_read_only(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o500)).expect("permissions");
}
