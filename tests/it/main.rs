//! Both servers, over HTTP, through the same scenarios.

mod basket;
mod contract;
mod deals;
mod life;
mod limits;
mod sales;
mod tamper;
mod trial;
mod year;
