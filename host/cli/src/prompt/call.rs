//! Asks the person whether a model may call a tool that writes: with exactly
//! which arguments, and whether for this time or for the rest of the session.

use std::collections::BTreeMap;

use serde_json::Value;
use sickbay_core::{
    approval::{CallPattern, ToolRequest},
    digest::Digest,
    text::clean_line,
    tool::Effect,
};
use sickbay_runtime::{CallDecision, CallRequest, PendingPlan};

use super::{
    ATTEMPTS, TerminalApprover,
    answer::{CallAnswer, parameters},
    sheet::{Sheet, Tone, visible_json},
};
use crate::{color::Paint, output::time};

const HELP: &str = "  y  call it with exactly these arguments, this once
  n  do not call it, and say why: the model is told
  e  other arguments: the tool is called with yours, and the model is told
  a  allow it for the rest of this session: the same call, or those with some of these arguments
  l  leave it for later: the run waits, and `sickbay runs approve` decides (as Ctrl-C)
";
const HELP_OF_STAGE: &str = "  y  call it with exactly these arguments, this once
  n  do not call it, and say why: the stage ends with that
  e  other arguments: the tool is called with yours
  a  allow it until the stage ends: the same call, or those with some of these arguments
  l  leave it for later: the run waits, and `sickbay runs approve` decides (as Ctrl-C)
";

/// What is shown of a call.
struct Shown<'a> {
    title: String,
    tool: &'a str,
    /// None where it is not known any more.
    effect: Option<Effect>,
    arguments: &'a Value,
    /// The stage whose call it is; none of a model's.
    stage: Option<&'a str>,
    digest: &'a Digest,
    expires_ms: i64,
}

impl Shown<'_> {
    fn text(&self, paint: Paint, width: usize) -> String {
        let mut sheet = Sheet::new(paint, width);
        sheet.head(&self.title);
        sheet.paragraph("", Tone::Strong, self.tool, 200);
        match self.effect {
            Some(Effect::Read) => sheet.field("effect", Tone::Plain, "it reads"),
            Some(Effect::Write) => sheet.field("effect", Tone::Careful, "it writes"),
            Some(Effect::Destructive) => {
                sheet.field("effect", Tone::Removed, "it destroys: this can NOT be taken back");
            }
            None => {}
        }
        match self.arguments.as_object() {
            Some(map) if map.is_empty() => sheet.field("arguments", Tone::Faint, "none"),
            _ => {
                let whose = match self.stage {
                    Some(stage) => {
                        format!("stage `{stage}` of the profile names them; these are all of them")
                    }
                    None => "a model chose them; these are all of them".to_owned(),
                };
                sheet.field("arguments", Tone::Faint, &whose);
                sheet.pretty_json("  ", Tone::Plain, self.arguments);
            }
        }
        sheet.gap();
        sheet.field("digest", Tone::Plain, self.digest.as_str());
        let until = format!("an approval holds until {}", time(self.expires_ms));
        sheet.field("", Tone::Faint, &until);
        sheet.foot();
        sheet.finish()
    }
}

/// A call that waits for a decision elsewhere.
pub(crate) fn waiting_call(pending: &PendingPlan, paint: Paint, width: usize) -> String {
    let shown = Shown {
        title: format!("Call of a tool in {}", pending.run),
        tool: &pending.action,
        effect: None,
        arguments: &pending.parameters,
        stage: pending.stage.as_deref(),
        digest: &pending.digest,
        expires_ms: pending.expires_ms,
    };
    shown.text(paint, width)
}

/// What may be called like that from here on, or why nothing is.
fn named(typed: &str, request: &ToolRequest) -> Result<CallPattern, String> {
    let given = request.arguments.as_object();
    let mut arguments = BTreeMap::new();
    for name in typed.split([' ', ',']).filter(|name| !name.is_empty()) {
        let Some(value) = given.and_then(|given| given.get(name)) else {
            return Err(format!("this call has no argument `{}`", clean_line(name, 60)));
        };
        arguments.insert(name.to_owned(), value.clone());
    }
    if arguments.is_empty() {
        return Err("without a name nothing is allowed".to_owned());
    }
    Ok(CallPattern { tool: request.tool.clone(), arguments, exact: false })
}

impl TerminalApprover {
    pub(super) async fn decided_call(&self, request: &CallRequest) -> CallDecision {
        let _attention = self.console.attend();
        let shown = Shown {
            title: format!("Call {} of {}", request.request.call, request.run),
            tool: &request.request.tool,
            effect: Some(request.request.effect),
            arguments: &request.request.arguments,
            stage: request.request.stage.as_deref(),
            digest: &request.digest,
            expires_ms: request.expires_ms,
        };
        self.console.say(&format!("\n{}", shown.text(self.paint, self.width)));
        self.console.forget_typed();
        match self.call_answer(request).await {
            Some(decision) => decision,
            None => {
                self.console.say("Left for later; it is not called.\n");
                CallDecision::Later
            }
        }
    }

    /// None: later.
    async fn call_answer(&self, request: &CallRequest) -> Option<CallDecision> {
        let tool = clean_line(&request.request.tool, 64);
        let question =
            format!("Call `{tool}`? [y]es [n]o [e]dit arguments [a]llow for this session [l]ater [?]");
        let help = if request.request.stage.is_some() { HELP_OF_STAGE } else { HELP };
        for _ in 0..ATTEMPTS {
            let typed = self.ask(&question).await?;
            match CallAnswer::parse(&typed) {
                Some(CallAnswer::Yes) => return Some(CallDecision::Approve),
                Some(CallAnswer::Later) => return None,
                Some(CallAnswer::No) => {
                    let reason = self.reason("the model and the journal").await?;
                    return Some(CallDecision::Deny { reason });
                }
                Some(CallAnswer::Edit) => {
                    if let Some(arguments) = self.other_arguments(&request.request).await? {
                        return Some(CallDecision::Edit { arguments });
                    }
                }
                Some(CallAnswer::Allow) => {
                    if let Some(pattern) = self.allowed(&request.request).await? {
                        return Some(CallDecision::Allow { pattern });
                    }
                }
                Some(CallAnswer::Help) | None => self.console.say(help),
            }
        }
        None
    }

    /// `Some(None)`: back to the question.
    async fn other_arguments(&self, request: &ToolRequest) -> Option<Option<Value>> {
        let pretty = serde_json::to_string_pretty(&request.arguments).unwrap_or_default();
        let typed = match self.console.edit(&pretty).await {
            Some(Ok(text)) => text,
            Some(Err(message)) => {
                self.console.say(&format!("{}\n", clean_line(&message, 300)));
                return Some(None);
            }
            None => self.ask("Others, as one line of JSON (empty: leave them):").await?,
        };
        let arguments = match parameters(&typed, &request.arguments) {
            Ok(Some(arguments)) => arguments,
            Ok(None) => return Some(None),
            Err(message) => {
                self.console.say(&format!("{message}\n"));
                return Some(None);
            }
        };
        let mut sheet = Sheet::new(self.paint, self.width);
        sheet.head("Your arguments");
        sheet.pretty_json("  ", Tone::Plain, &arguments);
        sheet.foot();
        self.console.say(&sheet.finish());
        let sure = self.ask("Call it with these? [y/N]").await?;
        Some(matches!(CallAnswer::parse(&sure), Some(CallAnswer::Yes)).then_some(arguments))
    }

    /// `Some(None)`: back to the question.
    async fn allowed(&self, request: &ToolRequest) -> Option<Option<CallPattern>> {
        let has_arguments = request.arguments.as_object().is_some_and(|map| !map.is_empty());
        let exactly = CallPattern::exactly(request);
        // What can not be taken back is allowed as it stands, or not at all.
        if !has_arguments || request.effect == Effect::Destructive {
            let question = "Allow exactly this call, again and again until the session ends? [y/N]";
            let sure = self.ask(question).await?;
            return Some(matches!(CallAnswer::parse(&sure), Some(CallAnswer::Yes)).then_some(exactly));
        }
        let typed = self
            .ask("Allow [e]xactly this call, or those in which some [n]amed arguments are the same?")
            .await?;
        match typed.to_ascii_lowercase().as_str() {
            "e" | "exactly" => return Some(Some(exactly)),
            "n" | "named" => {}
            _ => return Some(None),
        }
        let typed =
            self.ask("Which arguments have to be the same? (names; all others are free then)").await?;
        let pattern = match named(&typed, request) {
            Ok(pattern) => pattern,
            Err(message) => {
                self.console.say(&format!("{message}\n"));
                return Some(None);
            }
        };
        let mut sheet = Sheet::new(self.paint, self.width);
        sheet.head("Allowed until this session ends");
        sheet.paragraph("", Tone::Strong, &request.tool, 200);
        for (name, value) in &pattern.arguments {
            let same = format!("{} = {}", clean_line(name, 100), visible_json(value));
            sheet.paragraph("  ", Tone::Plain, &same, usize::MAX);
        }
        sheet.paragraph("  ", Tone::Careful, "and whatever else the model wants", 100);
        sheet.foot();
        self.console.say(&sheet.finish());
        let sure = self.ask("Allow that? [y/N]").await?;
        Some(matches!(CallAnswer::parse(&sure), Some(CallAnswer::Yes)).then_some(pattern))
    }
}
