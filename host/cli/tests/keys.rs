//! Keys: kept, listed, removed, and never shown.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start the program with input of their own, and fail where that fails"
)]

mod support;

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use support::{Home, OnTerminal, Ran};

const KEY: &str = "sk-planted-0123456789";

fn fed(home: &Home, arguments: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sickbay"))
        .args(arguments)
        .env_clear()
        .env("SICKBAY_HOME", home.path().join("home"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that is refused before its input is read closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_key_lives_from_set_to_remove_and_is_shown_by_nothing() {
    let home = Home::new();
    let set = ["secret", "set", "house", "--for", "https://llm.example.com/v1"];
    let ran = fed(&home, &set, &format!("{KEY}\n")).expect_code(0);
    assert!(
        ran.stdout.starts_with(
            "secret `house` goes to https://llm.example.com/v1 and nowhere else; it is kept in the file"
        ),
        "{}",
        ran.shown()
    );
    let again = fed(&home, &set, KEY).expect_code(0);
    assert!(again.stdout.contains("in place of the one before"), "{}", again.shown());
    let listed = home.run(&["--json", "secret", "list"]).expect_code(0);
    assert_eq!(listed.json()["secrets"][0]["name"], "house");
    assert_eq!(listed.json()["secrets"][0]["audience"], "https://llm.example.com");
    for ran in [ran, again, listed, home.run(&["secret", "list"])] {
        assert!(!ran.shown().contains(KEY), "{}", ran.shown());
    }
    let file = fs::read_to_string(home.path().join("home/data/secrets.toml")).unwrap();
    assert!(file.contains(KEY));
    home.run(&["secret", "remove", "house"]).expect_code(0);
    assert!(!fs::read_to_string(home.path().join("home/data/secrets.toml")).unwrap().contains(KEY));
    let ran = home.run(&["secret", "remove", "house"]).expect_code(2);
    assert_eq!(
        ran.stderr,
        "error: there is no secret `house`\nhint: `sickbay secret list` shows those that are there\n"
    );
}

#[test]
fn a_key_goes_to_somebody_who_is_known_beforehand() {
    let home = Home::new();
    let ran = fed(&home, &["secret", "set", "nobodys"], KEY).expect_code(2);
    assert!(ran.stderr.contains("hint: say it with `--for https://…`"), "{}", ran.shown());
    assert!(!home.path().join("home/data/secrets.toml").exists());
    let parrot = home.write("parrot.wasm", sickbay_test_support::guest("parrot")).display().to_string();
    home.run(&["plugin", "install", &parrot, "--yes"]).expect_code(0);
    let ran = fed(&home, &["--json", "secret", "set", "parrot"], KEY).expect_code(0);
    assert_eq!(ran.json()["audience"], "https://parrot.example.com");
    for (input, why) in
        [("", "stdin holds no key"), ("\n \n", "stdin holds no key"), ("a\nb\n", "it has more than one line")]
    {
        let ran = fed(&home, &["secret", "set", "parrot"], input).expect_code(2);
        assert!(ran.stderr.contains(why), "{}", ran.shown());
    }
}

#[test]
fn a_key_that_is_typed_is_not_shown() {
    let home = Home::new();
    let arguments = ["secret", "set", "house", "--for", "https://llm.example.com"];
    let Some(mut typed) = OnTerminal::start(&home, &arguments) else { return };
    typed.expect("it is not shown while you type:");
    typed.type_text(&format!("{KEY}x\u{7f}\n"));
    let (code, shown) = typed.finish();
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("planted"), "{shown}");
    let file = fs::read_to_string(home.path().join("home/data/secrets.toml")).unwrap();
    assert!(file.contains(&format!("\"{KEY}\"")), "{file}");

    let Some(mut typed) =
        OnTerminal::start(&home, &["secret", "set", "other", "--for", "https://llm.example.com"])
    else {
        return;
    };
    typed.expect("it is not shown while you type:");
    typed.type_text("half\u{3}");
    let (code, shown) = typed.finish();
    assert_eq!(code, 1, "{shown}");
    assert!(shown.contains("interrupted: nothing was changed"), "{shown}");
}
