//! A scripted model server that others wrote, npm's `@copilotkit/aimock`, with
//! the script that stands beside this file.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

const PACKAGE: &str = "@copilotkit/aimock@1.43.0";
/// The oldest major version of node that it runs on.
const NODE: u32 = 20;

/// A server of a process of its own, which ends with the value.
pub(crate) struct Aimock {
    child: Child,
    address: String,
    key: Option<String>,
}

impl Aimock {
    /// None, with a line that says so, where the server can not be had. With a
    /// key, requests need it.
    pub(crate) fn start(key: Option<&str>) -> Option<Self> {
        let program = match program() {
            Ok(program) => program,
            Err(why) => {
                eprintln!("skipped: {why}");
                return None;
            }
        };
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/aimock.json").display().to_string();
        let mut command = Command::new("node");
        command.arg(program).args(["--host", "127.0.0.1", "--port", "0", "--fixtures", &script]);
        if let Some(key) = key {
            command.env("AIMOCK_API_KEYS", key);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut heard = String::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else { panic!("aimock does not serve:\n{heard}") };
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim().to_owned();
            }
            heard.push_str(&line);
            heard.push('\n');
        };
        // What it says later is not read by anybody, but has to go somewhere.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(Self { child, address, key: key.map(str::to_owned) })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Forgets what it was asked, but not how often a line of its script was said.
    pub(crate) fn forget(&self) {
        self.ask("POST", "/__aimock/reset/journal");
    }

    /// The requests to models since it forgot.
    pub(crate) fn asked(&self) -> Vec<Value> {
        let body = self.ask("GET", "/__aimock/journal");
        let entries: Value = serde_json::from_str(&body).expect("the requests as JSON");
        entries.as_array().expect("a list of requests").clone()
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("aimock is there");
        let key = self.key.as_ref().map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
        // An answer to the older version ends with the connection and has no chunks.
        let head = format!("{method} {path} HTTP/1.0\r\nContent-Length: 0\r\n{key}\r\n");
        stream.write_all(head.as_bytes()).expect("it listens");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's program, which is installed once; or why it can not be had.
fn program() -> Result<&'static Path, &'static str> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PROGRAM.get_or_init(install).as_deref().map_err(String::as_str)
}

fn install() -> Result<PathBuf, String> {
    let version = said(Command::new("node").arg("--version"))?;
    let major = version.trim().trim_start_matches('v').split('.').next().and_then(|word| word.parse().ok());
    if major.is_none_or(|major: u32| major < NODE) {
        return Err(format!("aimock needs node {NODE} or newer, and here is {}", version.trim()));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aimock-1.43.0");
    fs::create_dir_all(&folder).expect("a folder");
    // Tests of another process may be installing it as well.
    let lock = fs::File::create(folder.join("lock")).expect("a file");
    lock.lock().expect("a lock");
    let installed = folder.join("installed");
    if !installed.exists() {
        let prefix = folder.display().to_string();
        said(Command::new("npm").args([
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--fetch-retries=1",
            "--prefix",
            &prefix,
            PACKAGE,
        ]))?;
        fs::write(&installed, PACKAGE).expect("a file");
    }
    Ok(folder.join("node_modules/@copilotkit/aimock/dist/cli.js"))
}

/// What a command says where all goes well; else one line of why it did not.
fn said(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Err(format!("`{name}` can not be started: {error}")),
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let last = stderr.lines().rev().find(|line| line.contains("error")).unwrap_or_default();
        Err(format!("`{name}` gives no {PACKAGE}: {last}"))
    }
}
