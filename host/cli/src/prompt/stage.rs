//! Asks the person whether a run goes on with its next stage: with all that is
//! known and decided so far, which is what the digest is of.

use serde_json::Value;
use sickbay_core::{digest::Digest, text::clean_line};
use sickbay_runtime::{PendingPlan, StageApproval, StageDecision};

use super::{
    ATTEMPTS, TerminalApprover,
    answer::Answer,
    sheet::{Sheet, Tone},
};
use crate::{color::Paint, output::time};

const HELP: &str = "  y  the run goes on from exactly this
  n  it does not, and say why
  l  leave it for later: the run waits, and `sickbay runs approve` decides (as Ctrl-C)
  d  all that is known so far, as it stands in the journal
";
/// Entries shown of each list at first sight.
const LISTED: usize = 12;
/// Characters of one text at first sight.
const TEXT: usize = 2_000;

/// What is shown of a stage that asks.
struct Shown<'a> {
    title: String,
    stage: &'a str,
    prompt: &'a str,
    known: &'a Value,
    digest: &'a Digest,
    expires_ms: i64,
}

impl Shown<'_> {
    fn text(&self, paint: Paint, width: usize) -> String {
        let mut sheet = Sheet::new(paint, width);
        sheet.head(&self.title);
        let asked = if self.prompt.is_empty() { "May the run go on?" } else { self.prompt };
        sheet.paragraph("", Tone::Strong, asked, TEXT);
        sheet.field("stage", Tone::Plain, self.stage);
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        self.list(&mut sheet, "findings", |finding| {
            let object = &finding["object"];
            let name = ["kind", "namespace", "name"].map(|key| text(object, key));
            let name: Vec<String> = name.into_iter().filter(|part| !part.is_empty()).collect();
            let sure = if finding["hypothesis"] == true { " (hypothesis)" } else { "" };
            format!("{} {}{sure}: {}", text(finding, "reason"), name.join("/"), text(finding, "message"))
        });
        self.list(&mut sheet, "plans", |plan| {
            let what = format!("{} {}", text(plan, "plugin"), text(plan, "action"));
            format!("{what} ({}): {} {}", text(plan, "state"), text(plan, "summary"), plan["parameters"])
        });
        self.list(&mut sheet, "results", |result| {
            let called = format!("{} {}", text(result, "tool"), result["arguments"]);
            format!("{called} ({}): {}", text(result, "state"), text(result, "text"))
        });
        if let Some(answer) = self.known["answer"].as_str() {
            sheet.field("answer", Tone::Faint, "the last one, in the model's own words");
            for line in answer.lines().take(LISTED) {
                sheet.paragraph("  ", Tone::Plain, line, TEXT);
            }
            let more = answer.lines().count().saturating_sub(LISTED);
            if more > 0 {
                sheet.paragraph(
                    "  ",
                    Tone::Careful,
                    &format!("… and {more} more lines; `d` shows them"),
                    100,
                );
            }
        }
        sheet.gap();
        sheet.field("digest", Tone::Plain, self.digest.as_str());
        sheet.field("", Tone::Faint, &format!("an approval holds until {}", time(self.expires_ms)));
        sheet.foot();
        sheet.finish()
    }

    fn list(&self, sheet: &mut Sheet, key: &str, told: impl Fn(&Value) -> String) {
        let Some(entries) = self.known[key].as_array() else { return };
        sheet.field(key, Tone::Faint, &entries.len().to_string());
        for entry in entries.iter().take(LISTED) {
            sheet.paragraph("  · ", Tone::Plain, &told(entry), 400);
        }
        let more = entries.len().saturating_sub(LISTED);
        if more > 0 {
            sheet.paragraph("  ", Tone::Careful, &format!("… and {more} more; `d` shows them"), 100);
        }
    }
}

/// A stage that waits for a decision elsewhere.
pub(crate) fn waiting_stage(pending: &PendingPlan, paint: Paint, width: usize) -> String {
    let mut sheet = Sheet::new(paint, width);
    sheet.head(&format!("Stage of run {}, and all that is known so far", pending.run));
    sheet.paragraph("", Tone::Strong, &pending.summary, TEXT);
    sheet.field("stage", Tone::Plain, &pending.action);
    sheet.pretty_json("  ", Tone::Plain, &pending.parameters);
    sheet.gap();
    sheet.field("digest", Tone::Plain, pending.digest.as_str());
    sheet.field("", Tone::Faint, &format!("an approval holds until {}", time(pending.expires_ms)));
    sheet.foot();
    sheet.finish()
}

impl TerminalApprover {
    pub(super) async fn decided_stage(&self, request: &StageApproval) -> StageDecision {
        let _attention = self.console.attend();
        let shown = Shown {
            title: format!("Stage of run {}", request.run),
            stage: &request.request.stage,
            prompt: &request.request.prompt,
            known: &request.request.known,
            digest: &request.digest,
            expires_ms: request.expires_ms,
        };
        self.console.say(&format!("\n{}", shown.text(self.paint, self.width)));
        self.console.forget_typed();
        match self.stage_answer(request).await {
            Some(decision) => decision,
            None => {
                self.console.say("Left for later; the run waits.\n");
                StageDecision::Later
            }
        }
    }

    /// None: later.
    async fn stage_answer(&self, request: &StageApproval) -> Option<StageDecision> {
        let stage = clean_line(&request.request.stage, 64);
        let question = format!("Go on after `{stage}`? [y]es [n]o [l]ater [d]etails [?]");
        for _ in 0..ATTEMPTS {
            let typed = self.ask(&question).await?;
            match Answer::parse(&typed) {
                Some(Answer::Yes) => return Some(StageDecision::Approve),
                Some(Answer::Later) => return None,
                Some(Answer::No) => {
                    let reason = self.reason("the report and the journal").await?;
                    return Some(StageDecision::Deny { reason });
                }
                Some(Answer::Details) => {
                    let mut sheet = Sheet::new(self.paint, self.width);
                    sheet.head("All that is known so far");
                    sheet.pretty_json("  ", Tone::Plain, &request.request.known);
                    sheet.foot();
                    self.console.say(&sheet.finish());
                }
                Some(Answer::Edit | Answer::Help) | None => self.console.say(HELP),
            }
        }
        None
    }
}
