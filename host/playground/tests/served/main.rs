//! The playground's API server, asked over a real socket.

mod client;
mod patches;
mod reads;
mod recorded;
mod shop;
mod subresources;
mod watches;
mod writes;
