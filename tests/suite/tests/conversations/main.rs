//! Conversations through the library's face, with a model that the test
//! drives by hand: tools, approvals, limits, crashes, replays, agents.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on has failed")]

mod approvals;
mod crashes;
mod limits;
mod stage;
mod stages;
mod stages_crash;
mod stages_mcp;
mod turns;
