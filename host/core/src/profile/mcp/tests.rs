use super::*;
use crate::profile::Profile;

fn problems(text: &str) -> Vec<(String, Option<String>)> {
    let problems = Profile::parse("p", text).err().unwrap_or_default();
    problems.into_iter().map(|problem| (problem.message, problem.suggestion)).collect()
}

#[test]
fn servers_are_read_and_written_as_they_stand() {
    let profile = Profile::parse(
        "p",
        "[mcp.time]\ncommand = \"mcp-server-time\"\nargs = [\"--local-timezone\", \"UTC\"]\n\
         env = { TOKEN = \"env:TIME_TOKEN\" }\nallow = [\"get_*\"]\ndeny = [\"*_secret\"]\nread = [\"*\"]\n\
         trust-annotations = true\ntimeout = \"5s\"\nstart-timeout = \"2s\"\n\
         [mcp.remote]\nurl = \"https://mcp.example/v1\"\nbearer-env = \"REMOTE_TOKEN\"\n\
         protocol = \"2025-11-25\"\n\
         [mcp.consent]\nurl = \"http://[::1]:8080\"\n\
         oauth = { client-id = \"me\", client-secret-env = \"MY_SECRET\", scopes = [\"a\"] }",
    )
    .unwrap();
    let time = &profile.mcp["time"];
    assert_eq!(time.command.as_deref(), Some("mcp-server-time"));
    assert_eq!(time.args, ["--local-timezone", "UTC"]);
    assert_eq!(referenced(&time.env["TOKEN"]), Some("TIME_TOKEN"));
    assert!(time.allow[0].matches("get_time") && !time.allow[0].matches("set_time"));
    assert!(time.trust_annotations);
    assert_eq!((time.timeout.as_millis(), time.start_timeout.as_millis()), (5_000, 2_000));
    let remote = &profile.mcp["remote"];
    assert_eq!(remote.bearer_env.as_deref(), Some("REMOTE_TOKEN"));
    assert_eq!((remote.timeout.as_millis(), remote.start_timeout.as_millis()), (60_000, 10_000));
    assert_eq!((time.protocol, remote.protocol), (McpProtocol::Either, McpProtocol::Older));
    assert_eq!(profile.mcp["consent"].oauth.as_ref().unwrap().scopes, ["a"]);
    assert_eq!(Profile::from_json(&profile.to_json()).unwrap(), profile);
}

#[test]
fn a_profile_without_servers_has_none() {
    assert!(Profile::parse("p", "description = \"x\"").unwrap().mcp.is_empty());
}

#[test]
fn what_is_wrong_with_a_server_is_told_with_what_to_do() {
    for (text, message, hint) in [
        (
            "[mcp.a]\ncommand = \"x\"\nalow = [\"y\"]",
            "unknown key `alow` in `[mcp.a]`",
            Some("did you mean `allow`?"),
        ),
        (
            "[mcp.a]\nallow = [\"y\"]",
            "`[mcp.a]` names no server",
            Some("add `command = \"PROGRAM\"` or `url = \"https://…\"`"),
        ),
        (
            "[mcp.a]\ncommand = \"x\"\nurl = \"https://x\"",
            "`mcp.a.command` and `mcp.a.url` name two servers",
            Some("keep one of them"),
        ),
        (
            "[mcp.a]\nurl = \"https://x\"\nargs = [\"y\"]",
            "`args` is for servers with a `command`, and this one has none",
            None,
        ),
        (
            "[mcp.a]\ncommand = \"x\"\nbearer-env = \"X\"",
            "`bearer-env` is for servers with a `url`, and this one has none",
            None,
        ),
        (
            "[mcp.A_b]\ncommand = \"x\"",
            "`A_b` can not be a name here",
            Some("a server's name has up to 32 lower-case letters, digits and hyphens"),
        ),
        (
            "[mcp]\ncommand = \"x\"",
            "`command` belongs to one server",
            Some("put it into a table of its own: `[mcp.NAME]` with `command = …`"),
        ),
        (
            "[mcp.a]\ncommand = \"x\"\nenv = { TOKEN = \"planted-value\" }",
            "`mcp.a.env.TOKEN` is no reference to a variable",
            Some("write `\"env:VARIABLE\"`, and put the value itself into that variable"),
        ),
        (
            "[mcp.a]\nurl = \"https://x\"\nbearer-env = \"planted-value\"",
            "`mcp.a.bearer-env` takes the name of an environment variable, and this is none",
            Some("put the credential itself into that variable, never into a profile"),
        ),
        (
            "[mcp.a]\nurl = \"https://planted-value@x\"",
            "`mcp.a.url` holds a user's name or a password",
            Some("put a token into a variable, and its name into `bearer-env`"),
        ),
        ("[mcp.a]\nurl = \"ftp://x\"", "`ftp://x` is not a URL of http or https", None),
        (
            "[mcp.a]\nurl = \"https://x\"\nread = [\"a b\"]",
            "`a b` is no pattern of tools",
            Some("write a name as the server has it, with `*` for any characters"),
        ),
        (
            "[mcp.a]\nurl = \"https://x\"\ntrust-annotations = \"yes\"",
            "`mcp.a.trust-annotations` takes `true` or `false`, and this is the text \"yes\"",
            None,
        ),
        (
            "[mcp.a]\nurl = \"https://x\"\nstart-timeout = \"1h\"",
            "`mcp.a.start-timeout` takes 100ms to 10m, and this is 1h",
            None,
        ),
        (
            "[mcp.a]\nurl = \"https://x\"\nbearer-env = \"A\"\noauth = {}",
            "`mcp.a.bearer-env` and `mcp.a.oauth` are two credentials",
            Some("keep one of them"),
        ),
        (
            "[mcp.a]\nurl = \"https://x\"\noauth = { client-secret-env = \"A\" }",
            "a client's secret is of no use without `client-id`",
            None,
        ),
    ] {
        let found = problems(text);
        assert!(found.contains(&(message.to_owned(), hint.map(str::to_owned))), "{text}\n{found:#?}");
        assert!(!format!("{found:?}").contains("planted-value"), "{text}");
    }
}

#[test]
fn patterns_are_texts_with_stars() {
    assert_eq!(ToolPattern::new(""), None);
    assert_eq!(ToolPattern::new("a\u{202e}b"), None);
    for (pattern, name, expect) in [
        ("*", "anything", true),
        ("read_*", "read_file", true),
        ("read_*", "spread_file", false),
        ("*.get", "pods.get", true),
    ] {
        assert_eq!(ToolPattern::new(pattern).unwrap().matches(name), expect, "{pattern} {name}");
    }
}
