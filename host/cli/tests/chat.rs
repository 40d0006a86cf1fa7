//! Conversations over pipes, with a script in place of a model.
#![expect(clippy::disallowed_methods, clippy::expect_used, reason = "a test looks at what was written")]

mod support;

use std::fs;

use serde_json::Value;
use support::{Home, OnTerminal, Ran};

/// A session on the playground, with the script that comes with the provider.
const DEMO: [&str; 6] = ["chat", "chat", "--model", "scripted/scripted", "--playground", "missing-env"];

fn with<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<&'a str> {
    [before, after].concat()
}

/// What differs from run to run taken out, counts of tokens too.
fn plain(home: &Home, ran: &Ran) -> String {
    let text = home.plain(&ran.shown());
    let count = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let shown: Vec<&str> = words
            .iter()
            .enumerate()
            .map(|(at, word)| {
                let is_count = word.bytes().all(|byte| byte.is_ascii_digit()) && !word.is_empty();
                let next = words.get(at + 1).copied().unwrap_or_default();
                if is_count && (next.starts_with("tokens") || next == "out" || next == "out,") {
                    "[n]"
                } else {
                    *word
                }
            })
            .collect();
        shown.join(" ")
    };
    text.split('\n').map(count).collect::<Vec<_>>().join("\n")
}

/// The id of the session, from what is said at its end.
fn session_of(ran: &Ran) -> String {
    let line = ran.stderr.lines().rev().find(|line| line.contains("--resume ")).unwrap_or_default();
    line.split("--resume ").nth(1).and_then(|rest| rest.split('`').next()).unwrap_or_default().to_owned()
}

/// A tool that writes, one that destroys, and a script that calls what it is told to.
fn with_pen() -> Home {
    let home = Home::new();
    let pen = home.write("pen.wasm", sickbay_test_support::guest("pen")).display().to_string();
    home.run(&["plugin", "install", &pen, "--yes"]).expect_code(0);
    home.write(
        "home/config/profiles/pen.toml",
        r#"
loop = "react"
[cluster]
playground = "missing-env"
[tools]
plugins = ["pen"]
[model]
provider = "scripted"
name = "scripted"
[model.settings]
script = '''
[[take]]
from = "pen__*"
line = "{what}: {said...}"
[[rule]]
when = { user = "write", not-called = "pen__write" }
text = "I write it down."
calls = [{ tool = "pen__write", arguments = { text = "{{user}}" } }]
[[rule]]
when = { user = "erase", not-called = "pen__erase" }
calls = [{ tool = "pen__erase", arguments = { text = "all" } }]
[[rule]]
when = { last-failed = true }
text = "It was not to be: {{result}}"
[[rule]]
when = { knows = "said" }
text = "Done: {{said}}."
[[rule]]
when = { user = "steer" }
text = ["a\u001b", "[2", "Jb\u001b]0;ti", "tle\u0007c\u202ed"]
thinking = "hm\u001b[31mm"
[[rule]]
when = { user = "fail" }
error = { kind = "unavailable", code = "http-503", message = "the model is \u001b[2Jaway" }
[[rule]]
text = "You said: {{user}}"
'''
"#,
    );
    home
}

#[test]
fn a_script_answers_from_what_the_tools_return() {
    let home = Home::new();
    // Calls side by side end in any order.
    let one_by_one = ["--set", "react.parallel=1", "Why is the shop not well?"];
    let ran = home.say(&with(&DEMO, &one_by_one), "").expect_code(0);
    insta::assert_snapshot!("chat", plain(&home, &ran));
    assert!(ran.stdout.contains("DATABASE_URL"), "{}", ran.shown());
}

#[test]
fn answers_are_all_that_goes_to_stdout() {
    let home = with_pen();
    let ran =
        home.say(&["chat", "pen", "-q"], "one\n\n  two \\\nlines\n\"\"\"\na\nb\n\"\"\"\n").expect_code(0);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("You said: one\nYou said: two\nYou said: a\n", "")
    );
}

#[test]
fn nothing_of_a_model_reaches_the_terminal_as_more_than_text() {
    let home = with_pen();
    let ran = home.say(&["chat", "pen"], "steer\n").expect_code(0);
    assert_eq!(ran.stdout, "abcd\n");
    assert!(ran.stderr.contains("thinking: hmm\n") && !ran.stderr.contains('\u{1b}'), "{}", ran.shown());
    let ran = home.say(&["--json", "chat", "pen"], "steer\n").expect_code(0);
    assert!(!ran.stdout.chars().any(|c| c != '\n' && sickbay_core::text::is_hidden(c)), "{}", ran.shown());
    let said: String = events(&ran, "token").iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(said, "a\u{1b}[2Jb\u{1b}]0;title\u{7}c\u{202e}d", "as JSON it is the same text");
}

fn events(ran: &Ran, kind: &str) -> Vec<Value> {
    let all = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    all.filter(|event| event["event"] == kind).collect()
}

#[test]
fn events_are_lines_of_json() {
    let home = Home::new();
    let ran = home.say(&with(&["--json"], &DEMO), "What is wrong?\n/nonsense\n").expect_code(2);
    let kinds: Vec<String> = ran
        .stdout
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["event"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(kinds.first().map(String::as_str), Some("session"), "{}", ran.shown());
    assert_eq!(kinds.last().map(String::as_str), Some("left"));
    for kind in ["token", "tool-start", "tool-end", "usage", "done", "error"] {
        assert!(kinds.iter().any(|known| known == kind), "{kind}: {kinds:?}");
    }
    assert_eq!(events(&ran, "session")[0]["model"], "scripted/scripted");
    assert_eq!(events(&ran, "tool-start")[0]["tool"], "kube__list");
    assert_eq!(events(&ran, "done")[0]["end"]["end"], "answered");
    assert_eq!(events(&ran, "error")[0]["class"], "usage");
    assert_eq!(events(&ran, "left")[0]["waits"], Value::Null);
}

#[test]
fn a_session_that_was_killed_goes_on_with_all_that_was_said() {
    let home = Home::new();
    let mut first = home.converse(&with(&["--json"], &DEMO));
    first.say("What is wrong?\n");
    let opened: Value = serde_json::from_str(&first.expect("\"session\"")).unwrap();
    let id = opened["session"].as_str().unwrap().to_owned();
    first.expect("\"done\"");
    first.kill();
    // No tool is called again: the answer is made of what was read before.
    let ran = home.say(&["--json", "chat", "chat", "--resume", &id[..12], "Once more, without looking."], "");
    let ran = ran.expect_code(0);
    assert_eq!(events(&ran, "session")[0]["session"], id.as_str());
    assert_eq!(events(&ran, "session")[0]["turns"], 1);
    assert_eq!(events(&ran, "done")[0]["turn"], 2);
    let again = home.say(&["chat", "chat", "--continue"], "/cost\n").expect_code(0);
    assert_eq!(session_of(&again), id);
    let replayed = home.run(&["--json", "runs", "replay", &id]).expect_code(0).json();
    assert_eq!(replayed["difference"], Value::Null, "{replayed:#}");
}

#[test]
fn commands_do_what_they_say() {
    let home = with_pen();
    let file = home.path().join("said.md").display().to_string();
    let script = format!(
        "/help\n/model\n/tools\none\ntwo\n/undo\n/model scripted/other\nthree\n/cost\n/save {file}\n/save! {file}\n"
    );
    let ran = home.say(&["chat", "pen"], &script).expect_code(0);
    insta::assert_snapshot!("commands", plain(&home, &ran));
    let saved = fs::read_to_string(&file).unwrap();
    insta::assert_snapshot!("saved", home.plain(&saved));
    let ran = home.say(&["chat", "pen", "one"], &format!("/save {file}\nnever said\n")).expect_code(2);
    assert!(ran.stderr.contains("`/save! ") && !ran.stdout.contains("never said"), "{}", ran.shown());
    assert_eq!(fs::read_to_string(&file).unwrap(), saved);
}

#[test]
fn what_is_no_command_is_told_with_what_was_meant() {
    let home = with_pen();
    for (typed, expect) in [
        ("/tols", "did you mean `/tools`?"),
        ("/model nonsense", "PROVIDER/NAME"),
        ("/model scriptd/x", "did you mean `scripted`?"),
        ("/save", "needs the name of a file"),
    ] {
        let ran = home.say(&["chat", "pen"], &format!("{typed}\n")).expect_code(2);
        assert!(ran.stderr.contains(expect), "{}", ran.shown());
    }
    let ran = home.say(&["chat", "pen"], "/etc/hosts is gone\n").expect_code(0);
    assert_eq!(ran.stdout, "You said: /etc/hosts is gone\n");
}

#[test]
fn a_model_that_does_not_answer_ends_a_script_and_not_the_session() {
    let home = with_pen();
    let ran = home.say(&["chat", "pen", "--set", "model.retries=0"], "fail\nnever said\n").expect_code(1);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr.contains("the model does not answer") && !ran.stderr.contains('\u{1b}'),
        "{}",
        ran.shown()
    );
    let ran = home.say(&["chat", "pen", "--continue"], "hello\n").expect_code(0);
    assert_eq!(ran.stdout, "You said: hello\n");
    let ran = home.say(&["chat", "pen", "--set", "limits.steps=1"], "one\ntwo\n").expect_code(4);
    assert!(ran.stderr.contains("the limit `steps` is reached"), "{}", ran.shown());
}

#[test]
fn a_call_that_writes_waits_for_exactly_its_approval() {
    let home = with_pen();
    let ran = home.say(&["chat", "pen"], "write it\nnever said\n").expect_code(5);
    assert_eq!(ran.stdout, "I write it down.\n");
    insta::assert_snapshot!("call_waits", without_digests(&plain(&home, &ran)));
    let id = session_of(&ran);
    let shown = home.run(&["--json", "runs", "show", &id]).expect_code(0).json();
    assert_eq!(shown["waits"]["parameters"]["text"], "write it");
    let digest = shown["waits"]["digest"].as_str().unwrap().to_owned();
    let ran = home.run(&["runs", "show", &id]).expect_code(0);
    insta::assert_snapshot!("show_waits", without_digests(&plain(&home, &ran)));
    // It still waits for whoever takes it up before that.
    home.say(&["chat", "pen", "--resume", &id], "never said\n").expect_code(5);
    let wrong = home.run(&["runs", "approve", &id, "--plan", "00000000"]).expect_code(2);
    assert!(wrong.stderr.contains("a decision is for exactly one call"), "{}", wrong.shown());
    let approved = home.run(&["runs", "approve", &id, "--plan", &digest]).expect_code(0);
    assert!(approved.stdout.starts_with("approved call "), "{}", approved.shown());
    let ran = home.say(&["chat", "pen", "--resume", &id], "and now?\n").expect_code(0);
    assert_eq!(ran.stdout, "Done: write it.\nDone: write it.\n", "{}", ran.shown());
}

/// A whole digest that a sheet broke over its lines, on one line.
fn unbroken(text: &str) -> String {
    let (mut whole, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("sha256:") {
        whole.push_str(before);
        whole.push_str("sha256:");
        rest = after;
        let mut left = 64;
        while left > 0 {
            let Some(next) = rest.chars().next() else { break };
            rest = &rest[next.len_utf8()..];
            if next.is_ascii_hexdigit() {
                whole.push(next);
                left -= 1;
            } else if !['\n', '│', ' '].contains(&next) {
                whole.push(next);
                break;
            }
        }
    }
    whole + rest
}

/// Digests, whole and short, and what is counted by the clock.
fn without_digests(text: &str) -> String {
    let text = unbroken(text);
    let word = |word: &str| {
        let bare = word.trim_start_matches("sha256:").trim_end_matches([':', '`']);
        let is_digest = [12, 64].contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_digest { word.replace(bare, "[digest]") } else { word.to_owned() }
    };
    let line = |line: &str| {
        let words: Vec<String> = line.split(' ').map(word).collect();
        match words.iter().position(|word| word == "until") {
            Some(at) => format!("{} [moment]", words[..=at].join(" ")),
            None => words.join(" "),
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_call_can_be_denied_or_changed_elsewhere() {
    for (decision, expect) in [
        (
            vec!["deny", "--reason", "not \u{1b}[31mtoday"],
            "It was not to be: not called: a person said no: not today\n",
        ),
        (vec!["edit", "--parameters", "{\"text\": \"mine\"}"], "Done: mine.\n"),
    ] {
        let home = with_pen();
        let id = session_of(&home.say(&["chat", "pen", "erase it"], "").expect_code(5));
        let digest =
            home.run(&["--json", "runs", "show", &id]).json()["waits"]["digest"].as_str().unwrap().to_owned();
        let arguments = [&["runs", decision[0], &id, "--plan", &digest], &decision[1..]].concat();
        home.run(&arguments).expect_code(0);
        let report = home.run(&["--json", "runs", "resume", &id]).expect_code(0).json();
        assert_eq!(report["answer"].as_str().map(|answer| format!("{answer}\n")).as_deref(), Some(expect));
    }
}

#[test]
fn what_was_said_is_found_again() {
    let home = with_pen();
    let id =
        session_of(&home.say(&["chat", "pen"], "the lighthouse keeper\nsomething else\n").expect_code(0));
    let found = home.run(&["--json", "runs", "list", "--search", "LIGHTHOUSE"]).expect_code(0).json();
    assert_eq!((&found[0]["run"], &found[0]["turn"]), (&id.clone().into(), &1.into()), "{found:#}");
    let ran = home.run(&["runs", "list", "--search", "lighthouse"]).expect_code(0);
    assert!(ran.stdout.contains("the lighthouse keeper"), "{}", ran.shown());
    assert_eq!(home.run(&["--json", "runs", "list", "--search", "submarine"]).json(), serde_json::json!([]));
    let ran = home.run(&["runs", "show", &id]).expect_code(0);
    insta::assert_snapshot!("show_session", home.plain(&ran.shown()));
}

#[test]
fn what_can_not_begin_says_how_it_could() {
    let home = Home::new();
    let mut shown = String::new();
    for arguments in [
        vec!["chat", "chat", "--playground", "missing-env"],
        vec!["chat", "chat", "--playground", "missing-env", "--model", "scriptd/x"],
        vec!["chat", "chat", "--playground", "missing-env", "--model", "anthropic/claude-sonnet-4-5"],
        vec!["chat", "chat", "--playground", "missing-env", "--model", "scripted"],
        vec!["chat", "triage", "--playground", "missing-env"],
        vec!["chat", "chat", "--continue"],
        vec!["chat", "chat", "--model", "scripted/x", "--set", "model.name=y"],
        vec!["chat", "chat", "--model", "scripted/x", "--workspace", "/nowhere/at/all"],
    ] {
        let ran = home.run(&arguments).expect_code(2);
        shown.push_str(&format!("$ sickbay {}\n{}\n", arguments.join(" "), home.plain(&ran.stderr)));
    }
    insta::assert_snapshot!("errors", shown);
}

#[test]
fn a_session_is_taken_up_as_what_it_is() {
    let home = with_pen();
    let id = session_of(&home.say(&["chat", "pen"], "one\n").expect_code(0));
    let ran = home.run(&["chat", "chat", "--resume", &id]).expect_code(2);
    assert!(ran.stderr.contains(&format!("`sickbay chat pen --resume {id}`")), "{}", ran.shown());
    let ran = home.run(&["chat", "pen", "--resume", &id, "-n", "shop"]).expect_code(2);
    assert!(ran.stderr.contains("the namespaces that it began with"), "{}", ran.shown());
    home.run(&["chat", "pen", "--resume", &id, "--set", "limits.steps=1"]).expect_code(2);
    let run = home.run(&["--json", "run", "triage", "--playground", "missing-env"]).json();
    let run = run["run"].as_str().unwrap();
    let ran = home.run(&["chat", "triage", "--resume", run]).expect_code(2);
    assert!(ran.stderr.contains("is no session"), "{}", ran.shown());
}

#[test]
fn the_model_of_all_profiles_is_one_setting() {
    let home = Home::new();
    home.write("home/config/defaults.toml", "[model]\nprovider = \"scripted\"\nname = \"mine\"\n");
    let ran = home.say(&["chat", "chat", "--playground", "missing-env"], "/model\n").expect_code(0);
    assert!(ran.stderr.contains("scripted/mine answers."), "{}", ran.shown());
    let shown =
        home.run(&["--json", "profile", "show", "chat", "--set", "model.name=other"]).expect_code(0).json();
    let setting = |key: &str| {
        shown["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == key).cloned().unwrap()
    };
    assert_eq!(setting("model.name")["source"], "command line");
    assert!(setting("model.provider")["source"].as_str().unwrap().ends_with("defaults.toml"), "{shown:#}");
    home.write("home/config/defaults.toml", "[limits]\nsteps = 3\n");
    let ran = home.run(&["chat", "chat", "--playground", "missing-env"]).expect_code(2);
    assert!(ran.stderr.contains("only the model can be set for all profiles"), "{}", ran.shown());
}

#[test]
fn one_question_gets_a_report() {
    let home = Home::new();
    let arguments = ["run", "ask", "Why?", "--model", "scripted/scripted", "--playground", "missing-env"];
    let report = home.run(&with(&["--json"], &arguments)).expect_code(0).json();
    assert_eq!(report["outcome"], "answered");
    assert!(report["answer"].as_str().unwrap().contains("DATABASE_URL"), "{report:#}");
    let ran = home.run(&arguments).expect_code(0);
    assert!(ran.stdout.contains("DATABASE_URL"), "{}", ran.shown());
    assert_eq!(ran.stderr, "", "nobody watches");
}

#[test]
fn whoever_ends_the_program_finds_the_session_kept() {
    let home = with_pen();
    let mut talk = home.converse(&["chat", "pen"]);
    talk.say("one\n");
    talk.expect("You said: one");
    // It leaves, though its input is still open.
    talk.signal("-TERM");
    let ran = talk.finish();
    assert_eq!(ran.code, 1, "{}", ran.shown());
    assert!(ran.stderr.contains("is kept"), "{}", ran.shown());
}

#[test]
fn at_a_terminal_lines_are_edited_and_remembered() {
    let home = with_pen();
    let Some(mut terminal) = OnTerminal::start(&home, &["chat", "pen"]) else { return };
    terminal.expect_next("/help shows what can be typed");
    terminal.expect_next("> ");
    // A word is taken back, and the line goes on over two lines.
    terminal.type_text("hello nobody\u{17}you \\\r");
    terminal.type_text("there\r");
    terminal.expect_next("You said: hello you");
    // Keys mean what they mean at the prompt: between two of them the terminal's own mode takes a Ctrl-D.
    terminal.expect_next("> ");
    terminal.type_text("/tols\r");
    terminal.expect_next("did you mean `/tools`?");
    terminal.expect_next("> ");
    // The line before the last one, once more.
    terminal.type_text("\u{1b}[A\u{1b}[A\r");
    terminal.expect_next("tokens of context");
    terminal.expect_next("> ");
    terminal.type_text("\u{3}");
    terminal.expect_next("Ctrl-C once more leaves");
    terminal.expect_next("> ");
    terminal.type_text("\u{4}");
    let (code, shown) = terminal.finish();
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("is kept: `sickbay chat pen --resume"), "{shown}");
    let history = fs::read_to_string(home.path().join("home/data/chat-history")).unwrap();
    assert_eq!(history, "\"/tols\"\n\"hello you \\\\\\nthere\"\n");
}

#[test]
fn at_a_terminal_a_person_decides_about_calls() {
    let home = with_pen();
    let Some(mut terminal) = OnTerminal::start(&home, &["chat", "pen", "write it"]) else { return };
    terminal.expect_next("[y]es [n]o [e]dit arguments [a]llow for this session [l]ater");
    terminal.type_text("a\r");
    terminal.expect_next("[e]xactly");
    terminal.type_text("e\r");
    terminal.expect_next("Done: write it.");
    terminal.expect_next("> ");
    // The same call needs no word now, another one does.
    terminal.type_text("write it\r");
    terminal.expect_next("tokens of context");
    terminal.type_text("write more\r");
    terminal.expect_next("[l]ater");
    terminal.type_text("n\r");
    terminal.expect_next("Why not?");
    terminal.type_text("enough\r");
    terminal.expect_next("It was not to be: not called: a person said no: enough");
    terminal.expect_next("> ");
    terminal.type_text("erase it\r");
    terminal.expect_next("NOT be taken back");
    terminal.expect_next("[l]ater");
    terminal.type_text("\u{3}");
    let (code, shown) = terminal.finish();
    assert_eq!(code, 5, "{shown}");
    assert!(shown.contains("Left for later; it is not called.") && shown.contains("runs approve"), "{shown}");
}

#[test]
fn the_example_runs_by_the_commands_of_its_readme() {
    let home = Home::new();
    let readme = fs::read_to_string(support::workspace().join("examples/scripted-chat/README.md")).unwrap();
    let commands: Vec<Vec<String>> =
        readme.lines().filter_map(|line| line.strip_prefix("$ cargo run --locked -- ")).map(words).collect();
    assert_eq!(commands.len(), 2, "{readme}");
    let mut last = None;
    for command in &commands {
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        last = Some(home.run(&arguments).expect_code(0));
    }
    let ran = last.unwrap();
    insta::assert_snapshot!("example", plain(&home, &ran));
    let id = session_of(&ran);
    let profile = commands[1][1].as_str();
    let ran = home.say(&["chat", profile, "--resume", &id], "Are you sure?\n").expect_code(0);
    assert!(ran.stdout.contains("missing required environment variable DATABASE_URL"), "{}", ran.shown());
    // What is true of another cluster is what is said of it.
    let ran = home.say(&["chat", profile, "--playground", "crashloop", "What is wrong?"], "");
    assert!(!ran.stdout.contains("DATABASE_URL"), "{}", ran.shown());
}

/// The words of a command, those between quotes together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, piece) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}
