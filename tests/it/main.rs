//! Both servers, over HTTP, through the same scenarios.

mod contract;
mod limits;
mod sales;
