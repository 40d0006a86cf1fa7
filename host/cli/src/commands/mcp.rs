//! `sickbay mcp`: MCP servers, looked at before a profile uses them.

use std::{process::ExitCode, sync::Arc, time::Duration};

use serde_json::Value;
use sickbay_core::{
    text::{clean_line, is_hidden},
    tool::Effect,
};
use sickbay_runtime::{
    Failure, Variables,
    mcp::{McpCallEnd, McpCheck, McpCheckRequest, McpOauthChoice, McpTarget, check},
};

use crate::{
    args::{McpCheckArgs, McpCommand},
    environment::secret_variable,
    output::{Output, table},
    prompt::Interrupts,
    signals,
};

/// Characters of a result's text that are shown at most; `--json` has all of it.
const SHOWN: usize = 4_000;

pub(super) async fn mcp(command: McpCommand, output: &Output) -> Result<ExitCode, Failure> {
    match command {
        McpCommand::Check(args) => checked(*args, output).await,
    }
}

async fn checked(args: McpCheckArgs, output: &Output) -> Result<ExitCode, Failure> {
    let request = McpCheckRequest {
        calls: calls(&args)?,
        call_all: args.call_all,
        timeout: Duration::from_millis(args.timeout.as_millis()),
        target: target(args)?,
        variables: Variables::new(secret_variable),
        cancel: signals::cancel(&Arc::new(Interrupts::new())),
    };
    let console = output.clone();
    let tell = move |page: &str| {
        console.note(&format!("open this page to consent: {}", clean_line(page, 4_000)));
    };
    let found = check(request, tell).await?;
    output.show(&found, || text(&found))?;
    for note in &found.server.notes {
        output.note(&format!("{}: {}", output.error_paint.yellow("note"), clean_line(note, 300)));
    }
    let all_good = found.calls.iter().all(McpCallEnd::is_good);
    Ok(if all_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn target(args: McpCheckArgs) -> Result<McpTarget, Failure> {
    let secret = |variable: &String| {
        secret_variable(variable).filter(|value| !value.is_empty()).ok_or_else(|| {
            Failure::usage(format!("there is no variable `{}`", clean_line(variable, 80)))
                .with_hint("it has to be exported, and not to be empty")
        })
    };
    let Some(url) = args.url else {
        let env = args.env.iter().map(|variable| Ok((variable.clone(), secret(variable)?)));
        let env = env.collect::<Result<_, Failure>>()?;
        return Ok(McpTarget::Command { command: args.command, env, folder: args.folder });
    };
    let oauth = McpOauthChoice {
        client_id: args.client_id,
        client_secret: args.client_secret_env.as_ref().map(secret).transpose()?,
        scopes: args.scopes,
    };
    let bearer = args.bearer_env.as_ref().map(secret).transpose()?;
    Ok(McpTarget::Url { url, bearer, oauth: args.oauth.then_some(oauth) })
}

/// Each tool that is to be called, with its arguments.
fn calls(args: &McpCheckArgs) -> Result<Vec<(String, Value)>, Failure> {
    if args.arguments.len() > args.calls.len() {
        let message = format!(
            "`--arguments` is given {} times, and `--call` {} times",
            args.arguments.len(),
            args.calls.len()
        );
        return Err(Failure::usage(message));
    }
    let mut calls = Vec::new();
    for (position, name) in args.calls.iter().enumerate() {
        let arguments = match args.arguments.get(position) {
            None => Value::Object(serde_json::Map::new()),
            Some(text) => match serde_json::from_str(text) {
                Ok(object @ Value::Object(_)) => object,
                _ => {
                    let message = format!("`{}` is no JSON object", clean_line(text, 80));
                    return Err(
                        Failure::usage(message).with_hint("write it as in `--arguments '{\"name\": \"x\"}'`")
                    );
                }
            },
        };
        calls.push((name.clone(), arguments));
    }
    Ok(calls)
}

fn text(found: &McpCheck) -> String {
    let server = &found.server;
    let name = server.server.as_deref().unwrap_or("a server that does not say its name");
    let protocol = server.protocol.as_deref().unwrap_or("unknown");
    let mut text = format!("{name}, protocol {protocol}, {} tools\n", found.tools.len());
    if !found.tools.is_empty() {
        let rows = found.tools.iter().map(|tool| {
            let about = clean_line(&tool.spec.description, 70);
            vec![clean_line(&tool.tool, 60), effect(tool.spec.effect).to_owned(), about]
        });
        text.push('\n');
        text.push_str(&table(&["TOOL", "EFFECT", "DESCRIPTION"], rows));
    }
    for call in &found.calls {
        text.push('\n');
        text.push_str(&called(call));
    }
    text
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Write => "write",
        Effect::Destructive => "destructive",
    }
}

fn called(call: &McpCallEnd) -> String {
    let name = clean_line(&call.tool, 60);
    let arguments = clean_line(&call.arguments.to_string(), 200);
    let (word, told) = match (&call.output, &call.error) {
        (Some(output), _) if output.is_error => ("gave an error", shown(&output.text)),
        (Some(output), _) => ("gave", shown(&output.text)),
        (None, Some(error)) => ("failed", clean_line(&error.message, 400)),
        (None, None) => ("gave nothing", String::new()),
    };
    format!("{name} {arguments} {word}:\n{told}\n")
}

/// A result's text, indented, line by line.
fn shown(text: &str) -> String {
    let visible = |c: &char| *c == '\n' || !is_hidden(*c);
    let kept: String = text.chars().filter(visible).take(SHOWN).collect();
    let lines: Vec<String> = kept.lines().map(|line| format!("  {line}")).collect();
    let more = if text.chars().count() > SHOWN { "\n  …" } else { "" };
    format!("{}{more}", lines.join("\n"))
}
