//! Calls that a stage of a pipeline makes by itself: through the same door as
//! those of a model, one after the other.

use std::sync::Arc;

use sickbay_core::{event::Event, plan::Reach, profile::StageCall, react::ToolCall, tool::Effect};

use super::{
    Conversation, Kept,
    tools::{Fate, Refusal},
};
use crate::{error::Failure, recorder::CALL_CANCELLED};

/// What became of a stage's call.
pub(crate) enum StageCalled {
    Made {
        /// As a model would see it.
        text: String,
        is_error: bool,
        writes: bool,
        /// The run was stopped meanwhile.
        cancelled: bool,
    },
    Refused {
        text: String,
        why: Refusal,
    },
    /// A person has to decide.
    Waits,
}

impl Conversation {
    /// With results that were cut before, so that they can be read on in.
    pub(crate) fn remembering(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    pub(crate) fn into_kept(self) -> Kept {
        self.kept
    }

    /// Tells the journal what the tools are that the stage calls, as they are
    /// listed now, or were when the journal was written.
    pub(crate) async fn offer_named(&mut self, calls: &[StageCall]) -> Result<(), Failure> {
        if let Some(Event::ToolsOffered { tools }) = self.recorder_foretells() {
            self.setup.toolbox = Arc::new(self.setup.toolbox.as_recorded(tools));
        } else {
            if !self.setup.context.recorder.catches_up()
                && let Some(fresh) = self.setup.toolbox.refreshed()
            {
                self.setup.toolbox = Arc::new(fresh);
            }
            let names: Vec<&str> = calls.iter().map(|call| call.tool.as_str()).collect();
            self.setup.toolbox = Arc::new(self.setup.toolbox.only(&names));
        }
        let tools = self.setup.toolbox.specs().to_vec();
        if !tools.is_empty() {
            self.note(Event::ToolsOffered { tools }).await?;
        }
        Ok(())
    }

    /// One call, with the word that it needs; where the run only shows what it
    /// would do, none that writes.
    pub(crate) async fn call_named(
        &mut self,
        stage: &str,
        id: String,
        call: &StageCall,
        reach: Reach,
    ) -> Result<StageCalled, Failure> {
        let Some(offered) = self.setup.toolbox.get(&call.tool) else {
            let text = format!("there is no tool `{}`: its server does not list it", call.tool);
            return Ok(StageCalled::Refused { text, why: Refusal::Unfit });
        };
        if reach == Reach::PlanOnly && offered.spec.effect != Effect::Read {
            let text =
                format!("not called: `{}` writes, and this run only shows what it would do", call.tool);
            return Ok(StageCalled::Refused { text, why: Refusal::Planned });
        }
        let before = self.calls;
        self.calls += 1;
        let (name, arguments) = (call.tool.clone(), call.arguments.clone());
        let due = match self.fate(ToolCall { index: 0, id, name, arguments }, Some(stage)).await? {
            Some(Fate::Due(due)) => *due,
            Some(Fate::Told(_, text, why)) => return Ok(StageCalled::Refused { text, why }),
            None => {
                // A run that parks here comes back to the same number.
                self.calls = before;
                return Ok(StageCalled::Waits);
            }
        };
        let writes = due.offered.spec.effect != Effect::Read;
        self.spent.tool_calls += 1;
        let (due, given, stamp) = self.make(due).await?;
        self.spend(self.setup.context.take_model_spending());
        self.tick(stamp);
        let cancelled = given.error.as_ref().is_some_and(|error| error.code == CALL_CANCELLED);
        let (text, is_error) = self.visible(&due, given);
        Ok(StageCalled::Made { text, is_error, writes, cancelled })
    }
}
