//! Why the model stopped.

use sickbay_plugin::{
    model_types::StopReason,
    provider::{Error, ErrorKind},
};
use sickbay_wire::text::{clean, word};

use crate::NAME;

/// The reason in our words.
///
/// # Errors
/// Where the answer is none: the model tried to call a tool and failed, or the
/// history lacks what it needs.
pub(crate) fn reason(reason: &str, message: &str) -> Result<StopReason, Error> {
    let failed = |kind| {
        let mut text = format!("`{NAME}` ended its answer with `{}`", word(reason).unwrap_or_default());
        if !message.is_empty() {
            text.push_str(": ");
            text.push_str(&clean(message, 300));
        }
        Err(Error { code: reason.to_owned(), ..Error::new(kind, text) })
    };
    match reason {
        // The last one is not the API's; some servers name the end of a call so.
        "STOP" | "FINISH_REASON_UNSPECIFIED" | "FUNCTION_CALL" => Ok(StopReason::EndTurn),
        // The second one could be gone on with; what there is, is there.
        "MAX_TOKENS" | "CONTINUATION" => Ok(StopReason::MaxTokens),
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR"
        | "JAILBREAK" => Ok(StopReason::Refusal),
        // Another try may do better.
        "MALFORMED_FUNCTION_CALL" | "MALFORMED_RESPONSE" | "UNEXPECTED_TOOL_CALL" => {
            failed(ErrorKind::Unavailable)
        }
        "MISSING_THOUGHT_SIGNATURE" => failed(ErrorKind::InvalidInput),
        _ => Ok(StopReason::Other),
    }
}
