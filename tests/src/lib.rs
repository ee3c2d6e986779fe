//! What the end-to-end tests share: a fake Kommo with one open deal, a server in front of it, signed deliveries, and
//! somebody who looks at the deal.

pub mod bodies;
mod clock;
mod rep;
mod server;
pub mod story;
mod world;

pub use self::{
    clock::AheadClock,
    rep::Rep,
    server::{Kind, Parts, Server},
    story::Story,
    world::{ADMIN_TOKEN, CLIENT_TOKEN, HOOK_SECRET, LEAD, SECRET, Setup, World, signature},
};
