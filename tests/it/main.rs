//! Both servers, over HTTP, through the same scenarios.

mod contract;
mod life;
mod limits;
mod sales;
