//! Stages that call tools, and that ask.

use super::*;

#[test]
fn what_stages_call_and_ask_is_read_and_what_is_wrong_has_its_line() {
    let tools = "[tools]\nplugins = [\"kube\"]\ndeny = [\"*__logs\"]\n[agents.net]\nprofile = \"net\"\n[mcp.files]\ncommand = \"x\"\n";
    let with = |stage: &str| {
        format!(
            "{tools}[[pipeline.stage]]\nname = \"s\"\n{stage}\n[[pipeline.stage]]\nname = \"end\"\nkind = \"report\""
        )
    };
    let text = with(
        "kind = \"tools\"\non-failure = \"end\"\ndecisions = { denied = \"end\", expired = \"end\" }\ncalls = [\n\
         { tool = \"kube__list\", arguments = { kind = \"Pod\", limit = 3, all = true } },\n\
         { tool = \"files__read\" },\n{ tool = \"agent__net\", arguments = { task = \"look\" } },\n]",
    );
    let profile = Profile::parse("test", &text).unwrap();
    let calls = &profile.pipeline.stage[0].calls;
    let names: Vec<&str> = calls.iter().map(|call| call.tool.as_str()).collect();
    assert_eq!(names, ["kube__list", "files__read", "agent__net"]);
    assert_eq!(calls[0].arguments, json!({"kind": "Pod", "limit": 3, "all": true}));
    assert_eq!(calls[1].arguments, json!({}));
    assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
    let text = with(
        "kind = \"approve\"\nprompt = \"Go on?\"\ndecisions = { approved = \"end\", denied = \"end\", planned = \"end\" }",
    );
    let profile = Profile::parse("test", &text).unwrap();
    assert_eq!(profile.pipeline.stage[0].prompt.as_deref(), Some("Go on?"));

    let one = |call: &str| with(&format!("kind = \"tools\"\ncalls = [{call}]"));
    for (text, problem) in [
        (one(""), "11:9: a stage calls 1 to 100 tools, and this one calls 0"),
        (one("5"), "11:10: `pipeline.stage.calls` takes tables in its list, and this is the number 5"),
        (
            one("{ arguments = {} }"),
            "11:10: this call names no `tool` / name one, as in `tool = \"kube__get\"`",
        ),
        (
            one("{ tool = \"kube__get\", argument = {} }"),
            "11:32: unknown key `argument` in `[pipeline.stage.calls]` / did you mean `arguments`?",
        ),
        (
            one("{ tool = \"kube__get\", arguments = \"x\" }"),
            "11:44: `pipeline.stage.calls.arguments` takes a table, and this is the text \"x\"",
        ),
        (
            one("{ tool = \"get\" }"),
            "11:19: `get` can not be the name of a tool / write it as a model would call it: `PLUGIN__TOOL`",
        ),
        (one("{ tool = \"kub__get\" }"), "11:19: this profile has no tools of `kub` / did you mean `kube`?"),
        (
            one("{ tool = \"shop__get\" }"),
            "11:19: this profile has no tools of `shop` / add `shop` to `tools.plugins`, or a section `[mcp.shop]`",
        ),
        (one("{ tool = \"agent__nett\" }"), "11:19: there is no agent `nett` / did you mean `agent__net`?"),
        (
            one("{ tool = \"kube__logs\" }"),
            "11:19: this profile leaves the tool `kube__logs` out / remove the call, or let `tools.allow` and \
             `tools.deny` leave the tool in",
        ),
        (
            with("kind = \"approve\"\ndecisions = { aproved = \"end\" }"),
            "11:15: this stage never decides `aproved` / did you mean `approved`?",
        ),
        (
            with("kind = \"tools\"\ncalls = [{ tool = \"kube__get\" }]\ndecisions = { findings = \"end\" }"),
            "12:15: this stage never decides `findings` / it decides one of `denied`, `expired` and `planned`",
        ),
    ] {
        check(&text, &[problem]);
    }
}
