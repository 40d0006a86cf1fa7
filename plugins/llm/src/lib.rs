//! The `llm` diagnosis strategy: a model reads one bounded snapshot.
