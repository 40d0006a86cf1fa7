//! Secrets in the system's keyring: a real Secret Service on a bus of its own.
//! Where a machine has none, the test says `skipped:` and why.
#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests start programs, say what they skip, and fail where something is amiss"
)]

#[path = "support/endpoint.rs"]
mod endpoint;
mod support;

use std::process::{Child, Command, Stdio};

use endpoint::{Endpoint, Reply};
use serde_json::json;
use support::Home;

/// A bus and a keyring that is unlocked, until the test is over.
struct Desktop {
    bus: Child,
    ring: Child,
    address: String,
}

impl Desktop {
    fn start(home: &Home) -> Option<Self> {
        let bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut bus) = bus else {
            eprintln!("skipped: there is no `dbus-daemon` on this machine");
            return None;
        };
        let mut address = String::new();
        let out = bus.stdout.take().expect("a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut address).expect("an address");
        let address = address.trim().to_owned();
        let ring = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path().join("keyrings"))
            .env("XDG_RUNTIME_DIR", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut ring) = ring else {
            let _ = bus.kill().and_then(|()| bus.wait());
            eprintln!("skipped: there is no `gnome-keyring-daemon` on this machine");
            return None;
        };
        // The password that unlocks it, which also makes it.
        std::io::Write::write_all(&mut ring.stdin.take().expect("a pipe"), b"password\n").expect("is taken");
        Some(Self { bus, ring, address })
    }

    /// Whether somebody on the bus keeps secrets by now.
    fn is_ready(&self) -> bool {
        let owner = Command::new("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"])
            .args(["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .output()
            .expect("`dbus-send` comes with the bus");
        String::from_utf8_lossy(&owner.stdout).contains("boolean true")
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for child in [&mut self.ring, &mut self.bus] {
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

#[test]
fn live_a_key_in_the_keyring_reaches_its_provider_and_no_file() {
    const KEY: &str = "sk-kept-in-the-ring-7391";
    let home = Home::new();
    let Some(desktop) = Desktop::start(&home) else { return };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !desktop.is_ready() {
        assert!(std::time::Instant::now() < deadline, "the keyring does not come up");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let bus = [("DBUS_SESSION_BUS_ADDRESS", desktop.address.as_str())];
    let model = Endpoint::serve(|_| {
        let choice =
            json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}});
        Reply::json(200, &json!({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice]}))
    });
    let set = ["secret", "set", "openai", "--for", &model.url(), "--keyring"];
    let kept = home.say_with(&bus, &set, KEY).expect_code(0);
    assert!(kept.stdout.contains("it is kept in the system's keyring"), "{}", kept.shown());
    let listed = home.run_with(&bus, &["secret", "list"]).expect_code(0);
    assert!(listed.stdout.contains("keyring"), "{}", listed.shown());

    let endpoint = format!("model.endpoint={}/v1", model.url());
    let chat =
        ["chat", "chat", "--model", "openai/m", "--set", &endpoint, "--playground", "healthy", "well?"];
    let answered = home.run_with(&bus, &chat).expect_code(0);
    assert!(answered.stdout.contains("yes"), "{}", answered.shown());
    let heard = model.heard();
    assert_eq!(heard.last().expect("was asked").header("authorization"), format!("Bearer {KEY}"));
    let files = walk(&home.path().join("home"));
    assert!(!files.is_empty() && files.iter().all(|bytes| !contains(bytes, KEY.as_bytes())));

    // Without the bus there is no keyring, and nothing is sent without the key.
    let asked = heard.len();
    let lost = home.run(&chat);
    assert_eq!(lost.code, 1, "{}", lost.shown());
    assert!(lost.stderr.contains("can not be read from the system's keyring"), "{}", lost.shown());
    assert_eq!(model.heard().len(), asked);

    home.run_with(&bus, &["secret", "remove", "openai"]).expect_code(0);
    let gone = home.run_with(&bus, &["secret", "list"]).expect_code(0);
    assert!(!gone.stdout.contains("openai"), "{}", gone.shown());
}

/// The bytes of all files below.
fn walk(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            files.push(std::fs::read(&path).expect("a file"));
        }
    }
    files
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}
