//! Write Sickbay plugins in Rust.
