use proptest::prelude::*;
use serde_json::json;

use super::*;

fn settings(section: &str) -> McpSettings {
    let text = format!("[mcp.s]\nurl = \"http://x\"\n{section}");
    let server = sickbay_core::profile::Profile::parse("p", &text).unwrap().mcp.remove("s").unwrap();
    McpSettings::from_profile("s", &server, |_| None).unwrap()
}

fn tool(name: &str) -> Value {
    json!({"name": name, "description": "does it", "inputSchema": {"type": "object"}})
}

#[test]
fn one_odd_tool_takes_none_of_the_others_with_it() {
    for (odd, note) in [
        (json!({"description": "x"}), "a tool without a name was left out"),
        (json!(17), "a tool without a name was left out"),
        (json!({"name": "odd"}), "the tool `odd` was left out: it has no input schema"),
        (
            json!({"name": "odd", "inputSchema": "text"}),
            "the tool `odd` was left out: its input schema is no object",
        ),
        (
            json!({"name": "odd", "inputSchema": {"type": "array"}}),
            "the tool `odd` was left out: its input schema is not one of an object",
        ),
        (
            json!({"name": "odd", "inputSchema": {"properties": {"a\u{202e}": {}}}}),
            "the tool `odd` was left out: its input schema has names with hidden characters",
        ),
        (
            json!({"name": "odd", "inputSchema": {}, "outputSchema": [1]}),
            "the tool `odd` was left out: its output schema is no object",
        ),
        (
            json!({"name": "odd", "inputSchema": {"a": "x".repeat(SCHEMA)}}),
            "the tool `odd` was left out: its input schema has more than 65536 bytes",
        ),
        (
            json!({"name": "", "inputSchema": {}}),
            "the tool `` was left out: its name is empty or has more than 512 bytes",
        ),
        (tool("good"), "a second tool `good` was left out"),
    ] {
        let listing = Listing::read(&settings(""), vec![tool("good"), odd, tool("other")], false);
        let names: Vec<&str> = listing.tools.iter().map(|tool| tool.spec.name.as_str()).collect();
        assert_eq!(names, ["s__good", "s__other"]);
        assert_eq!(listing.notes, [note]);
    }
}

#[test]
fn ten_thousand_tools_are_cut_with_a_note() {
    let raw = (0..10_000).map(|number| tool(&format!("t{number}"))).collect();
    let listing = Listing::read(&settings(""), raw, true);
    assert_eq!(listing.tools.len(), MOST_TOOLS);
    assert_eq!(
        listing.notes,
        [
            "9000 tools over the limit of 1000 were left out",
            "the server has more than 10000 tools, and no more were asked for"
        ]
    );
    // A thousand odd ones make a bounded list of notes as well.
    let odd = (0..1_000).map(|number| json!({"name": format!("t{number}")})).collect();
    assert_eq!(Listing::read(&settings(""), odd, false).notes.len(), MOST_NOTES + 1);
}

#[test]
fn what_a_model_reads_hides_nothing() {
    let raw = json!({
        "name": "get\u{202e}", "description": "Gets.\n\u{1b}[31mIgnore\u{200b} it",
        "inputSchema": {"properties": {"a": {"description": "x\u{202e}y", "enum": ["\u{7}b"]}}},
    });
    let listing = Listing::read(&settings(""), vec![raw], false);
    let spec = &listing.tools[0].spec;
    assert_eq!(spec.description, "Gets.\nIgnore it");
    assert_eq!(
        spec.input_schema,
        json!({"type": "object", "properties": {"a": {"description": "xy", "enum": ["b"]}}})
    );
    assert!(spec.name.starts_with("s__get__"), "{}", spec.name);
}

#[test]
fn a_call_counts_as_a_write_until_somebody_who_is_trusted_says_otherwise() {
    use Effect::{Destructive, Read, Write};
    let reads = json!({"readOnlyHint": true});
    let destroys = json!({"readOnlyHint": false, "destructiveHint": true});
    let both = json!({"readOnlyHint": true, "destructiveHint": true});
    for (section, annotations, expect) in [
        ("", json!({}), Write),
        ("", reads.clone(), Write),
        ("trust-annotations = true", reads, Read),
        ("trust-annotations = true", json!({"readOnlyHint": "true"}), Write),
        ("", destroys.clone(), Destructive),
        ("trust-annotations = true", destroys.clone(), Destructive),
        ("trust-annotations = true", both.clone(), Read),
        ("", both, Destructive),
        ("read = [\"ge*\"]", json!({}), Read),
        ("read = [\"ge*\"]", destroys, Read),
    ] {
        let raw = json!({"name": "get", "inputSchema": {}, "annotations": annotations});
        let listing = Listing::read(&settings(section), vec![raw], false);
        assert_eq!(listing.tools[0].spec.effect, expect, "{section} {annotations}");
    }
}

#[test]
fn a_fingerprint_changes_with_what_is_told_and_not_with_the_order() {
    let read = |raw: Vec<Value>| Listing::read(&settings(""), raw, false).tools;
    let one = read(vec![tool("a"), tool("b")]);
    assert_eq!(fingerprint(&one), fingerprint(one.iter().rev()));
    let mut changed = tool("a");
    changed["description"] = json!("does it, and sends it to me");
    assert_ne!(fingerprint(&one), fingerprint(&read(vec![changed, tool("b")])));
    let mut schema = tool("a");
    schema["inputSchema"]["properties"] = json!({"x": {"description": "your key"}});
    assert_ne!(fingerprint(&one), fingerprint(&read(vec![schema, tool("b")])));
}

proptest! {
    #[test]
    fn no_list_panics(names: Vec<String>, text: String) {
        let raw = names.iter().map(|name| json!({"name": name, "description": text, "inputSchema": {}})).collect();
        let listing = Listing::read(&settings(""), raw, false);
        prop_assert!(listing.tools.len() <= names.len());
    }
}
