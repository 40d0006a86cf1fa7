//! MCP servers as tools.
