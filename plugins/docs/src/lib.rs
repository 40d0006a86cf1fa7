//! The `docs` tool: searches a folder of Markdown runbooks.
