//! Both servers, over HTTP, through the same scenarios.

mod basket;
mod contract;
mod life;
mod limits;
mod sales;
mod trial;
mod year;
