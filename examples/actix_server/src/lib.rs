//! The smallest honest embedding of [`paddle_kommo_sync::Sync`]: one route in an actix-web application.

pub mod app;
