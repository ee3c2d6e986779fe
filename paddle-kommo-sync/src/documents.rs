//! Where the PDFs of invoices and credit notes come from.

use async_trait::async_trait;
use paddle_webhook::Environment;

use crate::{error::DocumentError, plan::Document};

/// Gives the PDFs of Paddle's invoices and credit notes; [`paddle::Client`](crate::paddle::Client) fetches them.
///
/// # Cancel safety
///
/// The future may be dropped at any point.
#[async_trait]
pub trait DocumentSource: std::fmt::Debug + Send + Sync + 'static {
    /// The document, whole. Asked anew at every attempt: Paddle's links to PDFs end after an hour.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Missing`] when there is none, [`DocumentError::Unavailable`] when that cannot be told now.
    async fn pdf(&self, document: &Document) -> Result<Vec<u8>, DocumentError>;

    /// Whether it has the documents of this environment. By default, of both.
    fn is_for(&self, environment: Environment) -> bool {
        let _ = environment;
        true
    }
}
