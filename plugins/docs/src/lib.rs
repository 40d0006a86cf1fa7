//! The `docs` tools: a folder of Markdown, such as a team's runbooks, that a
//! model can search and read, with citations.
//!
//! `search` ranks the sections of all documents by BM25; headings weigh more
//! than text. `read` gives lines of one document. Both cite as `path#L12`.
//!
//! Nothing is kept between calls: each reads the folder anew, within bounds
//! (`folder::Limits`), and says what it left out. Links are not followed, and
//! only documents that were found by walking can be read, so that no path that
//! a model makes up leads anywhere. Knows nothing of the host:
//! [`folder::Folder`] is all that it asks.

#[cfg(not(target_arch = "wasm32"))]
pub mod fake;
pub mod folder;
#[cfg(target_arch = "wasm32")]
mod guest;
mod rank;
mod section;
mod tools;
mod words;

pub use tools::{call, tools};
