//! Errors of the engine and its store.

use std::error::Error as StdError;

/// The store did not do what was asked. Nothing was changed, except that a connection which is lost at the very end of a
/// change leaves open whether it was made: doing it again is harmless.
///
/// A webhook endpoint that gets one answers 503, so that Paddle delivers again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The lane was claimed by somebody else meanwhile: drop the work, it is theirs.
    #[error("the lane is held by a newer claim")]
    LeaseLost,
    /// What is known of an entity changed between reading and writing: read again and decide again.
    #[error("what is known of an entity changed meanwhile")]
    Conflict,
    /// The file or database cannot be used as it is. The text says why; start again after mending it.
    #[error("the store cannot be used: {0}")]
    Unusable(String),
    /// A stored row cannot be understood. It was written by another version, or the file is damaged.
    #[error("a stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The database cannot be relied on any more: an fsync failed, or a page that was read is damaged. Nobody knows what
    /// is on disk, so every later call fails with this as well. End the process; the next start checks the file.
    #[error("the database cannot be relied on until it is opened anew: {0}")]
    Broken(String),
    /// The database failed, and may work again by itself: full disk, lost connection, locked file.
    #[error("the database failed")]
    Database(#[source] Box<dyn StdError + Send + Sync>),
}

/// A [`CustomerLookup`](crate::CustomerLookup) or a [`TransactionLookup`](crate::paddle::TransactionLookup) cannot tell now.
#[derive(Debug, thiserror::Error)]
#[error("the look-up failed")]
pub struct LookupError(#[source] Box<dyn StdError + Send + Sync>);

impl LookupError {
    /// With what went wrong. Its text is logged, so it must hold no address.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// A [`DocumentSource`](crate::DocumentSource) does not give the document. The text of the cause is logged, so it must hold
/// no link and nothing personal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// There is none, or it is of no use. It may come yet: after some attempts the event is parked.
    #[error("there is no such document")]
    Missing(#[source] Box<dyn StdError + Send + Sync>),
    /// It cannot be fetched now; the event waits and tries again for as long as it takes.
    #[error("the document cannot be fetched now")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

impl DocumentError {
    /// There is none, and why.
    pub fn missing(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Missing(cause.into())
    }

    /// It cannot be fetched now, and why.
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }
}
