//! The one way out: every HTTP request that leaves, whoever asked for it.
