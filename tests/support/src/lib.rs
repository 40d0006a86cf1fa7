//! What the tests of several areas share: guests built from `tests/guests`,
//! components written as text, an engine, and an outside that does as told.

pub mod calls;
pub mod examples;
pub mod guests;
pub mod memory;
pub mod outside;
pub mod recording;
pub mod wat;

pub use calls::{context, engine, limits, loaded};
pub use guests::guest;
pub use outside::FakeOutside;
pub use recording::Recording;
