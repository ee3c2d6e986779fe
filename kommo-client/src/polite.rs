//! The parts of this client's manners that have nothing of Kommo in them, for whoever writes a client of another API
//! beside it.
//!
//! ```
//! use std::time::Duration;
//! use kommo_client::polite::{RetryBudget, jitter, retry_after};
//!
//! let budget = RetryBudget::new();
//! budget.earn();
//! assert!(budget.spend());
//! assert!(jitter(Duration::from_secs(8)) < Duration::from_secs(8));
//! assert_eq!(retry_after("42", None), Duration::from_secs(42));
//! ```

pub use crate::{
    chance::up_to as jitter, problem::wait as retry_after, retry::Budget as RetryBudget,
};
