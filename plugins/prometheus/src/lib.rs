//! The `prometheus` tools: instant and range queries.
