//! What a server is told where it asks the client for something.
//!
//! A tool's run is no place for a server to ask a person, a model or a disk:
//! sampling is refused, there are no roots, and a question to a person is
//! declined, but for `sickbay mcp check`, which tries a server and answers
//! with the defaults of the question itself.

use rmcp::{
    ErrorData,
    model::{
        ElicitRequestParams, ElicitResult, ElicitationAction, ErrorCode, InputRequest, InputRequests,
        InputResponses,
    },
};
use serde_json::{Map, Value, json};

use crate::sample;

/// What is done with a question to a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Elicitation {
    #[default]
    Decline,
    /// A form is filled in with its own defaults, and with plausible values
    /// where a field is required and has none.
    FillIn,
}

/// Questions of one answer at most.
const MOST_QUESTIONS: usize = 32;

impl Elicitation {
    pub(crate) fn answer(self, question: &ElicitRequestParams) -> ElicitResult {
        match (self, question) {
            (Self::FillIn, ElicitRequestParams::FormElicitationParams { requested_schema, .. }) => {
                let schema = serde_json::to_value(requested_schema).unwrap_or(Value::Null);
                let filled: Map<String, Value> = sample::arguments(&schema);
                ElicitResult::new(ElicitationAction::Accept).with_content(Value::Object(filled))
            }
            _ => ElicitResult::new(ElicitationAction::Decline),
        }
    }

    /// The answers to what a call still needs, one for each question.
    pub(crate) fn answer_all(self, questions: InputRequests) -> Result<InputResponses, ErrorData> {
        if questions.len() > MOST_QUESTIONS {
            return Err(ErrorData::invalid_request("too many questions in one answer", None));
        }
        questions.into_iter().map(|(key, question)| Ok((key, self.answer_one(&question)?))).collect()
    }

    fn answer_one(self, question: &InputRequest) -> Result<Value, ErrorData> {
        let answer = match question {
            InputRequest::Elicitation(request) => serde_json::to_value(self.answer(&request.params)),
            InputRequest::ListRoots(_) => Ok(json!({"roots": []})),
            _ => return Err(sampling_refused()),
        };
        answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }
}

/// A server's tools may not use the profile's model on its account.
fn sampling_refused() -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "this client does no sampling", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(schema: Value) -> ElicitRequestParams {
        serde_json::from_value(json!({"mode": "form", "message": "m", "requestedSchema": schema})).unwrap()
    }

    #[test]
    fn a_form_is_declined_or_filled_in_as_it_says_itself() {
        let question = form(json!({
            "type": "object", "required": ["name"],
            "properties": {
                "name": {"type": "string", "default": "Ann"}, "age": {"type": "integer", "default": 30},
                "nick": {"type": "string"},
            }
        }));
        let declined = Elicitation::Decline.answer(&question);
        assert_eq!((declined.action, declined.content), (ElicitationAction::Decline, None));
        let filled = Elicitation::FillIn.answer(&question);
        assert_eq!(filled.action, ElicitationAction::Accept);
        assert_eq!(filled.content, Some(json!({"name": "Ann", "age": 30})));
    }

    #[test]
    fn sampling_is_refused_and_there_are_no_roots() {
        let questions: InputRequests = serde_json::from_value(json!({
            "r": {"method": "roots/list"},
        }))
        .unwrap();
        let answers = Elicitation::FillIn.answer_all(questions).unwrap();
        assert_eq!(answers["r"]["roots"], json!([]));
        let questions: InputRequests = serde_json::from_value(json!({
            "s": {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}},
        }))
        .unwrap();
        assert_eq!(Elicitation::FillIn.answer_all(questions).unwrap_err().code, ErrorCode::METHOD_NOT_FOUND);
    }
}
