//! The `http-get` tool: reads one granted address.
