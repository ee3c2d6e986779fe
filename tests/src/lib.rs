//! What the end-to-end tests share: a fake Kommo with one open deal, a server in front of it, and signed deliveries.

pub mod bodies;
mod server;
mod story;
mod world;

pub use self::{
    server::{Kind, Server},
    story::Story,
    world::{ADMIN_TOKEN, LEAD, SECRET, World, signature},
};
