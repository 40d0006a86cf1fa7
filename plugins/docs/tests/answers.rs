//! Whole answers over a small folder of runbooks, and folders of any shape.

use proptest::prelude::*;
use serde_json::{Value, json};
use sickbay_tool_docs::{call, fake::FakeFolder, tools};

fn runbooks() -> FakeFolder {
    FakeFolder::new()
        .file(
            "runbooks/oom.md",
            "# OOMKilled\n\nThe kernel ended a container that took more memory than its limit.\n\n## What to do\n\n1. Look at \
             `kubectl top`.\n2. Raise the memory limit, or find the leak.\n\n```sh\n# not a heading\nkubectl set resources\n```\n",
        )
        .file("runbooks/dns.md", "DNS\n===\n\nLook at CoreDNS first.\n\nSymptoms\n---\n`no such host` in a log.\n")
        .file("notes/2024.md", "We raised limits of the api once.\n")
        .link("runbooks/secret.md")
}

fn ask(folder: &FakeFolder, tool: &str, arguments: &Value) -> String {
    match call(folder, tool, &arguments.to_string()) {
        Ok(output) => format!("{}{}", if output.is_error { "[is error] " } else { "" }, output.text),
        Err(error) => format!("[{:?}] {}", error.kind, error.message),
    }
}

#[test]
fn sections_are_found_and_read_by_citation() {
    let folder = runbooks();
    let questions = [
        ("search", json!({"query": "container killed, memory limit"})),
        ("search", json!({"query": "symptoms", "limit": 1})),
        ("search", json!({"query": "limit", "folder": "notes/"})),
        ("search", json!({"query": "certificates"})),
        ("read", json!({"path": "runbooks/oom.md#L5"})),
        ("read", json!({"path": "runbooks/oom.md", "from": 3, "to": 3})),
        ("read", json!({"path": "runbooks/oom.md#L1-L3"})),
        ("read", json!({"path": "./notes/2024.md"})),
    ];
    let all: Vec<String> = questions
        .iter()
        .map(|(tool, arguments)| format!("> {tool} {arguments}\n{}\n", ask(&folder, tool, arguments)))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_is_not_there_is_said_and_no_path_leads_out() {
    let folder = runbooks();
    for (tool, arguments, expect) in [
        (
            "read",
            json!({"path": "oom.md"}),
            "[is error] there is no document `oom.md`; did you mean `runbooks/oom.md`?",
        ),
        ("read", json!({"path": "../../etc/passwd"}), "[is error] there is no document `../../etc/passwd`"),
        ("read", json!({"path": "/etc/passwd"}), "[is error] there is no document `/etc/passwd`"),
        (
            "read",
            json!({"path": "runbooks/secret.md"}),
            "[is error] there is no document `runbooks/secret.md`",
        ),
        (
            "read",
            json!({"path": "notes/2024.md", "from": 9}),
            "[ErrorKind::InvalidInput] `notes/2024.md` has 1 lines",
        ),
        ("read", json!({}), "[ErrorKind::InvalidInput] the argument `path` is missing"),
        (
            "search",
            json!({"query": "x", "limit": 99}),
            "[ErrorKind::InvalidInput] `limit` takes a whole number from 1 to 20",
        ),
        ("search", json!({"q": "x"}), "[ErrorKind::InvalidInput] there is no argument `q`"),
        ("find", json!({}), "[ErrorKind::NotFound] there is no tool `find`"),
    ] {
        let text = ask(&folder, tool, &arguments);
        assert!(text.starts_with(expect), "{text}");
    }
    assert!(
        ask(&FakeFolder::new(), "search", &json!({"query": "x"}))
            .ends_with("the folder holds no Markdown documents")
    );
}

#[test]
fn schemas_are_strict() {
    for tool in tools() {
        let schema: Value = serde_json::from_str(&tool.input_schema).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
        assert!(!tool.description.contains("  "), "{}", tool.description);
    }
}

proptest! {
    #[test]
    fn any_document_is_answered_within_the_bound(
        texts in proptest::collection::vec("[#=\\-`~|\\PC\u{1b}\n ]{0,400}", 1..5),
        query in "\\PC{1,40}", from in 1_u64..50, length in 0_u64..50,
    ) {
        let mut folder = FakeFolder::new();
        for (number, text) in texts.iter().enumerate() {
            folder = folder.file(&format!("d/{number}.md"), text);
        }
        for (tool, arguments) in [
            ("search", json!({"query": query, "limit": 20, "max_bytes": 1_024})),
            ("search", json!({"query": texts[0].replace(|letter: char| letter.is_control(), " "), "max_bytes": 1_024})),
            ("read", json!({"path": "d/0.md", "max_bytes": 1_024})),
            ("read", json!({"path": "d/0.md", "from": from, "to": from + length, "max_bytes": 1_024})),
            ("read", json!({"path": format!("d/0.md#L{from}")})),
        ] {
            if let Ok(output) = call(&folder, tool, &arguments.to_string()) {
                let most = if arguments["max_bytes"].is_null() { 8_192 } else { 1_024 };
                prop_assert!(output.text.len() <= most, "{}", output.text);
                prop_assert!(!output.text.chars().any(|letter| letter.is_control() && letter != '\n'), "{:?}", output.text);
            }
        }
    }
}
