//! Links to PDFs, and the PDFs.

use std::fmt;

use async_trait::async_trait;
use paddle_webhook::Environment;
use serde::Deserialize;
use url::{Host, Url};

use super::{
    client::Client,
    error::{Error, ErrorKind},
};
use crate::{documents::DocumentSource, error::DocumentError, plan::Document};

/// Where a PDF can be fetched for an hour, by anybody who has the link: it does not print.
#[derive(Clone, Deserialize)]
pub struct DocumentLink {
    url: String,
}

impl DocumentLink {
    /// The link, at a storage host of Paddle's choice: do not send the API key there.
    /// [`Client::download`](super::Client::download) follows it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The link, if it leads to where Paddle keeps its documents: `https`, at a host of Paddle's or in a bucket of Paddle's
    /// (as in the examples of `GET /transactions/{id}/invoice` at developer.paddle.com). Of an API on this machine, which
    /// is a test, the documents are there too.
    pub(super) fn trusted(&self, api: &Url) -> Result<Url, Error> {
        let url = Url::parse(&self.url)
            .map_err(|_| Error::decode("the link to the document is not an address"))?;
        let plain = url.username().is_empty() && url.password().is_none();
        let paddles = |host: &str| {
            host.ends_with(".paddle.com")
                || (host.starts_with("paddle-") && host.ends_with(".amazonaws.com"))
        };
        let trusted = match url.host() {
            _ if api.scheme() == "http" => url.origin() == api.origin(),
            Some(Host::Domain(host)) => {
                url.scheme() == "https" && url.port().is_none() && paddles(host)
            }
            _ => false,
        };
        match plain && trusted {
            true => Ok(url),
            false => Err(Error::decode("the link to the document leads to a foreign host")),
        }
    }
}

impl fmt::Debug for DocumentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DocumentLink([redacted])")
    }
}

#[async_trait]
impl DocumentSource for Client {
    async fn pdf(&self, document: &Document) -> Result<Vec<u8>, DocumentError> {
        // What a deal waits for goes first.
        let client = self.in_background();
        let link = match document {
            Document::Invoice(transaction) => client.transactions().invoice_pdf(transaction).await,
            Document::CreditNote(adjustment) => {
                client.adjustments().credit_note_pdf(adjustment).await
            }
        };
        let pdf = match link {
            Ok(link) => client.download(&link).await,
            Err(error) => Err(error),
        };
        pdf.map_err(|error| match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::Refused
            | ErrorKind::Forbidden
            | ErrorKind::Redirect
            | ErrorKind::Decode
            | ErrorKind::TooLarge
            | ErrorKind::InvalidRequest => DocumentError::missing(error),
            _ => DocumentError::unavailable(error),
        })
    }

    fn is_for(&self, environment: Environment) -> bool {
        self.environment() == environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_paddles_storage_or_nowhere() {
        let live = Url::parse("https://api.paddle.com").unwrap();
        let local = Url::parse("http://127.0.0.1:4000").unwrap();
        for (url, api, want) in [
            (
                "https://paddle-production-invoice-service-pdfs.s3.amazonaws.com/invoices/1/a.pdf?X-Amz-Expires=3600",
                &live,
                true,
            ),
            ("https://paddle-sandbox-pdfs.s3.eu-west-1.amazonaws.com/a.pdf", &live, true),
            ("https://documents.paddle.com/a.pdf", &live, true),
            ("http://documents.paddle.com/a.pdf", &live, false),
            ("https://documents.paddle.com:8443/a.pdf", &live, false),
            ("https://me@documents.paddle.com/a.pdf", &live, false),
            ("https://documents.paddle.com.evil.example/a.pdf", &live, false),
            ("https://evilpaddle.com/a.pdf", &live, false),
            ("https://paddle-pdfs.s3.amazonaws.com.evil.example/a.pdf", &live, false),
            ("https://evil.s3.amazonaws.com/paddle-/a.pdf", &live, false),
            ("https://169.254.169.254/latest/meta-data", &live, false),
            ("http://127.0.0.1:4000/a.pdf", &live, false),
            ("file:///etc/passwd", &live, false),
            ("a.pdf", &live, false),
            ("http://127.0.0.1:4000/a.pdf", &local, true),
            ("http://127.0.0.1:4001/a.pdf", &local, false),
            ("https://documents.paddle.com/a.pdf", &local, false),
        ] {
            let link = DocumentLink { url: url.to_owned() };
            let trusted = link.trusted(api);
            assert_eq!(trusted.is_ok(), want, "{url}");
            if let Err(error) = trusted {
                let said = format!("{error:?} {error} {link:?}");
                assert!(!said.contains("a.pdf"), "{said}");
            }
        }
    }
}
