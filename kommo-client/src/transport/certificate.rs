//! Whether a connection failed for the certificate of the other side.

use std::{error::Error as StdError, io};

/// The cause is deep inside, and an [`io::Error`] on the way hides the one it was made of from
/// [`source`](StdError::source).
pub(super) fn is_at_fault(error: &(dyn StdError + 'static)) -> bool {
    let hidden = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    tells(error)
        || hidden.is_some_and(|hidden| is_at_fault(hidden))
        || error.source().is_some_and(is_at_fault)
}

#[cfg(feature = "rustls")]
fn tells(error: &(dyn StdError + 'static)) -> bool {
    use rustls::Error;

    let error = error.downcast_ref::<Error>();
    matches!(error, Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented))
}

#[cfg(not(feature = "rustls"))]
fn tells(_: &(dyn StdError + 'static)) -> bool {
    false
}
