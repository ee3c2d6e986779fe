use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::ErrorKind;

/// Spreads the requests of several processes that share one Kommo account, which a limiter in one of them cannot: every
/// request that has got its turn here asks for its turn among all.
///
/// Given to a client by [`Client::paced_by`](crate::Client::paced_by). Where the processes share a database, one row of it
/// with the time of the next free turn is enough.
#[async_trait]
pub trait Pacer: fmt::Debug + Send + Sync + 'static {
    /// Takes the next turn, `spacing` after the one before, whoever has that, and says how long to wait for it. A turn that
    /// is not used is lost.
    ///
    /// None when nobody can tell now: it is asked again, and after a few times the request fails as
    /// [`Busy`](crate::ErrorKind::Busy) and [`NotSent`](crate::Fate::NotSent). To leave at this process's own pace could be one
    /// too many, and Kommo blocks those who go on so.
    async fn next_turn(&self, spacing: Duration) -> Option<Duration>;

    /// Returns while no request may leave, and says why: all that wait for their turn fail with that, as
    /// [`NotSent`](crate::Fate::NotSent). It never does by default.
    ///
    /// For callers that know what every request would meet, such as a token that was refused a moment ago.
    ///
    /// # Cancel safety
    ///
    /// It is dropped with every turn that comes.
    async fn closed(&self) -> ErrorKind {
        std::future::pending().await
    }
}
