//! The `openai` provider: Chat Completions, for every compatible server.
