//! The `openai-responses` provider: the Responses API.
