//! The `scripted` provider: answers from a script, with no network.
