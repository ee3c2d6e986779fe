//! Both servers, over HTTP, through the same scenarios.

mod away;
mod backfill;
mod basket;
mod checkout;
mod contract;
mod deals;
mod documents;
mod faults_http;
mod faults_ours;
mod faults_paddle;
#[path = "../../paddle-kommo-sync/tests/it/support/faulty.rs"]
mod faulty;
mod late;
mod life;
mod limits;
mod order;
mod reconcile;
mod sales;
mod sweep;
mod tamper;
mod trial;
mod turns;
mod year;
