//! The conversation: one question, at most one repair, and the two things that
//! a provider may not take, left out where it stumbles over them. No more than
//! three requests come of it, whatever the model says.

use sickbay_plugin::{
    model::Completion,
    model_types::{Content, Message, Request, Role, StopReason, ToolChoice},
    types::{Error, ErrorKind},
};

use crate::{answer::Answer, config::Config, prompt, text, world::World};

/// Bytes of an answer that the model gets to see again.
const MOST_REPEATED: usize = 16 * 1024;

/// What came of it.
pub struct Outcome {
    pub answer: Answer,
    /// The model that answered.
    pub model: String,
    /// Whether the first answer had to be repaired.
    pub repaired: bool,
}

/// Asks until there is an answer that can be used.
///
/// # Errors
/// Those of the model, and `internal` with the code `bad-answer` where neither
/// answer holds anything.
pub fn ask(world: &dyn World, config: &Config, user: String) -> Result<Outcome, Error> {
    let system = prompt::message(Role::System, prompt::system(config));
    let mut request = Request {
        model: config.model.clone(),
        messages: vec![system, prompt::message(Role::User, user)],
        tools: Vec::new(),
        tool_choice: ToolChoice::None,
        max_output_tokens: Some(config.max_output_tokens),
        temperature: Some(config.temperature),
        stop: Vec::new(),
        output_schema: Some(prompt::schema().to_string()),
        thinking_tokens: None,
        options: "{}".to_owned(),
    };
    let first = match world.complete(&request) {
        Err(error) if is_about_options(&error) => {
            // The words of the prompt ask for the same.
            request.output_schema = None;
            request.temperature = None;
            world.complete(&request)?
        }
        other => other?,
    };
    let (said, answer) = read(&first);
    let model = text::clean(&first.model, 80);
    if first.stop == StopReason::Refusal {
        return Err(failed("refused", format!("the model {model} declined to answer")));
    }
    if answer.is_readable && answer.problems.is_empty() {
        return Ok(Outcome { answer, model, repaired: false });
    }
    let was_cut = first.stop == StopReason::MaxTokens;
    let shown = text::tail(&said, MOST_REPEATED).trim();
    let shown = if shown.is_empty() { "(nothing)" } else { shown };
    request.messages.push(prompt::message(Role::Assistant, shown.to_owned()));
    request.messages.push(prompt::message(Role::User, prompt::repair(&answer.problems, was_cut)));
    let (second, error) = match world.complete(&request) {
        Ok(second) => (read(&second).1, None),
        Err(error) => (Answer::default(), Some(error)),
    };
    let slips = second.problems.len() + answer.problems.len();
    // Of two answers with slips, the one that says more.
    let best =
        if second.is_readable && (second.problems.is_empty() || second.drafts.len() >= answer.drafts.len()) {
            second
        } else {
            answer
        };
    if best.is_readable && (best.problems.is_empty() || !best.drafts.is_empty()) {
        return Ok(Outcome { answer: best, model, repaired: true });
    }
    // A repair that is too long for the model is no reason to begin again.
    if let Some(error) = error.filter(|error| error.kind != ErrorKind::ContextLength) {
        return Err(error);
    }
    let problem = best.problems.first().map_or("no findings", String::as_str);
    let message = format!(
        "the model {model} gave no answer that can be used, twice, with {}: {}",
        text::count(slips, "slip"),
        text::clean(problem, 300)
    );
    Err(failed("bad-answer", message))
}

/// The text of an answer, and what it holds.
fn read(completion: &Completion) -> (String, Answer) {
    let said = words(&completion.message);
    let answer = Answer::read(&said);
    (said, answer)
}

fn words(message: &Message) -> String {
    let text = |content: &Content| match content {
        Content::Text(text) => Some(text.clone()),
        _ => None,
    };
    message.content.iter().filter_map(text).collect()
}

/// Whether the provider stumbled over what can be left out.
fn is_about_options(error: &Error) -> bool {
    let message = error.message.to_ascii_lowercase();
    match error.kind {
        ErrorKind::Unsupported => true,
        ErrorKind::InvalidInput => {
            ["temperature", "schema", "response_format", "output_config", "structured"]
                .iter()
                .any(|word| message.contains(word))
        }
        _ => false,
    }
}

fn failed(code: &str, message: String) -> Error {
    let mut error = Error::internal(message);
    error.code = code.to_owned();
    error
}
