//! A conversation at the terminal, or over pipes.
//!
//! ```text
//! Input (line editor | lines of stdin) ─> Talk ─> Session ─> model, tools
//!                                                   │ events
//!                              stdout, stderr <─ Screen | EventLines
//! ```
//!
//! Answers go to stdout, everything else to stderr. What a model or a tool
//! says is cleaned piece by piece, so that none of it can steer the terminal.

mod command;
mod editor;
mod event_lines;
mod input;
mod lines;
mod screen;
mod stopping;
mod talk;

pub(crate) use self::{
    event_lines::EventLines,
    input::{Input, LineEditor},
    screen::{Answers, Screen},
    stopping::{AsItWas, Stopping},
    talk::{Left, Manner, Talk},
};
