//! The `ollama` provider: its native chat API.
